//! Files of mixed types (`organizeOutputBy`): a patient may stand behind their records, and is still known before them.

use std::sync::Arc;

use cutover::engine::{Choice, Outcome};
use cutover::fhir;
use cutover::migration::{Policy, Resolution};
use cutover::sandbox::practice::{DestinationMix, Practice};
use cutover::sandbox::{Dataset, Fault};

use crate::bench::{Bench, config, practice};
use crate::destination::dangling_patients;
use crate::edited::Edited;

const MIX: DestinationMix = DestinationMix {
    agreeing: 6,
    contradicting: 4,
    unnumbered: 0,
};

/// Records before the patients they are about.
fn patients_last() -> Arc<dyn Dataset> {
    Arc::new(Edited::new(practice(), |_, _, line| vec![line]).with_last("Patient"))
}

async fn bench(policy: Policy) -> Bench {
    let mut bench = Bench::new(config(patients_last())).await;
    bench.plan.organize_output_by = Some("Patient".to_owned());
    bench.plan.on_conflict = policy;
    bench
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_arrives_and_headers_are_no_rows() {
    let mut bench = bench(Policy::Ask).await;
    bench.done().await;
    bench.assert_faithful();
    assert!(bench.files().iter().all(|f| f.resource_type.is_none() && f.complete()));
    let counts = bench.counts();
    assert_eq!((counts.rows, counts.stored), (bench.source().len() as u64, counts.rows));
    assert!(bench.verification().samples > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_before_their_patient_are_held_with_them() {
    let mut typed = Bench::new(config(practice())).await;
    typed.load(&Practice::destination(&practice(), MIX)).await;
    typed.plan.on_conflict = Policy::Ask;
    let expected = typed.run().await;
    assert!(
        matches!(expected, Outcome::NeedsDecision { conflicts: 10, held } if held > 0),
        "{expected:?}"
    );

    let mut bench = bench(Policy::Ask).await;
    bench.load(&Practice::destination(&practice(), MIX)).await;
    assert_eq!(bench.run().await, expected);
    for conflict in bench.conflicts() {
        bench
            .resolve(&conflict.id, Choice::Outright(Resolution::KeepSource))
            .await;
    }
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
    assert_eq!(dangling_patients(&bench), Vec::<String>::new());
    assert_eq!((bench.held(), bench.counts().held), (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_before_a_patient_known_under_another_id_lead_there() {
    let mut bench = bench(Policy::KeepSource).await;
    let mix = DestinationMix {
        contradicting: 0,
        ..MIX
    };
    bench.load(&Practice::destination(&practice(), mix)).await;
    bench.done().await;
    assert_eq!(dangling_patients(&bench), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_all_patients_their_records_wait_in_the_landing() {
    let cut: Fault = "cut-always".parse().unwrap();
    let mut config = config(patients_last()).fault(cut);
    config.gzip = false;
    let mut bench = Bench::new(config).await;
    bench.plan.on_conflict = Policy::Ask;
    bench.load(&Practice::destination(&practice(), MIX)).await;
    let Outcome::FilesFailed { files } = bench.run().await else {
        panic!("nothing failed")
    };
    assert_eq!(files.len(), 1);
    assert!(files[0].0.starts_with("Patient."));
    let about_people = |name: &&String| name.starts_with("Encounter/");
    assert_eq!(bench.stored().keys().filter(about_people).count(), 0);
    let landed = bench.files().iter().filter(|f| f.landed() && !f.complete()).count();
    assert!(landed > 0);

    bench.sandbox.calm();
    bench.reopen();
    let fetched = bench.sandbox.stats().files;
    let outcome = bench.run().await;
    assert!(
        matches!(outcome, Outcome::NeedsDecision { conflicts: 10, held } if held > 0),
        "{outcome:?}"
    );
    let again = bench.sandbox.stats().files;
    assert_eq!(again.iter().filter(|(name, gets)| fetched[*name] != **gets).count(), 1);
    assert_eq!(bench.counts().rows, bench.source().len() as u64);
    assert!(bench.stored().values().all(|line| fhir::scan(line).is_ok()));
}
