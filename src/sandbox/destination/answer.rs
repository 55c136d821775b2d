//! What an interaction comes to, as an HTTP response and as an entry of a Bundle.

use std::sync::Arc;

use axum::http::header::{ETAG, LAST_MODIFIED, LOCATION};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::manners::{Manners, Minimal};
use super::records::Version;
use crate::sandbox::outcome::{Refusal, fhir, outcome};

/// What an interaction comes to.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub status: u16,
    /// The record, or a Bundle of records.
    pub resource: Option<Arc<Value>>,
    /// What was read or written.
    pub of: Option<Written>,
}

/// One version of one record, by name.
#[derive(Debug, Clone)]
pub(super) struct Written {
    /// `Type/id`
    pub record: String,
    pub version: String,
    pub at: Timestamp,
}

/// What the client wants back (`Prefer`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefer {
    Unsaid,
    Minimal,
    Representation,
}

impl Prefer {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        match headers.get("prefer").and_then(|value| value.to_str().ok()) {
            Some(value) if value.contains("return=minimal") => Self::Minimal,
            Some(value) if value.contains("return=representation") => Self::Representation,
            _ => Self::Unsaid,
        }
    }
}

impl Answer {
    /// An answer that is a Bundle or nothing.
    pub(super) fn plain(status: u16, resource: Option<Value>) -> Self {
        Self {
            status,
            resource: resource.map(Arc::new),
            of: None,
        }
    }

    /// An answer about one version of a record.
    pub(super) fn about(status: u16, kind: &str, id: &str, version: &Version) -> Self {
        Self {
            status,
            resource: version.resource.clone(),
            of: Some(Written {
                record: format!("{kind}/{id}"),
                version: version.id.clone(),
                at: version.at,
            }),
        }
    }

    /// The HTTP response (FHIR R4, "Operation Content and Headers"); `written` leaves the body out where the client wants so.
    pub(super) fn http(&self, base_url: &str, prefer: Prefer, written: bool) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let empty = written && prefer == Prefer::Minimal || self.status == 304;
        let mut response = match &self.resource {
            Some(resource) if !empty => fhir(status, resource),
            _ => status.into_response(),
        };
        if let Some(of) = &self.of {
            let headers = response.headers_mut();
            let mut put = |name, value: String| {
                if let Ok(value) = HeaderValue::try_from(value) {
                    headers.insert(name, value);
                }
            };
            put(ETAG, format!("W/\"{}\"", of.version));
            put(LAST_MODIFIED, http_date(of.at));
            if written {
                put(LOCATION, format!("{base_url}/{}/_history/{}", of.record, of.version));
            }
        }
        response
    }

    /// The entry of a Bundle (FHIR R4, Bundle.entry.response).
    pub(super) fn entry(&self, manners: &Manners, base_url: &str, prefer: Prefer, written: bool) -> Value {
        let how = manners.entries;
        let mut response = Map::new();
        response.insert("status".into(), status_text(self.status, how.phrase).into());
        if let Some(of) = &self.of {
            let base = if how.absolute_location {
                format!("{base_url}/")
            } else {
                String::new()
            };
            let version = if how.version {
                format!("/_history/{}", of.version)
            } else {
                String::new()
            };
            response.insert("location".into(), format!("{base}{}{version}", of.record).into());
            if how.version {
                response.insert("etag".into(), format!("W/\"{}\"", of.version).into());
                response.insert("lastModified".into(), instant(of.at).into());
            }
        }
        if how.outcome {
            response.insert("outcome".into(), outcome("information", "informational", "All OK"));
        }
        let mut entry = Map::new();
        let comes = match (prefer, how.minimal) {
            (Prefer::Minimal, Minimal::Everything) => false,
            (Prefer::Minimal, Minimal::Written) => !written,
            (Prefer::Minimal, Minimal::Nothing) | (Prefer::Representation, _) => true,
            (Prefer::Unsaid, _) => how.resource || !written,
        };
        if let Some(resource) = self.resource.as_ref().filter(|_| comes) {
            entry.insert("resource".into(), Value::clone(resource));
        }
        entry.insert("response".into(), response.into());
        entry.into()
    }
}

/// The entry of a Bundle for what was refused.
pub(super) fn refused_entry(refusal: &Refusal, manners: &Manners) -> Value {
    json!({ "response": {
        "status": status_text(refusal.status(), manners.entries.phrase),
        "outcome": refusal.outcome(),
    } })
}

/// A FHIR instant in milliseconds.
pub(super) fn instant(at: Timestamp) -> String {
    format!("{at:.3}")
}

fn http_date(at: Timestamp) -> String {
    httpdate::fmt_http_date(at.into())
}

fn status_text(status: u16, phrase: bool) -> String {
    let reason = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason());
    match reason {
        Some(reason) if phrase => format!("{status} {reason}"),
        _ => status.to_string(),
    }
}
