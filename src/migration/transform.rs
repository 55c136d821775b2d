//! Transforms: changes that a person declares for the records of a migration, in a TOML file of `[[transform]]` tables.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fhir::{self, Action, Path, Reject, TransformError};

/// A transform as a person wrote it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransformRule {
    /// What it is called in reports; its place in the file otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Type of the records that it is for, or several with commas between them.
    #[serde(rename = "type")]
    pub types: String,
    /// Only where this is so: `PATH exists`, `PATH missing`, `PATH == VALUE` or `PATH != VALUE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// set, remove, rename, copy, map or replace.
    pub action: String,
    /// What is changed, or copied.
    pub path: String,
    /// rename: the new name; copy: the path to copy to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// set: the value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Value>,
    /// set: the value as JSON, for numbers whose digits count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<String>,
    /// map: what each text becomes; others stay.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub table: BTreeMap<String, String>,
    /// replace: what is looked for in texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub find: Option<String>,
    /// replace: what takes its place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub with: Option<String>,
}

/// A transform that cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: {what}", .name.as_ref().map_or_else(|| "the transforms cannot be read".to_owned(), |name| format!("transform `{name}`")))]
pub struct TransformsError {
    /// The transform, unless it is the file.
    pub name: Option<String>,
    what: String,
    hint: String,
}

impl TransformsError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(self.hint.clone())
    }
}

/// Why a record cannot go through the transforms of its migration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Untransformed {
    /// A transform cannot be done to it.
    #[error("transform `{name}`: {error}")]
    Refused {
        /// The transform.
        name: String,
        /// Why.
        error: TransformError,
    },
    /// It would be no record any more.
    #[error("its transforms make no record of it: {0}")]
    Broken(Reject),
    /// It would be another record.
    #[error("its transforms change its type or id")]
    OtherRecord,
}

/// What the transforms made of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transformed {
    /// The record.
    pub line: Vec<u8>,
    /// Places of the transforms that changed it.
    pub by: Vec<u16>,
}

/// The transforms of a migration, ready to be done.
#[derive(Debug, Clone, Default)]
pub struct Transforms {
    all: Vec<Ready>,
}

#[derive(Debug, Clone)]
struct Ready {
    name: String,
    types: Vec<String>,
    when: Option<Condition>,
    path: Path,
    act: Act,
}

#[derive(Debug, Clone)]
enum Act {
    Set(String),
    Remove,
    Rename(String),
    Copy(Path),
    Map(BTreeMap<String, String>),
    Replace(String, String),
}

#[derive(Debug, Clone)]
struct Condition {
    path: Path,
    holds: Holds,
}

#[derive(Debug, Clone)]
enum Holds {
    Exists(bool),
    /// The value is this, or (if false) is not.
    Is(bool, Value),
}

/// Reads a file of transforms, and checks that they can be done.
pub fn read_transforms(text: &str) -> Result<Vec<TransformRule>, TransformsError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        #[serde(default)]
        transform: Vec<TransformRule>,
    }
    let file: File = toml::from_str(text).map_err(|error| TransformsError {
        name: None,
        what: error.to_string().trim_end().to_owned(),
        hint: "a file of transforms has [[transform]] tables with type, action and path".to_owned(),
    })?;
    Transforms::new(&file.transform)?;
    Ok(file.transform)
}

impl Transforms {
    /// Makes transforms ready.
    pub fn new(rules: &[TransformRule]) -> Result<Self, TransformsError> {
        let all = (1..).zip(rules).map(|(number, rule)| ready(number, rule));
        Ok(Self {
            all: all.collect::<Result<_, _>>()?,
        })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// What they make of a landed record, which could be transformed when it was received.
    pub fn of_landed(&self, line: Vec<u8>) -> Vec<u8> {
        match self.apply(&line) {
            Ok(Some(changed)) => changed.line,
            Ok(None) | Err(_) => line,
        }
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|ready| ready.name.as_str())
    }

    /// What they make of a record that passed [`fhir::scan`]; `None` where they change nothing.
    pub fn apply(&self, line: &[u8]) -> Result<Option<Transformed>, Untransformed> {
        if self.is_empty() {
            return Ok(None);
        }
        let before = fhir::scan(line).map_err(Untransformed::Broken)?;
        let mut by = Vec::new();
        let mut now: Option<String> = None;
        for (place, ready) in (0..).zip(&self.all) {
            if !ready.types.iter().any(|name| name == before.resource_type) {
                continue;
            }
            // What was scanned is UTF-8.
            let record = now.as_deref().or(std::str::from_utf8(line).ok()).unwrap_or_default();
            if ready.when.as_ref().is_some_and(|when| !when.holds(record)) {
                continue;
            }
            let done = ready.done(record).map_err(|error| Untransformed::Refused {
                name: ready.name.clone(),
                error,
            })?;
            if let Some(done) = done {
                now = Some(done);
                by.push(place);
            }
        }
        let Some(now) = now.map(String::into_bytes).filter(|now| now != line) else {
            return Ok(None);
        };
        let after = fhir::scan(&now).map_err(Untransformed::Broken)?;
        if (after.resource_type, after.id) != (before.resource_type, before.id) {
            return Err(Untransformed::OtherRecord);
        }
        Ok(Some(Transformed { line: now, by }))
    }
}

impl Ready {
    fn done(&self, record: &str) -> Result<Option<String>, TransformError> {
        let path = &self.path;
        match &self.act {
            Act::Set(json) => fhir::transform(record, path, &Action::Set(json)),
            Act::Remove => fhir::transform(record, path, &Action::Remove),
            Act::Rename(to) => fhir::transform(record, path, &Action::Rename(to)),
            Act::Copy(to) => match path.values(record).first() {
                Some(value) => fhir::transform(record, to, &Action::Set(value)),
                None => Ok(None),
            },
            Act::Map(table) => fhir::transform(record, path, &Action::Each(&|text| table.get(text).cloned())),
            Act::Replace(find, with) => {
                let each = |text: &str| text.contains(find.as_str()).then(|| text.replace(find, with));
                fhir::transform(record, path, &Action::Each(&each))
            }
        }
    }
}

impl Condition {
    fn holds(&self, record: &str) -> bool {
        let values = self.path.values(record);
        match &self.holds {
            Holds::Exists(exists) => values.is_empty() != *exists,
            Holds::Is(is, value) => {
                let same = |found: &&str| serde_json::from_str::<Value>(found).is_ok_and(|found| found == *value);
                values.iter().any(same) == *is
            }
        }
    }
}

fn ready(number: usize, rule: &TransformRule) -> Result<Ready, TransformsError> {
    let name = rule.name.clone().unwrap_or_else(|| number.to_string());
    let wrong = |what: &str, hint: &str| TransformsError {
        name: Some(name.clone()),
        what: what.to_owned(),
        hint: hint.to_owned(),
    };
    let path = |text: &str| -> Result<Path, TransformsError> {
        text.parse()
            .map_err(|error: fhir::NoPath| wrong(&error.to_string(), &error.hint().unwrap_or_default()))
    };
    let needed = |given: &Option<String>, what: &str| {
        let missing = || {
            wrong(
                &format!("`{}` needs `{what}`", rule.action),
                "see the README, Transforms",
            )
        };
        given.clone().ok_or_else(missing)
    };
    let types: Vec<String> = rule.types.split(',').map(|name| name.trim().to_owned()).collect();
    if !types.iter().all(|name| fhir::is_type_name(name)) {
        return Err(wrong(
            "its `type` names no resource type",
            "give it as Patient, or Patient, Practitioner",
        ));
    }
    let act = match rule.action.as_str() {
        "set" => Act::Set(match (&rule.value, &rule.json) {
            (Some(value), None) if exact(value) => value.to_string(),
            (None, Some(json)) if fhir::is_json(json) => json.trim().to_owned(),
            _ => {
                return Err(wrong(
                    "`set` needs either `value`, without fractions and dates, or `json`",
                    "give numbers with a fraction as json = '1.10', so that no digit is lost, and dates in quotes",
                ));
            }
        }),
        "remove" => Act::Remove,
        "rename" => {
            let to = needed(&rule.to, "to")?;
            let letters = to.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            if to.is_empty() || !letters {
                return Err(wrong(
                    "`to` is no name of an element",
                    "give the new name alone, such as gender",
                ));
            }
            Act::Rename(to)
        }
        "copy" => Act::Copy(path(&needed(&rule.to, "to")?)?),
        "map" if !rule.table.is_empty() => Act::Map(rule.table.clone()),
        "map" => return Err(wrong("`map` needs `table`", "give it as table = { old = \"new\" }")),
        "replace" => {
            let find = needed(&rule.find, "find")?;
            if find.is_empty() {
                return Err(wrong("`find` is empty", "give the text that is looked for"));
            }
            Act::Replace(find, needed(&rule.with, "with")?)
        }
        _ => {
            return Err(wrong(
                "its `action` is none",
                "use set, remove, rename, copy, map or replace",
            ));
        }
    };
    Ok(Ready {
        types,
        when: rule.when.as_deref().map(condition).transpose().map_err(|()| {
            wrong(
                "its `when` cannot be read",
                "write it as \"active == true\", \"gender != 'male'\", \"telecom exists\" or \"name.family missing\"",
            )
        })?,
        path: path(&rule.path)?,
        act,
        name,
    })
}

fn condition(text: &str) -> Result<Condition, ()> {
    let path = |text: &str| text.trim().parse::<Path>().map_err(|_| ());
    for (word, exists) in [(" exists", true), (" missing", false)] {
        if let Some(before) = text.trim_end().strip_suffix(word) {
            let (path, holds) = (path(before)?, Holds::Exists(exists));
            return Ok(Condition { path, holds });
        }
    }
    for (sign, is) in [(" == ", true), (" != ", false)] {
        if let Some((before, value)) = text.split_once(sign) {
            let value = value.trim();
            let quoted = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
            let value = match quoted {
                Some(text) => Value::from(text),
                None => serde_json::from_str(value).map_err(|_| ())?,
            };
            let (path, holds) = (path(before)?, Holds::Is(is, value));
            return Ok(Condition { path, holds });
        }
    }
    Err(())
}

/// Whether a value from TOML says in JSON what it said there.
fn exact(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_i64() || number.is_u64(),
        Value::Array(items) => items.iter().all(exact),
        Value::Object(members) => members
            .iter()
            .all(|(name, value)| !name.starts_with('$') && exact(value)),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

#[cfg(test)]
mod tests;
