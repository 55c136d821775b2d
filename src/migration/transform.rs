//! Transforms: changes that a person declares for the records of a migration, in a TOML file of `[[transform]]` tables.

mod act;
mod condition;
mod outside;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fhir::{self, Path, Reject, TransformError};

use self::act::Act;
use self::condition::Condition;
pub use self::outside::{NoProgram, Output, Outside};

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
    /// set, remove, rename, copy, map, replace or command.
    pub action: String,
    /// What is changed, or copied.
    #[serde(default, skip_serializing_if = "String::is_empty")]
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
    /// command: the program and its arguments.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
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
    /// A program made nothing of it.
    #[error("transform `{name}`: {why}")]
    Program {
        /// The transform.
        name: String,
        /// Why, in a sentence without content.
        why: String,
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
    outside: Option<Arc<dyn Outside>>,
}

#[derive(Debug, Clone)]
struct Ready {
    name: String,
    types: Vec<String>,
    when: Option<Condition>,
    does: Does,
}

#[derive(Debug, Clone)]
enum Does {
    Here(Path, Act),
    Program(Vec<String>),
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
            outside: None,
        })
    }

    /// The same, with programs that are run by this.
    #[must_use]
    pub fn with(self, outside: Arc<dyn Outside>) -> Self {
        Self {
            outside: Some(outside),
            ..self
        }
    }

    /// Whether programs are among them.
    pub fn has_programs(&self) -> bool {
        self.all.iter().any(|ready| matches!(ready.does, Does::Program(_)))
    }

    /// Runs the programs on these lines, each on all of them together; [`Transforms::apply`] then knows what they made of each.
    pub fn run_programs<'l, L: Iterator<Item = &'l [u8]>>(&self, lines: impl Fn() -> L) -> Result<(), NoProgram> {
        for (place, ready) in (0..).zip(&self.all) {
            let (Does::Program(command), Some(outside)) = (&ready.does, &self.outside) else {
                continue;
            };
            let before = Self {
                all: self.all[..usize::from(place)].to_vec(),
                outside: self.outside.clone(),
            };
            let given = lines().filter_map(|line| before.given(line, ready)).collect();
            outside.run(place, command, given)?;
        }
        Ok(())
    }

    /// What `next` is given of a line after these, if it is for it.
    fn given(&self, line: &[u8], next: &Ready) -> Option<String> {
        let scan = fhir::scan(line).ok()?;
        if !next.types.iter().any(|name| name == scan.resource_type) {
            return None;
        }
        let now = match self.apply(line).ok()? {
            Some(changed) => changed.line,
            None => line.to_vec(),
        };
        let record = String::from_utf8(now).ok()?;
        let holds = next.when.as_ref().is_none_or(|when| when.holds(&record));
        holds.then_some(record)
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
            let done = self.done(place, ready, record)?;
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

impl Transforms {
    fn done(&self, place: u16, ready: &Ready, record: &str) -> Result<Option<String>, Untransformed> {
        let name = || ready.name.clone();
        match &ready.does {
            Does::Here(path, act) => act
                .done(path, record)
                .map_err(|error| Untransformed::Refused { name: name(), error }),
            Does::Program(_) => {
                let made = self.outside.as_ref().and_then(|outside| outside.made(place, record));
                let refused = |why: &str| Untransformed::Program {
                    name: name(),
                    why: why.to_owned(),
                };
                match made {
                    Some(Output::Same) => Ok(None),
                    Some(Output::Line(line)) => Ok(Some(line)),
                    Some(Output::Nothing(why)) => Err(refused(&why)),
                    None => Err(refused("its program was not run on it")),
                }
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
    let when = rule.when.as_deref().map(str::parse).transpose().map_err(|()| {
        wrong(
            "its `when` cannot be read",
            "write it as \"active == true\", \"gender != 'male'\", \"telecom exists\" or \"name.family missing\"",
        )
    })?;
    if rule.action == "command" {
        let absolute = rule.command.first().is_some_and(|program| program.starts_with('/'));
        if !absolute || !rule.path.is_empty() {
            return Err(wrong(
                "`command` needs `command`, and no `path`",
                "give the program by its whole path, and its arguments: command = [\"/usr/bin/python3\", \"/home/me/mend.py\"]",
            ));
        }
        let does = Does::Program(rule.command.clone());
        return Ok(Ready {
            name,
            types,
            when,
            does,
        });
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
                "use set, remove, rename, copy, map, replace or command",
            ));
        }
    };
    let does = Does::Here(path(&rule.path)?, act);
    Ok(Ready {
        name,
        types,
        when,
        does,
    })
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
