//! References by identifier in place of references by address, for records that cannot have an address yet.

use serde_json::{Map, Value};

use super::reference::{Kind, classify};

/// The record with every reference for which `to` gives a system and a value led there by identifier (R4 references, section
/// "logical references"); one that has an identifier keeps it. None when nothing changed or the record is not JSON.
pub fn by_identifier(
    line: &[u8],
    source_base: Option<&str>,
    mut to: impl FnMut(&str, &str) -> Option<(String, String)>,
) -> Option<Vec<u8>> {
    let mut record: Value = serde_json::from_slice(line).ok()?;
    let mut changed = false;
    visit(&mut record, &mut |object| {
        let Some(Value::String(text)) = object.get("reference") else {
            return;
        };
        let Kind::Local { resource_type, id, .. } = classify(text, source_base) else {
            return;
        };
        if let Some((system, value)) = to(resource_type, id) {
            object.shift_remove("reference");
            object
                .entry("identifier")
                .or_insert_with(|| serde_json::json!({ "system": system, "value": value }));
            changed = true;
        }
    });
    changed.then(|| record.to_string().into_bytes())
}

fn visit(value: &mut Value, object: &mut dyn FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            object(map);
            map.values_mut().for_each(|inner| visit(inner, object));
        }
        Value::Array(items) => items.iter_mut().for_each(|inner| visit(inner, object)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_references_asked_for_are_changed() {
        let line = br#"{"resourceType":"Patient","n":1.10,"link":[{"other":{"reference":"Patient/b","display":"B"}}],"o":{"reference":"Organization/c"},"p":{"reference":"Patient/b","identifier":{"value":"7"}}}"#;
        let to = |_: &str, id: &str| (id == "b").then(|| ("urn:s".to_owned(), "t/Patient/b".to_owned()));
        let changed = by_identifier(line, None, to).expect("changed");
        assert_eq!(
            String::from_utf8(changed).expect("UTF-8"),
            r#"{"resourceType":"Patient","n":1.10,"link":[{"other":{"display":"B","identifier":{"system":"urn:s","value":"t/Patient/b"}}}],"o":{"reference":"Organization/c"},"p":{"identifier":{"value":"7"}}}"#
        );
        assert_eq!(by_identifier(line, None, |_, _| None), None);
    }
}
