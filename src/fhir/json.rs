//! A strict JSON reader that keeps positions and never builds a tree.
//!
//! Every other file of this room walks a record with it, because a migration must know *where* in the received bytes a
//! value stands, and must give those bytes back unchanged. It accepts exactly RFC 8259 minus three things no FHIR
//! record has and that would let two readers see two different records: nesting deeper than [`MAX_DEPTH`], a surrogate
//! escape without its other half, and an element name written with escapes.

use std::ops::Range;

use super::json_string::{Text, special, unit};

/// Deepest accepted nesting of objects and arrays: what `serde_json` can still read into a tree.
pub const MAX_DEPTH: usize = 127;

/// What is wrong with a text that should be JSON; every `at` is a byte offset from its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Not JSON at this byte; at the end of the text when it is cut off.
    #[error("not JSON at byte {at}")]
    Syntax {
        /// Byte offset of the first byte that cannot be.
        at: usize,
    },
    /// Nested deeper than [`MAX_DEPTH`].
    #[error("nested deeper than {MAX_DEPTH} levels at byte {at}")]
    TooDeep {
        /// Byte offset of the bracket that goes too far.
        at: usize,
    },
    /// Half of a UTF-16 surrogate pair, which stands for no character.
    #[error("half of a surrogate pair at byte {at}")]
    LoneSurrogate {
        /// Byte offset of the escape.
        at: usize,
    },
    /// An element name written with escapes, which would hide it from a search in the bytes.
    #[error("an element name is written with escapes at byte {at}")]
    EscapedName {
        /// Byte offset of the name's first byte.
        at: usize,
    },
}

/// A place in a JSON text; it moves forward only.
pub struct Cursor<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

impl<'a> Cursor<'a> {
    /// Starts before the first byte.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0, depth: 0 }
    }

    /// Byte offset of the next byte to read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next byte that is not white space, without taking it.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.at)?;
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Moves to the next byte that is not white space, or to the end, and returns its byte offset.
    #[inline]
    pub fn skip_white_space(&mut self) -> usize {
        self.peek();
        self.at
    }

    /// Succeeds when only white space is left.
    pub fn end(&mut self) -> Result<(), Flaw> {
        if self.peek().is_none() {
            Ok(())
        } else {
            Err(self.flaw())
        }
    }

    /// Reads an object, giving `member` each name with the cursor before its value, which it must take.
    pub fn object<E: From<Flaw>>(
        &mut self,
        mut member: impl FnMut(&mut Self, Text<'a>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.open(b'{')?;
        if self.peek() != Some(b'}') {
            loop {
                let name = self.name()?;
                member(self, name)?;
                if !self.comma(b'}')? {
                    break;
                }
            }
        }
        self.close();
        Ok(())
    }

    /// Reads an array, giving `item` the cursor before each item, which it must take.
    pub fn array<E: From<Flaw>>(&mut self, mut item: impl FnMut(&mut Self) -> Result<(), E>) -> Result<(), E> {
        self.open(b'[')?;
        if self.peek() != Some(b']') {
            loop {
                item(self)?;
                if !self.comma(b']')? {
                    break;
                }
            }
        }
        self.close();
        Ok(())
    }

    /// Reads a string.
    #[inline]
    pub fn string(&mut self) -> Result<Text<'a>, Flaw> {
        self.take(b'"')?;
        let start = self.at;
        let escaped = self.rest_of_string()?;
        Ok(Text {
            raw: &self.text[start..self.at - 1],
            start,
            escaped,
        })
    }

    /// Reads a number, `true`, `false` or `null`, as written.
    pub fn literal(&mut self) -> Result<&'a str, Flaw> {
        let start = self.skip_white_space();
        let rest = &self.text.as_bytes()[start..];
        let word: &[u8] = match rest.first() {
            Some(b't') => b"true",
            Some(b'f') => b"false",
            Some(b'n') => b"null",
            _ => b"",
        };
        if word.is_empty() {
            self.number()?;
        } else if rest.starts_with(word) {
            self.at += word.len();
        } else {
            return Err(self.flaw());
        }
        Ok(&self.text[start..self.at])
    }

    /// Takes any value and returns its byte range; without recursion, so that depth costs no stack.
    pub fn skip(&mut self) -> Result<Range<usize>, Flaw> {
        let start = self.skip_white_space();
        // One bit a level, set for objects; MAX_DEPTH levels fit.
        let mut objects: u128 = 0;
        let outer = self.depth;
        'value: loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    self.rest_of_string()?;
                }
                Some(b'{') => {
                    self.open(b'{')?;
                    objects = objects << 1 | 1;
                    if self.peek() != Some(b'}') {
                        self.name()?;
                        continue 'value;
                    }
                    self.close();
                    objects >>= 1;
                }
                Some(b'[') => {
                    self.open(b'[')?;
                    objects <<= 1;
                    if self.peek() != Some(b']') {
                        continue 'value;
                    }
                    self.close();
                    objects >>= 1;
                }
                _ => {
                    self.literal()?;
                }
            }
            while self.depth > outer {
                let object = objects & 1 == 1;
                if self.comma(if object { b'}' } else { b']' })? {
                    if object {
                        self.name()?;
                    }
                    continue 'value;
                }
                self.close();
                objects >>= 1;
            }
            return Ok(start..self.at);
        }
    }

    /// Moves from behind the opening quote to behind the closing one; true when an escape stands between them.
    #[inline]
    fn rest_of_string(&mut self) -> Result<bool, Flaw> {
        let mut escaped = false;
        loop {
            self.at = special(self.text.as_bytes(), self.at);
            match self.text.as_bytes().get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(self.flaw()),
            }
        }
    }

    fn flaw(&self) -> Flaw {
        Flaw::Syntax { at: self.at }
    }

    #[inline]
    fn take(&mut self, byte: u8) -> Result<(), Flaw> {
        if self.peek() != Some(byte) {
            return Err(self.flaw());
        }
        self.at += 1;
        Ok(())
    }

    #[inline]
    fn open(&mut self, bracket: u8) -> Result<(), Flaw> {
        self.take(bracket)?;
        if self.depth == MAX_DEPTH {
            return Err(Flaw::TooDeep { at: self.at - 1 });
        }
        self.depth += 1;
        Ok(())
    }

    #[inline]
    fn close(&mut self) {
        self.at += 1;
        self.depth -= 1;
    }

    /// After a value: true past a comma, false before the closing bracket.
    #[inline]
    fn comma(&mut self, bracket: u8) -> Result<bool, Flaw> {
        match self.peek() {
            Some(b',') => {
                self.at += 1;
                Ok(true)
            }
            Some(byte) if byte == bracket => Ok(false),
            _ => Err(self.flaw()),
        }
    }

    #[inline]
    fn name(&mut self) -> Result<Text<'a>, Flaw> {
        let name = self.string()?;
        if name.escaped {
            return Err(Flaw::EscapedName { at: name.start });
        }
        self.take(b':')?;
        Ok(name)
    }

    fn number(&mut self) -> Result<(), Flaw> {
        self.skip_one(b"-");
        if !self.skip_one(b"0") {
            self.digits()?;
        }
        if self.skip_one(b".") {
            self.digits()?;
        }
        if self.skip_one(b"eE") {
            self.skip_one(b"+-");
            self.digits()?;
        }
        Ok(())
    }

    fn skip_one(&mut self, any_of: &[u8]) -> bool {
        let found = self
            .text
            .as_bytes()
            .get(self.at)
            .is_some_and(|byte| any_of.contains(byte));
        self.at += usize::from(found);
        found
    }

    fn digits(&mut self) -> Result<(), Flaw> {
        let count = self.text.as_bytes()[self.at..]
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        self.at += count;
        if count == 0 { Err(self.flaw()) } else { Ok(()) }
    }

    #[cold]
    fn escape(&mut self) -> Result<(), Flaw> {
        let at = self.at;
        match self.text.as_bytes().get(at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 2,
            Some(b'u') => match self.unit(at)? {
                0xD800..=0xDBFF if matches!(self.unit(at + 6), Ok(0xDC00..=0xDFFF)) => {
                    self.at += 12;
                }
                0xD800..=0xDFFF => return Err(Flaw::LoneSurrogate { at }),
                _ => self.at += 6,
            },
            _ => return Err(self.flaw()),
        }
        Ok(())
    }

    /// The UTF-16 unit of the escape at `at`.
    fn unit(&self, at: usize) -> Result<u32, Flaw> {
        let escape = self.text.as_bytes().get(at..at + 6).ok_or(Flaw::Syntax { at })?;
        unit(escape).ok_or(Flaw::Syntax { at })
    }
}

#[cfg(test)]
pub(super) mod tests;
