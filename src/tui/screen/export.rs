//! Export: what to ask for, exactly as it will be sent, and what no export holds.

use crate::tui::action::Action;
use crate::tui::canvas::Canvas;
use crate::tui::edit;
use crate::tui::form::{self, Field};
use crate::tui::form_view;
use crate::tui::list::List;
use crate::tui::look::Role;
use crate::tui::message::Effect;
use crate::tui::model::Model;
use crate::tui::overlay::{Choose, Overlay};

/// The fields of the form.
pub const FIELDS: [Field; 6] = [
    Field::Level,
    Field::Group,
    Field::Types,
    Field::Since,
    Field::Filters,
    Field::OnConflict,
];

/// Which field is chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The chosen field.
    pub list: List,
    /// The request as it will be sent, or what it lacks.
    pub request: Option<Result<String, String>>,
}

/// Opens the screen.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    model.export.request = None;
    model.read_standings()
}

/// Has the request made anew: the plan may have changed.
pub fn read(model: &Model) -> Vec<Effect> {
    let plan = model.plan().cloned();
    plan.map(|plan| Effect::Preview(Box::new(plan))).into_iter().collect()
}

/// Does what a key means here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let field = FIELDS[model.export.list.at.min(FIELDS.len() - 1)];
    match action {
        Action::Go(movement) => model.export.list.go(movement, FIELDS.len(), FIELDS.len()),
        Action::Open => edit::begin(model, field),
        Action::Tick if field == Field::Types => types(model),
        other => return super::common(model, other),
    }
    Vec::new()
}

/// Opens the types of the plan and of the preset as a list to tick.
fn types(model: &mut Model) {
    let Some(plan) = model.plan() else { return };
    let known = form::preset(model, plan)
        .map(|preset| preset.export.types.clone())
        .unwrap_or_default();
    let more = plan.types.iter().filter(|name| !known.contains(name)).cloned();
    let mut names: Vec<String> = known.iter().cloned().chain(more).collect();
    names.sort();
    let options = names
        .into_iter()
        .map(|name| (plan.types.contains(&name), name))
        .map(|(on, name)| (name.clone(), name, on));
    let options = options.collect();
    model.overlay = Some(Overlay::Choose(Choose::several(
        "Types to export",
        Field::Types,
        options,
    )));
}

/// Draws the screen.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    let Some(plan) = model.plan() else { return };
    let row = form_view::view(model, plan, &FIELDS, Some(model.export.list.at), canvas);
    let width = canvas.width().saturating_sub(4);
    let bottom = canvas.height().saturating_sub(3);
    let under_way = model.opened().is_some_and(|standing| standing.state.unfinished());
    let heading = if under_way {
        "A run is under way: what is changed here holds for the next one"
    } else {
        "The request, exactly as it will be sent"
    };
    canvas.text(3, row, heading, if under_way { Role::Note } else { Role::Strong });
    let mut request = canvas.part(3, row + 1, width, bottom.saturating_sub(row + 2));
    match &model.export.request {
        Some(Ok(text)) if plan.patients.is_empty() && plan.type_filters.is_empty() => {
            request.paragraph(0, 0, &broken(text), Role::Plain)
        }
        // It names patients, or what they are searched for by.
        Some(Ok(text)) => request.paragraph(0, 0, &model.private(&broken(text)), Role::Plain),
        Some(Err(lack)) => request.paragraph(0, 0, lack, Role::Note),
        None => 0,
    };
    let text = "Not in any export: scheduling rules, billing rules, payer contracts. A signed PDF arrives as a Composition with the \
                documents it is linked to.";
    canvas.part(3, bottom, width, 3).paragraph(0, 0, text, Role::Quiet);
}

/// A request with spaces where its long line may be broken.
fn broken(request: &str) -> String {
    request.replace(',', ", ").replace('?', " ?").replace('&', " &")
}

#[cfg(test)]
mod tests;
