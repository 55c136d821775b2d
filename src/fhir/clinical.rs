//! A record in the words of somebody who works with charts: what it is about, in which state, when.

use serde_json::Value;

use super::brief::words;

/// A section of a chart, in the order in which a chart is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// Who the patient is.
    Demographics,
    /// Allergies and intolerances.
    Allergies,
    /// What the patient takes.
    Medications,
    /// Problems and diagnoses.
    Problems,
    /// Visits.
    Encounters,
    /// Measurements and reports.
    Results,
    /// Documents.
    Documents,
    /// Everything else: immunizations, procedures, coverage.
    Other,
}

impl Section {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Demographics => "Demographics",
            Self::Allergies => "Allergies",
            Self::Medications => "Medications",
            Self::Problems => "Problems",
            Self::Encounters => "Encounters",
            Self::Results => "Results",
            Self::Documents => "Documents",
            Self::Other => "Other",
        }
    }

    /// The section of records of a type.
    pub fn of(resource_type: &str) -> Self {
        match resource_type {
            "Patient" => Self::Demographics,
            "AllergyIntolerance" => Self::Allergies,
            "MedicationRequest" | "MedicationStatement" | "MedicationDispense" | "MedicationAdministration" => {
                Self::Medications
            }
            "Condition" => Self::Problems,
            "Encounter" => Self::Encounters,
            "Observation" | "DiagnosticReport" => Self::Results,
            "DocumentReference" | "Composition" | "Binary" => Self::Documents,
            _ => Self::Other,
        }
    }
}

/// A line of a chart. It holds a patient's data.
#[derive(Clone, PartialEq, Eq)]
pub struct ChartLine {
    /// What it tells of a patient, such as `birthDate`; empty where the whole record is one line.
    pub name: &'static str,
    /// What it says.
    pub words: String,
}

/// A record in the lines of a chart: a patient element by element, everything else in one line that begins with its date, where a chart
/// is read by date. Text that is no record says nothing.
#[allow(clippy::too_many_lines)] // An arm for each type.
pub fn chart_lines(record: &str) -> Vec<ChartLine> {
    let Ok(record) = serde_json::from_str::<Value>(record) else {
        return Vec::new();
    };
    let resource_type = record["resourceType"].as_str().unwrap_or_default();
    if resource_type == "Patient" {
        return patient(&record);
    }
    let at = |path: &str| said(&record, path);
    let all = |paths: &[&str]| {
        paths
            .iter()
            .map(|path| at(path))
            .find(|text| !text.is_empty())
            .unwrap_or_default()
    };
    let day_at = |paths: &[&str], end: &str| {
        let each = paths.iter().map(|path| match &record[*path] {
            period @ Value::Object(_) if period["start"].is_string() || period["end"].is_string() => day(&period[end]),
            Value::String(text) => day(&Value::from(text.as_str())),
            _ => at(path),
        });
        let mut each = each;
        each.find(|text| !text.is_empty()).unwrap_or_default()
    };
    let since = |paths: &[&str]| day_at(paths, "start");
    let parts: Vec<(&str, String)> = match resource_type {
        "AllergyIntolerance" => vec![
            ("", all(&["code"])),
            ("", at("clinicalStatus")),
            ("", at("verificationStatus")),
            ("criticality", at("criticality")),
            ("reaction", reactions(&record)),
            ("since", since(&["onsetDateTime", "onsetString", "recordedDate"])),
        ],
        "MedicationRequest" | "MedicationStatement" | "MedicationDispense" | "MedicationAdministration" => vec![
            ("", all(&["medicationCodeableConcept", "medicationReference"])),
            ("", at("status")),
            ("", dosage(&record)),
            (
                "since",
                since(&[
                    "authoredOn",
                    "effectiveDateTime",
                    "effectivePeriod",
                    "dateAsserted",
                    "whenHandedOver",
                ]),
            ),
        ],
        "Condition" => vec![
            ("", at("code")),
            ("", at("clinicalStatus")),
            ("", at("verificationStatus")),
            (
                "since",
                since(&[
                    "onsetDateTime",
                    "onsetPeriod",
                    "onsetAge",
                    "onsetString",
                    "recordedDate",
                ]),
            ),
            (
                "until",
                day_at(
                    &[
                        "abatementDateTime",
                        "abatementPeriod",
                        "abatementAge",
                        "abatementString",
                        "abatementBoolean",
                    ],
                    "end",
                ),
            ),
        ],
        "Encounter" => vec![
            ("", day(&record["period"]["start"])),
            ("", all(&["type", "class"])),
            ("", at("status")),
            ("reason", all(&["reasonCode", "reasonReference"])),
        ],
        "Observation" => vec![
            (
                "",
                day_of(&record, &["effectiveDateTime", "effectiveInstant", "issued"]),
            ),
            ("", at("code")),
            ("", value(&record)),
            ("", at("interpretation")),
            ("", at("status")),
        ],
        "DiagnosticReport" => vec![
            ("", day_of(&record, &["effectiveDateTime", "issued"])),
            ("", at("code")),
            ("", at("conclusion")),
            ("", at("status")),
        ],
        "DocumentReference" | "Composition" => vec![
            ("", day_of(&record, &["date"])),
            ("", all(&["description", "title", "type"])),
            ("", at("status")),
            ("", attachments(&record)),
        ],
        _ => vec![
            (
                "",
                day_of(
                    &record,
                    &["occurrenceDateTime", "performedDateTime", "date", "recorded", "created"],
                ),
            ),
            ("", resource_type.to_owned()),
            (
                "",
                all(&[
                    "vaccineCode",
                    "code",
                    "type",
                    "category",
                    "title",
                    "name",
                    "description",
                    "contentType",
                ]),
            ),
            ("", at("status")),
        ],
    };
    let parts = parts.into_iter().filter(|(_, text)| !text.is_empty());
    let parts: Vec<String> = parts
        .map(|(name, text)| {
            if name.is_empty() {
                text
            } else {
                format!("{name} {text}")
            }
        })
        .collect();
    vec![ChartLine {
        name: "",
        words: parts.join(", "),
    }]
}

/// A patient, element by element, in the order in which somebody looks whether it is the same person.
fn patient(record: &Value) -> Vec<ChartLine> {
    const ELEMENTS: [&str; 11] = [
        "name",
        "birthDate",
        "gender",
        "deceasedBoolean",
        "deceasedDateTime",
        "identifier",
        "telecom",
        "address",
        "communication",
        "maritalStatus",
        "active",
    ];
    let line = |name: &'static str| ChartLine {
        name,
        words: said(record, name),
    };
    ELEMENTS
        .into_iter()
        .map(line)
        .filter(|line| !line.words.is_empty())
        .collect()
}

/// What an element says; empty where there is none.
fn said(record: &Value, name: &str) -> String {
    words(&record[name])
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

fn day_of(record: &Value, names: &[&str]) -> String {
    let found = names
        .iter()
        .map(|name| day(&record[*name]))
        .find(|text| !text.is_empty());
    found.unwrap_or_default()
}

/// The day of an instant.
fn day(value: &Value) -> String {
    let text = value.as_str().unwrap_or_default();
    text.split('T').next().unwrap_or_default().to_owned()
}

fn reactions(record: &Value) -> String {
    let each = list(&record["reaction"]).iter().map(|reaction| {
        let what = list(&reaction["manifestation"])
            .iter()
            .map(words)
            .collect::<Vec<_>>()
            .join(" and ");
        match reaction["severity"].as_str() {
            Some(severity) if !what.is_empty() => format!("{what} ({severity})"),
            _ => what,
        }
    });
    each.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
}

fn dosage(record: &Value) -> String {
    let known = if record["dosageInstruction"].is_null() {
        &record["dosage"]
    } else {
        &record["dosageInstruction"]
    };
    let each = list(known).iter().filter_map(|dosage| dosage["text"].as_str());
    each.collect::<Vec<_>>().join("; ")
}

/// The value of an observation, or those of its parts.
fn value(record: &Value) -> String {
    let own = record
        .as_object()
        .and_then(|members| members.iter().find(|(name, _)| name.starts_with("value")));
    if let Some((_, value)) = own {
        return words(value);
    }
    let each = list(&record["component"]).iter().filter(|part| part.is_object());
    let each = each.map(|part| format!("{} {}", said(part, "code"), value(part)));
    let parts = each.collect::<Vec<_>>().join("; ");
    if parts.is_empty() {
        said(record, "dataAbsentReason")
    } else {
        parts
    }
}

fn attachments(record: &Value) -> String {
    let each = list(&record["content"]).iter().map(|content| {
        let file = &content["attachment"];
        let size = match (&file["size"], file["data"].as_str()) {
            (Value::Number(size), _) => format!("{size} bytes"),
            (_, Some(data)) => format!("{} bytes", data.len() / 4 * 3),
            _ => String::new(),
        };
        let parts = [file["contentType"].as_str().unwrap_or_default().to_owned(), size];
        parts
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    });
    each.filter(|text| !text.is_empty()).collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn line(record: &str) -> String {
        chart_lines(record).remove(0).words
    }

    #[test]
    fn records_read_as_a_clinician_says_them() {
        let allergy = r#"{"resourceType":"AllergyIntolerance","code":{"text":"Penicillin"},"clinicalStatus":{"coding":[{"code":"active"}]},
            "criticality":"high","reaction":[{"manifestation":[{"text":"Hives"}],"severity":"severe"}]}"#;
        assert_eq!(
            line(allergy),
            "Penicillin, active, criticality high, reaction Hives (severe)"
        );
        let taken = r#"{"resourceType":"MedicationRequest","status":"active","medicationCodeableConcept":{"text":"Lisinopril 10 mg"},
            "dosageInstruction":[{"text":"one a day"}],"authoredOn":"2025-02-01"}"#;
        assert_eq!(line(taken), "Lisinopril 10 mg, active, one a day, since 2025-02-01");
        let problem = r#"{"resourceType":"Condition","code":{"text":"Asthma"},"clinicalStatus":{"coding":[{"code":"resolved"}]},
            "onsetDateTime":"2009-03","abatementDateTime":"2019-05"}"#;
        assert_eq!(line(problem), "Asthma, resolved, since 2009-03, until 2019-05");
        let pressure = r#"{"resourceType":"Observation","status":"final","code":{"text":"Blood pressure"},
            "effectiveDateTime":"2025-01-02T09:00:00Z","component":[{"code":{"text":"systolic"},"valueQuantity":{"value":1.10,"unit":"mmHg"}}]}"#;
        assert_eq!(
            line(pressure),
            "2025-01-02, Blood pressure, systolic 1.10 (mmHg), final"
        );
        let document = r#"{"resourceType":"DocumentReference","status":"current","date":"2024-01-01T00:00:00Z","type":{"text":"Letter"},
            "content":[{"attachment":{"contentType":"application/pdf","size":120}}]}"#;
        assert_eq!(line(document), "2024-01-01, Letter, current, application/pdf 120 bytes");
    }

    #[test]
    fn a_patient_is_told_element_by_element() {
        let lines = chart_lines(
            r#"{"resourceType":"Patient","gender":"female","name":[{"family":"Mori","given":["Ann"]}],"birthDate":"1984-03-07"}"#,
        );
        let lines: Vec<_> = lines.iter().map(|line| (line.name, line.words.as_str())).collect();
        assert_eq!(
            lines,
            [("name", "Ann Mori"), ("birthDate", "1984-03-07"), ("gender", "female")]
        );
    }

    proptest! {
        #[test]
        fn any_record_can_be_told(kind in prop::sample::select(vec!["Patient", "Observation", "AllergyIntolerance", "Encounter", "Composition", "X"]),
            name in prop::sample::select(vec!["code", "reaction", "component", "content", "period", "status", "name", "dosage"]),
            value in prop::sample::select(vec!["null", "1", "\"a\"", "[]", "[[1]]", "{}", "[{\"text\":1}]", "{\"start\":2}"])) {
            let record = format!("{{\"resourceType\":\"{kind}\",\"{name}\":{value}}}");
            let lines = chart_lines(&record);
            prop_assert!(kind == "Patient" || lines.len() == 1);
        }
    }
}
