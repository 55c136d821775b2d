use insta::assert_snapshot;

use crate::migration::Stage;
use crate::tui::look::{Look, Palette};
use crate::tui::sample::{model, shown, standing};

#[test]
fn empty() {
    let mut model = model();
    model.standings = Some(Vec::new());
    model.jobs.clear();
    assert_snapshot!(shown(&mut model, 80, 24));
}

#[test]
fn waiting() {
    assert_snapshot!(shown(&mut model(), 80, 24));
    assert_snapshot!(shown(&mut model(), 120, 40));
}

#[test]
fn without_colours_and_in_ascii() {
    let mut model = model();
    model.look = Look {
        palette: Palette::Plain,
        ascii: true,
    };
    assert_snapshot!(shown(&mut model, 80, 24));
}

#[test]
fn names_of_the_world_keep_their_columns() {
    let mut model = model();
    let names = [
        "مركز الصحة",
        "林記診所と健康相談センターの長い名前",
        "Nicola\u{301}s\u{202e}\u{1b}[2J",
        "Grüße 🏥🏥🏥",
    ];
    model.standings = Some(
        names
            .iter()
            .map(|name| standing("id", name, "smart", Stage::New))
            .collect(),
    );
    model.jobs.clear();
    assert_snapshot!(shown(&mut model, 80, 24));
}

#[test]
fn too_small() {
    assert_snapshot!(shown(&mut model(), 50, 10));
}
