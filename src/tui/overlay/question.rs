//! A question before something that cannot be undone, or that stops work.

use super::titled;
use crate::tui::canvas::Canvas;
use crate::tui::look::Role;
use crate::tui::message::Effect;
use crate::tui::text_input::TextInput;

/// A question, and what is done when it is answered with yes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// What is asked.
    pub title: String,
    /// What will come of it, in sentences.
    pub text: Vec<String>,
    /// What must be typed first, where it cannot be undone.
    pub word: Option<String>,
    /// What was typed so far.
    pub typed: TextInput,
    /// What is done then.
    pub yes: Vec<Effect>,
}

impl Question {
    /// A question that is answered with one key.
    pub fn new(title: impl Into<String>, text: &[&str], yes: Vec<Effect>) -> Self {
        Self {
            title: title.into(),
            text: text.iter().map(|line| (*line).to_owned()).collect(),
            word: None,
            typed: TextInput::default(),
            yes,
        }
    }

    /// The same, to be answered by typing a word.
    #[must_use]
    pub fn typed(mut self, word: impl Into<String>) -> Self {
        self.word = Some(word.into());
        self
    }

    /// Why yes cannot be said yet.
    pub fn lacks(&self) -> Option<String> {
        let word = self.word.as_ref()?;
        (self.typed.text().trim() != word).then(|| format!("type {word} first"))
    }

    /// Draws the question.
    pub fn view(&self, canvas: &mut Canvas<'_>) {
        let mut body = titled(canvas, &self.title);
        let mut row = 0;
        for line in &self.text {
            row = body.paragraph(0, row, line, Role::Plain) + 1;
        }
        if let Some(word) = &self.word {
            let at = body.text(0, row, "Type ", Role::Plain);
            let at = body.text(at, row, word, Role::Strong);
            let at = body.text(at, row, " to go on:  ", Role::Plain);
            self.typed.draw(&mut body, at, row, 24);
        }
    }
}
