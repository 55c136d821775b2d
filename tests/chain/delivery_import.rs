//! A server's own import: files are made of what it has nothing of, it fetches them, and a delivery finds everything there.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use cutover::engine::destination::{ImportOptions, Imported};
use cutover::engine::{Answer, Command, EngineError};
use cutover::migration::{Importing, ServerKind};
use cutover::sandbox::destination::{DestinationConfig, GENERIC, GOOGLE, HAPI, MEDPLUM, Manners, THROTTLED};
use cutover::sandbox::practice::Practice;
use serde_json::Value;

use crate::delivery::Rig;

fn options(folder: &Path, files_only: bool) -> ImportOptions {
    let url = url::Url::from_directory_path(folder).expect("a folder");
    ImportOptions {
        to: Some(folder.display().to_string()),
        seen_as: Some(url.to_string()),
        files_only,
        forget: false,
    }
}

async fn import(rig: &mut Rig, options: ImportOptions) -> Result<Imported, EngineError> {
    match rig.bench.command(Command::Import(options)).await? {
        Answer::Imported(imported) => Ok(*imported),
        other => panic!("{other:?}"),
    }
}

/// Every line of every file of the latest import, by `Type/id`, as the manifest has them.
fn lines(folder: &Path) -> BTreeMap<String, Value> {
    let inside = std::fs::read_dir(folder).expect("a folder");
    let folder = &inside.map(|entry| entry.expect("an entry").path()).max().expect("one");
    let manifest: Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).expect("a manifest")).expect("JSON");
    let mut all = BTreeMap::new();
    for output in manifest["output"].as_array().expect("files") {
        let (of_type, url) = (
            output["type"].as_str().expect("a type"),
            output["url"].as_str().expect("a url"),
        );
        let name = url.rsplit('/').next().expect("a name");
        let text = std::fs::read(folder.join(name)).expect("a file");
        let hash = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &text);
        let hash = hash
            .as_ref()
            .iter()
            .fold(String::new(), |hash, byte| format!("{hash}{byte:02x}"));
        assert_eq!(output["extension"]["https://cutover.dev/fhir/sha256"], hash.as_str());
        let mut count = 0;
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let record: Value = serde_json::from_slice(line).expect("a record");
            assert_eq!(record["resourceType"], of_type);
            let name = format!("{of_type}/{}", record["id"].as_str().expect("an id"));
            assert!(all.insert(name, record).is_none(), "twice");
            count += 1;
        }
        assert_eq!(output["count"], count);
    }
    all
}

/// The whole practice by import: everything is there once, a delivery writes nothing more, and a rollback takes all of it away again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_imports_the_practice_by_itself() {
    let ways: [(&Manners, ServerKind); 3] = [
        (&HAPI, ServerKind::Hapi),
        (&THROTTLED, ServerKind::Azure),
        (&GOOGLE, ServerKind::Google),
    ];
    for (manners, kind) in ways {
        let mut rig = Rig::with(
            DestinationConfig::new(manners).requests(u64::MAX, std::time::Duration::from_secs(1)),
            kind,
        )
        .await;
        let folder = tempfile::tempdir().expect("a folder");
        let ours = rig.bench.exported().len() as u64;
        let done = import(&mut rig, options(folder.path(), false)).await.expect("imported");
        assert!(done.over && done.errors.is_empty(), "{}: {done:?}", manners.name);
        assert_eq!(
            (done.records, lines(folder.path()).len() as u64),
            (ours, ours),
            "{}",
            manners.name
        );
        let counts = rig.deliver(false).await;
        assert!(
            counts.clean() && counts.found == ours && counts.created == 0,
            "{}: {counts:?}",
            manners.name
        );
        let content = rig.assert_there();
        assert_eq!(content.versions_written as u64, ours, "each record once");
        assert!(rig.prove().await.clean());
        // Nothing is left to import, and what is there is not written over.
        let again = import(&mut rig, options(folder.path(), false))
            .await
            .expect("nothing to do");
        assert_eq!((again.records, again.over), (0, false));
        rig.bench.rollback(None, false, false).await;
        assert_eq!(rig.deliver(false).await.removed, ours, "{}", manners.name);
        assert!(rig.server.content().records.is_empty());
    }
}

/// What was cut off while the server was at it is only waited for; until then nothing else is written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_import_that_is_under_way_is_waited_for() {
    let mut rig = Rig::with(DestinationConfig::new(&HAPI), ServerKind::Hapi).await;
    let folder = tempfile::tempdir().expect("a folder");
    let first = import(&mut rig, options(folder.path(), false)).await.expect("imported");
    // As after a kill between the start and the end: the server has it under number 1.
    let mut known = rig.destination();
    known.importing = Some(Importing {
        status_url: Some(format!("{}/$import-poll/1", rig.server.base_url)),
        records: first.records,
    });
    let storage = Arc::clone(rig.bench.storage());
    storage
        .tables
        .destinations
        .put(crate::bench::NAME.as_bytes(), &known)
        .expect("noted");
    let refused = rig.bench.command(Command::Deliver { force: false }).await;
    assert!(
        matches!(&refused, Err(EngineError::NotReady { what, .. }) if what.contains("importing")),
        "{refused:?}"
    );
    let nowhere = ImportOptions {
        to: None,
        seen_as: None,
        files_only: false,
        forget: false,
    };
    let done = import(&mut rig, nowhere).await.expect("watched");
    assert_eq!((done.over, done.records), (true, first.records));
    assert!(rig.deliver(false).await.clean());
    rig.assert_there();

    // Of one of which nobody knows whether it began, somebody has to say so.
    known.importing = Some(Importing {
        status_url: None,
        records: 1,
    });
    let storage = Arc::clone(rig.bench.storage());
    let at = crate::bench::NAME.as_bytes();
    storage.tables.destinations.put(at, &known).expect("noted");
    let unknown = import(&mut rig, options(folder.path(), false)).await;
    insta::assert_snapshot!(unknown.expect_err("unknown").to_string(), @"the server was asked to import, and it is not known whether it is at it");
    let forget = ImportOptions {
        forget: true,
        ..options(folder.path(), false)
    };
    import(&mut rig, forget.clone()).await.expect("forgotten");
    let nothing = import(&mut rig, forget).await.expect_err("nothing to forget");
    assert_eq!(nothing.to_string(), "no import is watched");
    assert!(rig.deliver(false).await.clean());
}

/// What somebody edited at the server between the import and the first delivery is not written over; what was imported and is taken back before it
/// was ever looked at is not forgotten there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_imported_is_known_before_it_was_seen() {
    let mut rig = Rig::with(DestinationConfig::new(&HAPI), ServerKind::Hapi).await;
    let folder = tempfile::tempdir().expect("a folder");
    let done = import(&mut rig, options(folder.path(), false)).await.expect("imported");
    let content = rig.server.content();
    let name = content
        .records
        .keys()
        .find(|name| name.starts_with("Condition/"))
        .expect("one")
        .clone();
    let mut record = content.records[&name].clone();
    record["note"] = serde_json::json!([{"text": "edited here"}]);
    assert!(rig.server.edit(&record));
    let counts = rig.deliver(false).await;
    assert_eq!((counts.conflicts, counts.found), (1, done.records - 1), "{counts:?}");
    assert_eq!(rig.server.content().records[&name]["note"], record["note"]);

    let mut rig = Rig::with(DestinationConfig::new(&HAPI), ServerKind::Hapi).await;
    let folder = tempfile::tempdir().expect("a folder");
    let done = import(&mut rig, options(folder.path(), false)).await.expect("imported");
    rig.bench.rollback(None, false, false).await;
    let counts = rig.deliver(false).await;
    assert_eq!((counts.removed, counts.conflicts), (0, done.records), "{counts:?}");
}

/// Files alone, for servers that are given them by hand; kinds that import nothing say so, and nothing of a type that the server has is in them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_are_made_of_what_the_server_has_nothing_of() {
    let own = Arc::new(Practice::new(2, 99));
    let mut rig = Rig::with(DestinationConfig::new(&GENERIC).dataset(own), ServerKind::Generic).await;
    let folder = tempfile::tempdir().expect("a folder");
    let refused = import(&mut rig, options(folder.path(), false)).await;
    insta::assert_snapshot!(refused.expect_err("no import").to_string(), @"servers of the kind `generic` do not import files by themselves");
    let done = import(&mut rig, options(folder.path(), true)).await.expect("files");
    assert!(!done.over);
    let theirs: Vec<String> = rig
        .server
        .content()
        .records
        .keys()
        .map(|name| name.split('/').next().expect("a type").to_owned())
        .collect();
    for name in lines(folder.path()).keys() {
        let of_type = name.split('/').next().expect("a type");
        assert!(!theirs.iter().any(|own| own == of_type), "{name}");
    }
    // A server that takes no ids of ours cannot be given files.
    let mut rig = Rig::with(DestinationConfig::new(&MEDPLUM), ServerKind::Medplum).await;
    let done = import(&mut rig, options(folder.path(), true)).await.expect("files");
    assert_eq!(done.records, 0);
}
