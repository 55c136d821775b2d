//! What a destination holds, told so that two of them can be compared, whatever ids and versions each gave.

use std::collections::{BTreeMap, HashMap};

use cutover::sandbox::destination::{Content, RunningDestination};
use serde_json::Value;

/// System of the identifier, or the tag, that finds a record at a server that names it itself.
const SOURCE_ID: &str = "https://cutover.dev/fhir/source-id";

/// Records and the number of their versions, by name.
pub type Said = BTreeMap<String, (Value, usize)>;

/// What a server holds, and how many versions it has of each record that is there: by what the record is named at the source where the
/// server gave it an id of its own, references likewise, and without what each server says by itself.
pub fn said(server: &RunningDestination) -> Said {
    let Content { records, versions, .. } = server.content();
    let names: HashMap<String, String> = records
        .iter()
        .map(|(place, record)| (place.clone(), source_name(record).unwrap_or_else(|| place.clone())))
        .collect();
    let mut said = BTreeMap::new();
    for (place, mut record) in records {
        let object = record.as_object_mut().unwrap();
        object.remove("id");
        if let Some(meta) = object.get_mut("meta").and_then(Value::as_object_mut) {
            meta.retain(|name, _| matches!(name.as_str(), "profile" | "security" | "tag"));
        }
        rename(&mut record, &names);
        let before = said.insert(names[&place].clone(), (record, versions[&place]));
        assert!(before.is_none(), "{} is there twice", names[&place]);
    }
    said
}

fn source_name(record: &Value) -> Option<String> {
    let ours = |list: &Value, member: &str| {
        let mut items = list.as_array()?.iter();
        let ours = items.find(|item| item["system"] == SOURCE_ID)?;
        Some(ours[member].as_str()?.to_owned())
    };
    ours(&record["identifier"], "value").or_else(|| ours(&record["meta"]["tag"], "code"))
}

fn rename(value: &mut Value, names: &HashMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(name) = names.get(text.as_str()) {
                text.clone_from(name);
            } else if text.starts_with("<div") {
                // Links of a narrative.
                let parts = text.split('"').map(|part| names.get(part).map_or(part, String::as_str));
                *text = parts.collect::<Vec<_>>().join("\"");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        Value::Object(members) => members.values_mut().for_each(|member| rename(member, names)),
        _ => {}
    }
}

/// Fails on the first record that is missing, too much, or otherwise.
pub fn assert_same(there: &BTreeMap<String, (Value, usize)>, expected: &BTreeMap<String, (Value, usize)>, when: &str) {
    for (name, (record, versions)) in expected {
        let (found, written) = there.get(name).unwrap_or_else(|| panic!("{when}: {name} is missing"));
        assert_eq!(found, record, "{when}: {name}");
        assert_eq!(written, versions, "{when}: {name}, by the number of its versions");
    }
    for name in there.keys() {
        assert!(expected.contains_key(name), "{when}: {name} is too much");
    }
}
