//! Something to be read in full: what a screen had to cut.

use super::titled;
use crate::tui::canvas::{Canvas, wrapped};
use crate::tui::list::{Move, scrolled};
use crate::tui::look::Role;

/// A text in parts, each under its name, and how far it is scrolled.
#[derive(Clone, PartialEq, Eq)]
pub struct Reading {
    title: String,
    parts: Vec<(String, String)>,
    top: usize,
}

impl std::fmt::Debug for Reading {
    /// The title only: the text is about a patient.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Reading").field(&self.title).finish()
    }
}

impl Reading {
    /// Parts with their names; an empty name is not shown.
    pub fn new(title: impl Into<String>, parts: Vec<(String, String)>) -> Self {
        Self {
            title: title.into(),
            parts,
            top: 0,
        }
    }

    /// Scrolls on a screen whose body is so large.
    pub fn go(&mut self, movement: Move, width: usize, height: usize) {
        let lines = self.lines(width.saturating_sub(4)).len();
        self.top = scrolled(self.top, movement, lines, height.saturating_sub(2));
    }

    /// Draws what is seen of it.
    pub fn view(&self, canvas: &mut Canvas<'_>) {
        let mut body = titled(canvas, &self.title);
        let lines = self.lines(usize::from(body.width()));
        let height = body.height();
        for (y, (text, role)) in (0..height).zip(lines.iter().skip(self.top)) {
            body.text(0, y, text, *role);
        }
        let below = lines.len().saturating_sub(self.top + usize::from(height));
        if below > 0 {
            let more = format!("  {} more lines below  ", below + 1);
            let (end, y) = (body.width(), height.saturating_sub(1));
            body.right(end, y, &more, Role::Note);
        }
    }

    fn lines(&self, width: usize) -> Vec<(String, Role)> {
        let mut lines = Vec::new();
        for (name, text) in &self.parts {
            if !lines.is_empty() {
                lines.push((String::new(), Role::Plain));
            }
            if !name.is_empty() {
                lines.push((name.clone(), Role::Quiet));
            }
            let broken = text.lines().flat_map(|line| wrapped(&crate::fhir::safe(line), width));
            lines.extend(broken.map(|line| (line, Role::Plain)));
        }
        lines
    }
}
