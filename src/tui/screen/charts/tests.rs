use insta::assert_snapshot;

use crate::migration::Step;
use crate::tui::action::Action;
use crate::tui::list::Move;
use crate::tui::look::{Look, Palette};
use crate::tui::message::{Effect, Query};
use crate::tui::model::Model;
use crate::tui::overlay::{For, Overlay};
use crate::tui::sample::proof::{charts, model, verification, verified};
use crate::tui::sample::shown;
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
    assert_snapshot!(shown(&mut list(), 80, 24));
    assert_snapshot!(shown(&mut list(), 120, 40));
    let mut plain = list();
    plain.look = Look {
        palette: Palette::Plain,
        ascii: true,
    };
    assert_snapshot!(shown(&mut plain, 80, 24));
}

#[test]
fn none_were_drawn_yet() {
    let mut model = model(Step::Verify, None, Vec::new(), &[]);
    act(&mut model, Action::Charts);
    assert!(crate::tui::why_not::no_chart(&model).is_some());
    assert_snapshot!(shown(&mut model, 80, 24));
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
