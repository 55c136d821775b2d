//! How a form is drawn: a row for each field, what is chosen or typed, and a line about it.

use super::canvas::{Canvas, columns};
use super::edit::Editing;
use super::form::Field;
use super::look::{Role, Sign};
use super::model::Model;
use super::text_input::TextInput;
use crate::migration::Plan;

/// The column where values begin.
const VALUE: u16 = 19;

/// Draws fields from row 0 on, the chosen one marked; the row after them says what is to be known of it, or what is wrong with it.
/// Gives the row after that.
pub fn view(model: &Model, plan: &Plan, fields: &[Field], chosen: Option<usize>, canvas: &mut Canvas<'_>) -> u16 {
    let end = canvas.width().saturating_sub(1);
    let mut y = 0;
    for (index, field) in fields.iter().enumerate() {
        let here = chosen == Some(index);
        let origin = field.origin(model, plan);
        let room = end.saturating_sub(VALUE + if origin.is_empty() { 0 } else { columns(&origin) + 2 });
        let editing = model.editing.as_ref().filter(|editing| here && editing.field == *field);
        canvas.within(
            3,
            y,
            VALUE - 4,
            field.label(),
            if here { Role::Strong } else { Role::Plain },
        );
        if let Some(editing) = editing {
            typed(editing, model, canvas, y, room);
        } else {
            let value = shown(*field, model, plan);
            let role = if value.is_empty() { Role::Quiet } else { Role::Plain };
            canvas.within(VALUE, y, room, if value.is_empty() { "-" } else { &value }, role);
            canvas.right(end, y, &origin, Role::Quiet);
            if here {
                canvas.restyle(VALUE, y, room.min(columns(&value).max(1)), Role::Chosen);
            }
        }
        if here {
            canvas.sign(1, y, Sign::Chosen, Role::Key);
        }
        y += 1;
    }
    let Some(field) = chosen.and_then(|index| fields.get(index)) else {
        return y + 1;
    };
    let mut about = canvas.part(VALUE, y, end.saturating_sub(VALUE), 2);
    let rows = match model.editing.as_ref().and_then(|editing| editing.problem.as_ref()) {
        Some(problem) => about.paragraph(0, 0, problem, Role::Wrong),
        None => about.paragraph(0, 0, &field.note(model, plan), Role::Quiet),
    };
    y + rows.max(1)
}

/// A field's value as it may be seen.
fn shown(field: Field, model: &Model, plan: &Plan) -> String {
    match field {
        Field::Types if plan.types.is_empty() => "all".to_owned(),
        Field::Types => format!("{}: {}", plan.types.len(), plan.types.join(", ")),
        Field::Secret if model.opened().is_some_and(|standing| standing.secret) => "known, sealed".to_owned(),
        // What is searched for can be a person.
        Field::Filters => model.private(&plan.type_filters.join(" ")).into_owned(),
        field => field.value(model, plan),
    }
}

/// What is being typed; of a secret only how long it is.
fn typed(editing: &Editing, model: &Model, canvas: &mut Canvas<'_>, y: u16, room: u16) {
    if editing.field == Field::Secret {
        let hidden = model
            .look
            .sign(Sign::Masked)
            .repeat(editing.input.text().chars().count());
        TextInput::new(hidden).draw(canvas, VALUE, y, room);
    } else {
        editing.input.draw(canvas, VALUE, y, room);
    }
}
