//! A clinic small enough to count by hand.

use std::ops::Range;

use cutover::sandbox::{Dataset, Group};
use serde_json::{Value, json};

/// 4 patients (2 in the group `half`), 2 practitioners, 5 observations a patient, 1 provenance a patient, 1 Binary.
pub struct Clinic;

pub const PATIENTS: u64 = 4;
pub const OBSERVATIONS: u64 = 20;
pub const EVERYTHING: u64 = 2 + PATIENTS + OBSERVATIONS + PATIENTS + 1;

impl Clinic {
    pub fn resource(resource_type: &str, index: u64) -> Value {
        match resource_type {
            "Practitioner" => {
                json!({ "resourceType": "Practitioner", "id": format!("dr{index}"), "name": [{ "family": "Ångström" }] })
            }
            "Patient" => json!({
                "resourceType": "Patient",
                "id": format!("p{index}"),
                "meta": { "lastUpdated": format!("2024-01-0{}T00:00:00Z", index + 1) },
                "name": [{ "family": "山田", "given": ["Zoë", "🙂"] }],
                "generalPractitioner": [{ "reference": format!("{{base}}/Practitioner/dr{}", index % 2) }],
            }),
            "Observation" => json!({
                "resourceType": "Observation",
                "id": format!("o{index}"),
                "meta": { "lastUpdated": format!("2024-02-{:02}T00:00:00Z", index + 1) },
                "status": if index.is_multiple_of(5) { "amended" } else { "final" },
                "code": { "coding": [{ "system": "http://loinc.org", "code": "718-7" }] },
                "subject": { "reference": format!("Patient/p{}", index / 5) },
                "note": [{ "text": "häufig ".repeat(40) }],
            }),
            "Provenance" => json!({
                "resourceType": "Provenance",
                "id": format!("v{index}"),
                "target": [{ "reference": format!("Observation/o{}", index * 5) }],
                "recorded": "2024-03-01T00:00:00Z",
            }),
            _ => {
                json!({ "resourceType": "Binary", "id": "scan", "contentType": "text/plain", "data": "aGVsbG8=" })
            }
        }
    }
}

impl Dataset for Clinic {
    fn types(&self) -> Vec<(String, u64)> {
        [
            ("Practitioner", 2),
            ("Patient", PATIENTS),
            ("Observation", OBSERVATIONS),
            ("Provenance", PATIENTS),
            ("Binary", 1),
        ]
        .map(|(name, count)| (name.to_owned(), count))
        .to_vec()
    }

    fn lines<'a>(&'a self, resource_type: &str, range: Range<u64>) -> Box<dyn Iterator<Item = Vec<u8>> + Send + 'a> {
        let name = resource_type.to_owned();
        Box::new(range.map(move |index| Self::resource(&name, index).to_string().into_bytes()))
    }

    fn read(&self, resource_type: &str, id: &str) -> Option<Vec<u8>> {
        let (_, count) = self.types().into_iter().find(|(name, _)| name == resource_type)?;
        let found = (0..count)
            .map(|index| Self::resource(resource_type, index))
            .find(|resource| resource["id"] == id)?;
        Some(found.to_string().into_bytes())
    }

    fn groups(&self) -> Vec<Group> {
        ["all", "half"]
            .map(|id| Group {
                id: id.to_owned(),
                name: format!("The {id}"),
            })
            .to_vec()
    }

    fn in_group(&self, group: &str, patient_id: &str) -> bool {
        group == "all" || matches!(patient_id, "p0" | "p1")
    }

    fn transaction_time(&self) -> String {
        "2024-06-01T00:00:00Z".to_owned()
    }
}
