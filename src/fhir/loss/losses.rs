//! Every difference between two records, element by element.

use serde_json::{Map, Value};

use super::class::LossClass;
use super::judge::{self, Difference, Judge};
use super::pair::pairs;
use crate::fhir::choice::choice;
use crate::fhir::provenance_tag::OWN_SYSTEMS;
use crate::fhir::reference::{Kind, classify, under};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// Its class.
    pub class: LossClass,
    /// The element, such as `code.coding[0].system`: names and places only, never what stands there. Empty for the whole record.
    pub element: String,
}

/// The most differences told of one record.
const MOST: usize = 24;

/// Every difference between a record as it must be at the destination and as the destination gives it back, in the order of the elements.
/// What a server manages in `meta`, the tags of this program, white space and the order of an object's members are none; the narrative is
/// part of what a record says. References below `source_base` count as relative; `leads` says whether the destination has a record of a
/// type and id.
pub fn losses(
    expected: &[u8],
    given: &[u8],
    source_base: Option<&str>,
    leads: &dyn Fn(&str, &str) -> bool,
) -> Vec<Loss> {
    let tree = |line: &[u8]| serde_json::from_slice::<Value>(line).ok().filter(Value::is_object);
    let (Some(expected), given) = (tree(expected), tree(given)) else {
        // What was received could be read once; where it cannot, there is nothing to compare with.
        return vec![whole(LossClass::ValueChanged)];
    };
    let Some(given) = given else {
        return vec![whole(LossClass::Unreadable)];
    };
    let name = |record: &Value| (record["resourceType"].clone(), record["id"].clone());
    if name(&expected) != name(&given) {
        return vec![whole(LossClass::MixedUp)];
    }
    if is_narrative_only(&expected, &given) {
        return vec![whole(LossClass::NarrativeOnly)];
    }
    let mut walk = Walk {
        source_base,
        judge: Judge {
            resource_type: expected["resourceType"].as_str().unwrap_or_default(),
            leads,
        },
        names: Vec::new(),
        path: Vec::new(),
        found: Vec::new(),
    };
    walk.object(as_object(&expected), as_object(&given));
    walk.found
}

fn whole(class: LossClass) -> Loss {
    Loss {
        class,
        element: String::new(),
    }
}

/// What a record says of whose it is and in which state, without saying what it is.
const FRAME: [&str; 11] = [
    "resourceType",
    "id",
    "meta",
    "text",
    "language",
    "implicitRules",
    "subject",
    "patient",
    "encounter",
    "status",
    "identifier",
];

fn is_narrative_only(expected: &Value, given: &Value) -> bool {
    let says = |record: &Value| {
        let mut names = as_object(record).keys();
        names.any(|name| !FRAME.contains(&name.as_str()))
    };
    says(expected) && !says(given) && given["text"].is_object()
}

static NOTHING: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);

fn as_object(value: &Value) -> &Map<String, Value> {
    value.as_object().unwrap_or(&NOTHING)
}

struct Walk<'a> {
    source_base: Option<&'a str>,
    judge: Judge<'a>,
    /// Names of the elements that lead here.
    names: Vec<String>,
    /// The same with places in lists.
    path: Vec<String>,
    found: Vec<Loss>,
}

impl Walk<'_> {
    fn object(&mut self, expected: &Map<String, Value>, given: &Map<String, Value>) {
        let mut coerced = Vec::new();
        for (name, value) in expected {
            if self.found.len() >= MOST || self.is_managed(name, value) {
                continue;
            }
            let there = given.get(name);
            if there.is_some_and(|there| self.same(name, value, there)) {
                continue;
            }
            let other = there.is_none().then(|| other_type(name, expected, given)).flatten();
            if let Some((other, _)) = other {
                coerced.push(other.clone());
            }
            self.enter(name, |walk| match (there, other) {
                (Some(there), _) => walk.value(value, there, (expected, given)),
                (None, Some((_, there))) => walk.tell(&Difference::Coerced(value, there), (expected, given)),
                (None, None) => walk.tell(&Difference::Dropped(value), (expected, given)),
            });
        }
        for (name, value) in given {
            let known = expected.contains_key(name) || coerced.contains(name);
            if !known && self.found.len() < MOST && !self.is_managed(name, value) {
                self.enter(name, |walk| walk.tell(&Difference::Added, (expected, given)));
            }
        }
    }

    fn value(&mut self, expected: &Value, given: &Value, parents: (&Map<String, Value>, &Map<String, Value>)) {
        match (expected, given) {
            (Value::Object(a), Value::Object(b)) => {
                if let Some(class) = judge::whole(&self.names, expected, given) {
                    self.push(class);
                } else {
                    self.object(a, b);
                }
            }
            (Value::Array(a), Value::Array(b)) => self.array(a, b, parents),
            _ => self.tell(&Difference::Differs(expected, given), parents),
        }
    }

    fn array(&mut self, expected: &[Value], given: &[Value], parents: (&Map<String, Value>, &Map<String, Value>)) {
        let name = self.names.last().cloned().unwrap_or_default();
        let tags = self.names == ["meta", "tag"];
        let others = |list: &[Value]| {
            list.iter()
                .filter(|item| !tags || !is_own(item))
                .cloned()
                .collect::<Vec<_>>()
        };
        let (expected, given) = (others(expected), others(given));
        if tags && expected == given {
            return;
        }
        let found = self.found.len();
        let pairs = pairs(&expected, &given, |a, b| self.same(&name, a, b));
        for (left, right) in &pairs {
            if self.found.len() >= MOST {
                return;
            }
            let place = left.or(*right).unwrap_or_default();
            let last = self.path.len().saturating_sub(1);
            let bare = std::mem::take(&mut self.path[last]);
            self.path[last] = format!("{bare}[{place}]");
            match (left.map(|at| &expected[at]), right.map(|to| &given[to])) {
                (Some(a), Some(b)) if self.same(&name, a, b) => {}
                (Some(a), Some(b)) => self.value(a, b, parents),
                (Some(a), None) => self.tell(&Difference::Dropped(a), parents),
                (None, Some(b)) if given.iter().filter(|other| *other == b).count() > 1 => {
                    self.push(LossClass::Duplicated);
                }
                (None, Some(_)) => self.tell(&Difference::Added, parents),
                (None, None) => {}
            }
            self.path[last] = bare;
        }
        if self.found.len() == found {
            self.push(LossClass::OrderChanged);
        }
    }

    fn enter(&mut self, name: &str, then: impl FnOnce(&mut Self)) {
        self.names.push(name.to_owned());
        self.path.push(name.to_owned());
        then(self);
        self.names.pop();
        self.path.pop();
    }

    fn tell(&mut self, difference: &Difference<'_>, parents: (&Map<String, Value>, &Map<String, Value>)) {
        let relative = |text: &str| relative(text, self.source_base).to_owned();
        let class = self.judge.class(&self.names, difference, parents, &relative);
        self.push(class);
    }

    fn push(&mut self, class: LossClass) {
        let element = self.path.join(".");
        self.found.push(Loss { class, element });
    }

    /// Whether two values say the same.
    fn same(&self, name: &str, a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Object(a), Value::Object(b)) => {
                let has =
                    |(name, value): (&String, &Value)| b.get(name).is_some_and(|other| self.same(name, value, other));
                a.len() == b.len() && a.iter().all(has)
            }
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.same(name, a, b))
            }
            (Value::String(a), Value::String(b)) if name == "reference" => {
                relative(a, self.source_base) == relative(b, self.source_base)
            }
            _ => a == b,
        }
    }

    /// Whether a member is no part of what a record says: its id, which was compared before, and what servers manage.
    fn is_managed(&self, name: &str, value: &Value) -> bool {
        match self.names.as_slice() {
            [] => {
                let nothing = |meta: &Map<String, Value>| meta.iter().all(|(name, value)| is_managed_meta(name, value));
                name == "id" || (name == "meta" && value.as_object().is_some_and(nothing))
            }
            [parent] if parent == "meta" => is_managed_meta(name, value),
            _ => false,
        }
    }
}

/// Whether a member of `meta` is a server's own business.
fn is_managed_meta(name: &str, value: &Value) -> bool {
    ["versionId", "lastUpdated", "source"].contains(&name)
        || (name == "tag" && value.as_array().is_some_and(|tags| tags.iter().all(is_own)))
}

fn is_own(tag: &Value) -> bool {
    tag["system"]
        .as_str()
        .is_some_and(|system| system.starts_with(OWN_SYSTEMS))
}

/// A reference to the source without the source's address.
pub(super) fn relative<'t>(text: &'t str, source_base: Option<&str>) -> &'t str {
    source_base
        .and_then(|base| under(text, base))
        .filter(|path| matches!(classify(path, None), Kind::Local { .. }))
        .unwrap_or(text)
}

/// The member that has the same choice in another type.
fn other_type<'v>(
    name: &str,
    expected: &Map<String, Value>,
    given: &'v Map<String, Value>,
) -> Option<(&'v String, &'v Value)> {
    let stem = choice(name)?;
    given
        .iter()
        .find(|(other, _)| choice(other) == Some(stem) && !expected.contains_key(*other))
}

#[cfg(test)]
mod tests;
