//! `Patient.link`: how two records of one person point at each other once they are merged (R4 Patient, merging records).

use super::canonical::CanonicalError;
use super::diff::text;
use super::splice::{Array, Object, Part};

/// A Patient with a link of this kind (`replaces`, `replaced-by`) to another; as it is if it has that link.
pub fn linked(line: &[u8], other: &str, kind: &str) -> Result<Vec<u8>, CanonicalError> {
    let record = Object::read(text(line)?)?;
    let new = format!("{{\"other\":{{\"reference\":\"Patient/{other}\"}},\"type\":\"{kind}\"}}");
    let mut parts = vec![Part::Keep; record.members.len()];
    let mut added = Vec::new();
    match record.place("link") {
        Some(place) if record.members[place].value.starts_with('[') => {
            let list = Array::read(record.members[place].value)?;
            if list.items().any(|item| item == new) {
                return Ok(line.to_vec());
            }
            let list = list.with(&vec![Part::Keep; list.items().count()], &[new]);
            parts[place] = Part::Replace(record.member_with(place, &list));
        }
        Some(place) => parts[place] = Part::Replace(record.member_with(place, &format!("[{new}]"))),
        None => added.push(format!("\"link\":[{new}]")),
    }
    Ok(record.with(&parts, &added).into_bytes())
}

/// What stays of a Patient that was merged into another: itself, inactive, with a link to the one that replaces it.
pub fn stub(line: &[u8], survivor: &str) -> Result<Vec<u8>, CanonicalError> {
    let linked = linked(line, survivor, "replaced-by")?;
    let record = Object::read(text(&linked)?)?;
    let mut parts = vec![Part::Keep; record.members.len()];
    let mut added = Vec::new();
    match record.place("active") {
        Some(place) => parts[place] = Part::Replace(record.member_with(place, "false")),
        None => added.push("\"active\":false".to_owned()),
    }
    Ok(record.with(&parts, &added).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(line: Result<Vec<u8>, CanonicalError>) -> String {
        String::from_utf8(line.unwrap()).unwrap()
    }

    #[test]
    fn the_survivor_names_the_one_it_replaces_once() {
        let line = br#"{"resourceType":"Patient","id":"a","link":[{"type":"seealso"}]}"#;
        let once = linked(line, "b", "replaces");
        let once = text_of(once);
        assert_eq!(
            once,
            r#"{"resourceType":"Patient","id":"a","link":[{"type":"seealso"},{"other":{"reference":"Patient/b"},"type":"replaces"}]}"#
        );
        assert_eq!(text_of(linked(once.as_bytes(), "b", "replaces")), once);
    }

    #[test]
    fn the_other_is_kept_inactive() {
        let line = br#"{"resourceType":"Patient","id":"b", "active" : true,"name":[{"family":"A"}]}"#;
        assert_eq!(
            text_of(stub(line, "a")),
            r#"{"resourceType":"Patient","id":"b", "active" : false,"name":[{"family":"A"}],"link":[{"other":{"reference":"Patient/a"},"type":"replaced-by"}]}"#
        );
        let stub = stub(br#"{"resourceType":"Patient","id":"b"}"#, "a").unwrap();
        assert!(crate::fhir::person(&stub).unwrap().replaced);
    }
}
