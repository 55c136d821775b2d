//! Decisions taken back: the store, the counts and what waits are as if nobody had decided.

use std::collections::BTreeSet;
use std::sync::Arc;

use cutover::engine::{Choice, Outcome, RunOptions, Which};
use cutover::migration::{Conflict, ConflictKind, Counts, Event, Policy, Resolution};
use cutover::sandbox::Dataset;
use cutover::sandbox::practice::{DestinationMix, Practice};

use crate::bench::{Bench, Records, config, differing, import, practice};
use crate::edited::{Edited, changed};

const MIX: DestinationMix = DestinationMix {
    agreeing: 6,
    contradicting: 4,
    unnumbered: 0,
};

/// Everything that must be as it was.
#[derive(Debug, PartialEq)]
pub struct Standing {
    pub stored: Records,
    pub counts: Counts,
    pub held: BTreeSet<Vec<u8>>,
    pub conflicts: Vec<(String, bool)>,
    pub hash: [u8; 32],
}

impl Standing {
    pub fn of(bench: &Bench) -> Self {
        bench.assert_vouched();
        let tables = &bench.storage().tables;
        Self {
            stored: bench.stored(),
            counts: bench.counts(),
            held: tables.held.iter().map(|item| item.unwrap().0).collect(),
            conflicts: bench
                .conflicts()
                .into_iter()
                .map(|c| (c.id.clone(), c.open()))
                .collect(),
            hash: bench.hash(),
        }
    }

    pub fn assert_same(&self, other: &Self) {
        assert_eq!(differing(&self.stored, &other.stored), Vec::<String>::new());
        assert_eq!(self.counts, other.counts);
        assert_eq!(self.conflicts, other.conflicts);
        assert_eq!(self.held.len(), other.held.len());
        assert!(self == other);
    }
}

pub async fn in_use(dataset: Arc<dyn Dataset>, policy: Policy) -> Bench {
    let mut bench = Bench::new(config(dataset)).await;
    bench.load(&Practice::destination(&practice(), MIX)).await;
    bench.plan.on_conflict = policy;
    bench
}

pub fn open(bench: &Bench) -> Vec<Conflict> {
    let mut open: Vec<Conflict> = bench.conflicts().into_iter().filter(Conflict::open).collect();
    open.sort_by(|a, b| a.source.id.cmp(&b.source.id));
    open
}

/// Decides everything that is open, each in another way.
pub async fn decide_all(bench: &mut Bench) {
    let ways = [
        Choice::Outright(Resolution::KeepSource),
        Choice::Outright(Resolution::KeepTarget),
        Choice::Outright(Resolution::KeepBoth),
    ];
    for (conflict, way) in open(bench).iter().zip(ways.into_iter().cycle()) {
        // Two versions of one record cannot both stay.
        let differs = conflict.kind == ConflictKind::ContentDiffers && way == Choice::Outright(Resolution::KeepBoth);
        // Whom a patient was taken for once, they are taken for again.
        let others = bench.conflicts().into_iter();
        let known = others
            .filter(|c| c.source.id == conflict.source.id)
            .find_map(|c| c.decided);
        let way = match known.map(|made| made.resolution) {
            Some(Resolution::KeepBoth) if conflict.kind.between_two() => Choice::Outright(Resolution::KeepBoth),
            None if !differs => way,
            _ => Choice::Outright(Resolution::KeepSource),
        };
        bench.resolve(&conflict.id, way).await;
    }
    assert_eq!(bench.held(), 0);
}

async fn assert_sound(bench: &mut Bench) {
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification().findings);
    bench.assert_vouched();
}

/// The practice later: some records of every kind have changed.
pub fn later() -> Arc<dyn Dataset> {
    Arc::new(Edited::new(practice(), |name, at, line| {
        let edits = at % 5 == 0 && (name == "Condition" || name == "Patient" || name == "Observation");
        vec![if edits {
            changed(&line, "2031-01-01T00:00:00Z", "fr")
        } else {
            line
        }]
    }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undo_of_every_decision_leaves_nothing_of_them() {
    let mut bench = in_use(practice(), Policy::Ask).await;
    bench.run().await;
    let before = Standing::of(&bench);
    decide_all(&mut bench).await;
    assert_sound(&mut bench).await;
    let decided = Standing::of(&bench);
    assert_ne!(decided.hash, before.hash);

    let taken = bench.undo(Which::All).await;
    assert_eq!(taken.decisions.len(), 10);
    Standing::of(&bench).assert_same(&before);
    assert_sound(&mut bench).await;
    let events = bench
        .events
        .iter()
        .filter(|e| matches!(e.event, Event::DecisionUndone { .. }));
    assert_eq!(events.count(), 10);
    bench.rebuild();
    Standing::of(&bench).assert_same(&before);

    decide_all(&mut bench).await;
    Standing::of(&bench).assert_same(&decided);
    assert_sound(&mut bench).await;
    bench.rebuild();
    Standing::of(&bench).assert_same(&decided);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undo_of_one_leaves_the_others_and_it_can_be_decided_anew() {
    let mut bench = in_use(practice(), Policy::Ask).await;
    bench.run().await;
    let all = open(&bench);
    for (conflict, way) in all.iter().zip([Resolution::KeepSource, Resolution::KeepTarget]) {
        let before = Standing::of(&bench);
        bench.resolve(&conflict.id, Choice::Outright(way)).await;
        let decided = Standing::of(&bench);
        let taken = bench.undo(Which::Of(vec![conflict.id.clone()])).await;
        assert_eq!(taken.decisions, [(conflict.id.clone(), way)]);
        assert_eq!(taken.edited, Vec::<String>::new());
        Standing::of(&bench).assert_same(&before);
        assert_sound(&mut bench).await;
        // Not the same person after all, then the same again.
        bench
            .resolve(&conflict.id, Choice::Outright(Resolution::KeepBoth))
            .await;
        assert_sound(&mut bench).await;
        bench.undo(Which::Last(1)).await;
        Standing::of(&bench).assert_same(&before);
        bench.resolve(&conflict.id, Choice::Outright(way)).await;
        Standing::of(&bench).assert_same(&decided);
        assert_sound(&mut bench).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn undo_after_a_second_run_is_as_if_nobody_had_decided_before_it() {
    let new = || RunOptions::anew();
    let mut undecided = in_use(practice(), Policy::Ask).await;
    undecided.run().await;
    undecided.serve(config(later())).await;
    undecided.try_run(new()).await.unwrap();
    assert_sound(&mut undecided).await;

    let mut bench = in_use(practice(), Policy::Ask).await;
    bench.run().await;
    decide_all(&mut bench).await;
    bench.serve(config(later())).await;
    bench.try_run(new()).await.unwrap();
    assert_sound(&mut bench).await;
    bench.undo(Which::All).await;
    assert_sound(&mut bench).await;
    let (a, b) = (Standing::of(&bench), Standing::of(&undecided));
    let text = |bench: &Bench, records: Records| -> Vec<(String, String)> {
        let base = bench.plan.base_url.clone();
        let plain = |line: Vec<u8>| String::from_utf8(line).unwrap().replace(&base, "{base}");
        records.into_iter().map(|(name, line)| (name, plain(line))).collect()
    };
    assert_eq!(text(&bench, a.stored), text(&undecided, b.stored));
    assert_eq!(a.held.len(), b.held.len());
    assert_eq!(a.conflicts.len(), b.conflicts.len());
    let hash = bench.hash();
    bench.rebuild();
    assert_eq!(bench.hash(), hash);
    assert_sound(&mut bench).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_policy_decided_can_be_taken_back_and_stays_open_in_later_runs() {
    let mut bench = in_use(practice(), Policy::NewerWins).await;
    bench.run().await;
    let by_policy = bench.conflicts().into_iter().filter(|c| !c.open()).count();
    assert!(by_policy > 3);
    let taken = bench.undo(Which::By("policy".to_owned())).await;
    assert_eq!(taken.decisions.len(), by_policy);
    assert!(bench.conflicts().iter().all(Conflict::open));
    assert_sound(&mut bench).await;
    let mut asked = in_use(practice(), Policy::Ask).await;
    asked.run().await;
    assert_eq!(Standing::of(&bench).held.len(), Standing::of(&asked).held.len());
    assert_eq!(bench.counts(), asked.counts());
    bench.try_run(RunOptions::anew()).await.unwrap();
    assert!(bench.conflicts().iter().all(Conflict::open));
    assert_sound(&mut bench).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_that_was_edited_since_is_named_and_left() {
    let mut bench = in_use(practice(), Policy::Ask).await;
    bench.run().await;
    let conflict = open(&bench).remove(0);
    let name = format!("Patient/{}", conflict.target.id);
    bench
        .resolve(&conflict.id, Choice::Outright(Resolution::KeepSource))
        .await;
    let line = changed(&bench.stored()[&name], "2031-01-01T00:00:00Z", "de");
    bench.import(vec![import("Patient", &[line])]).await;
    let taken = bench.undo(Which::All).await;
    assert_eq!(taken.edited, std::slice::from_ref(&name));
    assert!(String::from_utf8_lossy(&bench.stored()[&name]).contains("\"language\":\"de\""));
    assert!(bench.held_for(&conflict.source.id) > 0);
    assert_sound(&mut bench).await;
    let hash = bench.hash();
    bench.rebuild();
    assert_eq!(bench.hash(), hash);
    assert!(matches!(bench.run_again().await, Outcome::NeedsDecision { .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patients_that_refer_to_a_merged_one_refer_to_themselves_again() {
    let mut bench = in_use(crate::destination::with_links(), Policy::Ask).await;
    bench.run().await;
    let before = Standing::of(&bench);
    decide_all(&mut bench).await;
    bench.undo(Which::All).await;
    Standing::of(&bench).assert_same(&before);
    assert_sound(&mut bench).await;
    bench.rebuild();
    Standing::of(&bench).assert_same(&before);
}
