//! A destination in use: patients it knows under other ids, the same people and others, under each policy and by hand.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use cutover::engine::{Choice, Outcome};
use cutover::fhir::{self, Kind};
use cutover::migration::{Conflict, Policy, Resolution};
use cutover::sandbox::Dataset;
use cutover::sandbox::practice::{DestinationMix, Practice};

use crate::bench::{Bench, Records, config, practice};
use crate::edited::Edited;

const MIX: DestinationMix = DestinationMix {
    agreeing: 6,
    contradicting: 4,
    unnumbered: 0,
};

async fn bench(dataset: Arc<dyn Dataset>, mix: DestinationMix, policy: Policy) -> Bench {
    let mut bench = Bench::new(config(dataset)).await;
    bench.load(&Practice::destination(&practice(), mix)).await;
    bench.plan.on_conflict = policy;
    bench
}

fn open(bench: &Bench) -> Vec<Conflict> {
    bench.conflicts().into_iter().filter(Conflict::open).collect()
}

/// What becomes of a conflict whose two sides are one person.
fn expected(policy: Policy, conflict: &Conflict) -> Option<Resolution> {
    let (source, target) = (
        conflict.source.last_updated.as_ref(),
        conflict.target.last_updated.as_ref(),
    );
    let newer = source
        .zip(target)
        .and_then(|(source, target)| fhir::instant::compare(source, target));
    match (policy, newer) {
        (Policy::KeepSource, _)
        | (Policy::NewerWins, Some(Ordering::Greater))
        | (Policy::OlderWins, Some(Ordering::Less)) => Some(Resolution::KeepSource),
        (Policy::KeepTarget, _)
        | (Policy::NewerWins, Some(Ordering::Less))
        | (Policy::OlderWins, Some(Ordering::Greater)) => Some(Resolution::KeepTarget),
        _ => None,
    }
}

/// Six shared patients are decided by policy where it can tell, four are others and wait for a person.
async fn policy(policy: Policy) {
    let mut bench = bench(practice(), MIX, policy).await;
    let Outcome::NeedsDecision { conflicts, held } = bench.run().await else {
        panic!("nothing to decide")
    };
    let all = bench.conflicts();
    let others = all.iter().filter(|c| !c.contradictions.is_empty());
    assert_eq!((all.len(), others.count()), (10, 4));
    let mut by_way = [0; 3];
    for conflict in &all {
        let way = expected(policy, conflict).filter(|_| conflict.contradictions.is_empty());
        assert_eq!(conflict.decided.as_ref().map(|d| d.resolution), way, "{conflict:?}");
        assert_eq!(bench.held_for(&conflict.source.id) > 0, way.is_none());
        by_way[way.map_or(0, |way| if way == Resolution::KeepSource { 1 } else { 2 })] += 1;
    }
    let [undecided, from_source, kept] = by_way;
    let by_age = matches!(policy, Policy::NewerWins | Policy::OlderWins);
    assert!(!by_age || (from_source > 0 && kept > 0));
    let counts = bench.counts();
    assert_eq!((counts.undecided, counts.kept, conflicts), (undecided, kept, undecided));
    assert_eq!((counts.held, counts.held), (held, bench.held() as u64));
    let waiting: usize = open(&bench).iter().map(|c| bench.held_for(&c.source.id)).sum();
    assert_eq!(waiting, bench.held());
    assert_eq!(dangling_patients(&bench), Vec::<String>::new());
    assert!(bench.verification().clean());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newer_chart_wins_and_other_people_wait() {
    policy(Policy::NewerWins).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_older_chart_wins_and_other_people_wait() {
    policy(Policy::OlderWins).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_source_wins_and_other_people_wait() {
    policy(Policy::KeepSource).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_target_wins_and_other_people_wait() {
    policy(Policy::KeepTarget).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_waits_when_a_person_is_to_be_asked() {
    policy(Policy::Ask).await;
}

/// What a person decides on the `nth` conflict (by id): every way there is.
fn way(nth: usize) -> Choice {
    match nth % 4 {
        0 => Choice::Outright(Resolution::KeepSource),
        1 => Choice::Outright(Resolution::KeepTarget),
        2 => Choice::Outright(Resolution::KeepBoth),
        _ => Choice::By(Policy::NewerWins),
    }
}

/// Decides all conflicts, the last first if `backwards`, and gives the store's content without the server's address.
async fn decided(backwards: bool) -> Records {
    let mut bench = bench(practice(), MIX, Policy::Ask).await;
    assert!(matches!(
        bench.run().await,
        Outcome::NeedsDecision { conflicts: 10, .. }
    ));
    // Ids are the same in every workspace only by patient; so decisions go by patient.
    let mut open = open(&bench);
    open.sort_by(|a, b| a.source.id.cmp(&b.source.id));
    let mut order: Vec<(usize, Conflict)> = open.into_iter().enumerate().collect();
    if backwards {
        order.reverse();
    }
    for (nth, conflict) in order {
        let (before, waiting) = (bench.held(), bench.held_for(&conflict.source.id));
        assert!(waiting > 0);
        assert!(bench.resolve(&conflict.id, way(nth)).await.is_some());
        assert_eq!(
            (bench.held(), bench.held_for(&conflict.source.id)),
            (before - waiting, 0)
        );
        assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
    }
    assert_eq!(bench.held(), 0);
    let counts = bench.counts();
    assert_eq!((counts.held, counts.undecided), (0, 0));
    assert_eq!(counts.rows, bench.source().len() as u64);
    assert_eq!(dangling_patients(&bench), Vec::<String>::new());
    let base = bench.plan.base_url.clone();
    let text = |line: Vec<u8>| String::from_utf8(line).unwrap().replace(&base, "{base}").into_bytes();
    bench
        .stored()
        .into_iter()
        .map(|(name, line)| (name, text(line)))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_decision_releases_its_own_and_their_order_does_not_matter() {
    let (forwards, backwards) = (decided(false).await, decided(true).await);
    assert_eq!(crate::bench::differing(&forwards, &backwards), Vec::<String>::new());
}

/// Two more patients, before and after all others, who refer to the first one, whom the destination knows.
pub fn with_links() -> Arc<dyn Dataset> {
    let practice = practice();
    let first = practice.lines("Patient", 0..1).next().unwrap();
    let id = fhir::scan(&first).unwrap().id.to_owned();
    let last = Dataset::types(&*practice)
        .into_iter()
        .find(|(name, _)| name == "Patient")
        .unwrap()
        .1
        - 1;
    Arc::new(Edited::new(practice, move |name, at, line| {
        let linked = |own: &str| {
            format!("{{\"resourceType\":\"Patient\",\"id\":\"{own}\",\"link\":[{{\"other\":{{\"reference\":\"Patient/{id}\"}},\"type\":\"seealso\"}}]}}")
                .into_bytes()
        };
        match at as u64 {
            _ if name != "Patient" => vec![line],
            0 => vec![linked("before"), line],
            at if at == last => vec![line, linked("after")],
            _ => vec![line],
        }
    }))
}

async fn links(policy: Policy, choice: Option<Choice>) {
    let mix = DestinationMix {
        agreeing: 1,
        contradicting: 0,
        unnumbered: 0,
    };
    let mut bench = bench(with_links(), mix, policy).await;
    let outcome = bench.run().await;
    let conflict = bench.conflicts().remove(0);
    if let Some(choice) = choice {
        assert!(matches!(outcome, Outcome::NeedsDecision { conflicts: 1, .. }));
        bench.resolve(&conflict.id, choice).await;
        assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
    } else {
        assert_eq!(outcome, Outcome::Done);
    }
    assert_eq!(dangling_patients(&bench), Vec::<String>::new());
    let stored = bench.stored();
    for own in ["before", "after"] {
        let line = String::from_utf8(stored[&format!("Patient/{own}")].clone()).unwrap();
        assert!(line.contains(&format!("Patient/{}", conflict.target.id)), "{line}");
    }
    let index = bench.index();
    bench.done().await;
    assert_eq!(bench.index(), index);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_between_patients_lead_to_whom_the_policy_took() {
    links(Policy::KeepSource, None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_between_patients_lead_to_whom_a_person_chose() {
    links(Policy::Ask, Some(Choice::Outright(Resolution::KeepTarget))).await;
}

/// References of stored records to patients that are not there, but for those that the source had none of either.
pub fn dangling_patients(bench: &Bench) -> Vec<String> {
    let stored = bench.stored();
    let base = Some(bench.plan.base_url.as_str());
    let mut dangling = BTreeSet::new();
    for (name, line) in &stored {
        for found in fhir::references(line) {
            if let Kind::Local {
                resource_type: "Patient",
                id,
                ..
            } = fhir::classify(&found.text, base)
                && !stored.contains_key(&format!("Patient/{id}"))
            {
                dangling.insert(format!("{name} -> {id}"));
            }
        }
    }
    dangling.into_iter().collect()
}
