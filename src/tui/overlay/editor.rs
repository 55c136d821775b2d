//! A field edited as JSON.

use crossterm::event::KeyCode;
use tui_textarea::{Input, Key as AreaKey, TextArea};

use super::titled;
use crate::tui::canvas::{Canvas, columns, fit};
use crate::tui::key::Key;
use crate::tui::look::{Role, Sign};
use crate::tui::text_input::Typed;

/// What is typed for a field. The text is drawn by the canvas, not by the text area: it comes from outside.
#[derive(Clone)]
pub struct Editor {
    /// The field.
    pub path: String,
    /// What is wrong with what is typed.
    pub problem: Option<String>,
    area: TextArea<'static>,
}

impl Editor {
    /// An editor that begins with a side's JSON, a member a line.
    pub fn new(path: &str, json: &str) -> Self {
        let value: Result<serde_json::Value, _> = serde_json::from_str(json);
        let pretty = value.and_then(|value| serde_json::to_string_pretty(&value));
        Self::as_written(path, &pretty.unwrap_or_else(|_| json.to_owned()))
    }

    /// An editor that begins with this text.
    pub fn as_written(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            problem: None,
            area: text.lines().map(str::to_owned).collect(),
        }
    }

    /// What is typed.
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    /// Takes what was typed.
    pub fn take(&mut self, typed: Typed<'_>) {
        match typed {
            Typed::Key(key) => self.key(key),
            Typed::Text(text) => self.insert(text),
        }
    }

    fn key(&mut self, key: Key) {
        let code = match key.code {
            KeyCode::Char(c) => AreaKey::Char(c),
            KeyCode::Enter => AreaKey::Enter,
            KeyCode::Backspace => AreaKey::Backspace,
            KeyCode::Delete => AreaKey::Delete,
            KeyCode::Left => AreaKey::Left,
            KeyCode::Right => AreaKey::Right,
            KeyCode::Up => AreaKey::Up,
            KeyCode::Down => AreaKey::Down,
            KeyCode::Home => AreaKey::Home,
            KeyCode::End => AreaKey::End,
            _ => return,
        };
        self.area.input(Input {
            key: code,
            ctrl: key.ctrl,
            alt: false,
            shift: false,
        });
    }

    fn insert(&mut self, text: &str) {
        let text: String = text.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
        self.area.insert_str(text);
    }

    /// Draws the text with the cursor in it, and what is wrong.
    pub fn view(&self, canvas: &mut Canvas<'_>) {
        let mut body = titled(canvas, &format!("{} as JSON", self.path));
        let height = body.height().saturating_sub(4).max(1);
        let (row, column) = (self.area.cursor().0, self.area.cursor().1);
        let top = (row + 1).saturating_sub(usize::from(height));
        let room = usize::from(body.width().saturating_sub(2));
        for (y, line) in (0..height).zip(self.area.lines().iter().skip(top)) {
            let here = top + usize::from(y) == row;
            // The beginning goes when there is no room for all of it before the cursor.
            let from = if here {
                column.saturating_sub(room.saturating_sub(1))
            } else {
                0
            };
            let seen: String = line.chars().skip(from).collect();
            body.text(0, y, &seen, Role::Plain);
            if here {
                let before: String = line.chars().skip(from).take(column - from).collect();
                let x = columns(&fit(&before, body.look(), usize::MAX));
                body.cursor(x, y);
            }
        }
        let below = height + 1;
        if let Some(why) = &self.problem {
            body.paragraph(0, below, why, Role::Wrong);
        } else {
            body.sign(0, below, Sign::Done, Role::Done);
            body.text(2, below, "It can be taken.", Role::Plain);
        }
    }
}

impl PartialEq for Editor {
    fn eq(&self, other: &Self) -> bool {
        (&self.path, &self.problem) == (&other.path, &other.problem) && self.area.lines() == other.area.lines()
    }
}

impl Eq for Editor {}

impl std::fmt::Debug for Editor {
    /// The field only: what is typed is about a patient.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Editor").field(&self.path).finish()
    }
}
