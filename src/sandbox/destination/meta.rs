//! What the server does to a record before it keeps it.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::answer::instant;
use super::manners::Manners;

/// The record as it is kept: its own id and version instead of the client's, and `meta` in the manner of the server.
pub(super) fn dress(
    body: Value,
    (kind, id): (&str, &str),
    (version, at): (&str, Timestamp),
    former: Option<&Value>,
    manners: &Manners,
) -> Value {
    let Value::Object(mut members) = body else {
        return body;
    };
    let mut meta = match members.remove("meta") {
        Some(Value::Object(meta)) => meta,
        _ => Map::new(),
    };
    if manners.merges_meta {
        for list in ["profile", "security", "tag"] {
            merge(&mut meta, list, former);
        }
    }
    meta.insert("versionId".into(), version.into());
    meta.insert("lastUpdated".into(), instant(at).into());
    if manners.stamps_source {
        let source = meta.get("source").and_then(Value::as_str).unwrap_or_default();
        let plain = source.split('#').next().unwrap_or_default();
        let stamped = format!("{plain}#{:016x}", at.as_millisecond());
        meta.insert("source".into(), stamped.into());
    }
    if manners.adds_author {
        meta.insert("project".into(), "sandbox".into());
        meta.insert("author".into(), json!({ "reference": "ClientApplication/sandbox" }));
    }
    members.remove("resourceType");
    members.remove("id");
    let mut kept = Map::new();
    kept.insert("resourceType".into(), kind.into());
    kept.insert("id".into(), id.into());
    kept.insert("meta".into(), meta.into());
    kept.extend(members);
    kept.into()
}

/// Whether two versions say the same, whenever and by whatever request they were written.
pub(super) fn same(one: &Value, other: &Value) -> bool {
    let plain = |resource: &Value| {
        let mut resource = resource.clone();
        if let Some(meta) = resource["meta"].as_object_mut() {
            meta.remove("versionId");
            meta.remove("lastUpdated");
            if let Some(Value::String(source)) = meta.get_mut("source")
                && let Some(end) = source.find('#')
            {
                source.truncate(end);
            }
        }
        resource
    };
    plain(one) == plain(other)
}

/// Adds what the former version has in a list of `meta` and the new one leaves out.
fn merge(meta: &mut Map<String, Value>, list: &str, former: Option<&Value>) {
    let Some(before) = former.and_then(|former| former["meta"][list].as_array()) else {
        return;
    };
    let now = meta.entry(list).or_insert_with(|| json!([]));
    let Some(now) = now.as_array_mut() else {
        return;
    };
    let known = |now: &[Value], one: &Value| {
        now.iter().any(|other| {
            if one.is_object() {
                (&other["system"], &other["code"]) == (&one["system"], &one["code"])
            } else {
                other == one
            }
        })
    };
    for one in before {
        if !known(now, one) {
            now.push(one.clone());
        }
    }
}
