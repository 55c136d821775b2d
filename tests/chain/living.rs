//! The living source, looked at again: what an export left out is told, and what the source does not offer is no fault.

use cutover::engine::{Answer, Command};
use cutover::migration::{ExportLevel, Living, Preset};
use cutover::sandbox::{Fault, KAREO};

use crate::bench::{Bench, config, practice};

async fn look(bench: &mut Bench) -> (Living, u64) {
    match bench.command(Command::LookAtSource).await.expect("a look") {
        Answer::Verified(found) => (found.living.clone().expect("a look"), found.total_findings),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_whole_export_left_nothing_out_and_faults_on_the_way_do_not_matter() {
    let mut faulty = config(practice());
    faulty.faults.push("burst-429".parse::<Fault>().unwrap());
    let mut bench = Bench::new(faulty).await;
    bench.done().await;
    let before = bench.sandbox.stats().reads.values().sum::<u64>();
    let (living, findings) = look(&mut bench).await;
    assert!(living.clean() && findings == 0, "{living:?}");
    assert_eq!((living.patients, living.changed_since), (5, 0));
    assert!(living.records > 20 && living.requests <= 80, "{living:?}");
    assert_eq!(living.not_offered, Vec::<String>::new());
    assert!(living.counts.len() > 10 && living.counts.values().all(|(there, here)| there == here));
    assert!(bench.sandbox.stats().reads.values().sum::<u64>() > before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_export_left_out_is_a_finding() {
    let mut bench = Bench::new(config(practice())).await;
    // Nobody said that the practice wants active problems only.
    bench.plan.type_filters = vec!["Condition?clinical-status=active".to_owned()];
    bench.run().await;
    assert!(bench.verify().await.clean());
    let (living, findings) = look(&mut bench).await;
    assert!(living.left_out["Condition"] > 0, "{living:?}");
    let (there, here) = living.counts["Condition"];
    assert!(there > here);
    assert_eq!(findings, 1);
    // A second look takes the place of the first.
    assert_eq!(look(&mut bench).await.1, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_source_does_not_offer_is_said_and_is_no_fault() {
    let mut bench = Bench::new(config(practice()).flavour(&KAREO)).await;
    bench.plan.preset = "kareo".to_owned();
    bench.plan.level = ExportLevel::Group;
    bench.plan.group = bench.dataset.groups().first().map(|group| group.id.clone());
    let preset = Preset::load("kareo", None).unwrap();
    bench.plan.types.clone_from(&preset.export.types);
    bench.done().await;
    let (living, findings) = look(&mut bench).await;
    assert_eq!(findings, 0, "{living:?}");
    let refused = "GET [base]/Condition?patient=[id]: HTTP 400";
    assert!(
        living.not_offered.iter().any(|kind| kind == refused),
        "{:?}",
        living.not_offered
    );
    assert_eq!(living.patients, living.records, "the patients themselves can be read");
}
