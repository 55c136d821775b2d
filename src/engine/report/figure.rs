//! The charts of the page, as inline SVG: what became of the rows, findings, and how each sample chart stands.

use maud::{Markup, html};

use super::{Report, ReportedChart};
use crate::fhir::safe;
use crate::migration::figure::count;
use crate::migration::{ByType, Counts};

/// Width of every drawing in its own units.
const WIDTH: u64 = 920;
/// Where bars begin, and the longest of them.
const LEFT: u64 = 190;
const LONGEST: u64 = 640;
/// From one bar to the next.
const STEP: u64 = 22;

/// A state in which a row can be, and how many are.
pub struct Part {
    /// Its name, and the class of its colour.
    pub name: &'static str,
    /// How many rows of a type are in it.
    pub of: fn(&Counts) -> u64,
}

/// The states that a row can be in; together they are all rows.
pub const PARTS: [Part; 7] = [
    Part {
        name: "stored",
        of: |c| c.stored,
    },
    Part {
        name: "unchanged",
        of: |c| c.unchanged,
    },
    Part {
        name: "kept",
        of: |c| c.kept,
    },
    Part {
        name: "deleted",
        of: |c| c.deleted,
    },
    Part {
        name: "quarantined",
        of: |c| c.quarantined,
    },
    Part {
        name: "held",
        of: |c| c.held,
    },
    Part {
        name: "undecided",
        of: |c| c.undecided,
    },
];

/// A bar for each type, as long as it has rows, in the colours of what became of them, and a legend.
pub fn rows(counts: &ByType, total: &Counts) -> Markup {
    let most = counts.values().map(|c| c.rows).max().unwrap_or(0).max(1);
    let used: Vec<&Part> = PARTS.iter().filter(|part| (part.of)(total) > 0).collect();
    let height = (counts.len() as u64 + 1) * STEP + 8;
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label="Rows by type and what became of them" {
            @for (at, part) in (0..).zip(&used) {
                rect class=(part.name) x=(LEFT + at * 110) y="2" width="12" height="12" {}
                text x=(LEFT + at * 110 + 18) y="13" { (part.name) }
            }
            @for (y, (resource_type, c)) in (1..).map(|n| n * STEP).zip(counts) {
                text x="0" y=(y + 15) { (safe(resource_type)) }
                (bar(c, &used, y + 3, most))
                text.count x=(WIDTH) y=(y + 15) { (count(c.rows)) }
            }
        }
    }
}

/// The parts of one bar. Where something is, it is seen: nothing is narrower than a hair.
fn bar(counts: &Counts, parts: &[&Part], y: u64, most: u64) -> Markup {
    let mut x = LEFT;
    let mut pieces = Vec::new();
    for part in parts {
        let n = (part.of)(counts);
        if n > 0 {
            let width = scaled(n, most);
            pieces.push((part.name, x, width));
            x += width;
        }
    }
    html! {
        @for (name, x, width) in pieces {
            rect class=(name) x=(x) y=(y) width=(width) height="15" {}
        }
    }
}

/// How long a number is beside the largest.
fn scaled(n: u64, most: u64) -> u64 {
    let share = u128::from(n) * u128::from(LONGEST) / u128::from(most.max(1));
    u64::try_from(share).unwrap_or(LONGEST).max(2)
}

/// A bar for each class of finding.
pub fn findings(classes: &[(String, u64)]) -> Markup {
    let most = classes.iter().map(|(_, n)| *n).max().unwrap_or(0);
    let height = classes.len() as u64 * STEP + 4;
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-label="Findings by class" {
            @for (y, (class, n)) in (0..).map(|n| n * STEP).zip(classes) {
                text x="0" y=(y + 15) { (safe(class)) }
                rect.finding x=(LEFT) y=(y + 3) width=(scaled(*n, most)) height="15" {}
                text.count x=(WIDTH) y=(y + 15) { (count(*n)) }
            }
        }
    }
}

/// A square for each sample chart, with its number, in the colour of how it stands.
pub fn charts(report: &Report) -> Markup {
    const SIDE: u64 = 30;
    const IN_A_ROW: u64 = 28;
    let rows = (report.charts.len() as u64).div_ceil(IN_A_ROW);
    html! {
        svg viewBox=(format!("0 0 {WIDTH} {}", rows * (SIDE + 2))) role="img" aria-label="Sample charts" {
            @for (at, chart) in (0..).zip(&report.charts) {
                @let (x, y) = (at % IN_A_ROW * (SIDE + 2), at / IN_A_ROW * (SIDE + 2));
                rect class=(colour(chart)) x=(x) y=(y) width=(SIDE) height=(SIDE) rx="4" {}
                text.white x=(x + SIDE / 2) y=(y + 20) { (chart.chart) }
            }
        }
    }
}

fn colour(chart: &ReportedChart) -> &'static str {
    match chart.state {
        "passed" => "passed",
        "waived" => "waived",
        "failed" => "failed",
        _ => "open",
    }
}
