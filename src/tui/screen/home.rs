//! Home: every migration, where it stands, and what it waits for.

use super::Screen;
use crate::engine::Standing;
use crate::migration::{Stage, Step, StepState};
use crate::tui::action::Action;
use crate::tui::binding;
use crate::tui::canvas::Canvas;
use crate::tui::figure::{ago, count, several};
use crate::tui::list::List;
use crate::tui::look::{Role, Sign};
use crate::tui::message::Effect;
use crate::tui::model::Model;
use crate::tui::overlay::{Overlay, Question};

/// Which migration is chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    list: List,
}

impl State {
    /// The chosen migration.
    pub fn chosen<'m>(&self, model: &'m Model) -> Option<&'m Standing> {
        model.standings().get(self.list.at)
    }

    /// Keeps within as many migrations as there are now.
    pub fn clamp(&mut self, len: usize) {
        self.list.clamp(len);
    }
}

/// Opens the screen.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    model.read_standings()
}

/// Does what a key means here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    let Some(standing) = model.home.chosen(model).cloned() else {
        return Vec::new();
    };
    let id = standing.plan.id.clone();
    match action {
        Action::Go(movement) => {
            let (len, page) = (model.standings().len(), page(model.body_rows()));
            model.home.list.go(movement, len, page);
            Vec::new()
        }
        Action::Open => {
            model.open = Some(id);
            super::enter(model, Screen::Step(standing.readiness().step()))
        }
        Action::Log => {
            model.open = Some(id);
            model.log.from = Screen::Home;
            super::enter(model, Screen::Log)
        }
        Action::Remove => {
            let title = format!("Remove {}?", standing.plan.name);
            let text = [
                "Its plan, its key pair and its secrets are removed from this workspace. The log of what was done stays.",
                "An export that was asked for may still be at the source.",
            ];
            let question = Question::new(title, &text, vec![Effect::Remove(id.clone())]).typed(id);
            model.overlay = Some(Overlay::Question(question));
            Vec::new()
        }
        _ => Vec::new(),
    }
}

/// Rows of migrations that are seen at once: the rest is the heading, and what the chosen one waits for.
fn page(body: usize) -> usize {
    body.saturating_sub(7).max(1)
}

/// Draws the screen.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    let Some(standings) = &model.standings else {
        canvas.text(3, 0, "Reading the workspace", Role::Quiet);
        return;
    };
    if standings.is_empty() {
        return nothing(canvas);
    }
    let columns = Columns::of(canvas.width());
    let heading = ["Practice", "Source", "Step", "State"];
    for (x, name) in [columns.name, columns.source, columns.step, columns.state]
        .into_iter()
        .zip(heading)
    {
        canvas.text(x, 0, name, Role::Quiet);
    }
    canvas.right(columns.end, 0, "Since", Role::Quiet);
    let room = page(usize::from(canvas.height()));
    for (y, index) in (1..).zip(model.home.list.window(standings.len(), room)) {
        let standing = &standings[index];
        let chosen = index == model.home.list.at;
        row(model, standing, columns, canvas, y);
        if chosen {
            canvas.sign(1, y, Sign::Chosen, Role::Key);
            canvas.restyle(columns.name, y, columns.source - columns.name - 1, Role::Chosen);
        }
    }
    if let Some(standing) = model.home.chosen(model) {
        let top = canvas.height().saturating_sub(4);
        let width = canvas.width();
        detail(model, standing, &mut canvas.part(0, top, width, 4));
    }
}

fn nothing(canvas: &mut Canvas<'_>) {
    canvas.text(3, 1, "No migration yet.", Role::Strong);
    let text = "A migration is one practice's way out of one EHR: eight steps, from finding the EHR to leaving it. It can be left \
                and taken up again at any moment.";
    let row = canvas.part(3, 3, 74, 4).paragraph(0, 0, text, Role::Plain);
    let at = canvas.text(3, row + 4, "n", Role::Key);
    canvas.text(at + 2, row + 4, "add the first one", Role::Plain);
    canvas.text(
        3,
        row + 6,
        "To see the whole way first, with nobody real in it: cutover demo",
        Role::Quiet,
    );
}

/// First columns of what a row holds.
#[derive(Clone, Copy)]
struct Columns {
    name: u16,
    source: u16,
    step: u16,
    state: u16,
    end: u16,
}

impl Columns {
    fn of(width: u16) -> Self {
        let end = width.saturating_sub(1);
        let state = end.saturating_sub(if width >= 100 { 34 } else { 25 });
        let step = state.saturating_sub(10);
        let source = step.saturating_sub(if width >= 100 { 20 } else { 16 });
        Self {
            name: 3,
            source,
            step,
            state,
            end,
        }
    }
}

fn row(model: &Model, standing: &Standing, columns: Columns, canvas: &mut Canvas<'_>, y: u16) {
    let plan = &standing.plan;
    canvas.within(
        columns.name,
        y,
        columns.source - columns.name - 1,
        &plan.name,
        Role::Plain,
    );
    canvas.within(
        columns.source,
        y,
        columns.step - columns.source - 1,
        &plan.preset,
        Role::Plain,
    );
    let step = standing.readiness().step();
    canvas.within(
        columns.step,
        y,
        columns.state - columns.step - 1,
        step.name(),
        Role::Plain,
    );
    let (text, role) = state(model, standing);
    let since = standing
        .last
        .as_ref()
        .map_or_else(String::new, |(at, _)| ago(*at, model.now));
    canvas.within(columns.state, y, columns.end - columns.state - 8, &text, role);
    canvas.right(columns.end, y, &since, Role::Quiet);
}

/// A migration's state in a few words.
fn state(model: &Model, standing: &Standing) -> (String, Role) {
    let ready = standing.readiness();
    if let Some(job) = model.jobs.get(&standing.plan.id) {
        if job.stopping {
            return ("stopping".to_owned(), Role::Here);
        }
        return match (ready.step(), &standing.state.progress) {
            (Step::Poll, Some(progress)) => (progress.clone(), Role::Here),
            (Step::Ingest, _) => (format!("{} rows", count(job.snapshot.rows())), Role::Here),
            _ => ("at work".to_owned(), Role::Here),
        };
    }
    match standing.state.stage {
        _ if standing.state.stopped.is_some() => ("stopped".to_owned(), Role::Wrong),
        Stage::Verified | Stage::Completed if standing.conflicts > 0 => {
            (format!("needs you: {}", count(standing.conflicts)), Role::Waiting)
        }
        Stage::Verified | Stage::Completed if standing.findings.unwrap_or(0) > 0 => {
            (several(standing.findings.unwrap_or(0), "finding"), Role::Wrong)
        }
        Stage::Completed if standing.state.flipped => ("flipped".to_owned(), Role::Done),
        Stage::Completed if standing.gate.is_open() => ("ready to flip".to_owned(), Role::Here),
        Stage::Completed if standing.charts.failed > 0 => {
            (several(standing.charts.failed, "failed chart"), Role::Wrong)
        }
        Stage::Completed if !standing.charts.settled() => {
            (format!("{} to see", several(standing.charts.open, "chart")), Role::Note)
        }
        Stage::Completed => ("verified".to_owned(), Role::Done),
        Stage::RolledBack => ("taken back".to_owned(), Role::Note),
        Stage::Cancelled => ("cancelled".to_owned(), Role::Note),
        Stage::New => ("to be set up".to_owned(), Role::Plain),
        _ => ("paused".to_owned(), Role::Note),
    }
}

/// What the chosen migration waits for, in sentences, and what to do about it.
fn detail(model: &Model, standing: &Standing, canvas: &mut Canvas<'_>) {
    let ready = standing.readiness();
    let step = ready.step();
    let text = if model.jobs.contains_key(&standing.plan.id) {
        "It is at work. You can look on, or leave it alone: what it has done stays done.".to_owned()
    } else if let Some(stopped) = &standing.state.stopped {
        format!("It stopped: {stopped}. Run again, it goes on from there.")
    } else if standing.conflicts > 0 && matches!(standing.state.stage, Stage::Verified | Stage::Completed) {
        format!(
            "{} cannot be settled by a rule; {} wait for them. Everything else is in.",
            several(standing.conflicts, "conflict"),
            several(standing.counts.held, "row")
        )
    } else {
        match standing.state.stage {
            Stage::New | Stage::RolledBack | Stage::Cancelled => {
                let missing = Step::ALL
                    .into_iter()
                    .zip(ready.steps())
                    .find_map(|(_, state)| match state {
                        StepState::Blocked(why) => Some(why),
                        _ => None,
                    });
                missing.map_or_else(
                    || format!("Next: {}.", step.name()),
                    |why| format!("Next: {}. It {why}.", step.name()),
                )
            }
            Stage::Completed if standing.state.flipped => {
                "The practice has gone over; the migration is closed.".to_owned()
            }
            Stage::Completed if ready.waits().is_some() => format!(
                "{} are in, compared with what was received. Before the practice goes over: {}.",
                several(standing.counts.rows, "row"),
                ready.waits().unwrap_or_default()
            ),
            Stage::Completed => format!(
                "{} are in, compared with what was received.",
                several(standing.counts.rows, "row")
            ),
            _ => "It was paused, or the connection was lost. Run again, it goes on from there.".to_owned(),
        }
    };
    let width = canvas.width().saturating_sub(6);
    canvas.part(3, 0, width, 3).paragraph(0, 0, &text, Role::Plain);
    if let Some(key) = binding::key_for(model, Action::Open) {
        let at = canvas.text(3, 3, &key, Role::Key);
        canvas.text(at, 3, &format!("  {}", step.name()), Role::Plain);
    }
}

#[cfg(test)]
mod tests;
