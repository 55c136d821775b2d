//! One NDJSON line in the making: compact JSON written straight into a string, in the habits of several EHRs.

use super::Practice;
use super::calendar::{self, Clock};
use super::coding::Coding;
use super::dice::Dice;
use super::kind::Kind;

/// A resource being written; the object is open until [`Line::finish`].
pub(super) struct Line<'p> {
    practice: &'p Practice,
    json: String,
    /// Randomness of this resource.
    pub dice: Dice,
    /// How this line writes instants.
    clock: Clock,
    /// Non-ASCII characters are written as `\uXXXX`.
    ascii: bool,
    /// `/` is written as `\/`, as some JSON writers do.
    slashes: bool,
    /// References carry the server's own base.
    absolute: bool,
}

/// What `meta` says about a resource.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Meta {
    /// When it was last changed, in seconds since 1970.
    pub updated: i64,
    /// The last part of its US Core profile, if it has one.
    pub profile: Option<&'static str>,
    /// A confidentiality label.
    pub security: Option<&'static Coding>,
}

impl<'p> Line<'p> {
    /// Opens the resource of a type at `index` with its type, id and `meta`.
    pub fn start(practice: &'p Practice, kind: Kind, index: u64, meta: Meta) -> Self {
        Self::with_id(practice, kind, index, &practice.id(kind, index), meta)
    }

    /// Opens a resource under an id of the caller's.
    pub fn with_id(practice: &'p Practice, kind: Kind, index: u64, id: &str, meta: Meta) -> Self {
        let mut dice = Dice::at(practice.seed(), kind as u64, index);
        let mut line = Line {
            practice,
            json: String::with_capacity(1_600),
            clock: Clock::roll(&mut dice),
            ascii: dice.one_in(9),
            slashes: dice.one_in(31),
            absolute: dice.one_in(12),
            dice,
        };
        line.json.push('{');
        if line.dice.one_in(25) {
            // JSON objects are unordered, and some servers take them at their word.
            line.text("id", id).text("resourceType", kind.name());
        } else {
            line.text("resourceType", kind.name()).text("id", id);
        }
        line.meta(meta);
        line
    }

    fn meta(&mut self, meta: Meta) {
        self.open("meta");
        if self.dice.one_in(3) {
            let version = 1 + self.dice.below(7);
            self.text("versionId", &version.to_string());
        }
        if !self.dice.one_in(14) {
            self.instant("lastUpdated", meta.updated);
        }
        if let Some(profile) = meta.profile.filter(|_| !self.dice.one_in(3)) {
            self.list("profile");
            self.string(&format!(
                "http://hl7.org/fhir/us/core/StructureDefinition/us-core-{profile}"
            ));
            self.end();
        }
        if let Some(label) = meta.security {
            self.list("security").coding(label).end();
        }
        self.close();
        if self.json.ends_with(",\"meta\":{}") {
            self.json.truncate(self.json.len() - ",\"meta\":{}".len());
        }
    }

    /// The practice the resource belongs to.
    pub fn practice(&self) -> &'p Practice {
        self.practice
    }

    /// Closes the resource.
    pub fn finish(mut self) -> Vec<u8> {
        self.json.push('}');
        self.json.into_bytes()
    }

    // A comma is due unless something has just been opened or named: the text itself is the writer's memory.
    fn comma(&mut self) {
        if !matches!(self.json.as_bytes().last(), Some(b'{' | b'[' | b':')) {
            self.json.push(',');
        }
    }

    fn key(&mut self, key: &str) {
        self.comma();
        self.json.push('"');
        self.json.push_str(key);
        self.json.push_str("\":");
    }

    /// Opens an object under a key.
    pub fn open(&mut self, key: &str) -> &mut Self {
        self.key(key);
        self.json.push('{');
        self
    }

    /// Closes an object.
    pub fn close(&mut self) -> &mut Self {
        self.json.push('}');
        self
    }

    /// Opens a list under a key.
    pub fn list(&mut self, key: &str) -> &mut Self {
        self.key(key);
        self.json.push('[');
        self
    }

    /// Closes a list.
    pub fn end(&mut self) -> &mut Self {
        self.json.push(']');
        self
    }

    /// Opens an object as the next element of a list.
    pub fn item(&mut self) -> &mut Self {
        self.comma();
        self.json.push('{');
        self
    }

    /// A string as the next element of a list.
    pub fn string(&mut self, text: &str) -> &mut Self {
        self.comma();
        self.quote(text);
        self
    }

    /// A string under a key.
    pub fn text(&mut self, key: &str, text: &str) -> &mut Self {
        self.key(key);
        self.quote(text);
        self
    }

    /// One of two strings under a key: the rare one once in `chances`.
    pub fn rarely(&mut self, key: &str, chances: u64, rare: &str, usual: &str) -> &mut Self {
        let text = if self.dice.one_in(chances) { rare } else { usual };
        self.text(key, text)
    }

    /// A number or boolean under a key, exactly as spelled.
    pub fn literal(&mut self, key: &str, literal: &str) -> &mut Self {
        self.key(key);
        self.json.push_str(literal);
        self
    }

    /// An instant under a key, in seconds since 1970.
    pub fn instant(&mut self, key: &str, seconds: i64) -> &mut Self {
        let text = calendar::instant(seconds, self.clock);
        self.text(key, &text)
    }

    /// The day of an instant under a key.
    pub fn date(&mut self, key: &str, seconds: i64) -> &mut Self {
        self.text(key, &calendar::date(seconds))
    }

    /// `Type/id`, with the server's base before it where this line writes references so.
    pub fn address(&self, kind: Kind, index: u64) -> String {
        let base = if self.absolute { "{base}/" } else { "" };
        format!("{base}{}/{}", kind.name(), self.practice.id(kind, index))
    }

    fn quote(&mut self, text: &str) {
        self.json.push('"');
        let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
        if !self.slashes && text.bytes().all(plain) {
            self.json.push_str(text);
        } else {
            for character in text.chars() {
                self.escape(character);
            }
        }
        self.json.push('"');
    }

    fn escape(&mut self, character: char) {
        match character {
            '"' => self.json.push_str("\\\""),
            '\\' => self.json.push_str("\\\\"),
            '\n' => self.json.push_str("\\n"),
            '\t' => self.json.push_str("\\t"),
            '/' if self.slashes => self.json.push_str("\\/"),
            ' '..='~' => self.json.push(character),
            _ if self.ascii || is_invisible(character) => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    self.json.push_str("\\u");
                    for shift in [12, 8, 4, 0] {
                        self.json
                            .push(char::from_digit(u32::from(*unit) >> shift & 0xF, 16).unwrap_or('0'));
                    }
                }
            }
            _ => self.json.push(character),
        }
    }
}

/// Characters that JSON must escape, or that nobody should meet raw in a terminal or an editor.
fn is_invisible(character: char) -> bool {
    character.is_control() || matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}
