use insta::assert_snapshot;

use super::*;
use crate::migration::ByType;
use crate::tui::sample::looks;
use crate::tui::sample::steps::{ingest, snapshot};

#[test]
fn at_full_speed() {
    assert_snapshot!(looks(&mut ingest()));
}

#[test]
fn a_file_that_failed_says_why() {
    let mut model = ingest();
    model.ingest.list.at = 0;
    assert_snapshot!(looks(&mut model));
}

#[test]
fn afterwards_it_shows_what_decisions_have_moved() {
    let mut model = ingest();
    model.jobs.clear();
    let standing = &mut model.standings.as_mut().unwrap()[1];
    standing.state.stage = Stage::Completed;
    standing.files = snapshot(100);
    let patients = Counts {
        rows: 12_450,
        stored: 12_436,
        undecided: 14,
        ..Counts::default()
    };
    standing.by_type = ByType::from([("Patient".to_owned(), patients)]);
    standing.counts = patients;
    standing.conflicts = 14;
    assert_snapshot!(looks(&mut model));
}

#[test]
fn nothing_yet() {
    let mut model = ingest();
    model.open = Some("northgate".to_owned());
    model.standings.as_mut().unwrap()[2].state.stage = Stage::Exporting;
    assert_snapshot!(looks(&mut model));
}
