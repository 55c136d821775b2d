//! A fingerprint of what a record says, whatever server holds it and however it is written.
//!
//! Two records have the same fingerprint exactly when they differ in nothing but: white space, the order of an object's
//! members, the way characters are escaped, `id`, `meta.versionId`, `meta.lastUpdated`, `meta.source`, the tags of this
//! program, `text.div`, an empty `meta`, `meta.tag` or `text`, and whether references to the source are absolute. Order
//! in arrays counts, and numbers count digit for digit, since `1.10` and `1.1` are different measurements.

use aws_lc_rs::digest::{SHA256, digest};

use super::json::{Cursor, Flaw};
use super::provenance_tag::OWN_SYSTEMS;
use super::reference::{Kind, classify, under};

/// Why a record has no fingerprint; columns count bytes from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// A byte that is not UTF-8.
    #[error("the record is not UTF-8 at column {column}")]
    NotUtf8 {
        /// Where.
        column: usize,
    },
    /// Not a JSON object.
    #[error("the record cannot be read: {0}")]
    NotJson(#[from] Flaw),
    /// An object has two members of the same name, so that readers disagree on what it says.
    #[error("the record has an object with two members of the same name, which begins at column {column}")]
    Duplicate {
        /// Where the object begins.
        column: usize,
    },
}

impl CanonicalError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Duplicate { .. } => "look at the record and decide by hand; no reader can say which member counts",
            Self::NotUtf8 { .. } | Self::NotJson(_) => "the record was damaged after it was received; export it again",
        };
        Some(hint.to_owned())
    }
}

/// SHA-256 of the canonical form of the record in `line`, as it comes from the server at `source_base`.
pub fn canonical_hash(line: &[u8], source_base: Option<&str>) -> Result<[u8; 32], CanonicalError> {
    let text = std::str::from_utf8(line).map_err(|error| CanonicalError::NotUtf8 {
        column: error.valid_up_to() + 1,
    })?;
    let mut cursor = Cursor::new(text);
    let mut form = Form::new(text, source_base);
    form.object(&mut cursor, Place::Record)?;
    form.hash(cursor)
}

/// SHA-256 of the canonical form of any value that stands in a record, with nothing left out.
pub(super) fn canonical_value(text: &str, source_base: Option<&str>) -> Result<[u8; 32], CanonicalError> {
    let mut cursor = Cursor::new(text);
    let mut form = Form::new(text, source_base);
    form.value(&mut cursor, Place::Elsewhere)?;
    form.hash(cursor)
}

/// Where in the record a value stands, as far as it matters.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Record,
    Meta,
    Tags,
    Text,
    Elsewhere,
}

impl Place {
    fn of(self, name: &str) -> Self {
        match (self, name) {
            (Self::Record, "meta") => Self::Meta,
            (Self::Record, "text") => Self::Text,
            (Self::Meta, "tag") => Self::Tags,
            _ => Self::Elsewhere,
        }
    }

    /// Whether the member `name`, whose value was written as `value`, is left out of the canonical form.
    fn leaves_out(self, name: &str, value: &[u8]) -> bool {
        match (self, name) {
            (Self::Record, "id") | (Self::Meta, "versionId" | "lastUpdated" | "source") | (Self::Text, "div") => true,
            (Self::Record, "meta" | "text") => value == b"{}",
            (Self::Meta, "tag") => value == b"[]",
            _ => false,
        }
    }
}

/// The canonical form while it is written. [`END`] closes strings and numbers, so no two forms run together.
struct Form<'b> {
    source_base: Option<&'b str>,
    written: Vec<u8>,
    /// Members of the objects that are open, innermost last.
    members: Vec<Member>,
    /// Room for sorting one object.
    sorted: Vec<u8>,
    /// Whether the tag being written is one of this program's.
    own_tag: bool,
}

/// A member as written: its bytes, the first `value` of which are its name.
#[derive(Clone, Copy)]
struct Member {
    start: usize,
    value: usize,
    end: usize,
    left_out: bool,
}

impl<'b> Form<'b> {
    fn new(text: &str, source_base: Option<&'b str>) -> Self {
        Self {
            source_base,
            written: Vec::with_capacity(text.len() + text.len() / 4),
            members: Vec::with_capacity(64),
            sorted: Vec::new(),
            own_tag: false,
        }
    }

    /// The hash of what was written, if `cursor` has nothing left to read.
    fn hash(self, mut cursor: Cursor<'_>) -> Result<[u8; 32], CanonicalError> {
        cursor.end()?;
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, &self.written).as_ref());
        Ok(hash)
    }

    fn value(&mut self, cursor: &mut Cursor<'_>, place: Place) -> Result<(), CanonicalError> {
        match cursor.peek() {
            Some(b'{') => self.object(cursor, place),
            Some(b'[') => self.array(cursor, place),
            Some(b'"') => {
                let text = cursor.string()?;
                self.text(b'"', &text.value());
                Ok(())
            }
            _ => {
                let literal = cursor.literal()?;
                self.text(b'=', literal);
                Ok(())
            }
        }
    }

    fn array(&mut self, cursor: &mut Cursor<'_>, place: Place) -> Result<(), CanonicalError> {
        self.written.push(b'[');
        cursor.array(|cursor| {
            let start = self.written.len();
            let is_tag = place == Place::Tags && cursor.peek() == Some(b'{');
            if is_tag {
                self.own_tag = false;
            }
            self.value(cursor, place)?;
            if is_tag && self.own_tag {
                self.written.truncate(start);
            }
            Ok::<_, CanonicalError>(())
        })?;
        self.written.push(b']');
        Ok(())
    }

    fn object(&mut self, cursor: &mut Cursor<'_>, place: Place) -> Result<(), CanonicalError> {
        let column = cursor.skip_white_space() + 1;
        self.written.push(b'{');
        let outer = self.members.len();
        cursor.object(|cursor, name| {
            let start = self.written.len();
            self.text(b'"', name.raw);
            let value = self.written.len();
            match (name.raw, cursor.peek()) {
                ("reference", Some(b'"')) => {
                    let text = cursor.string()?.value();
                    self.text(b'"', self.relative(&text));
                }
                ("system", Some(b'"')) if place == Place::Tags => {
                    let text = cursor.string()?.value();
                    self.own_tag |= text.starts_with(OWN_SYSTEMS);
                    self.text(b'"', &text);
                }
                (name, _) => self.value(cursor, place.of(name))?,
            }
            let end = self.written.len();
            let left_out = place.leaves_out(name.raw, &self.written[value..]);
            self.members.push(Member {
                start,
                value,
                end,
                left_out,
            });
            Ok::<_, CanonicalError>(())
        })?;
        self.sort(outer).map_err(|Same| CanonicalError::Duplicate { column })?;
        self.members.truncate(outer);
        self.written.push(b'}');
        Ok(())
    }

    /// Puts the members from `outer` on, the last bytes written, in order of their names.
    fn sort(&mut self, outer: usize) -> Result<(), Same> {
        let written = &self.written;
        let name = |member: &Member| &written[member.start..member.value];
        let members = &mut self.members[outer..];
        let Some(first) = members.first().map(|member| member.start) else {
            return Ok(());
        };
        let in_order = members.is_sorted_by(|a, b| name(a) <= name(b));
        members.sort_unstable_by(|a, b| name(a).cmp(name(b)));
        if members.windows(2).any(|pair| name(&pair[0]) == name(&pair[1])) {
            return Err(Same);
        }
        if in_order && members.iter().all(|member| !member.left_out) {
            return Ok(());
        }
        self.sorted.clear();
        for member in members.iter().filter(|member| !member.left_out) {
            self.sorted.extend_from_slice(&written[member.start..member.end]);
        }
        self.written.truncate(first);
        self.written.extend_from_slice(&self.sorted);
        Ok(())
    }

    fn text(&mut self, kind: u8, text: &str) {
        self.written.push(kind);
        self.written.extend_from_slice(text.as_bytes());
        self.written.push(END);
    }

    /// A reference to the source without the source's address.
    fn relative<'t>(&self, reference: &'t str) -> &'t str {
        self.source_base
            .and_then(|base| under(reference, base))
            .filter(|path| matches!(classify(path, None), Kind::Local { .. }))
            .unwrap_or(reference)
    }
}

/// A byte that is in no UTF-8 text.
const END: u8 = 0xFF;

/// Two members have the same name.
struct Same;

#[cfg(test)]
mod tests;
