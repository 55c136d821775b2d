use insta::assert_snapshot;

use crate::migration::Stage;
use crate::tui::sample::{looks, model, shown, standing};

#[test]
fn empty() {
    let mut model = model();
    model.standings = Some(Vec::new());
    model.jobs.clear();
    assert_snapshot!(looks(&mut model));
}

#[test]
fn waiting() {
    assert_snapshot!(looks(&mut model()));
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
    assert_snapshot!(looks(&mut model));
}

#[test]
fn too_small() {
    assert_snapshot!(shown(&mut model(), 50, 10));
}
