//! What faults do to single lines.

use serde_json::{Value, json};

/// A change to one resource's line, or beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Edit {
    /// The line is cut short.
    Malform,
    /// A blank line comes before it.
    BlankBefore,
    /// It claims another type.
    Mistype,
    /// It loses `meta.lastUpdated`.
    Unstamp,
    /// It is left out, because it is reported as deleted.
    Leave,
}

impl Edit {
    /// The line after this edit; `None` when nothing is left of it.
    pub(crate) fn apply(self, line: Vec<u8>) -> Option<Vec<u8>> {
        match self {
            Self::BlankBefore => Some(line),
            Self::Leave => None,
            Self::Malform => {
                let mut line = line;
                let mut half = line.len() / 2;
                // Cut between characters: this fault is about JSON, not about UTF-8.
                while half > 0 && line[half] & 0xC0 == 0x80 {
                    half -= 1;
                }
                line.truncate(half.max(1));
                Some(line)
            }
            Self::Mistype => Some(rewrite(line, |resource| {
                let other = if resource["resourceType"] == "Basic" {
                    "Flag"
                } else {
                    "Basic"
                };
                resource["resourceType"] = other.into();
            })),
            Self::Unstamp => Some(rewrite(line, |resource| {
                if let Some(meta) = resource.get_mut("meta").and_then(Value::as_object_mut) {
                    meta.shift_remove("lastUpdated");
                }
            })),
        }
    }
}

/// The same resource with other content.
pub(crate) fn contradict(line: Vec<u8>) -> Vec<u8> {
    rewrite(line, |resource| {
        let other = if resource["language"] == "fr" { "de" } else { "fr" };
        resource["language"] = other.into();
    })
}

/// The resource with the root elements that are asked for, tagged SUBSETTED (`_elements`).
pub(crate) fn subset(line: Vec<u8>, resource_type: &str, elements: &[(Option<String>, String)]) -> Vec<u8> {
    let wanted: Vec<&str> = elements
        .iter()
        .filter(|(only, _)| only.as_ref().is_none_or(|only| only == resource_type))
        .map(|(_, name)| name.as_str())
        .collect();
    if wanted.is_empty() {
        return line;
    }
    rewrite(line, |resource| {
        let Some(object) = resource.as_object_mut() else {
            return;
        };
        object.retain(|name, _| {
            matches!(name.as_str(), "resourceType" | "id" | "meta") || wanted.contains(&name.trim_start_matches('_'))
        });
        let tag = json!({ "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED" });
        let meta = object.entry("meta").or_insert_with(|| json!({}));
        match meta.get_mut("tag").and_then(Value::as_array_mut) {
            Some(tags) => tags.push(tag),
            None => meta["tag"] = json!([tag]),
        }
    })
}

/// A line of `bytes` bytes and more, otherwise well formed.
pub(crate) fn oversize(resource_type: &str, bytes: usize) -> Vec<u8> {
    let mut line = format!(
        "{{\"resourceType\":\"{resource_type}\",\"id\":\"oversize\",\"text\":{{\"status\":\"generated\",\"div\":\"<div xmlns=\\\"http://www.w3.org/1999/xhtml\\\">"
    )
    .into_bytes();
    line.resize(line.len() + bytes, b'x');
    line.extend_from_slice(b"</div>\"}}");
    line
}

/// Type and id of a line, as `Type/id`.
pub(crate) fn name_of(line: &[u8]) -> Option<String> {
    let resource: Value = serde_json::from_slice(line).ok()?;
    Some(format!(
        "{}/{}",
        resource["resourceType"].as_str()?,
        resource["id"].as_str()?
    ))
}

/// Changes a resource; what is no JSON object stays as it is.
fn rewrite(line: Vec<u8>, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    match serde_json::from_slice::<Value>(&line) {
        Ok(mut resource) if resource.is_object() => {
            change(&mut resource);
            resource.to_string().into_bytes()
        }
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"resourceType":"Observation","id":"o","meta":{"lastUpdated":"2024-01-01T00:00:00Z"},"status":"final","valueQuantity":{"value":1.10}}"#;

    fn edited(edit: Edit) -> String {
        String::from_utf8(edit.apply(LINE.into()).unwrap()).unwrap()
    }

    #[test]
    fn each_edit_does_one_thing_and_keeps_number_literals() {
        assert!(serde_json::from_str::<Value>(&edited(Edit::Malform)).is_err());
        assert_eq!(edited(Edit::Mistype), LINE.replace("Observation", "Basic"));
        assert_eq!(
            edited(Edit::Unstamp),
            LINE.replace(r#""lastUpdated":"2024-01-01T00:00:00Z""#, "")
        );
        assert_eq!(Edit::Leave.apply(LINE.into()), None);
        let other = contradict(LINE.into());
        assert_eq!(name_of(&other), Some("Observation/o".into()));
        assert_ne!(other, LINE.as_bytes());
    }

    #[test]
    fn a_line_is_never_cut_inside_a_character() {
        for text in ["{\"a\":\"ééééé\"}", "{\"漢\":\"字字字\"}", "é"] {
            assert!(
                String::from_utf8(Edit::Malform.apply(text.into()).unwrap()).is_ok() || text.len() < 3,
                "{text}"
            );
        }
    }

    #[test]
    fn a_subset_is_tagged() {
        let subset: Value =
            serde_json::from_slice(&subset(LINE.into(), "Observation", &[(None, "status".into())])).unwrap();
        assert_eq!(subset["status"], "final");
        assert!(subset.get("valueQuantity").is_none());
        assert_eq!(subset["meta"]["tag"][0]["code"], "SUBSETTED");
    }

    #[test]
    fn an_oversize_line_is_still_json() {
        let line = oversize("Observation", 1000);
        assert!(line.len() > 1000);
        assert!(serde_json::from_slice::<Value>(&line).is_ok());
    }
}
