//! Choosing a value, or several, from a list.

use super::{rows, titled};
use crate::tui::canvas::Canvas;
use crate::tui::form::Field;
use crate::tui::list::{List, Move};
use crate::tui::look::{Role, Sign};

/// What gets the value that is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gets {
    /// A field of the plan.
    Field(Field),
    /// The kind of server that the destination is.
    ServerKind,
    /// Which conflict with the destination is settled.
    Unsettled,
    /// Whose record stays there.
    Keep,
}

/// A list to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choose {
    title: String,
    /// What gets the value.
    pub gets: Gets,
    /// Value, name, and whether it is chosen.
    options: Vec<(String, String, bool)>,
    many: bool,
    list: List,
}

impl Choose {
    /// One value of these.
    pub fn one(title: &str, gets: Gets, options: Vec<(String, String)>, now: &str) -> Self {
        let at = options
            .iter()
            .position(|(value, name)| value == now || name == now)
            .unwrap_or(0);
        let options = options.into_iter().map(|(value, name)| (value, name, false)).collect();
        Self {
            title: title.to_owned(),
            gets,
            options,
            many: false,
            list: List::at(at),
        }
    }

    /// Any number of these.
    pub fn several(title: &str, field: Field, options: Vec<(String, String, bool)>) -> Self {
        Self {
            title: title.to_owned(),
            gets: Gets::Field(field),
            options,
            many: true,
            list: List::default(),
        }
    }

    /// Whether any number can be chosen.
    pub fn many(&self) -> bool {
        self.many
    }

    /// Moves.
    pub fn go(&mut self, movement: Move, page: usize) {
        self.list.go(movement, self.options.len(), page);
    }

    /// Ticks the chosen one, or takes the tick away.
    pub fn tick(&mut self) {
        if let Some((_, _, on)) = self.options.get_mut(self.list.at).filter(|_| self.many) {
            *on = !*on;
        }
    }

    /// Ticks all, or takes all ticks away.
    pub fn tick_all(&mut self) {
        let on = !self.options.iter().all(|(_, _, on)| *on);
        for option in self.options.iter_mut().filter(|_| self.many) {
            option.2 = on;
        }
    }

    /// What was chosen; several with commas between.
    pub fn value(&self) -> String {
        if self.many {
            let on = self.options.iter().filter(|(_, _, on)| *on);
            return on.map(|(value, _, _)| value.as_str()).collect::<Vec<_>>().join(",");
        }
        self.options
            .get(self.list.at)
            .map(|(value, _, _)| value.clone())
            .unwrap_or_default()
    }

    /// Draws the list.
    pub fn view(&self, canvas: &mut Canvas<'_>) {
        let on = self.options.iter().filter(|(_, _, on)| *on).count();
        let title = if self.many {
            format!("{}   {on} of {}", self.title, self.options.len())
        } else {
            self.title.clone()
        };
        let mut body = titled(canvas, &title);
        let numbered: Vec<(usize, &(String, String, bool))> = self.options.iter().enumerate().collect();
        let longest = self.options.iter().map(|(_, name, _)| name.chars().count()).max();
        let wide = u16::try_from(longest.unwrap_or_default()).unwrap_or(u16::MAX).max(40);
        rows(&mut body, self.list, &numbered, |canvas, y, (index, (_, name, on))| {
            let here = *index == self.list.at;
            let x = if self.many { 4 } else { 2 };
            if *on {
                canvas.sign(2, y, Sign::Done, Role::Done);
            }
            let wide = wide.min(canvas.width().saturating_sub(x));
            canvas.within(x, y, wide, name, Role::Plain);
            if here {
                canvas.sign(0, y, Sign::Chosen, Role::Key);
                canvas.restyle(x, y, wide, Role::Chosen);
            }
        });
    }
}
