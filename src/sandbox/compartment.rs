//! Which patients a resource is about.

use std::borrow::Cow;

use serde::Deserialize;

use super::dataset::Dataset;

/// Types that no patient owns; real servers export all of them with any group.
const ADMINISTRATIVE: &[&str] = &[
    "Organization",
    "Location",
    "Practitioner",
    "PractitionerRole",
    "HealthcareService",
    "Endpoint",
    "Medication",
];

/// Whether resources of a type are exported whoever the patients are.
pub(crate) fn is_administrative(resource_type: &str) -> bool {
    ADMINISTRATIVE.contains(&resource_type)
}

/// The elements that tie a resource to its patient (FHIR R4, patient compartment).
#[derive(Deserialize)]
struct Ties<'a> {
    #[serde(borrow)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    subject: Option<Tie<'a>>,
    #[serde(borrow)]
    patient: Option<Tie<'a>>,
    #[serde(borrow)]
    beneficiary: Option<Tie<'a>>,
    #[serde(borrow, rename = "securityContext")]
    security_context: Option<Tie<'a>>,
    // Goal.target is something else, so it is looked into for Provenance only.
    #[serde(borrow)]
    target: Option<&'a serde_json::value::RawValue>,
}

#[derive(Deserialize)]
struct Tie<'a> {
    #[serde(borrow)]
    reference: Option<Cow<'a, str>>,
}

/// The ids of the patients a resource is about; empty when it is about none that can be found.
/// What a Provenance is about is looked up in the dataset.
pub(crate) fn patients(resource_type: &str, line: &[u8], dataset: &dyn Dataset) -> Vec<String> {
    let Ok(ties) = serde_json::from_slice::<Ties>(line) else {
        return Vec::new();
    };
    if resource_type == "Patient" {
        return ties.id.map(Cow::into_owned).into_iter().collect();
    }
    let direct = [ties.subject, ties.patient, ties.beneficiary, ties.security_context];
    let mut found: Vec<String> = direct
        .into_iter()
        .flatten()
        .filter_map(|tie| id_of(tie.reference.as_deref()?, "Patient").map(str::to_owned))
        .collect();
    if resource_type == "Provenance" && found.is_empty() {
        let targets: Vec<Tie> = ties
            .target
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or_default();
        let references: Vec<&str> = targets.iter().filter_map(|tie| tie.reference.as_deref()).collect();
        let named = references.iter().filter_map(|one| id_of(one, "Patient"));
        found.extend(named.map(str::to_owned));
        if found.is_empty() {
            for (target, id) in references.into_iter().filter_map(split) {
                // A Provenance about a Provenance is not followed, for it might go in circles.
                let line = (target != "Provenance").then(|| dataset.read(target, id));
                found.extend(
                    line.flatten()
                        .into_iter()
                        .flat_map(|line| patients(target, &line, dataset)),
                );
            }
        }
    }
    found
}

/// Type and id of a relative, absolute or versioned reference.
fn split(reference: &str) -> Option<(&str, &str)> {
    let plain = reference.split_once("/_history/").map_or(reference, |(plain, _)| plain);
    let (rest, id) = plain.rsplit_once('/')?;
    Some((rest.rsplit_once('/').map_or(rest, |(_, name)| name), id))
}

fn id_of<'a>(reference: &'a str, wanted: &str) -> Option<&'a str> {
    split(reference).filter(|(name, _)| *name == wanted).map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_every_form_are_taken_apart() {
        assert_eq!(split("Patient/p1"), Some(("Patient", "p1")));
        assert_eq!(split("{base}/Patient/p1/_history/3"), Some(("Patient", "p1")));
        assert_eq!(split("http://h/fhir/r4/Observation/o"), Some(("Observation", "o")));
        assert_eq!(split("#contained"), None);
    }
}
