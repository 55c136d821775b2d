//! For tests: a model with three practices, and screens written down with their styles.

pub mod conflicts;
pub mod proof;
pub mod steps;

use std::fmt::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::{Buffer, Cell};
use ratatui::style::Color;

use super::input::Input;
use super::key::Key;
use super::live::Live;
use super::look::{Look, Palette};
use super::message::{Effect, Msg};
use super::model::{Model, Place};
use super::update::update;
use super::view::view;
use crate::engine::{Snapshot, Standing};
use crate::migration::{ByType, Condition, Counts, Event, Gate, Plan, Preset, Requirement, Stage, State};

/// The time in every test.
pub fn now() -> Timestamp {
    "2026-11-20T10:42:07Z".parse().unwrap()
}

/// How a migration stands of which everything is known that a run needs.
pub fn standing(id: &str, name: &str, preset: &str, stage: Stage) -> Standing {
    let mut plan = Plan::new(id, "https://ehr.example/fhir/r4/FACGCD");
    name.clone_into(&mut plan.name);
    preset.clone_into(&mut plan.preset);
    plan.client_id = Some("cutover-1".to_owned());
    plan.group = Some("42".to_owned());
    let vendor = match preset {
        "eclinicalworks" => "eClinicalWorks",
        "kareo" => "Kareo (Tebra)",
        other => other,
    };
    Standing {
        plan,
        vendor: vendor.to_owned(),
        by_type: ByType::new(),
        files: Snapshot::default(),
        kicked_off: None,
        state: State {
            run: 1,
            stage,
            let_in: true,
            ..State::default()
        },
        counts: Counts::default(),
        conflicts: 0,
        gate: gate(),
        charts: crate::migration::ChartTally::default(),
        covered: None,
        findings: None,
        key: true,
        secret: false,
        last: Some((
            now() - std::time::Duration::from_secs(12 * 60),
            Event::RunStarted { run: 1, since: None },
        )),
    }
}

/// A gate at which only the signatures are missing.
fn gate() -> Gate {
    let condition = |requirement: Requirement| Condition {
        requirement,
        met: requirement.is_work(),
        why: "missing".to_owned(),
    };
    Gate {
        conditions: vec![
            condition(Requirement::RowsAccounted),
            condition(Requirement::TechnicalSignOff),
        ],
        flip: None,
    }
}

/// Presses these keys one after the other, `\n` for Enter; gives what they have done.
pub fn press(model: &mut Model, keys: &str) -> Vec<Effect> {
    let keys = keys.chars().map(|c| match c {
        '\n' => Key::plain(crossterm::event::KeyCode::Enter),
        c => Key::of(c),
    });
    keys.flat_map(|key| update(model, Msg::Input(Input::Key(key))))
        .collect()
}

/// Three practices: one waits for a person, one is at work, one is done.
pub fn model() -> Model {
    let place = Place {
        host: "jump01".to_owned(),
        operator: "ann".to_owned(),
        workspace: "/home/ann/.local/share/cutover".to_owned(),
        rehearsal: false,
    };
    let mut model = Model::new(place, Look::default(), TimeZone::UTC, now());
    let mut lakeside = standing(
        "lakeside",
        "Lakeside Family Medicine",
        "eclinicalworks",
        Stage::Completed,
    );
    lakeside.conflicts = 14;
    lakeside.counts = Counts {
        rows: 1_682_441,
        stored: 1_680_361,
        unchanged: 59,
        held: 2_007,
        undecided: 14,
        ..Counts::default()
    };
    let mut harbor = standing("harbor", "Harbor Pediatrics", "kareo", Stage::Exporting);
    harbor.state.progress = Some("47 % complete".to_owned());
    let mut northgate = standing(
        "northgate",
        "Northgate Internal Med.",
        "eclinicalworks",
        Stage::Completed,
    );
    northgate.counts = Counts {
        rows: 99_120,
        stored: 99_120,
        ..Counts::default()
    };
    northgate.last = Some((
        now() - std::time::Duration::from_secs(3 * 86_400),
        Event::RunCompleted { run: 1 },
    ));
    model.presets = Preset::all(None).unwrap();
    model.jobs.insert("harbor".to_owned(), Live::default());
    model.standings = Some(vec![lakeside, harbor, northgate]);
    model
}

/// The screen as text, and under each row that has any the styles of its cells.
pub fn shown(model: &mut Model, width: u16, height: u16) -> String {
    written(&drawn(model, width, height))
}

/// The screen in every look and size: 80 by 24 and 120 by 40 in colour; then, at 80 by 24, the styles without colours where there are
/// any, and the rows that read otherwise in ASCII.
pub fn looks(model: &mut Model) -> String {
    let before = model.look;
    let mut text = String::new();
    for (width, height) in [(80, 24), (120, 40)] {
        writeln!(text, "{width}x{height}\n{}", shown(model, width, height)).unwrap();
    }
    let colour = drawn(model, 80, 24);
    model.look.palette = Palette::Plain;
    let plain = drawn(model, 80, 24);
    model.look.ascii = true;
    let ascii = drawn(model, 80, 24);
    model.look = before;
    text.push_str("NO_COLOR\n");
    for y in 0..24 {
        assert_eq!(symbols(&plain, y), symbols(&colour, y), "a colour says something alone");
        let styles = styles(&plain, y);
        assert!(
            !styles.contains(|c: char| c.is_ascii_lowercase() || c == '.'),
            "{styles}"
        );
        if !styles.is_empty() {
            writeln!(text, "{y:2}:{styles}").unwrap();
        }
    }
    text.push_str("\nASCII\n");
    for y in 0..24 {
        let row = symbols(&ascii, y);
        assert!(row.is_ascii() && styles(&ascii, y) == styles(&plain, y), "{row}");
        if row != symbols(&colour, y) {
            writeln!(text, "{y:2}|{row}|").unwrap();
        }
    }
    text
}

/// What a terminal of this size shows.
pub fn drawn(model: &mut Model, width: u16, height: u16) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    model.size = ratatui::layout::Size::new(width, height);
    terminal.draw(|frame| view(model, frame)).unwrap();
    terminal.backend().buffer().clone()
}

/// A buffer as text: rows between bars, and under a row its styles, a letter for each cell: lower case for the colour, upper case when
/// bold; `_` underlined, `#` reversed (a letter under it loses to it, for what is reversed is what matters).
pub fn written(buffer: &Buffer) -> String {
    let mut text = String::new();
    for y in 0..buffer.area.height {
        writeln!(text, "|{}|", symbols(buffer, y)).unwrap();
        let styles = styles(buffer, y);
        if !styles.is_empty() {
            writeln!(text, ":{styles}").unwrap();
        }
    }
    text
}

/// What a row says.
fn symbols(buffer: &Buffer, y: u16) -> String {
    let mut row = String::new();
    let mut hidden = 0;
    for x in 0..buffer.area.width {
        if hidden > 0 {
            hidden -= 1;
            continue;
        }
        let symbol = buffer[(x, y)].symbol();
        hidden = unicode_width::UnicodeWidthStr::width(symbol).saturating_sub(1);
        row.push_str(symbol);
    }
    row
}

/// The styles of a row's cells, without the plain ones at its end; a wide character has its style in both of its cells.
fn styles(buffer: &Buffer, y: u16) -> String {
    let mut styles = String::new();
    let mut wide = None;
    for x in 0..buffer.area.width {
        let cell = &buffer[(x, y)];
        let style = wide.take().unwrap_or_else(|| style(cell));
        styles.push(style);
        if unicode_width::UnicodeWidthStr::width(cell.symbol()) > 1 {
            wide = Some(style);
        }
    }
    styles.trim_end().to_owned()
}

fn style(cell: &Cell) -> char {
    use ratatui::style::Modifier;
    let modifier = cell.modifier;
    let letter = match cell.fg {
        Color::Reset => ' ',
        Color::DarkGray => '.',
        Color::Cyan => 'c',
        Color::Blue => 'b',
        Color::Green => 'g',
        Color::Yellow => 'y',
        Color::Magenta => 'm',
        Color::Red | Color::LightRed => 'r',
        _ => '?',
    };
    if modifier.contains(Modifier::REVERSED) {
        '#'
    } else if modifier.contains(Modifier::UNDERLINED) {
        '_'
    } else if modifier.contains(Modifier::BOLD) {
        if letter == ' ' {
            '*'
        } else {
            letter.to_ascii_uppercase()
        }
    } else {
        letter
    }
}
