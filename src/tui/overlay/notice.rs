//! Something that went wrong, in full: one sentence, and what to do.

use super::titled;
use crate::tui::canvas::Canvas;
use crate::tui::look::Role;
use crate::tui::message::Problem;

/// Something to be read before going on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it is about.
    pub title: String,
    /// What happened, and what to do.
    pub problem: Problem,
}

impl Notice {
    /// Draws it.
    pub fn view(&self, canvas: &mut Canvas<'_>) {
        let mut body = titled(canvas, &self.title);
        let row = body.paragraph(0, 0, &self.problem.what, Role::Wrong);
        if let Some(hint) = &self.problem.hint {
            body.paragraph(0, row + 1, &format!("hint: {hint}"), Role::Plain);
        }
    }
}
