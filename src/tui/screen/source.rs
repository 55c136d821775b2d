//! Source: which EHR, where it is, and whether it answers.

use crate::engine::{Check, Verdict};
use crate::tui::action::Action;
use crate::tui::canvas::{Canvas, wrapped};
use crate::tui::edit;
use crate::tui::figure::count;
use crate::tui::form::Field;
use crate::tui::form_view;
use crate::tui::list::List;
use crate::tui::look::{Role, Sign};
use crate::tui::message::Effect;
use crate::tui::model::Model;

/// The fields of the form.
pub const FIELDS: [Field; 6] = [
    Field::Name,
    Field::System,
    Field::Environment,
    Field::Practice,
    Field::BaseUrl,
    Field::TokenUrl,
];

/// Which field is chosen, and what the last test found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The chosen field.
    pub list: List,
    /// What was looked at, in order.
    pub checks: Vec<Check>,
    /// Whether more is being looked at.
    pub testing: bool,
}

/// Opens the screen.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    model.read_standings()
}

/// Does what a key means here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Go(movement) => model.source.list.go(movement, FIELDS.len(), FIELDS.len()),
        Action::Open => edit::begin(model, FIELDS[model.source.list.at.min(FIELDS.len() - 1)]),
        Action::Test => {
            let Some(plan) = model.plan().cloned() else {
                return Vec::new();
            };
            model.source.checks.clear();
            model.source.testing = true;
            return vec![Effect::Preflight(Box::new(plan))];
        }
        other => return super::common(model, other),
    }
    Vec::new()
}

/// Draws the screen.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    let Some(plan) = model.plan() else { return };
    let row = form_view::view(model, plan, &FIELDS, Some(model.source.list.at), canvas);
    let (width, height) = (canvas.width(), canvas.height());
    let mut below = canvas.part(0, row + 1, width, height.saturating_sub(row + 1));
    checks(model, &mut below);
}

/// What the test found. Where there is no room for all of it, what is well is told in one line.
fn checks(model: &Model, canvas: &mut Canvas<'_>) {
    let State { checks, testing, .. } = &model.source;
    if checks.is_empty() {
        let text = if *testing {
            "Looking"
        } else {
            "Nothing was tested yet: address, certificate, clock, key, token, types."
        };
        canvas.text(3, 0, text, Role::Quiet);
        return;
    }
    let width = usize::from(canvas.width().saturating_sub(27));
    let tall = |text: &str| wrapped(text, width).len();
    let lines = |check: &Check| match check.verdict {
        Verdict::Ok => 1,
        _ => tall(&check.what) + check.hint.as_ref().map_or(0, |hint| tall(&format!("hint: {hint}"))),
    };
    let fits = checks.iter().map(lines).sum::<usize>() < usize::from(canvas.height());
    let mut y = 0;
    for check in checks.iter().filter(|check| fits || check.verdict != Verdict::Ok) {
        y = one(check, canvas, y);
    }
    let of = |verdict| checks.iter().filter(|check| check.verdict == verdict).count() as u64;
    if !fits {
        let text = format!("{} more are as they should be", count(of(Verdict::Ok)));
        canvas.sign(3, y, Sign::Done, Role::Done);
        canvas.text(5, y, &text, Role::Plain);
        y += 1;
    }
    if *testing {
        canvas.text(5, y, "looking on", Role::Quiet);
    }
}

fn one(check: &Check, canvas: &mut Canvas<'_>, y: u16) -> u16 {
    let (sign, role) = match check.verdict {
        Verdict::Ok => (Sign::Done, Role::Done),
        Verdict::Note => (Sign::Waiting, Role::Note),
        Verdict::Failed => (Sign::Blocked, Role::Wrong),
        Verdict::Skipped => (Sign::Neutral, Role::Quiet),
    };
    let end = canvas.width().saturating_sub(1);
    canvas.sign(3, y, sign, role);
    canvas.within(5, y, 11, check.name, role);
    if check.millis > 0 {
        canvas.right(end, y, &format!("{} ms", check.millis), Role::Quiet);
    }
    let height = canvas.height().saturating_sub(y);
    if check.verdict == Verdict::Ok {
        canvas.within(17, y, end.saturating_sub(26), &check.what, Role::Plain);
        return y + 1;
    }
    // What needs somebody is told in full.
    let mut told = canvas.part(17, y, end.saturating_sub(26), height);
    let row = told.paragraph(0, 0, &check.what, Role::Plain);
    let hint = check.hint.as_ref().map(|hint| format!("hint: {hint}"));
    y + hint
        .map_or(row, |hint| told.paragraph(0, row, &hint, Role::Quiet))
        .max(1)
}

#[cfg(test)]
mod tests;
