//! A real FHIR server as the destination: the Helios server, where it is installed.

use std::collections::BTreeMap;
use std::sync::Arc;

use cutover::engine::destination::save_destination;
use cutover::engine::{Answer, Command};
use cutover::fhir;
use cutover::migration::{Bundling, DeliveryCounts, Destination, ServerKind};
use cutover::sandbox::practice::Practice;
use cutover::sandbox::{Dataset, Folder};
use serde_json::Value;

use crate::bench::{Bench, config};
use crate::delivery::places;
use crate::hfs_content::{content, load};
use crate::hfs_server::{Server, program};
use crate::synthea::data;

/// What the server has of its own: a patient whom the migration knows nothing of, and what belongs to them.
fn own() -> BTreeMap<String, Vec<u8>> {
    [
        r#"{"resourceType":"Organization","id":"own-org","name":"Harbour Clinic"}"#,
        r#"{"resourceType":"Patient","id":"own-patient","name":[{"family":"Unrelated"}],"managingOrganization":{"reference":"Organization/own-org"}}"#,
        r#"{"resourceType":"Observation","id":"own-observation","status":"final","code":{"text":"weight"},"subject":{"reference":"Patient/own-patient"},"valueQuantity":{"value":71.50}}"#,
    ]
    .map(|line| {
        let scan = fhir::scan(line.as_bytes()).expect("a record");
        (format!("{}/{}", scan.resource_type, scan.id), line.as_bytes().to_vec())
    })
    .into()
}

async fn deliver(bench: &mut Bench) -> DeliveryCounts {
    match bench
        .command(Command::Deliver { force: false })
        .await
        .expect("a delivery")
    {
        Answer::Delivered(counts) => counts,
        other => panic!("{other:?}"),
    }
}

fn hash(record: &Value, base: &str) -> [u8; 32] {
    let mut record = record.clone();
    if let Some(meta) = record.get_mut("meta").and_then(Value::as_object_mut) {
        meta.retain(|name, _| matches!(name.as_str(), "profile" | "security" | "tag"));
    }
    fhir::canonical_hash(&fhir::plain_numbers(record.to_string().as_bytes()), Some(base)).expect("a record")
}

/// Everything is there and says the same, a second delivery writes nothing, and after a rollback the server is as it was.
async fn there_and_back(dataset: Arc<dyn Dataset>, bundling: Option<Bundling>) {
    let (Some(program), Some(definitions)) = (program(), data("hfs")) else {
        return;
    };
    let mut bench = Bench::new(config(dataset)).await;
    bench.done().await;
    let server = Server::start(&program, bench.dir.path(), &definitions);
    load(&server.base, &own()).await;
    let mut types: Vec<String> = bench.dataset.types().into_iter().map(|(name, _)| name).collect();
    for name in own().keys() {
        let name = name.split('/').next().expect("a type").to_owned();
        if !types.contains(&name) {
            types.push(name);
        }
    }
    let before = content(&server.base, &types).await;
    assert_eq!(before.len(), 3);
    let destination = Destination {
        kind: ServerKind::Helios,
        bundling,
        ..Destination::new(&server.base)
    };
    save_destination(bench.storage(), &bench.plan, &destination, None).expect("saved");

    let ours = bench.exported();
    let counts = deliver(&mut bench).await;
    assert!(counts.clean() && counts.created == ours.len() as u64, "{counts:?}");
    let there = content(&server.base, &types).await;
    assert_eq!(there.len(), ours.len() + before.len());
    let base = bench.plan.base_url.clone();
    let places = places(&bench);
    for (name, line) in &ours {
        // References lead where the records are there.
        let moved = fhir::rewrite(line, Some(&base), |kind, id| {
            places.get(&format!("{kind}/{id}")).cloned()
        });
        let line = moved.unwrap_or_else(|| line.clone());
        let ours: Value = serde_json::from_slice(&line).expect("JSON");
        assert_eq!(hash(&there[&places[name]], &base), hash(&ours, &base), "{name}");
    }
    for (name, record) in &there {
        for found in fhir::references(record.to_string().as_bytes()) {
            if let fhir::Kind::Local { resource_type, id, .. } = fhir::classify(&found.text, None) {
                assert!(
                    there.contains_key(&format!("{resource_type}/{id}")),
                    "{name} refers to {}",
                    found.text
                );
            }
        }
    }
    let Answer::Proven(proof) = bench.command(Command::Prove).await.expect("a proof") else {
        panic!("no proof");
    };
    let first: Vec<_> = proof.findings.iter().take(5).collect();
    assert!(
        proof.clean() && proof.compared == ours.len() as u64,
        "{} wrong: {first:?}",
        proof.wrong
    );

    let again = deliver(&mut bench).await;
    assert_eq!((again.unchanged, again.total()), (ours.len() as u64, ours.len() as u64));
    assert!(
        content(&server.base, &types).await == there,
        "a second delivery wrote something"
    );

    bench.rollback(None, false, false).await;
    let back = deliver(&mut bench).await;
    assert!(back.clean() && back.removed == ours.len() as u64, "{back:?}");
    assert!(
        content(&server.base, &types).await == before,
        "the server is not as it was"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_practice_is_delivered_in_whole_and_taken_back_in_whole() {
    there_and_back(Arc::new(Practice::new(9, 7)), None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_practice_is_delivered_patient_by_patient_and_taken_back_in_whole() {
    there_and_back(Arc::new(Practice::new(4, 7)), Some(Bundling::Patient)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_synthea_practice_is_delivered_in_whole_and_taken_back_in_whole() {
    let Some(folder) = data("synthea-24") else { return };
    there_and_back(Arc::new(Folder::open(&folder).unwrap()), None).await;
}
