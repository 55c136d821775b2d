//! Paths into a record, a small part of `FHIRPath`.
//!
//! `name.given` leads to every given name of every name: a list stands for each of its items. `identifier[0]` is the first item, and
//! `identifier.where(system='urn:x').value` leads to the values of those items of which that is so; what stands in the brackets of
//! `where` is a path, `=` and a text in single quotes.

use std::fmt;
use std::str::FromStr;

use super::json_string::unescape;
use super::splice::{Array, Object};

/// A path into a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    written: String,
    pub(super) steps: Vec<Step>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The member of an object.
    Name(String),
    /// An item of a list, from 0.
    Index(usize),
    /// The items of a list, or the object, in which the path leads to this text.
    Where(Vec<Step>, String),
}

/// A text that is no path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no path into a record")]
pub struct NoPath {
    given: String,
}

impl NoPath {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        Some("write it as name.given, identifier[0].value or identifier.where(system='urn:x').value".to_owned())
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl FromStr for Path {
    type Err = NoPath;

    fn from_str(text: &str) -> Result<Self, NoPath> {
        let no_path = || NoPath { given: text.to_owned() };
        let steps = steps(text).filter(|steps| matches!(steps.first(), Some(Step::Name(_))));
        Ok(Self {
            written: text.to_owned(),
            steps: steps.ok_or_else(no_path)?,
        })
    }
}

impl Path {
    /// The values in a record to which it leads, as written there.
    pub fn values<'a>(&self, record: &'a str) -> Vec<&'a str> {
        let mut found = Vec::new();
        select(record, &self.steps, &mut found);
        found
    }
}

/// Splits at the dots that stand outside of brackets and quotes.
fn steps(text: &str) -> Option<Vec<Step>> {
    let mut steps = Vec::new();
    let mut rest = text;
    loop {
        let (step, after) = if let Some(inner) = rest.strip_prefix("where(") {
            // The text may hold brackets and dots; its end is the quote before a bracket.
            let (path, quoted) = inner.split_once('=')?;
            let quoted = quoted.trim_start().strip_prefix('\'')?;
            let (literal, after) = quoted.split_once('\'')?;
            let after = after.trim_start().strip_prefix(')')?;
            (Step::Where(self::steps(path.trim())?, literal.to_owned()), after)
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            (Step::Name(is_name.then(|| name.to_owned())?), after)
        };
        steps.push(step);
        rest = after;
        while let Some(index) = rest.strip_prefix('[') {
            let (number, after) = index.split_once(']')?;
            steps.push(Step::Index(number.parse().ok()?));
            rest = after;
        }
        match rest.strip_prefix('.') {
            Some(next) => rest = next,
            None => return rest.is_empty().then_some(steps),
        }
    }
}

/// What a value says where it is a text.
pub(super) fn text_of(value: &str) -> Option<String> {
    let raw = value.trim().strip_prefix('"')?.strip_suffix('"')?;
    Some(unescape(raw))
}

/// Whether a value fulfils `where`.
pub(super) fn fulfils(value: &str, path: &[Step], literal: &str) -> bool {
    let mut found = Vec::new();
    select(value, path, &mut found);
    found
        .into_iter()
        .any(|value| text_of(value).is_some_and(|text| text == literal))
}

fn select<'a>(value: &'a str, steps: &[Step], found: &mut Vec<&'a str>) {
    let value = value.trim();
    let Some((step, rest)) = steps.split_first() else {
        match Array::read(value) {
            Ok(items) if value.starts_with('[') => found.extend(items.items()),
            _ => found.push(value),
        }
        return;
    };
    if value.starts_with('[')
        && let Ok(list) = Array::read(value)
    {
        match step {
            Step::Index(place) => {
                if let Some(item) = list.items().nth(*place) {
                    select(item, rest, found);
                }
            }
            Step::Name(_) | Step::Where(..) => list.items().for_each(|item| select(item, steps, found)),
        }
        return;
    }
    match step {
        Step::Name(name) => {
            if value.starts_with('{')
                && let Ok(object) = Object::read(value)
                && let Some(member) = object.get(name)
            {
                select(member, rest, found);
            }
        }
        Step::Where(path, literal) if fulfils(value, path, literal) => select(value, rest, found),
        Step::Where(..) | Step::Index(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"active" : true,"name":[{"given":["Ann","B\u00e9a"],"family":"X"},{"given":["C"]}],
        "identifier":[{"system":"urn:a.b(c)","value":"1"},{"system":"urn:d","value":"2","type":{"coding":[{"code":"MR"}]}}],"n":1.10}"#;

    fn values(path: &str) -> Vec<&'static str> {
        path.parse::<Path>().unwrap().values(RECORD)
    }

    #[test]
    fn a_path_leads_to_every_value_that_fits() {
        assert_eq!(values("active"), ["true"]);
        assert_eq!(values("n"), ["1.10"]);
        assert_eq!(values("name.given"), [r#""Ann""#, r#""B\u00e9a""#, r#""C""#]);
        assert_eq!(values("name[0].given[1]"), [r#""B\u00e9a""#]);
        assert_eq!(values("name.where(given='Béa').family"), [r#""X""#]);
        assert_eq!(values("identifier.where(system='urn:a.b(c)').value"), [r#""1""#]);
        assert_eq!(values("identifier.where(type.coding.code = 'MR').value"), [r#""2""#]);
        assert!(values("name[7].given").is_empty() && values("active.x").is_empty() && values("nothing").is_empty());
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for text in [
            "",
            ".",
            "a.",
            ".a",
            "a b",
            "a[",
            "a[x]",
            "[0]",
            "where(a='b')",
            "a.where(b)",
            "a.where(b='c'",
            "a.where(b=c)",
            "é",
        ] {
            assert!(text.parse::<Path>().is_err(), "{text}");
        }
    }
}
