//! The frame around every screen: who and where, the rail, the body, what happened last, and the keys that work here and now.

use ratatui::Frame;
use ratatui::layout::{Rect, Size};

use super::binding::{self, Binding};
use super::canvas::{Canvas, columns};
use super::figure;
use super::form;
use super::look::{Role, Sign};
use super::model::Model;
use super::overlay::{self, Overlay};
use super::screen::{self, Screen};
use crate::migration::{Step, StepState};

/// The least that the frame needs to be of use.
pub const SMALLEST: Size = Size { width: 60, height: 16 };

/// Where the body is, on a terminal of this size.
pub fn body(size: Size) -> Rect {
    Rect::new(0, 3, size.width, size.height.saturating_sub(6))
}

/// Draws everything.
pub fn view(model: &Model, frame: &mut Frame<'_>) {
    let area = frame.area();
    let mut cursor = None;
    let mut canvas = Canvas::new(frame.buffer_mut(), area, model.look, &mut cursor);
    if area.width < SMALLEST.width || area.height < SMALLEST.height {
        let text = format!(
            "This window is too small: {} by {} at least.",
            SMALLEST.width, SMALLEST.height
        );
        canvas.paragraph(0, 0, &text, Role::Plain);
        return;
    }
    header(model, &mut canvas.part(0, 0, area.width, 1));
    let mut second = canvas.part(0, 1, area.width, 1);
    match model.screen {
        Screen::Home => place(model, &mut second),
        _ => rail(model, &mut second),
    }
    canvas.rule(2);
    let middle = body(area.as_size());
    {
        let mut body = canvas.part(0, middle.y, middle.width, middle.height);
        screen::view(model, &mut body);
        overlay::view(model, &mut body);
    }
    canvas.rule(area.height - 3);
    last(model, &mut canvas.part(0, area.height - 2, area.width, 1));
    footer(model, &mut canvas.part(0, area.height - 1, area.width, 1));
    if let Some(position) = cursor {
        frame.set_cursor_position(position);
    }
}

/// Who and where.
fn header(model: &Model, canvas: &mut Canvas<'_>) {
    let end = canvas.width().saturating_sub(1);
    let at = canvas.text(1, 0, "cutover", Role::Title);
    let right = match model.plan().filter(|_| model.screen != Screen::Home) {
        None => format!(
            "{} · {}",
            model.place.host,
            figure::several(model.standings().len() as u64, "practice")
        ),
        Some(plan) => {
            let vendor = form::preset(model, plan).map_or(&plan.preset, |preset| &preset.label);
            format!("{vendor}{}", if model.place.rehearsal { " · rehearsal" } else { "" })
        }
    };
    let right = if model.look.ascii {
        right.replace('·', "-")
    } else {
        right
    };
    canvas.right(end, 0, &right, Role::Quiet);
    if let Some(plan) = model.plan().filter(|_| model.screen != Screen::Home) {
        let room = end.saturating_sub(columns(&right) + at + 5);
        canvas.within(at + 3, 0, room, &plan.name, Role::Strong);
    }
}

/// Under the header of the home screen: which workspace, and what is at work.
fn place(model: &Model, canvas: &mut Canvas<'_>) {
    let end = canvas.width().saturating_sub(1);
    let work = match model.jobs.len() {
        0 => "nothing at work".to_owned(),
        jobs => format!("{} at work", figure::several(jobs as u64, "job")),
    };
    canvas.right(end, 0, &work, Role::Quiet);
    let room = end.saturating_sub(columns(&work) + 3);
    canvas.within(1, 0, room, &model.place.workspace, Role::Quiet);
}

/// The eight steps.
fn rail(model: &Model, canvas: &mut Canvas<'_>) {
    let Some(standing) = model.opened() else { return };
    let states = standing.readiness().steps();
    let mut x = 1;
    for (step, state) in Step::ALL.into_iter().zip(&states) {
        let (sign, role) = match state {
            StepState::Done => (Sign::Done, Role::Done),
            StepState::Here => (Sign::Here, Role::Here),
            StepState::Waiting(_) => (Sign::Waiting, Role::Waiting),
            StepState::Blocked(_) => (Sign::Blocked, Role::Quiet),
            StepState::Ahead => (Sign::Ahead, Role::Quiet),
        };
        canvas.sign(x, 0, sign, role);
        let looked_at = model.screen == Screen::Step(step);
        let name = if looked_at { Role::Chosen } else { role };
        let end = canvas.text(
            x + 1,
            0,
            step.name(),
            if name == Role::Waiting { Role::Strong } else { name },
        );
        x = end + if canvas.width() >= 100 { 3 } else { 1 };
    }
}

/// What happened last, or what is to be seen before it, or what a list is narrowed to.
fn last(model: &Model, canvas: &mut Canvas<'_>) {
    if let Some(Overlay::Filter(typed)) = &model.overlay {
        let at = canvas.text(1, 0, "/", Role::Key);
        let width = canvas.width().saturating_sub(at + 1);
        typed.draw(canvas, at, 0, width);
        return;
    }
    let line = model.toast.as_ref().map(|(_, line)| line).or(model.last.as_ref());
    if let Some(line) = line {
        let at = canvas.text(1, 0, &figure::time(line.at, &model.zone), Role::Quiet);
        canvas.text(at + 1, 0, line.text.lines().next().unwrap_or_default(), line.role);
    }
}

/// The keys that work here and now; when there is no room for all, help names the rest.
fn footer(model: &Model, canvas: &mut Canvas<'_>) {
    let shown: Vec<&Binding> = binding::here(model)
        .into_iter()
        .filter(|binding| binding.footer)
        .collect();
    // Help and the way out stay, whatever has to go.
    let (kept, others): (Vec<&Binding>, Vec<&Binding>) = shown.into_iter().partition(|binding| {
        use super::action::Action::{Back, Help, Quit};
        matches!(binding.action, Back | Help | Quit)
    });
    let width = |binding: &Binding| columns(&binding.key.name()) + 1 + columns(binding.label) + 2;
    let mut room = canvas
        .width()
        .saturating_sub(1)
        .saturating_sub(kept.iter().map(|b| width(b)).sum());
    let works = |binding: &Binding| (binding.why_not)(model).is_none();
    // What works goes first for a place; the order stays that of the table.
    let mut places = vec![false; others.len()];
    for wanted in [true, false] {
        for (index, binding) in others
            .iter()
            .enumerate()
            .filter(|(_, binding)| works(binding) == wanted)
        {
            if width(binding) <= room {
                room -= width(binding);
                places[index] = true;
            }
        }
    }
    let shown = others
        .into_iter()
        .zip(places)
        .filter(|(_, place)| *place)
        .map(|(binding, _)| binding);
    let mut x = 1;
    for binding in shown.chain(kept) {
        let (key, label) = if works(binding) {
            (Role::Key, Role::Plain)
        } else {
            (Role::Quiet, Role::Quiet)
        };
        x = canvas.text(x, 0, &binding.key.name(), key);
        x = canvas.text(x + 1, 0, binding.label, label) + 2;
    }
}
