//! The conflicts of a migration: why each is one, how alike the two are, and what waits for it.

use std::collections::HashMap;

use super::Screen;
use crate::engine::Listed;
use crate::tui::action::Action;
use crate::tui::canvas::Canvas;
use crate::tui::figure::{count, several};
use crate::tui::list::List;
use crate::tui::look::{Role, Sign};
use crate::tui::message::{Effect, Query};
use crate::tui::model::Model;
use crate::tui::overlay::Overlay;
use crate::tui::text_input::TextInput;

/// What was read, what it is narrowed to, and which conflict is chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    rows: Option<Vec<Listed>>,
    /// Each conflict in words, in small letters, to look for the filter in.
    words: Vec<String>,
    filter: String,
    /// Rows that pass the filter, open ones first.
    seen: Vec<usize>,
    list: List,
    /// Where it was opened from.
    from: Screen,
}

impl State {
    /// Takes in what was read; the chosen conflict stays chosen.
    pub fn take(&mut self, mut rows: Vec<Listed>) {
        let chosen = self.chosen().map(|row| row.conflict.id.clone());
        match &self.rows {
            None => rows.sort_by_key(|row| (!row.conflict.open(), std::cmp::Reverse(row.held))),
            // Nothing changes places while somebody works on it.
            Some(before) => {
                let places = before.iter().enumerate();
                let places: HashMap<&str, usize> = places.map(|(at, row)| (row.conflict.id.as_str(), at)).collect();
                rows.sort_by_key(|row| places.get(row.conflict.id.as_str()).copied().unwrap_or(usize::MAX));
            }
        }
        self.words = rows.iter().map(|row| words(row).to_lowercase()).collect();
        self.rows = Some(rows);
        self.sieve();
        if let Some(id) = chosen {
            self.choose(&id);
        }
    }

    /// Narrows the list to conflicts with this text in them.
    pub fn narrow(&mut self, text: &str) {
        self.filter = text.to_lowercase();
        self.list = List::default();
        self.sieve();
    }

    /// The chosen conflict.
    pub fn chosen(&self) -> Option<&Listed> {
        self.row(*self.seen.get(self.list.at)?)
    }

    /// All conflicts.
    pub fn rows(&self) -> &[Listed] {
        self.rows.as_deref().unwrap_or_default()
    }

    /// Chooses the next open conflict after the chosen one, from the first again after the last; false when there is none.
    pub fn next_open(&mut self) -> bool {
        let len = self.seen.len();
        let open = |at: &usize| self.row(self.seen[*at]).is_some_and(|row| row.conflict.open());
        let next = (1..=len).map(|step| (self.list.at + step) % len).find(open);
        if let Some(at) = next {
            self.list = List::at(at);
        }
        next.is_some()
    }

    /// The place of the chosen conflict among those that are seen, from 1, and how many those are.
    pub fn place(&self) -> (usize, usize) {
        (self.list.at + 1, self.seen.len())
    }

    fn row(&self, index: usize) -> Option<&Listed> {
        self.rows().get(index)
    }

    fn sieve(&mut self) {
        let passes = |index: &usize| self.words[*index].contains(&self.filter);
        self.seen = (0..self.rows().len()).filter(passes).collect();
        self.list.clamp(self.seen.len());
    }

    fn choose(&mut self, id: &str) {
        let found = |index: &usize| self.row(*index).is_some_and(|row| row.conflict.id == id);
        if let Some(at) = self.seen.iter().position(found) {
            self.list.at = at;
        }
    }
}

/// A conflict in words: what a filter is looked for in.
fn words(row: &Listed) -> String {
    let conflict = &row.conflict;
    let grade = conflict.comparison.as_ref().map_or("", |found| found.grade.name());
    format!(
        "{} {} {} {grade} {} {} {}",
        conflict.id,
        conflict.resource_type,
        conflict.kind.short(),
        conflict.contradictions.join(" "),
        state(row),
        conflict.source.id,
    )
}

fn state(row: &Listed) -> &'static str {
    row.conflict
        .decided
        .as_ref()
        .map_or("open", |decided| decided.resolution.name())
}

/// Opens the screen.
pub fn enter(model: &mut Model, from: Screen) -> Vec<Effect> {
    if !matches!(from, Screen::Conflicts | Screen::Conflict | Screen::Merge) {
        model.conflicts = State {
            from,
            ..State::default()
        };
    }
    refresh(model)
}

/// Reads again what is shown.
pub fn refresh(model: &mut Model) -> Vec<Effect> {
    match &model.open {
        Some(id) => vec![Effect::Read(Query::Conflicts(id.clone()))],
        None => Vec::new(),
    }
}

/// Does what a key means here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = page(model.body_rows());
    let state = &mut model.conflicts;
    match action {
        Action::Go(movement) => state.list.go(movement, state.seen.len(), page),
        Action::Filter => model.overlay = Some(Overlay::Filter(TextInput::new(state.filter.clone()))),
        Action::Next => drop(state.next_open()),
        Action::Open => return super::enter(model, Screen::Conflict),
        Action::Back => return super::enter(model, model.conflicts.from),
        _ => {}
    }
    Vec::new()
}

fn page(body: usize) -> usize {
    body.saturating_sub(7).max(1)
}

/// Draws the screen.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    let state = &model.conflicts;
    if state.rows.is_none() {
        canvas.text(3, 0, "Reading the conflicts", Role::Quiet);
        return;
    }
    let open = state.rows().iter().filter(|row| row.conflict.open()).count();
    if state.rows().is_empty() {
        canvas.text(3, 1, "No conflicts.", Role::Strong);
        canvas.text(
            3,
            3,
            "Nothing that came was at the destination with other content.",
            Role::Plain,
        );
        return;
    }
    let mut heading = format!(
        "{} wait for you, {} in all",
        count(open as u64),
        count(state.rows().len() as u64)
    );
    if !state.filter.is_empty() {
        heading = format!(
            "{heading}; {} with \"{}\"",
            count(state.seen.len() as u64),
            state.filter
        );
    }
    canvas.text(2, 0, &heading, if open > 0 { Role::Strong } else { Role::Quiet });
    let end = canvas.width().saturating_sub(2);
    for (x, name) in [(5, "Why"), (29, "Type"), (46, "Alike"), (63, "State")] {
        canvas.text(x, 2, name, Role::Quiet);
    }
    canvas.right(end, 2, "Waits", Role::Quiet);
    let room = page(usize::from(canvas.height()));
    for (y, at) in (3..).zip(state.list.window(state.seen.len(), room)) {
        let Some(row) = state.row(state.seen[at]) else { continue };
        line(row, canvas, y, end);
        if at == state.list.at {
            canvas.sign(1, y, Sign::Chosen, Role::Key);
            canvas.restyle(5, y, 22, Role::Chosen);
        }
    }
    if let Some(row) = state.chosen() {
        let (top, width) = (canvas.height().saturating_sub(3), canvas.width().saturating_sub(4));
        detail(row, &mut canvas.part(3, top, width, 3));
    }
}

fn line(row: &Listed, canvas: &mut Canvas<'_>, y: u16, end: u16) {
    let conflict = &row.conflict;
    let (sign, role) = if conflict.open() {
        (Sign::Waiting, Role::Waiting)
    } else {
        (Sign::Done, Role::Done)
    };
    canvas.sign(3, y, sign, role);
    canvas.within(5, y, 22, conflict.kind.short(), Role::Plain);
    canvas.within(29, y, 16, &conflict.resource_type, Role::Plain);
    if let Some(found) = &conflict.comparison {
        let score = format!(
            "{}{}.{}",
            if found.score < 0 { "-" } else { "" },
            found.score.abs() / 10,
            found.score.abs() % 10
        );
        canvas.within(46, y, 10, found.grade.name(), Role::Plain);
        canvas.right(61, y, &score, Role::Plain);
    }
    let open = if conflict.open() { Role::Plain } else { Role::Quiet };
    canvas.within(63, y, 11, state(row), open);
    if row.held > 0 {
        canvas.right(end, y, &count(row.held), Role::Strong);
    }
}

fn detail(row: &Listed, canvas: &mut Canvas<'_>) {
    let conflict = &row.conflict;
    let mut text = format!("{}: {}.", conflict.id, conflict.kind.words());
    if !conflict.contradictions.is_empty() {
        text = format!("{text} It differs in: {}.", conflict.contradictions.join(", "));
    }
    if row.held > 0 {
        text = format!(
            "{text} {} for it.",
            several(row.held, "record").replace("record", "other record")
                + if row.held == 1 { " waits" } else { " wait" }
        );
    }
    if let Some(decided) = &conflict.decided {
        text = format!(
            "{text} Decided by {}: {}.",
            decided.name.as_ref().unwrap_or(&decided.who),
            decided.rule
        );
    }
    canvas.paragraph(0, 0, &text, Role::Quiet);
}

#[cfg(test)]
mod tests;
