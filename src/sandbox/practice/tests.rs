//! What the rest of the sandbox, and every test that reads its data, relies on.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::kind::Kind;
use super::*;
use crate::sandbox::dataset::Dataset;

fn all(data: &impl Dataset, kind: &str) -> Vec<Vec<u8>> {
    data.lines(kind, 0..u64::MAX).collect()
}

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

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// `Type` and `id` of an address within the dataset.
fn parts(address: &str) -> (&str, &str) {
    let relative = address.strip_prefix("{base}/").unwrap_or(address);
    let current = relative
        .split_once("/_history/")
        .map_or(relative, |(before, _)| before);
    current
        .split_once('/')
        .unwrap_or_else(|| panic!("not an address: {address}"))
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let (one, same, other) = (
        Practice::new(40, 7),
        Practice::new(40, 7),
        Practice::new(40, 8),
    );
    for (kind, _) in one.types() {
        assert_eq!(all(&one, &kind), all(&same, &kind), "{kind}");
        assert_ne!(all(&one, &kind), all(&other, &kind), "{kind}");
    }
}

#[test]
fn a_range_is_the_concatenation_of_its_lines_and_read_finds_each() {
    let practice = Practice::new(48, 3);
    for (kind, count) in practice.types() {
        let whole = all(&practice, &kind);
        assert_eq!(whole.len() as u64, count, "{kind}");
        let pieces: Vec<_> = (0..count)
            .flat_map(|at| practice.lines(&kind, at..at + 1))
            .collect();
        assert_eq!(whole, pieces, "{kind}");
        for line in whole.iter().step_by(7) {
            let resource: Value = serde_json::from_slice(line).unwrap();
            assert_eq!(
                practice.read(&kind, text(&resource, "/id")).as_ref(),
                Some(line),
                "{kind}"
            );
        }
    }
}

#[test]
fn nothing_is_found_beyond_the_end() {
    let (small, large) = (Practice::new(10, 3), Practice::new(11, 3));
    let last = all(&large, "Patient").pop().unwrap();
    let id: Value = serde_json::from_slice(&last).unwrap();
    assert!(large.read("Patient", text(&id, "/id")).is_some());
    assert!(small.read("Patient", text(&id, "/id")).is_none());
    assert!(!small.in_group("all-patients", text(&id, "/id")));
    assert_eq!(small.lines("Patient", 10..12).count(), 0);
    #[allow(clippy::reversed_empty_ranges)] // a server computes ranges from what clients send
    let backwards = small.lines("Patient", 5..2).count();
    assert_eq!(backwards, 0);
    assert_eq!(small.lines("Device", 0..9).count(), 0);
    assert!(small.read("Device", "1").is_none());
    assert_eq!(Practice::new(0, 3).lines("Patient", 0..9).count(), 0);
    assert!(Practice::new(0, 3).lines("Organization", 0..9).count() > 0);
}

#[test]
fn ids_are_unique_within_their_type_and_so_are_medical_record_numbers() {
    let practice = Practice::new(2_000, 5);
    for kind in Kind::ALL {
        let count = practice.census().count(kind);
        let ids: HashSet<String> = (0..count).map(|index| practice.id(kind, index)).collect();
        assert_eq!(ids.len() as u64, count, "{kind:?}");
    }
    let mrns: HashSet<String> = (0..2_000)
        .map(|patient| patient::mrn(&practice, patient))
        .collect();
    assert_eq!(mrns.len(), 2_000);
    assert!(mrns.iter().all(|mrn| mrn.len() == 8) && mrns.iter().any(|mrn| mrn.starts_with('0')));
}

#[test]
fn every_resource_has_what_r4_requires() {
    let required: HashMap<&str, &[&str]> = HashMap::from([
        ("Encounter", &["/status", "/class"][..]),
        ("Observation", &["/status", "/code"]),
        ("Condition", &["/subject/reference"]),
        (
            "MedicationRequest",
            &["/status", "/intent", "/subject/reference"],
        ),
        ("MedicationStatement", &["/status", "/subject/reference"]),
        (
            "DocumentReference",
            &["/status", "/content/0/attachment/contentType"],
        ),
        ("AllergyIntolerance", &["/patient/reference"]),
        (
            "Immunization",
            &[
                "/status",
                "/vaccineCode",
                "/patient/reference",
                "/occurrenceDateTime",
            ],
        ),
        ("Procedure", &["/status", "/subject/reference"]),
        ("DiagnosticReport", &["/status", "/code"]),
        (
            "Composition",
            &["/status", "/type", "/date", "/author/0", "/title"],
        ),
        (
            "Coverage",
            &["/status", "/beneficiary/reference", "/payor/0"],
        ),
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
            &[
                "/identifier/0/system",
                "/identifier/0/value",
                "/name/0/family",
            ],
        ),
        ("Organization", &["/name", "/active"]),
        ("Location", &["/name"]),
    ]);
    for (kind, resource) in parsed(&Practice::new(200, 11)) {
        assert_eq!(text(&resource, "/resourceType"), kind);
        for pointer in required.get(kind.as_str()).into_iter().copied().flatten() {
            assert!(
                resource.pointer(pointer).is_some(),
                "{kind}{pointer}: {resource}"
            );
        }
        if kind.starts_with("Medication") {
            let coded = resource.get("medicationCodeableConcept").is_some();
            assert_ne!(
                coded,
                resource.get("medicationReference").is_some(),
                "{resource}"
            );
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
            assert_eq!(
                text(&resource, "/clinicalStatus/coding/0/code"),
                "resolved",
                "con-4"
            );
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
                    assert!(
                        known.contains(&parts(address)),
                        "{kind} points at {address}"
                    );
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
                assert_eq!(
                    patient_of.get(&parts(address)).unwrap_or(own),
                    own,
                    "{resource}"
                );
            }
        });
        if let Some(updated) = resource
            .pointer("/meta/lastUpdated")
            .and_then(Value::as_str)
        {
            assert!(
                updated.parse::<jiff::Timestamp>().unwrap() <= export,
                "{resource}"
            );
        }
    }
}

#[test]
fn sizes_of_a_large_practice_are_arithmetic_and_its_far_end_is_one_step_away() {
    let practice = Practice::new(100_000, 1);
    let types = practice.types();
    let total: u64 = types.iter().map(|(_, count)| count).sum();
    assert!((6_000_000..12_000_000).contains(&total), "{total}");
    for (kind, count) in types {
        assert_eq!(
            practice.lines(&kind, count - 2..count + 5).count(),
            2,
            "{kind}"
        );
    }
    // More patients than an id can carry are not promised.
    assert_eq!(Practice::new(u64::MAX, 1).patients(), MAX_PATIENTS);
}

#[test]
fn every_patient_is_in_the_group_of_all_and_of_one_site() {
    let practice = Practice::new(300, 19);
    let groups = practice.groups();
    let mut sizes = vec![0; groups.len()];
    for line in all(&practice, "Patient") {
        let patient: Value = serde_json::from_slice(&line).unwrap();
        let id = text(&patient, "/id");
        let member: Vec<bool> = groups
            .iter()
            .map(|group| practice.in_group(&group.id, id))
            .collect();
        assert!(member[0]);
        assert_eq!(member.iter().filter(|&&in_it| in_it).count(), 2);
        assert!(!practice.in_group("site-99", id) && !practice.in_group("", id));
        member
            .iter()
            .zip(&mut sizes)
            .for_each(|(&in_it, size)| *size += u64::from(in_it));
    }
    assert!(sizes.iter().all(|&size| size > 50), "{sizes:?}");
}

#[test]
fn the_peculiarities_of_real_exports_all_occur_within_200_patients() {
    let practice = Practice::new(200, 42);
    let mut raw = String::new();
    for (kind, _) in practice.types() {
        for line in all(&practice, &kind) {
            raw.push_str(std::str::from_utf8(&line).unwrap());
            raw.push('\n');
        }
    }
    for needle in [
        // Numbers whose spelling is data.
        "\"value\":1.10,",
        "\"value\":0.50,",
        "E-3,",
        "\"valueDecimal\":98765432109",
        // Escapes, and the same characters raw.
        "\\u00f1",
        "ñ",
        "\\ud8",
        "\\/",
        "\\n",
        "\\\"",
        "\\\\",
        "\u{1F33B}",
        "e\u{301}",
        // Names that attack terminals, always escaped.
        "\\u001b[31;1m",
        "\\u202e",
        "\\u2066",
        // Scripts.
        "Nguyễn",
        "Шевченко",
        "Παπαδόπουλος",
        "כהן",
        "محمد",
        "髙橋",
        "欧阳",
        "김",
        "สมชาย",
        "शर्मा",
        "O'Brien",
        "O’Connor",
        "Glücksburg",
        "\"use\":\"nickname\"",
        "\"use\":\"old\"",
        // References in all forms.
        "\"reference\":\"{base}/Patient/",
        "/_history/",
        "\"reference\":\"#med1\"",
        "\"valueReference\":{\"reference\"",
        "<a href=\\\"",
        "\"url\":\"{base}/Binary/",
        "\"url\":\"Binary/",
        "22D0000000",
        "\"type\":\"Patient\"",
        // Patients registered twice, or dead.
        "\"type\":\"replaced-by\"",
        "\"type\":\"replaces\"",
        "deceasedDateTime",
        "deceasedBoolean\":true",
        "deceasedBoolean\":false",
        // States that change what a record means.
        "refuted",
        "entered-in-error",
        "716186003",
        "\"code\":\"resolved\"",
        "abatementDateTime",
        "not-done",
        "superseded",
        "\"contained\":[",
        "dataAbsentReason",
        "\"component\":[",
        "valueString",
        "{1.73_m2}",
        // Labels, versions, clocks, order of members.
        "\"security\":[",
        "\"versionId\"",
        "-05:00",
        "+05:30",
        "{\"id\":",
        "us-ssn",
        "us-core-race",
        "us-core-birthsex",
    ] {
        assert!(raw.contains(needle), "{needle}");
    }
    let lines: Vec<&str> = raw.lines().collect();
    assert!(lines.iter().any(|line| !line.contains("\"lastUpdated\"")));
    assert!(
        lines.iter().any(|line| line.len() > 150_000),
        "a large Binary"
    );
    assert!(
        raw.chars()
            .all(|c| c == '\n' || !c.is_control() && !('\u{202A}'..='\u{202E}').contains(&c))
    );
    let mean = raw.len() / lines.len();
    assert!((700..1_500).contains(&mean), "{mean} bytes a line");
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
        assert_eq!(
            attachment.get("size").and_then(Value::as_u64),
            Some(data.len() as u64)
        );
        assert_eq!(
            text(attachment, "/contentType"),
            text(&binary, "/contentType")
        );
        if let Some(hash) = attachment.get("hash").and_then(Value::as_str) {
            let digest =
                aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &data);
            assert_eq!(STANDARD.decode(hash).unwrap(), digest.as_ref());
            hashed += 1;
        }
    }
    assert!(hashed > 10, "{hashed}");
}

fn mrn_of(patient: &Value) -> (String, String) {
    (
        text(patient, "/identifier/0/system").to_owned(),
        text(patient, "/identifier/0/value").to_owned(),
    )
}

#[test]
fn a_destination_in_use_shares_record_numbers_but_not_ids_with_the_practice() {
    let practice = Practice::new(120, 23);
    let destination = practice.destination(DestinationMix {
        agreeing: 10,
        contradicting: 6,
    });
    let ours: HashMap<_, Value> = all(&practice, "Patient")
        .iter()
        .map(|line| serde_json::from_slice::<Value>(line).unwrap())
        .map(|patient| (mrn_of(&patient), patient))
        .collect();
    let theirs: Vec<Value> = all(&destination, "Patient")
        .iter()
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(theirs.iter().map(mrn_of).collect::<HashSet<_>>().len(), 16);
    let stamp = |patient: &Value| {
        text(patient, "/meta/lastUpdated")
            .parse::<jiff::Timestamp>()
            .ok()
    };
    let (mut newer, mut older) = (0, 0);
    for (nth, their) in theirs.iter().enumerate() {
        let our = &ours[&mrn_of(their)];
        assert!(practice.read("Patient", text(their, "/id")).is_none());
        assert!(destination.in_group("all-patients", text(their, "/id")));
        let same = |pointer: &str| their.pointer(pointer) == our.pointer(pointer);
        if nth < 10 {
            assert!(
                same("/birthDate") && same("/name/0/family") && same("/gender"),
                "{their}\n{our}"
            );
            assert!(
                !same("/telecom/0/value") || !same("/address/0/line/0"),
                "{their}\n{our}"
            );
            match (stamp(their), stamp(our)) {
                (Some(their), Some(our)) if their > our => newer += 1,
                (Some(_), Some(_)) => older += 1,
                _ => {}
            }
        } else {
            assert!(
                !same("/birthDate") && !same("/name/0/family"),
                "{their}\n{our}"
            );
        }
    }
    assert!(newer > 0 && older > 0, "{newer} newer, {older} older");
    for kind in ["Condition", "Observation"] {
        for line in all(&destination, kind) {
            let record: Value = serde_json::from_slice(&line).unwrap();
            let (_, patient) = parts(text(&record, "/subject/reference"));
            assert!(destination.read("Patient", patient).is_some());
            assert_eq!(destination.read(kind, text(&record, "/id")), Some(line));
        }
    }
    let crowded = Practice::new(5, 1).destination(DestinationMix {
        agreeing: 4,
        contradicting: 9,
    });
    assert_eq!(
        crowded.types(),
        [("Patient", 5), ("Condition", 5), ("Observation", 5)]
            .map(|(kind, count)| (kind.to_owned(), count))
    );
}
