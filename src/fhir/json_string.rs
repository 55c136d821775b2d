//! JSON strings: where one ends, and what it means.

use std::borrow::Cow;
use std::ops::Range;

/// A string as it stands between its quotes.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    /// The characters between the quotes, escapes and all.
    pub raw: &'a str,
    /// Byte offset of the first of them.
    pub start: usize,
    /// Whether `raw` has escapes.
    pub escaped: bool,
}

impl<'a> Text<'a> {
    /// What the string means, its escapes resolved.
    pub fn value(&self) -> Cow<'a, str> {
        if self.escaped {
            Cow::Owned(unescape(self.raw))
        } else {
            Cow::Borrowed(self.raw)
        }
    }

    /// What the string means when no escape is needed to say it.
    pub fn plain(&self) -> Option<&'a str> {
        (!self.escaped).then_some(self.raw)
    }

    /// Byte range of `raw`.
    pub fn range(&self) -> Range<usize> {
        self.start..self.start + self.raw.len()
    }
}

/// The UTF-16 unit written as `\uXXXX` at the start of `escape`.
pub(super) fn unit(escape: &[u8]) -> Option<u32> {
    let digits = escape.strip_prefix(b"\\u")?.get(..4)?;
    digits
        .iter()
        .try_fold(0, |unit, &digit| Some(unit << 4 | char::from(digit).to_digit(16)?))
}

/// Resolves the escapes of a string that a [`Cursor`] accepted.
pub(super) fn unescape(raw: &str) -> String {
    let mut value = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = rest.find('\\') {
        value.push_str(&rest[..at]);
        let escape = &rest.as_bytes()[at..];
        let mut length = 2;
        value.push(match escape.get(1) {
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                length = 6;
                let high = unit(escape).unwrap_or(0xFFFD);
                let code = match escape.get(6..).and_then(unit) {
                    Some(low) if (0xD800..0xDC00).contains(&high) => {
                        length = 12;
                        0x1_0000 + ((high - 0xD800) << 10) + low.wrapping_sub(0xDC00)
                    }
                    _ => high,
                };
                char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
            }
            Some(&other) => char::from(other),
            None => char::REPLACEMENT_CHARACTER,
        });
        rest = rest.get(at + length..).unwrap_or_default();
    }
    value.push_str(rest);
    value
}

/// Index of the first byte from `at` on that a plain run of string characters cannot hold (`"`, `\`, or below space),
/// eight bytes at a time; the length of `bytes` when there is none.
#[inline]
pub(super) fn special(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let chunk = u64::from_le_bytes(*chunk);
        let quote = chunk ^ (ONES * 0x22);
        let backslash = chunk ^ (ONES * 0x5C);
        // A byte underflows where it is zero (or below space); only bytes above a true find can be wrong.
        let found = (quote.wrapping_sub(ONES) & !quote
            | backslash.wrapping_sub(ONES) & !backslash
            | chunk.wrapping_sub(ONES * 0x20) & !chunk)
            & HIGHS;
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes
        .get(at)
        .is_some_and(|&byte| byte != b'"' && byte != b'\\' && byte >= 0x20)
    {
        at += 1;
    }
    at
}
