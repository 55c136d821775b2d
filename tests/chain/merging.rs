//! Conflicts decided by merging, field by field.

use std::sync::Arc;

use cutover::engine::{self, Choice, Command, EngineError, Outcome, Proposal, RunOptions, Which};
use cutover::fhir::{self, Pick, Picks, Survivorship};
use cutover::migration::{Conflict, ConflictKind, Policy, Resolution};
use cutover::sandbox::Dataset;
use cutover::sandbox::practice::{DestinationMix, Practice};

use crate::bench::{Bench, Records, config, differing, practice};
use crate::destination::dangling_patients;
use crate::edited::{Edited, changed};

fn merge(survivorship: Survivorship, picks: &[(&str, Pick)]) -> Choice {
    let picks = picks.iter().map(|(path, pick)| ((*path).to_owned(), pick.clone()));
    Choice::Merge(Proposal {
        survivorship,
        picks: picks.collect(),
    })
}

/// The destination knows `shared` patients of the practice.
async fn bench(dataset: Arc<dyn Dataset>, shared: u64) -> (Bench, Records) {
    let mut bench = Bench::new(config(dataset)).await;
    let mix = DestinationMix {
        agreeing: shared,
        contradicting: 0,
        unnumbered: 0,
    };
    bench.load(&Practice::destination(&practice(), mix)).await;
    let destination = bench.stored();
    bench.plan.on_conflict = Policy::Ask;
    (bench, destination)
}

fn open(bench: &Bench) -> Vec<Conflict> {
    let mut open: Vec<Conflict> = bench.conflicts().into_iter().filter(Conflict::open).collect();
    open.sort_by(|a, b| a.source.id.cmp(&b.source.id));
    open
}

fn says(line: &[u8]) -> serde_json::Value {
    serde_json::from_slice(line).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_records_of_one_patient_become_one() {
    let (mut bench, destination) = bench(practice(), 6).await;
    assert!(matches!(bench.run().await, Outcome::NeedsDecision { conflicts: 6, .. }));
    let source = bench.source();
    let ways = Survivorship::ALL.into_iter().cycle();
    let open = open(&bench);
    for (conflict, way) in open.iter().zip(ways.clone()) {
        assert_eq!(conflict.kind, ConflictKind::MrnInUse);
        let decided = bench.resolve(&conflict.id, merge(way, &[])).await;
        assert_eq!(decided, Some(Resolution::Merge));
        assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
    }
    let (stored, base) = (bench.stored(), Some(bench.plan.base_url.clone()));
    for (conflict, way) in open.iter().zip(ways) {
        let (from, to) = (
            format!("Patient/{}", conflict.source.id),
            format!("Patient/{}", conflict.target.id),
        );
        let (left, right) = (&source[&from], &destination[&to]);
        let picks = way.propose(left, right, base.as_deref()).unwrap();
        let expected = fhir::merge(left, right, &picks, base.as_deref()).unwrap().line;
        assert_eq!(says(&stored[&to]), says(&expected), "{}", way.name());
        assert_ne!(stored[&to], *right, "something came from the source");
        assert!(!stored.contains_key(&from), "there is one record");
    }
    assert_eq!((bench.held(), bench.counts().undecided), (0, 0));
    assert_eq!(dangling_patients(&bench), Vec::<String>::new());
    let decided = bench.conflicts().into_iter().filter_map(|c| c.decided);
    assert!(
        decided
            .into_iter()
            .all(|d| d.merging.is_some() && d.rule.starts_with("merged by"))
    );

    // Again, nothing changes.
    let (index, exported) = (bench.index(), bench.exported());
    bench.reopen();
    bench.done().await;
    assert_eq!(bench.index(), index);
    assert_eq!(differing(&bench.exported(), &exported), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_merged_patient_can_leave_a_linked_one_behind() {
    let (mut bench, _) = bench(practice(), 2).await;
    bench.plan.merge_links = true;
    assert!(matches!(bench.run().await, Outcome::NeedsDecision { conflicts: 2, .. }));
    let before = bench.stored().len();
    let held = bench.held();
    let open = open(&bench);
    for conflict in &open {
        bench.resolve(&conflict.id, merge(Survivorship::Union, &[])).await;
    }
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
    let stored = bench.stored();
    assert_eq!(stored.len(), before + held + 2);
    for conflict in &open {
        let stub = says(&stored[&format!("Patient/{}", conflict.source.id)]);
        let survivor = says(&stored[&format!("Patient/{}", conflict.target.id)]);
        assert_eq!(stub["active"], false);
        let link = |other: &str, kind: &str| serde_json::json!({ "other": { "reference": format!("Patient/{other}") }, "type": kind });
        assert!(
            stub["link"]
                .as_array()
                .unwrap()
                .contains(&link(&conflict.target.id, "replaced-by"))
        );
        assert!(
            survivor["link"]
                .as_array()
                .unwrap()
                .contains(&link(&conflict.source.id, "replaces"))
        );
    }
    // Nobody's chart refers to the one that was replaced.
    let replaced: Vec<String> = open.iter().map(|c| format!("Patient/{}", c.source.id)).collect();
    let base = bench.plan.base_url.clone();
    for (name, line) in stored.iter().filter(|(name, _)| !name.starts_with("Patient/")) {
        for found in fhir::references(line) {
            let to = found.text.trim_start_matches(&base).trim_start_matches('/');
            assert!(!replaced.iter().any(|id| id == to), "{name} refers to {to}");
        }
    }
    let index = bench.index();
    bench.reopen();
    bench.done().await;
    assert_eq!(bench.index(), index);
    assert_eq!(
        bench.storage().index.count().unwrap(),
        bench.storage().vouched().unwrap(),
        "records and those vouched for"
    );
}

/// The practice later: the first Condition was changed at the source.
fn later(stamp: &'static str, language: &'static str) -> Arc<dyn Dataset> {
    Arc::new(Edited::new(practice(), move |name, at, line| match (name, at) {
        ("Condition", 0) => vec![changed(&line, stamp, language)],
        _ => vec![line],
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_put_together_is_not_overwritten_by_a_newer_version() {
    let mut bench = Bench::new(config(practice())).await;
    bench.plan.on_conflict = Policy::Ask;
    bench.done().await;
    bench.serve(config(later("2031-01-01T00:00:00Z", "fr"))).await;
    assert!(matches!(bench.run().await, Outcome::NeedsDecision { conflicts: 1, .. }));
    let conflict = open(&bench).remove(0);
    assert_eq!(conflict.kind, ConflictKind::ContentDiffers);

    // A path at which nothing differs is refused, and so is what FHIR does not allow; nothing is decided by that.
    for picks in [("nowhere", Pick::Left), ("language", Pick::Edited("\"\"".to_owned()))] {
        let command = Command::Resolve {
            conflicts: vec![conflict.id.clone()],
            choice: merge(Survivorship::FillBlanks, &[picks]),
            who: "tester".to_owned().into(),
        };
        let error = bench.command(command).await.unwrap_err();
        assert!(
            matches!(error, EngineError::NotReady { .. } | EngineError::Merge(_)),
            "{error}"
        );
        assert!(error.hint().is_some());
        assert_eq!(open(&bench).len(), 1);
    }
    let compared = engine::compare(bench.storage(), &bench.plan, &conflict.id, &Proposal::default()).unwrap();
    let paths: Vec<&str> = compared.differences.iter().map(|found| found.path.as_str()).collect();
    assert_eq!(paths, ["language"]);
    assert_eq!(
        compared.picks,
        Picks::from([("language".to_owned(), Pick::Left)]),
        "a blank is filled"
    );

    let edit = [("language", Pick::Edited("\"de\"".to_owned()))];
    bench
        .resolve(&conflict.id, merge(Survivorship::FillBlanks, &edit))
        .await;
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
    let name = format!("Condition/{}", conflict.target.id);
    assert_eq!(says(&bench.stored()[&name])["language"], "de");

    for policy in [Policy::NewerWins, Policy::OlderWins, Policy::KeepSource] {
        bench.plan.on_conflict = policy;
        bench.serve(config(later("2032-01-01T00:00:00Z", "it"))).await;
        let outcome = bench.try_run(RunOptions::anew()).await.unwrap();
        assert_eq!(says(&bench.stored()[&name])["language"], "de", "{policy}: {outcome:?}");
    }
    // Until the person takes it back.
    let taken = bench.undo(Which::All).await;
    assert_eq!(taken.decisions, [(conflict.id.clone(), Resolution::Merge)]);
    assert_ne!(says(&bench.stored()[&name])["language"], "de");
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_to_a_patient_who_is_merged_later_leads_there() {
    let linking = practice();
    let ids: Vec<String> = [0, 30]
        .into_iter()
        .map(|at| {
            fhir::scan(&linking.lines("Patient", at..at + 1).next().unwrap())
                .unwrap()
                .id
                .to_owned()
        })
        .collect();
    let (first, second) = (ids[0].clone(), ids[1].clone());
    let to = second.clone();
    let dataset = Edited::new(linking, move |name, at, line| {
        if (name, at) != ("Patient", 0) {
            return vec![line];
        }
        let link = format!(",\"link\":[{{\"other\":{{\"reference\":\"Patient/{to}\"}},\"type\":\"seealso\"}}]}}");
        let end = line.iter().rposition(|byte| *byte == b'}').unwrap();
        vec![[&line[..end], link.as_bytes()].concat()]
    });
    let (mut bench, _) = bench(Arc::new(dataset), 2).await;
    assert!(matches!(bench.run().await, Outcome::NeedsDecision { conflicts: 2, .. }));
    let of = |bench: &Bench, id: &str| bench.conflicts().into_iter().find(|c| c.source.id == id).unwrap();
    let (one, other) = (of(&bench, &first), of(&bench, &second));
    bench.resolve(&one.id, merge(Survivorship::Union, &[])).await;
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
    bench.resolve(&other.id, merge(Survivorship::Newest, &[])).await;
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
    let line = says(&bench.stored()[&format!("Patient/{}", one.target.id)]);
    assert_eq!(
        line["link"][0]["other"]["reference"],
        format!("Patient/{}", other.target.id)
    );
    assert_eq!(dangling_patients(&bench), Vec::<String>::new());
}

/// Neighbours of one type stand in for two versions of a record.
fn neighbours(dataset: &dyn Dataset, base: Option<&str>) -> u64 {
    let mut merged = 0;
    for (resource_type, count) in dataset.types() {
        let lines: Vec<Vec<u8>> = dataset.lines(&resource_type, 0..count.min(24)).collect();
        for pair in lines.windows(2) {
            let (left, right) = (&pair[0], &pair[1]);
            assert_eq!(fhir::diff(left, left, base).unwrap(), Vec::new());
            let all = |pick: &Pick| -> Picks {
                let differences = fhir::diff(left, right, base).unwrap();
                differences
                    .into_iter()
                    .map(|found| (found.path, pick.clone()))
                    .collect()
            };
            let line = fhir::merge(left, right, &all(&Pick::Left), base).unwrap().line;
            assert_eq!(fhir::diff(&line, left, base).unwrap(), Vec::new());
            assert_eq!(fhir::merge(left, right, &all(&Pick::Right), base).unwrap().line, *right);
            for way in Survivorship::ALL {
                let picks = way.propose(left, right, base).unwrap();
                let once = fhir::merge(left, right, &picks, base).unwrap().line;
                let twice = fhir::merge(left, &once, &picks, base).unwrap().line;
                assert_eq!(String::from_utf8_lossy(&once), String::from_utf8_lossy(&twice));
                let lost = fhir::diff(&once, right, base).unwrap();
                let lost = lost.into_iter().filter(|found| found.path != "text");
                assert!(
                    lost.into_iter()
                        .all(|found| found.difference != fhir::Difference::OnlyRight)
                );
            }
            merged += 1;
        }
    }
    merged
}

#[test]
fn records_of_a_practice_merge_and_nothing_picked_is_lost() {
    assert!(neighbours(&*practice(), Some("{base}")) > 300);
}

#[test]
fn records_that_synthea_made_merge_and_nothing_picked_is_lost() {
    let Some(folder) = crate::synthea::data("synthea-24") else {
        return;
    };
    assert!(neighbours(&cutover::sandbox::Folder::open(&folder).unwrap(), None) > 300);
}
