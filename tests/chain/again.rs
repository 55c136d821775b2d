//! A second run: over the same records it changes nothing; over changed ones it does what the policy says, and says so.

use std::sync::Arc;

use cutover::engine::{Choice, Outcome};
use cutover::migration::{Conflict, Counts, Policy, Resolution};
use cutover::sandbox::Dataset;
use cutover::sandbox::practice::{DestinationMix, Practice};

use crate::bench::{Bench, config, differing, practice};
use crate::edited::{Edited, changed};

/// What a conflict is but for the run that met it last.
fn decisions(bench: &Bench) -> Vec<(String, Option<cutover::migration::Decided>, bool)> {
    let part = |c: Conflict| (c.id, c.decided, c.applied);
    bench.conflicts().into_iter().map(part).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_the_same_records_changes_nothing() {
    let mut bench = Bench::new(config(practice())).await;
    bench.done().await;
    let (index, exported) = (bench.index(), bench.exported());
    bench.reopen();
    bench.done().await;
    assert_eq!(bench.index(), index);
    assert_eq!(differing(&bench.exported(), &exported), Vec::<String>::new());
    let rows = bench.source().len() as u64;
    let expected = Counts {
        rows,
        unchanged: rows,
        ..Counts::default()
    };
    assert_eq!(bench.last_counts(), expected);
    assert_eq!(bench.sandbox.stats().kickoffs, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn repeats_decisions_and_does_not_ask_again() {
    let mix = DestinationMix {
        agreeing: 6,
        contradicting: 4,
        unnumbered: 0,
    };
    let mut bench = Bench::new(config(practice())).await;
    bench.load(&Practice::destination(&practice(), mix)).await;
    bench.plan.on_conflict = Policy::NewerWins;
    assert!(matches!(bench.run().await, Outcome::NeedsDecision { .. }));
    let ways = [Resolution::KeepSource, Resolution::KeepTarget, Resolution::KeepBoth];
    let open: Vec<Conflict> = bench.conflicts().into_iter().filter(Conflict::open).collect();
    for (conflict, way) in open.iter().zip(ways.into_iter().cycle()) {
        assert_eq!(bench.resolve(&conflict.id, Choice::Outright(way)).await, Some(way));
    }
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
    let (index, exported, decided, counts) = (bench.index(), bench.exported(), decisions(&bench), bench.counts());
    for run in 1..3 {
        bench.reopen();
        bench.done().await;
        assert_eq!(bench.index(), index);
        assert_eq!(differing(&bench.exported(), &exported), Vec::<String>::new());
        assert_eq!(decisions(&bench), decided);
        let last = bench.last_counts();
        assert_eq!((last.unchanged + last.kept, last.kept), (last.rows, counts.kept));
        let all = bench.counts();
        assert_eq!((all.rows, all.stored), (counts.rows * (run + 1), counts.stored));
    }
}

/// The practice later: six Conditions were changed, two each with a later, an earlier and the same stamp.
fn later() -> Arc<dyn Dataset> {
    let stamp = |line: &[u8]| {
        let record: serde_json::Value = serde_json::from_slice(line).unwrap();
        record["meta"]["lastUpdated"].as_str().map(str::to_owned)
    };
    let now = practice();
    let stamped = now.lines("Condition", 0..100).enumerate();
    let stamped: Vec<usize> = stamped
        .filter_map(|(at, line)| stamp(&line).map(|_| at))
        .take(6)
        .collect();
    Arc::new(Edited::new(practice(), move |name, at, line| {
        let nth = stamped.iter().position(|changed| *changed == at);
        match nth.filter(|_| name == "Condition") {
            Some(0 | 1) => vec![changed(&line, "2031-01-01T00:00:00Z", "fr")],
            Some(2 | 3) => vec![changed(&line, "1999-01-01T00:00:00Z", "fr")],
            Some(_) => vec![changed(&line, &stamp(&line).unwrap(), "fr")],
            None => vec![line],
        }
    }))
}

async fn delta(policy: Policy, [stored, kept, undecided]: [u64; 3]) {
    let mut bench = Bench::new(config(practice())).await;
    bench.plan.on_conflict = policy;
    bench.done().await;
    let before = bench.stored();
    bench.serve(config(later())).await;
    for time in 0..2 {
        let outcome = if time == 0 {
            bench.run().await
        } else {
            bench.try_run(cutover::engine::RunOptions::anew()).await.unwrap()
        };
        let expected = if undecided == 0 {
            Outcome::Done
        } else {
            Outcome::NeedsDecision {
                conflicts: undecided,
                held: 0,
            }
        };
        assert_eq!(outcome, expected);
        let last = bench.last_counts();
        let fresh = if time == 0 { stored } else { 0 };
        assert_eq!((last.stored, last.kept), (fresh, kept));
        assert_eq!(
            (last.undecided, last.unchanged),
            (undecided, last.rows - fresh - kept - undecided)
        );
        assert_eq!(bench.conflicts().len() as u64, kept + undecided);
        assert_eq!(differing(&before, &bench.stored()).len() as u64, stored);
    }
    let open: Vec<Conflict> = bench.conflicts().into_iter().filter(Conflict::open).collect();
    for conflict in &open {
        bench
            .resolve(&conflict.id, Choice::Outright(Resolution::KeepSource))
            .await;
    }
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
    assert_eq!(bench.counts().undecided, 0);
    let now = bench.stored();
    assert_eq!(differing(&before, &now).len() as u64, stored + undecided);
    assert!(kept == 0 || differing(&bench.source(), &now).len() as u64 == kept);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newer_of_two_versions_wins() {
    delta(Policy::NewerWins, [2, 2, 2]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_older_of_two_versions_wins() {
    delta(Policy::OlderWins, [2, 2, 2]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_source_wins() {
    delta(Policy::KeepSource, [6, 0, 0]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_target_wins() {
    delta(Policy::KeepTarget, [0, 6, 0]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_is_asked() {
    delta(Policy::Ask, [0, 0, 6]).await;
}
