//! Verify: whether every row is accounted for and every record as received, and the sample charts.

use super::Screen;
use crate::engine::Command;
use crate::fhir::LossClass;
use crate::migration::{Chart, Finding, RecordState, Verification};
use crate::tui::action::Action;
use crate::tui::canvas::Canvas;
use crate::tui::figure::{count, day, several, size};
use crate::tui::list::List;
use crate::tui::look::{Role, Sign};
use crate::tui::message::{Effect, Query};
use crate::tui::model::Model;

/// What was read, and which check is chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Whether it was read at all.
    pub read: bool,
    /// The latest verification, if there was one.
    pub found: Option<Verification>,
    /// The sample charts.
    pub charts: Vec<Chart>,
    list: List,
}

impl State {
    /// Takes in what was read.
    pub fn take(&mut self, found: Option<Verification>, charts: Vec<Chart>) {
        self.read = true;
        self.found = found;
        self.charts = charts;
    }

    /// The findings of the chosen check; those on records with their numbers.
    pub fn findings(&self) -> Vec<(Option<u64>, Finding)> {
        let check = self.check();
        let found = self
            .found
            .as_ref()
            .map(|found| found.findings.as_slice())
            .unwrap_or_default();
        // What was found on records comes first, in the order of its numbers.
        let numbered = (1..).zip(found).map(|(number, finding)| {
            let on_record = LossClass::named(&finding.code).is_some();
            (on_record.then_some(number), finding.clone())
        });
        let charts = self.charts.iter().filter_map(Chart::finding);
        let all = numbered.chain(charts.map(|finding| (None, finding)));
        all.filter(|(_, finding)| check.holds(&finding.code)).collect()
    }

    /// The chosen check.
    pub fn check(&self) -> Check {
        CHECKS[self.list.at.min(CHECKS.len() - 1)]
    }
}

/// Something that a verification looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Check {
    /// The landed bytes.
    Bytes,
    /// The records.
    Records,
    /// The counts.
    Counts,
    /// Rows that are no use.
    SetAside,
    /// References.
    References,
    /// Identity, allergies, medications and problems of each patient.
    Lists,
    /// Sample charts.
    Charts,
}

const CHECKS: [Check; 7] = [
    Check::Bytes,
    Check::Records,
    Check::Counts,
    Check::SetAside,
    Check::References,
    Check::Lists,
    Check::Charts,
];

impl Check {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bytes => "Every byte as it came",
            Self::Records => "Every record as received",
            Self::Counts => "Counts kept and counted anew",
            Self::SetAside => "What is no use is set aside",
            Self::References => "References lead somewhere",
            Self::Lists => "Every patient's lists",
            Self::Charts => "Sample charts",
        }
    }

    /// Whether findings of this code are its.
    fn holds(self, code: &str) -> bool {
        match self {
            Self::Bytes => code.starts_with("landing-"),
            Self::Records => LossClass::named(code).is_some(),
            Self::SetAside => code == "not-quarantined",
            Self::Charts => code == "failed-chart",
            // They are told with the records.
            Self::References | Self::Lists => false,
            // What no other check knows is not to be lost.
            Self::Counts => CHECKS.iter().all(|other| *other == self || !other.holds(code)),
        }
    }
}

/// Opens the screen.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    let mut effects = refresh(model);
    effects.extend(model.read_standings());
    effects
}

/// Reads again what is shown.
pub fn refresh(model: &Model) -> Vec<Effect> {
    model
        .open
        .clone()
        .map(|id| Effect::Read(Query::Verified(id)))
        .into_iter()
        .collect()
}

/// Does what a key means here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Go(movement) => {
            model.verify.list.go(movement, CHECKS.len(), CHECKS.len());
            Vec::new()
        }
        Action::Open if model.verify.check() == Check::Charts => super::enter(model, Screen::Charts),
        Action::Open => super::enter(model, Screen::Findings),
        Action::VerifyAgain => start(model, Command::Verify),
        Action::VerifyChanged => start(model, Command::VerifyChanged),
        other => super::common(model, other),
    }
}

fn start(model: &Model, command: Command) -> Vec<Effect> {
    let plan = model.plan().cloned();
    plan.map(|plan| Effect::Start(Box::new(plan), command))
        .into_iter()
        .collect()
}

/// Why nothing can be verified now.
pub fn not_verifiable(model: &Model) -> Option<String> {
    let nothing = model.opened().is_some_and(|standing| standing.counts.rows == 0);
    match model.job() {
        Some(_) => Some("a job is at work".to_owned()),
        None => nothing.then(|| "nothing was received yet".to_owned()),
    }
}

/// Draws the screen.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    let Some(standing) = model.opened() else { return };
    let end = canvas.width().saturating_sub(2);
    let counts = &standing.counts;
    let parts = [
        (counts.stored, "stored"),
        (counts.unchanged, "same"),
        (counts.quarantined, "quarantined"),
        (counts.kept, "decided"),
        (counts.held + counts.undecided, "waiting"),
        (counts.deleted, "deleted"),
    ];
    let parts = parts.iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = parts
        .map(|(number, name)| format!("{} {name}", count(*number)))
        .collect();
    let text = format!("{} received = {}", several(counts.rows, "row"), parts.join(" + "));
    let row = canvas
        .part(3, 0, end.saturating_sub(14), 2)
        .paragraph(0, 0, &text, Role::Strong);
    let (sign, role, word) = if counts.balanced() {
        (Sign::Done, Role::Done, "balanced ")
    } else {
        (Sign::Waiting, Role::Wrong, "NOT EQUAL ")
    };
    canvas.right(end.saturating_sub(1), row.saturating_sub(1), word, role);
    canvas.sign(end.saturating_sub(1), row.saturating_sub(1), sign, role);
    if let Some((read, of)) = model.job().and_then(|job| job.snapshot.verifying) {
        let share = u16::try_from((read * 1000).checked_div(of).unwrap_or(0).min(999)).unwrap_or(999);
        canvas.text(
            3,
            3,
            &format!("Verifying: {} of {} read back", size(read), size(of)),
            Role::Here,
        );
        canvas.bar(3, 4, end.saturating_sub(10), share);
        canvas.right(end, 4, &format!("{} %", share / 10), Role::Plain);
        return;
    }
    let Some(found) = &model.verify.found else {
        let read = model.verify.read;
        let text = if read {
            "Nothing was verified yet."
        } else {
            "Reading what was found"
        };
        canvas.text(3, 3, text, if read { Role::Note } else { Role::Quiet });
        return;
    };
    checks(model, found, canvas, end);
    charts(model, found, canvas);
}

fn checks(model: &Model, found: &Verification, canvas: &mut Canvas<'_>, end: u16) {
    canvas.text(3, 3, "Check", Role::Quiet);
    canvas.right(end.saturating_sub(20), 3, "looked at", Role::Quiet);
    canvas.right(end, 3, "findings", Role::Quiet);
    for (y, (at, check)) in (4..).zip(CHECKS.into_iter().enumerate()) {
        let mut state = model.verify.clone();
        state.list = List::at(at);
        let findings = state.findings().len() as u64;
        let looked = match check {
            Check::Bytes | Check::Counts => model.opened().map_or(0, |standing| standing.counts.rows),
            Check::Records => found.compared,
            Check::SetAside => model.opened().map_or(0, |standing| standing.counts.quarantined),
            Check::References => found.references,
            Check::Lists => found.lists.patients,
            Check::Charts => model.verify.charts.len() as u64,
        };
        canvas.within(3, y, 34, check.name(), Role::Plain);
        canvas.right(end.saturating_sub(20), y, &count(looked), Role::Plain);
        let findings = if check == Check::Lists {
            found.lists.differing.values().sum()
        } else {
            findings
        };
        let dangling: u64 = found.dangling.values().sum();
        if check == Check::References && dangling > 0 {
            canvas.right(end, y, &format!("{} outside", count(dangling)), Role::Note);
        } else {
            let role = if findings > 0 { Role::Wrong } else { Role::Done };
            canvas.right(end, y, &count(findings), role);
        }
        if at == model.verify.list.at {
            canvas.sign(1, y, Sign::Chosen, Role::Key);
            canvas.restyle(3, y, 34, Role::Chosen);
        }
    }
    let listed = found.findings.len() as u64;
    if found.total_findings > listed {
        let text = format!(
            "{} in all; the first {listed} can be looked at",
            several(found.total_findings, "finding")
        );
        canvas.text(3, 11, &text, Role::Wrong);
    }
}

fn charts(model: &Model, found: &Verification, canvas: &mut Canvas<'_>) {
    let Some(standing) = model.opened() else { return };
    let tally = standing.charts;
    let seen = tally.drawn - tally.open;
    let mut x = canvas.text(
        3,
        12,
        &format!("Sample charts   {seen} of {} looked at", tally.drawn),
        Role::Strong,
    );
    for (number, name, role) in [
        (tally.passed, "passed", Role::Done),
        (tally.waived, "waived", Role::Note),
        (tally.failed, "failed", Role::Wrong),
    ] {
        if number > 0 {
            x = canvas.text(x + 3, 12, &format!("{number} {name}"), role);
        }
    }
    states(found, canvas);
    let width = canvas.width().saturating_sub(6);
    let words = format!("Seed {}: {}.", found.seed, found.acceptance.words());
    canvas.part(3, 13, width, 2).paragraph(0, 0, &words, Role::Quiet);
    if let Ok(when) = found.when.parse() {
        let text = format!("Verified {}", day(when, &model.zone));
        let stale = !standing.gate.met(crate::migration::Requirement::RowsAccounted);
        let (text, role) = if stale {
            (
                format!("{text}, and something has changed since: verify again"),
                Role::Note,
            )
        } else {
            (text, Role::Quiet)
        };
        canvas.text(3, canvas.height().saturating_sub(2), &text, role);
    }
}

/// Records by the state in which the verification left them.
fn states(found: &Verification, canvas: &mut Canvas<'_>) {
    let all = found.all_states();
    let there = RecordState::ALL.into_iter().filter(|state| all.of(*state) > 0);
    let parts: Vec<String> = there
        .map(|state| format!("{} {}", count(all.of(state)), state.name()))
        .collect();
    if parts.is_empty() {
        return;
    }
    let wrong = [RecordState::Mismatched, RecordState::Missing, RecordState::Extra];
    let wrong = wrong.into_iter().any(|state| all.of(state) > 0);
    let width = canvas.width().saturating_sub(6);
    let text = format!("Records: {}", parts.join(", "));
    let role = if wrong { Role::Wrong } else { Role::Plain };
    canvas.part(3, 15, width, 2).paragraph(0, 0, &text, role);
}

#[cfg(test)]
mod tests;
