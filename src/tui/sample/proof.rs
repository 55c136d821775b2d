//! For tests: what was verified, sample charts, and the gate.

use std::collections::BTreeMap;

use super::now;
use crate::fhir::ClinicalList;
use crate::migration::{
    Acceptance, Chart, ChartTally, ChartVerdict, Counts, Drawn, Event, Finding, Gate, GateFacts, Judgement, Lists,
    LostElement, RecordState, SamplePatient, Stage, State, States, Step, Trail, Verification,
};
use crate::tui::model::Model;
use crate::tui::screen::Screen;

/// A sample chart with this number, and what was said of it.
pub fn chart(number: u32, stratum: &str, verdict: Option<ChartVerdict>) -> Chart {
    let content = format!("content-{number}");
    Chart {
        judgement: verdict.map(|verdict| Judgement {
            verdict,
            login: "ann".to_owned(),
            name: (number == 2).then(|| "Dr. Mori".to_owned()),
            remark: None,
            why: Some("asthma resolved in 2019 shows active".to_owned()),
            when: now(),
            entry: 40,
            content: content.clone(),
        }),
        patient: SamplePatient {
            number,
            stratum: stratum.to_owned(),
            drawn: match number {
                18 => Drawn::Stratum,
                19 => Drawn::Named,
                20 => Drawn::Failed,
                _ => Drawn::Lot,
            },
            id: format!("p{number}"),
            patient: format!("hash-{number}"),
            content,
            records: 40 + number,
            differing: u32::from(number == 12),
            left_out: 0,
        },
    }
}

/// Twenty charts, of which twelve were looked at and one was failed.
pub fn charts() -> Vec<Chart> {
    let strata = ["woman", "man", "girl", "older-woman", "many-medications", "in-conflict"];
    let verdict = |number| match number {
        12 => Some(ChartVerdict::Failed),
        5 => Some(ChartVerdict::Waived),
        1..12 => Some(ChartVerdict::Passed),
        _ => None,
    };
    let stratum = |number: u32| strata[number as usize % strata.len()];
    (1..=20)
        .map(|number| chart(number, stratum(number), verdict(number)))
        .collect()
}

/// A verification with these findings.
pub fn verification(findings: Vec<Finding>) -> Verification {
    let records = |code: &&Finding| code.line > 0;
    let wrong = findings.iter().filter(records).count() as u64;
    let mut states = States::default();
    states.add(RecordState::Validated, 1_681_092 - wrong);
    states.add(RecordState::Mismatched, wrong);
    states.add(RecordState::Waived, 1_290);
    let differing = if wrong > 0 {
        [(ClinicalList::Problems, wrong)].into()
    } else {
        BTreeMap::new()
    };
    Verification {
        states: [("Condition".to_owned(), states)].into(),
        lists: Lists {
            patients: 12_450,
            differing,
        },
        when: "2026-11-20T10:30:00Z".to_owned(),
        compared: 1_681_092,
        references: 3_911_204,
        dangling: [("external".to_owned(), 2), ("id-not-exported".to_owned(), 97)].into(),
        total_findings: findings.len() as u64,
        findings,
        samples: 20,
        seed: 8841,
        acceptance: Acceptance::of(12_450),
        ..Verification::default()
    }
}

/// Something that was found.
pub fn finding(code: &str, line: u64) -> Finding {
    Finding {
        code: code.to_owned(),
        resource_type: "Condition".to_owned(),
        run: 1,
        file: "Condition.001.ndjson".to_owned(),
        line,
        what: "the Condition read back from the store differs from what was received".to_owned(),
        elements: vec![LostElement {
            class: code.to_owned(),
            element: "clinicalStatus.coding[0].code".to_owned(),
        }],
    }
}

/// What the gate of a migration is told from, with these charts and after these events.
fn facts(charts: &[Chart], events: &[Event]) -> GateFacts {
    let mut facts = GateFacts {
        state: State {
            run: 1,
            stage: Stage::Completed,
            let_in: true,
            ..State::default()
        },
        trail: Trail::default(),
        counts: Counts {
            rows: 1_682_441,
            stored: 1_681_092,
            unchanged: 59,
            kept: 1_270,
            quarantined: 20,
            ..Counts::default()
        },
        balanced: true,
        conflicts: (0, 14),
        quarantine: (20, 20),
        charts: ChartTally::of(charts),
        until: false,
    };
    for (entry, event) in (1..).zip(events) {
        facts.state.apply(event);
        facts.trail.apply(entry, now(), "ann", event);
    }
    facts
}

/// A step of a migration, its records verified, with these charts and after these events.
pub fn model(step: Step, found: Option<Verification>, charts: Vec<Chart>, events: &[Event]) -> Model {
    let mut model = super::model();
    model.open = Some("lakeside".to_owned());
    model.screen = Screen::Step(step);
    let facts = facts(&charts, events);
    let standing = &mut model.standings.as_mut().unwrap()[0];
    standing.state = facts.state.clone();
    standing.counts = facts.counts;
    standing.conflicts = facts.conflicts.0;
    standing.findings = found.as_ref().map(|found| found.total_findings);
    standing.charts = facts.charts;
    standing.covered = facts.trail.covered().map(str::to_owned);
    standing.gate = Gate::of(&facts);
    model.verify.take(found, charts);
    model
}

/// That what was moved was verified, and nothing was found.
pub fn verified() -> Event {
    Event::Verified {
        compared: 1_681_092,
        findings: 0,
    }
}

/// Cutover with a failed chart, and nobody has signed yet.
pub fn waiting() -> Model {
    let run = Event::RunStarted { run: 1, since: None };
    let complete = Event::StatusComplete {
        transaction_time: Some("2026-11-20T08:00:00Z".to_owned()),
        files: 9,
        organized: false,
        notes: Vec::new(),
    };
    let events = [run, complete, verified(), Event::RunCompleted { run: 1 }];
    model(Step::Cutover, Some(verification(Vec::new())), charts(), &events)
}
