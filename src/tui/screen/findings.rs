//! Findings: what a check found, each with the file and the line that it came from.

use super::Screen;
use super::verify::Check;
use crate::migration::Step;
use crate::tui::action::Action;
use crate::tui::canvas::Canvas;
use crate::tui::figure::{count, several};
use crate::tui::list::List;
use crate::tui::look::{Role, Sign};
use crate::tui::message::Effect;
use crate::tui::model::Model;

/// Which finding is chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    list: List,
}

/// Opens the screen.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    model.findings = State::default();
    Vec::new()
}

/// Does what a key means here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    match action {
        Action::Go(movement) => {
            let (len, page) = (model.verify.findings().len(), page(model.body_rows()));
            model.findings.list.go(movement, len, page);
            Vec::new()
        }
        Action::Back => super::enter(model, Screen::Step(Step::Verify)),
        _ => Vec::new(),
    }
}

fn page(body: usize) -> usize {
    body.saturating_sub(7).max(1)
}

/// Draws the screen.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    let findings = model.verify.findings();
    let check = model.verify.check();
    canvas.text(2, 0, check.name(), Role::Strong);
    if check == Check::References {
        references(model, canvas);
        return;
    }
    let end = canvas.width().saturating_sub(2);
    canvas.right(end, 0, &several(findings.len() as u64, "finding"), Role::Quiet);
    if findings.is_empty() {
        canvas.text(3, 2, "Nothing was found.", Role::Done);
        return;
    }
    let room = page(usize::from(canvas.height()));
    let list = model.findings.list;
    for (y, at) in (2..).zip(list.window(findings.len(), room)) {
        let finding = &findings[at];
        canvas.within(3, y, 17, &finding.code, Role::Wrong);
        let place = if finding.line > 0 {
            format!("{} line {}", finding.file, count(finding.line))
        } else {
            finding.file.clone()
        };
        let place = if place.is_empty() { &finding.what } else { &place };
        canvas.within(21, y, end.saturating_sub(21), place, Role::Plain);
        if at == list.at {
            canvas.sign(1, y, Sign::Chosen, Role::Key);
            canvas.restyle(3, y, 17, Role::Chosen);
        }
    }
    if let Some(finding) = findings.get(list.at) {
        let top = canvas.height().saturating_sub(4);
        let run = if finding.run > 0 {
            format!("Run {}: ", finding.run)
        } else {
            String::new()
        };
        let text = format!("{run}{}", finding.what);
        canvas
            .part(3, top, end.saturating_sub(3), 4)
            .paragraph(0, 0, &text, Role::Plain);
    }
}

/// References that lead nowhere, by why: the source had none of those records either, or they are elsewhere.
fn references(model: &Model, canvas: &mut Canvas<'_>) {
    let Some(found) = &model.verify.found else { return };
    let sum: u64 = found.dangling.values().sum();
    let text = format!(
        "{} of {} lead to a record that was not exported.",
        count(sum),
        several(found.references, "reference")
    );
    canvas.text(3, 2, &text, Role::Plain);
    for (y, (kind, number)) in (4..).zip(&found.dangling) {
        canvas.within(3, y, 30, kind, Role::Plain);
        canvas.right(46, y, &count(*number), Role::Strong);
    }
    let bottom = canvas.height().saturating_sub(3);
    let width = canvas.width().saturating_sub(6);
    let text = "They are kept as they came: the record they name was not in the export, is on another server, or its type was not asked for.";
    canvas.part(3, bottom, width, 3).paragraph(0, 0, text, Role::Quiet);
}
