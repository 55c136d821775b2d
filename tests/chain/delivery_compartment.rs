//! Patients' compartments, each in one transaction.

use std::collections::BTreeMap;
use std::sync::Arc;

use cutover::engine::destination::save_destination;
use cutover::engine::{Command, EngineError};
use cutover::fhir;
use cutover::migration::{Bundling, Destination, ServerKind};
use cutover::sandbox::destination::{GENERIC, HAPI, MEDPLUM, Manners};
use cutover::sandbox::practice::Practice;

use crate::delivery::{Rig, kind};
use crate::delivery_faults::server;

/// Types whose records are of no single patient.
const OUTSIDE: [&str; 7] = [
    "Binary",
    "Location",
    "Medication",
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "Provenance",
];

fn to(manners: &Manners) -> Destination {
    Destination {
        kind: kind(manners),
        bundling: Some(Bundling::Patient),
        ..Destination::new("")
    }
}

/// The names at the server of each patient's records.
fn compartments(rig: &Rig) -> BTreeMap<String, Vec<String>> {
    let places = rig.places();
    let mut compartments: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, line) in rig.bench.exported() {
        let scan = fhir::scan(&line).expect("a record");
        if OUTSIDE.contains(&scan.resource_type) {
            continue;
        }
        let own = (scan.resource_type == "Patient").then_some(scan.id);
        if let Some(patient) = own.or(scan.patient) {
            compartments
                .entry(patient.to_owned())
                .or_default()
                .push(places[&name].clone());
        }
    }
    compartments
}

/// How many patients are there; none of them in part.
fn whole_ones(rig: &Rig, compartments: &BTreeMap<String, Vec<String>>) -> usize {
    let there = rig.server.content().records;
    let mut whole = 0;
    for (patient, names) in compartments {
        let (found, missing): (Vec<_>, Vec<_>) = names.iter().partition(|name| there.contains_key(*name));
        assert!(found.is_empty() || missing.is_empty(), "{patient}: not {missing:?}");
        whole += usize::from(missing.is_empty());
    }
    whole
}

/// Whenever a delivery is stopped, and however often, each patient is at the server with all records or with none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_patient_is_there_in_part_whenever_a_delivery_stops() {
    let practice = Arc::new(Practice::new(9, 7));
    let mut rig = Rig::start(practice, server(&GENERIC, &[]), ServerKind::Generic).await;
    rig.bench.done().await;
    assert!(rig.deliver(false).await.clean());
    let compartments = compartments(&rig);
    let largest = compartments.values().map(Vec::len).max().expect("patients");
    let mut between = 0;
    for fault in ["stall-after-write:5", "stall-before-write:5"] {
        rig.at(server(&GENERIC, &[fault]), to(&GENERIC)).await;
        let mut there = 0;
        for stops in 0.. {
            if stops == 20 {
                rig.server.calm();
            }
            let server = &rig.server;
            let struck = || server.stats().struck.values().sum::<u64>();
            let before = struck();
            let stop = async {
                while struck() == before {
                    tokio::task::yield_now().await;
                }
            };
            let done = rig.bench.stopped(Command::Deliver { force: false }, stop).await;
            let now = whole_ones(&rig, &compartments);
            assert!(now >= there, "{fault}: nobody is gone again");
            between += usize::from(now > 0 && now < compartments.len());
            there = now;
            match done {
                Ok(_) => break,
                Err(error) => assert!(matches!(error, EngineError::Cancelled), "{error}"),
            }
        }
        assert_eq!(there, compartments.len());
        rig.assert_there();
        assert!(rig.prove().await.clean());
        assert!(rig.server.stats().largest >= largest as u64);
    }
    assert!(between > 1, "it was stopped on the way");
}

/// Whatever goes wrong, every record is there once, with its references; what the server refuses is named, and the rest of that patient is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_with_compartments_everything_is_there_once() {
    let practice = Arc::new(Practice::new(3, 7));
    let mut rig = Rig::start(practice, server(&GENERIC, &[]), ServerKind::Generic).await;
    rig.bench.done().await;
    let ours = rig.bench.exported();
    let poisoned = ours
        .keys()
        .find(|name| name.starts_with("Observation/"))
        .expect("one")
        .clone();
    for manners in [&GENERIC, &HAPI, &MEDPLUM] {
        for fault in [
            "burst-429:3",
            "burst-503:3",
            "cut-after-write:3",
            "cut-before-write:3",
            "gateway-timeout:3",
            "max-entries:9",
            "fewer-entries:3",
        ] {
            let name = format!("{fault} at {}", manners.name);
            rig.at(server(manners, &[fault]), to(manners)).await;
            let counts = rig.deliver(false).await;
            assert!(counts.clean(), "{name}: {counts:?}");
            assert!(!rig.server.stats().struck.is_empty(), "{name}: nothing went wrong");
            let content = rig.assert_there();
            rig.server.calm();
            assert!(rig.prove().await.clean(), "{name}");
            assert!(rig.deliver(false).await.clean(), "{name}");
            assert_eq!(
                rig.server.content().versions_written,
                content.versions_written,
                "{name}"
            );
        }
    }
    for manners in [&GENERIC, &HAPI] {
        rig.at(
            server(
                manners,
                &[&format!("poison:{}", poisoned.rsplit_once('/').expect("an id").1)],
            ),
            to(manners),
        )
        .await;
        let counts = rig.deliver(false).await;
        assert_eq!(counts.refused, 1, "{}: {counts:?} {:?}", manners.name, rig.problems());
        assert!(rig.problems().contains(&poisoned));
        assert_eq!(rig.server.content().records.len(), ours.len() - 1);
    }
}

/// A server with records of its own of every type: nothing goes together there, and nothing of theirs is written over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_in_use_keeps_what_it_has() {
    let practice = Arc::new(Practice::new(9, 7));
    let own = Arc::new(Practice::new(4, 23));
    let config = server(&GENERIC, &[]).dataset(own);
    let mut rig = Rig::start(practice, config, ServerKind::Generic).await;
    let before = rig.server.content();
    let known = Destination {
        base_url: rig.server.base_url.clone(),
        ..to(&GENERIC)
    };
    save_destination(rig.bench.storage(), &rig.bench.plan, &known, None).expect("saved");
    rig.bench.done().await;
    let ours = rig.bench.exported().len();
    let counts = rig.deliver(false).await;
    assert!(counts.clean(), "{counts:?}");
    let after = rig.server.content();
    assert_eq!(after.records.len(), before.records.len() + ours);
    assert!(
        before
            .records
            .iter()
            .all(|(name, record)| after.records[name] == *record)
    );
    assert!(rig.prove().await.clean());
    rig.bench.rollback(None, false, false).await;
    assert!(rig.deliver(false).await.clean());
    assert_eq!(rig.server.content().records, before.records);
}
