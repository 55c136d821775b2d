//! The table of keys. Dispatch, footer, help, the list of commands and the README all read it, so that none can say what another
//! does not do.

use crossterm::event::KeyCode;

mod here;
mod place;

pub use here::{find, here, key_for, places_below};
pub use place::Place;

use super::action::{Action, Decide};
use super::key::Key;
use super::list::Move;
use super::model::Model;
use super::screen::{chart, conflict, cutover, destination, findings, merge, quarantine, verify};
#[allow(clippy::wildcard_imports)] // A reason for each key, and nothing else.
use super::why_not::*;
use crate::migration::{ChartVerdict, Step};

/// A key and what it does.
pub struct Binding {
    /// The key.
    pub key: Key,
    /// What it does.
    pub action: Action,
    /// The same in a word or two.
    pub label: &'static str,
    /// Where it works.
    pub place: Place,
    /// Whether the last line names it; help names all.
    pub footer: bool,
    /// Why it does not work now, if it does not.
    pub why_not: fn(&Model) -> Option<String>,
}

const fn bind(place: Place, key: Key, action: Action, label: &'static str) -> Binding {
    Binding {
        key,
        action,
        label,
        place,
        footer: true,
        why_not: |_| None,
    }
}

impl Binding {
    const fn quiet(mut self) -> Self {
        self.footer = false;
        self
    }

    const fn unless(mut self, why_not: fn(&Model) -> Option<String>) -> Self {
        self.why_not = why_not;
        self
    }
}

const JUDGE: [Action; 3] = [
    Action::Judge(ChartVerdict::Passed),
    Action::Judge(ChartVerdict::Failed),
    Action::Judge(ChartVerdict::Waived),
];
const ENTER: Key = Key::plain(KeyCode::Enter);
const ESC: Key = Key::plain(KeyCode::Esc);

/// Every key there is; what comes first goes before what comes later.
pub static BINDINGS: &[Binding] = &[
    // What stands over the screen.
    bind(Place::Question, ENTER, Action::Yes, "yes").unless(unanswered),
    bind(Place::Question, ESC, Action::Back, "no"),
    bind(Place::Text, ESC, Action::Back, "close"),
    bind(Place::Text, Key::of('q'), Action::Back, "close").quiet(),
    bind(Place::Text, Key::of('?'), Action::Back, "close").quiet(),
    bind(Place::Text, ENTER, Action::Back, "close").quiet(),
    bind(Place::Text, Key::plain(KeyCode::Up), Action::Go(Move::Up), "up"),
    bind(Place::Text, Key::plain(KeyCode::Down), Action::Go(Move::Down), "down"),
    bind(
        Place::Text,
        Key::plain(KeyCode::PageUp),
        Action::Go(Move::PageUp),
        "page up",
    )
    .quiet(),
    bind(
        Place::Text,
        Key::plain(KeyCode::PageDown),
        Action::Go(Move::PageDown),
        "page down",
    )
    .quiet(),
    bind(Place::Commands, ENTER, Action::Yes, "do it"),
    bind(Place::Commands, Key::plain(KeyCode::Up), Action::Go(Move::Up), "up"),
    bind(
        Place::Commands,
        Key::plain(KeyCode::Down),
        Action::Go(Move::Down),
        "down",
    ),
    bind(Place::Commands, ESC, Action::Back, "close"),
    bind(Place::Filter, ENTER, Action::Yes, "keep filter"),
    bind(Place::Filter, ESC, Action::Back, "show all"),
    bind(Place::Choose, ENTER, Action::Yes, "choose"),
    bind(Place::Choose, Key::of(' '), Action::Tick, "tick").unless(one_only),
    bind(Place::Choose, Key::of('a'), Action::TickAll, "all or none").unless(one_only),
    bind(Place::Choose, Key::plain(KeyCode::Up), Action::Go(Move::Up), "up").quiet(),
    bind(Place::Choose, Key::plain(KeyCode::Down), Action::Go(Move::Down), "down").quiet(),
    bind(
        Place::Choose,
        Key::plain(KeyCode::PageUp),
        Action::Go(Move::PageUp),
        "page up",
    )
    .quiet(),
    bind(
        Place::Choose,
        Key::plain(KeyCode::PageDown),
        Action::Go(Move::PageDown),
        "page down",
    )
    .quiet(),
    bind(Place::Choose, ESC, Action::Back, "leave it"),
    bind(Place::Ask, ENTER, Action::Yes, "go on").unless(unanswered),
    bind(Place::Ask, ESC, Action::Back, "leave it"),
    bind(Place::Editing, ENTER, Action::Yes, "keep").unless(wrong),
    bind(
        Place::Editing,
        Key::plain(KeyCode::Tab),
        Action::KeepNext,
        "keep, next field",
    )
    .unless(wrong),
    bind(Place::Editing, ESC, Action::Back, "leave it"),
    // Home.
    bind(Place::Home, ENTER, Action::Open, "open").unless(no_migration),
    bind(Place::Home, Key::of('d'), Action::Remove, "delete").unless(not_removable),
    bind(Place::Home, Key::of('n'), Action::New, "new"),
    // Steps.
    bind(Place::Step(Step::Source), ENTER, Action::Open, "change"),
    bind(Place::Step(Step::Source), Key::of('t'), Action::Test, "test it").unless(not_testable),
    bind(Place::Step(Step::Register), ENTER, Action::Open, "change"),
    bind(Place::Step(Step::Register), Key::of(' '), Action::Tick, "tick"),
    bind(Place::Step(Step::Register), Key::of('g'), Action::MakeKey, "new key").unless(no_key_wanted),
    bind(
        Place::Step(Step::Register),
        Key::of('i'),
        Action::ImportKey,
        "import key",
    )
    .unless(no_key_wanted),
    bind(Place::Step(Step::Register), Key::of('y'), Action::CopyKeys, "copy").unless(no_key),
    bind(Place::Step(Step::Register), Key::of('t'), Action::Test, "check").unless(not_published),
    bind(Place::Step(Step::Token), Key::of('t'), Action::Test, "get a token").unless(not_known),
    bind(Place::Step(Step::Token), Key::of('a'), Action::Decode, "assertion").unless(not_minted),
    bind(Place::Step(Step::Export), ENTER, Action::Open, "change"),
    bind(Place::Step(Step::Export), Key::of(' '), Action::Tick, "choose types").quiet(),
    bind(Place::Step(Step::Poll), Key::of('n'), Action::PollNow, "poll now").unless(not_polling),
    bind(
        Place::Step(Step::Poll),
        Key::of('x'),
        Action::CancelExport,
        "cancel export",
    )
    .unless(not_cancellable),
    bind(Place::Step(Step::Poll), Key::of('y'), Action::CopyAddress, "copy URL").unless(no_job_url),
    bind(Place::Step(Step::Export), Key::of('r'), Action::Run, "run").unless(not_runnable),
    bind(Place::Step(Step::Poll), Key::of('r'), Action::Run, "go on").unless(not_resumable),
    bind(Place::Step(Step::Ingest), Key::of('r'), Action::Run, "go on").unless(not_resumable),
    bind(Place::Step(Step::Export), Key::of('p'), Action::Pause, "pause").unless(not_at_work),
    bind(Place::Step(Step::Poll), Key::of('p'), Action::Pause, "pause").unless(not_at_work),
    bind(Place::Step(Step::Ingest), Key::of('p'), Action::Pause, "pause").unless(not_at_work),
    bind(Place::Step(Step::Verify), Key::of('p'), Action::Pause, "pause").unless(not_at_work),
    bind(
        Place::Step(Step::Export),
        Key::of('s'),
        Action::LastChanges,
        "last changes",
    )
    .unless(cutover::no_last_changes),
    bind(Place::Step(Step::Verify), ENTER, Action::Open, "look"),
    bind(Place::Step(Step::Verify), Key::of('s'), Action::Charts, "sample charts"),
    bind(
        Place::Step(Step::Verify),
        Key::of('r'),
        Action::VerifyAgain,
        "verify again",
    )
    .unless(verify::not_verifiable),
    bind(
        Place::Step(Step::Verify),
        Key::of('v'),
        Action::VerifyChanged,
        "verify changes",
    )
    .unless(verify::not_verifiable),
    bind(Place::Step(Step::Cutover), ENTER, Action::Open, "go there"),
    bind(Place::Step(Step::Cutover), Key::of('g'), Action::SignOff, "sign off").unless(cutover::not_signable),
    bind(
        Place::Step(Step::Cutover),
        Key::of('s'),
        Action::LastChanges,
        "last changes",
    )
    .unless(cutover::no_last_changes),
    bind(Place::Step(Step::Cutover), Key::of('R'), Action::Report, "report"),
    bind(Place::Step(Step::Cutover), Key::of('f'), Action::Flip, "flip").unless(cutover::not_flippable),
    bind(Place::Step(Step::Cutover), Key::of('W'), Action::Wipe, "wipe").unless(cutover::not_wipeable),
    bind(
        Place::Step(Step::Ingest),
        Key::of('x'),
        Action::Quarantine,
        "quarantine",
    ),
    bind(
        Place::Step(Step::Verify),
        Key::of('x'),
        Action::Quarantine,
        "quarantine",
    ),
    bind(
        Place::Step(Step::Cutover),
        Key::of('x'),
        Action::Quarantine,
        "quarantine",
    ),
    bind(
        Place::Steps,
        Key::plain(KeyCode::Left),
        Action::StepBefore,
        "step before",
    )
    .quiet(),
    bind(
        Place::Steps,
        Key::plain(KeyCode::Right),
        Action::StepAfter,
        "step after",
    )
    .quiet(),
    bind(Place::Steps, Key::of('1'), Action::Step(Step::Source), "Source").quiet(),
    bind(Place::Steps, Key::of('2'), Action::Step(Step::Register), "Register").quiet(),
    bind(Place::Steps, Key::of('3'), Action::Step(Step::Token), "Token").quiet(),
    bind(Place::Steps, Key::of('4'), Action::Step(Step::Export), "Export").quiet(),
    bind(Place::Steps, Key::of('5'), Action::Step(Step::Poll), "Poll").quiet(),
    bind(Place::Steps, Key::of('6'), Action::Step(Step::Ingest), "Ingest").quiet(),
    bind(Place::Steps, Key::of('7'), Action::Step(Step::Verify), "Verify").quiet(),
    bind(Place::Steps, Key::of('8'), Action::Step(Step::Cutover), "Cutover").quiet(),
    bind(Place::Steps, Key::of('c'), Action::Conflicts, "conflicts"),
    bind(Place::Steps, Key::of('l'), Action::Log, "log"),
    bind(Place::Steps, Key::of('D'), Action::Destination, "destination").quiet(),
    bind(Place::Steps, ESC, Action::Back, "home"),
    // The log.
    bind(Place::Log, Key::of('/'), Action::Filter, "filter"),
    bind(Place::Log, ENTER, Action::Open, "go there"),
    bind(Place::Log, ESC, Action::Back, "back"),
    // Conflicts.
    bind(Place::Conflicts, ENTER, Action::Open, "look").unless(no_conflict),
    bind(Place::Conflicts, Key::of('n'), Action::Next, "next open"),
    bind(Place::Conflicts, Key::of('/'), Action::Filter, "filter"),
    bind(Place::Conflicts, ESC, Action::Back, "back"),
    bind(Place::Conflict, Key::of('w'), Action::Decide(Decide::Newer), "newer").unless(not_by_date),
    bind(Place::Conflict, Key::of('o'), Action::Decide(Decide::Older), "older").unless(not_by_date),
    bind(Place::Conflict, Key::of('s'), Action::Decide(Decide::Source), "EHR").unless(not_decidable),
    bind(Place::Conflict, Key::of('t'), Action::Decide(Decide::Target), "here").unless(not_decidable),
    bind(Place::Conflict, Key::of('b'), Action::Decide(Decide::Both), "both").unless(not_both),
    bind(Place::Conflict, Key::of('m'), Action::Merge, "merge").unless(not_decidable),
    bind(Place::Conflict, Key::of('a'), Action::Alike, "all alike").unless(conflict::no_alike),
    bind(Place::Conflict, Key::of('u'), Action::Undo, "undo").unless(conflict::not_undoable),
    bind(Place::Conflict, ENTER, Action::Open, "field").unless(conflict::no_field),
    bind(Place::Conflict, Key::of('n'), Action::Next, "next"),
    bind(Place::Conflict, ESC, Action::Back, "back"),
    bind(Place::Quarantine, ENTER, Action::Open, "whole line").unless(quarantine::none_chosen),
    bind(Place::Quarantine, Key::of('e'), Action::Edit, "edit").unless(quarantine::not_editable),
    bind(Place::Quarantine, Key::of('w'), Action::Waive, "waive").unless(quarantine::not_waivable),
    bind(Place::Quarantine, Key::of('a'), Action::Alike, "all of this reason").unless(quarantine::none_alike),
    bind(Place::Quarantine, Key::of('/'), Action::Filter, "filter"),
    bind(Place::Quarantine, ESC, Action::Back, "back"),
    bind(Place::Merge, ENTER, Action::Open, "do it").unless(merge::not_mergeable),
    bind(Place::Merge, Key::plain(KeyCode::Left), Action::PickLeft, "EHR"),
    bind(Place::Merge, Key::plain(KeyCode::Right), Action::PickRight, "here"),
    bind(Place::Merge, Key::of('b'), Action::PickBoth, "both").unless(merge::not_both),
    bind(Place::Merge, Key::of('e'), Action::Edit, "edit"),
    bind(Place::Merge, Key::of('v'), Action::Preset, "proposal"),
    bind(Place::Merge, Key::of('r'), Action::Reset, "reset"),
    bind(Place::Merge, ESC, Action::Back, "back"),
    // Findings and sample charts.
    bind(Place::Findings, ENTER, Action::Open, "both sides").unless(findings::no_record),
    bind(Place::Findings, Key::of('r'), Action::Repair, "repair").unless(findings::not_repairable),
    bind(Place::Findings, ESC, Action::Back, "back"),
    bind(Place::Charts, ENTER, Action::Open, "look").unless(no_chart),
    bind(Place::Charts, Key::of('n'), Action::Next, "next to look at"),
    bind(Place::Charts, Key::of('a'), Action::New, "name a patient"),
    bind(Place::Charts, ESC, Action::Back, "back"),
    bind(Place::Chart, Key::of('p'), JUDGE[0], "pass").unless(chart::not_judgeable),
    bind(Place::Chart, Key::of('f'), JUDGE[1], "fail").unless(chart::not_judgeable),
    bind(Place::Chart, Key::of('w'), JUDGE[2], "waive").unless(chart::not_judgeable),
    bind(Place::Chart, Key::of('d'), Action::NextDifference, "difference"),
    bind(Place::Chart, Key::of('n'), Action::Next, "next"),
    bind(Place::Chart, ESC, Action::Back, "back"),
    bind(Place::Destination, ENTER, Action::Open, "look").unless(destination::no_problem),
    bind(Place::Destination, Key::of('c'), Action::Settle, "settle")
        .unless(destination::no_conflict)
        .quiet(),
    bind(Place::Destination, Key::of('t'), Action::Test, "check").unless(destination::not_known),
    bind(Place::Destination, Key::of('r'), Action::Run, "deliver").unless(destination::not_deliverable),
    bind(Place::Destination, Key::of('v'), Action::VerifyAgain, "verify").unless(destination::not_deliverable),
    bind(Place::Destination, Key::of('e'), Action::Edit, "URL").unless(destination::busy),
    bind(Place::Destination, Key::of('s'), Action::Preset, "server").unless(destination::not_known),
    bind(Place::Destination, Key::of('p'), Action::Pause, "pause").unless(not_at_work),
    bind(Place::Destination, ESC, Action::Back, "back"),
    bind(Place::Edit, Key::ctrl('s'), Action::Yes, "take it").unless(not_taken),
    bind(Place::Edit, ESC, Action::Back, "leave it"),
    // Lists.
    bind(Place::Lists, Key::plain(KeyCode::Up), Action::Go(Move::Up), "up").quiet(),
    bind(Place::Lists, Key::plain(KeyCode::Down), Action::Go(Move::Down), "down").quiet(),
    bind(Place::Lists, Key::of('k'), Action::Go(Move::Up), "up").quiet(),
    bind(Place::Lists, Key::of('j'), Action::Go(Move::Down), "down").quiet(),
    bind(
        Place::Lists,
        Key::plain(KeyCode::PageUp),
        Action::Go(Move::PageUp),
        "page up",
    )
    .quiet(),
    bind(
        Place::Lists,
        Key::plain(KeyCode::PageDown),
        Action::Go(Move::PageDown),
        "page down",
    )
    .quiet(),
    bind(
        Place::Lists,
        Key::plain(KeyCode::Home),
        Action::Go(Move::First),
        "first",
    )
    .quiet(),
    bind(Place::Lists, Key::plain(KeyCode::End), Action::Go(Move::Last), "last").quiet(),
    // Every screen.
    bind(Place::Home, Key::of('l'), Action::Log, "log").unless(no_migration),
    bind(Place::Screens, Key::of(':'), Action::Commands, "command"),
    bind(Place::Screens, Key::of('?'), Action::Help, "help"),
    bind(Place::Screens, Key::of('P'), Action::Privacy, "hide names").quiet(),
    bind(Place::Home, Key::of('q'), Action::Quit, "quit"),
    // Always.
    bind(Place::Everywhere, Key::ctrl('l'), Action::Redraw, "draw anew").quiet(),
    bind(Place::Everywhere, Key::ctrl('z'), Action::Suspend, "to the shell").quiet(),
    bind(Place::Everywhere, Key::ctrl('c'), Action::Quit, "quit").quiet(),
];

#[cfg(test)]
pub mod tests;
