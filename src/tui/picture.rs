//! Tests: pictures of screens for the README, drawn from the buffer that a terminal would show. `cargo test --lib draw_pictures --
//! --ignored` makes them, and the README's table of keys, anew; another test fails when they are not current.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use ratatui::buffer::{Buffer, Cell};
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr;

use super::binding::tests::{readme, table};
use super::model::Model;
use super::sample::{self, conflicts, proof};
use super::screen::{self, Screen};

/// Width and height of a cell, in pixels.
const CELL: (f32, f32) = (8.4, 18.0);
/// Pixels around the screen.
const MARGIN: f32 = 12.0;
const GROUND: &str = "#16181d";
const TEXT: &str = "#d5d8df";

/// A screen as an SVG picture of a terminal with a dark ground.
fn svg(buffer: &Buffer, title: &str) -> String {
    let (columns, rows) = (buffer.area.width, buffer.area.height);
    let (width, height) = (
        f32::from(columns) * CELL.0 + 2.0 * MARGIN,
        f32::from(rows) * CELL.1 + 2.0 * MARGIN,
    );
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">\n\
         <title>{}</title>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"6\" fill=\"{GROUND}\"/>\n\
         <g font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\" xml:space=\"preserve\">\n",
        escaped(title)
    );
    for y in 0..rows {
        let mut x = 0;
        while x < columns {
            let from = x;
            let style = look(&buffer[(x, y)]);
            let mut text = String::new();
            while x < columns && look(&buffer[(x, y)]) == style {
                let symbol = buffer[(x, y)].symbol();
                text.push_str(symbol);
                x += u16::try_from(symbol.width().max(1)).unwrap();
            }
            run(&mut out, (from, x.min(columns), y), &text, &style);
        }
    }
    out.push_str("</g>\n</svg>\n");
    out
}

/// Cells of one style beside each other, each character in its columns whatever the font.
fn run(out: &mut String, (from, to, y): (u16, u16, u16), text: &str, style: &Style) {
    let (left, top) = (MARGIN + f32::from(from) * CELL.0, MARGIN + f32::from(y) * CELL.1);
    let width = f32::from(to - from) * CELL.0;
    if let Some(ground) = style.ground {
        writeln!(
            out,
            "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{}\" fill=\"{ground}\"/>",
            CELL.1
        )
        .unwrap();
    }
    let shown = text.trim_end();
    if shown.is_empty() {
        return;
    }
    let skipped = shown.len() - shown.trim_start().len();
    let left = left + CELL.0 * f32::from(u16::try_from(skipped).unwrap());
    let shown = shown.trim_start();
    let length = CELL.0 * f32::from(u16::try_from(shown.width()).unwrap());
    let weight = if style.bold { " font-weight=\"bold\"" } else { "" };
    let line = if style.underlined {
        " text-decoration=\"underline\""
    } else {
        ""
    };
    writeln!(
        out,
        "<text x=\"{left:.1}\" y=\"{:.1}\" textLength=\"{length:.1}\" fill=\"{}\"{weight}{line}>{}</text>",
        top + 13.5,
        style.text,
        escaped(shown)
    )
    .unwrap();
}

#[derive(PartialEq)]
struct Style {
    text: &'static str,
    ground: Option<&'static str>,
    bold: bool,
    underlined: bool,
}

fn look(cell: &Cell) -> Style {
    let text = colour(cell.fg);
    let reversed = cell.modifier.contains(Modifier::REVERSED);
    Style {
        text: if reversed { GROUND } else { text },
        ground: reversed.then_some(text),
        bold: cell.modifier.contains(Modifier::BOLD),
        underlined: cell.modifier.contains(Modifier::UNDERLINED),
    }
}

fn colour(colour: Color) -> &'static str {
    match colour {
        Color::DarkGray => "#7f8694",
        Color::Cyan => "#56b6c2",
        Color::Blue => "#61afef",
        Color::Green => "#7fb069",
        Color::Yellow => "#e5c07b",
        Color::Magenta => "#c678dd",
        Color::Red | Color::LightRed => "#e06c75",
        _ => TEXT,
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The pictures: a file name, what is on it, and the screen.
fn pictures() -> Vec<(&'static str, &'static str, Model)> {
    let lan = conflicts::lan;
    let mut merging = lan();
    screen::enter(&mut merging, Screen::Merge);
    vec![
        (
            "home",
            "Three practices, one of which waits for a person",
            sample::model(),
        ),
        (
            "poll",
            "Waiting for the EHR to prepare an export",
            sample::steps::poll(),
        ),
        ("ingest", "Records coming in at full speed", sample::steps::ingest()),
        ("conflict", "Two records of perhaps one patient, side by side", lan()),
        ("merge", "The same two records being merged", merging),
        (
            "cutover",
            "What must be so before the practice goes over",
            proof::waiting(),
        ),
    ]
}

/// Every file that is made here, and what is to be in it.
fn files() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<(PathBuf, String)> = pictures()
        .into_iter()
        .map(|(name, title, mut model)| {
            let path = root.join("assets").join(format!("{name}.svg"));
            (path, svg(&sample::drawn(&mut model, 80, 24), title))
        })
        .collect();
    let path = root.join("README.md");
    let text = std::fs::read_to_string(&path).unwrap();
    files.push((path, readme(&text, &table())));
    files
}

#[test]
#[ignore = "it writes files: run it when a screen or a key has changed"]
fn draw_pictures() {
    for (path, text) in files() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

#[test]
fn pictures_and_the_table_of_keys_are_current() {
    for (path, text) in files() {
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        let hint = "run `cargo test --lib draw_pictures -- --ignored`";
        assert!(there == text, "{} is not current: {hint}", path.display());
    }
}

#[test]
fn a_picture_holds_no_markup_of_others() {
    let mut buffer = Buffer::empty(ratatui::layout::Rect::new(0, 0, 20, 1));
    buffer.set_string(0, 0, "<script>&amp;", ratatui::style::Style::new());
    let svg = svg(&buffer, "<b>");
    assert!(!svg.contains("<script") && !svg.contains("<b>") && svg.contains("&lt;script&gt;&amp;amp;"));
}
