//! Every action that there is here, found by typing a part of its name.

use super::{rows, titled};
use crate::tui::binding::Binding;
use crate::tui::canvas::Canvas;
use crate::tui::list::{List, Move};
use crate::tui::look::{Role, Sign};
use crate::tui::model::Model;
use crate::tui::overlay::help;
use crate::tui::text_input::TextInput;

/// What was typed, and which of the actions found is chosen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commands {
    /// What was typed.
    pub typed: TextInput,
    list: List,
}

impl Commands {
    /// The actions whose label has every typed word in it.
    pub fn found(&self, model: &Model) -> Vec<&'static Binding> {
        let typed = self.typed.text().to_lowercase();
        let words: Vec<&str> = typed.split_whitespace().collect();
        let mut found: Vec<&'static Binding> = Vec::new();
        for binding in help::keys(model) {
            let label = binding.label.to_lowercase();
            let known = found.iter().any(|other| other.action == binding.action);
            if !known && words.iter().all(|word| label.contains(word)) {
                found.push(binding);
            }
        }
        found
    }

    /// The chosen action.
    pub fn chosen(&self, model: &Model) -> Option<&'static Binding> {
        self.found(model).get(self.list.at).copied()
    }

    /// Moves among what was found.
    pub fn go(&mut self, movement: Move, found: usize, page: usize) {
        self.list.go(movement, found, page);
    }

    /// Begins at the first again: something else was typed.
    pub fn typed_anew(&mut self) {
        self.list = List::default();
    }

    /// Draws the line and what was found.
    pub fn view(&self, model: &Model, canvas: &mut Canvas<'_>) {
        let mut body = titled(canvas, "What do you want to do?");
        let width = body.width();
        body.text(0, 0, ":", Role::Key);
        self.typed.draw(&mut body, 2, 0, width.saturating_sub(2).min(40));
        let height = body.height();
        let mut below = body.part(0, 2, width, height.saturating_sub(2));
        let found = self.found(model);
        let chosen = found.get(self.list.at).copied();
        rows(&mut below, self.list, &found, |canvas, y, binding| {
            let here = chosen.is_some_and(|chosen| std::ptr::eq(chosen, *binding));
            if here {
                canvas.sign(0, y, Sign::Chosen, Role::Key);
            }
            let why = (binding.why_not)(model);
            let role = if why.is_some() { Role::Quiet } else { Role::Plain };
            canvas.within(2, y, 24, binding.label, role);
            canvas.within(27, y, 10, &binding.key.name(), Role::Key);
            if let Some(why) = why {
                canvas.text(38, y, &why, Role::Quiet);
            }
            if here {
                canvas.restyle(2, y, 24, Role::Chosen);
            }
        });
    }
}
