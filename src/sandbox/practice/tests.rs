//! What the rest of the sandbox, and every test that reads its data, relies on.

mod content;
mod destination;
mod peculiarities;

use std::collections::HashSet;

use serde_json::Value;

use super::kind::Kind;
use super::*;
use crate::sandbox::dataset::{Dataset, Group};

fn all(data: &impl Dataset, kind: &str) -> Vec<Vec<u8>> {
    data.lines(kind, 0..u64::MAX).collect()
}

fn text<'v>(value: &'v Value, pointer: &str) -> &'v str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// `Type` and `id` of an address within the dataset.
fn parts(address: &str) -> (&str, &str) {
    let relative = address.strip_prefix("{base}/").unwrap_or(address);
    let current = relative.split_once("/_history/").map_or(relative, |(before, _)| before);
    current
        .split_once('/')
        .unwrap_or_else(|| panic!("not an address: {address}"))
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    let (one, same, other) = (Practice::new(40, 7), Practice::new(40, 7), Practice::new(40, 8));
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
        let pieces: Vec<_> = (0..count).flat_map(|at| practice.lines(&kind, at..at + 1)).collect();
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
    // A server computes ranges from what clients send.
    let (start, end) = (5, 2);
    let backwards = small.lines("Patient", start..end).count();
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
    let mrns: HashSet<String> = (0..2_000).map(|patient| patient::mrn(&practice, patient)).collect();
    assert_eq!(mrns.len(), 2_000);
    assert!(mrns.iter().all(|mrn| mrn.len() == 8) && mrns.iter().any(|mrn| mrn.starts_with('0')));
}

#[test]
fn sizes_of_a_large_practice_are_arithmetic_and_its_far_end_is_one_step_away() {
    let practice = Practice::new(100_000, 1);
    let types = practice.types();
    let total: u64 = types.iter().map(|(_, count)| count).sum();
    assert!((6_000_000..12_000_000).contains(&total), "{total}");
    for (kind, count) in types {
        assert_eq!(practice.lines(&kind, count - 2..count + 5).count(), 2, "{kind}");
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
        let member: Vec<bool> = groups.iter().map(|group| practice.in_group(&group.id, id)).collect();
        assert!(member[0]);
        if let Some(linked) = patient.pointer("/link/0/other/reference") {
            let (_, other) = parts(linked.as_str().unwrap());
            let shared = groups.iter().zip(&member);
            let together = |(group, &own): (&Group, &bool)| practice.in_group(&group.id, other) == own;
            assert!(
                shared.into_iter().all(together),
                "linked patients are exported together"
            );
        }
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
fn whoever_is_registered_twice_has_one_more_id_and_is_otherwise_the_same() {
    let practice = Practice::new(40, 3);
    let twice = RegisteredTwice::new(practice.clone(), 20);
    let (once, both) = (all(&practice, "Patient"), all(&twice, "Patient"));
    assert_eq!(both[..40], once);
    assert_eq!(both.len(), 41);
    let value: Value = serde_json::from_slice(&both[40]).unwrap();
    let id = text(&value, "/id");
    assert_eq!(twice.read("Patient", id).as_ref(), Some(&both[40]));
    let first = twice.read("Patient", id.trim_end_matches("-2")).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&both[40]).replace("-2\"", "\""),
        String::from_utf8_lossy(&first).replace("-2\"", "\"")
    );
    let site = twice
        .groups()
        .into_iter()
        .skip(1)
        .find(|group| twice.in_group(&group.id, id))
        .unwrap();
    assert!(practice.in_group(&site.id, id.trim_end_matches("-2")));
    assert_eq!(
        twice.types().iter().map(|(_, n)| n).sum::<u64>(),
        practice.types().iter().map(|(_, n)| n).sum::<u64>() + 1
    );
    assert_eq!(all(&twice, "Observation"), all(&practice, "Observation"));
}
