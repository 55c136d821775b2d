use insta::assert_snapshot;

use super::*;
use crate::migration::Step;
use crate::tui::sample::{looks, model};
use crate::tui::screen::Screen;

fn export() -> Model {
    let mut model = model();
    model.open = Some("northgate".to_owned());
    model.screen = Screen::Step(Step::Export);
    let plan = &mut model.standings.as_mut().unwrap()[2].plan;
    plan.types = ["Patient", "Condition", "Observation"].map(ToOwned::to_owned).to_vec();
    model.export.request = Some(crate::engine::kickoff_preview(plan).map_err(|error| error.to_string()));
    model
}

#[test]
fn the_request_is_shown_as_it_will_be_sent() {
    assert_snapshot!(looks(&mut export()));
}

#[test]
fn what_it_lacks_is_said() {
    let mut model = export();
    let plan = &mut model.standings.as_mut().unwrap()[2].plan;
    plan.group = None;
    model.export.request = Some(crate::engine::kickoff_preview(plan).map_err(|error| error.to_string()));
    assert_snapshot!(looks(&mut model));
}

#[test]
fn types_are_ticked_in_a_list() {
    let mut model = export();
    model.export.list.at = 2;
    act(&mut model, Action::Tick);
    assert_snapshot!(looks(&mut model));
    let Some(Overlay::Choose(mut choose)) = model.overlay else {
        panic!("no list")
    };
    assert_eq!(choose.value(), "Condition,Observation,Patient");
    choose.tick_all();
    assert_eq!(choose.value().split(',').count(), 29);
    choose.tick_all();
    assert_eq!(choose.value(), "");
}
