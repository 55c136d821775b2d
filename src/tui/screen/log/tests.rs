use insta::assert_snapshot;

use super::*;
use crate::tui::list::Move;
use crate::tui::sample::{looks, model, now};

fn entry(seq: u64, event: Event) -> JournalEntry<Event> {
    JournalEntry {
        migration: "lakeside".to_owned(),
        seq,
        at: now(),
        who: "ann".to_owned(),
        previous: String::new(),
        event,
    }
}

fn log() -> Model {
    let mut model = model();
    model.open = Some("lakeside".to_owned());
    model.screen = Screen::Log;
    let download = |file| Event::DownloadComplete {
        file,
        name: format!("Observation.{file:03}.ndjson"),
        bytes: 1000,
        rows: 500_000,
        blake3: String::new(),
        promised: None,
    };
    let mut entries = vec![entry(1, Event::RunStarted { run: 1, since: None })];
    entries.extend((1..30).map(|file| entry(u64::from(file) + 1, download(file))));
    let reason = "the connection was lost \u{1b}]0;owned\u{7}\u{202e}".to_owned();
    entries.push(entry(31, Event::RunFailed { reason }));
    model.log.take(entries);
    model
}

#[test]
fn the_newest_entry_is_chosen_and_nothing_in_it_steers_the_terminal() {
    assert_snapshot!(looks(&mut log()));
}

#[test]
fn it_is_narrowed_to_what_was_typed_and_leads_to_where_it_happened() {
    let mut model = log();
    model.log.narrow("Observation.02");
    assert_snapshot!(looks(&mut model));
    act(&mut model, Action::Open);
    assert_eq!(model.screen, Screen::Step(Step::Ingest));
}

#[test]
fn whoever_looks_at_something_older_is_not_carried_away() {
    let mut model = log();
    act(&mut model, Action::Go(Move::First));
    model.log.take(
        (1..50)
            .map(|seq| entry(seq, Event::RunStarted { run: 1, since: None }))
            .collect(),
    );
    assert_eq!(model.log.list.at, 0);
    act(&mut model, Action::Go(Move::Last));
    model.log.take(
        (1..60)
            .map(|seq| entry(seq, Event::RunStarted { run: 1, since: None }))
            .collect(),
    );
    assert_eq!(model.log.list.at, 58);
}

#[test]
fn nothing_has_happened_yet() {
    let mut model = log();
    model.log.take(Vec::new());
    assert_snapshot!(looks(&mut model));
}
