use std::time::Duration;

use insta::assert_snapshot;

use super::*;
use crate::engine::FileProgress;
use crate::migration::{ByType, Step};
use crate::tui::look::{Look, Palette};
use crate::tui::sample::{model, now, shown};
use crate::tui::screen::Screen;

fn file(name: &str, rows: u64, expected: u64, ended: bool) -> FileProgress {
    let counts = Counts {
        rows,
        stored: rows - rows / 50,
        unchanged: rows / 100,
        held: rows / 100,
        ..Counts::default()
    };
    FileProgress {
        name: format!("{name}.001.ndjson"),
        kind: Some(FileKind::Output),
        resource_type: Some(name.to_owned()),
        bytes: rows * 700,
        expected: Some(expected),
        ended,
        counts: ByType::from([(name.to_owned(), counts)]),
        ..FileProgress::default()
    }
}

fn snapshot(part: u64) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let mut put = |number, progress| drop(snapshot.files.insert(number, progress));
    put(1, file("Organization", 203, 203, true));
    put(2, file("Patient", 12_450, 12_450, true));
    put(3, file("Encounter", 184_220 * part / 100, 184_220, false));
    put(4, file("Observation", 0, 2_400_000, false));
    put(
        5,
        FileProgress {
            failed: Some("the link had expired (404)".to_owned()),
            ..file("Condition", 0, 9_000, false)
        },
    );
    let issues = [("error".to_owned(), 1), ("information".to_owned(), 1)].into();
    put(
        6,
        FileProgress {
            kind: Some(FileKind::Outcome),
            issues,
            ended: true,
            ..FileProgress::default()
        },
    );
    snapshot
}

fn ingest() -> Model {
    let mut model = model();
    model.open = Some("harbor".to_owned());
    model.screen = Screen::Step(Step::Ingest);
    model.standings.as_mut().unwrap()[1].state.stage = Stage::Ingesting;
    let job = model.jobs.get_mut("harbor").unwrap();
    for step in 0..20_u64 {
        job.update(now() - Duration::from_millis((20 - step) * 500), snapshot(step * 3));
    }
    model
}

#[test]
fn at_full_speed() {
    assert_snapshot!(shown(&mut ingest(), 80, 24));
    assert_snapshot!(shown(&mut ingest(), 120, 40));
    let mut model = ingest();
    model.look = Look {
        palette: Palette::Plain,
        ascii: true,
    };
    assert_snapshot!(shown(&mut model, 80, 24));
}

#[test]
fn a_file_that_failed_says_why() {
    let mut model = ingest();
    model.ingest.list.at = 0;
    assert_snapshot!(shown(&mut model, 80, 24));
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
    assert_snapshot!(shown(&mut model, 80, 24));
}

#[test]
fn nothing_yet() {
    let mut model = ingest();
    model.open = Some("northgate".to_owned());
    model.standings.as_mut().unwrap()[2].state.stage = Stage::Exporting;
    assert_snapshot!(shown(&mut model, 80, 24));
}
