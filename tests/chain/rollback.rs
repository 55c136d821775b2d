//! Runs taken back: the store is what it was before them, and a later run finds nothing in its way.

use cutover::engine::{Outcome, RunOptions, Which};
use cutover::migration::{DeletionPolicy, Policy, Stage};

use crate::bench::{Bench, config, differing, import, practice};
use crate::edited::changed;
use crate::undo::{Standing, decide_all, in_use, later, open};

fn assert_nothing_left(bench: &Bench) {
    let tables = &bench.storage().tables;
    assert_eq!(tables.held.count().unwrap(), 0);
    assert_eq!(tables.conflicts.count().unwrap(), 0);
    assert_eq!(tables.crosswalk.count().unwrap(), 0);
    assert_eq!(tables.links.count().unwrap(), 0);
    assert_eq!(bench.counts().rows, 0);
    bench.assert_vouched();
    let state = cutover::engine::state(bench.storage(), crate::bench::NAME).unwrap();
    assert_eq!((state.stage, state.unfinished()), (Stage::RolledBack, false));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_the_whole_migration_leaves_the_store_as_it_was() {
    let mut bench = in_use(practice(), Policy::NewerWins).await;
    let (hash, stored) = (bench.hash(), bench.exported());
    assert!(matches!(bench.run().await, Outcome::NeedsDecision { .. }));
    decide_all(&mut bench).await;
    let first = open(&bench).len();
    assert_eq!(first, 0);
    bench.serve(config(later())).await;
    bench.try_run(RunOptions::anew()).await.unwrap();
    bench.undo(Which::Last(2)).await;
    let told = bench.rollback(None, false, true).await;
    assert_ne!(bench.hash(), hash, "a dry run takes nothing back");
    let done = bench.rollback(None, false, false).await;
    assert_eq!(told, done);
    let restored: u64 = done.effects.values().map(|e| e.restored).sum();
    let removed: u64 = done.effects.values().map(|e| e.removed).sum();
    assert!(restored > 0 && removed > 2000, "{done:?}");
    assert_eq!(differing(&stored, &bench.exported()), Vec::<String>::new());
    assert_eq!(bench.hash(), hash);
    assert_nothing_left(&bench);
    bench.rebuild();
    assert_eq!(bench.hash(), hash);
    assert_nothing_left(&bench);

    // Once more from the beginning, as if it were the first time.
    let mut fresh = in_use(later(), Policy::NewerWins).await;
    let outcome = bench.run().await;
    assert_eq!(outcome, fresh.run().await);
    assert_eq!(bench.counts(), fresh.counts());
    assert_eq!(bench.conflicts().len(), fresh.conflicts().len());
    assert!(bench.verify().await.clean());
    bench.assert_vouched();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn brings_back_what_the_source_deleted_and_leaves_what_was_edited_since() {
    let mut bench = Bench::new(config(practice())).await;
    bench.plan.on_deleted = DeletionPolicy::Apply;
    bench.done().await;
    let before = Standing::of(&bench);
    let mut deletions = config(practice());
    deletions.deletions = 7;
    bench.serve(deletions).await;
    bench.done().await;
    assert_eq!(bench.stored().len(), before.stored.len() - 7);
    let run = cutover::engine::state(bench.storage(), crate::bench::NAME).unwrap().run;
    let taken = bench.rollback(Some(run), false, false).await;
    assert_eq!(taken.effects.values().map(|e| e.brought_back).sum::<u64>(), 7);
    Standing::of(&bench).assert_same(&before);

    let line = changed(before.stored.values().next().unwrap(), "2031-01-01T00:00:00Z", "de");
    let name = before.stored.keys().next().unwrap().clone();
    bench
        .import(vec![import(name.split('/').next().unwrap(), &[line])])
        .await;
    let taken = bench.rollback(None, false, false).await;
    assert_eq!(taken.edited, std::slice::from_ref(&name));
    assert_eq!(bench.stored().keys().collect::<Vec<_>>(), [&name]);
    assert_nothing_left(&bench);
    bench.rebuild();
    assert_eq!(bench.stored().keys().collect::<Vec<_>>(), [&name]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_force_takes_back_edits_too_and_a_new_index_does_not_bring_them_back() {
    let mut bench = in_use(practice(), Policy::KeepSource).await;
    let hash = bench.hash();
    bench.run().await;
    let stored = bench.stored();
    for kind in ["Condition/", "Patient/"] {
        let (_, line) = stored.iter().find(|(name, _)| name.starts_with(kind)).unwrap();
        let line = changed(line, "2031-01-01T00:00:00Z", "de");
        bench.import(vec![import(&kind[..kind.len() - 1], &[line])]).await;
    }
    let taken = bench.rollback(None, true, false).await;
    assert_eq!(taken.edited.len(), 2);
    assert_eq!(bench.hash(), hash);
    assert_nothing_left(&bench);
    bench.rebuild();
    assert_eq!(bench.hash(), hash);
}
