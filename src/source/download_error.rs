//! Why a file did not come.

use super::session::SessionError;
use super::token_error::TokenError;
use crate::http::HttpError;

/// A file that could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DownloadError {
    /// The request failed, after all the retries that make sense.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The file is not there any more (403, 404, 410): a fresh manifest may have a fresh address.
    #[error("the file {url} has expired or was withdrawn ({status})")]
    Expired {
        /// The URL, redacted.
        url: String,
        /// The status.
        status: u16,
    },
    /// Not let in, even with a new token.
    #[error("the file {url} was refused (401){}", if *.withheld { ": no token was sent, for it is not the EHR's own host" } else { "" })]
    Unauthorized {
        /// The URL, redacted.
        url: String,
        /// True if the token was kept back.
        withheld: bool,
    },
    /// Nothing, where the manifest promised something.
    #[error("the file {url} is empty, but the manifest promised {count} records")]
    Empty {
        /// The URL, redacted.
        url: String,
        /// The promise.
        count: u64,
    },
    /// A web page instead of data.
    #[error("the file {url} is a web page, not records")]
    WebPage {
        /// The URL, redacted.
        url: String,
    },
    /// An encoding that nobody asked for.
    #[error("the file {url} comes in the encoding \"{encoding}\", which was not asked for")]
    Encoding {
        /// The URL, redacted.
        url: String,
        /// The encoding.
        encoding: String,
    },
    /// Different at every attempt.
    #[error("the file {url} changed under the download {times} times")]
    KeepsChanging {
        /// The URL, redacted.
        url: String,
        /// How often.
        times: u32,
    },
    /// Whoever was to take the bytes has stopped.
    #[error("the receiver of the bytes stopped")]
    SinkStopped,
}

impl DownloadError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Session(error) => return error.hint(),
            Self::Expired { .. } => {
                "fetch the manifest again; if the file stays away, ask for a new export"
            }
            Self::Unauthorized { withheld: true, .. } => {
                "trust that host explicitly if the EHR's operators confirm that it takes the same token"
            }
            Self::Unauthorized { .. } => {
                "check the granted scopes: they must cover the type of this file"
            }
            Self::Empty { .. } => {
                "ask the EHR's operators; the export may have been cleaned up while it was downloaded"
            }
            Self::WebPage { .. } => {
                "a proxy or a login page may stand in between; open the address's host in a browser to see"
            }
            Self::Encoding { .. } => {
                "tell the EHR's operators; a proxy may re-encode files on the way"
            }
            Self::KeepsChanging { .. } => "wait until the export has really ended, then run again",
            Self::SinkStopped => return None,
        };
        Some(hint.to_owned())
    }

    /// True if a fresh manifest may help (Bulk Data, Response - Error, of the output file request).
    pub fn wants_fresh_manifest(&self) -> bool {
        matches!(self, Self::Expired { .. })
    }

    /// True if somebody stopped it.
    pub fn is_cancelled(&self) -> bool {
        matches!(self, Self::Session(error) if error.is_cancelled())
    }
}

impl From<HttpError> for DownloadError {
    fn from(error: HttpError) -> Self {
        Self::Session(error.into())
    }
}

impl From<TokenError> for DownloadError {
    fn from(error: TokenError) -> Self {
        Self::Session(error.into())
    }
}
