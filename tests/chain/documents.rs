//! Documents that the export names and does not bring along, and manifests that come in several pages, through `run` and `export`.

use std::collections::BTreeMap;
use std::sync::Arc;

use cutover::engine::{Aside, Command, Line, beginning, quarantine_of};
use cutover::fhir;
use cutover::migration::By;
use cutover::sandbox::Fault;
use serde_json::{Value, json};

use crate::bench::{Bench, Records, config, differing, practice};
use crate::edited::Edited;
use crate::oneshot::{export, files};

/// Leaves the documents' bytes out of the export, so that they must be asked for one by one.
fn without_binaries(bench: &mut Bench) {
    let types = bench.dataset.types().into_iter().map(|(name, _)| name);
    bench.plan.types = types.filter(|name| name != "Binary").collect();
}

/// Content type and data of each document, by `Binary/id`.
fn contents<'a>(lines: impl Iterator<Item = &'a [u8]>) -> BTreeMap<String, (String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    lines
        .map(|line| serde_json::from_slice::<Value>(line).expect("JSON"))
        .filter(|record| record["resourceType"] == "Binary")
        .map(|record| {
            let content = (text(&record["contentType"]), text(&record["data"]));
            (format!("Binary/{}", text(&record["id"])), content)
        })
        .collect()
}

/// The documents that the source's records name, as the source holds them.
fn named(bench: &Bench) -> BTreeMap<String, (String, String)> {
    let count = bench
        .dataset
        .types()
        .iter()
        .find(|(name, _)| name == "Binary")
        .unwrap()
        .1;
    let held: Vec<Vec<u8>> = bench.dataset.lines("Binary", 0..count).collect();
    let mut held = contents(held.iter().map(Vec::as_slice));
    let mut urls = Vec::new();
    for line in bench.source().values() {
        urls.extend(fhir::attachment_urls(line).map(|found| found.text.to_string()));
    }
    held.retain(|name, _| urls.iter().any(|url| url.ends_with(name)));
    assert!(held.len() > 5, "the practice has documents");
    held
}

fn lines(records: &Records) -> impl Iterator<Item = &[u8]> {
    records.values().map(Vec::as_slice)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn are_fetched_after_the_export_and_only_once() {
    let mut bench = Bench::new(config(practice())).await;
    without_binaries(&mut bench);
    let named = named(&bench);
    bench.done().await;
    let stored = bench.stored();
    assert_eq!(contents(lines(&stored)), named);
    let fetched = bench.sandbox.stats().reads["Binary"];
    assert_eq!(fetched, named.len() as u64);
    assert_eq!(stored.len(), bench.source().len() + named.len());
    assert!(bench.verification().clean());
    // The next run has them already.
    bench.done().await;
    assert_eq!(bench.sandbox.stats().reads["Binary"], fetched);
    assert_eq!(bench.stored(), stored);
    bench.assert_discreet();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn are_fetched_with_a_fresh_token_through_a_rough_night() {
    for fault in ["token-expires", "burst-429", "burst-503"] {
        let fault: Fault = fault.parse().expect("a fault");
        let mut bench = Bench::new(config(practice()).fault(fault)).await;
        without_binaries(&mut bench);
        bench.done().await;
        assert_eq!(contents(lines(&bench.stored())), named(&bench));
        bench.assert_discreet();
    }
}

/// A document that the EHR does not give any more, as happens to old ones, keeps nothing else waiting, and is for a person to decide of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_are_not_given_are_in_quarantine_by_name() {
    let mut bench = Bench::new(config(practice())).await;
    without_binaries(&mut bench);
    let mut named = named(&bench);
    let (gone, content) = named.pop_first().expect("a document");
    let id = gone.trim_start_matches("Binary/").to_owned();
    let without = |id: String| {
        Arc::new(Edited::new(practice(), move |name, _, line| {
            let ours = name == "Binary" && fhir::scan(&line).expect("a record").id == id;
            if ours { Vec::new() } else { vec![line] }
        }))
    };
    bench.serve(config(without(id.clone()))).await;
    bench.done().await;
    assert_eq!(contents(lines(&bench.stored())), named);
    let rows = quarantine_of(bench.storage(), &bench.plan).unwrap();
    let [row] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(
        (row.what.code.as_str(), row.what.resource_type.as_str()),
        ("not-given", "Binary")
    );
    // What is told elsewhere names nobody; the row's bytes do.
    assert_eq!(row.what.reason, "the EHR does not give the document (404)");
    let note: Value = serde_json::from_str(&beginning(bench.storage(), row.row, usize::MAX).unwrap().text).unwrap();
    let issue = &note["issue"][0];
    assert!(issue["diagnostics"].as_str().unwrap().contains(&gone), "{issue}");
    let holder = issue["expression"][0].as_str().unwrap();
    assert!(
        String::from_utf8_lossy(&bench.source()[holder]).contains(&gone),
        "{issue}"
    );
    assert_eq!(bench.last_counts().quarantined, 1);
    assert!(bench.verification().clean());

    // It is asked for again, and noted once.
    let asked = |bench: &Bench| bench.sandbox.stats().reads["Binary"];
    let before = asked(&bench);
    bench.done().await;
    assert_eq!(asked(&bench), before + 1);
    assert_eq!(quarantine_of(bench.storage(), &bench.plan).unwrap(), rows);
    assert!(bench.verification().clean());

    // A person puts it in by hand; after that nobody asks any more.
    let (media_type, data) = content;
    let binary = json!({"resourceType": "Binary", "id": id, "contentType": media_type, "data": data});
    let amend = Command::Amend {
        rows: vec![(row.row, Line::new(&binary.to_string()))],
        who: By {
            login: "tester".to_owned(),
            name: Some("Mo Okafor".to_owned()),
            why: Some("saved from the chart".to_owned()),
        },
    };
    bench.command(amend).await.unwrap();
    bench.done().await;
    assert_eq!(asked(&bench), before + 1);
    named.insert(gone, (media_type, data));
    assert_eq!(contents(lines(&bench.stored())), named);
    assert!(bench.verification().clean());
    bench.assert_discreet();
}

/// What the EHR does not give in one run it may in the next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn that_are_given_later_are_taken_in_then() {
    let mut bench = Bench::new(config(practice())).await;
    without_binaries(&mut bench);
    let named = named(&bench);
    let none = Edited::new(
        practice(),
        |name, _, line| if name == "Binary" { Vec::new() } else { vec![line] },
    );
    bench.serve(config(Arc::new(none))).await;
    bench.done().await;
    let rows = quarantine_of(bench.storage(), &bench.plan).unwrap();
    assert_eq!(rows.len(), named.len());
    assert!(contents(lines(&bench.stored())).is_empty());
    bench.serve(config(practice())).await;
    bench.done().await;
    assert_eq!(contents(lines(&bench.stored())), named);
    assert!(bench.verification().clean());
    let rows = quarantine_of(bench.storage(), &bench.plan).unwrap();
    let why = "the document is there since run 2";
    let settled = |row: &Aside| row.waived.as_ref().and_then(|waived| waived.by.why.as_deref()) == Some(why);
    assert!(rows.len() == named.len() && rows.iter().all(settled), "{rows:?}");
    // Nobody has decided to do without them: where they are taken out again, they are asked for again.
    bench.rollback(Some(2), false, false).await;
    assert!(contents(lines(&bench.stored())).is_empty());
    bench.done().await;
    assert_eq!(contents(lines(&bench.stored())), named);
    assert_eq!(quarantine_of(bench.storage(), &bench.plan).unwrap().len(), named.len());
}

/// Of sizes at which they are blocks by themselves, are waited for, are verified alone, and are not compressed any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_megabytes_are_landed_and_verified() {
    let sizes = [1 << 20, 17 << 20, 5 << 20, 9 << 20];
    let large = Edited::new(practice(), move |name, at, line| {
        let Some(size) = sizes.get(at).filter(|_| name == "Binary") else {
            return vec![line];
        };
        let mut record: Value = serde_json::from_slice(&line).expect("JSON");
        record["data"] = "QUJD".repeat(size / 4).into();
        vec![record.to_string().into_bytes()]
    });
    let mut bench = Bench::new(config(Arc::new(large))).await;
    without_binaries(&mut bench);
    let named = named(&bench);
    bench.done().await;
    assert!(contents(lines(&bench.stored())) == named);
    let long = named.values().filter(|(_, data)| data.len() >= 1 << 20).count();
    assert!(long > 1, "{long} of them");
    let verification = bench.verification();
    assert!(verification.clean() && bench.quarantine().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn come_with_a_one_shot_export_too() {
    let mut bench = Bench::new(config(practice())).await;
    without_binaries(&mut bench);
    let here = bench.dir.path().join("here");
    assert_eq!(export(&bench, &here).await.expect("an export").failed, Vec::new());
    let files = files(&here);
    let fetched = &files["Binary.attachments.ndjson"];
    assert!(fetched.ends_with(b"\n"));
    let lines = fetched.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    assert_eq!(contents(lines), named(&bench));
    bench.assert_discreet();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_manifest_in_pages_is_read_to_its_last() {
    let mut paged = config(practice());
    paged.deletions = 5;
    let mut bench = Bench::new(paged.clone()).await;
    bench.plan.allow_partial_manifests = true;
    bench.plan.on_deleted = cutover::migration::DeletionPolicy::Ignore;
    bench.done().await;
    assert!(bench.sandbox.stats().polls > 2, "later pages were asked for");
    assert_eq!(bench.last_counts().deleted, 5);
    let mut source = bench.source();
    for deleted in &bench.sandbox.affected()["deletions"] {
        assert!(source.remove(deleted).is_some());
    }
    assert_eq!(differing(&source, &bench.stored()), Vec::<String>::new());

    let (here, there) = (bench.dir.path().join("here"), bench.dir.path().join("there"));
    assert_eq!(export(&bench, &here).await.expect("an export").failed, Vec::new());
    assert!(here.join("manifest.2.json").exists());
    bench.plan.allow_partial_manifests = false;
    assert_eq!(export(&bench, &there).await.expect("an export").failed, Vec::new());
    assert_eq!(files(&here), files(&there), "pages or not, the files are the same");
    let deleted: Vec<u8> = files(&here)
        .into_iter()
        .filter(|(name, _)| name.contains("deleted"))
        .flat_map(|(_, bytes)| bytes)
        .collect();
    assert_eq!(deleted.split(|b| *b == b'\n').count() - 1, 5);
}
