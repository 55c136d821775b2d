//! Merging the two records of a conflict: a side for each field, presets, an edit as JSON, and what would come of it.

use super::Screen;
use super::conflict::{both_sides, decide, hidden, short, sides};
use crate::engine::{Beside, Choice, Proposal};
use crate::fhir::{self, FieldDifference, Pick, Picks, Survivorship};
use crate::tui::action::Action;
use crate::tui::binding;
use crate::tui::canvas::Canvas;
use crate::tui::list::List;
use crate::tui::look::{Role, Sign};
use crate::tui::message::Effect;
use crate::tui::model::Model;
use crate::tui::overlay::{Editor, Overlay, Question};

/// What is picked, and which field is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    proposal: Proposal,
    list: List,
}

impl State {
    /// What is picked for every field: by hand, or else as proposed.
    fn picks(&self, beside: &Beside) -> Result<Picks, String> {
        let proposed = self
            .proposal
            .survivorship
            .propose(&beside.left, &beside.right, beside.base_url.as_deref());
        let mut picks = proposed.map_err(|error| error.to_string())?;
        picks.extend(self.proposal.picks.clone());
        Ok(picks)
    }
}

/// Why these picks do not make a record; nothing when they do.
fn flaw(beside: &Beside, picks: &Picks) -> Option<String> {
    let error = fhir::merge(&beside.left, &beside.right, picks, beside.base_url.as_deref()).err()?;
    let hint = error.hint().map_or_else(String::new, |hint| format!("; {hint}"));
    Some(format!("{error}{hint}"))
}

/// Opens the screen.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    model.merge = State::default();
    Vec::new()
}

/// Does what a key means here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = page(model.body_rows());
    let rows = model.conflict.beside().map_or(0, |beside| beside.differences.len());
    match action {
        Action::Go(movement) => model.merge.list.go(movement, rows, page),
        Action::PickLeft => pick(model, Pick::Left),
        Action::PickRight => pick(model, Pick::Right),
        Action::PickBoth => pick(model, Pick::Both),
        Action::Preset => preset(model),
        Action::Reset => model.merge.proposal.picks.clear(),
        Action::Edit => edit(model),
        Action::Open => ask(model),
        Action::Back => return super::enter(model, Screen::Conflict),
        _ => {}
    }
    Vec::new()
}

fn chosen(model: &Model) -> Option<&FieldDifference> {
    model.conflict.beside()?.differences.get(model.merge.list.at)
}

fn pick(model: &mut Model, pick: Pick) {
    if let Some(path) = chosen(model).map(|found| found.path.clone()) {
        model.merge.proposal.picks.insert(path, pick);
    }
}

fn preset(model: &mut Model) {
    let all = Survivorship::ALL;
    let at = all.iter().position(|way| *way == model.merge.proposal.survivorship);
    model.merge.proposal.survivorship = all[at.map_or(0, |at| (at + 1) % all.len())];
}

/// Why the chosen field cannot take both sides.
pub fn not_both(model: &Model) -> Option<String> {
    let item = chosen(model)?.item;
    (!item).then(|| "it is no item of a list".to_owned())
}

/// Why the records cannot be merged as picked.
pub fn not_mergeable(model: &Model) -> Option<String> {
    if model.job().is_some() {
        return Some("a job is at work".to_owned());
    }
    let Some(beside) = model.conflict.beside() else {
        return Some("the records are not read yet".to_owned());
    };
    match model.merge.picks(beside) {
        Ok(picks) => flaw(beside, &picks),
        Err(why) => Some(why),
    }
}

/// Opens the chosen field as JSON: what was typed before, else the side that is picked.
fn edit(model: &mut Model) {
    let (Some(beside), Some(found)) = (model.conflict.beside(), chosen(model)) else {
        return;
    };
    let picks = model.merge.picks(beside).unwrap_or_default();
    let text = match picks.get(&found.path) {
        Some(Pick::Edited(json)) => Some(json),
        Some(Pick::Left) => found.left.as_ref().or(found.right.as_ref()),
        _ => found.right.as_ref().or(found.left.as_ref()),
    };
    let editor = Editor::new(&found.path, text.map_or("", String::as_str));
    model.overlay = Some(Overlay::Edit(Box::new(editor)));
    check(model);
}

/// Tells the editor what is wrong with what is typed, if anything is.
pub fn check(model: &mut Model) {
    let Some(Overlay::Edit(editor)) = &model.overlay else {
        return;
    };
    let (path, typed) = (editor.path.clone(), editor.text());
    let problem = model.conflict.beside().and_then(|beside| {
        let mut picks = model.merge.picks(beside).ok()?;
        picks.insert(path, Pick::Edited(typed));
        flaw(beside, &picks)
    });
    if let Some(Overlay::Edit(editor)) = &mut model.overlay {
        editor.problem = problem;
    }
}

/// Takes what was typed as the pick for its field.
pub fn take(model: &mut Model, editor: &Editor) {
    let pick = Pick::Edited(editor.text());
    model.merge.proposal.picks.insert(editor.path.clone(), pick);
}

fn ask(model: &mut Model) {
    let choice = Choice::Merge(model.merge.proposal.clone());
    let text = [
        "The merged record takes the place of the destination's. What waited for this conflict goes in after it.",
        "Once records were merged, decisions of this migration are not taken back one by one any more, only together with all of it.",
    ];
    let effects = decide(model, choice);
    let question = Question::new("Merge the two records?", &text, effects).typed("merge");
    model.overlay = Some(Overlay::Question(question));
}

fn page(body: usize) -> usize {
    body.saturating_sub(11).max(1)
}

/// Draws the screen.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    let Some(beside) = model.conflict.beside() else {
        canvas.text(3, 0, "Reading both records", Role::Quiet);
        return;
    };
    let state = &model.merge;
    let key = binding::key_for(model, Action::Preset).map_or_else(String::new, |key| format!(" ({key} changes it)"));
    let heading = format!("First proposal: {}{key}", state.proposal.survivorship.name());
    canvas.text(2, 0, &heading, Role::Strong);
    let picks = state.picks(beside).unwrap_or_default();
    let width = canvas.width();
    let first = if width >= 100 { 32 } else { 22 };
    let column = (width - first) / 3;
    let [left, right, result] = [0, 1, 2].map(|nth| first + nth * column);
    for (x, name) in [(3, "Field"), (left, "EHR"), (right, "Destination"), (result, "Result")] {
        canvas.text(x, 2, name, Role::Quiet);
    }
    let room = page(usize::from(canvas.height()));
    for (y, index) in (3..).zip(state.list.window(beside.differences.len(), room)) {
        let found = &beside.differences[index];
        let pick = picks.get(&found.path);
        canvas.within(3, y, first - 5, &short(&found.path, first - 5, model.look), Role::Plain);
        let takes = |side: &Pick| pick == Some(side) || pick == Some(&Pick::Both);
        let [from, here] = sides(found);
        for (x, side, taken) in [(left, from, takes(&Pick::Left)), (right, here, takes(&Pick::Right))] {
            let text = side.unwrap_or_else(|| "(none)".to_owned());
            let text = hidden(model, &text);
            let shown = if taken { format!("[{text}]") } else { format!(" {text}") };
            let role = if taken { Role::Strong } else { Role::Quiet };
            canvas.within(x, y, column - 2, &shown, role);
        }
        canvas.within(result, y, column - 1, &comes(model, found, pick), Role::Plain);
        if index == state.list.at {
            canvas.sign(1, y, Sign::Chosen, Role::Key);
            canvas.restyle(3, y, first - 5, Role::Chosen);
        }
    }
    if let Some(found) = beside.differences.get(state.list.at) {
        let [from, here] = sides(found);
        both_sides(
            model,
            canvas,
            canvas.height().saturating_sub(7),
            [&from, &here],
            &format!("  {}", model.look.sign(Sign::Ellipsis)),
        );
    }
    let below = canvas.height().saturating_sub(4);
    let mut bottom = canvas.part(3, below, width.saturating_sub(4), 4);
    match flaw(beside, &picks) {
        Some(why) => bottom.paragraph(0, 0, &why, Role::Wrong),
        None => bottom.paragraph(0, 0, &outlook(model), Role::Done),
    };
}

/// What a field comes to.
fn comes(model: &Model, found: &FieldDifference, pick: Option<&Pick>) -> String {
    let [left, right] = sides(found);
    let side = |side: Option<String>| {
        let text = side.unwrap_or_else(|| "(none)".to_owned());
        hidden(model, &text).into_owned()
    };
    match pick {
        Some(Pick::Left) => side(left),
        Some(Pick::Right) => side(right),
        Some(Pick::Both) => "both".to_owned(),
        Some(Pick::Edited(json)) => format!("edited: {}", hidden(model, &fhir::brief(json))),
        None if found.path == "text" => "with the others".to_owned(),
        None => "to be picked".to_owned(),
    }
}

fn outlook(model: &Model) -> String {
    let Some(row) = model.conflicts.chosen() else {
        return String::new();
    };
    let conflict = &row.conflict;
    let mut text = format!("The result is a valid {}.", conflict.resource_type);
    if row.held > 0 {
        text = format!("{text} {} other records will go in for it.", row.held);
    }
    text
}

#[cfg(test)]
mod tests;
