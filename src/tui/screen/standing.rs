//! A step that has no screen of its own: how it stands, and what was counted.

use crate::migration::{Step, StepState};
use crate::tui::action::Action;
use crate::tui::canvas::Canvas;
use crate::tui::figure::count;
use crate::tui::look::Role;
use crate::tui::message::Effect;
use crate::tui::model::Model;

/// Opens the screen.
pub fn enter(model: &mut Model) -> Vec<Effect> {
    model.read_standings()
}

/// Does what a key means here.
pub fn act(model: &mut Model, action: Action) -> Vec<Effect> {
    super::common(model, action)
}

/// Draws the screen.
pub fn view(model: &Model, step: Step, canvas: &mut Canvas<'_>) {
    let Some(standing) = model.opened() else { return };
    let steps = standing.readiness().steps();
    let state = Step::ALL
        .iter()
        .position(|known| *known == step)
        .and_then(|index| steps.get(index));
    let (text, role) = match state {
        Some(StepState::Done) => ("Done.".to_owned(), Role::Done),
        Some(StepState::Here) => ("The migration is here.".to_owned(), Role::Here),
        Some(StepState::Waiting(why)) => (format!("Waits for you: {why}"), Role::Waiting),
        Some(StepState::Blocked(why)) => (format!("Not yet: it {why}"), Role::Note),
        Some(StepState::Ahead) | None => ("Its turn comes later.".to_owned(), Role::Quiet),
    };
    let width = canvas.width().saturating_sub(4);
    let row = canvas.part(2, 0, width, 3).paragraph(0, 0, &text, role);
    if matches!(step, Step::Ingest | Step::Verify | Step::Cutover) {
        let counts = &standing.counts;
        let rows = [
            ("rows received", counts.rows),
            ("stored", counts.stored),
            ("unchanged", counts.unchanged),
            ("quarantined", counts.quarantined),
            ("held", counts.held),
            ("undecided", counts.undecided),
            ("kept as they were", counts.kept),
            ("deleted", counts.deleted),
            ("conflicts that wait for you", standing.conflicts),
            ("findings of the last verification", standing.findings.unwrap_or(0)),
        ];
        for (y, (name, number)) in (row + 1..).zip(rows) {
            canvas.text(2, y, name, Role::Plain);
            canvas.right(52, y, &count(number), Role::Strong);
        }
    }
}
