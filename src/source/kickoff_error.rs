//! Why an export did not start.

use std::time::Duration;

use super::session::SessionError;
use crate::http::HttpError;

/// A kickoff that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KickoffError {
    /// The request could not be made.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The request was sent, but no answer came.
    #[error("the kickoff was sent, but the answer did not arrive: {0}")]
    Unclear(HttpError),
    /// A patient list makes no sense there.
    #[error("a list of patients cannot be combined with a system-level export")]
    PatientsAtSystemLevel,
    /// No such group.
    #[error("the EHR has no Group \"{group}\"{}", colon(.words))]
    GroupNotFound {
        /// The id.
        group: String,
        /// The server's words; may be empty.
        words: String,
    },
    /// Another export runs, or it is too soon.
    #[error("the EHR is busy with another export, or it is too soon for one{}", colon(.words))]
    Busy {
        /// What `Retry-After` asked for, unclamped.
        retry_after: Option<Duration>,
        /// The server's words; may be empty.
        words: String,
    },
    /// Refused.
    #[error("the EHR rejected the export with {status}{}", colon(.words))]
    Rejected {
        /// The HTTP status.
        status: u16,
        /// The server's words; may be empty.
        words: String,
        /// The words are about `_type`: the export could be asked for again without it, by a person's leave.
        about_types: bool,
    },
    /// Accepted, but nobody knows where it runs.
    #[error("the EHR answered {status}, but did not say where the export's status is (Content-Location){}", colon(.words))]
    NoStatusUrl {
        /// The HTTP status.
        status: u16,
        /// The server's words; may be empty.
        words: String,
    },
}

impl KickoffError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Session(error) => return error.hint(),
            Self::Unclear(_) => {
                "the EHR may have started the job: ask its operators, or wait and try again (many refuse a second one while it runs)"
            }
            Self::PatientsAtSystemLevel => "export at Patient or Group level",
            Self::GroupNotFound { .. } => {
                "check the Group id with the practice (in eClinicalWorks: the group must be moved to Enabled), and that the base address has the right practice code"
            }
            Self::Busy { .. } => {
                "wait until the running export has ended; some EHRs allow one export of a group in 24 hours"
            }
            Self::Rejected {
                about_types: true, ..
            } => {
                "the EHR may not support _type, or not these types: ask without it, or with fewer types"
            }
            Self::Rejected {
                status: 401 | 403, ..
            } => {
                "check the granted scopes (Group.read included), that the practice has activated the app, and the Group id: some EHRs answer so for an unknown one"
            }
            Self::Rejected {
                status: 500..=599, ..
            } => {
                "the EHR failed; wait, then try again, and if it stays so show this to its operators"
            }
            Self::Rejected { .. } => {
                "compare the request shown before with what the EHR supports; leave out what is optional (_typeFilter, _elements, _since)"
            }
            Self::NoStatusUrl { status: 200, words } if words.is_empty() => {
                "some servers answer 200 with nothing for any unknown address: check the base address, and that this EHR has bulk export"
            }
            Self::NoStatusUrl { .. } => {
                "check the base address; if it is right, a proxy may drop the Content-Location header"
            }
        };
        Some(hint.to_owned())
    }
}

fn colon(words: &str) -> String {
    if words.is_empty() {
        String::new()
    } else {
        format!(": {words}")
    }
}
