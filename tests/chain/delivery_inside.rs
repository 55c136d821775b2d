//! Documents inside of the records that show them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cutover::engine::destination::{problems, save_destination};
use cutover::engine::{Answer, Command};
use cutover::fhir;
use cutover::migration::{Policy, ServerKind, Standing};
use cutover::sandbox::Dataset;
use cutover::sandbox::destination::{DestinationConfig, GENERIC, MEDPLUM};
use cutover::sandbox::practice::Practice;
use cutover::store::migration_key;
use serde_json::Value;

use crate::bench::{Bench, NAME};
use crate::delivery::Rig;
use crate::edited::Edited;

/// The documents that are inside of others, by name.
pub fn inside(bench: &Bench) -> BTreeMap<String, Value> {
    let storage = bench.storage();
    let tenant = storage.names.tenant(NAME).expect("a tenant");
    let mut documents = bench.exported();
    documents.retain(|name, _| {
        let (kind, id) = name.split_once('/').expect("a name");
        let key = storage.key(tenant, kind, id).expect("a key");
        let known = storage.deliveries.get(&migration_key(NAME, key.as_bytes()));
        known.expect("the ledger").is_some_and(|known| known.inside())
    });
    let read = |line: Vec<u8>| serde_json::from_slice(&line).expect("JSON");
    documents.into_iter().map(|(name, line)| (name, read(line))).collect()
}

/// Puts documents where their address stood.
pub fn put_in(value: &mut Value, documents: &BTreeMap<String, Value>, base: Option<&str>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| put_in(item, documents, base)),
        Value::Object(members) => {
            let url = members.get("url").and_then(Value::as_str).map(str::to_owned);
            let named = url.as_deref().map(|url| fhir::classify(url, base));
            if let Some(fhir::Kind::Local { resource_type, id, .. }) = named
                && let Some(document) = documents.get(&format!("{resource_type}/{id}"))
            {
                let data = document["data"].as_str().expect("bytes");
                let bytes = STANDARD.decode(data).expect("base64");
                members.remove("url");
                members.insert("data".to_owned(), data.into());
                let hash = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &bytes));
                for (name, value) in [
                    ("contentType", document["contentType"].clone()),
                    ("size", bytes.len().into()),
                    ("hash", hash.into()),
                ] {
                    members.entry(name).or_insert(value);
                }
            }
            members.values_mut().for_each(|member| put_in(member, documents, base));
        }
        _ => {}
    }
}

/// Told to put what is small inside, into this server.
async fn told(config: DestinationConfig, kind: ServerKind, room: usize) -> Rig {
    let rig = Rig::with(config, kind).await;
    let mut known = rig.destination();
    known.inline_attachments = Some(room);
    save_destination(rig.bench.storage(), &rig.bench.plan, &known, None).expect("saved");
    rig
}

fn unhurried() -> DestinationConfig {
    DestinationConfig::new(&MEDPLUM).points(u64::MAX, Duration::from_secs(60))
}

fn size(document: &[u8]) -> usize {
    let document: Value = serde_json::from_slice(document).expect("JSON");
    let data = document["data"].as_str().expect("bytes");
    STANDARD.decode(data).expect("base64").len()
}

/// The documents of the store, and how large each is.
fn documents(rig: &Rig) -> BTreeMap<String, usize> {
    let all = rig.bench.exported().into_iter();
    let documents = all.filter(|(name, _)| name.starts_with("Binary/"));
    documents.map(|(name, line)| (name, size(&line))).collect()
}

/// Into a server that takes documents by themselves too, the larger ones go so; out again, all of it goes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_small_goes_inside_and_what_is_large_by_itself() {
    const ROOM: usize = 9000;
    let mut rig = told(DestinationConfig::new(&GENERIC), ServerKind::Generic, ROOM).await;
    let documents = documents(&rig);
    let small = documents.values().filter(|size| **size <= ROOM).count();
    let counts = rig.deliver(false).await;
    assert!(counts.clean() && counts.inside == small as u64, "{counts:?}");
    assert!(small > 3 && documents.len() > small + 3, "{documents:?}");
    assert!(inside(&rig.bench).keys().all(|name| documents[name] <= ROOM));
    let content = rig.assert_there();
    let proof = rig.prove().await;
    let rows = rig.bench.exported().len() as u64;
    assert!(proof.clean() && proof.compared + proof.inside == rows, "{proof:?}");
    // Killed before it was noted that what shows them is there: they are found in it.
    let exported = rig.bench.exported();
    for name in exported.keys().filter(|name| name.starts_with("DocumentReference/")) {
        forget(&rig, name);
    }
    assert!(rig.deliver(false).await.clean());
    for _ in 0..2 {
        assert_eq!(rig.deliver(false).await.inside, small as u64);
        assert_eq!(rig.server.content().versions_written, content.versions_written);
    }
    rig.bench.rollback(None, false, false).await;
    let back = rig.deliver(false).await;
    assert!(back.clean() && back.removed == rows - small as u64, "{back:?}");
    assert!(rig.server.content().records.is_empty());
    assert_eq!(rig.deliver(false).await.total(), 0);
}

/// A record's row in the ledger goes.
fn forget(rig: &Rig, name: &str) {
    let storage = rig.bench.storage();
    let (kind, id) = name.split_once('/').expect("a name");
    let tenant = storage.names.tenant(NAME).expect("a tenant");
    let key = storage.key(tenant, kind, id).expect("a key");
    let at = migration_key(NAME, key.as_bytes());
    assert!(storage.deliveries.get(&at).expect("the ledger").is_some());
    storage.deliveries.remove(&at).expect("gone");
}

/// A server that takes no documents, and no room for the larger ones: those are named, what shows them is there, and leads where they are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_has_no_room_is_named() {
    const ROOM: usize = 9000;
    let mut rig = told(unhurried(), ServerKind::Medplum, ROOM).await;
    let documents = documents(&rig);
    let large: Vec<&String> = documents.keys().filter(|name| documents[*name] > ROOM).collect();
    let (rows, unsent) = (rig.bench.exported().len() as u64, rig.prove().await);
    assert_eq!(unsent.wrong + unsent.undelivered, rows, "{unsent:?}");
    let counts = rig.deliver(false).await;
    assert_eq!(
        (counts.refused, counts.inside),
        (large.len() as u64, (documents.len() - large.len()) as u64),
        "{counts:?}"
    );
    assert_eq!(rig.problems().iter().collect::<Vec<_>>(), large);
    let problems = problems(rig.bench.storage(), &rig.bench.plan).expect("problems");
    let Standing::Refused { status: 0, reason } = &problems[0].standing else {
        panic!("{problems:?}")
    };
    insta::assert_snapshot!(reason, @"the server does not search this type, so that writing again could double records; inside of a record that shows it there is room for 9000 bytes, unless that states another hash, and none took it in");
    let source = &rig.bench.plan.base_url;
    let said: String = rig.server.content().records.values().map(Value::to_string).collect();
    for name in large {
        assert!(said.contains(&format!("{source}/{name}")), "{name}");
    }
    let written = rig.server.content().versions_written;
    assert_eq!(rig.deliver(false).await.refused, counts.refused);
    assert_eq!(rig.server.content().versions_written, written);
}

/// A document is another one at the source later, or is gone: so it is in what shows it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_shows_a_document_follows_it() {
    let whole = Arc::new(Practice::new(9, 7));
    // Everything that shows a document is there twice.
    let practice = Arc::new(Edited::new(whole, |name, _, line| {
        let mut twin: Value = serde_json::from_slice(&line).expect("JSON");
        if name != "DocumentReference" {
            return vec![line];
        }
        twin["id"] = format!("{}-2", twin["id"].as_str().expect("an id")).into();
        twin.as_object_mut().expect("a record").remove("identifier");
        vec![line, twin.to_string().into_bytes()]
    }));
    let mut rig = Rig::start(practice.clone(), unhurried(), ServerKind::Medplum).await;
    rig.bench.done().await;
    assert!(rig.deliver(false).await.clean());
    let before = rig.assert_there();
    // What shows this one says nothing of its hash, and stays as it is.
    let lines = |name: &str| -> Vec<Value> {
        let lines = practice.lines(name, 0..1000);
        lines.map(|line| serde_json::from_slice(&line).expect("JSON")).collect()
    };
    let attachments = lines("DocumentReference")
        .into_iter()
        .map(|record| record["content"][0]["attachment"].clone());
    let mut unhashed = attachments.filter(|attachment| attachment["hash"].is_null());
    let url = unhashed
        .find_map(|attachment| attachment["url"].as_str().map(str::to_owned))
        .expect("one");
    let changed = Edited::new(practice.clone(), |name, _, line| {
        let mut record: Value = serde_json::from_slice(&line).expect("JSON");
        if name != "Binary" || !url.ends_with(record["id"].as_str().expect("an id")) {
            return vec![line];
        }
        record["data"] = STANDARD.encode("another text than before").into();
        record["meta"]["lastUpdated"] = "2030-02-01T00:00:00Z".into();
        vec![record.to_string().into_bytes()]
    });
    rig.bench.plan.on_conflict = Policy::NewerWins;
    rig.bench.serve(crate::bench::config(Arc::new(changed))).await;
    rig.bench.run_again().await;
    let counts = rig.deliver(false).await;
    assert!(counts.clean() && counts.updated == 2, "{counts:?}");
    let after = rig.assert_there();
    assert_eq!(after.records.len(), before.records.len());
    let text = STANDARD.encode("another text than before");
    let showing = after
        .records
        .values()
        .filter(|record| record.to_string().contains(&text));
    assert_eq!(showing.count(), 2);
    assert!(rig.prove().await.clean());
    let again = rig.deliver(false).await;
    assert_eq!((again.updated, again.created, again.refused), (0, 0, 0), "{again:?}");
}

/// Records that are too large to be read two hundred at a time: they are read a few at a time, and all of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m5_large_records_of_the_server_are_read_in_small_pages() {
    let large = STANDARD.encode(vec![7; 1 << 20]);
    let own = Edited::new(Arc::new(Practice::new(9, 11)), move |name, _, line| {
        let mut record: Value = serde_json::from_slice(&line).expect("JSON");
        if name == "DocumentReference" {
            let attachment = &mut record["content"][0]["attachment"];
            *attachment = serde_json::json!({"contentType": "application/pdf", "data": large});
        }
        vec![record.to_string().into_bytes()]
    });
    let config = DestinationConfig::new(&GENERIC).dataset(Arc::new(own));
    let mut rig = Rig::start(Arc::new(Practice::new(9, 7)), config, ServerKind::Generic).await;
    let content = rig.server.content();
    let documents = content.count("DocumentReference");
    assert!(documents * (1 << 20) > 8 << 20, "{documents} are no more than a page");
    let pulled = rig.bench.command(Command::Pull).await;
    assert!(matches!(pulled, Ok(Answer::Pulled(_))), "{pulled:?}");
    let names: Vec<String> = rig.bench.exported().into_keys().collect();
    assert_eq!(names, content.records.into_keys().collect::<Vec<_>>());
}

/// Somebody changes their mind of what goes inside: no document is anywhere else than where it is said to be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_inside_is_by_itself_when_it_is_wanted_so() {
    let mut rig = told(DestinationConfig::new(&GENERIC), ServerKind::Generic, 9000).await;
    let first = rig.deliver(false).await;
    assert!(first.clean() && first.inside > 3, "{first:?}");
    for (room, inside) in [(4000, 2), (0, 0), (9000, 0)] {
        let mut known = rig.destination();
        known.inline_attachments = Some(room);
        save_destination(rig.bench.storage(), &rig.bench.plan, &known, None).expect("saved");
        let counts = rig.deliver(false).await;
        assert!(counts.clean() && counts.inside == inside, "{room}: {counts:?}");
        let content = rig.assert_there();
        let (rows, proof) = (rig.bench.exported().len() as u64, rig.prove().await);
        assert!(proof.clean() && proof.compared + proof.inside == rows, "{proof:?}");
        assert!(rig.deliver(false).await.clean());
        assert_eq!(rig.server.content().versions_written, content.versions_written);
    }
}
