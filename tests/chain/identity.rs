//! Who is who: patients whom the destination knows without their number, patients whom the source has twice, and what becomes of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use cutover::engine::{self, Choice, Outcome, RunOptions, Which};
use cutover::fhir::Grade;
use cutover::migration::{Conflict, ConflictKind, Policy, Resolution};
use cutover::sandbox::Dataset;
use cutover::sandbox::practice::{DestinationMix, Practice};
use serde_json::{Value, json};

use crate::bench::{Bench, config, practice};
use crate::destination::dangling_patients;
use crate::edited::Edited;
use crate::undo::{Standing, decide_all, open};

const SHARED: DestinationMix = DestinationMix {
    agreeing: 3,
    contradicting: 0,
    unnumbered: 0,
};
const MRN_SYSTEM: &str = "urn:oid:2.16.840.1.113883.19.5.25483";

/// Every patient of a dataset, changed.
fn patients(of: Arc<dyn Dataset>, change: impl Fn(usize, &mut Value)) -> Arc<dyn Dataset> {
    Arc::new(Edited::new(of, move |name, at, line| {
        if name != "Patient" {
            return vec![line];
        }
        let mut patient: Value = serde_json::from_slice(&line).unwrap();
        change(at, &mut patient);
        vec![patient.to_string().into_bytes()]
    }))
}

fn destination() -> Arc<dyn Dataset> {
    Arc::new(Practice::destination(&practice(), SHARED))
}

async fn bench(source: Arc<dyn Dataset>, destination: Arc<dyn Dataset>, policy: Policy) -> Bench {
    let mut bench = Bench::new(config(source)).await;
    bench.load(&*destination).await;
    bench.plan.on_conflict = policy;
    bench
}

fn by_patient(bench: &Bench) -> Vec<Conflict> {
    let mut conflicts = bench.conflicts();
    conflicts.sort_by(|a, b| a.source.id.cmp(&b.source.id));
    conflicts
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_who_seem_known_wait_for_a_person_and_are_asked_about_once() {
    let nameless = patients(destination(), |_, patient| patient["identifier"] = json!([]));
    let mut bench = bench(practice(), nameless, Policy::NewerWins).await;
    assert!(matches!(bench.run().await, Outcome::NeedsDecision { conflicts: 3, .. }));
    bench.rebuild();
    let conflicts = by_patient(&bench);
    for (conflict, way) in conflicts
        .iter()
        .zip([Resolution::KeepSource, Resolution::KeepTarget, Resolution::KeepBoth])
    {
        assert_eq!(conflict.kind, ConflictKind::SamePerson);
        let found = conflict.comparison.as_ref().unwrap();
        assert!(
            matches!(found.grade, Grade::Possible | Grade::Probable) && !found.parts.is_empty(),
            "{found:?}"
        );
        assert!(bench.held_for(&conflict.source.id) > 0);
        // A date does not say who somebody is.
        assert_eq!(bench.resolve(&conflict.id, Choice::By(Policy::NewerWins)).await, None);
        assert_eq!(bench.resolve(&conflict.id, Choice::Outright(way)).await, Some(way));
        assert_eq!(bench.held_for(&conflict.source.id), 0);
        assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
        let stored = bench.stored();
        let there = |side: &str| stored.contains_key(&format!("Patient/{side}"));
        assert!(there(&conflict.target.id));
        assert_eq!(there(&conflict.source.id), way == Resolution::KeepBoth);
    }
    assert_eq!(dangling_patients(&bench), Vec::<String>::new());
    let (stored, index) = (bench.stored(), bench.index());
    bench.done().await;
    assert_eq!((bench.index() == index, bench.conflicts().len()), (true, 3));
    bench.rebuild();
    assert_eq!(crate::bench::differing(&bench.stored(), &stored), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_social_security_number_and_the_birth_date_link_as_an_mrn_does() {
    let number = |value: &'static str| json!([{"system": "http://hl7.org/fhir/sid/us-ssn", "value": value}]);
    let first = practice().lines("Patient", 0..1).next().unwrap();
    let first = cutover::fhir::scan(&first).unwrap().id.to_owned();
    let known = first.clone();
    let source = patients(practice(), move |_, patient| {
        if patient["id"] == known.as_str() {
            patient["identifier"] = number("536-22-1849");
        }
    });
    let there = patients(destination(), move |at, patient| {
        patient["identifier"] = number(if at == 0 { "536221849" } else { "536221850" });
    });
    let mut bench = bench(source, there, Policy::KeepTarget).await;
    bench.run().await;
    let linked: Vec<Conflict> = bench.conflicts().into_iter().filter(|c| c.source.id == first).collect();
    let [linked] = &linked[..] else { panic!("{linked:?}") };
    assert_eq!(linked.carried_out(), Some(Resolution::KeepTarget));
    assert_eq!(
        linked.comparison.as_ref().map(|found| found.grade),
        Some(Grade::Certain)
    );
    assert!(!bench.stored().contains_key(&format!("Patient/{first}")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whom_the_source_has_twice_is_never_one_without_a_person_saying_so() {
    for way in [Resolution::KeepTarget, Resolution::KeepBoth] {
        let twice: Arc<dyn Dataset> = Arc::new(Edited::new(practice(), |name, at, line| {
            if name != "Patient" || at != 0 {
                return vec![line];
            }
            let mut again: Value = serde_json::from_slice(&line).unwrap();
            again["id"] = "again".into();
            vec![line, again.to_string().into_bytes()]
        }));
        let mut bench = Bench::new(config(twice)).await;
        bench.plan.on_conflict = Policy::KeepSource;
        assert!(matches!(bench.run().await, Outcome::NeedsDecision { conflicts: 1, .. }));
        let conflict = bench.conflicts().remove(0);
        assert_eq!(
            (conflict.kind, &*conflict.source.id),
            (ConflictKind::DuplicateInSource, "again")
        );
        bench.resolve(&conflict.id, Choice::Outright(way)).await.unwrap();
        assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
        assert_eq!(
            bench.stored().contains_key("Patient/again"),
            way == Resolution::KeepBoth
        );
        let index = bench.index();
        bench.done().await;
        assert_eq!((bench.index() == index, bench.conflicts().len()), (true, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn record_numbers_match_across_systems_that_the_plan_maps() {
    let theirs = patients(destination(), |_, patient| {
        patient["identifier"][0]["system"] = "urn:theirs".into();
    });
    let mut bench = bench(practice(), theirs, Policy::KeepTarget).await;
    bench.plan.mrn_systems = BTreeMap::from([(MRN_SYSTEM.to_owned(), "urn:theirs".to_owned())]);
    bench.done().await;
    let conflicts = bench.conflicts();
    assert_eq!(conflicts.len(), 3);
    for conflict in conflicts {
        assert_eq!(
            (conflict.kind, conflict.carried_out()),
            (ConflictKind::MrnInUse, Some(Resolution::KeepTarget))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_somebody_is_can_be_taken_back() {
    let nameless = patients(destination(), |_, patient| patient["identifier"] = json!([]));
    let mut bench = bench(practice(), nameless, Policy::NewerWins).await;
    let untouched = bench.hash();
    bench.run().await;
    let before = Standing::of(&bench);
    let ways = [Resolution::KeepSource, Resolution::KeepTarget, Resolution::KeepBoth];
    for (conflict, way) in by_patient(&bench).iter().zip(ways) {
        assert_eq!(conflict.kind, ConflictKind::SamePerson);
        bench.resolve(&conflict.id, Choice::Outright(way)).await;
        let taken = bench.undo(Which::Of(vec![conflict.id.clone()])).await;
        assert_eq!(taken.decisions, [(conflict.id.clone(), way)]);
        Standing::of(&bench).assert_same(&before);
    }
    decide_all(&mut bench).await;
    let decided = Standing::of(&bench);
    bench.undo(Which::All).await;
    Standing::of(&bench).assert_same(&before);
    bench.rebuild();
    Standing::of(&bench).assert_same(&before);
    decide_all(&mut bench).await;
    Standing::of(&bench).assert_same(&decided);

    let later = patients(practice(), |at, patient| {
        if at % 2 == 0 {
            patient["language"] = "fr".into();
        }
    });
    let once = bench.hash();
    bench.serve(config(later)).await;
    bench.try_run(RunOptions::anew()).await.unwrap();
    let run = engine::state(bench.storage(), crate::bench::NAME).unwrap().run;
    bench.rollback(Some(run), false, false).await;
    assert_eq!(bench.hash(), once);
    bench.rollback(None, false, false).await;
    assert_eq!(bench.hash(), untouched);
    bench.rebuild();
    assert_eq!(bench.hash(), untouched);
    assert!(matches!(bench.run().await, Outcome::NeedsDecision { conflicts: 3, .. }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn taking_back_one_of_two_who_are_alike_asks_about_it_as_before() {
    let nameless = patients(destination(), |_, patient| patient["identifier"] = json!([]));
    let twice: Arc<dyn Dataset> = Arc::new(Edited::new(practice(), |name, at, line| {
        if name != "Patient" || at != 0 {
            return vec![line];
        }
        let mut again: Value = serde_json::from_slice(&line).unwrap();
        again["id"] = "again".into();
        vec![line, again.to_string().into_bytes()]
    }));
    let mut bench = bench(twice.clone(), nameless, Policy::NewerWins).await;
    bench.run().await;
    let all = by_patient(&bench);
    assert_eq!(all.len(), 4);
    let twins: Vec<&Conflict> = all.iter().filter(|c| c.target.id == target_of(&all, "again")).collect();
    assert_eq!(twins.len(), 2);
    // Both are somebody new; then one of them is not decided after all.
    for (decided, other) in [(twins[0], twins[1]), (twins[1], twins[0])] {
        bench.resolve(&other.id, Choice::Outright(Resolution::KeepBoth)).await;
        let before = Standing::of(&bench);
        bench.resolve(&decided.id, Choice::Outright(Resolution::KeepBoth)).await;
        bench.undo(Which::Last(1)).await;
        Standing::of(&bench).assert_same(&before);
        bench.undo(Which::All).await;
        assert_eq!(open(&bench).len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_decision_against_somebody_whom_a_decision_brought_goes_with_it() {
    let nameless = patients(destination(), |_, patient| patient["identifier"] = json!([]));
    for way in [Resolution::KeepTarget, Resolution::KeepSource] {
        let mut bench = bench(practice(), nameless.clone(), Policy::NewerWins).await;
        bench.run().await;
        let first = by_patient(&bench).remove(0);
        bench.resolve(&first.id, Choice::Outright(Resolution::KeepBoth)).await;
        // Later the source has that patient under another id as well.
        let id = first.source.id.clone();
        let twice: Arc<dyn Dataset> = Arc::new(Edited::new(practice(), move |name, _, line| {
            let mut again: Value = serde_json::from_slice(&line).unwrap();
            if name != "Patient" || again["id"] != id.as_str() {
                return vec![line];
            }
            again["id"] = "again".into();
            vec![line, again.to_string().into_bytes()]
        }));
        bench.serve(config(twice)).await;
        bench.try_run(RunOptions::anew()).await.unwrap();
        let twin = bench.conflicts().into_iter().find(|c| c.source.id == "again").unwrap();
        assert_eq!(
            (twin.kind, &twin.target.id),
            (ConflictKind::DuplicateInSource, &first.source.id)
        );
        bench.resolve(&twin.id, Choice::Outright(way)).await;
        let taken = bench.undo(Which::Of(vec![first.id.clone()])).await;
        assert_eq!(taken.dependent, [(twin.id.clone(), way)]);
        assert_eq!(dangling_patients(&bench), Vec::<String>::new());
        assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
        bench.assert_vouched();
        let stored = Standing::of(&bench);
        bench.rebuild();
        Standing::of(&bench).assert_same(&stored);
        for conflict in open(&bench) {
            bench
                .resolve(&conflict.id, Choice::Outright(Resolution::KeepTarget))
                .await
                .unwrap();
        }
        assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
    }
}

fn target_of(all: &[Conflict], source: &str) -> String {
    let found = all.iter().find(|c| c.source.id == source).unwrap();
    found.target.id.clone()
}
