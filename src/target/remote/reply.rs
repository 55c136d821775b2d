//! What a server answers to each entry of a batch. The status of the whole proves nothing (R4 http, section "batch/transaction response").

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::http::Outcome;

/// What became of one entry.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Reply {
    /// The HTTP status; 0 where the server said none.
    pub status: u16,
    /// Id of the record, if the answer says it.
    pub id: Option<String>,
    /// Version of the record, if the answer says it.
    pub version: Option<String>,
    /// The server's words, fit to be shown; empty if there are none.
    pub words: String,
    /// What was read or found.
    pub found: Vec<Found>,
}

/// A record of the server's.
#[derive(Clone, PartialEq, Eq)]
pub struct Found {
    /// Its id.
    pub id: String,
    /// Its version, where the server names versions.
    pub version: Option<String>,
    /// Its JSON as sent: a part of the answer, not a copy.
    pub record: Bytes,
}

/// Why the answer to a batch tells nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer is not a Bundle of responses")]
pub struct ReplyError;

#[derive(Deserialize)]
struct Bundle<'a> {
    #[serde(rename = "resourceType")]
    resource_type: &'a str,
    #[serde(borrow, default)]
    entry: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(default)]
    response: Option<Response<'a>>,
    #[serde(borrow, default)]
    resource: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(default)]
    status: String,
    #[serde(default)]
    location: Option<String>,
    #[serde(default)]
    etag: Option<String>,
    #[serde(borrow, default)]
    outcome: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "resourceType", default)]
    resource_type: String,
    #[serde(default)]
    id: String,
    #[serde(default)]
    meta: Meta,
}

#[derive(Deserialize, Default)]
struct Meta {
    #[serde(rename = "versionId", default)]
    version_id: Option<String>,
}

/// The answers in a batch's response, in the order of its entries. There may be fewer than were asked for.
pub fn replies(body: &Bytes) -> Result<Vec<Reply>, ReplyError> {
    let bundle: Bundle<'_> = serde_json::from_slice(body).map_err(|_| ReplyError)?;
    if bundle.resource_type != "Bundle" {
        return Err(ReplyError);
    }
    Ok(bundle.entry.into_iter().map(|entry| reply(entry, body)).collect())
}

impl Reply {
    /// The answer to one interaction by itself, by its status and its body.
    pub fn alone(status: u16, body: &Bytes) -> Self {
        let resource = serde_json::from_slice::<&RawValue>(body).ok();
        let entry = Entry {
            response: None,
            resource,
        };
        Self {
            status,
            ..reply(entry, body)
        }
    }
}

impl Found {
    /// Reads the head of a record.
    pub fn read(record: Bytes) -> Option<Self> {
        let head: Head = serde_json::from_slice(&record).ok()?;
        Some(Self {
            id: head.id,
            version: head.meta.version_id,
            record,
        })
    }
}

fn reply(entry: Entry<'_>, answer: &Bytes) -> Reply {
    let mut reply = Reply::default();
    if let Some(response) = entry.response {
        // "201", "201 Created".
        let digits: String = response
            .status
            .trim()
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        reply.status = digits.parse().unwrap_or(0);
        if let Some((id, version)) = response.location.as_deref().and_then(location) {
            reply.id = Some(id);
            reply.version = version;
        }
        if let Some(tag) = response.etag.as_deref() {
            reply.version = Some(tag.trim().trim_start_matches("W/").trim_matches('"').to_owned());
        }
        if let Some(outcome) = response.outcome {
            reply.words = Outcome::read(outcome.get().as_bytes()).text;
        }
    }
    let Some(resource) = entry.resource else {
        return reply;
    };
    let body = resource.get().as_bytes();
    let head = serde_json::from_slice::<Head>(body).ok();
    match head.as_ref().map(|head| head.resource_type.as_str()) {
        Some("OperationOutcome") => {
            if reply.words.is_empty() {
                reply.words = Outcome::read(body).text;
            }
        }
        Some("Bundle") => reply.found = searched(body, answer),
        _ => {
            let found = Found::read(answer.slice_ref(body));
            if let Some(found) = &found {
                reply.id = reply.id.or_else(|| Some(found.id.clone()).filter(|id| !id.is_empty()));
                reply.version = reply.version.or_else(|| found.version.clone());
            }
            reply.found.extend(found);
        }
    }
    reply
}

/// The records in a search's result; what goes with them, such as an outcome, is none of them.
fn searched(body: &[u8], answer: &Bytes) -> Vec<Found> {
    let Ok(bundle) = serde_json::from_slice::<Bundle<'_>>(body) else {
        return Vec::new();
    };
    let records = bundle.entry.iter().filter_map(|entry| entry.resource);
    let records = records.filter(|raw| {
        serde_json::from_str::<Head>(raw.get()).is_ok_and(|head| head.resource_type != "OperationOutcome")
    });
    records
        .filter_map(|raw| Found::read(answer.slice_ref(raw.get().as_bytes())))
        .collect()
}

/// Id and version in `[base/]Type/id[/_history/version]`.
fn location(text: &str) -> Option<(String, Option<String>)> {
    let mut parts = text.trim().trim_end_matches('/').rsplit('/');
    let last = parts.next()?;
    let before = parts.next()?;
    if before == "_history" {
        return Some((parts.next()?.to_owned(), Some(last.to_owned())));
    }
    Some((last.to_owned(), None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t10_every_way_in_which_servers_say_what_became_of_an_entry_is_read() {
        let body = br#"{"resourceType":"Bundle","type":"batch-response","entry":[
            {"response":{"status":"201 Created","location":"http://x/fhir/Patient/7/_history/2","etag":"W/\"2\""}},
            {"response":{"status":"200","location":"Patient/8"}},
            {"response":{"status":"422","outcome":{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"invalid","diagnostics":"no"}]}}},
            {"response":{"status":"200"},"resource":{"resourceType":"Patient","id":"9","meta":{"versionId":"4"}}},
            {"response":{"status":"200"},"resource":{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Patient","id":"1"}},{"resource":{"resourceType":"OperationOutcome"}}]}},
            {}]}"#;
        let replies = replies(&Bytes::from_static(body)).expect("replies");
        let seen: Vec<_> = replies
            .iter()
            .map(|r| {
                (
                    r.status,
                    r.id.as_deref(),
                    r.version.as_deref(),
                    r.words.as_str(),
                    r.found.len(),
                )
            })
            .collect();
        assert_eq!(
            seen,
            [
                (201, Some("7"), Some("2"), "", 0),
                (200, Some("8"), None, "", 0),
                (422, None, None, "no", 0),
                (200, Some("9"), Some("4"), "", 1),
                (200, None, None, "", 1),
                (0, None, None, "", 0),
            ]
        );
    }

    #[test]
    fn what_is_no_bundle_is_no_answer() {
        let replies = |body: &'static [u8]| super::replies(&Bytes::from_static(body));
        assert!(replies(b"<html>").is_err());
        assert!(replies(br#"{"resourceType":"OperationOutcome"}"#).is_err());
        assert!(replies(br#"{"resourceType":"Bundle"}"#).is_ok_and(|replies| replies.is_empty()));
    }
}
