//! What the resources say: required elements, references, attachments.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{all, parts, text};
use crate::sandbox::dataset::Dataset;
use crate::sandbox::practice::Practice;

fn parsed(data: &impl Dataset) -> Vec<(String, Value)> {
    let mut resources = Vec::new();
    for (kind, _) in data.types() {
        for line in all(data, &kind) {
            let resource = serde_json::from_slice(&line)
                .unwrap_or_else(|e| panic!("{kind}: {e}: {}", String::from_utf8_lossy(&line)));
            resources.push((kind.clone(), resource));
        }
    }
    resources
}

/// Calls `see` with every object, however deep.
fn walk<'v>(value: &'v Value, see: &mut dyn FnMut(&'v Value)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, see)),
        Value::Object(members) => {
            see(value);
            members.values().for_each(|member| walk(member, see));
        }
        _ => {}
    }
}

#[test]
fn every_resource_has_what_r4_requires() {
    let required: HashMap<&str, &[&str]> = HashMap::from([
        ("Encounter", &["/status", "/class"][..]),
        ("Observation", &["/status", "/code"]),
        ("Condition", &["/subject/reference"]),
        ("MedicationRequest", &["/status", "/intent", "/subject/reference"]),
        ("MedicationStatement", &["/status", "/subject/reference"]),
        ("DocumentReference", &["/status", "/content/0/attachment/contentType"]),
        ("AllergyIntolerance", &["/patient/reference"]),
        (
            "Immunization",
            &["/status", "/vaccineCode", "/patient/reference", "/occurrenceDateTime"],
        ),
        ("Procedure", &["/status", "/subject/reference"]),
        ("DiagnosticReport", &["/status", "/code"]),
        ("Composition", &["/status", "/type", "/date", "/author/0", "/title"]),
        ("Coverage", &["/status", "/beneficiary/reference", "/payor/0"]),
        ("CarePlan", &["/status", "/intent", "/subject/reference"]),
        ("Provenance", &["/target/0", "/recorded", "/agent/0/who"]),
        ("Binary", &["/contentType", "/data"]),
        (
            "Patient",
            &[
                "/identifier/0/system",
                "/identifier/0/value",
                "/name/0/family",
                "/gender",
            ],
        ),
        (
            "Practitioner",
            &["/identifier/0/system", "/identifier/0/value", "/name/0/family"],
        ),
        ("Organization", &["/name", "/active"]),
        ("Location", &["/name"]),
    ]);
    for (kind, resource) in parsed(&Practice::new(200, 11)) {
        assert_eq!(text(&resource, "/resourceType"), kind);
        for pointer in required.get(kind.as_str()).into_iter().copied().flatten() {
            assert!(resource.pointer(pointer).is_some(), "{kind}{pointer}: {resource}");
        }
        if kind.starts_with("Medication") {
            let coded = resource.get("medicationCodeableConcept").is_some();
            assert_ne!(coded, resource.get("medicationReference").is_some(), "{resource}");
        }
        let mistaken = text(&resource, "/verificationStatus/coding/0/code") == "entered-in-error";
        if kind == "Condition" || kind == "AllergyIntolerance" {
            assert_ne!(
                mistaken,
                resource.get("clinicalStatus").is_some(),
                "con-3, ait-1, ait-2: {resource}"
            );
        }
        if resource.get("abatementDateTime").is_some() {
            assert_eq!(text(&resource, "/clinicalStatus/coding/0/code"), "resolved", "con-4");
        }
    }
}

#[test]
fn every_reference_resolves() {
    let practice = Practice::new(200, 13);
    let resources = parsed(&practice);
    let known: HashSet<(&str, &str)> = resources
        .iter()
        .map(|(kind, resource)| (kind.as_str(), text(resource, "/id")))
        .collect();
    for (kind, resource) in &resources {
        walk(resource, &mut |object| {
            for key in ["reference", "url"] {
                let Some(address) = object.get(key).and_then(Value::as_str) else {
                    continue;
                };
                if let Some(fragment) = address.strip_prefix('#') {
                    assert_eq!(text(resource, "/contained/0/id"), fragment);
                } else if key == "reference" || address.contains("Binary/") {
                    assert!(known.contains(&parts(address)), "{kind} points at {address}");
                }
            }
            if let Some(div) = object.get("div").and_then(Value::as_str) {
                let link = div
                    .split("href=\"")
                    .nth(1)
                    .and_then(|rest| rest.split('"').next())
                    .unwrap();
                assert!(known.contains(&parts(link)), "{kind} links to {link}");
            }
        });
    }
}

#[test]
fn records_stay_within_one_patient_and_one_life() {
    let practice = Practice::new(160, 17);
    let resources = parsed(&practice);
    let mut patient_of = HashMap::new();
    for (kind, resource) in &resources {
        let subject = ["/subject", "/patient", "/beneficiary", "/securityContext"]
            .iter()
            .find_map(|pointer| resource.pointer(&format!("{pointer}/reference")))
            .or_else(|| resource.get("target")?.as_array()?.last()?.get("reference"));
        match subject.and_then(Value::as_str) {
            Some(subject) => {
                let (target, patient) = parts(subject);
                assert_eq!(target, "Patient", "{resource}");
                patient_of.insert((kind.as_str(), text(resource, "/id")), patient);
            }
            None => assert!(matches!(
                kind.as_str(),
                "Patient" | "Organization" | "Location" | "Practitioner" | "PractitionerRole"
            )),
        }
    }
    let export: jiff::Timestamp = practice.transaction_time().parse().unwrap();
    for (kind, resource) in &resources {
        let own = patient_of.get(&(kind.as_str(), text(resource, "/id")));
        walk(resource, &mut |object| {
            let address = text(object, "/reference");
            if let (Some(own), false) = (own, address.is_empty() || address.starts_with('#')) {
                assert_eq!(patient_of.get(&parts(address)).unwrap_or(own), own, "{resource}");
            }
        });
        if let Some(updated) = resource.pointer("/meta/lastUpdated").and_then(Value::as_str) {
            assert!(updated.parse::<jiff::Timestamp>().unwrap() <= export, "{resource}");
        }
    }
}

#[test]
fn attachments_have_the_size_and_the_hash_of_their_binary() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let practice = Practice::new(64, 21);
    let mut hashed = 0;
    for line in all(&practice, "DocumentReference") {
        let document: Value = serde_json::from_slice(&line).unwrap();
        let attachment = document.pointer("/content/0/attachment").unwrap();
        let Some(url) = attachment.get("url").and_then(Value::as_str) else {
            assert!(
                STANDARD
                    .decode(text(attachment, "/data"))
                    .is_ok_and(|data| !data.is_empty())
            );
            continue;
        };
        let (kind, id) = parts(url);
        let binary: Value = serde_json::from_slice(&practice.read(kind, id).unwrap()).unwrap();
        let data = STANDARD.decode(text(&binary, "/data")).unwrap();
        assert_eq!(attachment.get("size").and_then(Value::as_u64), Some(data.len() as u64));
        assert_eq!(text(attachment, "/contentType"), text(&binary, "/contentType"));
        if let Some(hash) = attachment.get("hash").and_then(Value::as_str) {
            let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &data);
            assert_eq!(STANDARD.decode(hash).unwrap(), digest.as_ref());
            hashed += 1;
        }
    }
    assert!(hashed > 10, "{hashed}");
}
