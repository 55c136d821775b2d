//! Organizations, locations and practitioners whom the destination knows under other ids, and everything that refers to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use cutover::engine::{Choice, Outcome, RunOptions, Which};
use cutover::fhir::{self, Kind};
use cutover::migration::{ConflictKind, Ground, Mapping, Policy, Resolution};
use cutover::sandbox::Dataset;
use cutover::sandbox::practice::DestinationMix;
use cutover::store::migration_key;

use crate::bench::{Bench, NAME, config, import, practice};
use crate::edited::Edited;

const DIRECTORY: [&str; 3] = ["Organization", "Location", "Practitioner"];

async fn bench(policy: Policy) -> Bench {
    let mut bench = Bench::new(config(practice())).await;
    bench.load(&practice().staff(4)).await;
    bench.plan.on_conflict = policy;
    bench
}

fn mappings(bench: &Bench) -> Vec<Mapping> {
    let rows = bench.storage().tables.crosswalk.scan_prefix(&migration_key(NAME, &[]));
    rows.map(|item| item.unwrap().1).collect()
}

/// How many were matched, by type and ground.
fn grounds(bench: &Bench) -> BTreeMap<(String, &'static str), usize> {
    let mut grounds = BTreeMap::new();
    for mapping in mappings(bench) {
        *grounds
            .entry((mapping.resource_type, mapping.ground.name()))
            .or_default() += 1;
    }
    grounds
}

/// Every mapped record is there under the destination's id only, and nothing refers to it by the source's.
fn assert_led(bench: &Bench) {
    let stored = bench.stored();
    let base = Some(bench.plan.base_url.as_str());
    let mut led = 0;
    for mapping in mappings(bench).into_iter().filter(|m| m.ground != Ground::Decision) {
        assert!(!stored.contains_key(&format!("{}/{}", mapping.resource_type, mapping.source)));
        assert!(stored.contains_key(&format!("{}/{}", mapping.resource_type, mapping.target)));
        for (name, line) in &stored {
            for found in fhir::references(line) {
                if let Kind::Local { resource_type, id, .. } = fhir::classify(&found.text, base) {
                    assert!(
                        (resource_type, id) != (&mapping.resource_type, &mapping.source),
                        "{name}"
                    );
                    led += usize::from((resource_type, id) == (&mapping.resource_type, &mapping.target));
                }
            }
        }
    }
    assert!(led > 100, "{led}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_known_arrives_as_the_destinations_own_and_again_and_goes_again() {
    let mut bench = bench(Policy::KeepTarget).await;
    let (hash, before) = (bench.hash(), bench.stored());
    bench.done().await;
    let sites = before.keys().filter(|name| name.starts_with("Location/")).count();
    let expected = [
        (("Location".to_owned(), "name"), sites),
        (("Organization".to_owned(), "npi"), sites + 1),
        (("Practitioner".to_owned(), "npi"), 4),
    ];
    assert_eq!(grounds(&bench), expected.into());
    assert_led(&bench);
    // The destination's records stay as they are, and each type has as many as the source, but for what it knew already.
    let stored = bench.stored();
    for (name, line) in &before {
        assert_eq!(stored.get(name), Some(line), "{name}");
    }
    let count = |resource_type: &str, of: &crate::bench::Records| {
        of.keys()
            .filter(|name| name.split('/').next() == Some(resource_type))
            .count()
    };
    for resource_type in DIRECTORY {
        assert_eq!(
            count(resource_type, &stored),
            count(resource_type, &bench.source()),
            "{resource_type}"
        );
    }
    // Two practitioners say something else here than there; all others say the same.
    let counts = bench.counts();
    assert_eq!((counts.kept, counts.undecided, counts.held), (2, 0, 0));
    let (index, after) = (bench.index(), bench.hash());
    bench.done().await;
    assert_eq!(bench.index(), index, "nothing gets a new version the second time");
    bench.rebuild();
    assert_eq!(bench.hash(), after);
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
    bench.rollback(None, false, false).await;
    assert_eq!(bench.hash(), hash);
    assert_eq!(mappings(&bench), []);
    bench.done().await;
    assert_eq!(bench.hash(), after);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_source_may_win_under_the_destinations_id() {
    let mut bench = bench(Policy::KeepSource).await;
    let hash = bench.hash();
    bench.done().await;
    assert_led(&bench);
    let stored = bench.stored();
    let changed = mappings(&bench).into_iter().filter(|mapping| {
        let name = format!("{}/{}", mapping.resource_type, mapping.target);
        String::from_utf8_lossy(&stored[&name]).contains("555-77")
    });
    assert_eq!(changed.count(), 0, "the source's telephone numbers are there");
    let (index, after) = (bench.index(), bench.hash());
    bench.done().await;
    assert_eq!(bench.index(), index);
    bench.rebuild();
    assert_eq!(bench.hash(), after);
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
    bench.rollback(None, false, false).await;
    assert_eq!(bench.hash(), hash);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_content_is_a_question_and_its_answer_is_undone() {
    let mut bench = bench(Policy::Ask).await;
    let before = bench.hash();
    let outcome = bench.run().await;
    assert_eq!(outcome, Outcome::NeedsDecision { conflicts: 2, held: 0 });
    assert_led(&bench);
    let open = bench.hash();
    let conflicts = bench.conflicts();
    assert!(
        conflicts
            .iter()
            .all(|c| c.kind == ConflictKind::ContentDiffers && c.source.id != c.target.id)
    );
    for (conflict, way) in conflicts.iter().zip([Resolution::KeepSource, Resolution::KeepTarget]) {
        bench.resolve(&conflict.id, Choice::Outright(way)).await;
        assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
    }
    let decided = bench.hash();
    assert_ne!(decided, open);
    bench.rebuild();
    assert_eq!(bench.hash(), decided);
    bench.undo(Which::All).await;
    assert_eq!((bench.hash(), bench.conflicts().len()), (open, 2));
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
    let merge = Choice::Merge(cutover::engine::Proposal::default());
    for conflict in &bench.conflicts() {
        bench.resolve(&conflict.id, merge.clone()).await;
    }
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
    let index = bench.index();
    bench.try_run(RunOptions::anew()).await.unwrap();
    assert_eq!(bench.index(), index);
    bench.rollback(None, false, false).await;
    assert_eq!(bench.hash(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patients_and_their_practitioners_are_both_led() {
    let mut bench = bench(Policy::KeepSource).await;
    let mix = DestinationMix {
        agreeing: 6,
        contradicting: 2,
        unnumbered: 0,
    };
    bench.load(&practice().destination(mix)).await;
    let hash = bench.hash();
    assert!(matches!(bench.run().await, Outcome::NeedsDecision { conflicts: 2, .. }));
    for conflict in bench.conflicts().into_iter().filter(cutover::migration::Conflict::open) {
        bench
            .resolve(&conflict.id, Choice::Outright(Resolution::KeepSource))
            .await;
    }
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
    assert_led(&bench);
    let after = bench.hash();
    bench.rebuild();
    assert_eq!(bench.hash(), after);
    bench.rollback(None, false, false).await;
    assert_eq!(bench.hash(), hash);
}

/// Somebody whom the source first sends in a later run, though records of the first run refer to them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_too_late_to_be_led_is_left_alone() {
    let first = practice().lines("Practitioner", 0..1).next().unwrap();
    let id = fhir::scan(&first).unwrap().id.to_owned();
    let without: Arc<dyn Dataset> = Arc::new(Edited::new(practice(), move |_, _, line| {
        let own = fhir::scan(&line).is_ok_and(|scan| scan.resource_type == "Practitioner" && scan.id == id);
        if own { Vec::new() } else { vec![line] }
    }));
    let mut bench = Bench::new(config(without)).await;
    bench.plan.on_conflict = Policy::KeepTarget;
    bench.load(&practice().staff(4)).await;
    bench.done().await;
    assert_eq!(grounds(&bench)[&("Practitioner".to_owned(), "npi")], 3);
    bench.serve(config(practice())).await;
    bench.done().await;
    assert_eq!(grounds(&bench)[&("Practitioner".to_owned(), "npi")], 3);
    assert_led(&bench);
}

/// Somebody new in a later run, to whom nothing refers yet; taking that run back forgets who they were.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_new_later_is_led_until_that_run_is_taken_back() {
    let newcomer = br#"{"resourceType":"Practitioner","id":"newcomer","identifier":[{"system":"http://hl7.org/fhir/sid/us-npi","value":"1234567893"}],"name":[{"family":"New"}]}"#;
    let theirs = fhir::replace_id(newcomer, "theirs").unwrap();
    let mut bench = Bench::new(config(practice())).await;
    bench.import(vec![import("Practitioner", &[theirs])]).await;
    bench.done().await;
    assert_eq!(mappings(&bench), []);
    let hash = bench.hash();
    let with: Arc<dyn Dataset> = Arc::new(Edited::new(practice(), |name, at, line| {
        let first = (name, at) == ("Practitioner", 0);
        first.then(|| newcomer.to_vec()).into_iter().chain([line]).collect()
    }));
    bench.serve(config(with)).await;
    bench.done().await;
    assert_eq!(mappings(&bench).len(), 1);
    assert_eq!(bench.hash(), hash);
    let run = cutover::engine::state(bench.storage(), NAME).unwrap().run;
    bench.rollback(Some(run), false, false).await;
    assert_eq!((mappings(&bench).len(), bench.hash()), (0, hash));
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
}

/// Types in another order, so that the file that cannot be had is that of the practitioners.
fn practitioners_last() -> Arc<dyn Dataset> {
    Arc::new(Edited::new(practice(), |_, _, line| vec![line]).with_last("Practitioner"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_whole_directory_nothing_is_taken_in_that_may_refer_to_it() {
    let mut whole = bench(Policy::KeepTarget).await;
    whole.done().await;
    for new in [false, true] {
        cut_short(&whole, new).await;
    }
}

/// Loses the file of the practitioners, and goes on with that run or begins another.
async fn cut_short(whole: &Bench, new: bool) {
    let mut config = config(practitioners_last()).fault("cut-always".parse().unwrap());
    config.gzip = false;
    let mut bench = Bench::new(config).await;
    bench.plan.on_conflict = Policy::KeepTarget;
    bench.load(&practice().staff(4)).await;
    let before = bench.stored();
    let Outcome::FilesFailed { files } = bench.run().await else {
        panic!("nothing failed")
    };
    assert!(files.len() == 1 && files[0].0.starts_with("Practitioner."), "{files:?}");
    assert_eq!(bench.stored(), before);
    assert_eq!(mappings(&bench), []);
    bench.sandbox.calm();
    bench.reopen();
    assert_eq!(
        bench
            .try_run(RunOptions {
                new,
                ..RunOptions::default()
            })
            .await
            .unwrap(),
        Outcome::Done
    );
    assert_led(&bench);
    assert_eq!(grounds(&bench), grounds(whole));
    assert_eq!(bench.counts(), whole.counts());
    assert_eq!(bench.stored().len(), whole.stored().len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_source_deletes_stays_where_it_is_the_destinations_own() {
    let mut bench = bench(Policy::KeepTarget).await;
    bench.plan.on_deleted = cutover::migration::DeletionPolicy::Apply;
    bench.done().await;
    let theirs: Vec<String> = mappings(&bench)
        .iter()
        .map(|m| format!("{}/{}", m.resource_type, m.target))
        .collect();
    let mut deletions = config(practice());
    deletions.deletions = 40;
    bench.serve(deletions).await;
    bench.done().await;
    let stored = bench.stored();
    assert!(theirs.iter().all(|name| stored.contains_key(name)));
    let after = bench.hash();
    bench.rebuild();
    assert_eq!(bench.hash(), after);
}

/// In files of mixed types nobody is matched, for patients come before; what is mapped by hand is led all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_files_of_mixed_types_only_what_is_mapped_by_hand_is_led() {
    let mut bench = bench(Policy::KeepTarget).await;
    bench.plan.organize_output_by = Some("Patient".to_owned());
    let target = bench
        .stored()
        .into_keys()
        .find(|name| name.starts_with("Practitioner/"))
        .unwrap();
    let source = practice().lines("Practitioner", 2..3).next().unwrap();
    let source = format!("Practitioner/{}", fhir::scan(&source).unwrap().id);
    assert_eq!(crate::by_hand::change(&bench, &[(&source, Some(&target))]).unwrap(), 1);
    bench.done().await;
    assert_eq!(grounds(&bench), [(("Practitioner".to_owned(), "hand"), 1)].into());
    assert_led(&bench);
    let (index, after) = (bench.index(), bench.hash());
    bench.done().await;
    assert_eq!(bench.index(), index);
    bench.rebuild();
    assert_eq!(bench.hash(), after);
}
