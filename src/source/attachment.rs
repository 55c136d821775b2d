//! Attachments by URL, fetched as `Binary` resources (Bulk Data, Attachments).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::manifest::Access;
use super::session::{Session, SessionError, TokenUse};
use crate::fhir::push_with_id;
use crate::http::{Answer, Call, HttpError, redact_url};

/// What may stand before and behind the base64 of a document that came raw, in bytes: id, media type and punctuation.
const AROUND: usize = 8 * 1024;

/// An attachment as one line of NDJSON.
#[derive(Clone, PartialEq, Eq)]
pub struct BinaryLine {
    /// The id of the `Binary`: the server's own or, where there is none, one made of the content's hash.
    pub id: String,
    /// The resource as JSON with a line feed at its end and no other line break. Bytes that came raw are wrapped in base64.
    pub line: Vec<u8>,
}

/// As much of an answer in JSON as tells what it is; the rest is only looked at for its form.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "resourceType")]
    resource_type: Option<Value>,
    id: Option<Value>,
}

/// That the EHR does not give a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotGiven {
    /// Of R4 issue-type.
    pub code: &'static str,
    /// What happened, without anything of the record's or the server's.
    pub sentence: String,
    /// The same with the address and the server's words.
    pub words: String,
}

impl NotGiven {
    /// A document came, under another id.
    pub fn another() -> Self {
        let sentence = "the EHR gave another document than the one asked for".to_owned();
        Self {
            code: "invalid",
            words: sentence.clone(),
            sentence,
        }
    }
}

/// An attachment that could not be fetched.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AttachmentError {
    /// The request failed.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// Not there, or not for us.
    #[error("the attachment {url} was not given ({status}){}", if *.withheld { ": no token was sent, for it is not the EHR's own host" } else { "" })]
    Refused {
        /// The URL, redacted.
        url: String,
        /// The status.
        status: u16,
        /// True if the token was kept back.
        withheld: bool,
    },
    /// Something else came.
    #[error("the attachment {url} is not a document: {what}")]
    NotADocument {
        /// The URL, redacted.
        url: String,
        /// What came, in the server's words.
        what: String,
        /// Whether the server says that it may pass.
        passing: bool,
    },
}

impl AttachmentError {
    /// What the EHR's answer says, if it is one that will be the same when it is asked again at once. What may pass by itself is none, nor is what
    /// comes from somebody on the way to the EHR.
    pub fn not_given(&self) -> Option<NotGiven> {
        let (code, sentence) = match self {
            Self::Refused {
                status: status @ (401 | 403),
                ..
            } => ("forbidden", format!("the EHR keeps the document back ({status})")),
            Self::Refused {
                status: status @ (400 | 404..=406 | 410 | 415 | 422),
                ..
            } => ("not-found", format!("the EHR does not give the document ({status})")),
            // There are EHRs that fail so at every document that is gone, whenever they are asked.
            Self::Session(SessionError::Http(HttpError::Status { status: 500, .. })) => {
                ("exception", "the EHR fails to give the document (500)".to_owned())
            }
            Self::Session(SessionError::Http(HttpError::TooLarge { limit, .. })) => (
                "too-long",
                format!("the document is larger than the {limit} bytes that are fetched"),
            ),
            Self::NotADocument { passing: false, .. } => {
                ("invalid", "the EHR gave something else than a document".to_owned())
            }
            Self::Refused { .. } | Self::Session(_) | Self::NotADocument { .. } => return None,
        };
        Some(NotGiven {
            code,
            sentence,
            words: self.to_string(),
        })
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Session(error) => return error.hint(),
            Self::Refused { withheld: true, .. } => {
                "attachments on other hosts need that host's own credentials; ask the EHR's operators"
            }
            Self::Refused { status: 401 | 403, .. } => {
                "check that the granted scopes include Binary and DocumentReference"
            }
            Self::Refused { .. } | Self::NotADocument { .. } => {
                "the document may be gone at the source; ask the practice to look at it there"
            }
        };
        Some(hint.to_owned())
    }
}

/// Fetches the document at `url` (relative ones are resolved against the EHR's base), of at most `limit` bytes as JSON. The token
/// goes along under the same rule as for files: `access` of the manifest, and only to the EHR's own origin.
pub async fn fetch_attachment(
    session: &Session,
    url: &str,
    access: Access,
    limit: usize,
    cancel: &CancellationToken,
) -> Result<BinaryLine, AttachmentError> {
    let mut base = session.base().clone();
    base.set_path(&format!("{}/", base.path().trim_end_matches('/')));
    // A fragment is a contained resource, not an address.
    let target = session.resolve(&base, url).filter(|_| !url.starts_with('#'));
    let Some(target) = target else {
        return Err(not_a_document("(unreadable)", "its address is not a URL"));
    };
    if session.base().scheme() == "https" && target.scheme() != "https" {
        return Err(SessionError::Http(HttpError::PlainHttpRefused {
            url: redact_url(&target),
        })
        .into());
    }
    let call = Call::get(target.clone()).header(ACCEPT, HeaderValue::from_static("application/fhir+json"));
    let token = if access == Access::NoToken {
        TokenUse::Never
    } else {
        TokenUse::Allowed
    };
    let mut answer = session.read(&call, token, limit, cancel).await?;
    if answer.status == 406 {
        // A plain file store knows nothing of FHIR.
        let call = Call::get(target.clone()).header(ACCEPT, HeaderValue::from_static("*/*"));
        answer = session.read(&call, token, raw_limit(limit), cancel).await?;
    }
    if !answer.is_success() {
        let withheld = token == TokenUse::Never || !session.may_carry_token(&target);
        return Err(AttachmentError::Refused {
            url: redact_url(&target),
            status: answer.status,
            withheld,
        });
    }
    line(&target, answer, limit)
}

/// How many bytes make a base64 of at most `limit` bytes.
fn raw_limit(limit: usize) -> usize {
    limit / 4 * 3
}

fn not_a_document(url: &str, what: &str) -> AttachmentError {
    AttachmentError::NotADocument {
        url: url.to_owned(),
        what: what.to_owned(),
        passing: false,
    }
}

/// The answer as a line. A document can be as large as memory is meant to be, so the bytes that came become the line where they can.
fn line(url: &Url, answer: Answer, limit: usize) -> Result<BinaryLine, AttachmentError> {
    let at = redact_url(url);
    if answer.body.is_empty() {
        return Err(not_a_document(&at, "it is empty"));
    }
    let media_type = answer.header(CONTENT_TYPE).unwrap_or("application/octet-stream").trim();
    let essence = media_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let named = binary_id(url);
    let is_json = matches!(
        essence.as_str(),
        "application/fhir+json" | "application/json" | "application/json+fhir"
    );
    // A member that is there twice is for the quarantine to tell.
    let head = |body: &[u8]| {
        serde_json::from_slice::<Head>(body).or_else(|_| serde_json::from_value(serde_json::from_slice(body)?))
    };
    if is_json && let Ok(head) = head(&answer.body) {
        match head.resource_type.as_ref().and_then(Value::as_str) {
            Some("Binary") => {
                let has_id = head.id.is_some();
                let id = head.id.as_ref().and_then(Value::as_str).map(str::to_owned);
                let id = id.or(named).unwrap_or_else(|| content_id(&answer.body));
                let mut line = Vec::from(answer.body);
                // Between tokens only: a string of JSON has none.
                line.retain(|byte| !matches!(byte, b'\n' | b'\r'));
                if !has_id {
                    let mut with = Vec::with_capacity(line.len() + AROUND);
                    push_with_id(&mut with, &line, &id);
                    line = with;
                }
                line.reserve_exact(1);
                line.push(b'\n');
                return Ok(BinaryLine { id, line });
            }
            Some("OperationOutcome") => {
                let outcome = answer.outcome();
                let passes = |code: &str| matches!(code, "transient" | "lock-error" | "timeout" | "throttled");
                return Err(AttachmentError::NotADocument {
                    url: at,
                    what: outcome.text,
                    passing: outcome.issues.iter().any(|issue| passes(&issue.code)),
                });
            }
            // A document that happens to be JSON, such as a FHIR Bundle: its bytes are the content.
            _ => {}
        }
    }
    let largest = raw_limit(limit);
    if answer.body.len() > largest {
        return Err(SessionError::Http(HttpError::TooLarge {
            url: at,
            limit: largest,
        })
        .into());
    }
    let id = named.unwrap_or_else(|| content_id(&answer.body));
    let mut line = String::with_capacity(answer.body.len().div_ceil(3) * 4 + AROUND);
    line.push_str(r#"{"resourceType":"Binary","id":"#);
    line.push_str(&Value::from(id.as_str()).to_string());
    line.push_str(r#","contentType":"#);
    line.push_str(&Value::from(media_type).to_string());
    line.push_str(r#","data":""#);
    STANDARD.encode_string(&answer.body, &mut line);
    line.push_str("\"}\n");
    Ok(BinaryLine {
        id,
        line: line.into_bytes(),
    })
}

/// The id in `.../Binary/<id>`, with or without a version behind it.
fn binary_id(url: &Url) -> Option<String> {
    let mut segments = url.path_segments()?.skip_while(|segment| *segment != "Binary").skip(1);
    let id = segments.next()?;
    let valid = (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte));
    (valid && matches!(segments.next(), None | Some("" | "_history"))).then(|| id.to_owned())
}

/// An id that the same content always gets, whatever signed URL it came from.
fn content_id(body: &[u8]) -> String {
    let sum = digest(&SHA256, body);
    let digits = sum.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .map(|digit| char::from(b"0123456789abcdef"[usize::from(digit)]))
        .collect()
}

#[cfg(test)]
mod tests;
