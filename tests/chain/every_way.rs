//! A practice moves into a destination in use, its conflicts are decided in every way there is, it changes and is received again; and all of
//! it is taken back, run by run or at once.

use std::sync::Arc;

use cutover::engine::{Choice, Proposal, RunOptions, Which};
use cutover::fhir::Survivorship;
use cutover::migration::{Conflict, ExportLevel, Policy, Preset, Resolution};
use cutover::sandbox::practice::{DestinationMix, Practice};
use cutover::sandbox::{Dataset, ECW, SandboxConfig};

use crate::bench::{Bench, config, practice};
use crate::undo::{Standing, later, open};

const MIX: DestinationMix = DestinationMix {
    agreeing: 8,
    contradicting: 4,
    unnumbered: 3,
};

fn ecw(dataset: Arc<dyn Dataset>) -> SandboxConfig {
    config(dataset).flavour(&ECW)
}

async fn in_use() -> Bench {
    let mut bench = Bench::new(ecw(practice())).await;
    let preset = Preset::load("eclinicalworks", None).unwrap();
    bench.plan.preset.clone_from(&preset.id);
    bench.plan.level = ExportLevel::Group;
    bench.plan.group = bench.dataset.groups().first().map(|group| group.id.clone());
    bench.plan.types.clone_from(&preset.export.types);
    bench.plan.merge_links = true;
    // Enough is asked about.
    bench.plan.on_conflict_of = [("Observation".to_owned(), Policy::NewerWins)].into();
    bench.load(&Practice::staff(&practice(), 8)).await;
    bench.load(&Practice::destination(&practice(), MIX)).await;
    bench
}

fn ways() -> [Choice; 6] {
    [
        Choice::By(Policy::NewerWins),
        Choice::By(Policy::OlderWins),
        Choice::Outright(Resolution::KeepTarget),
        Choice::Outright(Resolution::KeepBoth),
        Choice::Merge(Proposal {
            survivorship: Survivorship::Union,
            ..Proposal::default()
        }),
        Choice::Outright(Resolution::KeepSource),
    ]
}

/// Decides everything that is open, each way in turn, where it fits; gives how often each way did.
async fn decide(bench: &mut Bench) -> [usize; 6] {
    let mut done = [0; 6];
    let mut next = 0;
    // What waited for a decision may be in question itself.
    while let Some(conflict) = open(bench).pop() {
        let known = |other: &Conflict| other.id != conflict.id && other.source.id == conflict.source.id;
        // Whom a patient was taken for once, they are taken for again.
        let known = bench.conflicts().iter().any(|other| known(other) && !other.open());
        let before: usize = done.iter().sum();
        for turn in 0..6 {
            let way = if known { 5 } else { (next + turn) % 6 };
            let choice = &ways()[way];
            if choice.suits(&conflict) && bench.resolve(&conflict.id, choice.clone()).await.is_some() {
                done[way] += 1;
                next = way + 1;
                break;
            }
        }
        assert!(done.iter().sum::<usize>() > before, "{conflict:?}");
    }
    assert_eq!((open(bench).len(), bench.held()), (0, 0));
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_conflicts_merges_and_a_second_run_the_store_is_the_one_before_the_migration() {
    let mut bench = in_use().await;
    let untouched = bench.hash();
    bench.run().await;
    let received = Standing::of(&bench);
    let done = decide(&mut bench).await;
    assert!(done.iter().all(|times| *times > 0), "{done:?}");
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification().findings);
    let first = Standing::of(&bench);

    bench.serve(ecw(later())).await;
    bench.try_run(RunOptions::anew()).await.unwrap();
    decide(&mut bench).await;
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification().findings);
    let second = Standing::of(&bench);
    assert_ne!(second.hash, first.hash);

    // The index made anew, with decisions of both runs in it, merges too.
    bench.rebuild();
    Standing::of(&bench).assert_same(&second);

    let run = cutover::engine::state(bench.storage(), crate::bench::NAME).unwrap().run;
    let told = bench.rollback(Some(run), false, true).await;
    Standing::of(&bench).assert_same(&second);
    assert_eq!(bench.rollback(Some(run), false, false).await, told);
    Standing::of(&bench).assert_same(&first);
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification().findings);

    bench.try_run(RunOptions::anew()).await.unwrap();
    decide(&mut bench).await;
    assert_eq!(bench.hash(), second.hash);
    bench.rollback(None, false, false).await;
    assert_eq!(bench.hash(), untouched);
    bench.rebuild();
    assert_eq!(bench.hash(), untouched);

    // And decisions alone, merges with them.
    bench.serve(ecw(practice())).await;
    bench.try_run(RunOptions::anew()).await.unwrap();
    decide(&mut bench).await;
    assert_eq!(bench.hash(), first.hash);
    bench.undo(Which::All).await;
    assert_eq!(bench.hash(), received.hash);
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification().findings);
}
