use super::*;
use crate::migration::{Event, Head};

fn at(minute: u32) -> Timestamp {
    format!("2026-11-20T11:{minute:02}:00Z").parse().unwrap()
}

/// A migration of which everything is as it must be.
fn ready() -> GateFacts {
    let mut state = State::default();
    let mut trail = Trail::default();
    let delta = Some("2026-11-20T10:00:00Z".to_owned());
    let shows = |time: &str| Event::StatusComplete {
        transaction_time: Some(time.to_owned()),
        files: 1,
        organized: false,
        notes: Vec::new(),
    };
    let events = [
        Event::RunStarted { run: 1, since: None },
        shows("2026-11-20T10:00:00Z"),
        Event::RunCompleted { run: 1 },
        Event::RunStarted { run: 2, since: delta },
        shows("2026-11-20T11:00:00Z"),
        Event::Verified {
            compared: 99,
            findings: 0,
        },
        Event::RunCompleted { run: 2 },
        signed("Mo Okafor", Capacity::Technical),
        signed("Ann Mori", Capacity::Clinical),
    ];
    for (entry, event) in (1..).zip(&events) {
        state.apply(event);
        trail.apply(entry, at(u32::try_from(entry).unwrap()), "mo", event);
    }
    GateFacts {
        state,
        trail,
        counts: Counts {
            rows: 100,
            stored: 98,
            quarantined: 2,
            ..Counts::default()
        },
        balanced: true,
        conflicts: (0, 14),
        quarantine: (2, 2),
        charts: ChartTally {
            drawn: 20,
            passed: 19,
            waived: 1,
            ..ChartTally::default()
        },
        until: false,
    }
}

fn signed(name: &str, capacity: Capacity) -> Event {
    Event::SignedOff {
        capacity,
        name: name.to_owned(),
        why: None,
        head: Head {
            entry: 7,
            hash: "ab".to_owned(),
        },
    }
}

/// Something more happens.
fn then(facts: &mut GateFacts, event: &Event) {
    facts.state.apply(event);
    facts.trail.apply(100, at(50), "mo", event);
}

fn unmet(facts: &GateFacts) -> Vec<(Requirement, String)> {
    Gate::of(facts)
        .unmet()
        .map(|c| (c.requirement, c.why.clone()))
        .collect()
}

#[test]
fn the_gate_is_open_when_everything_is_so_and_says_why() {
    let gate = Gate::of(&ready());
    assert!(gate.is_open(), "{gate:#?}");
    let told: Vec<String> = gate
        .conditions
        .iter()
        .map(|c| format!("{}: {}", c.requirement.words(), c.why))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    Every row accounted for: 100 rows
    No open finding: 99 records compared
    Conflicts decided: 14 of 14
    Nothing held: no row waits
    Quarantine empty or waived: 2, all waived
    Sample charts passed: 20 of 20, 1 of them waived
    Last changes brought over: delta of 2026-11-20 11:07 UTC, 0 rows
    Technical sign-off: Mo Okafor, 2026-11-20 11:08 UTC
    Clinical sign-off: Ann Mori, 2026-11-20 11:09 UTC
    ");
}

#[test]
fn each_condition_that_is_not_met_shuts_it_with_its_reason() {
    type Spoil = fn(&mut GateFacts);
    let table: [(Requirement, &str, Spoil); 15] = [
        (Requirement::RowsAccounted, "the rows do not add up", |f| {
            f.balanced = false;
        }),
        (Requirement::RowsAccounted, "run 2 is not over", |f| {
            f.state.stage = Stage::Ingesting;
        }),
        (Requirement::NoFinding, "3 findings", |f| {
            f.trail.verified.as_mut().unwrap().findings = 3;
        }),
        (Requirement::NoFinding, "1 failed chart", |f| f.charts.failed = 1),
        (Requirement::ConflictsDecided, "1 of 14 are open", |f| f.conflicts.0 = 1),
        (Requirement::NothingHeld, "5 rows wait for a decision", |f| {
            f.counts.held = 5;
        }),
        (Requirement::QuarantineSettled, "1 of 2 rows not waived", |f| {
            f.quarantine.1 = 1;
        }),
        (Requirement::ChartsPassed, "19 of 20; 1 to look at", |f| {
            (f.charts.waived, f.charts.open) = (0, 1);
        }),
        (
            Requirement::ChartsPassed,
            "20 of 20; nothing was received of 1 named patient",
            |f| f.charts.unknown = 1,
        ),
        (
            Requirement::ChartsPassed,
            "a verification was cut off while it drew them: verify again",
            |f| f.charts.lost = 20,
        ),
        (
            Requirement::LastChanges,
            "nothing was asked for since the first export",
            |f| f.trail.brought.truncate(1),
        ),
        (
            Requirement::LastChanges,
            "the plan leaves out what changed after an instant (until)",
            |f| f.until = true,
        ),
        (Requirement::TechnicalSignOff, "missing", |f| {
            drop(f.trail.signed.remove(&Capacity::Technical));
        }),
        (Requirement::ClinicalSignOff, "missing", |f| {
            drop(f.trail.signed.remove(&Capacity::Clinical));
        }),
        (
            Requirement::ClinicalSignOff,
            "Ann Mori, 2026-11-20 11:09 UTC: given before run 9",
            |f| {
                f.trail.signed.get_mut(&Capacity::Clinical).unwrap().stale = Some("run 9".to_owned());
            },
        ),
    ];
    for (requirement, why, spoil) in table {
        let mut facts = ready();
        spoil(&mut facts);
        assert!(!Gate::of(&facts).is_open());
        assert!(
            unmet(&facts).contains(&(requirement, why.to_owned())),
            "{requirement:?}: {:?}",
            unmet(&facts)
        );
    }
}

#[test]
fn nothing_is_met_before_anything_was_done() {
    let gate = Gate::of(&GateFacts {
        balanced: true,
        ..GateFacts::default()
    });
    assert!(!gate.is_open());
    let met: Vec<_> = gate
        .conditions
        .iter()
        .filter(|c| c.met)
        .map(|c| c.requirement)
        .collect();
    assert_eq!(
        met,
        [
            Requirement::ConflictsDecided,
            Requirement::NothingHeld,
            Requirement::QuarantineSettled
        ]
    );
}

#[test]
fn whoever_signed_did_not_sign_for_what_came_after() {
    let undone = Event::DecisionUndone {
        conflict: "c1".to_owned(),
        resolution: crate::migration::Resolution::KeepSource,
        because_of: None,
        name: None,
        why: None,
        before: None,
        after: None,
    };
    let events = [
        (Event::RunStarted { run: 3, since: None }, "run 3"),
        (undone, "the undo of c1"),
        (
            Event::Verified {
                compared: 9,
                findings: 2,
            },
            "a verification with 2 findings",
        ),
        (Event::RolledBack { run: 2 }, "a rollback"),
    ];
    for (event, what) in events {
        let mut facts = ready();
        then(&mut facts, &event);
        for (capacity, signed) in &facts.trail.signed {
            assert_eq!(signed.stale.as_deref(), Some(what), "{capacity:?}");
        }
        let unmet = unmet(&facts);
        assert!(
            unmet
                .iter()
                .any(|(r, why)| *r == Requirement::TechnicalSignOff && why.ends_with(&format!("given before {what}")))
        );
        // Signed once more, it holds again.
        then(&mut facts, &signed("Mo Okafor", Capacity::Technical));
        assert!(facts.trail.signed[&Capacity::Technical].stale.is_none());
        assert!(facts.trail.signed[&Capacity::Clinical].stale.is_some());
    }
    let mut facts = ready();
    then(
        &mut facts,
        &Event::Verified {
            compared: 9,
            findings: 0,
        },
    );
    assert!(Gate::of(&facts).is_open());
}

#[test]
fn what_was_not_verified_since_it_changed_is_not_accounted_for() {
    let mut facts = ready();
    then(
        &mut facts,
        &Event::CrosswalkChanged {
            set: 1,
            unset: 0,
            name: None,
            why: None,
        },
    );
    assert!(unmet(&facts).contains(&(
        Requirement::RowsAccounted,
        "not verified since a change of the crosswalk".to_owned()
    )));
}
