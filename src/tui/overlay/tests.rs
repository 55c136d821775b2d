use insta::assert_snapshot;

use super::*;
use crate::tui::input::Input;
use crate::tui::key::Key;
use crate::tui::message::{Effect, Msg, Problem};
use crate::tui::model::Model;
use crate::tui::sample::{looks, model};
use crate::tui::update::update;
use crossterm::event::KeyCode;

fn pressed(model: &mut Model, keys: &[Key]) -> Vec<Effect> {
    keys.iter()
        .flat_map(|key| update(model, Msg::Input(Input::Key(*key))))
        .collect()
}

const ENTER: Key = Key::plain(KeyCode::Enter);
const ESC: Key = Key::plain(KeyCode::Esc);

#[test]
fn help_names_every_key_and_why_one_does_not_work() {
    let mut model = model();
    pressed(&mut model, &[Key::of('?')]);
    assert_snapshot!(looks(&mut model));
    pressed(&mut model, &[Key::plain(KeyCode::PageDown), ESC]);
    assert_eq!(model.overlay, None);
}

#[test]
fn an_action_is_found_by_a_part_of_its_name() {
    let mut model = model();
    pressed(&mut model, &[Key::of(':'), Key::of('h'), Key::of('e')]);
    assert_snapshot!(looks(&mut model));
    pressed(&mut model, &[ENTER]);
    assert!(matches!(model.overlay, Some(Overlay::Help(_))));
}

#[test]
fn what_is_pasted_narrows_the_actions_as_what_is_typed() {
    let (mut typed, mut pasted) = (model(), model());
    let begin = [Key::of(':'), Key::plain(KeyCode::Down), Key::plain(KeyCode::Down)];
    pressed(&mut typed, &begin);
    pressed(&mut typed, &[Key::of('h'), Key::of('e')]);
    pressed(&mut pasted, &begin);
    update(&mut pasted, Msg::Input(Input::Paste("he".to_owned())));
    assert_eq!(pasted.overlay, typed.overlay);
}

#[test]
fn what_cannot_be_undone_is_done_only_when_a_word_was_typed() {
    let mut model = model();
    model.jobs.clear();
    model.standings.as_mut().unwrap()[1].counts.rows = 0;
    pressed(&mut model, &[Key::of('j'), Key::of('d'), Key::of('h'), Key::of('a')]);
    assert_snapshot!(looks(&mut model));
    assert_eq!(pressed(&mut model, &[ENTER]), []);
    let rest = ['r', 'b', 'o', 'r'].map(Key::of);
    pressed(&mut model, &rest);
    assert_eq!(pressed(&mut model, &[ENTER]), [Effect::Remove("harbor".to_owned())]);
}

#[test]
fn what_went_wrong_is_told_in_full() {
    let mut model = model();
    let problem = Problem {
        what: "the token server https://oauthserver.eclinicalworks.com/oauth/oauth2/token refused us: invalid_client"
            .to_owned(),
        hint: Some("check that the JWKS is published, and on the vendor's allow list; then run again".to_owned()),
        wanted: false,
    };
    update(&mut model, Msg::Failed(problem.clone()));
    assert_snapshot!(looks(&mut model));
    // It does not get in the way of somebody who is being asked something.
    pressed(&mut model, &[ESC, Key::of('n')]);
    update(&mut model, Msg::Failed(problem));
    assert!(matches!(model.overlay, Some(Overlay::Ask(_))) && model.toast.is_some());
}

#[test]
fn a_new_migration_is_asked_for_its_name() {
    let mut model = model();
    pressed(&mut model, &[Key::of('n'), ENTER]);
    assert!(model.toast.is_some(), "without a name it is not added");
    update(&mut model, Msg::Input(Input::Paste("Grüße & Söhne".to_owned())));
    assert_snapshot!(looks(&mut model));
    assert_eq!(pressed(&mut model, &[ENTER]), [Effect::Add("Grüße & Söhne".to_owned())]);
}

#[test]
fn quitting_while_a_job_is_at_work_is_asked() {
    let mut model = model();
    assert_eq!(pressed(&mut model, &[Key::of('q')]), []);
    assert_snapshot!(looks(&mut model));
    assert_eq!(pressed(&mut model, &[ESC]), []);
    assert_eq!(pressed(&mut model, &[Key::ctrl('c'), ENTER]), [Effect::Quit]);
}

#[test]
fn the_privacy_key_hides_who_a_patient_is() {
    let mut model = model();
    assert_eq!(model.private("Lan 4471"), "Lan 4471");
    pressed(&mut model, &[Key::of('P')]);
    assert_eq!(model.private("Lan 4471"), "••• ••••");
}

#[test]
fn help_and_commands_on_a_step() {
    let mut model = model();
    model.open = Some("harbor".to_owned());
    model.screen = crate::tui::screen::Screen::Step(crate::migration::Step::Ingest);
    pressed(&mut model, &[Key::of('?')]);
    assert_snapshot!(looks(&mut model));
    pressed(&mut model, &[ESC, Key::of(':')]);
    assert_snapshot!(looks(&mut model));
}

#[test]
fn a_long_notice_in_all_scripts() {
    let mut model = model();
    let problem = Problem {
        what: "النظام لا يجيب 患者のシステムが応答しません Nicola\u{301}s\u{202e}\u{1b}[2J ".repeat(12),
        hint: Some("wait a while".to_owned()),
        wanted: false,
    };
    update(&mut model, Msg::Failed(problem));
    assert_snapshot!(looks(&mut model));
}
