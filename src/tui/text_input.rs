//! One line of text that somebody types.

use unicode_segmentation::UnicodeSegmentation;

use super::canvas::{Canvas, columns, fit};
use super::key::Key;
use super::look::{Role, Sign};
use crossterm::event::KeyCode;

/// The longest text that is taken, in bytes: a JWK or a scope list has room, a pasted file has not.
const LONGEST: usize = 8 * 1024;

/// What somebody types.
#[derive(Debug, Clone, Copy)]
pub enum Typed<'a> {
    /// A key.
    Key(Key),
    /// Pasted text.
    Text(&'a str),
}

/// A line being typed, with the place where the next character goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextInput {
    text: String,
    /// Byte offset of the cursor, always between two graphemes.
    at: usize,
}

impl TextInput {
    /// A line that begins as `text`, with the cursor at its end.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { at: text.len(), text }
    }

    /// What was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Takes what was typed.
    pub fn take(&mut self, typed: Typed<'_>) {
        match typed {
            Typed::Key(key) => drop(self.key(key)),
            Typed::Text(text) => self.insert(text),
        }
    }

    /// Takes a key; false if it is not one that types or moves.
    pub fn key(&mut self, key: Key) -> bool {
        match (key.code, key.ctrl) {
            (KeyCode::Backspace, _) | (KeyCode::Char('h'), true) => {
                let from = self.before();
                self.text.replace_range(from..self.at, "");
                self.at = from;
            }
            (KeyCode::Delete, _) => {
                let to = self.after();
                self.text.replace_range(self.at..to, "");
            }
            (KeyCode::Left, _) => self.at = self.before(),
            (KeyCode::Right, _) => self.at = self.after(),
            (KeyCode::Home, _) | (KeyCode::Char('a'), true) => self.at = 0,
            (KeyCode::End, _) | (KeyCode::Char('e'), true) => self.at = self.text.len(),
            (KeyCode::Char('u'), true) => {
                self.text.replace_range(..self.at, "");
                self.at = 0;
            }
            (KeyCode::Char('w'), true) => {
                let kept = self.text[..self.at]
                    .trim_end()
                    .rfind(char::is_whitespace)
                    .map_or(0, |space| space + 1);
                self.text.replace_range(kept..self.at, "");
                self.at = kept;
            }
            (KeyCode::Char(c), false) => self.insert(c.encode_utf8(&mut [0; 4])),
            _ => return false,
        }
        true
    }

    /// Puts text in at the cursor: without line ends and other control characters, as far as there is room.
    pub fn insert(&mut self, text: &str) {
        for c in text.trim_end_matches(['\r', '\n']).chars() {
            let c = if matches!(c, '\r' | '\n' | '\t') { ' ' } else { c };
            if !c.is_control() && self.text.len() + c.len_utf8() <= LONGEST {
                self.text.insert(self.at, c);
                self.at += c.len_utf8();
            }
        }
    }

    /// Draws the line in `width` columns, scrolled so that the cursor is seen.
    pub fn draw(&self, canvas: &mut Canvas<'_>, x: u16, y: u16, width: u16) {
        let look = canvas.look();
        let room = usize::from(width.saturating_sub(1));
        // The beginning goes first when there is no room for all of it before the cursor.
        let mut from = 0;
        let seen = |from: usize| columns(&fit(&self.text[from..self.at], look, usize::MAX));
        for (start, _) in self.text[..self.at].grapheme_indices(true) {
            if usize::from(seen(start)) + usize::from(start > 0) <= room {
                from = start;
                break;
            }
            from = self.at;
        }
        canvas.restyle(x, y, width, Role::Chosen);
        let mut column = x;
        if from > 0 {
            canvas.sign(column, y, Sign::Ellipsis, Role::Chosen);
            column += 1;
        }
        let cursor = column + seen(from);
        canvas.within(
            column,
            y,
            width.saturating_sub(column - x),
            &self.text[from..],
            Role::Chosen,
        );
        canvas.restyle(x, y, width, Role::Chosen);
        canvas.cursor(cursor.min(x + width.saturating_sub(1)), y);
    }

    fn before(&self) -> usize {
        self.text[..self.at]
            .grapheme_indices(true)
            .next_back()
            .map_or(0, |(start, _)| start)
    }

    fn after(&self) -> usize {
        self.text[self.at..]
            .graphemes(true)
            .next()
            .map_or(self.at, |part| self.at + part.len())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn typed(keys: &[Key]) -> String {
        let mut input = TextInput::new("ab");
        for key in keys {
            assert!(input.key(*key));
        }
        input.text().to_owned()
    }

    #[test]
    fn keys_type_move_and_take_away() {
        let plain = Key::plain;
        assert_eq!(typed(&[Key::of('c')]), "abc");
        assert_eq!(typed(&[plain(KeyCode::Left), Key::of('c')]), "acb");
        assert_eq!(typed(&[plain(KeyCode::Home), plain(KeyCode::Delete)]), "b");
        assert_eq!(
            typed(&[
                plain(KeyCode::Backspace),
                plain(KeyCode::Backspace),
                plain(KeyCode::Backspace)
            ]),
            ""
        );
        assert_eq!(typed(&[Key::of(' '), Key::of('x'), Key::ctrl('w')]), "ab ");
        assert_eq!(typed(&[Key::ctrl('u')]), "");
        assert!(!TextInput::default().key(plain(KeyCode::F(1))));
    }

    #[test]
    fn pasted_text_becomes_one_line() {
        let mut input = TextInput::default();
        input.insert("https://ehr.example\r\n");
        assert_eq!(input.text(), "https://ehr.example");
        input.insert("\u{1b}[2J\na");
        assert_eq!(input.text(), "https://ehr.example[2J a");
        input.insert(&"x".repeat(2 * LONGEST));
        assert_eq!(input.text().len(), LONGEST);
    }

    proptest! {
        #[test]
        fn no_series_of_keys_splits_a_character(text in any::<String>(), moves in prop::collection::vec(0_u8..7, 0..40)) {
            let mut input = TextInput::default();
            input.insert(&text);
            for step in moves {
                let code = match step {
                    0 => KeyCode::Left,
                    1 => KeyCode::Right,
                    2 => KeyCode::Backspace,
                    3 => KeyCode::Delete,
                    4 => KeyCode::Home,
                    5 => KeyCode::End,
                    _ => KeyCode::Char('é'),
                };
                input.key(Key::plain(code));
                prop_assert!(input.text.is_char_boundary(input.at));
            }
        }
    }
}
