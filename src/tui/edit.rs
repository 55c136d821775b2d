//! Editing a field of the open migration: begun, looked over with each key, kept or left as it was.

use super::form::{Field, preset};
use super::look::Role;
use super::message::Effect;
use super::model::Model;
use super::overlay::{Choose, Gets, Overlay};
use super::text_input::TextInput;
use crate::fhir;
use crate::http::Secret;
use crate::migration::Plan;

/// A field that is being typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Editing {
    /// Which.
    pub field: Field,
    /// What was typed.
    pub input: TextInput,
    /// What is wrong with it.
    pub problem: Option<String>,
}

/// Begins to edit a field of the open migration: in a list where there is a choice, else by typing.
pub fn begin(model: &mut Model, field: Field) {
    let Some(plan) = model.plan() else { return };
    if let Some(options) = field.choices(model, plan) {
        if options.is_empty() {
            model.say(format!("{}: nothing to choose from", field.label()), Role::Note);
            return;
        }
        let now = field.value(model, plan);
        model.overlay = Some(Overlay::Choose(Choose::one(
            field.label(),
            Gets::Field(field),
            options,
            &now,
        )));
        return;
    }
    let input = TextInput::new(field.value(model, plan));
    model.editing = Some(Editing {
        field,
        input,
        problem: None,
    });
}

/// Says what is wrong with what was typed so far.
pub fn look_over(model: &mut Model) {
    let Some(editing) = &model.editing else { return };
    let problem = model
        .plan()
        .and_then(|plan| editing.field.changed(model, plan, editing.input.text()).err());
    if let Some(editing) = &mut model.editing {
        editing.problem = problem.map(|problem| fhir::safe(&problem).into_owned());
    }
}

/// Keeps what was typed, unless something is wrong with it.
pub fn keep(model: &mut Model) -> Vec<Effect> {
    look_over(model);
    match model.editing.take() {
        Some(Editing {
            field,
            input,
            problem: None,
        }) => set(model, field, input.text()),
        editing => {
            model.editing = editing;
            Vec::new()
        }
    }
}

/// Sets a field of the open migration, where nothing is wrong with the value.
pub fn set(model: &mut Model, field: Field, text: &str) -> Vec<Effect> {
    let Some(plan) = model.plan().cloned() else {
        return Vec::new();
    };
    match field {
        Field::Secret if text.is_empty() => Vec::new(),
        Field::Secret => vec![Effect::SaveSecret(plan.id, Secret::new(text.trim()))],
        Field::Published => {
            let registration = &mut model.register.registration;
            registration.published = (!text.trim().is_empty()).then(|| text.trim().to_owned());
            let mut effects = vec![Effect::SaveRegistration(plan.id.clone(), registration.clone())];
            // Where the EHR wants the address named in each assertion, it is part of the plan as well.
            if preset(model, &plan).is_some_and(|preset| preset.auth.jku) {
                let jku = model.register.registration.published.clone();
                effects.push(Effect::Save(Box::new(Plan { jku, ..plan })));
            }
            effects
        }
        field => match field.changed(model, &plan, text) {
            Ok(changed) if changed != plan => vec![Effect::Save(Box::new(changed))],
            Ok(_) => Vec::new(),
            Err(problem) => {
                model.say(problem, Role::Wrong);
                Vec::new()
            }
        },
    }
}
