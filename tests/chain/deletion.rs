//! What the source says was deleted: carried out or only counted, as the plan says, and never against the destination's own users.

use cutover::engine::RunOptions;
use cutover::migration::{DeletionPolicy, Policy};
use cutover::sandbox::SandboxConfig;

use crate::bench::{Bench, config, differing, import, practice};
use crate::edited::changed;

/// The practice, of which 7 records were deleted.
fn with_deletions() -> SandboxConfig {
    let mut config = config(practice());
    config.deletions = 7;
    config
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn are_counted_and_left_or_carried_out_once() {
    let mut bench = Bench::new(config(practice())).await;
    bench.plan.on_conflict = Policy::KeepTarget;
    bench.done().await;
    let (before, index) = (bench.stored(), bench.index());

    bench.plan.on_deleted = DeletionPolicy::Ignore;
    bench.serve(with_deletions()).await;
    bench.done().await;
    assert_eq!((bench.last_counts().deleted, bench.index()), (7, index));
    let mut deleted = bench.sandbox.affected()["deletions"].clone();
    deleted.sort();
    assert_eq!(deleted.len(), 7);

    // One of them was edited at the destination.
    let edited = deleted.remove(0);
    let line = changed(&before[&edited], "2031-01-01T00:00:00Z", "de");
    bench
        .import(vec![import(edited.split('/').next().unwrap(), &[line])])
        .await;
    bench.plan.on_deleted = DeletionPolicy::Apply;
    bench.done().await;
    let after = bench.stored();
    let gone = || before.keys().filter(|name| !after.contains_key(*name)).cloned();
    assert_eq!(gone().collect::<Vec<_>>(), deleted);
    assert!(String::from_utf8_lossy(&after[&edited]).contains("\"language\":\"de\""));
    assert_eq!((after.len(), bench.last_counts().deleted), (before.len() - 6, 7));

    let index = bench.index();
    bench.done().await;
    assert_eq!(bench.index(), index, "a second time changes nothing");

    // The source has them again.
    bench.serve(config(practice())).await;
    let outcome = bench.try_run(RunOptions::default()).await.unwrap();
    assert_eq!(outcome, cutover::engine::Outcome::Done, "{:#?}", bench.verification());
    let again = bench.last_counts();
    assert_eq!((again.stored, again.kept), (6, 1));
    assert_eq!(differing(&before, &bench.stored()), vec![edited]);
}
