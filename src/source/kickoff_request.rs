//! An export to ask for, and how it looks on the wire (Bulk Data, Kick-off Request).

use std::fmt;

use serde_json::{Value, json};
use url::Url;

use super::session::Session;
use crate::migration::{KickoffMethod, Repeat};

pub(super) const FHIR_JSON: &str = "application/fhir+json";

/// Whose records to export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Level {
    /// Everything: `[base]/$export`.
    System,
    /// All patients: `[base]/Patient/$export`.
    Patient,
    /// A group's members: `[base]/Group/[id]/$export`.
    Group(String),
}

/// Which edition of the specification a Parameters resource is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edition {
    /// The published ones: `includeAssociatedData` is a code.
    Published,
    /// The coming fourth: it is a Coding.
    Fourth,
}

/// An export to ask for. Empty lists and absent values are left out of the request.
#[derive(Clone, PartialEq, Eq)]
pub struct KickoffRequest {
    /// Whose records.
    pub level: Level,
    /// How it is sent; a patient list always goes by `POST`.
    pub method: KickoffMethod,
    /// Resource types (`_type`).
    pub types: Vec<String>,
    /// An instant with time zone (`_since`).
    pub since: Option<String>,
    /// An instant with time zone (`_until`).
    pub until: Option<String>,
    /// Searches such as `Condition?clinical-status=active` (`_typeFilter`).
    pub type_filters: Vec<String>,
    /// `element` or `Type.element` (`_elements`).
    pub elements: Vec<String>,
    /// Ids of patients (`patient`).
    pub patients: Vec<String>,
    /// Such as `LatestProvenanceResources`.
    pub include_associated_data: Vec<String>,
    /// Such as `Patient` (`organizeOutputBy`).
    pub organize_output_by: Option<String>,
    /// Whether files may be listed before all are there (`allowPartialManifests`).
    pub allow_partial_manifests: bool,
    /// Such as `application/fhir+ndjson` (`_outputFormat`).
    pub output_format: Option<String>,
    /// How lists go into a query.
    pub repeat: Repeat,
    /// How associated data goes into a body.
    pub edition: Edition,
    /// `Prefer: handling=lenient`: the server may ignore what it does not know, and so send more than was asked for.
    pub lenient: bool,
    /// `Prefer: separate-export-status`.
    pub separate_status: bool,
}

/// Without filters and patients, for both can name a person.
impl fmt::Debug for KickoffRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KickoffRequest")
            .field("level", &self.level)
            .field("method", &self.method)
            .field("types", &self.types)
            .field("since", &self.since)
            .field("until", &self.until)
            .field("patients", &self.patients.len())
            .finish_non_exhaustive()
    }
}

impl KickoffRequest {
    /// A plain request by `GET`, without any parameter.
    pub fn new(level: Level) -> Self {
        Self {
            level,
            method: KickoffMethod::Get,
            types: Vec::new(),
            since: None,
            until: None,
            type_filters: Vec::new(),
            elements: Vec::new(),
            patients: Vec::new(),
            include_associated_data: Vec::new(),
            organize_output_by: None,
            allow_partial_manifests: false,
            output_format: None,
            repeat: Repeat::Comma,
            edition: Edition::Published,
            lenient: false,
            separate_status: false,
        }
    }

    /// The request exactly as it will be sent, line by line, with the token hidden. It can name patients: show it, do not log it.
    pub fn preview(&self, session: &Session) -> String {
        let (url, body) = self.compose(session, self.effective_method());
        let host = match url.port() {
            Some(port) => format!("{}:{port}", url.host_str().unwrap_or_default()),
            None => url.host_str().unwrap_or_default().to_owned(),
        };
        let target = url
            .query()
            .map_or(url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let verb = if body.is_some() { "POST" } else { "GET" };
        let mut lines = vec![
            format!("{verb} {target} HTTP/1.1"),
            format!("host: {host}"),
            format!("accept: {FHIR_JSON}"),
        ];
        lines.push(format!("prefer: {}", self.prefer()));
        if session.may_carry_token(&url) {
            lines.push("authorization: Bearer [hidden]".to_owned());
        }
        if let Some(body) = body {
            lines.push(format!("content-type: {FHIR_JSON}"));
            lines.push(String::new());
            lines.push(body);
        }
        lines.join("\n")
    }

    pub(super) fn effective_method(&self) -> KickoffMethod {
        if self.patients.is_empty() {
            self.method
        } else {
            KickoffMethod::Post
        }
    }

    pub(super) fn prefer(&self) -> String {
        let mut prefer = "respond-async".to_owned();
        if self.lenient {
            prefer.push_str(", handling=lenient");
        }
        if self.separate_status {
            prefer.push_str(", separate-export-status");
        }
        prefer
    }

    /// URL and, for a `POST`, body.
    pub(super) fn compose(&self, session: &Session, method: KickoffMethod) -> (Url, Option<String>) {
        let mut url = session.at(&match &self.level {
            Level::System => "$export".to_owned(),
            Level::Patient => "Patient/$export".to_owned(),
            Level::Group(id) => format!("Group/{}/$export", percent_encoded(id, "")),
        });
        match method {
            KickoffMethod::Get => {
                let query = self.query();
                url.set_query((!query.is_empty()).then_some(query.as_str()));
                (url, None)
            }
            KickoffMethod::Post => (url, Some(self.parameters().to_string())),
        }
    }

    fn query(&self) -> String {
        let mut pairs: Vec<String> = Vec::new();
        let mut list = |name: &str, values: &[String], kept: &str| {
            let values: Vec<String> = values.iter().map(|value| percent_encoded(value, kept)).collect();
            match self.repeat {
                _ if values.is_empty() => {}
                Repeat::Comma => pairs.push(format!("{name}={}", values.join(","))),
                Repeat::Repeat => {
                    pairs.extend(values.iter().map(|value| format!("{name}={value}")));
                }
            }
        };
        list("_type", &self.types, "");
        list("_since", self.since.as_slice(), ":");
        list("_until", self.until.as_slice(), ":");
        // A comma inside a filter is encoded once more, so that it is not taken for the one between filters.
        let filters: Vec<String> = self
            .type_filters
            .iter()
            .map(|filter| filter.replace(',', "%2C"))
            .collect();
        list("_typeFilter", &filters, "");
        list("_elements", &self.elements, "");
        list("includeAssociatedData", &self.include_associated_data, "");
        list("organizeOutputBy", self.organize_output_by.as_slice(), "");
        if self.allow_partial_manifests {
            list("allowPartialManifests", &["true".to_owned()], "");
        }
        list("_outputFormat", self.output_format.as_slice(), "/");
        pairs.join("&")
    }

    fn parameters(&self) -> Value {
        let mut parameter: Vec<Value> = Vec::new();
        let mut list = |name: &str, kind: &str, values: &[String]| {
            parameter.extend(values.iter().map(|value| json!({"name": name, kind: value})));
        };
        list("_type", "valueString", &self.types);
        list("_since", "valueInstant", self.since.as_slice());
        list("_until", "valueInstant", self.until.as_slice());
        list("_typeFilter", "valueString", &self.type_filters);
        list("_elements", "valueString", &self.elements);
        list("organizeOutputBy", "valueString", self.organize_output_by.as_slice());
        list("_outputFormat", "valueString", self.output_format.as_slice());
        for patient in &self.patients {
            let id = patient.strip_prefix("Patient/").unwrap_or(patient);
            parameter.push(json!({"name": "patient", "valueReference": {"reference": format!("Patient/{id}")}}));
        }
        for code in &self.include_associated_data {
            parameter.push(match self.edition {
                Edition::Published => json!({"name": "includeAssociatedData", "valueCode": code}),
                Edition::Fourth => {
                    json!({"name": "includeAssociatedData", "valueCoding": {"code": code}})
                }
            });
        }
        if self.allow_partial_manifests {
            parameter.push(json!({"name": "allowPartialManifests", "valueBoolean": true}));
        }
        json!({"resourceType": "Parameters", "parameter": parameter})
    }
}

/// Percent-encodes everything but unreserved characters (RFC 3986, section 2.3) and those in `kept`.
fn percent_encoded(text: &str, kept: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || kept.as_bytes().contains(&byte);
        if plain {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])));
        }
    }
    encoded
}
