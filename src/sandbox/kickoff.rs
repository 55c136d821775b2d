//! The kickoff request: what is asked for, by GET or by POST (Bulk Data IG, "Bulk Data Kick-off Request").

use axum::http::{HeaderMap, header};
use serde_json::Value;

use super::dataset::Dataset;
use super::ehr::Ehr;
use super::flavour::Level;
use super::outcome::Refusal;
use super::scope::{Grant, is_known_type};
use super::selection::Selection;
use super::type_filter::{TypeFilter, split_joined};

/// An export as asked for.
#[derive(Debug, Clone)]
pub(crate) struct Kickoff {
    /// The kickoff URL, for the manifest's `request`.
    pub url: String,
    /// Types asked for or implied, none that the token does not cover.
    pub types: Vec<String>,
    pub selection: Selection,
    /// `_elements`: type (or any) and name of the element; empty is all of them.
    pub elements: Vec<(Option<String>, String)>,
    /// `organizeOutputBy=Patient`
    pub by_patient: bool,
    /// `allowPartialManifests`
    pub partial: bool,
    /// Parameters ignored for the sake of `handling=lenient`.
    pub ignored: Vec<String>,
    /// Level, group and parameters in one string: two identical requests have the same.
    pub fingerprint: String,
}

/// Demands `Accept: application/fhir+json` and `Prefer: respond-async`. Returns whether handling is lenient.
pub(crate) fn check_headers(headers: &HeaderMap, strict: bool) -> Result<bool, Refusal> {
    let preferences = || {
        headers
            .get_all("prefer")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split([',', ';']))
            .map(str::trim)
    };
    if strict {
        let accept = headers
            .get(header::ACCEPT)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        if accept != "application/fhir+json" {
            return Err(Refusal::invalid("The Accept header has to be application/fhir+json."));
        }
        if !preferences().any(|one| one == "respond-async") {
            return Err(Refusal::invalid("The Prefer header has to be respond-async."));
        }
    }
    let lenient = preferences().any(|one| one == "handling=lenient");
    Ok(lenient)
}

/// Name and value of each parameter of a FHIR Parameters body.
pub(crate) fn from_body(headers: &HeaderMap, body: &[u8]) -> Result<Vec<(String, String)>, Refusal> {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !media_type.starts_with("application/fhir+json") && !media_type.starts_with("application/json") {
        return Err(Refusal::new(
            415,
            "invalid",
            "The Content-Type has to be application/fhir+json.",
        ));
    }
    let body: Value = serde_json::from_slice(body).map_err(|_| Refusal::invalid("The body is no JSON."))?;
    if body["resourceType"] != "Parameters" {
        return Err(Refusal::invalid("The body has to be a Parameters resource."));
    }
    let mut parameters = Vec::new();
    for parameter in body["parameter"].as_array().into_iter().flatten() {
        let name = parameter["name"]
            .as_str()
            .ok_or_else(|| Refusal::invalid("A parameter has no name."))?;
        let value = parameter
            .as_object()
            .into_iter()
            .flatten()
            .find(|(key, _)| key.starts_with("value"))
            .map(|(_, value)| value);
        let text = match value {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Bool(truth)) => truth.to_string(),
            Some(object) => match object["reference"].as_str().or_else(|| object["code"].as_str()) {
                Some(text) => text.to_owned(),
                None => {
                    return Err(Refusal::invalid(format!(
                        "The parameter {name} has no value that is understood."
                    )));
                }
            },
            None => {
                return Err(Refusal::invalid(format!("The parameter {name} has no value.")));
            }
        };
        parameters.push((name.to_owned(), text));
    }
    Ok(parameters)
}

/// Where and how a kickoff came in.
pub(crate) struct Arrival<'a> {
    pub url: String,
    pub level: Level,
    pub group: Option<&'a str>,
    pub post: bool,
    pub lenient: bool,
}

impl Kickoff {
    /// Reads and checks the parameters.
    pub(crate) fn read(
        ehr: &Ehr,
        grant: &Grant,
        arrival: &Arrival,
        parameters: &[(String, String)],
    ) -> Result<Self, Refusal> {
        let dataset = &*ehr.config.dataset;
        let mut kickoff = Self {
            fingerprint: fingerprint(arrival, parameters),
            url: arrival.url.clone(),
            types: Vec::new(),
            selection: Selection::default(),
            elements: Vec::new(),
            by_patient: false,
            partial: false,
            ignored: Vec::new(),
        };
        let group = arrival.group.filter(|group| !dataset.holds_all(group));
        kickoff.selection.group = group.map(str::to_owned);
        let mut asked: Option<Vec<String>> = None;
        for (name, value) in parameters {
            let supported = ehr.config.flavour.parameters.contains(&name.as_str());
            if supported && name == "_type" {
                if asked.is_some() && !ehr.config.flavour.repeats {
                    return Err(Refusal::invalid(
                        "The parameter _type occurs twice; join the types by commas.",
                    ));
                }
                let types = value.split(',').map(|one| one.trim().to_owned());
                asked.get_or_insert_default().extend(types);
            } else if !(supported && kickoff.take(dataset, arrival, name, value)?) {
                if !arrival.lenient {
                    return Err(Refusal::unsupported(format!(
                        "The parameter {name}, or its value, is not supported."
                    )));
                }
                kickoff.ignored.push(format!("The parameter {name} was ignored."));
            }
        }
        kickoff.types = match asked {
            None => Self::implied_types(ehr, grant, arrival.level),
            Some(asked) => kickoff.asked_types(ehr, grant, &asked, arrival.lenient)?,
        };
        Ok(kickoff)
    }

    /// Takes one parameter other than `_type`; false when the name or the value is not supported.
    fn take(&mut self, dataset: &dyn Dataset, arrival: &Arrival, name: &str, value: &str) -> Result<bool, Refusal> {
        match name {
            "_outputFormat" => {
                return Ok(matches!(
                    value,
                    "application/fhir+ndjson" | "application/ndjson" | "ndjson"
                ));
            }
            "_since" => self.selection.since = Some(instant(name, value)?),
            "_until" => self.selection.until = Some(instant(name, value)?),
            "_typeFilter" => {
                let joined = !arrival.post;
                let filters = if joined { split_joined(value) } else { vec![value] };
                for filter in filters {
                    let filter = TypeFilter::parse(filter).map_err(Refusal::unsupported)?;
                    self.selection.filters.push(filter);
                }
            }
            "_elements" => self.elements.extend(value.split(',').map(|one| {
                let (resource_type, element) = one
                    .trim()
                    .split_once('.')
                    .map_or((None, one.trim()), |(name, rest)| (Some(name), rest));
                (resource_type.map(str::to_owned), element.to_owned())
            })),
            "patient" => {
                if arrival.level == Level::System || !arrival.post {
                    return Err(Refusal::invalid(
                        "The parameter patient needs a POST at Patient or Group level.",
                    ));
                }
                let id = value.rsplit('/').next().unwrap_or_default();
                if dataset.read("Patient", id).is_none() {
                    let text = format!("There is no Patient/{id}.");
                    return Err(Refusal::new(404, "not-found", text));
                }
                self.selection.patients.insert(id.to_owned());
            }
            "organizeOutputBy" if value == "Patient" => self.by_patient = true,
            "allowPartialManifests" => match value.parse() {
                Ok(partial) => self.partial = partial,
                Err(_) => return Ok(false),
            },
            // All Provenance is exported anyway, which is what these ask for at most.
            "includeAssociatedData" => {
                return Ok(matches!(
                    value,
                    "LatestProvenanceResources" | "RelevantProvenanceResources"
                ));
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Without `_type`: all that the token covers.
    fn implied_types(ehr: &Ehr, grant: &Grant, level: Level) -> Vec<String> {
        let binary = ehr.config.flavour.exports_binary || level == Level::System;
        let held = ehr.config.dataset.types().into_iter().map(|(name, _)| name);
        held.filter(|name| (binary || name != "Binary") && grant.may_read(name))
            .collect()
    }

    /// With `_type`: what is asked for, in dependency order, as far as it is held.
    fn asked_types(
        &mut self,
        ehr: &Ehr,
        grant: &Grant,
        asked: &[String],
        lenient: bool,
    ) -> Result<Vec<String>, Refusal> {
        let held: Vec<String> = ehr.config.dataset.types().into_iter().map(|(name, _)| name).collect();
        for name in asked {
            if !is_known_type(name) && !held.contains(name) {
                if !lenient {
                    let text = format!("The type {name} in _type is unknown.");
                    return Err(Refusal::invalid(text));
                }
                self.ignored.push(format!("The type {name} was ignored."));
            } else if !grant.may_read(name) {
                let text = format!("The scope of the token does not cover {name}.");
                return Err(Refusal::new(403, "forbidden", text));
            }
        }
        Ok(held.into_iter().filter(|name| asked.contains(name)).collect())
    }
}

fn fingerprint(arrival: &Arrival, parameters: &[(String, String)]) -> String {
    let mut sorted: Vec<String> = parameters
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    sorted.sort();
    format!("{:?} {:?} {}", arrival.level, arrival.group, sorted.join("&"))
}

fn instant(name: &str, value: &str) -> Result<jiff::Timestamp, Refusal> {
    // A plus sign that was not percent-encoded arrives as a space; real servers reject it too.
    value
        .parse()
        .map_err(|_| Refusal::invalid(format!("The parameter {name} has to be an instant with a time zone.")))
}
