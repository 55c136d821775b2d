//! What in a record tells how recent it is when `meta.lastUpdated` does not.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::instant;

/// Type, then the elements that date its content, most telling first.
const DATES: &[(&str, &[&str])] = &[
    ("AllergyIntolerance", &["recordedDate", "lastOccurrence"]),
    ("Composition", &["date"]),
    ("Condition", &["recordedDate"]),
    ("DiagnosticReport", &["issued"]),
    ("DocumentReference", &["date"]),
    ("Encounter", &["period.end", "period.start"]),
    ("Immunization", &["recorded", "occurrenceDateTime"]),
    ("MedicationRequest", &["authoredOn"]),
    ("MedicationStatement", &["dateAsserted"]),
    (
        "Observation",
        &[
            "issued",
            "effectiveDateTime",
            "effectiveInstant",
            "effectivePeriod.end",
            "effectivePeriod.start",
        ],
    ),
    (
        "Procedure",
        &["performedDateTime", "performedPeriod.end", "performedPeriod.start"],
    ),
    ("Provenance", &["recorded"]),
];

/// The code of a record that should never have been.
pub const ENTERED_IN_ERROR: &str = "entered-in-error";

/// A date in a record, and the element it is from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClinicalDate {
    /// Path of the element, such as `period.end`.
    pub element: String,
    /// What it says: a FHIR dateTime or instant, not checked.
    pub date: String,
}

impl ClinicalDate {
    /// Which of two is earlier; None when they are of different elements, which mean different things, or it cannot be
    /// told.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        (self.element == other.element)
            .then(|| instant::compare(&self.date, &other.date))
            .flatten()
    }
}

/// The date that tells how recent a record of this type is; None when the type has none or the record does not say.
pub fn clinical_date(resource_type: &str, line: &[u8]) -> Option<ClinicalDate> {
    let (_, elements) = DATES.iter().find(|(name, _)| *name == resource_type)?;
    let record: Value = serde_json::from_slice(line).ok()?;
    elements.iter().find_map(|path| {
        let value = path.split('.').fold(&record, |value, name| &value[name]);
        value.as_str().map(|date| ClinicalDate {
            element: (*path).to_owned(),
            date: date.to_owned(),
        })
    })
}

/// The record's status: `status`, or `verificationStatus` where a type has that instead (Condition, `AllergyIntolerance`).
pub fn status(line: &[u8]) -> Option<String> {
    let record: Value = serde_json::from_slice(line).ok()?;
    let codings = record["verificationStatus"]["coding"].as_array();
    let verification = codings.and_then(|codings| codings.iter().find_map(|coding| coding["code"].as_str()));
    record["status"].as_str().or(verification).map(str::to_owned)
}

/// Which of two statuses is further along: whatever is final, corrected or withdrawn is further than what is
/// preliminary. None when that does not tell them apart.
pub fn compare_status(a: &str, b: &str) -> Option<Ordering> {
    let is_settled = |status: &str| match status {
        "final" | "amended" | "corrected" | "appended" | ENTERED_IN_ERROR => Some(true),
        "registered" | "preliminary" | "partial" => Some(false),
        _ => None,
    };
    let (a, b) = (is_settled(a)?, is_settled(b)?);
    (a != b).then(|| a.cmp(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_telling_element_is_taken() {
        let date =
            |kind: &str, line: &str| clinical_date(kind, line.as_bytes()).map(|found| (found.element, found.date));
        let is = |element: &str, date: &str| Some((element.to_owned(), date.to_owned()));
        let both = r#"{"effectiveDateTime":"2024-01-01","issued":"2024-01-02T00:00:00Z"}"#;
        assert_eq!(date("Observation", both), is("issued", "2024-01-02T00:00:00Z"));
        assert_eq!(
            date("Encounter", r#"{"period":{"start":"2024","end":7}}"#),
            is("period.start", "2024")
        );
        assert_eq!(
            date("Procedure", r#"{"performedPeriod":{"end":"2024-02"}}"#),
            is("performedPeriod.end", "2024-02")
        );
        assert_eq!(date("Patient", r#"{"birthDate":"2024"}"#), None);
        assert_eq!(date("Observation", "{"), None);
    }

    #[test]
    fn dates_of_different_elements_are_not_compared() {
        let of = |element: &str, date: &str| ClinicalDate {
            element: element.into(),
            date: date.into(),
        };
        assert_eq!(
            of("issued", "2024").compare(&of("issued", "2023")),
            Some(Ordering::Greater)
        );
        assert_eq!(of("issued", "2024").compare(&of("effectiveDateTime", "2023")), None);
    }

    #[test]
    fn settled_goes_before_preliminary() {
        assert_eq!(compare_status("final", "preliminary"), Some(Ordering::Greater));
        assert_eq!(compare_status("partial", ENTERED_IN_ERROR), Some(Ordering::Less));
        assert_eq!(compare_status("final", "amended"), None);
        assert_eq!(compare_status("active", "final"), None);
    }

    #[test]
    fn a_condition_says_its_status_in_another_element() {
        let line = br#"{"verificationStatus":{"coding":[{"code":"entered-in-error"}]}}"#;
        assert_eq!(status(line).as_deref(), Some(ENTERED_IN_ERROR));
    }
}
