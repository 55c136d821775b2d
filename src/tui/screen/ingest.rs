//! Ingest: files received and rows taken in, by type, while it happens and afterwards.

use std::collections::BTreeMap;

use crate::engine::Snapshot;
use crate::migration::{Counts, FileKind, Stage, total};
use crate::tui::action::Action;
use crate::tui::canvas::Canvas;
use crate::tui::figure::{clock, count, several, size};
use crate::tui::list::List;
use crate::tui::look::{Role, Sign};
use crate::tui::message::Effect;
use crate::tui::model::Model;

/// Which type is chosen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct State {
    /// The chosen type.
    pub list: List,
}

/// What is known of one type.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Line {
    files: u64,
    ended: u64,
    counts: Counts,
    failed: Option<String>,
}

/// Opens the screen.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    model.read_standings()
}

/// Does what a key means here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Go(movement) => {
            let len = lines(model).len();
            let page = room(model.body_rows());
            model.ingest.list.go(movement, len, page);
            Vec::new()
        }
        other => super::common(model, other),
    }
}

/// The files of the run: as a job that is at work sees them, else as the ledger has them.
fn files(model: &Model) -> Option<&Snapshot> {
    let live = model
        .job()
        .map(|job| &job.snapshot)
        .filter(|snapshot| !snapshot.files.is_empty());
    live.or(model.opened().map(|standing| &standing.files))
}

/// What became of the rows, by type. While rows come in that is what the files count; afterwards decisions have moved some of them.
fn lines(model: &Model) -> Vec<(String, Line)> {
    let Some(standing) = model.opened() else {
        return Vec::new();
    };
    let mut lines: BTreeMap<String, Line> = BTreeMap::new();
    let receiving = model.job().is_some() || standing.state.stage == Stage::Ingesting;
    for file in files(model).map(|files| files.files.values()).into_iter().flatten() {
        if file.kind == Some(FileKind::Outcome) {
            continue;
        }
        let own = match (file.kind, &file.resource_type) {
            (_, Some(name)) => name.clone(),
            (Some(FileKind::Deleted), None) => "deletions".to_owned(),
            (Some(FileKind::Attachments), None) => "Binary".to_owned(),
            _ => "mixed types".to_owned(),
        };
        let line = lines.entry(own.clone()).or_default();
        line.files += 1;
        line.ended += u64::from(file.ended);
        line.failed = line.failed.take().or_else(|| file.failed.clone());
        if receiving {
            let mixed = file.resource_type.is_none();
            for (name, counts) in &file.counts {
                lines
                    .entry(if mixed { name.clone() } else { own.clone() })
                    .or_default()
                    .counts
                    .merge(counts);
            }
        }
    }
    if !receiving {
        for (name, counts) in &standing.by_type {
            lines.entry(name.clone()).or_default().counts.merge(counts);
        }
    }
    lines.into_iter().collect()
}

/// Rows of types that are seen at once.
fn room(body: usize) -> usize {
    body.saturating_sub(7).max(1)
}

/// Draws the screen.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    let Some(standing) = model.opened() else { return };
    let lines = lines(model);
    if lines.is_empty() {
        let text = match standing.state.stage {
            stage if stage < Stage::Ingesting => "Nothing was received yet: the export must be ready first.",
            _ => "The export holds no files.",
        };
        canvas.text(3, 0, text, Role::Quiet);
        return;
    }
    progress(model, canvas);
    table(model, &lines, canvas);
    trouble(model, canvas);
}

/// How much came, how fast, and how long it will take.
fn progress(model: &Model, canvas: &mut Canvas<'_>) {
    let (Some(files), Some(standing)) = (files(model), model.opened()) else {
        return;
    };
    let end = canvas.width().saturating_sub(1);
    let rows = files.rows();
    let at = canvas.text(
        3,
        0,
        &format!("{}   {} rows", size(files.bytes()), count(rows)),
        Role::Strong,
    );
    let expected: Option<u64> = {
        let with_rows = files.files.values().filter(|file| file.kind == Some(FileKind::Output));
        with_rows.map(|file| file.expected).sum()
    };
    let done = standing.state.stage > Stage::Ingesting;
    let share = match expected {
        _ if done => 1000,
        Some(expected) if expected > 0 => u16::try_from((rows * 1000 / expected).min(999)).unwrap_or(999),
        _ => {
            let all = files.files.len() as u64;
            let ended = files.files.values().filter(|file| file.ended).count() as u64;
            u16::try_from((ended * 1000).checked_div(all).unwrap_or(0).min(999)).unwrap_or(999)
        }
    };
    canvas.bar(3, 1, end.saturating_sub(10), share);
    canvas.right(end, 1, &format!("{} %", share / 10), Role::Plain);
    let Some(job) = model.job() else {
        let (text, role) = if done {
            ("received", Role::Done)
        } else {
            ("paused; r goes on from here", Role::Note)
        };
        canvas.right(end, 0, text, role);
        return;
    };
    if job.stopping {
        canvas.right(end, 0, "stopping; what came is made durable", Role::Note);
        return;
    }
    let Some((bytes, per_second)) = job.rate().filter(|_| !done) else {
        return;
    };
    let left = expected
        .filter(|_| per_second > 0)
        .map(|expected| expected.saturating_sub(rows) / per_second.max(1));
    let left = left.map_or_else(String::new, |left| format!("   left {}", clock(left)));
    let text = format!("{}/s   {} rows/s{left}", size(bytes), count(per_second));
    canvas.right(end, 0, &text, Role::Plain);
    let used = super::super::canvas::columns(&text);
    chart(&job.history(), end.saturating_sub(used + 2), at + 2, canvas);
}

/// A small chart of the last moments, that ends before column `end` and begins after column `from`.
fn chart(history: &[u64], end: u16, from: u16, canvas: &mut Canvas<'_>) {
    let width = usize::from(end.saturating_sub(from)).min(12);
    let shown = &history[history.len().saturating_sub(width)..];
    let most = shown.iter().copied().max().unwrap_or(0).max(1);
    let heights = canvas.look().heights();
    let chart: String = shown
        .iter()
        .map(|rate| heights[usize::try_from(rate * 7 / most).unwrap_or(7).min(7)])
        .collect();
    canvas.right(end, 0, &chart, Role::Bar);
}

const HEADINGS: [&str; 7] = ["files", "rows", "stored", "same", "held", "quar.", "confl."];

/// Ends of the columns of numbers, by the width there is.
fn ends(width: u16) -> [u16; 7] {
    let wide = [8, 11, 11, 10, 9, 8, 8];
    let tight = [8, 10, 10, 8, 8, 7, 7];
    let widths = if width >= 100 { wide } else { tight };
    let mut at = width.saturating_sub(1 + widths.iter().sum::<u16>());
    widths.map(|width| {
        at += width;
        at
    })
}

fn table(model: &Model, lines: &[(String, Line)], canvas: &mut Canvas<'_>) {
    let ends = ends(canvas.width());
    canvas.text(3, 3, "Type", Role::Quiet);
    for (end, heading) in ends.into_iter().zip(HEADINGS) {
        canvas.right(end, 3, heading, Role::Quiet);
    }
    let list = model.ingest.list;
    let page = room(usize::from(canvas.height()));
    for (y, index) in (4..).zip(list.window(lines.len(), page)) {
        let (name, line) = &lines[index];
        let counts = &line.counts;
        canvas.within(3, y, ends[0].saturating_sub(8 + 3), name, Role::Plain);
        let files = if line.files == 0 {
            String::new()
        } else {
            format!("{}/{}", line.ended, line.files)
        };
        let role = if line.failed.is_some() {
            Role::Wrong
        } else {
            Role::Plain
        };
        canvas.right(ends[0], y, &files, role);
        let numbers = [
            counts.rows,
            counts.stored,
            counts.unchanged + counts.kept,
            counts.held,
            counts.quarantined,
            counts.undecided,
        ];
        for (column, (end, number)) in ends[1..].iter().zip(numbers).enumerate() {
            let role = match column {
                _ if number == 0 => Role::Quiet,
                4 => Role::Note,
                5 => Role::Waiting,
                _ => Role::Plain,
            };
            canvas.right(*end, y, &count(number), role);
        }
        if index == list.at {
            canvas.sign(1, y, Sign::Chosen, Role::Key);
        }
    }
    if lines.len() > page {
        let window = list.window(lines.len(), page);
        let text = format!("{} to {} of {}", window.start + 1, window.end, lines.len());
        canvas.text(3, 2, &text, Role::Quiet);
    }
}

/// What the export itself says went wrong, and what waits for a person.
fn trouble(model: &Model, canvas: &mut Canvas<'_>) {
    let (Some(files), Some(standing)) = (files(model), model.opened()) else {
        return;
    };
    let bottom = canvas.height().saturating_sub(1);
    let mut issues: BTreeMap<&str, u64> = BTreeMap::new();
    for (severity, number) in files.files.values().flat_map(|file| &file.issues) {
        *issues.entry(severity).or_default() += number;
    }
    if let Some((_, line)) = lines(model).get(model.ingest.list.at)
        && let Some(failed) = &line.failed
    {
        canvas.text(3, bottom - 1, failed, Role::Wrong);
    } else if !issues.is_empty() {
        let all = issues.values().sum::<u64>();
        let parts: Vec<String> = issues
            .iter()
            .map(|(severity, number)| format!("{number} {severity}"))
            .collect();
        let text = format!(
            "The export reported {} ({}).",
            several(all, "problem"),
            parts.join(", ")
        );
        canvas.text(3, bottom - 1, &text, Role::Note);
    }
    let counts = if model.job().is_some() {
        let by_file = files.files.values().map(|file| total(&file.counts));
        by_file.fold(Counts::default(), |mut sum, counts| {
            sum.merge(&counts);
            sum
        })
    } else {
        standing.counts
    };
    if counts.undecided > 0 {
        let text = format!(
            "{} need you. {} wait for those patients, and for nobody else.",
            several(standing.conflicts.max(counts.undecided), "conflict"),
            several(counts.held, "row")
        );
        canvas.text(3, bottom, &text, Role::Note);
    }
}

#[cfg(test)]
mod tests;
