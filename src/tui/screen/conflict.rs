//! One conflict: its two records side by side, field by field, and the decision.

mod fields;

use fields::{Columns, Row, fields, rows};
pub use fields::{both_sides, hidden, short, sides, sign};

use super::Screen;
use crate::engine::{Beside, Choice, Command, Listed, Proposal, Which};
use crate::fhir;
use crate::migration::{Policy, Resolution};
use crate::tui::action::{Action, Decide};
use crate::tui::binding;
use crate::tui::canvas::Canvas;
use crate::tui::figure::{count, several};
use crate::tui::list::List;
use crate::tui::look::{Role, Sign};
use crate::tui::message::{Effect, Problem, Query};
use crate::tui::model::Model;
use crate::tui::overlay::{Overlay, Question, Reading};

/// The records that were read, and which field is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The conflict that was asked for.
    id: String,
    /// Its records, once they were read; why not, if they cannot be.
    beside: Option<Result<Beside, Problem>>,
    rows: Vec<Row>,
    list: List,
}

impl State {
    /// Takes in the records of a conflict, unless another one is looked at by now.
    pub fn take(&mut self, id: &str, beside: Result<Beside, Problem>) {
        if self.id == id {
            self.rows = beside.as_ref().map(rows).unwrap_or_default();
            self.beside = Some(beside);
            self.list.clamp(self.rows.len());
        }
    }

    /// The two records, if they were read.
    pub fn beside(&self) -> Option<&Beside> {
        self.beside.as_ref()?.as_ref().ok()
    }
}

/// Opens the screen.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    model.conflict = State::default();
    ask(model)
}

/// Reads again what is shown.
pub fn refresh(model: &mut Model) -> Vec<Effect> {
    model.conflict = State::default();
    super::conflicts::refresh(model)
}

/// Asks for the two records of the chosen conflict, unless they are here or it is decided.
pub fn ask(model: &mut Model) -> Vec<Effect> {
    let Some((migration, row)) = model.open.clone().zip(model.conflicts.chosen()) else {
        return Vec::new();
    };
    let id = &row.conflict.id;
    if !row.conflict.open() || model.conflict.id == *id {
        return Vec::new();
    }
    model.conflict = State {
        id: id.clone(),
        ..State::default()
    };
    vec![Effect::Read(Query::Beside(migration, id.clone()))]
}

/// Does what a key means here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = page(model.body_rows());
    let state = &mut model.conflict;
    match action {
        Action::Go(movement) => state.list.go(movement, state.rows.len(), page),
        Action::Open => model.overlay = in_full(model),
        Action::Decide(how) => return decide(model, choice(how)),
        Action::Alike => return alike(model),
        Action::Undo => return undo(model),
        Action::Next => {
            model.conflicts.next_open();
            return enter(model);
        }
        Action::Merge => return super::enter(model, Screen::Merge),
        Action::Back => return super::enter(model, Screen::Conflicts),
        _ => {}
    }
    Vec::new()
}

/// Both sides of the chosen field, in full.
fn in_full(model: &Model) -> Option<Overlay> {
    let (row, beside) = (
        model.conflict.rows.get(model.conflict.list.at)?,
        model.conflict.beside()?,
    );
    let found = beside.differences.get(model.conflict.list.at);
    let alike = beside
        .alike
        .iter()
        .find(|(name, _)| *name == row.name)
        .map(|(_, json)| json);
    let side = |side: Option<&String>| {
        let text = side.map_or_else(|| "(none)".to_owned(), |json| fhir::outline(json));
        hidden(model, &text).into_owned()
    };
    let (left, right) = found.map_or((alike, alike), |found| (found.left.as_ref(), found.right.as_ref()));
    let parts = vec![
        ("From the EHR".to_owned(), side(left)),
        ("At the destination".to_owned(), side(right)),
    ];
    Some(Overlay::Reading(Reading::new(row.name.clone(), parts)))
}

/// Why no field can be read in full.
pub fn no_field(model: &Model) -> Option<String> {
    let none = model.conflict.rows.is_empty();
    none.then(|| "there is none here".to_owned())
}

/// The engine's word for a key's.
fn choice(how: Decide) -> Choice {
    match how {
        Decide::Newer => Choice::By(Policy::NewerWins),
        Decide::Older => Choice::By(Policy::OlderWins),
        Decide::Source => Choice::Outright(Resolution::KeepSource),
        Decide::Target => Choice::Outright(Resolution::KeepTarget),
        Decide::Both => Choice::Outright(Resolution::KeepBoth),
    }
}

/// Why the chosen conflict cannot be decided so.
pub fn not_decidable(model: &Model, how: Option<Decide>) -> Option<String> {
    let conflict = &model.conflicts.chosen()?.conflict;
    if model.job().is_some() {
        return Some("a job is at work".to_owned());
    }
    if !conflict.open() {
        return Some("it is decided".to_owned());
    }
    match how {
        Some(Decide::Both) if !conflict.kind.between_two() => {
            Some("two versions of one record cannot both be kept".to_owned())
        }
        Some(Decide::Newer | Decide::Older) if conflict.kind.asks_who() => {
            Some("whether two people are one is never decided by a date".to_owned())
        }
        _ => None,
    }
}

/// Why no decision on the chosen conflict can be taken back.
pub fn not_undoable(model: &Model) -> Option<String> {
    let conflict = &model.conflicts.chosen()?.conflict;
    if model.job().is_some() {
        return Some("a job is at work".to_owned());
    }
    conflict.open().then(|| "it is not decided".to_owned())
}

/// Why the decision cannot be made on all alike.
pub fn no_alike(model: &Model) -> Option<String> {
    let conflict = &model.conflicts.chosen()?.conflict;
    if model.job().is_some() {
        return Some("a job is at work".to_owned());
    }
    if conflict.open() {
        return Some("decide this one first, then all alike the same way".to_owned());
    }
    alike_ids(model)
        .is_empty()
        .then(|| "no other open conflict is like it".to_owned())
}

/// Gives the engine a decision on the chosen conflict.
pub fn decide(model: &mut Model, choice: Choice) -> Vec<Effect> {
    let id = model.conflicts.chosen().map(|row| row.conflict.id.clone());
    id.map_or_else(Vec::new, |id| start(model, vec![id], choice))
}

fn start(model: &Model, conflicts: Vec<String>, choice: Choice) -> Vec<Effect> {
    let Some(plan) = model.plan().cloned() else {
        return Vec::new();
    };
    let who = model.place.operator.clone().into();
    let command = Command::Resolve { conflicts, choice, who };
    vec![Effect::Start(Box::new(plan), command)]
}

/// How the chosen conflict was decided, in a way that others can be.
fn made(row: &Listed) -> Option<Choice> {
    let decided = row.conflict.decided.as_ref()?;
    Some(match (&decided.merging, decided.policy) {
        (Some(merging), _) => Choice::Merge(Proposal {
            survivorship: merging.survivorship,
            ..Proposal::default()
        }),
        (None, Some(policy)) => Choice::By(policy),
        (None, None) => Choice::Outright(decided.resolution),
    })
}

fn alike_ids(model: &Model) -> Vec<String> {
    let Some((row, choice)) = model.conflicts.chosen().and_then(|row| Some((row, made(row)?))) else {
        return Vec::new();
    };
    let others = model.conflicts.rows().iter().map(|row| &row.conflict);
    let others = others.filter(|other| other.open() && other.alike(&row.conflict) && choice.suits_unseen(other));
    others.map(|other| other.id.clone()).collect()
}

fn alike(model: &mut Model) -> Vec<Effect> {
    let Some((choice, kind)) = model
        .conflicts
        .chosen()
        .and_then(|row| Some((made(row)?, row.conflict.kind.words())))
    else {
        return Vec::new();
    };
    let ids = alike_ids(model);
    let number = ids.len() as u64;
    let how = match &choice {
        Choice::Outright(resolution) => resolution.name(),
        Choice::By(policy) => policy.name(),
        Choice::Merge(proposal) => proposal.survivorship.name(),
    };
    let title = format!("Decide {} in the same way?", several(number, "conflict"));
    let merged = if matches!(choice, Choice::Merge(_)) {
        "merged by "
    } else {
        ""
    };
    let text = [
        format!("Each will be decided: {merged}{how}. What was picked by hand stays with the one it was picked for."),
        format!("They are like this one: {kind}, the same type, the same contradictions, equally sure."),
    ];
    let text: Vec<&str> = text.iter().map(String::as_str).collect();
    let question = Question::new(title, &text, start(model, ids, choice)).typed(number.to_string());
    model.overlay = Some(Overlay::Question(question));
    Vec::new()
}

fn undo(model: &mut Model) -> Vec<Effect> {
    let (Some(plan), Some(row)) = (model.plan().cloned(), model.conflicts.chosen()) else {
        return Vec::new();
    };
    let command = Command::Undo {
        which: Which::Of(vec![row.conflict.id.clone()]),
        who: model.place.operator.clone().into(),
        force: false,
        dry_run: false,
    };
    vec![Effect::Start(Box::new(plan), command)]
}

/// Rows of the body around the fields: three above, and below what the chosen field says in full and the score.
const AROUND: usize = 10;

fn page(body: usize) -> usize {
    body.saturating_sub(AROUND).max(1)
}

/// Draws the screen.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    let Some(row) = model.conflicts.chosen() else {
        canvas.text(3, 0, "Reading the conflict", Role::Quiet);
        return;
    };
    heading(model, row, canvas);
    let conflict = &row.conflict;
    let columns = Columns::of(canvas.width());
    let sides = [
        (columns.left, "From the EHR", &conflict.source),
        (columns.right, "At the destination", &conflict.target),
    ];
    for (x, name, side) in sides {
        canvas.text(x, 2, name, Role::Quiet);
        let when = side.last_updated.as_deref().unwrap_or("no date");
        canvas.within(x, 3, 22, when, Role::Plain);
    }
    canvas.text(3, 3, "last updated", Role::Quiet);
    if let Some(decided) = &conflict.decided {
        let who = decided.name.as_ref().unwrap_or(&decided.who);
        let text = format!("Decided: {}, by {who} ({}).", decided.resolution.name(), decided.rule);
        canvas.sign(3, 5, Sign::Done, Role::Done);
        canvas.text(5, 5, &text, Role::Plain);
        let keys = [
            (Action::Next, "to the next one that waits for you"),
            (Action::Alike, "the same for all that are like it"),
            (Action::Undo, "take it back"),
        ];
        for (y, (action, what)) in (7..).zip(keys) {
            if let Some(binding) = binding::here(model).into_iter().find(|b| b.action == action) {
                canvas.text(5, y, &binding.key.name(), Role::Key);
                let not_now = (binding.why_not)(model).map_or_else(String::new, |why| format!(" (not now: {why})"));
                canvas.text(8, y, &format!("{what}{not_now}"), Role::Plain);
            }
        }
        return;
    }
    match &model.conflict.beside {
        None => drop(canvas.text(3, 4, "Reading both records", Role::Quiet)),
        Some(Err(problem)) => drop(canvas.paragraph(3, 5, &problem.what, Role::Wrong)),
        Some(Ok(_)) => fields(model, columns, canvas),
    }
    let below = canvas.height().saturating_sub(3);
    let (width, text) = (canvas.width().saturating_sub(4), said(row));
    canvas.part(3, below, width, 3).paragraph(0, 0, &text, Role::Plain);
}

fn heading(model: &Model, row: &Listed, canvas: &mut Canvas<'_>) {
    let conflict = &row.conflict;
    let (at, of) = model.conflicts.place();
    let right = format!("conflict {} of {}", count(at as u64), count(of as u64));
    let end = canvas.width().saturating_sub(2);
    canvas.right(end, 0, &right, Role::Quiet);
    let mut why = conflict.kind.words().to_owned();
    if let Some(first) = why.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    canvas.within(2, 0, end.saturating_sub(24), &why, Role::Strong);
    let waits = if row.held > 0 {
        format!(
            "{} for this",
            several(row.held, "record") + if row.held == 1 { " waits" } else { " wait" }
        )
    } else {
        format!("{}, conflict {}", conflict.resource_type, conflict.id)
    };
    canvas.text(2, 1, &waits, Role::Quiet);
}

/// What speaks for and against, in words.
fn said(row: &Listed) -> String {
    let conflict = &row.conflict;
    let mut text = conflict
        .comparison
        .as_ref()
        .map_or_else(String::new, fhir::Comparison::words);
    if !conflict.contradictions.is_empty() {
        text = format!(
            "They contradict each other: {}. {text}",
            conflict.contradictions.join(", ")
        );
    }
    text
}

#[cfg(test)]
mod tests;
