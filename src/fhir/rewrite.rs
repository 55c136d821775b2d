//! Rewriting: references to the source's resources lead elsewhere, and every other byte stays.
//!
//! Rewritten are `Reference.reference` wherever it stands, links and images of narrative, `valueUri`, `valueUrl` and `valueCanonical` of
//! extensions that are addresses below the source's base, and the addresses of attachments. As in [`references`], a quoted element name
//! with a colon behind it can only be an element.

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::json_string::unescape;
use super::reference::{Kind, attachment_urls, classify, references, strings, under};

static URIS: LazyLock<[Finder<'static>; 3]> =
    LazyLock::new(|| [r#""valueUri""#, r#""valueUrl""#, r#""valueCanonical""#].map(Finder::new));
static URL: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(r#""url""#));
static NARRATIVE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(r#""div""#));

/// Replaces each reference for which `to` gives another: it is asked with type and id for `Type/id`, relative or below `source_base`,
/// whose version, if it names one, goes with it; with type and `?search` for a conditional reference. Contained resources, `urn:` and
/// other servers are left alone. None when nothing changed.
pub fn rewrite(
    line: &[u8],
    source_base: Option<&str>,
    mut to: impl FnMut(&str, &str) -> Option<String>,
) -> Option<Vec<u8>> {
    let mut changes: Vec<(Range<usize>, String)> = Vec::new();
    let mut lead = |text: &str| match classify(text, source_base) {
        Kind::Local { resource_type, id, .. } => to(resource_type, id).filter(|new| new != text),
        Kind::Conditional => {
            let path = source_base.and_then(|base| under(text, base)).unwrap_or(text);
            let (resource_type, search) = path.split_at(path.find('?')?);
            to(resource_type, search)
        }
        Kind::Contained | Kind::Urn | Kind::External | Kind::Malformed => None,
    };
    for found in references(line) {
        changes.extend(lead(&found.text).map(|new| (found.range, new)));
    }
    for name in &*URIS {
        for found in strings(line, name) {
            // A relative one may be anything.
            let own = source_base.is_some_and(|base| under(&found.text, base).is_some());
            if own && let Some(new) = lead(&found.text) {
                changes.push((found.range, new));
            }
        }
    }
    for found in strings(line, &NARRATIVE) {
        let text = &line[found.range.clone()];
        for link in narrative_links(text) {
            let target = std::str::from_utf8(&text[link.clone()]).unwrap_or_default();
            if let Some(new) = lead(&unescape(target)) {
                let start = found.range.start;
                changes.push((start + link.start..start + link.end, new));
            }
        }
    }
    let urls: Vec<_> = strings(line, &URL)
        .filter_map(|found| Some((found.range, lead(&found.text)?)))
        .collect();
    if !urls.is_empty() {
        // An extension's `url` is its name, and stays.
        let attachments: Vec<_> = attachment_urls(line).map(|found| found.range).collect();
        changes.extend(urls.into_iter().filter(|(range, _)| attachments.contains(range)));
    }
    if changes.is_empty() {
        return None;
    }
    changes.sort_by_key(|(range, _)| range.start);
    let mut written = Vec::with_capacity(line.len());
    let mut copied = 0;
    for (range, new) in changes {
        written.extend_from_slice(&line[copied..range.start]);
        written.extend_from_slice(escape(&new).as_bytes());
        copied = range.end;
    }
    written.extend_from_slice(&line[copied..]);
    Some(written)
}

/// Where the values of `href` and `src` stand in XHTML that is written as a JSON string.
fn narrative_links(text: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for at in memchr::memchr_iter(b'=', text) {
        let before = text[..at].trim_ascii_end();
        let named = |name: &[u8]| {
            before.strip_suffix(name).is_some_and(|rest| {
                // White space as it is, or as `\n` and the like.
                matches!(rest, [.., b' ' | b'\t'] | [.., b'\\', b'n' | b'r' | b't'])
            })
        };
        if !named(b"href") && !named(b"src") {
            continue;
        }
        let start = at + 1 + text[at + 1..].len() - text[at + 1..].trim_ascii_start().len();
        let quote: &[u8] = match &text[start..] {
            [b'\\', b'"', ..] => b"\\\"",
            [b'\'', ..] => b"'",
            _ => continue,
        };
        let start = start + quote.len();
        if let Some(len) = memchr::memmem::find(&text[start..], quote) {
            found.push(start..start + len);
        }
    }
    found
}

/// `text` as it stands between the quotes of a JSON string.
fn escape(text: &str) -> String {
    let quoted = serde_json::Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

#[cfg(test)]
mod tests;
