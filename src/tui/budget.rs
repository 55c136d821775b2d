//! Tests: how many bytes go to the terminal, which matters on a slow line.

use std::time::Duration;

use ratatui::Terminal;
use ratatui::layout::Size;

use super::model::Model;
use super::sample::{model, now};
use super::screen::Screen;
use super::surface::ByteSurface;
use super::view::view;
use crate::engine::{FileProgress, Polling, Snapshot};
use crate::migration::{ByType, Counts, FileKind, Stage, Step};

/// Draws on a terminal of 80 by 24, and counts.
struct Meter(Terminal<ByteSurface<Vec<u8>>>);

impl Meter {
    fn new() -> Self {
        Self(Terminal::new(ByteSurface::new(Vec::new(), || Ok(Size::new(80, 24)), |_| Ok(()))).unwrap())
    }

    fn draw(&mut self, model: &Model) -> usize {
        let before = self.0.backend().writer().len();
        self.0.draw(|frame| view(model, frame)).unwrap();
        self.0.backend().writer().len() - before
    }
}

fn harbor(step: Step) -> Model {
    let mut model = model();
    model.open = Some("harbor".to_owned());
    model.screen = Screen::Step(step);
    model
}

#[test]
fn a_first_frame_is_at_most_five_kilobytes() {
    let screens = [Screen::Home, Screen::Log]
        .into_iter()
        .chain(Step::ALL.map(Screen::Step));
    for screen in screens {
        let mut model = harbor(Step::Source);
        model.screen = screen;
        let bytes = Meter::new().draw(&model);
        assert!(bytes <= 5000, "{}: {bytes}", screen.name());
    }
}

#[test]
fn a_second_of_waiting_for_the_server_is_at_most_150_bytes() {
    let mut model = harbor(Step::Poll);
    let standing = &mut model.standings.as_mut().unwrap()[1];
    standing.kicked_off = Some(now() - Duration::from_secs(3590));
    let snapshot = &mut model.jobs.get_mut("harbor").unwrap().snapshot;
    let next = Some(now() + Duration::from_secs(113));
    snapshot.polling = Some(Polling {
        polls: 19,
        last: Some(now()),
        next,
        asked: None,
    });
    snapshot.token_until = Some(now() + Duration::from_secs(221));
    let mut meter = Meter::new();
    meter.draw(&model);
    assert_eq!(meter.draw(&model), 0, "nothing changed");
    for second in 1..=100 {
        model.now = now() + Duration::from_secs(second);
        let bytes = meter.draw(&model);
        assert!(bytes <= 150, "second {second}: {bytes}");
    }
}

#[test]
fn a_second_of_taking_in_at_full_speed_is_at_most_two_kilobytes() {
    let types = [
        "AllergyIntolerance",
        "CarePlan",
        "Condition",
        "Coverage",
        "DiagnosticReport",
        "DocumentReference",
        "Encounter",
        "Immunization",
        "Location",
        "MedicationRequest",
        "Observation",
        "Organization",
        "Patient",
        "Practitioner",
        "Procedure",
    ];
    let mut model = harbor(Step::Ingest);
    model.standings.as_mut().unwrap()[1].state.stage = Stage::Ingesting;
    let mut meter = Meter::new();
    meter.draw(&model);
    let mut second = 0;
    // The worker passes counters on twice a second.
    for tick in 1..=40_u64 {
        let files = (1..).zip(types).map(|(number, name)| {
            let rows = tick * (1_000 + u64::from(number) * 7_919);
            let counts = Counts {
                rows,
                stored: rows * 9 / 10,
                unchanged: rows / 20,
                held: rows / 20,
                quarantined: tick,
                ..Counts::default()
            };
            let progress = FileProgress {
                kind: Some(FileKind::Output),
                resource_type: Some(name.to_owned()),
                bytes: rows * 640,
                expected: Some(9_000_000),
                counts: ByType::from([(name.to_owned(), counts)]),
                ..FileProgress::default()
            };
            (number, progress)
        });
        let snapshot = Snapshot {
            files: files.collect(),
            ..Snapshot::default()
        };
        model.now = now() + Duration::from_millis(tick * 500);
        model.jobs.get_mut("harbor").unwrap().update(model.now, snapshot);
        second += meter.draw(&model);
        if tick.is_multiple_of(2) {
            assert!(tick < 4 || second <= 2000, "at {tick}: {second}");
            second = 0;
        }
    }
}
