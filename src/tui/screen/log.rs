//! The log: everything that happened in a migration, newest last, never anybody's data.

use super::Screen;
use crate::migration::{Event, Step};
use crate::store::JournalEntry;
use crate::tui::action::Action;
use crate::tui::canvas::Canvas;
use crate::tui::figure::{day, several};
use crate::tui::list::List;
use crate::tui::look::{Role, Sign};
use crate::tui::message::Effect;
use crate::tui::model::Model;
use crate::tui::overlay::Overlay;
use crate::tui::text_input::TextInput;

/// What was read, what it is narrowed to, and which entry is chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    entries: Vec<JournalEntry<Event>>,
    filter: String,
    list: List,
    /// It is being read; and whether more has happened since and it is to be read again.
    reading: Option<bool>,
    /// Where it was opened from.
    pub from: Screen,
}

impl State {
    /// Takes in what was read; whoever was at the end stays at the end.
    fn take(&mut self, entries: Vec<JournalEntry<Event>>) {
        let at_end = self.list.at + 1 >= self.seen().len();
        self.entries = entries;
        if at_end {
            self.list.at = self.seen().len().saturating_sub(1);
        }
    }

    /// Narrows the list to entries with this text in them.
    pub fn narrow(&mut self, text: &str) {
        self.filter = text.to_lowercase();
        self.list = List::at(self.seen().len().saturating_sub(1));
    }

    /// The entries that pass the filter.
    fn seen(&self) -> Vec<&JournalEntry<Event>> {
        let passes = |entry: &&JournalEntry<Event>| {
            self.filter.is_empty() || words(&entry.event).to_lowercase().contains(&self.filter)
        };
        self.entries.iter().filter(passes).collect()
    }
}

/// Opens the screen.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    model.log = State {
        from: model.log.from,
        ..State::default()
    };
    read(model)
}

/// Has the journal of the open migration read, once for everything that happens meanwhile.
pub fn read(model: &mut Model) -> Vec<Effect> {
    if let Some(again) = &mut model.log.reading {
        *again = true;
        return Vec::new();
    }
    model.log.reading = Some(false);
    model.open.clone().map(Effect::ReadJournal).into_iter().collect()
}

/// Takes in what was read.
pub fn took(model: &mut Model, entries: Vec<JournalEntry<Event>>) -> Vec<Effect> {
    let again = model.log.reading.take() == Some(true);
    model.log.take(entries);
    if again { read(model) } else { Vec::new() }
}

/// Does what a key means here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = page(model.body_rows());
    match action {
        Action::Go(movement) => {
            let len = model.log.seen().len();
            model.log.list.go(movement, len, page);
            Vec::new()
        }
        Action::Filter => {
            model.overlay = Some(Overlay::Filter(TextInput::new(model.log.filter.clone())));
            Vec::new()
        }
        Action::Open => match model
            .log
            .seen()
            .get(model.log.list.at)
            .and_then(|entry| step_of(&entry.event))
        {
            Some(step) => super::enter(model, Screen::Step(step)),
            None => Vec::new(),
        },
        Action::Back => super::enter(model, model.log.from),
        _ => Vec::new(),
    }
}

fn page(body: usize) -> usize {
    body.saturating_sub(4).max(1)
}

/// An entry in words: those that are worth a line have one, the others their name.
fn words(event: &Event) -> String {
    match event {
        Event::MigrationAdded { preset, base_url } => format!("Added: {preset}, {base_url}"),
        Event::MigrationChanged { fields } => format!("Changed: {}", fields.join(", ").replace('_', " ")),
        Event::MigrationRemoved {} => "Removed.".to_owned(),
        Event::KeyCreated { kid } => format!("A key pair was made or imported: {kid}"),
        Event::DownloadRequest { name, from, .. } if *from > 0 => format!("{name}: going on from byte {from}"),
        Event::DownloadRequest { name, .. } => format!("{name}: asked for"),
        Event::IngestCompleted { .. } => "Every row has its place.".to_owned(),
        Event::RunCompleted { run } => format!("Run {run} is over."),
        Event::RunFailed { reason } => format!("Stopped: {reason}"),
        other => other.line().unwrap_or_else(|| other.name()),
    }
}

/// The step that an event belongs to.
fn step_of(event: &Event) -> Option<Step> {
    Some(match event {
        Event::MigrationAdded { .. } | Event::MigrationChanged { .. } => Step::Source,
        Event::KeyCreated { .. } => Step::Register,
        Event::TokenGranted { .. } => Step::Token,
        Event::KickoffSent { .. } | Event::RunStarted { .. } => Step::Export,
        Event::Kickoff { .. }
        | Event::ExportCancelled {}
        | Event::StatusProgress { .. }
        | Event::StatusComplete { .. } => Step::Poll,
        Event::ManifestRefreshed {}
        | Event::DownloadRequest { .. }
        | Event::DownloadComplete { .. }
        | Event::DownloadError { .. }
        | Event::ExportComplete { .. }
        | Event::IngestCompleted { .. }
        | Event::DestinationRead { .. }
        | Event::HandedOff { .. }
        | Event::ImportBegun { .. }
        | Event::ImportEnded { .. }
        | Event::ImportForgotten {}
        | Event::DeliveryBegun { .. }
        | Event::DeliveryEnded { .. }
        | Event::DeliveryFailed { .. }
        | Event::RunPaused { .. } => Step::Ingest,
        Event::Verified { .. } | Event::DeliveryProven { .. } | Event::ChartJudged { .. } => Step::Verify,
        Event::RunCompleted { .. }
        | Event::JobDeleted {}
        | Event::JobKept { .. }
        | Event::SignedOff { .. }
        | Event::Flipped { .. }
        | Event::FlipTakenBack { .. }
        | Event::WipeBegun { .. } => Step::Cutover,
        _ => return None,
    })
}

fn role(event: &Event) -> Role {
    match event {
        Event::RunFailed { .. } | Event::DeliveryFailed { .. } | Event::DownloadError { .. } => Role::Wrong,
        Event::RunPaused { .. } | Event::JobKept { .. } => Role::Note,
        Event::Verified { findings, .. } if *findings > 0 => Role::Wrong,
        Event::Verified { .. } | Event::RunCompleted { .. } => Role::Done,
        _ => Role::Plain,
    }
}

/// Draws the screen.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    let seen = model.log.seen();
    let all = model.log.entries.len() as u64;
    let heading = if model.log.filter.is_empty() {
        several(all, "entry").replace("entrys", "entries")
    } else {
        format!("{} of {all} entries with \"{}\"", seen.len(), model.log.filter)
    };
    canvas.text(2, 0, &heading, Role::Quiet);
    let room = page(usize::from(canvas.height()));
    for (y, index) in (2..).zip(model.log.list.window(seen.len(), room)) {
        let entry = seen[index];
        let at = canvas.text(3, y, &day(entry.at, &model.zone), Role::Quiet);
        let text = words(&entry.event);
        let first = text.lines().next().unwrap_or_default();
        canvas.text(at + 2, y, first, role(&entry.event));
        if index == model.log.list.at {
            canvas.sign(1, y, Sign::Chosen, Role::Key);
            canvas.restyle(3, y, at - 3, Role::Chosen);
        }
    }
    if let Some(entry) = seen.get(model.log.list.at) {
        let bottom = canvas.height().saturating_sub(1);
        let by = format!("{} by {}", entry.event.name(), entry.who);
        canvas.text(3, bottom, &by, Role::Quiet);
    }
}

#[cfg(test)]
mod tests;
