//! Changing the values to which a path leads, every other byte kept.

use super::json::{Cursor, Flaw};
use super::path::{Path, Step, fulfils, text_of};
use super::required::is_empty;
use super::splice::{Array, Object, Part};

/// What is done to the values to which a path leads.
#[derive(Clone, Copy)]
pub enum Action<'a> {
    /// This JSON takes their place; where nothing stands, it is put there, and the objects on the way with it.
    Set(&'a str),
    /// They go, and whatever is empty without them.
    Remove,
    /// Their element gets another name.
    Rename(&'a str),
    /// Texts that this gives another for become that.
    Each(&'a dyn Fn(&str) -> Option<String>),
}

/// Why a record cannot be changed as asked; never with any of its content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransformError {
    /// It cannot be read.
    #[error("the record cannot be read: {0}")]
    NotJson(#[from] Flaw),
    /// An element of the new name is there already.
    #[error("there is an element {name} already beside {path}")]
    InTheWay {
        /// The path to what was to be renamed.
        path: String,
        /// The name that it was to get.
        name: String,
    },
    /// Something on the way is no object.
    #[error("{path} cannot be set: something on the way is not an object")]
    NoWay {
        /// The path.
        path: String,
    },
}

enum Changed {
    Kept,
    To(String),
    Gone,
}

struct Edit<'a> {
    path: &'a Path,
    action: &'a Action<'a>,
}

/// The record with what `path` leads to changed; `None` when nothing changed.
pub fn transform(record: &str, path: &Path, action: &Action<'_>) -> Result<Option<String>, TransformError> {
    let edit = Edit { path, action };
    Ok(match edit.value(record, &path.steps)? {
        Changed::To(changed) if changed != record => Some(changed),
        Changed::To(_) | Changed::Kept | Changed::Gone => None,
    })
}

/// Whether a text is one JSON value.
pub fn is_json(text: &str) -> bool {
    let mut cursor = Cursor::new(text);
    cursor.skip().and_then(|_| cursor.end()).is_ok()
}

impl Edit<'_> {
    fn value(&self, value: &str, steps: &[Step]) -> Result<Changed, TransformError> {
        let Some((step, rest)) = steps.split_first() else {
            return self.leaf(value);
        };
        if value.starts_with('[') {
            return self.items(value, step, steps, rest);
        }
        match step {
            Step::Name(name) if value.starts_with('{') => self.member(value, name, rest),
            Step::Where(path, literal) if fulfils(value, path, literal) => self.value(value, rest),
            Step::Name(_) if matches!(self.action, Action::Set(_)) => Err(TransformError::NoWay {
                path: self.path.to_string(),
            }),
            Step::Name(_) | Step::Where(..) | Step::Index(_) => Ok(Changed::Kept),
        }
    }

    fn leaf(&self, value: &str) -> Result<Changed, TransformError> {
        Ok(match self.action {
            Action::Set(new) => Changed::To((*new).to_owned()),
            Action::Remove => Changed::Gone,
            Action::Rename(_) => Changed::Kept,
            Action::Each(_) if value.starts_with('[') => {
                let list = Array::read(value)?;
                let parts = list
                    .items()
                    .map(|item| self.leaf(item).map(part))
                    .collect::<Result<Vec<_>, _>>()?;
                Changed::To(list.with(&parts, &[]))
            }
            Action::Each(to) => match text_of(value).and_then(|text| to(&text)) {
                Some(new) => Changed::To(serde_json::Value::from(new).to_string()),
                None => Changed::Kept,
            },
        })
    }

    fn items(&self, value: &str, step: &Step, steps: &[Step], rest: &[Step]) -> Result<Changed, TransformError> {
        let list = Array::read(value)?;
        let mut parts = Vec::new();
        for (place, item) in list.items().enumerate() {
            let changed = match step {
                Step::Index(wanted) if *wanted == place => self.value(item, rest)?,
                Step::Index(_) => Changed::Kept,
                Step::Name(_) | Step::Where(..) => self.value(item, steps)?,
            };
            parts.push(part(changed));
        }
        Ok(rebuilt(&parts, list.with(&parts, &[])))
    }

    fn member(&self, value: &str, name: &str, rest: &[Step]) -> Result<Changed, TransformError> {
        let object = Object::read(value)?;
        let mut parts = vec![Part::Keep; object.members.len()];
        // A primitive's extensions and id are beside it, and go where it goes.
        let shadow = object.place(&format!("_{name}"));
        if let (Action::Rename(to), []) = (self.action, rest) {
            for place in object.place(name).into_iter().chain(shadow) {
                let before = object.members[place].name;
                let to = if before == name {
                    (*to).to_owned()
                } else {
                    format!("_{to}")
                };
                if object.place(&to).is_some() {
                    return Err(TransformError::InTheWay {
                        path: self.path.to_string(),
                        name: to,
                    });
                }
                let written = &object.member(place)[before.len() + 2..];
                parts[place] = Part::Replace(format!("\"{to}\"{written}"));
            }
            return Ok(rebuilt(&parts, object.with(&parts, &[])));
        }
        let Some(place) = object.place(name) else {
            let added = match self.action {
                Action::Set(new) => built(name, rest, new),
                Action::Remove if rest.is_empty() => {
                    if let Some(shadow) = shadow {
                        parts[shadow] = Part::Remove;
                    }
                    None
                }
                _ => None,
            };
            return Ok(match added {
                Some(added) => Changed::To(object.with(&parts, &[added])),
                None => rebuilt(&parts, object.with(&parts, &[])),
            });
        };
        match self.value(object.members[place].value, rest)? {
            Changed::Kept => {}
            Changed::To(new) => parts[place] = Part::Replace(object.member_with(place, &new)),
            Changed::Gone => {
                parts[place] = Part::Remove;
                if let Some(shadow) = shadow.filter(|_| rest.is_empty()) {
                    parts[shadow] = Part::Remove;
                }
            }
        }
        Ok(rebuilt(&parts, object.with(&parts, &[])))
    }
}

/// A member of this name that holds the value at the end of the path; nothing where the path goes through a list.
fn built(name: &str, rest: &[Step], value: &str) -> Option<String> {
    let mut json = value.to_owned();
    for step in rest.iter().rev() {
        let Step::Name(name) = step else { return None };
        json = format!("{{\"{name}\":{json}}}");
    }
    Some(format!("\"{name}\":{json}"))
}

fn part(changed: Changed) -> Part {
    match changed {
        Changed::Kept => Part::Keep,
        Changed::To(new) => Part::Replace(new),
        Changed::Gone => Part::Remove,
    }
}

fn rebuilt(parts: &[Part], text: String) -> Changed {
    if parts.iter().all(|part| *part == Part::Keep) {
        return Changed::Kept;
    }
    // FHIR knows no empty object and no empty list.
    if is_empty(&text) {
        Changed::Gone
    } else {
        Changed::To(text)
    }
}

#[cfg(test)]
mod tests;
