use proptest::prelude::*;

use super::*;
use crate::migration::Capacity;

fn at() -> Timestamp {
    "2026-11-20T11:00:00Z".parse().unwrap()
}

/// What a run says from its beginning to its end.
fn run(number: u32, since: Option<&str>, shows: Option<&str>) -> Vec<Event> {
    vec![
        Event::RunStarted {
            run: number,
            since: since.map(str::to_owned),
        },
        Event::StatusComplete {
            transaction_time: shows.map(str::to_owned),
            files: 1,
            organized: false,
            notes: Vec::new(),
        },
        Event::RunCompleted { run: number },
    ]
}

fn fold(events: &[Event]) -> Trail {
    let mut trail = Trail::default();
    for (entry, event) in (1..).zip(events) {
        trail.apply(entry, at(), "ann", event);
    }
    trail
}

const ONE: &str = "2026-11-20T10:00:00Z";
const TWO: &str = "2026-11-20T11:00:00.000+01:00";
const THREE: &str = "2026-11-20T12:00:00Z";

#[test]
fn changes_are_covered_without_a_gap_or_not_at_all() {
    let first = run(1, None, Some(ONE));
    let with = |more: Vec<Event>| [first.clone(), more].concat();
    let told = |events: &[Event]| {
        let trail = fold(events);
        (
            trail.covered().map(str::to_owned),
            trail.last_changes().map(|run| run.run),
        )
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(told(&first), (some(ONE), None));
    // The same instant, written in another zone.
    assert_eq!(told(&with(run(2, Some(TWO), Some(THREE)))), (some(THREE), Some(2)));
    // What changed between the two was never asked for.
    assert_eq!(
        told(&with(run(2, Some("2026-11-20T10:30:00Z"), Some(THREE)))),
        (some(ONE), None)
    );
    assert_eq!(told(&with(run(2, None, Some(THREE)))), (some(THREE), Some(2)));
    // A source that does not say what its export shows cannot be gone on from.
    assert_eq!(told(&run(1, None, None)), (None, None));
    let delta = with(run(2, Some(ONE), Some(THREE)));
    assert_eq!(
        told(&[delta.clone(), vec![Event::RolledBack { run: 2 }]].concat()),
        (some(ONE), None)
    );
    let changed = |field: &str| {
        vec![Event::MigrationChanged {
            fields: vec![field.to_owned()],
        }]
    };
    assert_eq!(told(&[delta.clone(), changed("types")].concat()), (None, None));
    assert_eq!(told(&[delta.clone(), changed("name")].concat()), (some(THREE), Some(2)));
    assert_eq!(told(&[delta, vec![Event::MigrationRemoved {}]].concat()), (None, None));
}

#[test]
fn a_run_that_was_given_up_brings_nothing() {
    let mut events = run(1, None, Some(ONE));
    events.push(Event::RunStarted {
        run: 2,
        since: Some(ONE.to_owned()),
    });
    assert_eq!(fold(&events).last_changes(), None);
}

fn judged(verdict: ChartVerdict, content: &str) -> Event {
    Event::ChartJudged {
        chart: 3,
        verdict,
        patient: "p".to_owned(),
        content: content.to_owned(),
        name: Some("Mo".to_owned()),
        remark: None,
    }
}

#[test]
fn the_latest_judgement_counts() {
    let trail = fold(&[judged(ChartVerdict::Failed, "a"), judged(ChartVerdict::Passed, "b")]);
    let judgement = &trail.judgements["p"];
    assert_eq!(
        (judgement.verdict, judgement.content.as_str(), judgement.who()),
        (ChartVerdict::Passed, "b", "Mo")
    );
    assert!(!format!("{judgement:?}").contains("Mo"));
}

#[test]
fn a_flip_is_remembered_until_it_is_taken_back() {
    let flip = Event::Flipped {
        name: None,
        overridden: Some("closing day".to_owned()),
        missing: vec!["x".to_owned()],
    };
    let trail = fold(std::slice::from_ref(&flip));
    assert_eq!(
        trail
            .flip
            .as_ref()
            .map(|flip| (flip.who.as_str(), flip.overridden.is_some())),
        Some(("ann", true))
    );
    let back = Event::FlipTakenBack {
        name: None,
        why: "too early".to_owned(),
    };
    assert_eq!(fold(&[flip, back]).flip, None);
}

proptest! {
    #[test]
    fn a_verification_is_the_latest_word_only_until_something_changes(steps in prop::collection::vec(0_u8..4, 0..20)) {
        let events: Vec<Event> = steps.iter().map(|step| match step {
            0 => Event::Verified { compared: 1, findings: 0 },
            1 => Event::RunStarted { run: 1, since: None },
            2 => Event::CrosswalkChanged { set: 1, unset: 0, name: None, why: None },
            _ => Event::SignedOff {
                capacity: Capacity::Technical,
                name: "Mo".to_owned(),
                why: None,
                head: crate::migration::Head { entry: 0, hash: String::new() },
            },
        }).collect();
        let last = |of: &[u8]| steps.iter().rposition(|step| of.contains(step));
        let trail = fold(&events);
        prop_assert_eq!(trail.verified_since(), last(&[0]).is_some() && last(&[0]) > last(&[1, 2]));
        let stale = trail.signed.get(&Capacity::Technical).map(|signed| signed.stale.is_some());
        prop_assert_eq!(stale, last(&[3]).map(|signed| last(&[1, 2]) > Some(signed)));
    }
}
