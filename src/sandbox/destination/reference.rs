//! The references inside a record: rewritten, resolved, and followed.

use std::collections::HashMap;

use serde_json::Value;

use super::manners::Manners;
use super::records::{Key, Records};
use super::request::parse_query;
use super::search;
use crate::sandbox::outcome::Refusal;
use crate::sandbox::scope::is_known_type;

/// Puts the new reference wherever a record names a `fullUrl` of its Bundle: in references, URLs, and in the narrative (FHIR R4,
/// "Transaction Processing Rules").
pub(super) fn rewrite(value: &mut Value, names: &HashMap<String, String>) {
    match value {
        Value::String(text) => {
            if let Some(new) = names.get(text.as_str()) {
                new.clone_into(text);
            } else if text.starts_with("<div") {
                for (old, new) in names.iter().filter(|(old, _)| old.starts_with("urn:")) {
                    *text = text.replace(old.as_str(), new);
                }
            }
        }
        Value::Array(several) => several.iter_mut().for_each(|one| rewrite(one, names)),
        Value::Object(members) => members.values_mut().for_each(|one| rewrite(one, names)),
        _ => {}
    }
}

/// Calls `act` with the text of every reference and the name of the element that holds it.
fn each(
    value: &mut Value,
    element: &str,
    act: &mut impl FnMut(&str, &mut String) -> Result<(), Refusal>,
) -> Result<(), Refusal> {
    match value {
        Value::Array(several) => several.iter_mut().try_for_each(|one| each(one, element, act)),
        Value::Object(members) => members.iter_mut().try_for_each(|(name, one)| match one {
            Value::String(text) if name == "reference" => act(element, text),
            _ => each(one, name, act),
        }),
        _ => Ok(()),
    }
}

/// Type and query of a conditional reference.
fn conditional(reference: &str) -> Option<(&str, &str)> {
    reference.split_once('?').filter(|(kind, _)| is_known_type(kind))
}

/// Replaces conditional references by what they find: exactly one record, or it is an error; where `later` is true, nothing
/// found yet is left for the end of the transaction.
pub(super) fn resolve(resource: &mut Value, records: &Records, later: bool) -> Result<(), Refusal> {
    each(resource, "", &mut |element, text| {
        let Some((kind, query)) = conditional(text) else {
            return Ok(());
        };
        let criteria = search::condition(kind, &parse_query(query))?;
        match search::find(records, kind, &criteria).as_slice() {
            [id] => {
                *text = format!("{kind}/{id}");
                Ok(())
            }
            [] if later => Ok(()),
            found => Err(Refusal::new(
                412,
                "processing",
                format!(
                    "The conditional reference in {element} finds {} records instead of one.",
                    found.len()
                ),
            )),
        }
    })
}

/// Checks that every reference leads to a record on this server, as HAPI does by default.
pub(super) fn check(resource: &Value, records: &Records, base_url: &str) -> Result<(), Refusal> {
    for (element, text) in references(resource) {
        if text.starts_with('#') {
            continue;
        }
        let relative = text.strip_prefix(base_url).unwrap_or(text);
        let Some((kind, id)) = local(relative.trim_start_matches('/')) else {
            return Err(Refusal::invalid(format!(
                "The reference in {element} leads to another server or nowhere; only references within this server are allowed."
            )));
        };
        match records.latest(&kind, &id) {
            Some(version) if version.resource.is_some() => {}
            Some(_) => {
                let text = format!("{kind}/{id}, referred to in {element}, is deleted.");
                return Err(Refusal::new(409, "conflict", text));
            }
            None => {
                return Err(Refusal::invalid(format!(
                    "{kind}/{id}, referred to in {element}, is not found."
                )));
            }
        }
    }
    Ok(())
}

/// The name of the element and the text of every reference.
pub(super) fn references(resource: &Value) -> Vec<(&str, &str)> {
    fn walk<'a>(value: &'a Value, element: &'a str, found: &mut Vec<(&'a str, &'a str)>) {
        match value {
            Value::Array(several) => several.iter().for_each(|one| walk(one, element, found)),
            Value::Object(members) => members.iter().for_each(|(name, one)| match one {
                Value::String(text) if name == "reference" => found.push((element, text)),
                _ => walk(one, name, found),
            }),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(resource, "", &mut found);
    found
}

/// Whether a record holds references that are searches.
pub(super) fn has_conditional(resource: &Value) -> bool {
    references(resource).iter().any(|(_, text)| conditional(text).is_some())
}

/// Type and id of a relative reference, versioned or not.
pub(super) fn local(reference: &str) -> Option<Key> {
    let plain = reference.split_once("/_history/").map_or(reference, |(plain, _)| plain);
    let (kind, id) = plain.split_once('/')?;
    (is_known_type(kind) && crate::fhir::is_id(id)).then(|| (kind.to_owned(), id.to_owned()))
}

/// Where this kind of server allows it outside of a transaction, resolves conditional references; else refuses them.
pub(super) fn settle(resource: &mut Value, records: &Records, manners: &Manners) -> Result<(), Refusal> {
    if manners.conditional_references {
        return resolve(resource, records, false);
    }
    if has_conditional(resource) {
        return Err(Refusal::new(
            400,
            "not-supported",
            "References that are searches are allowed in transactions only.",
        ));
    }
    Ok(())
}
