//! For tests: steps while a job is at work.

use std::time::Duration;

use super::{model, now};
use crate::engine::{FileProgress, Polling, Snapshot};
use crate::migration::{ByType, Counts, FileKind, Stage, Step};
use crate::tui::model::Model;
use crate::tui::screen::Screen;

/// Poll, while the server prepares the export.
pub fn poll() -> Model {
    let mut model = model();
    model.open = Some("harbor".to_owned());
    model.screen = Screen::Step(Step::Poll);
    let standing = &mut model.standings.as_mut().unwrap()[1];
    standing.kicked_off = Some(now() - Duration::from_secs(2292));
    standing.plan.requests_per_minute = Some(250);
    standing.state.status_url =
        Some("https://fhir4.eclinicalworks.com/fhir/r4/FACGCD/$export-poll-location?job_id=7f3c2b19".to_owned());
    let snapshot = &mut model.jobs.get_mut("harbor").unwrap().snapshot;
    snapshot.polling = Some(Polling {
        polls: 19,
        last: Some(now() - Duration::from_secs(7)),
        next: Some(now() + Duration::from_secs(113)),
        asked: Some(Duration::from_secs(120)),
    });
    snapshot.budget = Some(231);
    snapshot.token_until = Some(now() + Duration::from_secs(221));
    model
}

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

/// Counters of files of which the third is in part there, in percent.
pub fn snapshot(part: u64) -> Snapshot {
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

/// Ingest at full speed.
pub fn ingest() -> Model {
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
