//! Asking for a line of text before something is done.

use super::titled;
use crate::migration::{Capacity, ChartVerdict};
use crate::tui::canvas::Canvas;
use crate::tui::look::Role;
use crate::tui::text_input::TextInput;

/// What the text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum For {
    /// The practice of a new migration.
    NewMigration,
    /// The file with a private key.
    ImportKey,
    /// Why a quarantined row is right as it was typed.
    Amend,
    /// Why quarantined rows are waived.
    Waive,
    /// Why a record is taken in once more.
    Repair,
    /// What there is to say of a chart.
    Judgement(ChartVerdict),
    /// A patient whose chart is to be looked at.
    NamedPatient,
    /// Who signs off.
    SignOff(Capacity),
    /// Why the practice has not gone over.
    TakeFlipBack,
    /// The address of the FHIR server that the records are delivered to.
    Destination,
    /// The folder with the copy of what is stored, before it is destroyed here.
    Wipe,
}

/// A line that is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// What is asked.
    pub title: String,
    /// What to know about it.
    pub text: &'static str,
    /// What the answer is for.
    pub purpose: For,
    /// What was typed.
    pub typed: TextInput,
}

impl Ask {
    /// Asks for a line.
    pub fn new(title: impl Into<String>, text: &'static str, purpose: For) -> Self {
        Self {
            title: title.into(),
            text,
            purpose,
            typed: TextInput::default(),
        }
    }

    /// Why it cannot be taken as it is.
    pub fn lacks(&self) -> Option<String> {
        let may_be_empty = self.purpose == For::Judgement(ChartVerdict::Passed);
        let empty = self.typed.text().trim().is_empty();
        (empty && !may_be_empty).then(|| "type something first".to_owned())
    }

    /// Draws the question and the line.
    pub fn view(&self, canvas: &mut Canvas<'_>) {
        let mut body = titled(canvas, &self.title);
        let width = body.width();
        self.typed.draw(&mut body, 0, 0, width.min(60));
        body.paragraph(0, 2, self.text, Role::Quiet);
    }
}
