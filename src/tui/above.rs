//! What a key does to what stands over the screen.

use super::action::Action;
use super::edit;
use super::look::Role;
use super::message::Effect;
use super::model::Model;
use super::overlay::{self, Ask, For, Gets, Overlay};
use super::screen::{self, Screen};
use super::update;

/// What an action means to what stands over the screen; it is gone unless it is put back.
pub fn act(model: &mut Model, overlay: Overlay, action: Action) -> Vec<Effect> {
    match (overlay, action) {
        (overlay, Action::Redraw) => {
            model.overlay = Some(overlay);
            vec![Effect::Redraw]
        }
        (overlay, Action::Suspend) => {
            model.overlay = Some(overlay);
            vec![Effect::Suspend]
        }
        (_, Action::Quit) => update::quit(model),
        (Overlay::Question(question), Action::Yes) => question.yes,
        (Overlay::Help(mut help), Action::Go(movement)) => {
            help.go(movement, model.body_rows(), overlay::keys(model).len());
            model.overlay = Some(Overlay::Help(help));
            Vec::new()
        }
        (Overlay::Reading(mut reading), Action::Go(movement)) => {
            reading.go(movement, usize::from(model.size.width), model.body_rows());
            model.overlay = Some(Overlay::Reading(reading));
            Vec::new()
        }
        (Overlay::Commands(mut commands), Action::Go(movement)) => {
            let found = commands.found(model).len();
            commands.go(movement, found, model.body_rows().saturating_sub(4));
            model.overlay = Some(Overlay::Commands(commands));
            Vec::new()
        }
        (Overlay::Commands(commands), Action::Yes) => match commands.chosen(model) {
            None => Vec::new(),
            Some(binding) => match (binding.why_not)(model) {
                None => update::act(model, binding.action),
                Some(why) => {
                    model.say(format!("{}: {why}", binding.label), Role::Note);
                    Vec::new()
                }
            },
        },
        (Overlay::Choose(mut choose), Action::Go(_) | Action::Tick | Action::TickAll) => {
            match action {
                Action::Go(movement) => choose.go(movement, model.body_rows().saturating_sub(2)),
                Action::Tick => choose.tick(),
                _ => choose.tick_all(),
            }
            model.overlay = Some(Overlay::Choose(choose));
            Vec::new()
        }
        (Overlay::Choose(choose), Action::Yes) => match choose.gets {
            Gets::Field(field) => edit::set(model, field, &choose.value()),
            Gets::ServerKind => screen::destination::set_kind(model, &choose.value()),
            Gets::Unsettled => {
                screen::destination::settle::chosen(model, &choose.value());
                Vec::new()
            }
            Gets::Keep => screen::destination::settle::keep(model, &choose.value()),
        },
        (Overlay::Ask(ask), Action::Yes) => asked(model, &ask),
        (Overlay::Edit(editor), Action::Yes) => {
            match model.screen {
                Screen::Quarantine => screen::quarantine::edited(model, &editor),
                _ => screen::merge::take(model, &editor),
            }
            Vec::new()
        }
        (Overlay::Filter(_), Action::Back) => update::narrow(model, ""),
        _ => Vec::new(),
    }
}

/// Does what a line was asked for.
fn asked(model: &mut Model, ask: &Ask) -> Vec<Effect> {
    let text = ask.typed.text().trim().to_owned();
    match ask.purpose {
        For::Repair => screen::findings::repair(model, text),
        For::Amend => screen::quarantine::amend(model, text),
        For::Waive => screen::quarantine::waive(model, text),
        For::NewMigration => vec![Effect::Add(text)],
        For::Destination => screen::destination::set_address(model, &text),
        For::Judgement(verdict) => screen::chart::judged(model, verdict, &text),
        For::SignOff(capacity) => screen::cutover::signed(model, capacity, &text),
        For::Wipe => screen::cutover::look_wipeable(model, text),
        For::TakeFlipBack => screen::cutover::taken_back(model, &text),
        For::NamedPatient => match model.plan().cloned() {
            Some(plan) => vec![Effect::NamePatient(Box::new(plan), text)],
            None => Vec::new(),
        },
        For::ImportKey => {
            let Some(plan) = model.plan().cloned() else {
                return Vec::new();
            };
            model.register.busy = Some("Reading the key");
            vec![Effect::ImportKey(Box::new(plan), text)]
        }
    }
}
