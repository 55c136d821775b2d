use crossterm::event::KeyCode;
use insta::assert_snapshot;

use crate::engine::{Answer, Aside, Beginning, Command, Line};
use crate::migration::{Amended, By, Quarantined, Waived};
use crate::store::RowId;
use crate::tui::input::Input;
use crate::tui::key::Key;
use crate::tui::message::{Effect, Msg, News, Query, Reply};
use crate::tui::model::Model;
use crate::tui::overlay::Overlay;
use crate::tui::sample::{self, looks, press, shown};
use crate::tui::screen::Screen;
use crate::tui::update::update;

fn aside(line: u32, code: &str, reason: &str) -> Aside {
    let row = RowId { run: 1, file: 7, line };
    Aside {
        row,
        what: Quarantined {
            run: 1,
            file: 7,
            file_name: "Observation_3.ndjson".to_owned(),
            line: line.into(),
            offset: 4_711,
            len: 120,
            resource_type: "Observation".to_owned(),
            code: code.to_owned(),
            reason: reason.to_owned(),
        },
        waived: None,
        amended: None,
    }
}

fn read(text: String, whole: bool) -> Beginning {
    Beginning { text, whole }
}

fn few() -> Vec<Aside> {
    let mut rows = vec![
        aside(17, "not-json", "the line is not JSON"),
        aside(1_204, "missing-element", "Observation.status is required and missing"),
        aside(90_321, "not-json", "the line is not JSON"),
    ];
    rows[1].waived = Some(Waived {
        by: By {
            login: "ann".to_owned(),
            name: Some("Dr. Ann Lee".to_owned()),
            why: Some("a test result of 1987, on paper as well".to_owned()),
        },
        when: "2026-11-20T10:00:00Z".to_owned(),
    });
    rows
}

fn model(rows: Vec<Aside>) -> Model {
    let mut model = sample::model();
    model.open = Some("lakeside".to_owned());
    model.screen = Screen::Quarantine;
    let first = rows.first().map(|aside| aside.row);
    update(&mut model, Msg::Read(Reply::Quarantine("lakeside".to_owned(), rows)));
    if let Some(row) = first {
        let line = "{\"resourceType\":\"Observation\",\"id\":\"o-17\",\"status\":\"final\",\"subject\":{\"reference\":\"Patient/p1\"},".repeat(9);
        update(&mut model, Msg::Read(Reply::Original(row, Ok(read(line, true)))));
    }
    model
}

#[test]
fn empty() {
    assert_snapshot!(looks(&mut model(Vec::new())));
}

#[test]
fn reading() {
    let mut model = model(Vec::new());
    model.quarantine = super::State::default();
    assert_snapshot!(looks(&mut model));
}

#[test]
fn some() {
    assert_snapshot!(looks(&mut model(few())));
}

#[test]
fn one_that_is_waived_says_by_whom_and_why() {
    let mut model = model(few());
    press(&mut model, "jj");
    assert_snapshot!(looks(&mut model));
}

#[test]
fn the_whole_line_can_be_read() {
    let mut model = model(few());
    press(&mut model, "\n");
    assert_snapshot!(looks(&mut model));
    press(&mut model, "\n");
    assert!(model.overlay.is_none());
}

#[test]
fn while_others_look_on_the_line_is_hidden() {
    let mut model = model(few());
    press(&mut model, "P");
    assert!(!shown(&mut model, 80, 24).contains("o-17"));
    press(&mut model, "\n");
    assert!(!shown(&mut model, 80, 24).contains("o-17"));
}

#[test]
fn what_is_in_a_line_cannot_steer_the_terminal() {
    let mut rows = few();
    rows[0].what.file_name = "a\u{1b}]0;owned\u{7}.ndjson".to_owned();
    rows[0].what.resource_type = "病患\u{202e}x".to_owned();
    let mut model = model(rows.clone());
    let line = "\u{1b}[2J\u{1b}]52;c;aGk=\u{7}\u{202e}مريض 病患 e\u{301}\t".repeat(20);
    update(
        &mut model,
        Msg::Read(Reply::Original(rows[0].row, Ok(read(line, false)))),
    );
    let shown = shown(&mut model, 80, 24);
    assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']));
    assert_snapshot!(shown);
}

#[test]
fn the_line_of_whatever_row_is_chosen_is_asked_for_once() {
    let mut model = model(few());
    let effects = press(&mut model, "j");
    let row = RowId {
        run: 1,
        file: 7,
        line: 90_321,
    };
    assert_eq!(effects, [Effect::Read(Query::Original("lakeside".to_owned(), row))]);
    update(
        &mut model,
        Msg::Read(Reply::Original(row, Ok(read("{".to_owned(), true)))),
    );
    let typed = press(&mut model, "/missing");
    let narrowed = RowId { line: 1_204, ..row };
    assert!(typed.contains(&Effect::Read(Query::Original("lakeside".to_owned(), narrowed))));
    press(&mut model, "\n");
    update(&mut model, Msg::Input(Input::Key(Key::of('/'))));
    update(&mut model, Msg::Input(Input::Key(Key::plain(KeyCode::Esc))));
    update(
        &mut model,
        Msg::Read(Reply::Original(few()[0].row, Ok(read("{".to_owned(), true)))),
    );
    let again = Reply::Quarantine("lakeside".to_owned(), few());
    assert_eq!(update(&mut model, Msg::Read(again)), []);
}

#[test]
fn a_row_or_all_of_its_reason_are_waived_for_a_reason_and_read_again() {
    let mut model = model(few());
    assert_eq!(press(&mut model, "w\n"), [], "without a reason nothing happens");
    assert_snapshot!(looks(&mut model));
    let effects = press(&mut model, "a test\n");
    let [Effect::Start(plan, Command::Waive { rows, who })] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(
        (plan.id.as_str(), who.login.as_str(), who.why.as_deref()),
        ("lakeside", "ann", Some("a test"))
    );
    assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [17]);
    let effects = press(&mut model, "atwice\n");
    let [Effect::Start(_, Command::Waive { rows, .. })] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [17, 90_321]);
    let news = News::Ended(Box::new(Ok(Answer::Waived(2))));
    let effects = update(&mut model, Msg::Job("lakeside".to_owned(), news));
    assert!(effects.contains(&Effect::Read(Query::Quarantine("lakeside".to_owned()))));
}

#[test]
fn what_is_waived_is_not_waived_again() {
    let mut model = model(few());
    press(&mut model, "jjw");
    assert!(model.overlay.is_none());
    assert!(model.toast.is_some());
}

/// A row of another type than its file, read in full.
fn mistyped() -> Model {
    let rows = vec![aside(
        3,
        "other-type",
        "the record is a Basic, in a file of Observation",
    )];
    let mut model = model(rows);
    let line = r#"{"resourceType":"Basic","id":"o-3","status":"final","code":{"text":"x"}}"#.to_owned();
    let row = model.quarantine.chosen().unwrap().row;
    update(&mut model, Msg::Read(Reply::Original(row, Ok(read(line, true)))));
    model
}

fn put(model: &mut Model, text: &str) {
    for (key, times) in [(KeyCode::Down, 1), (KeyCode::End, 1), (KeyCode::Backspace, 8)] {
        for _ in 0..times {
            update(model, Msg::Input(Input::Key(Key::plain(key))));
        }
    }
    update(model, Msg::Input(Input::Paste(text.to_owned())));
}

#[test]
fn a_line_is_checked_as_it_is_set_right() {
    let mut model = mistyped();
    press(&mut model, "e");
    assert_snapshot!(looks(&mut model));
    update(&mut model, Msg::Input(Input::Key(Key::ctrl('s'))));
    assert!(
        matches!(&model.overlay, Some(Overlay::Edit(_))),
        "it is not taken while it is wrong"
    );
    put(&mut model, "\"Observation\",");
    assert_snapshot!(looks(&mut model));
    update(&mut model, Msg::Input(Input::Key(Key::ctrl('s'))));
    assert_eq!(press(&mut model, "\n"), [], "without a reason nothing happens");
    assert_snapshot!(looks(&mut model));
    // Whoever thinks better of it finds what was typed again.
    update(&mut model, Msg::Input(Input::Key(Key::plain(KeyCode::Esc))));
    press(&mut model, "e");
    update(&mut model, Msg::Input(Input::Key(Key::ctrl('s'))));
    let effects = press(&mut model, "the paper says so\n");
    let [Effect::Start(_, Command::Amend { rows, who })] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    let line = r#"{ "resourceType": "Observation", "id": "o-3", "status": "final", "code": { "text": "x" } }"#;
    assert_eq!(rows, &[(aside(3, "", "").row, Line::new(line))]);
    assert_eq!(
        (who.login.as_str(), who.why.as_deref()),
        ("ann", Some("the paper says so"))
    );
}

#[test]
fn a_row_that_was_set_right_says_by_whom_and_is_not_waived() {
    let mut rows = few();
    rows[0].amended = Some(Amended {
        by: By {
            login: "ann".to_owned(),
            name: None,
            why: Some("the paper says so".to_owned()),
        },
        when: "2026-11-20T10:00:00Z".to_owned(),
    });
    rows.truncate(1);
    let mut model = model(rows);
    assert_snapshot!(looks(&mut model));
    assert!(super::not_waivable(&model).is_some() && super::not_editable(&model).is_none());
    press(&mut model, "P");
    assert!(super::not_editable(&model).is_some(), "while others look on");
}
