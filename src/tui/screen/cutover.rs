//! Cutover: what must be so before the practice goes over, who answers for it, and that it has.

use super::Screen;
use crate::engine::{Command, Wipeable, Written};
use crate::migration::figure::several;
use crate::migration::{By, Capacity, Gate, Requirement, Step};
use crate::tui::action::Action;
use crate::tui::canvas::Canvas;
use crate::tui::figure::day;
use crate::tui::list::List;
use crate::tui::look::{Role, Sign};
use crate::tui::message::Effect;
use crate::tui::model::Model;
use crate::tui::overlay::{Ask, For, Overlay, Question};

/// Which condition is chosen, and where the report was written to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    list: List,
    /// The last evidence that was written here.
    pub report: Option<Written>,
    /// Whether the copy of what is stored is being compared with it.
    pub comparing: bool,
}

/// Opens the screen.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    model.cutover = State::default();
    model.read_standings()
}

fn gate(model: &Model) -> Option<&Gate> {
    model.opened().map(|standing| &standing.gate)
}

/// Does what a key means here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(plan) = model.plan().cloned() else {
        return Vec::new();
    };
    match action {
        Action::Go(movement) => {
            let len = gate(model).map_or(0, |gate| gate.conditions.len());
            model.cutover.list.go(movement, len, len);
            Vec::new()
        }
        Action::Open => open(model),
        Action::SignOff => {
            sign(model);
            Vec::new()
        }
        Action::Report => vec![Effect::WriteReport(plan.id)],
        Action::Wipe => {
            let text = "Everything here that holds a patient's data will be destroyed, the store too. Which folder holds the copy of what \
                        is stored, as `cutover store export` wrote it? It is compared first, record for record.";
            model.overlay = Some(Overlay::Ask(Ask::new("Where is the copy?", text, For::Wipe)));
            Vec::new()
        }
        Action::Flip if model.opened().is_some_and(|standing| standing.state.flipped) => {
            let text = "The migration is open again: it can be run, decided and rolled back. That people work with the new system \
                        is not undone by it.";
            model.overlay = Some(Overlay::Ask(Ask::new(
                "Why has the practice not gone over?",
                text,
                For::TakeFlipBack,
            )));
            Vec::new()
        }
        Action::Flip => {
            let text = [
                "From now on people work with the new system. The migration is closed: nothing is run, decided, or rolled back any more.",
                "It can be taken back here, with a reason.",
            ];
            let id = plan.id.clone();
            let who = By::from(model.place.operator.clone());
            let command = Command::Flip { overriding: None, who };
            let yes = vec![Effect::Start(Box::new(plan), command)];
            let title = "Has the practice gone over?";
            model.overlay = Some(Overlay::Question(Question::new(title, &text, yes).typed(id)));
            Vec::new()
        }
        other => super::common(model, other),
    }
}

/// Goes where the chosen condition is met.
fn open(model: &mut Model) -> Vec<Effect> {
    let at = model.cutover.list.at;
    let Some(requirement) = gate(model)
        .and_then(|gate| gate.conditions.get(at))
        .map(|c| c.requirement)
    else {
        return Vec::new();
    };
    let screen = match requirement {
        Requirement::RowsAccounted | Requirement::NoFinding => Screen::Step(Step::Verify),
        Requirement::ConflictsDecided | Requirement::NothingHeld => Screen::Conflicts,
        Requirement::QuarantineSettled => Screen::Quarantine,
        Requirement::ChartsPassed => Screen::Charts,
        Requirement::LastChanges => Screen::Step(Step::Export),
        Requirement::TechnicalSignOff | Requirement::ClinicalSignOff => {
            if let Some(why) = not_signable(model) {
                model.say(format!("sign off: {why}"), Role::Note);
            } else {
                sign(model);
            }
            return Vec::new();
        }
    };
    super::enter(model, screen)
}

/// The capacity in which somebody has to sign next.
fn wanted(gate: &Gate) -> Option<Capacity> {
    [Capacity::Technical, Capacity::Clinical]
        .into_iter()
        .find(|capacity| !gate.met((*capacity).into()))
}

fn sign(model: &mut Model) {
    let Some(capacity) = gate(model).and_then(wanted) else {
        return;
    };
    let (title, text) = match capacity {
        Capacity::Technical => (
            "Technical sign-off: who answers for the data?",
            "The name of the person who says that everything arrived and was compared. Somebody else gives the clinical sign-off.",
        ),
        Capacity::Clinical => (
            "Clinical sign-off: who answers for the care?",
            "The name of the clinician who says that the charts can be worked with: somebody else than who answers for the data.",
        ),
    };
    model.overlay = Some(Overlay::Ask(Ask::new(title, text, For::SignOff(capacity))));
}

/// Gives the engine a signature.
pub fn signed(model: &Model, capacity: Capacity, name: &str) -> Vec<Effect> {
    let who = By {
        login: model.place.operator.clone(),
        name: Some(name.to_owned()),
        why: None,
    };
    start(model, Command::SignOff { capacity, who })
}

/// Has the flip taken back.
pub fn taken_back(model: &Model, why: &str) -> Vec<Effect> {
    let who = By {
        login: model.place.operator.clone(),
        name: None,
        why: Some(why.to_owned()),
    };
    start(model, Command::TakeFlipBack { who })
}

fn start(model: &Model, command: Command) -> Vec<Effect> {
    let plan = model.plan().cloned();
    plan.map(|plan| Effect::Start(Box::new(plan), command))
        .into_iter()
        .collect()
}

/// Why nobody can sign now.
pub fn not_signable(model: &Model) -> Option<String> {
    if model.job().is_some() {
        return Some("a job is at work".to_owned());
    }
    let gate = gate(model)?;
    if gate.flip.is_some() {
        return Some("the practice has gone over".to_owned());
    }
    let Some(capacity) = wanted(gate) else {
        return Some("both sign-offs are there".to_owned());
    };
    gate.before(capacity.into())
        .map(|first| format!("{}: {}", first.requirement.words(), first.why))
}

/// Why the practice cannot go over now; a flip can always be taken back.
pub fn not_flippable(model: &Model) -> Option<String> {
    if model.job().is_some() {
        return Some("a job is at work".to_owned());
    }
    let gate = gate(model)?;
    if gate.flip.is_some() {
        return None;
    }
    gate.unmet()
        .next()
        .map(|first| format!("{}: {}", first.requirement.words(), first.why))
}

/// Why what is here cannot be destroyed yet.
pub fn not_wipeable(model: &Model) -> Option<String> {
    if model.job().is_some() {
        return Some("a job is at work".to_owned());
    }
    if model.cutover.comparing {
        return Some("the copy is being compared".to_owned());
    }
    let gate = gate(model)?;
    if gate.flip.is_none() {
        return Some("the practice has not gone over".to_owned());
    }
    gate.unmet()
        .next()
        .map(|first| format!("{}: {}", first.requirement.words(), first.why))
}

/// Has the copy in this folder compared with what is stored.
pub fn look_wipeable(model: &mut Model, folder: String) -> Vec<Effect> {
    let Some(plan) = model.plan() else {
        return Vec::new();
    };
    let look = Effect::LookWipeable(plan.id.clone(), folder);
    model.cutover.comparing = true;
    model.say("comparing the copy with what is stored", Role::Note);
    vec![look]
}

/// Asks once more, now that it is known what would go.
pub fn ask_wipe(model: &mut Model, found: Wipeable) {
    model.cutover.comparing = false;
    let Some(id) = model.plan().map(|plan| plan.id.clone()) else {
        return;
    };
    let stored = found.copies.iter().map(|copy| {
        let records = several(copy.records, "stored record");
        format!("{records}, of which {} holds the same; ", copy.folder.display())
    });
    let aside = match found.quarantined {
        0 => String::new(),
        rows => format!(", {} set aside among it", several(rows, "row")),
    };
    let goes = format!(
        "Goes for good: {}everything as received{aside}; sample charts; plans, secrets and keys.",
        stored.collect::<String>()
    );
    let stays =
        "Stays: signed evidence without patients' data, in the folder of reports, and the copy, which is not sealed.";
    let yes = vec![Effect::BeginWipe(Box::new(found))];
    let question = Question::new("Destroy it? Nothing brings it back.", &[&goes, stays], yes);
    model.overlay = Some(Overlay::Question(question.typed(id)));
}

/// Why what has changed cannot be asked for.
pub fn no_last_changes(model: &Model) -> Option<String> {
    let standing = model.opened()?;
    if standing.state.flipped {
        return Some("the practice has gone over".to_owned());
    }
    if standing.covered.is_none() {
        return Some("a whole export must be complete first".to_owned());
    }
    crate::tui::why_not::not_runnable(model)
}

/// Draws the screen.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    let Some(standing) = model.opened() else { return };
    let gate = &standing.gate;
    let end = canvas.width().saturating_sub(2);
    let (text, role) = match &gate.flip {
        Some(flip) => (
            format!("The practice went over on {}.", day(flip.when, &model.zone)),
            Role::Done,
        ),
        None if gate.is_open() => ("Everything is so: the practice can go over.".to_owned(), Role::Done),
        None => ("Ready when every line is ticked.".to_owned(), Role::Plain),
    };
    canvas.text(3, 0, &text, role);
    for (y, (at, condition)) in (2..).zip(gate.conditions.iter().enumerate()) {
        let (sign, role) = if condition.met {
            (Sign::Done, Role::Done)
        } else {
            (Sign::Waiting, Role::Waiting)
        };
        canvas.sign(3, y, sign, role);
        canvas.within(5, y, 28, condition.requirement.words(), Role::Plain);
        let why = if condition.met { Role::Quiet } else { Role::Note };
        canvas.within(34, y, end.saturating_sub(34), &condition.why, why);
        if at == model.cutover.list.at {
            canvas.sign(1, y, Sign::Chosen, Role::Key);
            canvas.restyle(5, y, 28, Role::Chosen);
        }
    }
    let mut y = 3 + u16::try_from(gate.conditions.len()).unwrap_or(0);
    if let Some(why) = gate.flip.as_ref().and_then(|flip| flip.overridden.as_ref()) {
        canvas.within(3, y, end.saturating_sub(3), &format!("OVERRIDDEN: {why}"), Role::Wrong);
        y += 1;
    }
    evidence(model, canvas, y);
    let bottom = canvas.height().saturating_sub(3);
    let text = "Not moved: scheduling rules, billing rules, payer contracts.";
    canvas.within(3, bottom, end.saturating_sub(3), text, Role::Quiet);
    let text = format!("To take all of it back: cutover rollback {}", standing.plan.id);
    canvas.within(3, bottom + 1, end.saturating_sub(3), &text, Role::Quiet);
}

/// Draws where the evidence is, and what signed it.
fn evidence(model: &Model, canvas: &mut Canvas<'_>, y: u16) {
    let room = canvas.width().saturating_sub(14);
    let mut line = |y, name: &str, text: &str, role| {
        canvas.text(3, y, name, Role::Quiet);
        canvas.within(12, y, room, text, role);
    };
    let Some(written) = &model.cutover.report else {
        line(
            y,
            "Evidence",
            "not written yet: report, journal, decisions and hashes, signed",
            Role::Quiet,
        );
        return;
    };
    let folder = written.page.parent().unwrap_or(&written.page);
    line(y, "Evidence", &folder.display().to_string(), Role::Plain);
    let stem = written.page.file_stem().unwrap_or_default().to_string_lossy();
    line(y + 1, "", &format!("{stem}.html, .txt, .json, .tar.zst"), Role::Plain);
    match &written.key {
        Some(key) => line(y + 2, "Signed", &format!("by {key}"), Role::Done),
        None => line(y + 2, "Signed", "no: the migration has no key pair", Role::Note),
    }
}

#[cfg(test)]
mod tests;
