//! All keys that work here, with why one does not work now.

use super::{rows, titled};
use crate::tui::binding::{self, Binding};
use crate::tui::canvas::Canvas;
use crate::tui::list::{List, Move, scrolled};
use crate::tui::look::Role;
use crate::tui::model::Model;

/// How far the list of keys is scrolled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Help {
    top: usize,
}

impl Help {
    /// Scrolls.
    pub fn go(&mut self, movement: Move, model_rows: usize, keys: usize) {
        self.top = scrolled(self.top, movement, keys, model_rows.saturating_sub(3));
    }

    /// Draws the keys.
    pub fn view(self, model: &Model, canvas: &mut Canvas<'_>) {
        let mut body = titled(canvas, &format!("Keys on the screen {}", model.screen.name()));
        let keys = keys(model);
        let shown = &keys[self.top.min(keys.len())..];
        rows(&mut body, List::default(), shown, |canvas, y, binding| {
            canvas.within(0, y, 11, &binding.key.name(), Role::Key);
            match (binding.why_not)(model) {
                None => canvas.text(12, y, binding.label, Role::Plain),
                Some(why) => {
                    let at = canvas.text(12, y, binding.label, Role::Quiet);
                    canvas.text(at, y, &format!("  not now: {why}"), Role::Quiet)
                }
            };
        });
    }
}

/// The keys that work under the help.
pub fn keys(model: &Model) -> Vec<&'static Binding> {
    // What works when nothing stands over the screen.
    let places = binding::places_below(model);
    binding::BINDINGS
        .iter()
        .filter(|binding| places.contains(&binding.place))
        .collect()
}
