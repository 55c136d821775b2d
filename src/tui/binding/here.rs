//! Which keys work where the person is.

use super::{BINDINGS, Binding, Place};
use crate::tui::action::Action;
use crate::tui::key::Key;
use crate::tui::model::Model;
use crate::tui::overlay::Overlay;
use crate::tui::screen::Screen;

/// Where the person is, most particular first.
pub fn places(model: &Model) -> Vec<Place> {
    let over = match &model.overlay {
        Some(Overlay::Question(_)) => Some(Place::Question),
        Some(Overlay::Help(_) | Overlay::Notice(_) | Overlay::Reading(_)) => Some(Place::Text),
        Some(Overlay::Commands(_)) => Some(Place::Commands),
        Some(Overlay::Filter(_)) => Some(Place::Filter),
        Some(Overlay::Choose(_)) => Some(Place::Choose),
        Some(Overlay::Ask(_)) => Some(Place::Ask),
        Some(Overlay::Edit(_)) => Some(Place::Edit),
        None => model.editing.is_some().then_some(Place::Editing),
    };
    if let Some(over) = over {
        return vec![over, Place::Everywhere];
    }
    places_below(model)
}

/// Where the person is once nothing stands over the screen.
pub fn places_below(model: &Model) -> Vec<Place> {
    let mut places = match model.screen {
        Screen::Home => vec![Place::Home],
        Screen::Step(step) => vec![Place::Step(step), Place::Steps],
        Screen::Log => vec![Place::Log],
        Screen::Conflicts => vec![Place::Conflicts],
        Screen::Conflict => vec![Place::Conflict],
        Screen::Merge => vec![Place::Merge],
        Screen::Quarantine => vec![Place::Quarantine],
        Screen::Findings => vec![Place::Findings],
        Screen::Charts => vec![Place::Charts],
        Screen::Chart => vec![Place::Chart],
        Screen::Destination => vec![Place::Destination],
    };
    places.extend([Place::Lists, Place::Screens, Place::Everywhere]);
    places
}

/// The keys that the person can press, in the table's order.
pub fn here(model: &Model) -> Vec<&'static Binding> {
    let places = places(model);
    BINDINGS
        .iter()
        .filter(|binding| places.contains(&binding.place))
        .collect()
}

/// What a key means here.
pub fn find(model: &Model, key: Key) -> Option<&'static Binding> {
    here(model).into_iter().find(|binding| binding.key == key)
}

/// The key that does this here, as it is written: labels ask for it and cannot drift.
pub fn key_for(model: &Model, action: Action) -> Option<String> {
    here(model)
        .into_iter()
        .find(|binding| binding.action == action)
        .map(|binding| binding.key.name())
}
