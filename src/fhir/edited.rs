//! What a person typed in place of both sides, checked before it gets into a record.

use serde_json::Value;

use super::canonical::canonical_value;
use super::choice::choice;
use super::merge_error::MergeError;
use super::required::is_empty;
use super::splice::Object;

/// Elements of these names are a date of R4, at the top level or inside.
const DATES: [&str; 3] = ["birthDate", "expirationDate", "valueDate"];

/// Elements of these names are a dateTime of R4; a choice says it in its name.
const DATE_TIMES: [&str; 14] = [
    "assertedDate",
    "authoredOn",
    "created",
    "dateAsserted",
    "end",
    "lastOccurrence",
    "received",
    "recorded",
    "recordedDate",
    "sent",
    "start",
    "time",
    "whenHandedOver",
    "whenPrepared",
];

/// Elements of these names are codes of R4, where they are texts.
const CODES: [&str; 9] = [
    "category",
    "criticality",
    "docStatus",
    "gender",
    "intent",
    "language",
    "priority",
    "status",
    "use",
];

/// Codes of the elements that R4 binds to a fixed list and that a person is likely to type.
const LISTS: [(&str, &[&str]); 2] = [
    ("gender", &["male", "female", "other", "unknown"]),
    // Names, addresses, telecoms and identifiers together.
    (
        "use",
        &[
            "usual",
            "official",
            "temp",
            "nickname",
            "anonymous",
            "old",
            "maiden",
            "secondary",
            "home",
            "work",
            "billing",
            "mobile",
        ],
    ),
];

/// The members for the field at `path` from an edit in the form of `sides`: a value, or members in braces.
pub(super) fn members(path: &str, json: &str, sides: &[&str]) -> Result<Vec<String>, MergeError> {
    let name = path.strip_prefix(super::field::META).unwrap_or(path);
    let stem = name.strip_suffix("[x]");
    let in_braces = stem.is_some() || sides.iter().any(|side| is_members(name, side));
    if !in_braces {
        check(path, name, json, sides)?;
        return Ok(vec![format!("\"{name}\":{}", json.trim())]);
    }
    let wrong = |why| MergeError::edited(path, why);
    readable(path, json)?;
    let object = Object::read(json).map_err(|_| wrong(MEMBERS))?;
    let mut members = Vec::new();
    let mut values = 0;
    for (place, member) in object.members.iter().enumerate() {
        let own = member.name.strip_prefix('_').unwrap_or(member.name);
        if stem.map_or(own != name, |stem| choice(own) != Some(stem)) || is_empty(member.value) {
            return Err(wrong(MEMBERS));
        }
        if member.name == own {
            values += 1;
            let before: Vec<_> = sides
                .iter()
                .filter_map(|side| Object::read(side).ok()?.get(own))
                .collect();
            check(path, own, member.value, &before)?;
        } else if !member.value.starts_with(['{', '[']) {
            return Err(wrong("extensions of a value are an object"));
        }
        members.push(object.member(place).to_owned());
    }
    if members.is_empty() || values > 1 {
        return Err(wrong(MEMBERS));
    }
    Ok(members)
}

const MEMBERS: &str = "it must be an object with the one member that the field is to have, and its extensions if any";

/// An item of the list at `path` from an edit.
pub(super) fn item(path: &str, list: &str, json: &str, sides: &[&str]) -> Result<String, MergeError> {
    check(path, list, json, sides)?;
    Ok(json.trim().to_owned())
}

/// Whether a side is given as members in braces, not as a value.
fn is_members(name: &str, side: &str) -> bool {
    Object::read(side).is_ok_and(|object| {
        !object.members.is_empty()
            && object
                .members
                .iter()
                .all(|member| member.name == name || member.name.strip_prefix('_') == Some(name))
    })
}

fn readable(path: &str, json: &str) -> Result<Value, MergeError> {
    canonical_value(json.trim(), None)
        .map_err(|_| MergeError::edited(path, "it is not JSON that can be read in one way"))?;
    serde_json::from_str(json).map_err(|_| MergeError::edited(path, "it is not JSON that can be read in one way"))
}

fn check(path: &str, name: &str, json: &str, sides: &[&str]) -> Result<(), MergeError> {
    let value = readable(path, json)?;
    if is_empty(json.trim()) {
        return Err(MergeError::edited(
            path,
            "nothing is picked with `left` or `right`, not with an empty value",
        ));
    }
    let kind = |text: &str| match text.trim_start().as_bytes().first() {
        Some(b'-' | b'0'..=b'9') => b'0',
        Some(b't' | b'f') => b't',
        other => other.copied().unwrap_or_default(),
    };
    if !sides.is_empty() && !sides.iter().any(|side| kind(side) == kind(json)) {
        return Err(MergeError::edited(
            path,
            "it is not of the kind that the field was before",
        ));
    }
    inside(path, name, &value)
}

/// Checks an element and everything in it by their names.
fn inside(path: &str, name: &str, value: &Value) -> Result<(), MergeError> {
    match value {
        Value::Object(members) => members
            .iter()
            .try_for_each(|(name, value)| inside(path, name.trim_start_matches('_'), value)),
        Value::Array(items) => items.iter().try_for_each(|item| inside(path, name, item)),
        Value::String(text) => simple(path, name, text),
        Value::Null => Err(MergeError::edited(path, "FHIR has no null there")),
        Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn simple(path: &str, name: &str, text: &str) -> Result<(), MergeError> {
    let wrong = |why| Err(MergeError::edited(path, why));
    if text.is_empty() {
        return wrong("FHIR has no empty text");
    }
    if (DATES.contains(&name) || (choice(name).is_some() && name.ends_with("Date"))) && !is_date(text) {
        return wrong("a date is written 2024, 2024-05 or 2024-05-31");
    }
    if (DATE_TIMES.contains(&name) || (choice(name).is_some() && name.ends_with("DateTime"))) && !is_date_time(text) {
        return wrong("a time is written 2024, 2024-05, 2024-05-31 or 2024-05-31T23:59:59+01:00");
    }
    if (name == "issued" || (choice(name).is_some() && name.ends_with("Instant"))) && !is_instant(text) {
        return wrong("an instant is written 2024-05-31T23:59:59.000+01:00");
    }
    if CODES.contains(&name)
        && text
            .split(' ')
            .any(|part| part.is_empty() || part.contains(char::is_whitespace))
    {
        return wrong("a code has no white space at its ends and single spaces inside");
    }
    // A Claim's own `use` is bound to another list.
    let list = LISTS.iter().find(|(element, _)| *element == name && path != "use");
    if list.is_some_and(|(_, codes)| !codes.contains(&text)) {
        return wrong("FHIR has no such code there");
    }
    Ok(())
}

/// R4 datatypes, date.
fn is_date(text: &str) -> bool {
    let shape = text.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    });
    let first = match text.len() {
        4 => format!("{text}-01-01"),
        7 => format!("{text}-01"),
        10 => text.to_owned(),
        _ => return false,
    };
    shape && first.parse::<jiff::civil::Date>().is_ok()
}

/// R4 datatypes, dateTime: a time of day has seconds and an offset.
fn is_date_time(text: &str) -> bool {
    is_date(text) || is_instant(text)
}

/// R4 datatypes, instant.
fn is_instant(text: &str) -> bool {
    let Some((date, time)) = text.split_once('T') else {
        return false;
    };
    let seconds = time.get(..8).is_some_and(|clock| {
        clock.bytes().enumerate().all(|(at, byte)| match at {
            2 | 5 => byte == b':',
            _ => byte.is_ascii_digit(),
        })
    });
    date.len() == 10 && is_date(date) && seconds && text.parse::<jiff::Timestamp>().is_ok()
}

#[cfg(test)]
mod tests;
