//! A record as it is sent to a server: without what the server alone says of it, and with what finds it there again.

use super::json::Flaw;
use super::splice::{Array, Object, Part};

/// What finds a record at a server that gives it an id of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handle<'a> {
    /// An identifier in its `identifier`: system and value.
    Identifier(&'a str, &'a str),
    /// A tag in its `meta.tag`: system and code.
    Tag(&'a str, &'a str),
}

/// The record without `id`, `meta.versionId` and `meta.lastUpdated` (R4 http, section "create": the server ignores them), and with
/// `handle`; every other byte stays.
pub fn outgoing(line: &[u8], handle: Option<Handle<'_>>) -> Result<Vec<u8>, Flaw> {
    let text = String::from_utf8_lossy(line);
    let record = Object::read(text.trim())?;
    let mut parts = vec![Part::Keep; record.members.len()];
    let mut added = Vec::new();
    if let Some(place) = record.place("id") {
        parts[place] = Part::Remove;
    }
    let tag = match handle {
        Some(Handle::Tag(system, code)) => Some(named("system", system, "code", code)),
        _ => None,
    };
    match record.place("meta") {
        Some(place) => {
            parts[place] = match meta(record.members[place].value, tag.as_deref())? {
                Some(value) => Part::Replace(record.member_with(place, &value)),
                None => Part::Remove,
            };
        }
        None => added.extend(tag.map(|tag| format!(r#""meta":{{"tag":[{tag}]}}"#))),
    }
    if let Some(Handle::Identifier(system, value)) = handle {
        let identifier = named("system", system, "value", value);
        match record.place("identifier") {
            Some(place) => {
                let value = appended(record.members[place].value, &identifier)?;
                parts[place] = Part::Replace(record.member_with(place, &value));
            }
            None => added.push(format!(r#""identifier":[{identifier}]"#)),
        }
    }
    Ok(record.with(&parts, &added).into_bytes())
}

/// Appends a record without `id`, as [`outgoing`] makes it, with this one.
pub fn push_with_id(into: &mut Vec<u8>, line: &[u8], id: &str) {
    let open = memchr::memchr(b'{', line).map_or(0, |at| at + 1);
    into.extend_from_slice(&line[..open]);
    into.extend_from_slice(format!(r#""id":{},"#, serde_json::Value::from(id)).as_bytes());
    into.extend_from_slice(&line[open..]);
}

fn meta(text: &str, tag: Option<&str>) -> Result<Option<String>, Flaw> {
    let meta = Object::read(text)?;
    let mut parts = vec![Part::Keep; meta.members.len()];
    let mut added = Vec::new();
    for name in ["versionId", "lastUpdated"] {
        if let Some(place) = meta.place(name) {
            parts[place] = Part::Remove;
        }
    }
    if let Some(tag) = tag {
        match meta.place("tag") {
            Some(place) => {
                let value = appended(meta.members[place].value, tag)?;
                parts[place] = Part::Replace(meta.member_with(place, &value));
            }
            None => added.push(format!(r#""tag":[{tag}]"#)),
        }
    }
    let empty = added.is_empty() && parts.iter().all(|part| *part == Part::Remove);
    Ok((!empty).then(|| meta.with(&parts, &added)))
}

fn appended(array: &str, item: &str) -> Result<String, Flaw> {
    let array = Array::read(array)?;
    let parts = vec![Part::Keep; array.items().count()];
    Ok(array.with(&parts, &[item.to_owned()]))
}

fn named(first: &str, a: &str, second: &str, b: &str) -> String {
    serde_json::json!({ first: a, second: b }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(line: &str, handle: Option<Handle<'_>>) -> String {
        String::from_utf8(outgoing(line.as_bytes(), handle).expect("a record")).expect("UTF-8")
    }

    #[test]
    fn what_the_server_alone_says_is_left_out() {
        assert_eq!(
            sent(
                r#"{"resourceType":"Basic","id":"a","meta":{"versionId":"3","lastUpdated":"2020-01-01T00:00:00Z","source":"x"},"n":1.10}"#,
                None
            ),
            r#"{"resourceType":"Basic","meta":{"source":"x"},"n":1.10}"#
        );
        assert_eq!(
            sent(r#"{"id":"a","meta":{"versionId":"3"},"resourceType":"Basic"}"#, None),
            r#"{"resourceType":"Basic"}"#
        );
    }

    #[test]
    fn what_finds_it_again_stands_behind_what_is_there() {
        let handle = Some(Handle::Identifier("urn:s", "Patient/1"));
        assert_eq!(
            sent(r#"{"resourceType":"Patient","identifier":[{"value":"7"}]}"#, handle),
            r#"{"resourceType":"Patient","identifier":[{"value":"7"},{"system":"urn:s","value":"Patient/1"}]}"#
        );
        let handle = Some(Handle::Tag("urn:t", "c"));
        assert_eq!(
            sent(r#"{"resourceType":"Binary","meta":{"tag":[{"code":"x"}]}}"#, handle),
            r#"{"resourceType":"Binary","meta":{"tag":[{"code":"x"},{"system":"urn:t","code":"c"}]}}"#
        );
        assert_eq!(
            sent(r#"{"resourceType":"Binary","id":"a"}"#, handle),
            r#"{"resourceType":"Binary","meta":{"tag":[{"system":"urn:t","code":"c"}]}}"#
        );
    }

    #[test]
    fn an_id_is_put_in_front() {
        let mut line = Vec::new();
        push_with_id(&mut line, br#"{"resourceType":"Basic"}"#, "a-1");
        assert_eq!(line, br#"{"id":"a-1","resourceType":"Basic"}"#);
    }
}
