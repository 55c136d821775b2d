//! Attachments by URL, fetched as `Binary` resources (Bulk Data, Attachments).

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::manifest::Access;
use super::session::{Session, SessionError, TokenUse};
use crate::http::{Answer, Call, HttpError, Outcome, redact_url};

/// An attachment as one line of NDJSON.
#[derive(Clone, PartialEq, Eq)]
pub struct BinaryLine {
    /// The id of the `Binary`: the server's own or, where there is none, one made of the content's hash.
    pub id: String,
    /// The resource as JSON, without line breaks. Bytes that came raw are wrapped in base64.
    pub json: String,
    /// True if the bytes came raw and were wrapped.
    pub wrapped: bool,
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
    },
}

impl AttachmentError {
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

/// Fetches the document at `url` (relative ones are resolved against the EHR's base), of at most `limit` bytes. The token goes
/// along under the same rule as for files: `access` of the manifest, and only to the EHR's own origin.
pub async fn fetch_attachment(
    session: &Session,
    url: &str,
    access: Access,
    limit: usize,
    cancel: &CancellationToken,
) -> Result<BinaryLine, AttachmentError> {
    let mut base = session.base().clone();
    base.set_path(&format!("{}/", base.path().trim_end_matches('/')));
    let not_a_document = |url: &str, what: &str| AttachmentError::NotADocument {
        url: url.to_owned(),
        what: what.to_owned(),
    };
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
        answer = session.read(&call, token, limit, cancel).await?;
    }
    if !answer.is_success() {
        let withheld = token == TokenUse::Never || !session.may_carry_token(&target);
        return Err(AttachmentError::Refused {
            url: redact_url(&target),
            status: answer.status,
            withheld,
        });
    }
    line(&target, &answer).map_err(|what| not_a_document(&redact_url(&target), &what))
}

fn line(url: &Url, answer: &Answer) -> Result<BinaryLine, String> {
    if answer.body.is_empty() {
        return Err("it is empty".to_owned());
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
    if is_json && let Ok(json) = serde_json::from_slice::<Value>(&answer.body) {
        match json["resourceType"].as_str() {
            Some("Binary") => {
                let id = json["id"]
                    .as_str()
                    .map(str::to_owned)
                    .or(named)
                    .unwrap_or_else(|| content_id(&answer.body));
                let mut json = json;
                if json["id"].is_null() {
                    json["id"] = Value::String(id.clone());
                }
                return Ok(BinaryLine {
                    id,
                    json: json.to_string(),
                    wrapped: false,
                });
            }
            Some("OperationOutcome") => return Err(Outcome::read(&answer.body).text),
            // A document that happens to be JSON, such as a FHIR Bundle: its bytes are the content.
            _ => {}
        }
    }
    let id = named.unwrap_or_else(|| content_id(&answer.body));
    let json =
        json!({"resourceType": "Binary", "id": id, "contentType": media_type, "data": STANDARD.encode(&answer.body)});
    Ok(BinaryLine {
        json: json.to_string(),
        id,
        wrapped: true,
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
mod tests {
    use super::*;
    use crate::http::test_server::{Seen, TestServer, answer, quick_http};

    async fn get(
        path: &str,
        script: impl Fn(&Seen) -> axum::http::Response<axum::body::Body> + Send + Sync + 'static,
    ) -> Result<BinaryLine, AttachmentError> {
        let server = TestServer::start(script).await;
        let (http, ..) = quick_http();
        let session = Session::new(http, server.at("/fhir"), None);
        fetch_attachment(&session, path, Access::Token, 1000, &CancellationToken::new()).await
    }

    #[tokio::test]
    async fn b81_a_binary_resource_is_kept_with_its_own_id_on_one_line() {
        let body =
            "{\n \"resourceType\":\"Binary\",\n \"id\":\"b7\", \"contentType\":\"text/plain\", \"data\":\"aGk=\"\n}";
        let line = get("Binary/b7", move |seen| {
            assert_eq!(
                (seen.target.as_str(), seen.header("accept")),
                ("/fhir/Binary/b7", Some("application/fhir+json"))
            );
            answer(200, &[("content-type", "application/fhir+json;charset=utf-8")], body)
        })
        .await
        .unwrap();
        assert_eq!((line.id.as_str(), line.wrapped), ("b7", false));
        assert_eq!(
            line.json,
            r#"{"resourceType":"Binary","id":"b7","contentType":"text/plain","data":"aGk="}"#
        );
    }

    #[tokio::test]
    async fn b81_raw_bytes_are_wrapped_as_a_binary() {
        let pdf = |seen: &Seen| {
            if seen.header("accept") == Some("*/*") {
                answer(200, &[("content-type", "application/pdf")], "%PDF")
            } else {
                answer(406, &[], "")
            }
        };
        let line = get("Binary/b7/_history/1", pdf).await.unwrap();
        assert_eq!(
            line.json,
            r#"{"resourceType":"Binary","id":"b7","contentType":"application/pdf","data":"JVBERg=="}"#
        );
        let unnamed = get("/files/scan.pdf?sig=1", pdf).await.unwrap();
        assert_eq!(unnamed.id, get("/files/scan.pdf?sig=2", pdf).await.unwrap().id);
        assert_eq!(unnamed.id.len(), 64);
    }

    #[tokio::test]
    async fn what_is_no_document_is_an_error() {
        let outcome = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found","diagnostics":"gone"}]}"#;
        let error = get("Binary/b7", move |_| {
            answer(200, &[("content-type", "application/fhir+json")], outcome)
        })
        .await
        .err()
        .unwrap();
        assert!(error.to_string().ends_with("gone"), "{error}");
        assert!(get("Binary/b7", |_| answer(200, &[], "")).await.is_err());
        assert!(matches!(
            get("Binary/b7", |_| answer(404, &[], "")).await,
            Err(AttachmentError::Refused { status: 404, .. })
        ));
        let large = get("Binary/b7", |_| answer(200, &[], vec![0; 1001])).await;
        assert!(matches!(
            large,
            Err(AttachmentError::Session(SessionError::Http(HttpError::TooLarge { .. })))
        ));
    }
}
