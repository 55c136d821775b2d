use insta::assert_snapshot;

use crate::engine::{Choice, Command};
use crate::fhir::{Pick, Survivorship};
use crate::migration::ConflictKind;
use crate::tui::action::Action;
use crate::tui::input::Input;
use crate::tui::key::Key;
use crate::tui::list::Move;
use crate::tui::message::{Effect, Msg};
use crate::tui::model::Model;
use crate::tui::overlay::Overlay;
use crate::tui::sample::conflicts::{conflict, looked_at};
use crate::tui::sample::looks;
use crate::tui::screen::Screen;
use crate::tui::update::{act, update};

const LEFT: &str = r#"{"resourceType":"Patient","id":"a","name":[{"use":"official","family":"Nguyễn","given":["Thị","Lan"]}],"gender":"female",
"birthDate":"1984-03-07","address":[{"line":["2222 Home St"],"city":"Lawrence"}]}"#;
const RIGHT: &str = r#"{"resourceType":"Patient","id":"b","name":[{"use":"official","family":"Nguyen","given":["Lan"]}],"gender":"other",
"birthDate":"1984-03-08","language":"vi"}"#;

fn merging() -> Model {
    let mut model = looked_at(conflict(1, ConflictKind::MrnInUse, 312), LEFT, RIGHT);
    act(&mut model, Action::Merge);
    assert_eq!(model.screen, Screen::Merge);
    model
}

fn choose(model: &mut Model, path: &str) {
    let beside = model.conflict.beside().unwrap();
    let at = beside.differences.iter().position(|found| found.path == path).unwrap();
    act(model, Action::Go(Move::First));
    for _ in 0..at {
        act(model, Action::Go(Move::Down));
    }
}

fn retype(model: &mut Model, text: &str) {
    for _ in 0..80 {
        update(
            model,
            Msg::Input(Input::Key(Key::plain(crossterm::event::KeyCode::Delete))),
        );
    }
    update(model, Msg::Input(Input::Paste(text.to_owned())));
}

#[test]
fn picks_and_their_result() {
    assert_snapshot!(looks(&mut merging()));
}

#[test]
fn a_side_is_picked_by_key_and_merging_is_typed() {
    let mut model = merging();
    choose(&mut model, "gender");
    act(&mut model, Action::PickLeft);
    act(&mut model, Action::Preset);
    assert_eq!(act(&mut model, Action::Open), []);
    assert_snapshot!(looks(&mut model));
    let Some(Overlay::Question(question)) = &mut model.overlay else {
        panic!("nothing was asked");
    };
    assert!(question.lacks().is_some());
    question.typed.insert("merge");
    let effects = act(&mut model, Action::Yes);
    let [
        Effect::Start(
            _,
            Command::Resolve {
                conflicts,
                choice: Choice::Merge(proposal),
                ..
            },
        ),
    ] = effects.as_slice()
    else {
        panic!("{effects:?}");
    };
    assert_eq!(conflicts, &["c00001"]);
    assert_eq!(proposal.survivorship, Survivorship::Union);
    assert_eq!(proposal.picks.get("gender"), Some(&Pick::Left));
}

#[test]
fn who_merged_sees_the_decision_and_who_could_not_keeps_the_picks() {
    use crate::migration::Resolution;
    use crate::tui::message::Reply;
    use crate::tui::sample::conflicts::decided;

    let mut model = merging();
    choose(&mut model, "gender");
    act(&mut model, Action::PickLeft);
    let open = conflict(1, ConflictKind::MrnInUse, 312);
    let reply = |row| Msg::Read(Reply::Conflicts("lakeside".to_owned(), vec![row]));
    update(&mut model, reply(open.clone()));
    assert_eq!((model.screen, model.merge.proposal.picks.len()), (Screen::Merge, 1));
    update(&mut model, reply(decided(open, Resolution::Merge)));
    assert_eq!(model.screen, Screen::Conflict);
}

#[test]
fn what_is_not_an_item_of_a_list_cannot_be_both() {
    let mut model = merging();
    choose(&mut model, "birthDate");
    assert!(super::not_both(&model).is_some());
    choose(&mut model, "name[use=official]");
    assert_eq!(super::not_both(&model), None);
}

#[test]
fn an_edit_is_checked_as_it_is_typed() {
    let mut model = merging();
    choose(&mut model, "gender");
    act(&mut model, Action::Edit);
    retype(&mut model, "\"femal\"");
    let Some(Overlay::Edit(editor)) = &model.overlay else {
        panic!("nothing is edited");
    };
    assert!(editor.problem.is_some());
    assert_snapshot!(looks(&mut model));
    // The key that takes it does not work while it is wrong.
    update(&mut model, Msg::Input(Input::Key(Key::ctrl('s'))));
    assert!(matches!(&model.overlay, Some(Overlay::Edit(_))));
    act(&mut model, Action::Back);
    assert_eq!(model.merge.proposal.picks.get("gender"), None);
    act(&mut model, Action::Edit);
    retype(&mut model, "\"unknown\"");
    update(&mut model, Msg::Input(Input::Key(Key::ctrl('s'))));
    assert!(model.merge.proposal.picks.get("gender") == Some(&Pick::Edited("\"unknown\"".to_owned())));
    assert_eq!(super::not_mergeable(&model), None);
    act(&mut model, Action::Reset);
    assert!(model.merge.proposal.picks.is_empty());
}
