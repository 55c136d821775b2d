//! The list of files at the end of an export (Bulk Data, Complete Status), in the published and the coming dialect.

use std::collections::HashSet;
use std::fmt;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

use crate::http::{Outcome, redact_url};

/// A manifest, or one page of it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// `transactionTime`, verbatim: the `_since` of the next run. Absent only if the server left it out.
    pub transaction_time: Option<String>,
    /// What `requiresAccessToken` says.
    pub access: Access,
    /// `request`, as the server understood it.
    pub request: Option<String>,
    /// `outputOrganizedBy`; an empty one counts as absent.
    pub organized_by: Option<String>,
    /// All files, in the server's order: output, then deleted, then outcomes.
    pub files: Vec<OutputFile>,
    /// The next page, from `link`.
    pub next: Option<Url>,
    /// When the files expire, from the `Expires` header.
    pub expires: Option<SystemTime>,
    /// What was odd.
    pub notes: Vec<ManifestNote>,
    /// The document as received.
    pub raw: String,
}

/// Whether files need the token (`requiresAccessToken`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Access {
    /// The token must be sent.
    Token,
    /// No token may be sent.
    NoToken,
    /// Not said: the token goes to our own origin only.
    Unknown,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FileKind {
    /// Resources.
    Output,
    /// Transaction Bundles that delete.
    Deleted,
    /// `OperationOutcome`s about the export.
    Outcome,
}

/// One file to download.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputFile {
    /// Where it is; not to be shown unredacted.
    pub url: Url,
    /// What it holds.
    pub kind: FileKind,
    /// The resource type; absent in organized output and in the coming dialect's lists.
    pub resource_type: Option<String>,
    /// Lines, if the server counted. Only a claim.
    pub count: Option<u64>,
    /// Bytes, if the server measured. Only a claim.
    pub file_size: Option<u64>,
    /// `continuesInFile`: the URL of the file in which the last block goes on.
    pub continues_in: Option<String>,
    /// Whether it needs the token.
    pub access: Access,
}

/// Something odd in a manifest that a person should see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ManifestNote {
    /// A file listed twice.
    #[error("the manifest lists {url} twice; it is fetched once")]
    Duplicate {
        /// The URL, redacted.
        url: String,
    },
    /// An entry that leads nowhere.
    #[error("entry {position} of \"{list}\" has no usable url, so its records cannot be fetched")]
    NoUrl {
        /// `output`, `deleted`, `error` or `outcome`.
        list: String,
        /// The position in the list, from 1.
        position: usize,
    },
    /// An entry with rules of its own.
    #[error("entry {position} of \"{list}\" carries an authorization extension that is not understood")]
    Authorization {
        /// `output`, `deleted`, `error` or `outcome`.
        list: String,
        /// The position in the list, from 1.
        position: usize,
    },
    /// No time for the next run to start from.
    #[error("the manifest has no transactionTime, so the next run cannot ask for changes only")]
    NoTransactionTime,
    /// Not said whether files need the token.
    #[error("the manifest does not say whether files need a token; it is sent to the EHR's own origin only")]
    NoAccessRule,
    /// A link to a next page that cannot be followed.
    #[error("the manifest names a next page, but its url is not usable")]
    NoNextUrl,
}

/// A body that is no manifest, or pages that lead nowhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not what was expected.
    #[error("the answer is not an export manifest: {0}")]
    NotAManifest(String),
    /// Pages that come round.
    #[error("the manifest's next page {url} was already read: its pages go in circles")]
    Loop {
        /// The URL, redacted.
        url: String,
    },
    /// Pages without end.
    #[error("the manifest has more than {0} pages")]
    TooManyPages(usize),
}

impl ManifestError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::NotAManifest(what) if what == "it is empty" => {
                "some servers answer so for any unknown address: check the base address and the status URL"
            }
            Self::NotAManifest(_) => "ask the EHR's operators what its status URL answers; the job itself may be fine",
            Self::Loop { .. } | Self::TooManyPages(_) => {
                "tell the EHR's operators; the files listed so far can still be fetched"
            }
        };
        Some(hint.to_owned())
    }
}

impl Manifest {
    /// Reads a manifest tolerantly; `resolve` turns its addresses, absolute or relative to the status URL, into URLs.
    pub fn parse(body: &[u8], resolve: &dyn Fn(&str) -> Option<Url>) -> Result<Self, ManifestError> {
        let not_a = |what: &str| Err(ManifestError::NotAManifest(what.to_owned()));
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        if body.trim_ascii().is_empty() {
            return not_a("it is empty");
        }
        let Ok(raw) = std::str::from_utf8(body) else {
            return not_a("it is not UTF-8 text");
        };
        let Ok(json) = serde_json::from_str::<Value>(raw) else {
            let words = Outcome::read(body).text;
            return not_a(if words.is_empty() { "it is not JSON" } else { &words });
        };
        if !json["output"].is_array() && !json["transactionTime"].is_string() {
            let words = Outcome::read(body).text;
            return not_a(if words.is_empty() {
                "it has neither output nor transactionTime"
            } else {
                &words
            });
        }

        let text = |name: &str| json[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let mut notes = Vec::new();
        let access = match &json["requiresAccessToken"] {
            Value::Bool(true) => Access::Token,
            Value::Bool(false) => Access::NoToken,
            Value::String(text) if text.eq_ignore_ascii_case("true") => Access::Token,
            Value::String(text) if text.eq_ignore_ascii_case("false") => Access::NoToken,
            _ => {
                notes.push(ManifestNote::NoAccessRule);
                Access::Unknown
            }
        };
        let transaction_time = text("transactionTime");
        if transaction_time.is_none() {
            notes.push(ManifestNote::NoTransactionTime);
        }
        let mut reader = Reader {
            resolve,
            access,
            seen: HashSet::new(),
            files: Vec::new(),
            notes,
        };
        reader.list(&json, "output", FileKind::Output);
        reader.list(&json, "deleted", FileKind::Deleted);
        reader.list(&json, "error", FileKind::Outcome);
        reader.list(&json, "outcome", FileKind::Outcome);
        let next = reader.next_page(&json);
        Ok(Self {
            transaction_time,
            access,
            request: text("request"),
            organized_by: text("outputOrganizedBy"),
            files: reader.files,
            next,
            expires: None,
            notes: reader.notes,
            raw: raw.to_owned(),
        })
    }
}

/// Without the document and without signatures: both grant access to records.
impl fmt::Debug for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manifest")
            .field("transaction_time", &self.transaction_time)
            .field("access", &self.access)
            .field("files", &self.files)
            .field("next", &self.next.as_ref().map(redact_url))
            .field("notes", &self.notes)
            .finish_non_exhaustive()
    }
}

/// With its URL redacted, for a signature in it grants access to records.
impl fmt::Debug for OutputFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputFile")
            .field("url", &redact_url(&self.url))
            .field("kind", &self.kind)
            .field("resource_type", &self.resource_type)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

struct Reader<'a> {
    resolve: &'a dyn Fn(&str) -> Option<Url>,
    access: Access,
    seen: HashSet<(FileKind, Url)>,
    files: Vec<OutputFile>,
    notes: Vec<ManifestNote>,
}

impl Reader<'_> {
    fn list(&mut self, json: &Value, list: &str, kind: FileKind) {
        let entries = json[list].as_array().map(Vec::as_slice).unwrap_or_default();
        for (index, entry) in entries.iter().enumerate() {
            let position = index + 1;
            let Some(url) = entry["url"]
                .as_str()
                .filter(|url| !url.trim().is_empty())
                .and_then(self.resolve)
            else {
                self.notes.push(ManifestNote::NoUrl {
                    list: list.to_owned(),
                    position,
                });
                continue;
            };
            if !entry["extension"].is_null() && entry["extension"].to_string().to_ascii_lowercase().contains("authoriz")
            {
                self.notes.push(ManifestNote::Authorization {
                    list: list.to_owned(),
                    position,
                });
            }
            if !self.seen.insert((kind, url.clone())) {
                self.notes.push(ManifestNote::Duplicate { url: redact_url(&url) });
                continue;
            }
            let text = |name: &str| entry[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
            self.files.push(OutputFile {
                url,
                kind,
                resource_type: text("type"),
                count: whole_number(&entry["count"]),
                file_size: whole_number(&entry["fileSize"]),
                continues_in: text("continuesInFile"),
                access: self.access,
            });
        }
    }

    fn next_page(&mut self, json: &Value) -> Option<Url> {
        let links = json["link"].as_array().map(Vec::as_slice).unwrap_or_default();
        let link = links.iter().find(|link| link["relation"] == "next")?;
        let next = link["url"].as_str().and_then(self.resolve);
        if next.is_none() {
            self.notes.push(ManifestNote::NoNextUrl);
        }
        next
    }
}

/// A count as a number or a text.
fn whole_number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.trim().parse().ok())
}

/// Follows `link[next]` from page to page and notices circles.
#[derive(Debug, Clone)]
pub struct PageWalk {
    visited: HashSet<Url>,
}

impl PageWalk {
    /// More pages than this are a fault.
    const MOST: usize = 10_000;

    /// A walk that begins at the status URL.
    pub fn from(first: Url) -> Self {
        Self {
            visited: HashSet::from([first]),
        }
    }

    /// The URL of the page after this one, to be polled like the status URL; nothing after the last.
    pub fn after(&mut self, page: &Manifest) -> Result<Option<Url>, ManifestError> {
        let Some(next) = &page.next else {
            return Ok(None);
        };
        if self.visited.len() >= Self::MOST {
            return Err(ManifestError::TooManyPages(Self::MOST));
        }
        if !self.visited.insert(next.clone()) {
            return Err(ManifestError::Loop { url: redact_url(next) });
        }
        Ok(Some(next.clone()))
    }
}

#[cfg(test)]
#[path = "manifest_tests.rs"]
mod tests;
