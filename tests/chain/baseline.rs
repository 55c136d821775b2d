//! Nothing goes wrong: every flavour, level and method gives the same records, each exactly once.

use cutover::migration::{Event, ExportLevel, KickoffMethod, Preset};
use cutover::sandbox::{ECW, Flavour, KAREO, SMART};

use crate::bench::{Bench, config, practice};

async fn migrate(flavour: &'static Flavour, preset: &str, level: ExportLevel, method: KickoffMethod) -> Bench {
    let mut bench = Bench::new(config(practice()).flavour(flavour)).await;
    bench.plan.preset = preset.to_owned();
    bench.plan.level = level;
    bench.plan.method = method;
    bench.plan.group = bench.dataset.groups().first().map(|group| group.id.clone());
    if preset != "smart" {
        let preset = Preset::load(preset, None).unwrap();
        bench.plan.types.clone_from(&preset.export.types);
    }
    bench.done().await;
    bench.assert_faithful();
    let counts = bench.counts();
    assert_eq!((counts.rows, counts.stored), (bench.source().len() as u64, counts.rows));
    let stats = bench.sandbox.stats();
    assert_eq!((stats.kickoffs, stats.deletes, stats.live_jobs), (1, 1, 0));
    assert!(
        stats.files.values().all(|gets| gets.len() == 1),
        "each file is fetched once"
    );
    assert!(
        bench
            .files()
            .iter()
            .filter(|f| f.name.starts_with("Observation"))
            .count()
            > 1
    );
    assert!(bench.events.iter().any(|e| matches!(e.event, Event::JobDeleted {})));
    bench
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn smart_at_system_level() {
    migrate(&SMART, "smart", ExportLevel::System, KickoffMethod::Get).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn smart_at_patient_level_by_post() {
    migrate(&SMART, "smart", ExportLevel::Patient, KickoffMethod::Post).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn smart_at_group_level() {
    let bench = migrate(&SMART, "smart", ExportLevel::Group, KickoffMethod::Get).await;
    // Documents come one by one where the export leaves them out.
    assert!(
        bench
            .sandbox
            .stats()
            .reads
            .get("Binary")
            .is_some_and(|reads| *reads > 0)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eclinicalworks() {
    migrate(&ECW, "eclinicalworks", ExportLevel::Group, KickoffMethod::Get).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kareo_with_a_secret() {
    migrate(&KAREO, "kareo", ExportLevel::Group, KickoffMethod::Get).await;
}
