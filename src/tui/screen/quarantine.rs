//! The rows that were set aside: why, the line as it was received, and what a person decided of it.

use std::collections::HashMap;

mod amend;

pub use amend::{amend, check, edited, not_editable};

use super::Screen;
use crate::engine::{Aside, Beginning, Command};
use crate::store::RowId;
use crate::tui::action::Action;
use crate::tui::canvas::{Canvas, wrapped};
use crate::tui::figure::{count, several};
use crate::tui::list::List;
use crate::tui::look::{Role, Sign};
use crate::tui::message::{Effect, Problem, Query};
use crate::tui::model::Model;
use crate::tui::overlay::{Ask, For, Overlay, Reading};
use crate::tui::text_input::TextInput;

/// Rows around the list: three above, and below it why the chosen row was set aside, what was decided, and its line.
const AROUND: usize = 11;

/// What was read, what it is narrowed to, and which row is chosen.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct State {
    rows: Option<Vec<Aside>>,
    filter: String,
    /// Rows that pass the filter, those that wait for somebody first.
    seen: Vec<usize>,
    list: List,
    /// Where it was opened from.
    from: Screen,
    /// The line of a row as it was received.
    line: Option<(RowId, Result<Beginning, Problem>)>,
    /// The rows that a reason is asked for.
    meant: Vec<RowId>,
    /// How a row is to read that somebody sets right.
    draft: Option<amend::Draft>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("list", &self.list)
            .finish_non_exhaustive()
    }
}

impl State {
    /// Takes in what was read; the chosen row stays chosen.
    pub fn take(&mut self, mut rows: Vec<Aside>) {
        let chosen = self.chosen().map(|aside| aside.row);
        if self.rows.is_none() {
            rows.sort_by_key(|aside| !aside.open());
        } else {
            // Nothing changes places while somebody works on it.
            let places = self.rows().iter().enumerate();
            let places: HashMap<RowId, usize> = places.map(|(at, aside)| (aside.row, at)).collect();
            rows.sort_by_key(|aside| places.get(&aside.row).copied().unwrap_or(usize::MAX));
        }
        self.rows = Some(rows);
        self.sieve();
        if let Some(at) = self.seen.iter().position(|at| Some(self.rows()[*at].row) == chosen) {
            self.list.at = at;
        }
    }

    /// Takes in the line of a row.
    pub fn take_line(&mut self, row: RowId, line: Result<Beginning, Problem>) {
        self.line = Some((row, line));
    }

    /// Narrows the list to rows with this text in their reason, type or file.
    pub fn narrow(&mut self, text: &str) {
        self.filter = text.to_lowercase();
        self.list = List::default();
        self.sieve();
    }

    /// The chosen row.
    pub fn chosen(&self) -> Option<&Aside> {
        self.rows().get(*self.seen.get(self.list.at)?)
    }

    fn rows(&self) -> &[Aside] {
        self.rows.as_deref().unwrap_or_default()
    }

    fn sieve(&mut self) {
        let passes = |at: &usize| {
            let what = &self.rows()[*at].what;
            let words = format!("{} {} {}", what.code, what.resource_type, what.file_name);
            words.to_lowercase().contains(&self.filter)
        };
        self.seen = (0..self.rows().len()).filter(passes).collect();
        self.list.clamp(self.seen.len());
    }

    /// The rows set aside for the same reason as the chosen one, about which nobody decided.
    fn alike(&self) -> impl Iterator<Item = RowId> {
        let code = self.chosen().map(|chosen| &chosen.what.code);
        let alike = move |aside: &&Aside| aside.open() && Some(&aside.what.code) == code;
        self.rows().iter().filter(alike).map(|aside| aside.row)
    }
}

/// Opens the screen.
pub fn enter(model: &mut Model, from: Screen) -> Vec<Effect> {
    model.quarantine = State {
        from,
        ..State::default()
    };
    refresh(model)
}

/// Reads again what is shown.
pub fn refresh(model: &mut Model) -> Vec<Effect> {
    match &model.open {
        Some(id) => vec![Effect::Read(Query::Quarantine(id.clone()))],
        None => Vec::new(),
    }
}

/// Asks for the line of the chosen row, unless it is here.
pub fn ask(model: &mut Model) -> Vec<Effect> {
    let state = &model.quarantine;
    let (Some(migration), Some(chosen)) = (&model.open, state.chosen()) else {
        return Vec::new();
    };
    if state.line.as_ref().is_some_and(|(row, _)| *row == chosen.row) {
        return Vec::new();
    }
    vec![Effect::Read(Query::Original(migration.clone(), chosen.row))]
}

/// Does what a key means here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = page(model.body_rows());
    let state = &mut model.quarantine;
    match action {
        Action::Go(movement) => {
            state.list.go(movement, state.seen.len(), page);
            return ask(model);
        }
        Action::Filter => model.overlay = Some(Overlay::Filter(TextInput::new(state.filter.clone()))),
        Action::Open => open(model),
        Action::Edit => amend::edit(model),
        Action::Waive => {
            state.meant = state.chosen().map(|aside| aside.row).into_iter().collect();
            ask_why(model);
        }
        Action::Alike => {
            state.meant = state.alike().collect();
            ask_why(model);
        }
        Action::Back => return super::enter(model, model.quarantine.from),
        _ => {}
    }
    Vec::new()
}

fn ask_why(model: &mut Model) {
    let rows = several(model.quarantine.meant.len() as u64, "row");
    let title = format!("Why can the practice do without {rows}?");
    let text = "It stays in quarantine and on record, with your name and this reason; it is not at the destination. To have it after all, \
                set it right here, or let the EHR correct the record and run again.";
    model.overlay = Some(Overlay::Ask(Ask::new(title, text, For::Waive)));
}

/// Has the engine waive the rows that a reason was asked for.
pub fn waive(model: &mut Model, why: String) -> Vec<Effect> {
    let rows = std::mem::take(&mut model.quarantine.meant);
    let Some(plan) = model.plan().cloned().filter(|_| !rows.is_empty()) else {
        return Vec::new();
    };
    let mut who: crate::migration::By = model.place.operator.clone().into();
    who.why = Some(why);
    vec![Effect::Start(Box::new(plan), Command::Waive { rows, who })]
}

/// The whole line, to be scrolled.
fn open(model: &mut Model) {
    let Some(aside) = model.quarantine.chosen() else { return };
    let title = format!("{} line {}", aside.what.file_name, aside.what.line);
    let head = match aside.amended {
        Some(_) => "As it was set right",
        None => "As received",
    };
    let (text, whole) = line(model);
    let mut parts = vec![(String::new(), aside.what.reason.clone()), (head.to_owned(), text)];
    if !whole {
        let rest = "The rest is not shown here; `cutover quarantine show` gives all of it.";
        parts.push((String::new(), rest.to_owned()));
    }
    model.overlay = Some(Overlay::Reading(Reading::new(title, parts)));
}

/// The chosen row's line as it may be shown, and whether it is all of it.
fn line(model: &Model) -> (String, bool) {
    let chosen = model.quarantine.chosen().map(|aside| aside.row);
    match &model.quarantine.line {
        Some((row, Ok(line))) if Some(*row) == chosen => {
            (super::conflict::hidden(model, &line.text).into_owned(), line.whole)
        }
        Some((row, Err(problem))) if Some(*row) == chosen => (problem.what.clone(), true),
        _ => ("Reading the line".to_owned(), true),
    }
}

/// Why there is nothing to look at.
pub fn none_chosen(model: &Model) -> Option<String> {
    let none = model.quarantine.chosen().is_none();
    none.then(|| "there is none here".to_owned())
}

/// Why the chosen row cannot be waived.
pub fn not_waivable(model: &Model) -> Option<String> {
    let chosen = model.quarantine.chosen();
    match chosen {
        None => Some("there is none here".to_owned()),
        Some(_) if model.job().is_some() => Some("a job is at work".to_owned()),
        Some(aside) if aside.amended.is_some() => Some("it was set right and taken in".to_owned()),
        Some(aside) => aside.waived.is_some().then(|| "it is waived".to_owned()),
    }
}

/// Why no others can be waived with the chosen one.
pub fn none_alike(model: &Model) -> Option<String> {
    if model.job().is_some() {
        return Some("a job is at work".to_owned());
    }
    let none = model.quarantine.alike().next().is_none();
    none.then(|| "none of this reason is left".to_owned())
}

fn page(body: usize) -> usize {
    body.saturating_sub(AROUND).max(1)
}

/// Draws the screen.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    let state = &model.quarantine;
    if state.rows.is_none() {
        canvas.text(3, 0, "Reading the quarantine", Role::Quiet);
        return;
    }
    if state.rows().is_empty() {
        canvas.text(3, 1, "Nothing is in quarantine.", Role::Strong);
        canvas.text(3, 3, "Every line that came could be taken in.", Role::Plain);
        return;
    }
    let waiting = state.rows().iter().filter(|aside| aside.open()).count();
    let mut heading = format!(
        "{} wait for you, {} in all",
        count(waiting as u64),
        count(state.rows().len() as u64)
    );
    if !state.filter.is_empty() {
        let seen = count(state.seen.len() as u64);
        heading = format!("{heading}; {seen} with \"{}\"", state.filter);
    }
    canvas.text(2, 0, &heading, if waiting > 0 { Role::Strong } else { Role::Quiet });
    let end = canvas.width().saturating_sub(2);
    for (x, name) in [(5, "Reason"), (26, "Type"), (45, "State"), (54, "File")] {
        canvas.text(x, 2, name, Role::Quiet);
    }
    canvas.right(end, 2, "Line", Role::Quiet);
    let room = page(usize::from(canvas.height()));
    for (y, at) in (3..).zip(state.list.window(state.seen.len(), room)) {
        let Some(aside) = state.seen.get(at).and_then(|at| state.rows().get(*at)) else {
            continue;
        };
        row(aside, canvas, y, end);
        if at == state.list.at {
            canvas.sign(1, y, Sign::Chosen, Role::Key);
            canvas.restyle(5, y, 19, Role::Chosen);
        }
    }
    if let Some(aside) = state.chosen() {
        let (top, width) = (canvas.height().saturating_sub(7), canvas.width().saturating_sub(4));
        detail(model, aside, &mut canvas.part(3, top, width, 7));
    }
}

fn row(aside: &Aside, canvas: &mut Canvas<'_>, y: u16, end: u16) {
    let (sign, role) = if aside.open() {
        (Sign::Waiting, Role::Waiting)
    } else {
        (Sign::Done, Role::Done)
    };
    canvas.sign(3, y, sign, role);
    canvas.within(5, y, 19, &aside.what.code, Role::Plain);
    canvas.within(26, y, 18, &aside.what.resource_type, Role::Plain);
    let (state, role) = match (&aside.amended, &aside.waived) {
        (Some(_), _) => ("amended", Role::Quiet),
        (None, Some(_)) => ("waived", Role::Quiet),
        (None, None) => ("open", Role::Plain),
    };
    canvas.text(45, y, state, role);
    canvas.within(54, y, end.saturating_sub(54 + 9), &aside.what.file_name, Role::Plain);
    canvas.right(end, y, &count(aside.what.line), Role::Plain);
}

fn detail(model: &Model, aside: &Aside, canvas: &mut Canvas<'_>) {
    let mut why = format!("{}.", aside.what.reason.trim_end_matches('.'));
    let amended = aside.amended.as_ref().map(|amended| ("Set right", &amended.by));
    let waived = aside.waived.as_ref().map(|waived| ("Waived", &waived.by));
    if let Some((done, by)) = amended.or(waived) {
        let who = by.name.as_ref().unwrap_or(&by.login);
        why = format!("{why} {done} by {who}: {}", by.why.as_deref().unwrap_or_default());
    }
    let below = canvas.paragraph(0, 0, &why, Role::Quiet).min(3) + 1;
    let (text, whole) = line(model);
    let lines = wrapped(&crate::fhir::safe(&text), usize::from(canvas.width()));
    let room = canvas.height().saturating_sub(below);
    for (y, line) in (below..).zip(lines.iter().take(usize::from(room))) {
        canvas.text(0, y, line, Role::Plain);
    }
    if !whole || lines.len() > usize::from(room) {
        let (end, y) = (canvas.width(), canvas.height().saturating_sub(1));
        canvas.right(end, y, "  Enter: the whole line", Role::Note);
    }
}

#[cfg(test)]
mod tests;
