//! One sample chart: both sides, section by section, and what a person says of it.

use super::conflict::{hidden, sign};
use super::{Screen, charts};
use crate::engine::Command;
use crate::fhir;
use crate::migration::{By, Chart, ChartRow, ChartVerdict};
use crate::tui::action::Action;
use crate::tui::canvas::{Canvas, wrapped};
use crate::tui::figure::several;
use crate::tui::list::List;
use crate::tui::look::{Role, Sign};
use crate::tui::message::{Effect, Problem, Query};
use crate::tui::model::Model;
use crate::tui::overlay::{Ask, For, Overlay};

/// The rows that were read, and which is looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// The chart that was asked for, and what it said: a judgement is of exactly this.
    seen: Option<(u32, String)>,
    /// Its rows, once they were read; why not, if they cannot be.
    rows: Option<Result<Vec<ChartRow>, Problem>>,
    list: List,
}

impl State {
    /// Takes in the rows of a chart, unless another one is looked at by now.
    pub fn take(&mut self, number: u32, content: String, rows: Result<Vec<ChartRow>, Problem>) {
        if self.seen.as_ref().is_some_and(|(seen, _)| *seen == number) {
            self.seen = Some((number, content));
            self.list.clamp(rows.as_ref().map_or(0, Vec::len));
            self.rows = Some(rows);
        }
    }

    fn rows(&self) -> &[ChartRow] {
        match &self.rows {
            Some(Ok(rows)) => rows,
            _ => &[],
        }
    }
}

/// Opens the screen.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    let Some((migration, number)) = model
        .open
        .clone()
        .zip(model.charts.chosen(model).map(|c| c.patient.number))
    else {
        return Vec::new();
    };
    model.chart = State {
        seen: Some((number, String::new())),
        ..State::default()
    };
    vec![Effect::Read(Query::Chart(migration, number))]
}

/// Reads the chart again if it was drawn anew since.
pub fn again(model: &mut Model) -> Vec<Effect> {
    let chosen = model
        .charts
        .chosen(model)
        .map(|c| (c.patient.number, c.patient.content.clone()));
    if chosen.is_some() && chosen == model.chart.seen {
        return Vec::new();
    }
    enter(model)
}

/// Does what a key means here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let page = page(model.body_rows());
    let len = model.chart.rows().len();
    match action {
        Action::Go(movement) => model.chart.list.go(movement, len, page),
        Action::NextDifference => {
            let (rows, at) = (model.chart.rows(), model.chart.list.at);
            let next = (1..=len)
                .map(|step| (at + step) % len)
                .find(|index| rows[*index].difference.is_some());
            if let Some(next) = next {
                model.chart.list = List::at(next);
            }
        }
        Action::Judge(verdict) => ask(model, verdict),
        Action::Next => {
            charts::next_open(model);
            return enter(model);
        }
        Action::Back => return super::enter(model, Screen::Charts),
        _ => {}
    }
    Vec::new()
}

fn ask(model: &mut Model, verdict: ChartVerdict) {
    let (title, text) = match verdict {
        ChartVerdict::Passed => (
            "Is this chart as it should be?",
            "Enter passes it. What you type here goes on record with it, and may stay empty.",
        ),
        ChartVerdict::Failed => (
            "What is wrong with this chart?",
            "It goes on record, sealed, and into no report. The gate stays shut until the chart is judged again.",
        ),
        ChartVerdict::Waived => (
            "Why can this chart go as it is?",
            "It goes on record, sealed, with your name; the report says that the chart was waived.",
        ),
    };
    model.overlay = Some(Overlay::Ask(Ask::new(title, text, For::Judgement(verdict))));
}

/// Gives the engine a judgement of the chart that is looked at.
pub fn judged(model: &Model, verdict: ChartVerdict, comment: &str) -> Vec<Effect> {
    let (Some(plan), Some((chart, content))) = (model.plan().cloned(), model.chart.seen.clone()) else {
        return Vec::new();
    };
    let who = By {
        login: model.place.operator.clone(),
        name: None,
        why: (!comment.is_empty()).then(|| comment.to_owned()),
    };
    let command = Command::Judge {
        chart,
        content,
        verdict,
        who,
    };
    vec![Effect::Start(Box::new(plan), command)]
}

/// Why the chart cannot be judged now.
pub fn not_judgeable(model: &Model) -> Option<String> {
    if model.job().is_some() {
        return Some("a job is at work".to_owned());
    }
    if model.opened().is_some_and(|standing| standing.state.flipped) {
        return Some("the practice has gone over".to_owned());
    }
    let read = matches!(model.chart.rows, Some(Ok(_)));
    (!read).then(|| "it is not read yet".to_owned())
}

/// Rows of the body around the list: two above, and both sides of the chosen row in full below.
const AROUND: usize = 8;

fn page(body: usize) -> usize {
    body.saturating_sub(AROUND).max(1)
}

/// Draws the screen.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    let Some(chart) = model.charts.chosen(model) else {
        return;
    };
    heading(model, chart, canvas);
    match &model.chart.rows {
        None => drop(canvas.text(3, 3, "Reading the chart", Role::Quiet)),
        Some(Err(problem)) => drop(canvas.text(3, 3, &problem.what, Role::Wrong)),
        Some(Ok(rows)) => {
            list(model, rows, canvas);
            if let Some(row) = rows.get(model.chart.list.at) {
                detail(model, row, canvas);
            }
        }
    }
}

fn heading(model: &Model, chart: &Chart, canvas: &mut Canvas<'_>) {
    let patient = &chart.patient;
    let end = canvas.width().saturating_sub(2);
    let (sign, role, words) = charts::state(chart);
    canvas.sign(1, 0, sign, role);
    let number = format!("Chart {} of {}", patient.number, model.verify.charts.len());
    let at = canvas.text(3, 0, &number, Role::Strong);
    let records = several(u64::from(patient.records + patient.left_out), "record");
    let text = format!(
        "{}, {records}, {} differ",
        patient.stratum.replace('-', " "),
        patient.differing
    );
    canvas.text(at + 3, 0, &text, Role::Plain);
    canvas.right(end, 0, words, role);
    let right = columns(canvas.width()).1;
    canvas.text(5, 1, "In the EHR", Role::Quiet);
    canvas.text(right, 1, "Here", Role::Quiet);
}

/// Width of the left column, and first column of the right one.
fn columns(width: u16) -> (u16, u16) {
    let right = 5 + width.saturating_sub(6) / 2;
    (right.saturating_sub(7), right)
}

fn list(model: &Model, rows: &[ChartRow], canvas: &mut Canvas<'_>) {
    // A line for each section's name before its first row.
    let mut lines: Vec<Result<usize, &'static str>> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        if at == 0 || rows[at - 1].section != row.section {
            lines.push(Err(row.section.name()));
        }
        lines.push(Ok(at));
    }
    let chosen = lines
        .iter()
        .position(|line| *line == Ok(model.chart.list.at))
        .unwrap_or(0);
    let room = page(usize::from(canvas.height()));
    let (width, right) = columns(canvas.width());
    for (y, line) in (2..).zip(List::at(chosen).window(lines.len(), room)) {
        let at = match lines[line] {
            Ok(at) => at,
            Err(section) => {
                canvas.text(3, y, section, Role::Strong);
                continue;
            }
        };
        let row = &rows[at];
        let (mark, role) = sign(canvas.look(), row.difference);
        canvas.within(3, y, 1, mark, role);
        let text = if row.difference.is_some() {
            Role::Plain
        } else {
            Role::Quiet
        };
        for (x, room, side) in [(5, width, &row.left), (right, width + 1, &row.right)] {
            match side {
                Some(said) => canvas.within(x, y, room, &hidden(model, said), text),
                None => canvas.within(x, y, room, "(none)", Role::Quiet),
            };
        }
        if at == model.chart.list.at {
            canvas.sign(1, y, Sign::Chosen, Role::Key);
            canvas.restyle(5, y, width, Role::Chosen);
        }
    }
}

/// Both sides of the chosen row in full, and in what they differ where that cannot be read.
fn detail(model: &Model, row: &ChartRow, canvas: &mut Canvas<'_>) {
    let top = canvas.height().saturating_sub(5);
    let width = canvas.width().saturating_sub(11);
    for (y, name, side) in [(top, "EHR", &row.left), (top + 2, "here", &row.right)] {
        canvas.text(3, y, name, Role::Quiet);
        let name = if row.name.is_empty() {
            String::new()
        } else {
            format!("{}: ", row.name)
        };
        let said = side.as_deref().map_or("(none)".into(), |said| hidden(model, said));
        let lines = wrapped(&fhir::safe(&format!("{name}{said}")), usize::from(width));
        for (y, line) in (y..y + 2).zip(lines) {
            canvas.within(9, y, width, &line, Role::Plain);
        }
    }
    if !row.elements.is_empty() {
        let text = format!("They read alike here, and differ in: {}", row.elements.join(", "));
        canvas.within(3, top + 4, width + 6, &text, Role::Note);
    }
}

#[cfg(test)]
mod tests;
