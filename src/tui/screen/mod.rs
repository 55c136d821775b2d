//! The screens, one file each. A screen is three functions and its state: `enter` when it is opened, `act` when somebody presses a key
//! of its own, `view` to draw its body. Nothing else knows what is on it.

pub mod chart;
pub mod charts;
pub mod conflict;
pub mod conflicts;
pub mod cutover;
pub mod destination;
pub mod export;
pub mod findings;
pub mod home;
pub mod ingest;
pub mod log;
pub mod merge;
pub mod poll;
pub mod quarantine;
pub mod register;
pub mod source;
pub mod token;
pub mod verify;

use super::action::Action;
use super::canvas::Canvas;
use super::message::Effect;
use super::model::Model;
use crate::migration::Step;

/// A screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Screen {
    /// All migrations.
    #[default]
    Home,
    /// A step of the open migration.
    Step(Step),
    /// What happened in the open migration.
    Log,
    /// Its conflicts.
    Conflicts,
    /// One of them.
    Conflict,
    /// Its two records being merged.
    Merge,
    /// Its rows that were set aside.
    Quarantine,
    /// What a verification found.
    Findings,
    /// The sample charts.
    Charts,
    /// One of them.
    Chart,
    /// The FHIR server that its records are delivered to.
    Destination,
}

impl Screen {
    /// Its name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Home => "Home",
            Self::Step(step) => step.name(),
            Self::Log => "Log",
            Self::Conflicts => "Conflicts",
            Self::Conflict => "Conflict",
            Self::Merge => "Merge",
            Self::Quarantine => "Quarantine",
            Self::Findings => "Findings",
            Self::Charts => "Sample charts",
            Self::Chart => "Chart",
            Self::Destination => "Destination",
        }
    }
}

/// Opens a screen.
pub fn enter(model: &mut Model, screen: Screen) -> Vec<Effect> {
    let from = std::mem::replace(&mut model.screen, screen);
    model.editing = None;
    match screen {
        Screen::Home => home::enter(model),
        Screen::Step(Step::Source) => source::enter(model),
        Screen::Step(Step::Register) => register::enter(model),
        Screen::Step(Step::Token) => token::enter(model),
        Screen::Step(Step::Export) => export::enter(model),
        Screen::Step(Step::Poll) => poll::enter(model),
        Screen::Step(Step::Ingest) => ingest::enter(model),
        Screen::Step(Step::Verify) => verify::enter(model),
        Screen::Step(Step::Cutover) => cutover::enter(model),
        Screen::Findings => findings::enter(model),
        Screen::Charts => charts::enter(model, from),
        Screen::Chart => chart::enter(model),
        Screen::Destination => destination::enter(model, from),
        Screen::Log => log::enter(model),
        Screen::Conflicts => conflicts::enter(model, from),
        Screen::Conflict => conflict::enter(model),
        Screen::Merge => merge::enter(model),
        Screen::Quarantine => quarantine::enter(model, from),
    }
}

/// Reads again what the screen shows, after something was done about it.
pub fn refresh(model: &mut Model) -> Vec<Effect> {
    match model.screen {
        Screen::Conflicts | Screen::Merge => conflicts::refresh(model),
        Screen::Conflict => conflict::refresh(model),
        Screen::Quarantine => quarantine::refresh(model),
        Screen::Step(Step::Verify) | Screen::Findings | Screen::Charts | Screen::Chart => verify::refresh(model),
        Screen::Destination => destination::read(model),
        Screen::Home | Screen::Step(_) | Screen::Log => Vec::new(),
    }
}

/// Lets the screen do what a key of its own means.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match model.screen {
        Screen::Home => home::act(model, action),
        Screen::Step(Step::Source) => source::act(model, action),
        Screen::Step(Step::Register) => register::act(model, action),
        Screen::Step(Step::Token) => token::act(model, action),
        Screen::Step(Step::Export) => export::act(model, action),
        Screen::Step(Step::Poll) => poll::act(model, action),
        Screen::Step(Step::Ingest) => ingest::act(model, action),
        Screen::Step(Step::Verify) => verify::act(model, action),
        Screen::Step(Step::Cutover) => cutover::act(model, action),
        Screen::Findings => findings::act(model, action),
        Screen::Charts => charts::act(model, action),
        Screen::Chart => chart::act(model, action),
        Screen::Destination => destination::act(model, action),
        Screen::Log => log::act(model, action),
        Screen::Conflicts => conflicts::act(model, action),
        Screen::Conflict => conflict::act(model, action),
        Screen::Merge => merge::act(model, action),
        Screen::Quarantine => quarantine::act(model, action),
    }
}

/// Draws the screen's body.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    match model.screen {
        Screen::Home => home::view(model, canvas),
        Screen::Step(Step::Source) => source::view(model, canvas),
        Screen::Step(Step::Register) => register::view(model, canvas),
        Screen::Step(Step::Token) => token::view(model, canvas),
        Screen::Step(Step::Export) => export::view(model, canvas),
        Screen::Step(Step::Poll) => poll::view(model, canvas),
        Screen::Step(Step::Ingest) => ingest::view(model, canvas),
        Screen::Step(Step::Verify) => verify::view(model, canvas),
        Screen::Step(Step::Cutover) => cutover::view(model, canvas),
        Screen::Findings => findings::view(model, canvas),
        Screen::Charts => charts::view(model, canvas),
        Screen::Chart => chart::view(model, canvas),
        Screen::Destination => destination::view(model, canvas),
        Screen::Log => log::view(model, canvas),
        Screen::Conflicts => conflicts::view(model, canvas),
        Screen::Conflict => conflict::view(model, canvas),
        Screen::Merge => merge::view(model, canvas),
        Screen::Quarantine => quarantine::view(model, canvas),
    }
}

/// What a key means on every step of a migration.
fn common(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Back => enter(model, Screen::Home),
        Action::Log => {
            model.log.from = model.screen;
            enter(model, Screen::Log)
        }
        _ => Vec::new(),
    }
}
