//! Refusals, told as FHIR `OperationOutcome`.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// Media type of FHIR JSON.
pub(crate) const FHIR_JSON: HeaderValue = HeaderValue::from_static("application/fhir+json");

/// A request refused: an HTTP status, a FHIR issue code, and a sentence.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    text: String,
}

impl Refusal {
    pub(crate) fn new(status: u16, code: &'static str, text: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Self {
            status,
            code,
            text: text.into(),
        }
    }

    pub(crate) fn invalid(text: impl Into<String>) -> Self {
        Self::new(400, "invalid", text)
    }

    pub(crate) fn unsupported(text: impl Into<String>) -> Self {
        Self::new(400, "not-supported", text)
    }

    /// The same, with the entry of a Bundle that it is about.
    pub(crate) fn at_entry(mut self, index: usize) -> Self {
        self.text = format!("Bundle.entry[{index}]: {}", self.text);
        self
    }

    /// The HTTP status.
    pub(crate) fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The refusal as an `OperationOutcome`.
    pub(crate) fn outcome(&self) -> Value {
        outcome("error", self.code, &self.text)
    }
}

/// An `OperationOutcome` with one issue.
pub(crate) fn outcome(severity: &str, code: &str, text: &str) -> Value {
    json!({
        "resourceType": "OperationOutcome",
        "issue": [{ "severity": severity, "code": code, "details": { "text": text }, "diagnostics": text }],
    })
}

/// A FHIR JSON response.
pub(crate) fn fhir(status: StatusCode, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, FHIR_JSON)], body.to_string()).into_response()
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        fhir(self.status, &self.outcome())
    }
}
