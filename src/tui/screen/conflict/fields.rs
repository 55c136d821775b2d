//! The fields of two records in rows: what each says, and a sign for how they differ.

use std::borrow::Cow;

use super::page;
use crate::engine::Beside;
use crate::fhir::{self, Difference, FieldDifference};
use crate::tui::canvas::{Canvas, wrapped};
use crate::tui::look::{Look, Role, Sign};
use crate::tui::model::Model;

/// A field as both records have it.
#[derive(Clone, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub left: Option<String>,
    pub right: Option<String>,
    difference: Option<Difference>,
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Row").field(&self.name).finish()
    }
}

/// What each side says of a field in which they differ.
pub fn sides(found: &FieldDifference) -> [Option<String>; 2] {
    if let (Some(left), Some(right)) = (&found.left, &found.right) {
        return fhir::briefs(left, right).map(Some);
    }
    [&found.left, &found.right].map(|side| side.as_deref().map(fhir::brief))
}

/// The fields in which two records differ, then those in which they do not.
pub fn rows(beside: &Beside) -> Vec<Row> {
    let differing = beside.differences.iter().map(|found| {
        let [left, right] = sides(found);
        Row {
            name: found.path.clone(),
            left,
            right,
            difference: Some(found.difference),
        }
    });
    let alike = beside.alike.iter().map(|(name, json)| Row {
        name: name.clone(),
        left: Some(fhir::brief(json)),
        right: Some(fhir::brief(json)),
        difference: None,
    });
    differing.chain(alike).collect()
}

/// First columns of what a field's row holds.
#[derive(Clone, Copy)]
pub struct Columns {
    /// Of the sign.
    pub sign: u16,
    /// Of the source's side.
    pub left: u16,
    /// Of the destination's side.
    pub right: u16,
}

impl Columns {
    /// The columns where there is this much room.
    pub fn of(width: u16) -> Self {
        let left = if width >= 100 { 34 } else { 24 };
        Self {
            sign: left - 2,
            left,
            right: left + (width - left) / 2,
        }
    }
}

/// Draws the fields that are seen, and the chosen one in full below.
pub fn fields(model: &Model, columns: Columns, canvas: &mut Canvas<'_>) {
    let state = &model.conflict;
    let room = page(usize::from(canvas.height()));
    let width = canvas.width();
    for (y, index) in (4..).zip(state.list.window(state.rows.len(), room)) {
        let row = &state.rows[index];
        let (sign, role) = sign(model.look, row.difference);
        canvas.within(
            3,
            y,
            columns.sign - 4,
            &short(&row.name, columns.sign - 4, model.look),
            if row.difference.is_some() {
                Role::Plain
            } else {
                Role::Quiet
            },
        );
        canvas.within(columns.sign, y, 1, sign, role);
        let role = if row.difference.is_some() {
            Role::Plain
        } else {
            Role::Quiet
        };
        let sides = [
            (columns.left, columns.right - columns.left - 2, &row.left),
            (columns.right, width - columns.right - 1, &row.right),
        ];
        for (x, room, side) in sides {
            match side {
                Some(text) => canvas.within(x, y, room, &hidden(model, text), role),
                None => canvas.within(x, y, room, "(none)", Role::Quiet),
            };
        }
        if index == state.list.at {
            canvas.sign(1, y, Sign::Chosen, Role::Key);
            canvas.restyle(3, y, columns.sign - 4, Role::Chosen);
        }
    }
    if let Some(row) = state.rows.get(state.list.at) {
        let top = canvas.height().saturating_sub(6);
        both_sides(model, canvas, top, [&row.left, &row.right], "  Enter: all of it");
    }
}

/// What both sides say of the chosen field, a line each; `more` where that is not all.
pub fn both_sides(model: &Model, canvas: &mut Canvas<'_>, top: u16, sides: [&Option<String>; 2], more: &str) {
    let width = canvas.width();
    for (y, (name, side)) in (top..).zip(["EHR", "here"].into_iter().zip(sides)) {
        canvas.text(3, y, name, Role::Quiet);
        let text = side.as_deref().map_or("(none)".into(), |side| hidden(model, side));
        let lines = wrapped(&fhir::safe(&text), usize::from(width.saturating_sub(10)));
        canvas.text(8, y, lines.first().map_or("", String::as_str), Role::Plain);
        if lines.len() > 1 {
            canvas.right(width.saturating_sub(2), y, more, Role::Note);
        }
    }
}

/// A path in so many columns: of what tells items of one list apart the end is kept, for the beginnings of addresses are alike.
pub fn short(path: &str, room: u16, look: Look) -> Cow<'_, str> {
    let room = usize::from(room);
    let Some((list, label)) = path.split_once('[').filter(|_| path.chars().count() > room) else {
        return path.into();
    };
    let kept = room.saturating_sub(list.chars().count() + 2);
    let skipped = label.chars().count().saturating_sub(kept);
    let (cut, end) = (look.sign(Sign::Ellipsis), label.chars().skip(skipped));
    format!("{list}[{cut}{}", end.collect::<String>()).into()
}

/// The sign of a difference: by more than its colour.
pub fn sign(look: Look, difference: Option<Difference>) -> (&'static str, Role) {
    match difference {
        None => ("=", Role::Quiet),
        Some(Difference::Differs) => (look.sign(Sign::Differs), Role::Note),
        Some(Difference::OnlyLeft) => ("+", Role::Note),
        Some(Difference::OnlyRight) => ("-", Role::Note),
        Some(Difference::Order) => ("~", Role::Note),
    }
}

/// A value as it may be shown while others look on.
pub fn hidden<'t>(model: &Model, text: &'t str) -> Cow<'t, str> {
    if model.privacy {
        model.look.sign(Sign::Masked).repeat(8).into()
    } else {
        text.into()
    }
}
