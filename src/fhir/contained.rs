//! References to contained resources, which mean nothing outside their record.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::json::{Cursor, Flaw};
use super::splice::{Array, Object};

/// Elements whose text may be `#id`: `Reference.reference`, and those of type canonical, uri and url (R4 references, contained).
const POINTING: [&str; 8] = [
    "reference",
    "instantiatesCanonical",
    "instantiatesUri",
    "questionnaire",
    "url",
    "valueCanonical",
    "valueUri",
    "valueUrl",
];

/// Contained resources by id, each as written; one without an id cannot be referred to and is left out.
pub(super) fn by_id<'a>(record: &Object<'a>) -> Result<BTreeMap<&'a str, &'a str>, Flaw> {
    let mut found = BTreeMap::new();
    let Some(list) = record.get("contained").filter(|value| value.starts_with('[')) else {
        return Ok(found);
    };
    for item in Array::read(list)?.items() {
        if let Some(id) = id_of(item) {
            found.entry(id).or_insert(item);
        }
    }
    Ok(found)
}

/// The id of a contained resource.
pub(super) fn id_of(item: &str) -> Option<&str> {
    let id = Object::read(item).ok()?.get("id")?;
    id.strip_prefix('"')?
        .strip_suffix('"')
        .filter(|id| !id.is_empty() && !id.contains('\\'))
}

/// `text` with each `#id` for which `to` gives another id leading there; every other byte stays.
pub(super) fn rename(text: &str, to: &mut dyn FnMut(&str) -> Option<String>) -> Result<String, Flaw> {
    let mut found = Vec::new();
    find(&mut Cursor::new(text), "", &mut found)?;
    let mut written = String::with_capacity(text.len());
    let mut copied = 0;
    for range in found {
        if let Some(id) = to(&text[range.clone()]) {
            written.push_str(&text[copied..range.start]);
            written.push_str(&id);
            copied = range.end;
        }
    }
    written.push_str(&text[copied..]);
    Ok(written)
}

/// The ids of contained resources that `text` refers to, of `contained` itself and of those in turn.
pub(super) fn reached<'a>(text: &str, contained: &BTreeMap<&'a str, &'a str>) -> Result<BTreeSet<&'a str>, Flaw> {
    let mut reached = BTreeSet::new();
    let mut open = vec![text];
    while let Some(text) = open.pop() {
        let mut found = Vec::new();
        find(&mut Cursor::new(text), "", &mut found)?;
        for range in found {
            if let Some((id, resource)) = contained.get_key_value(&text[range])
                && reached.insert(*id)
            {
                open.push(resource);
            }
        }
    }
    Ok(reached)
}

/// The ids behind `#` in the elements that point, in order.
fn find(cursor: &mut Cursor<'_>, name: &str, found: &mut Vec<Range<usize>>) -> Result<(), Flaw> {
    match cursor.peek() {
        Some(b'{') => cursor.object(|cursor, name| find(cursor, name.raw, found)),
        Some(b'[') => cursor.array(|cursor| find(cursor, name, found)),
        Some(b'"') => {
            let text = cursor.string()?;
            if POINTING.contains(&name) && text.raw.len() > 1 && text.raw.starts_with('#') && !text.escaped {
                found.push(text.start + 1..text.range().end);
            }
            Ok(())
        }
        _ => cursor.literal().map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_elements_that_point_are_renamed() {
        let text =
            r##"{"a":{"reference":"#m","display":"#m"},"x":[{"valueUri":"#m"},{"reference":"#n"}],"code":"#m"}"##;
        let renamed = rename(text, &mut |id| (id == "m").then(|| "m-2".to_owned())).unwrap();
        assert_eq!(
            renamed,
            r##"{"a":{"reference":"#m-2","display":"#m"},"x":[{"valueUri":"#m-2"},{"reference":"#n"}],"code":"#m"}"##
        );
    }

    #[test]
    fn what_a_contained_resource_refers_to_is_reached_and_a_circle_ends() {
        let record =
            r##"{"contained":[{"id":"a","x":{"reference":"#b"}},{"id":"b","x":{"reference":"#a"}},{"id":"c"},7]}"##;
        let contained = by_id(&Object::read(record).unwrap()).unwrap();
        assert_eq!(contained.len(), 3);
        let reached = reached(r##"{"reference":"#a"}"##, &contained).unwrap();
        assert_eq!(reached.into_iter().collect::<Vec<_>>(), ["a", "b"]);
    }
}
