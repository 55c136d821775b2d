//! References, found in the bytes of a record and told apart.
//!
//! A JSON string cannot hold an unescaped quote, so `"reference"` with a colon behind it is always an element of that
//! name; in R4 that is `Reference.reference` wherever its value is a string. The record must have passed
//! [`scan`](super::scan()), which refuses element names written with escapes; of other bytes less may be found, but
//! nothing panics.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::LazyLock;

use memchr::{memchr2, memmem};

use super::json::{Cursor, Flaw};
use super::json_string::unescape;
use super::scan::{is_id, is_type_name};

static REFERENCE: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new("\"reference\""));

/// A string found in a record.
#[derive(Clone, PartialEq, Eq)]
pub struct Found<'a> {
    /// Byte range of the characters between the quotes.
    pub range: Range<usize>,
    /// What they mean, escapes resolved.
    pub text: Cow<'a, str>,
}

/// What a reference points at (R4 references).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind<'a> {
    /// A resource of the source: `Type/id`, relative or under its base, with or without `/_history/version`.
    Local {
        /// Type of the resource.
        resource_type: &'a str,
        /// Its id.
        id: &'a str,
        /// The version meant, if any.
        version: Option<&'a str>,
    },
    /// `#id`: within the same record.
    Contained,
    /// `urn:uuid:` or `urn:oid:`, which means something in a Bundle only.
    Urn,
    /// `Type?search`: whatever a search finds.
    Conditional,
    /// An address on another server.
    External,
    /// Nothing that a reference can be.
    Malformed,
}

/// Every `Reference.reference` in the record, in order, those of contained resources and extensions too.
pub fn references(line: &[u8]) -> impl Iterator<Item = Found<'_>> {
    strings(line, &REFERENCE)
}

/// Every string that is the value of an element whose quoted name `name` finds, in order.
pub(super) fn strings<'a>(line: &'a [u8], name: &'a memmem::Finder<'_>) -> impl Iterator<Item = Found<'a>> {
    name.find_iter(line).filter_map(|at| {
        // Behind a backslash, the quote belongs to a longer string.
        if at > 0 && line[at - 1] == b'\\' {
            return None;
        }
        let colon = skip_white_space(line, at + name.needle().len());
        let quote = skip_white_space(line, colon + 1);
        if line.get(colon) != Some(&b':') || line.get(quote) != Some(&b'"') {
            return None;
        }
        string(line, quote + 1)
    })
}

/// Every `Attachment.url` in the record, in order: of the elements that are attachments in R4, never of an extension.
pub fn attachment_urls(line: &[u8]) -> impl Iterator<Item = Found<'_>> {
    attachments(line).into_iter().map(|attachment| attachment.url)
}

/// An attachment with an address.
pub(super) struct Attachment<'a> {
    /// Byte range of the object; empty where a flaw stands in it.
    pub object: Range<usize>,
    pub url: Found<'a>,
}

/// Every attachment with an address in the record, in order.
pub(super) fn attachments(line: &[u8]) -> Vec<Attachment<'_>> {
    let mut found = Vec::new();
    if let Ok(text) = std::str::from_utf8(line) {
        // What stands before a flaw is still found.
        let _ = find_attachments(&mut Cursor::new(text), false, &mut found);
    }
    found
}

/// Says what `text` points at, seen from the server at `source_base`.
pub fn classify<'a>(text: &'a str, source_base: Option<&str>) -> Kind<'a> {
    if text.starts_with('#') {
        return Kind::Contained;
    }
    if text.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case("urn:")) {
        return Kind::Urn;
    }
    let own = source_base.and_then(|base| under(text, base));
    if own.is_none() && has_scheme(text) {
        return Kind::External;
    }
    let path = own.unwrap_or(text);
    if let Some((resource_type, _)) = path.split_once('?') {
        return if is_type_name(resource_type) {
            Kind::Conditional
        } else {
            Kind::Malformed
        };
    }
    let mut parts = path.split('/');
    let (resource_type, id) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let version = match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => None,
        (Some("_history"), Some(version), None) if is_id(version) => Some(version),
        _ => return Kind::Malformed,
    };
    if is_type_name(resource_type) && is_id(id) {
        Kind::Local {
            resource_type,
            id,
            version,
        }
    } else {
        Kind::Malformed
    }
}

/// The part of `text` below the address `base`: scheme and host compared without case, the rest with; the port may be
/// left out where it is the scheme's own.
pub(super) fn under<'a>(text: &'a str, base: &str) -> Option<&'a str> {
    let (scheme, rest) = text.split_once("://")?;
    let (base_scheme, base_rest) = base.split_once("://")?;
    let (host, path) = rest.split_once('/')?;
    let (base_host, base_path) = base_rest.split_once('/').unwrap_or((base_rest, ""));
    let port = if scheme.eq_ignore_ascii_case("https") {
        ":443"
    } else {
        ":80"
    };
    let without_port = |host: &'_ str| host.strip_suffix(port).map_or(host.len(), str::len);
    if !scheme.eq_ignore_ascii_case(base_scheme)
        || !host[..without_port(host)].eq_ignore_ascii_case(&base_host[..without_port(base_host)])
    {
        return None;
    }
    match base_path.trim_end_matches('/') {
        "" => Some(path),
        base_path => path.strip_prefix(base_path)?.strip_prefix('/'),
    }
}

/// Elements of R4 that are attachments (`content` in Media; a `DocumentReference`'s has no `url` of its own).
const ATTACHMENTS: [&str; 7] = [
    "attachment",
    "content",
    "contentAttachment",
    "photo",
    "presentedForm",
    "sourceAttachment",
    "valueAttachment",
];

fn find_attachments<'a>(
    cursor: &mut Cursor<'a>,
    in_attachment: bool,
    found: &mut Vec<Attachment<'a>>,
) -> Result<(), Flaw> {
    match cursor.peek() {
        Some(b'{') => {
            let start = cursor.position();
            let mut own = None;
            cursor.object(|cursor, name| {
                if in_attachment && name.raw == "url" && cursor.peek() == Some(b'"') {
                    let url = cursor.string()?;
                    let url = Found {
                        range: url.range(),
                        text: url.value(),
                    };
                    own = Some(found.len());
                    found.push(Attachment {
                        object: start..start,
                        url,
                    });
                    return Ok(());
                }
                find_attachments(cursor, ATTACHMENTS.contains(&name.raw), found)
            })?;
            if let Some(own) = own.and_then(|own| found.get_mut(own)) {
                own.object.end = cursor.position();
            }
            Ok(())
        }
        // The items of an array are of the element that holds it.
        Some(b'[') => cursor.array(|cursor| find_attachments(cursor, in_attachment, found)),
        _ => cursor.skip().map(drop),
    }
}

fn has_scheme(text: &str) -> bool {
    let Some((scheme, _)) = text.split_once(':') else {
        return false;
    };
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte))
}

fn skip_white_space(line: &[u8], mut at: usize) -> usize {
    while matches!(line.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// The string whose first character is at `start`.
fn string(line: &[u8], start: usize) -> Option<Found<'_>> {
    let mut end = start;
    loop {
        end += memchr2(b'"', b'\\', line.get(end..)?)?;
        if line[end] == b'"' {
            break;
        }
        end += 2;
    }
    let raw = std::str::from_utf8(&line[start..end]).ok()?;
    let text = if raw.contains('\\') {
        Cow::Owned(unescape(raw))
    } else {
        Cow::Borrowed(raw)
    };
    Some(Found {
        range: start..end,
        text,
    })
}

#[cfg(test)]
pub(super) mod tests;
