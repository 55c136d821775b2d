use insta::assert_snapshot;

use crate::migration::Step;
use crate::tui::action::Action;
use crate::tui::list::Move;
use crate::tui::message::{Effect, Query};
use crate::tui::model::Model;
use crate::tui::overlay::{For, Overlay};
use crate::tui::sample::looks;
use crate::tui::sample::proof::{charts, model, verification, verified};
use crate::tui::screen::Screen;
use crate::tui::update::act;

fn list() -> Model {
    let mut model = model(Step::Verify, Some(verification(Vec::new())), charts(), &[verified()]);
    let read = Effect::Read(Query::Verified("lakeside".to_owned()));
    assert_eq!(act(&mut model, Action::Charts), [read]);
    model
}

#[test]
fn every_chart_with_what_was_said_of_it() {
    assert_snapshot!(looks(&mut list()));
}

#[test]
fn none_were_drawn_yet() {
    let mut model = model(Step::Verify, None, Vec::new(), &[]);
    act(&mut model, Action::Charts);
    assert!(crate::tui::why_not::no_chart(&model).is_some());
    assert_snapshot!(looks(&mut model));
}

#[test]
fn the_next_one_is_the_next_that_waits() {
    let mut model = list();
    act(&mut model, Action::Next);
    assert_eq!(model.charts.chosen(&model).unwrap().patient.number, 12);
    act(&mut model, Action::Go(Move::Last));
    act(&mut model, Action::Next);
    assert_eq!(model.charts.chosen(&model).unwrap().patient.number, 12);
    act(&mut model, Action::Open);
    assert_eq!(model.screen, Screen::Chart);
    act(&mut model, Action::Back);
    assert_eq!(model.charts.chosen(&model).unwrap().patient.number, 12);
    act(&mut model, Action::Back);
    assert_eq!(model.screen, Screen::Step(Step::Verify));
}

#[test]
fn a_patient_is_named_by_id() {
    let mut model = list();
    act(&mut model, Action::New);
    let Some(Overlay::Ask(ask)) = &mut model.overlay else {
        panic!("nothing was asked")
    };
    assert_eq!(ask.purpose, For::NamedPatient);
    ask.typed.insert("4471-02");
    let effects = act(&mut model, Action::Yes);
    assert!(matches!(effects.as_slice(), [Effect::NamePatient(_, id)] if id == "4471-02"));
}
