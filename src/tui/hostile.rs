//! Tests: text from outside that would steer a terminal, in every place where such text is shown, seen through a terminal.

use std::time::Duration;

use ratatui::Terminal;
use ratatui::buffer::Buffer;
use ratatui::layout::Size;
use serde_json::json;
use vt100::{Callbacks, Parser};

use super::look::{Look, Palette, Role};
use super::message::{Msg, Problem, Reply};
use super::model::{Line, Model};
use super::overlay::{Ask, Editor, For, Notice, Overlay, Question, Reading};
use super::sample::{self, conflicts, now, proof};
use super::screen::{self, Screen};
use super::surface::ByteSurface;
use super::text_input::TextInput;
use super::update::update;
use super::view::view;
use crate::engine::{Aside, Beginning, Check, FileProgress, Minted, Snapshot, Verdict, Written};
use crate::migration::{
    ByType, Capacity, ConflictKind, Counts, Event, Head, Quarantined, Resolution, SampleRecord, Stage, Step, chart_rows,
};
use crate::store::{JournalEntry, RowId};

/// What a terminal was told to do besides showing characters.
#[derive(Default)]
struct Witness(Vec<String>);

impl Callbacks for Witness {
    fn audible_bell(&mut self, _: &mut vt100::Screen) {
        self.0.push("bell".to_owned());
    }

    fn set_window_icon_name(&mut self, _: &mut vt100::Screen, name: &[u8]) {
        self.0.push(format!("icon {name:?}"));
    }

    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        self.0.push(format!("title {title:?}"));
    }

    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], text: &[u8]) {
        self.0.push(format!("clipboard {text:?}"));
    }

    fn paste_from_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8]) {
        self.0.push("paste".to_owned());
    }

    fn unhandled_char(&mut self, _: &mut vt100::Screen, c: char) {
        // What stands for a character that is not shown.
        if c != char::REPLACEMENT_CHARACTER {
            self.0.push(format!("character {c:?}"));
        }
    }

    fn unhandled_control(&mut self, _: &mut vt100::Screen, byte: u8) {
        self.0.push(format!("control {byte}"));
    }

    fn unhandled_escape(&mut self, _: &mut vt100::Screen, _: Option<u8>, _: Option<u8>, byte: u8) {
        self.0.push(format!("escape {byte}"));
    }

    fn unhandled_csi(&mut self, _: &mut vt100::Screen, _: Option<u8>, _: Option<u8>, params: &[&[u16]], end: char) {
        // The beginning and end of a frame, which this terminal does not know.
        if params != [[2026]] {
            self.0.push(format!("sequence {params:?} {end}"));
        }
    }

    fn unhandled_osc(&mut self, _: &mut vt100::Screen, params: &[&[u8]]) {
        self.0.push(format!("system {params:?}"));
    }
}

/// Draws on a terminal of 80 by 24; what it shows must be what was drawn, cell by cell, and nothing else may have happened.
fn harmless(name: &str, model: &mut Model) {
    model.size = Size::new(80, 24);
    let mut terminal = Terminal::new(ByteSurface::new(Vec::new(), || Ok(Size::new(80, 24)), |_| Ok(()))).unwrap();
    let buffer = terminal.draw(|frame| view(model, frame)).unwrap().buffer.clone();
    let mut parser = Parser::new_with_callbacks(24, 80, 0, Witness::default());
    parser.process(terminal.backend().writer());
    assert_eq!(parser.callbacks().0, Vec::<String>::new(), "{name}");
    same(name, &buffer, parser.screen());
}

fn same(name: &str, drawn: &Buffer, seen: &vt100::Screen) {
    for y in 0..24 {
        for x in 0..80 {
            let Some(cell) = seen.cell(y, x).filter(|cell| !cell.is_wide_continuation()) else {
                continue;
            };
            let symbol = drawn[(x, y)].symbol();
            let marked = !symbol.is_ascii() && symbol.chars().nth(1).is_some();
            if marked || symbol.contains(char::REPLACEMENT_CHARACTER) {
                // Terminals differ in how they put a mark on a letter, and this one shows nothing for what was replaced.
                continue;
            }
            let contents = if cell.has_contents() { cell.contents() } else { " " };
            assert_eq!(contents, symbol, "{name}: column {x} of row {y}");
        }
    }
}

fn at(screen: Screen, text: &str) -> Model {
    let mut model = sample::model();
    model.open = Some("lakeside".to_owned());
    model.screen = screen;
    let standing = &mut model.standings.as_mut().unwrap()[0];
    text.clone_into(&mut standing.plan.name);
    text.clone_into(&mut standing.vendor);
    model.last = Some(Line {
        at: now(),
        text: text.to_owned(),
        role: Role::Plain,
    });
    model
}

fn problem(text: &str) -> Problem {
    Problem {
        what: text.to_owned(),
        hint: Some(text.to_owned()),
        wanted: false,
    }
}

/// The steps before records come in, with `text` wherever an EHR or a vendor speaks.
fn before(text: &str) -> Vec<Model> {
    let mut source = at(Screen::Step(Step::Source), text);
    text.clone_into(&mut source.standings.as_mut().unwrap()[0].plan.base_url);
    source.source.checks.push(Check {
        name: "scopes",
        verdict: Verdict::Failed,
        what: text.to_owned(),
        details: vec![text.to_owned()],
        hint: Some(text.to_owned()),
        millis: 3,
    });
    let mut register = at(Screen::Step(Step::Register), text);
    register.register.registration.published = Some(text.to_owned());
    register.register.key = Some(screen::register::KeyPair {
        kid: text.to_owned(),
        algorithm: "RS384",
        jwks: text.to_owned(),
        path: text.to_owned(),
    });
    let mut refused = at(Screen::Step(Step::Token), text);
    refused.token.refused = Some((text.to_owned(), Some(text.to_owned())));
    let mut granted = at(Screen::Step(Step::Token), text);
    let minted = Minted {
        endpoint: text.to_owned(),
        scopes: vec![(text.to_owned(), false)],
        lost: vec![text.to_owned()],
        life: Duration::from_secs(300),
        assertion: Some((json!({ "kid": text }), json!({ "iss": text }))),
    };
    granted.token.minted = Some((now(), minted));
    let mut decoded = at(Screen::Step(Step::Token), text);
    decoded.token.minted.clone_from(&granted.token.minted);
    decoded.token.decoded = true;
    let mut export = at(Screen::Step(Step::Export), text);
    export.export.request = Some(Ok(text.to_owned()));
    let mut poll = at(Screen::Step(Step::Poll), text);
    let state = &mut poll.standings.as_mut().unwrap()[0].state;
    state.stage = Stage::Exporting;
    state.progress = Some(text.to_owned());
    state.status_url = Some(text.to_owned());
    state.stopped = Some(text.to_owned());
    vec![source, register, refused, granted, decoded, export, poll]
}

/// The steps and lists after that, likewise.
fn after(text: &str) -> Vec<Model> {
    let mut ingest = at(Screen::Step(Step::Ingest), text);
    let counts = ByType::from([(text.to_owned(), Counts::default())]);
    let file = FileProgress {
        name: text.to_owned(),
        resource_type: Some(text.to_owned()),
        failed: Some(text.to_owned()),
        counts,
        ..FileProgress::default()
    };
    ingest.standings.as_mut().unwrap()[0].files = Snapshot {
        files: [(1, file)].into(),
        ..Snapshot::default()
    };
    let mut row = conflicts::conflict(1, ConflictKind::MrnInUse, 3);
    text.clone_into(&mut row.conflict.resource_type);
    row.conflict.contradictions = vec![text.to_owned()];
    row.conflict.source.last_updated = Some(text.to_owned());
    let list = conflicts::model(vec![row.clone()]);
    let record = |id: &str| {
        json!({ "resourceType": "Patient", "id": id, "name": [{ "family": format!("{text}{id}"), "given": [text] }],
            "extension": [{ "url": text, "valueString": id }], "gender": text })
        .to_string()
    };
    let conflict = conflicts::looked_at(row.clone(), &record("a"), &record("b"));
    let mut merge = conflicts::looked_at(row.clone(), &record("a"), &record("b"));
    screen::enter(&mut merge, Screen::Merge);
    let mut decided = conflicts::decided(row, Resolution::KeepSource);
    if let Some(decided) = &mut decided.conflict.decided {
        decided.name = Some(text.to_owned());
        text.clone_into(&mut decided.rule);
    }
    let mut done = conflicts::model(vec![decided]);
    done.screen = Screen::Conflict;
    let mut log = at(Screen::Log, text);
    let entries = vec![JournalEntry {
        migration: "lakeside".to_owned(),
        seq: 1,
        at: now(),
        who: text.to_owned(),
        previous: String::new(),
        event: Event::RunFailed {
            reason: text.to_owned(),
        },
    }];
    update(&mut log, Msg::Read(Reply::Journal("lakeside".to_owned(), entries)));
    vec![ingest, list, conflict, merge, done, quarantine(text), log]
}

fn quarantine(text: &str) -> Model {
    let row = RowId {
        run: 1,
        file: 7,
        line: 3,
    };
    let what = Quarantined {
        run: 1,
        file: 7,
        file_name: text.to_owned(),
        line: 3,
        offset: 0,
        len: 120,
        resource_type: text.to_owned(),
        code: "not-json".to_owned(),
        reason: text.to_owned(),
    };
    let mut model = at(Screen::Quarantine, text);
    let rows = vec![Aside {
        row,
        what,
        waived: None,
        amended: None,
    }];
    update(&mut model, Msg::Read(Reply::Quarantine("lakeside".to_owned(), rows)));
    let line = Beginning {
        text: text.to_owned(),
        whole: true,
    };
    update(&mut model, Msg::Read(Reply::Original(row, Ok(line))));
    model
}

/// Proof, likewise.
fn proved(text: &str) -> Vec<Model> {
    let mut finding = proof::finding("missing", 3);
    text.clone_into(&mut finding.file);
    text.clone_into(&mut finding.what);
    let found = || Some(proof::verification(vec![finding.clone()]));
    let signed = Event::SignedOff {
        capacity: Capacity::Technical,
        name: text.to_owned(),
        why: Some(text.to_owned()),
        head: Head {
            entry: 8,
            hash: String::new(),
        },
    };
    let verify = proof::model(Step::Verify, found(), proof::charts(), &[proof::verified()]);
    let mut cutover = proof::model(Step::Cutover, found(), proof::charts(), &[proof::verified(), signed]);
    cutover.cutover.report = Some(Written {
        bundle: text.into(),
        page: text.into(),
        key: Some(text.to_owned()),
    });
    let mut charts = proof::charts();
    text.clone_into(&mut charts[0].patient.stratum);
    let mut list = proof::model(Step::Verify, found(), charts.clone(), &[proof::verified()]);
    screen::enter(&mut list, Screen::Charts);
    let mut chart = proof::model(Step::Verify, found(), charts, &[proof::verified()]);
    screen::enter(&mut chart, Screen::Charts);
    screen::enter(&mut chart, Screen::Chart);
    let patient =
        json!({ "resourceType": "Patient", "id": "p", "name": [{ "text": text, "family": text }] }).to_string();
    let record = SampleRecord {
        target: Some(patient.replace("family", "given")),
        source: patient,
        same: false,
    };
    let chosen = chart
        .charts
        .chosen(&chart)
        .map(|chart| (chart.patient.number, chart.patient.content.clone()));
    if let Some((number, content)) = chosen {
        let rows = Ok(chart_rows(&[record]));
        update(&mut chart, Msg::Read(Reply::Chart(number, content, rows)));
    }
    vec![verify, cutover, list, chart]
}

/// What can stand over a screen, likewise.
fn above(text: &str) -> Vec<Model> {
    let overlays = [
        Overlay::Question(Question::new(text, &[text], Vec::new()).typed(text)),
        Overlay::Notice(Notice {
            title: text.to_owned(),
            problem: problem(text),
        }),
        Overlay::Reading(Reading::new(text, vec![(text.to_owned(), text.to_owned())])),
        Overlay::Edit(Box::new(Editor::as_written(text, text))),
        Overlay::Ask(Ask {
            typed: TextInput::new(text),
            ..Ask::new(text, "", For::Waive)
        }),
        Overlay::Filter(TextInput::new(text)),
    ];
    let over = |overlay| {
        let mut model = at(Screen::Home, text);
        model.overlay = Some(overlay);
        model
    };
    let mut toast = at(Screen::Home, text);
    toast.say(text, Role::Note);
    overlays.into_iter().map(over).chain([toast]).collect()
}

/// Every screen and everything over it with `text` wherever text comes from outside; in colour and, likewise, in ASCII.
fn everywhere(text: &str) -> Vec<Model> {
    let all = || {
        let lists = [
            vec![at(Screen::Home, text)],
            before(text),
            after(text),
            proved(text),
            above(text),
        ];
        lists.into_iter().flatten()
    };
    let mut models: Vec<Model> = all().collect();
    models.extend(all().map(|mut model| {
        model.look = Look {
            palette: Palette::Plain,
            ascii: true,
        };
        model
    }));
    models
}

fn harmless_everywhere(text: &str) {
    for (nth, mut model) in everywhere(text).into_iter().enumerate() {
        let name = format!("{} ({nth}), {text:?}", model.screen.name());
        harmless(&name, &mut model);
    }
}

#[test]
fn names_that_would_steer_the_terminal_are_only_read() {
    for text in [
        "\u{1b}]0;owned\u{7}\u{1b}]2;owned\u{1b}\\",
        "\u{1b}]52;c;aGFja2Vk\u{7}",
        "\u{1b}[2J\u{1b}[H\u{1b}[?1049l\u{1b}c\u{1b}P1$r\u{1b}\\",
        "\u{9b}2J\u{9d}0;owned\u{9c}\u{90}\u{85}",
        "\r\n\t\u{8}\u{b}\u{c}\u{e}\u{0}\u{7f}",
        "\u{202e}nal\u{202c}\u{2066}\u{2067}\u{2069}\u{61c}\u{200f}",
        "a\u{200b}b\u{200d}c\u{feff}d\u{2060}e\u{ad}f\u{e0041}\u{fe0f}",
        "Z\u{301}\u{302}\u{303}\u{304}\u{305}\u{306}\u{307}a",
        "\u{301}Zo\u{308}e",
        "مريم بنت أحمد",
        "林志明 さくら 이순신 🏥👩‍⚕️",
        &"Wolfeschlegelsteinhausenbergerdorff ".repeat(20),
    ] {
        harmless_everywhere(text);
    }
}
