//! Where references lead at a server: never to somebody else who happens to have the same id there.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use cutover::engine::destination::stand;
use cutover::fhir;
use cutover::migration::{Keep, ServerKind, Standing};
use cutover::sandbox::Dataset;
use cutover::sandbox::destination::{DEMOGRAPHICS, DestinationConfig, GENERIC, HAPI, MEDPLUM, Manners};
use cutover::sandbox::practice::Practice;
use serde_json::{Value, json};

use crate::bench::config;
use crate::delivery::{Rig, kind};
use crate::edited::Edited;

/// A server with one record of its own, under the id that this one has at the source.
fn with_namesake(manners: &Manners, name: &str) -> DestinationConfig {
    let (resource_type, id) = name.split_once('/').expect("a name");
    let theirs =
        json!({ "resourceType": resource_type, "id": id, "name": [{ "family": "Somebody", "given": ["Else"] }] });
    let none = Arc::new(Practice::new(0, 1));
    let (wanted, line) = (resource_type.to_owned(), theirs.to_string().into_bytes());
    let own = Edited::new(none, |_, _, _| Vec::new()).with_line(&wanted, line);
    unhurried(manners).dataset(Arc::new(own))
}

/// A server whose points are never spent: their minute is one of the wall clock.
fn unhurried(manners: &Manners) -> DestinationConfig {
    DestinationConfig::new(manners).points(u64::MAX, Duration::from_secs(60))
}

/// Every record at the server that refers to this one by address.
fn referring(rig: &Rig, name: &str) -> BTreeSet<String> {
    let content = rig.server.content();
    let leads = |record: &Value| {
        let text = record.to_string();
        fhir::references(text.as_bytes()).any(|found| found.text == name)
    };
    let found = content.records.iter().filter(|(_, record)| leads(record));
    found.map(|(name, _)| name.clone()).collect()
}

/// Our record of that id is in conflict with theirs; whatever refers to ours says who is meant, and does not lead to theirs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_else_under_the_same_id_is_referred_to_by_nobody() {
    let practice = Arc::new(Practice::new(9, 7));
    let patient = id_of(&*practice, "Patient", 0);
    for manners in [&GENERIC, &HAPI] {
        let mut rig = Rig::start(practice.clone(), with_namesake(manners, &patient), kind(manners)).await;
        rig.bench.done().await;
        let before = rig.server.content();
        let counts = rig.deliver(false).await;
        assert_eq!(
            (counts.conflicts, counts.refused),
            (1, 0),
            "{}: {counts:?}",
            manners.name
        );
        assert_eq!(rig.problems(), BTreeSet::from([patient.clone()]));
        assert_eq!(referring(&rig, &patient), BTreeSet::new(), "{}", manners.name);
        let after = rig.server.content();
        assert_eq!(after.records[&patient], before.records[&patient]);
        let ours = rig.bench.exported().len();
        assert_eq!(after.records.len(), ours, "all but one of ours, and theirs");
        let meant = format!("lakeside/{patient}");
        let said = after
            .records
            .values()
            .filter(|record| record.to_string().contains(&meant));
        assert!(said.count() > 5, "{}", manners.name);
        assert_eq!(rig.deliver(false).await.created, 0);
        assert_eq!(rig.server.content().versions_written, after.versions_written);
        // That theirs stays makes it nobody else's.
        rig.agree(&[&patient], Keep::Server).await.expect("settled");
        let settled = rig.deliver(false).await;
        assert!(settled.clean() && settled.kept == 1, "{settled:?}");
        let standing = stand(rig.bench.storage(), &rig.bench.plan).expect("read");
        assert_eq!(standing.expect("a server").problems, [], "it is settled");
        assert_eq!(referring(&rig, &patient), BTreeSet::new(), "{}", manners.name);
        assert_eq!(rig.server.content().versions_written, after.versions_written);
    }
}

/// A practitioner who never came; when they come, whoever referred to them leads to them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_came_is_referred_to_by_name_until_they_come() {
    let whole = Arc::new(Practice::new(9, 7));
    let practitioner = id_of(&*whole, "Practitioner", 0);
    let link = format!("<a href=\"{practitioner}\">by them</a>");
    let observation = id_of(&*whole, "Observation", 0);
    let without = Arc::new(Edited::new(whole.clone(), |name, at, line| match (name, at) {
        ("Practitioner", 0) => Vec::new(),
        ("Observation", 0) => vec![with_text(&line, &link)],
        _ => vec![line],
    }));
    for manners in [&GENERIC, &HAPI, &MEDPLUM] {
        let mut rig = Rig::start(without.clone(), with_namesake(manners, &practitioner), kind(manners)).await;
        let run = rig.bench.run().await;
        let ours = rig.bench.exported().len();
        assert!(ours > 100, "{run:?}");
        let counts = rig.deliver(false).await;
        assert!(counts.clean(), "{}: {counts:?} {:?}", manners.name, rig.problems());
        assert_eq!(referring(&rig, &practitioner), BTreeSet::new(), "{}", manners.name);
        // A link cannot say who is meant; it leads where it led, and not to theirs.
        let there = &rig.server.content().records[&rig.places()[&observation]];
        let led = format!("href=\"{}/{practitioner}\"", rig.bench.plan.base_url);
        let text = there["text"]["div"].as_str().expect("a text");
        assert!(text.contains(&led), "{}: {text}", manners.name);
        assert!(rig.prove().await.clean(), "{}", manners.name);
        let written = rig.server.content().versions_written;
        assert!(rig.deliver(false).await.clean());
        assert_eq!(rig.server.content().versions_written, written, "{}", manners.name);

        // Theirs goes, and ours comes.
        let known = rig.destination();
        rig.at(unhurried(manners), known).await;
        assert!(rig.deliver(false).await.clean());
        rig.bench.serve(config(whole.clone())).await;
        rig.bench.run_again().await;
        let counts = rig.deliver(false).await;
        assert!(
            counts.clean() && counts.created == 1 && counts.updated > 0,
            "{}: {counts:?}",
            manners.name
        );
        let place = rig.places()[&practitioner].clone();
        assert!(!referring(&rig, &place).is_empty(), "{}", manners.name);
        assert!(rig.prove().await.clean());
    }
}

/// An EHR that takes demographics: every patient once, in a transaction with no other, nothing else, and nothing said of what it has not got.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ehr_that_takes_demographics_gets_the_patients() {
    let mut rig = Rig::with(DestinationConfig::new(&DEMOGRAPHICS), ServerKind::Eclinicalworks).await;
    let ours = rig.bench.exported();
    let patients: BTreeMap<_, _> = ours.iter().filter(|(name, _)| name.starts_with("Patient/")).collect();
    let counts = rig.deliver(false).await;
    assert!(counts.clean() && counts.created == patients.len() as u64, "{counts:?}");
    let content = rig.server.content();
    assert_eq!(content.records.len(), patients.len());
    assert_eq!(rig.server.stats().largest, 1, "each in a transaction of its own");
    for (name, record) in &content.records {
        assert!(name.starts_with("Patient/"), "{name}");
        for found in fhir::references(record.to_string().as_bytes()) {
            assert!(
                content.records.contains_key(&*found.text),
                "{name} refers to {}",
                found.text
            );
        }
    }
    let proof = rig.prove().await;
    assert!(proof.clean() && proof.compared == patients.len() as u64, "{proof:?}");
    assert_eq!(rig.deliver(false).await.created, 0);
    assert_eq!(rig.server.content().versions_written, content.versions_written);

    // It removes nothing: what is left there after a rollback is named, and not forgotten.
    rig.bench.rollback(None, false, false).await;
    let back = rig.deliver(false).await;
    assert_eq!((back.removed, back.refused), (0, patients.len() as u64), "{back:?}");
    assert_eq!(rig.server.content().records.len(), patients.len());
    let standing = stand(rig.bench.storage(), &rig.bench.plan)
        .expect("read")
        .expect("a server");
    let refused = |standing: &Standing| matches!(standing, Standing::Refused { .. });
    assert!(standing.problems.iter().all(|problem| refused(&problem.standing)));
    assert_eq!(standing.problems.len(), patients.len());
}

/// The faults of a server that takes transactions only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_with_single_transactions_every_patient_is_there_once() {
    let mut rig = Rig::with(DestinationConfig::new(&DEMOGRAPHICS), ServerKind::Eclinicalworks).await;
    let patients = rig
        .bench
        .exported()
        .keys()
        .filter(|name| name.starts_with("Patient/"))
        .count();
    for fault in [
        "burst-503:3",
        "burst-429:3",
        "cut-after-write:4",
        "cut-before-write:3",
        "gateway-timeout:4",
    ] {
        let config = DestinationConfig::new(&DEMOGRAPHICS).fault(fault.parse().expect(fault));
        let known = rig.destination();
        rig.at(config, known).await;
        let counts = rig.deliver(false).await;
        assert!(counts.clean(), "{fault}: {counts:?}");
        assert_eq!(rig.server.content().records.len(), patients, "{fault}");
        assert!(rig.prove().await.clean(), "{fault}");
        assert!(rig.server.stats().struck.values().sum::<u64>() > 1, "{fault}");
    }
}

/// A record with this in its text.
fn with_text(record: &[u8], link: &str) -> Vec<u8> {
    let mut record: Value = serde_json::from_slice(record).expect("a record");
    let div = format!("<div xmlns=\"http://www.w3.org/1999/xhtml\">{link}</div>");
    record["text"] = json!({ "status": "additional", "div": div });
    record.to_string().into_bytes()
}

fn id_of(dataset: &dyn Dataset, resource_type: &str, at: u64) -> String {
    let line = dataset.lines(resource_type, at..at + 1).next().expect("a record");
    let id = fhir::scan(&line).expect("a record").id.to_owned();
    format!("{resource_type}/{id}")
}
