use insta::assert_snapshot;

use crate::engine::{Answer, Choice, Command};
use crate::migration::{ConflictKind, Resolution};
use crate::tui::action::Action;
use crate::tui::input::Input;
use crate::tui::key::Key;
use crate::tui::list::Move;
use crate::tui::message::{Effect, Msg, News, Query, Reply};
use crate::tui::sample::conflicts::{conflict, model};
use crate::tui::sample::{looks, press};
use crate::tui::screen::Screen;
use crate::tui::update::{act, update};

#[test]
fn empty() {
    assert_snapshot!(looks(&mut model(Vec::new())));
}

#[test]
fn reading() {
    let mut model = model(Vec::new());
    model.conflicts = super::State::default();
    assert_snapshot!(looks(&mut model));
}

#[test]
fn few() {
    let rows = || {
        vec![
            conflict(1, ConflictKind::MrnInUse, 312),
            conflict(2, ConflictKind::ContentDiffers, 0),
            conflict(3, ConflictKind::SamePerson, 1),
        ]
    };
    assert_snapshot!(looks(&mut model(rows())));
}

#[test]
fn ten_thousand_of_which_the_last_is_chosen() {
    let rows = (0..10_000).map(|n| conflict(n, ConflictKind::MrnInUse, u64::from(n % 7)));
    let mut model = model(rows.collect());
    act(&mut model, Action::Go(Move::Last));
    assert_snapshot!(looks(&mut model));
}

#[test]
fn contradictions_in_all_scripts_stay_in_their_columns() {
    let mut row = conflict(1, ConflictKind::MrnInUse, 0);
    row.conflict.resource_type = "病患の記録\u{202e}\u{1b}[2J".to_owned();
    row.conflict.contradictions = vec!["مريض".to_owned(), "e\u{301}\u{301}".to_owned()];
    assert_snapshot!(looks(&mut model(vec![row])));
}

#[test]
fn a_filter_narrows_the_list_and_next_passes_over_what_is_decided() {
    let mut rows = vec![
        conflict(1, ConflictKind::MrnInUse, 3),
        conflict(2, ConflictKind::ContentDiffers, 0),
        conflict(3, ConflictKind::MrnInUse, 1),
    ];
    rows[2] = crate::tui::sample::conflicts::decided(rows[2].clone(), Resolution::KeepSource);
    let mut model = model(rows);
    press(&mut model, "/other content\n");
    assert_eq!(model.conflicts.place(), (1, 1));
    assert_eq!(model.conflicts.chosen().unwrap().conflict.id, "c00002");
    press(&mut model, "/");
    update(&mut model, Msg::Input(Input::Key(Key::ctrl('u'))));
    press(&mut model, "\nn");
    assert_eq!(model.conflicts.chosen().unwrap().conflict.id, "c00002");
    press(&mut model, "n");
    assert_eq!(model.conflicts.chosen().unwrap().conflict.id, "c00001");
}

#[test]
fn the_chosen_conflict_stays_chosen_when_the_list_is_read_again() {
    let rows: Vec<_> = (0..9)
        .map(|n| conflict(n, ConflictKind::MrnInUse, u64::from(n)))
        .collect();
    let mut model = model(rows.clone());
    act(&mut model, Action::Go(Move::Down));
    let chosen = model.conflicts.chosen().unwrap().conflict.id.clone();
    let rows = rows.into_iter().map(|row| {
        if row.conflict.id == chosen {
            crate::tui::sample::conflicts::decided(row, Resolution::KeepTarget)
        } else {
            row
        }
    });
    update(
        &mut model,
        Msg::Read(Reply::Conflicts("lakeside".to_owned(), rows.collect())),
    );
    assert_eq!(model.conflicts.chosen().unwrap().conflict.id, chosen);
    assert_eq!(model.conflicts.place(), (2, 9));
}

#[test]
fn a_decision_goes_through_the_engine_and_what_is_shown_is_read_again() {
    let mut model = model(vec![conflict(1, ConflictKind::MrnInUse, 3)]);
    let looked = press(&mut model, "\n");
    let query = Query::Beside("lakeside".to_owned(), "c00001".to_owned());
    assert_eq!(looked, [Effect::Read(query)]);
    let effects = press(&mut model, "s");
    let [Effect::Start(plan, Command::Resolve { conflicts, choice, who })] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!((plan.id.as_str(), who.login.as_str()), ("lakeside", "ann"));
    assert_eq!(
        (conflicts.as_slice(), choice),
        (&["c00001".to_owned()][..], &Choice::Outright(Resolution::KeepSource))
    );
    let told = Answer::Resolved(vec![("c00001".to_owned(), Some(Resolution::KeepSource))]);
    let news = News::Ended(Box::new(Ok(told)));
    let effects = update(&mut model, Msg::Job("lakeside".to_owned(), news));
    assert!(
        effects.contains(&Effect::Read(Query::Conflicts("lakeside".to_owned()))),
        "{effects:?}"
    );
    assert_eq!(model.screen, Screen::Conflict);
}

#[test]
fn what_the_list_is_narrowed_to_is_typed_below_it() {
    let rows = vec![
        conflict(1, ConflictKind::MrnInUse, 3),
        conflict(2, ConflictKind::ContentDiffers, 0),
    ];
    let mut model = model(rows);
    press(&mut model, "/content");
    assert_snapshot!(looks(&mut model));
}
