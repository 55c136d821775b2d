//! What the migration adds to a record, and how it is taken off again to the byte.
//!
//! A stored record is the bytes the EHR sent. When it is read, `meta.tag` gains the tenant it belongs to and
//! `meta.source`, if the EHR gave none, the address it came from. Everything added is spliced in compactly behind what
//! is already there: a tag behind the last tag, `source` behind the last member of `meta`, `meta` behind the last member
//! of the record. White space inside the added tag, which no reader sees, tells [`unstamp`] what came with it:
//!
//! - spaces behind its `{`: none when only the tag was added, one when the `tag` array was, two when `meta` was;
//! - a space before its `}` when `source` was added as the last member of `meta`.

use std::ops::Range;

use super::json::{Cursor, Flaw};

/// What the systems of all tags of this program begin with.
pub const OWN_SYSTEMS: &str = "https://cutover.dev/fhir/";

/// System of the tag whose code is the tenant.
pub const TENANT_SYSTEM: &str = "https://cutover.dev/fhir/tenant";

/// The record with the tag of `tenant`, and with `source` as `meta.source` unless it has one. A record that has the tag
/// already, or that is not one (see [`scan`](super::scan())), is returned as it is.
pub fn stamp(line: Vec<u8>, tenant: &str, source: Option<&str>) -> Vec<u8> {
    let Some(layout) = Layout::read(&line, tenant).filter(|layout| !layout.stamped) else {
        return line;
    };
    let source = source.filter(|_| !layout.meta.as_ref().is_some_and(|meta| meta.has_source));
    let source_member = source.map(source_member).unwrap_or_default();
    let after = if source.is_some() { " " } else { "" };
    let Some(meta) = &layout.meta else {
        let added = format!(r#","meta":{{"tag":[{}]{source_member}}}"#, tag(tenant, "  ", after));
        return insert(line, &mut [(layout.last_member, added)]);
    };
    let behind = |last: Option<usize>, open| last.map_or((open, ""), |end| (end, ","));
    let tag_added = if let Some(tags) = &meta.tags {
        let (at, comma) = behind(tags.last.as_ref().map(|last| last.end), tags.open);
        (at, format!("{comma}{}", tag(tenant, "", after)))
    } else {
        let (at, comma) = behind(meta.last_member, meta.open);
        (at, format!(r#"{comma}"tag":[{}]"#, tag(tenant, " ", after)))
    };
    let source_added = (meta.last_member.unwrap_or(meta.open), source_member);
    insert(line, &mut [tag_added, source_added])
}

/// The bytes that [`stamp`] was given: for every record `x` without the tag,
/// `unstamp(stamp(x, tenant, source), tenant, source) == x`. What it does not recognise as added stays.
pub fn unstamp(line: &[u8], tenant: &str, source: Option<&str>) -> Vec<u8> {
    removed(line, tenant, source).unwrap_or_else(|| line.to_vec())
}

/// What [`stamp`] adds to records of a tenant, to be found quickly.
pub struct Stamp {
    /// Texts that it puts in at one place, with a comma before them or without.
    forms: Vec<Vec<u8>>,
}

impl Stamp {
    /// The stamp of `tenant` and `source`, as [`stamp`] is given them.
    pub fn new(tenant: &str, source: Option<&str>) -> Self {
        let mut forms = vec![tag(tenant, "", ""), format!(r#""tag":[{}]"#, tag(tenant, " ", ""))];
        let (after, member) = source.map_or(("", String::new()), |source| (" ", source_member(source)));
        let meta = |after, member: &str| format!(r#""meta":{{"tag":[{}]{member}}}"#, tag(tenant, "  ", after));
        forms.extend([
            format!(r#""tag":[{}]{member}"#, tag(tenant, " ", after)),
            meta(after, &member),
        ]);
        Self {
            forms: forms.into_iter().map(String::into_bytes).collect(),
        }
    }

    /// Whether `read` is `line` with the stamp in one place and nothing else; false where that cannot be told so quickly. It reads both at
    /// the speed of memory.
    pub fn is_on(&self, read: &[u8], line: &[u8]) -> bool {
        let Some(added) = read.len().checked_sub(line.len()).filter(|added| *added > 0) else {
            return false;
        };
        let head = common_start(read, line);
        // What was put in may begin like what follows it, and stands that much further to the left.
        let places = (0..=LONGEST_SHIFT).map_while(|back| head.checked_sub(back));
        let mut fitting = places.filter(|&at| read[at + added..] == line[at..]);
        fitting.any(|at| {
            let text = &read[at..at + added];
            // A comma stands before it unless it is the first of its kind.
            let first = matches!(read[..at].trim_ascii_end().last(), Some(b'{' | b'['));
            let bare = if first { Some(text) } else { text.strip_prefix(b",") };
            bare.is_some_and(|bare| self.forms.iter().any(|form| form == bare))
        })
    }
}

/// How far what was put in may begin like what follows it.
const LONGEST_SHIFT: usize = 16;

/// How many bytes two texts begin with alike.
fn common_start(a: &[u8], b: &[u8]) -> usize {
    const STRIDE: usize = 64;
    let strides = a.chunks_exact(STRIDE).zip(b.chunks_exact(STRIDE));
    let whole = strides.take_while(|(a, b)| a == b).count() * STRIDE;
    let rest = a[whole..].iter().zip(&b[whole..]);
    whole + rest.take_while(|(a, b)| a == b).count()
}

fn removed(line: &[u8], tenant: &str, source: Option<&str>) -> Option<Vec<u8>> {
    let layout = Layout::read(line, tenant)?;
    let meta = layout.meta?;
    let last = meta.tags?.last?;
    let (before, after) = [("", ""), ("", " "), (" ", ""), (" ", " "), ("  ", ""), ("  ", " ")]
        .into_iter()
        .find(|(before, after)| line[last.clone()] == *tag(tenant, before, after).as_bytes())?;
    let source_member = if after.is_empty() {
        String::new()
    } else {
        source_member(source?)
    };
    let source_end = meta.last_member?;
    let source_start = source_end.checked_sub(source_member.len())?;
    if line[source_start..source_end] != *source_member.as_bytes() {
        return None;
    }
    let (opening, closing) = match before {
        "" => ("", ""),
        " " => (r#""tag":["#, "]"),
        _ => (r#","meta":{"tag":["#, "]"),
    };
    let mut start = last.start.checked_sub(opening.len())?;
    let mut end = last.end + closing.len();
    if line[start..last.start] != *opening.as_bytes() || line.get(last.end..end)? != closing.as_bytes() {
        return None;
    }
    if before == "  " {
        // The source, if added, stands between the array and the end of `meta`.
        end = source_end + 1;
        return Some([&line[..start], line.get(end..)?].concat());
    }
    if line[..start].ends_with(b",") {
        start -= 1;
    }
    Some([&line[..start], line.get(end..source_start)?, &line[source_end..]].concat())
}

/// Places in a record where something can be added; all are byte offsets.
struct Layout {
    /// Whether a tag says the tenant.
    stamped: bool,
    /// Behind the last member.
    last_member: usize,
    meta: Option<Meta>,
}

#[derive(Default)]
struct Meta {
    /// Behind the opening brace.
    open: usize,
    /// Behind the last member, if there is one.
    last_member: Option<usize>,
    has_source: bool,
    tags: Option<Tags>,
}

struct Tags {
    /// Behind the opening bracket.
    open: usize,
    last: Option<Range<usize>>,
}

impl Layout {
    /// None for what is not a record, or where `meta` or `meta.tag` is not what FHIR makes it.
    fn read(line: &[u8], tenant: &str) -> Option<Self> {
        let mut cursor = Cursor::new(std::str::from_utf8(line).ok()?);
        let mut layout = Self {
            stamped: false,
            last_member: 0,
            meta: None,
        };
        let mut sound = true;
        let read = cursor.object(|cursor, name| {
            if name.raw == "meta" {
                sound &= cursor.peek() == Some(b'{') && layout.meta.is_none();
                let meta = if sound {
                    layout.read_meta(cursor, tenant)?
                } else {
                    cursor.skip().map(|_| None)?
                };
                sound &= meta.is_some();
                layout.meta = meta;
            } else {
                cursor.skip()?;
            }
            layout.last_member = cursor.position();
            Ok::<_, Flaw>(())
        });
        read.and_then(|()| cursor.end()).ok()?;
        (sound && layout.last_member > 0).then_some(layout)
    }

    fn read_meta(&mut self, cursor: &mut Cursor<'_>, tenant: &str) -> Result<Option<Meta>, Flaw> {
        let mut meta = Meta {
            open: cursor.skip_white_space() + 1,
            ..Meta::default()
        };
        let mut sound = true;
        cursor.object(|cursor, name| {
            if name.raw == "tag" && cursor.peek() == Some(b'[') && meta.tags.is_none() {
                let mut tags = Tags {
                    open: cursor.position() + 1,
                    last: None,
                };
                cursor.array(|cursor| {
                    let start = cursor.skip_white_space();
                    self.stamped |= says(cursor, tenant)?;
                    tags.last = Some(start..cursor.position());
                    Ok::<_, Flaw>(())
                })?;
                meta.tags = Some(tags);
            } else {
                sound &= name.raw != "tag";
                meta.has_source |= name.raw == "source";
                cursor.skip()?;
            }
            meta.last_member = Some(cursor.position());
            Ok::<_, Flaw>(())
        })?;
        Ok(sound.then_some(meta))
    }
}

/// Takes a tag and says whether it is that of `tenant`.
fn says(cursor: &mut Cursor<'_>, tenant: &str) -> Result<bool, Flaw> {
    let (mut system, mut code) = (false, false);
    if cursor.peek() != Some(b'{') {
        return cursor.skip().map(|_| false);
    }
    cursor.object(|cursor, name| {
        match (name.raw, cursor.peek()) {
            ("system", Some(b'"')) => system = cursor.string()?.value() == TENANT_SYSTEM,
            ("code", Some(b'"')) => code = cursor.string()?.value() == tenant,
            _ => {
                cursor.skip()?;
            }
        }
        Ok::<_, Flaw>(())
    })?;
    Ok(system && code)
}

fn tag(tenant: &str, before: &str, after: &str) -> String {
    let code = serde_json::Value::from(tenant);
    format!(r#"{{{before}"system":"{TENANT_SYSTEM}","code":{code}{after}}}"#)
}

fn source_member(source: &str) -> String {
    format!(r#","source":{}"#, serde_json::Value::from(source))
}

/// `line` with each text put in at its place; of two at the same place the first given comes first.
/// In place, for a record can be a large document.
fn insert(mut line: Vec<u8>, added: &mut [(usize, String)]) -> Vec<u8> {
    added.sort_by_key(|(at, _)| *at);
    line.reserve_exact(added.iter().map(|(_, text)| text.len()).sum());
    for (at, text) in added.iter().rev() {
        line.splice(at..at, text.bytes());
    }
    line
}

#[cfg(test)]
mod tests;
