//! What can stand over a screen: one thing at a time, and Esc takes it away.

mod ask;
mod choose;
mod commands;
mod editor;
mod help;
mod notice;
mod question;
mod reading;

pub use ask::{Ask, For};
pub use choose::{Choose, Gets};
pub use commands::Commands;
pub use editor::Editor;
pub use help::{Help, keys};
pub use notice::Notice;
pub use question::Question;
pub use reading::Reading;

use super::canvas::Canvas;
use super::list::List;
use super::look::Role;
use super::model::Model;
use super::text_input::TextInput;

/// What stands over the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Overlay {
    /// A question that must be answered before anything else.
    Question(Question),
    /// Something to be read before going on.
    Notice(Notice),
    /// Something in full.
    Reading(Reading),
    /// All keys that work here.
    Help(Help),
    /// Every action, by name.
    Commands(Commands),
    /// A list to choose from.
    Choose(Choose),
    /// A line that is asked for.
    Ask(Ask),
    /// What a list is narrowed to; typed on the last line but one.
    Filter(TextInput),
    /// A field edited as JSON.
    Edit(Box<Editor>),
}

/// Draws what stands over the screen, on the body.
pub fn view(model: &Model, canvas: &mut Canvas<'_>) {
    match &model.overlay {
        Some(Overlay::Question(question)) => question.view(canvas),
        Some(Overlay::Notice(notice)) => notice.view(canvas),
        Some(Overlay::Reading(reading)) => reading.view(canvas),
        Some(Overlay::Help(help)) => help.view(model, canvas),
        Some(Overlay::Commands(commands)) => commands.view(model, canvas),
        Some(Overlay::Choose(choose)) => choose.view(canvas),
        Some(Overlay::Ask(ask)) => ask.view(canvas),
        Some(Overlay::Edit(editor)) => editor.view(canvas),
        Some(Overlay::Filter(_)) | None => {}
    }
}

/// Draws the title of what stands over the screen, after emptying the canvas; gives what is left for the rest.
fn titled<'c>(canvas: &'c mut Canvas<'_>, title: &str) -> Canvas<'c> {
    canvas.clear();
    canvas.text(2, 0, title, Role::Title);
    let (width, height) = (canvas.width(), canvas.height());
    canvas.part(2, 2, width.saturating_sub(4), height.saturating_sub(2))
}

/// Draws as many rows as there is room for, the chosen one marked.
fn rows<T>(canvas: &mut Canvas<'_>, list: List, items: &[T], draw: impl Fn(&mut Canvas<'_>, u16, &T)) {
    let window = list.window(items.len(), usize::from(canvas.height()));
    for (y, index) in (0..).zip(window) {
        draw(canvas, y, &items[index]);
    }
}

#[cfg(test)]
mod tests;
