//! A destination that is already in use.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::{all, parts, text};
use crate::sandbox::dataset::Dataset;
use crate::sandbox::practice::{DestinationMix, Practice};

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
        unnumbered: 0,
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
    let stamp = |patient: &Value| text(patient, "/meta/lastUpdated").parse::<jiff::Timestamp>().ok();
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
            assert!(!same("/birthDate") && !same("/name/0/family"), "{their}\n{our}");
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
    let unknown = practice.destination(DestinationMix {
        agreeing: 0,
        contradicting: 0,
        unnumbered: 3,
    });
    for line in all(&unknown, "Patient") {
        let their: Value = serde_json::from_slice(&line).unwrap();
        assert!(!ours.contains_key(&mrn_of(&their)));
        let same = |our: &&Value| {
            ["/birthDate", "/name/0/family", "/gender"]
                .iter()
                .all(|at| our.pointer(at) == their.pointer(at))
        };
        assert_eq!(ours.values().filter(same).count(), 1, "{their}");
    }
    let crowded = Practice::new(5, 1).destination(DestinationMix {
        agreeing: 4,
        contradicting: 9,
        unnumbered: 0,
    });
    assert_eq!(
        crowded.types(),
        [("Patient", 5), ("Condition", 5), ("Observation", 5)].map(|(kind, count)| (kind.to_owned(), count))
    );
}
