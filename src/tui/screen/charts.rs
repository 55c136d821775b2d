//! Sample charts: whom each stands for, how much of it differs, and what was said of it.

use super::Screen;
use crate::migration::{Chart, ChartState, ChartVerdict, Drawn};
use crate::tui::action::Action;
use crate::tui::canvas::Canvas;
use crate::tui::figure::count;
use crate::tui::list::List;
use crate::tui::look::{Role, Sign};
use crate::tui::message::Effect;
use crate::tui::model::Model;
use crate::tui::overlay::{Ask, For, Overlay};

/// Which chart is chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    list: List,
    /// Where it was opened from.
    from: Screen,
}

impl State {
    /// The chosen chart.
    pub fn chosen<'m>(&self, model: &'m Model) -> Option<&'m Chart> {
        model.verify.charts.get(self.list.at)
    }
}

/// Opens the screen.
pub fn enter(model: &mut Model, from: Screen) -> Vec<Effect> {
    if from != Screen::Chart {
        model.charts = State {
            from,
            ..State::default()
        };
    }
    super::verify::refresh(model)
}

/// Chooses the next chart that waits for a look, from the first again after the last; false when there is none.
pub fn next_open(model: &mut Model) -> bool {
    let charts = &model.verify.charts;
    let at = model.charts.list.at;
    let waits = |index: &usize| !settled(&charts[*index]);
    let next = (1..=charts.len()).map(|step| (at + step) % charts.len()).find(waits);
    if let Some(next) = next {
        model.charts.list = List::at(next);
    }
    next.is_some()
}

fn settled(chart: &Chart) -> bool {
    matches!(
        chart.state(),
        ChartState::Judged(ChartVerdict::Passed | ChartVerdict::Waived)
    )
}

/// Does what a key means here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let (len, page) = (model.verify.charts.len(), page(model.body_rows()));
    match action {
        Action::Go(movement) => model.charts.list.go(movement, len, page),
        Action::Open => return super::enter(model, Screen::Chart),
        Action::Next => drop(next_open(model)),
        Action::New => {
            let text = "The patient's id as the EHR exports it. The chart is drawn by the next verification, and by every one after it.";
            let ask = Ask::new("Whose chart is to be looked at as well?", text, For::NamedPatient);
            model.overlay = Some(Overlay::Ask(ask));
        }
        Action::Back => return super::enter(model, model.charts.from),
        _ => {}
    }
    Vec::new()
}

fn page(body: usize) -> usize {
    body.saturating_sub(6).max(1)
}

/// The state of a chart with its sign: by more than its colour.
pub fn state(chart: &Chart) -> (Sign, Role, &'static str) {
    let state = chart.state();
    let (sign, role) = match state {
        ChartState::Unseen => (Sign::Ahead, Role::Plain),
        ChartState::Changed => (Sign::Waiting, Role::Note),
        ChartState::Judged(ChartVerdict::Passed) => (Sign::Done, Role::Done),
        ChartState::Judged(ChartVerdict::Waived) => (Sign::Neutral, Role::Note),
        ChartState::Judged(ChartVerdict::Failed) => (Sign::Blocked, Role::Wrong),
    };
    (sign, role, state.words())
}

/// Draws the screen.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    let charts = &model.verify.charts;
    let Some(found) = &model.verify.found else {
        let text = if model.verify.read {
            "No charts were drawn yet: a verification draws them."
        } else {
            "Reading the charts"
        };
        canvas.text(3, 0, text, Role::Quiet);
        return;
    };
    let waiting = charts.iter().filter(|chart| !settled(chart)).count();
    let heading = format!("{} of {} passed or waived", charts.len() - waiting, charts.len());
    canvas.text(2, 0, &heading, if waiting > 0 { Role::Strong } else { Role::Done });
    let end = canvas.width().saturating_sub(2);
    for (x, name) in [(5, "No"), (9, "Stands for"), (29, "Drawn"), (62, "State")] {
        canvas.text(x, 2, name, Role::Quiet);
    }
    canvas.right(53, 2, "records", Role::Quiet);
    canvas.right(60, 2, "differ", Role::Quiet);
    let room = page(usize::from(canvas.height()));
    let list = model.charts.list;
    for (y, at) in (3..).zip(list.window(charts.len(), room)) {
        let chart = &charts[at];
        let patient = &chart.patient;
        let (sign, role, words) = state(chart);
        canvas.sign(3, y, sign, role);
        canvas.text(5, y, &patient.number.to_string(), Role::Plain);
        canvas.within(9, y, 19, &patient.stratum.replace('-', " "), Role::Plain);
        let drawn = match patient.drawn {
            Drawn::Lot => "by lot",
            Drawn::Stratum => "for its kind",
            Drawn::Named => "named",
            Drawn::Failed => "failed before",
        };
        canvas.within(29, y, 15, drawn, Role::Quiet);
        canvas.right(
            53,
            y,
            &count(u64::from(patient.records + patient.left_out)),
            Role::Plain,
        );
        let differing = if patient.differing > 0 { Role::Note } else { Role::Quiet };
        canvas.right(60, y, &count(u64::from(patient.differing)), differing);
        let mut at_state = canvas.within(62, y, 14, words, role);
        if let Some(judgement) = chart.judgement.as_ref().filter(|_| canvas.width() >= 100) {
            at_state = at_state.max(78);
            canvas.within(
                at_state,
                y,
                end.saturating_sub(at_state),
                &format!("by {}", judgement.who()),
                Role::Quiet,
            );
        }
        if at == list.at {
            canvas.sign(1, y, Sign::Chosen, Role::Key);
            canvas.restyle(9, y, 19, Role::Chosen);
        }
    }
    let bottom = canvas.height().saturating_sub(2);
    let words = format!("Seed {}: {}.", found.seed, found.acceptance.words());
    canvas
        .part(3, bottom, end.saturating_sub(3), 2)
        .paragraph(0, 0, &words, Role::Quiet);
}

#[cfg(test)]
mod tests;
