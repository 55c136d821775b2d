//! Fields of a record: what a person decides on when two records are compared or merged.
//!
//! A field is a top-level element. The types of a choice (`deceased[x]`) are one field, and a primitive and its extensions
//! (`_birthDate`) are one. The elements of `meta` are fields of their own; what servers manage is none, and contained resources belong
//! to the element that refers to them. A list is compared item by item.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::canonical::{CanonicalError, canonical_value};
use super::choice::choice;
use super::contained;
use super::provenance_tag::OWN_SYSTEMS;
use super::required::is_empty;
use super::splice::{Array, Object};

/// SHA-256 of what a value says, with what its contained resources say in place of their ids.
pub(super) type Print = [u8; 32];

/// A record taken apart.
pub(super) struct Record<'a> {
    pub object: Object<'a>,
    pub meta: Option<Object<'a>>,
    pub fields: Vec<Field<'a>>,
    pub contained: Contained<'a>,
}

/// A field that a record has.
pub(super) struct Field<'a> {
    /// Such as `birthDate`, `deceased[x]`, `name` or `meta.security`.
    pub path: String,
    /// Places of its members in the record's object, or in that of `meta`.
    pub members: Vec<usize>,
    /// Its items, if it is a list; others have one of what they say.
    pub items: Option<Vec<Item<'a>>>,
    /// What all of it says; `None` where it says nothing.
    pub print: Option<Print>,
}

/// An item of a list.
pub(super) struct Item<'a> {
    /// Its place in the list.
    pub place: usize,
    pub text: &'a str,
    pub print: Print,
    /// What it is known by among the items of its list.
    pub key: Option<Key>,
}

/// What an item of a list is known by.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// As a path says it, such as `use=official`.
    pub label: String,
    /// What items that stand for one another have in common beside the label.
    pub value: String,
    /// Items of this key are one and the same thing: two of them cannot both stay.
    pub same_thing: bool,
}

/// Contained resources, and the server whose references count as relative.
pub(super) struct Contained<'a> {
    pub by_id: BTreeMap<&'a str, &'a str>,
    source_base: Option<&'a str>,
}

impl<'a> Record<'a> {
    /// Takes apart a record that passed [`scan`](super::scan()).
    pub fn read(text: &'a str, source_base: Option<&'a str>) -> Result<Self, CanonicalError> {
        let object = Object::read(text)?;
        let contained = Contained {
            by_id: contained::by_id(&object)?,
            source_base,
        };
        let meta = object.get("meta").map(Object::read).transpose()?;
        let mut fields = Vec::new();
        contained.fields(&object, "", &mut fields)?;
        if let Some(meta) = &meta {
            contained.fields(meta, "meta.", &mut fields)?;
        }
        if let Some(orphans) = contained.orphans(&object)? {
            fields.push(orphans);
        }
        Ok(Self {
            object,
            meta,
            fields,
            contained,
        })
    }

    /// The object that holds the members of a field.
    pub fn object_of(&self, path: &str) -> &Object<'a> {
        match &self.meta {
            Some(meta) if path.starts_with(META) => meta,
            _ => &self.object,
        }
    }

    /// A field as received: its value, or its members in braces where it has several or one of another name.
    pub fn text(&self, field: &Field<'a>) -> Cow<'a, str> {
        let object = self.object_of(&field.path);
        if let [place] = field.members[..]
            && object.members[place].name == field.path.strip_prefix(META).unwrap_or(&field.path)
        {
            return Cow::Borrowed(object.members[place].value);
        }
        let members: Vec<_> = field.members.iter().map(|&place| object.member(place)).collect();
        Cow::Owned(format!("{{{}}}", members.join(",")))
    }
}

/// What the paths of the fields of `meta` begin with.
pub(super) const META: &str = "meta.";

impl<'a> Contained<'a> {
    /// What a value says.
    pub fn print(&self, text: &str) -> Result<Print, CanonicalError> {
        self.print_within(text, &mut Vec::new())
    }

    /// The same inside the contained resources `within`, so that a circle ends.
    fn print_within(&self, text: &str, within: &mut Vec<&'a str>) -> Result<Print, CanonicalError> {
        if self.by_id.is_empty() {
            return canonical_value(text, self.source_base);
        }
        let mut failed = None;
        let neutral = contained::rename(text, &mut |id| {
            let (id, resource) = self.by_id.get_key_value(id)?;
            if let Some(up) = within.iter().rev().position(|outer| outer == id) {
                return Some(format!("^{up}"));
            }
            within.push(id);
            let print = without_id(resource).and_then(|resource| self.print_within(&resource, within));
            within.pop();
            match print {
                Ok(print) => Some(hex(&print)),
                Err(error) => {
                    failed = Some(error);
                    None
                }
            }
        })?;
        match failed {
            Some(error) => Err(error),
            None => canonical_value(&neutral, self.source_base),
        }
    }

    fn fields(&self, object: &Object<'a>, prefix: &str, fields: &mut Vec<Field<'a>>) -> Result<(), CanonicalError> {
        let first = fields.len();
        for (place, member) in object.members.iter().enumerate() {
            let name = member.name.strip_prefix('_').unwrap_or(member.name);
            let managed = match prefix {
                META => ["versionId", "lastUpdated", "source"].contains(&name),
                _ => ["resourceType", "id", "meta", "contained"].contains(&name),
            };
            if managed {
                continue;
            }
            let path = choice(name).map_or_else(|| format!("{prefix}{name}"), |stem| format!("{prefix}{stem}[x]"));
            match fields[first..].iter_mut().find(|field| field.path == path) {
                Some(field) => field.members.push(place),
                None => fields.push(Field {
                    path,
                    members: vec![place],
                    items: None,
                    print: None,
                }),
            }
        }
        for field in &mut fields[first..] {
            let mut members = field.members.iter().map(|&place| &object.members[place]);
            let says = members.clone().any(|member| !is_empty(member.value));
            if let (Some(only), None) = (members.next(), members.next())
                && only.value.starts_with('[')
                && !only.name.starts_with('_')
            {
                field.items = Some(self.items(&field.path, only.value)?);
            }
            if says {
                let texts: Vec<_> = field.members.iter().map(|&place| object.member(place)).collect();
                field.print = Some(self.print(&format!("{{{}}}", texts.join(",")))?);
            }
        }
        Ok(())
    }

    fn items(&self, path: &str, list: &'a str) -> Result<Vec<Item<'a>>, CanonicalError> {
        let mut items = Vec::new();
        for (place, text) in Array::read(list)?.items().enumerate() {
            let print = self.print(text)?;
            // What a canonical form can be made of, a tree can be built of.
            let value: Value = serde_json::from_str(text).unwrap_or_default();
            let own = value["system"]
                .as_str()
                .is_some_and(|system| system.starts_with(OWN_SYSTEMS));
            if path == "meta.tag" && own {
                continue;
            }
            let key = key(path, &value);
            items.push(Item {
                place,
                text,
                print,
                key,
            });
        }
        Ok(items)
    }

    /// Contained resources that no element refers to, as a list.
    fn orphans(&self, object: &Object<'a>) -> Result<Option<Field<'a>>, CanonicalError> {
        let Some(place) = object
            .place("contained")
            .filter(|&at| object.members[at].value.starts_with('['))
        else {
            return Ok(None);
        };
        let reached = referred(object, &self.by_id)?;
        let mut items = Vec::new();
        for (place, text) in Array::read(object.members[place].value)?.items().enumerate() {
            let known = contained::id_of(text).is_some_and(|id| reached.contains(id) && self.by_id[id] == text);
            if !known {
                let value: Value = serde_json::from_str(text).unwrap_or_default();
                items.push(Item {
                    place,
                    text,
                    print: self.print(&without_id(text)?)?,
                    key: key("contained", &value),
                });
            }
        }
        Ok((!items.is_empty()).then(|| Field {
            path: "contained".to_owned(),
            members: vec![place],
            items: Some(items),
            print: Some([0; 32]),
        }))
    }
}

/// The contained resources that the record's own elements lead to.
pub(super) fn referred<'a>(
    object: &Object<'a>,
    by_id: &BTreeMap<&'a str, &'a str>,
) -> Result<BTreeSet<&'a str>, CanonicalError> {
    let mut reached = BTreeSet::new();
    for (place, member) in object.members.iter().enumerate() {
        if member.name != "contained" {
            reached.extend(contained::reached(&format!("{{{}}}", object.member(place)), by_id)?);
        }
    }
    Ok(reached)
}

/// A contained resource without its id, which says nothing.
pub(super) fn without_id(resource: &str) -> Result<String, CanonicalError> {
    use super::splice::Part;
    if !resource.starts_with('{') {
        return Ok(resource.to_owned());
    }
    let object = Object::read(resource)?;
    let part = |name| if name == "id" { Part::Remove } else { Part::Keep };
    let parts: Vec<_> = object.members.iter().map(|member| part(member.name)).collect();
    Ok(object.with(&parts, &[]))
}

/// The first half of a print, for paths and comparisons.
pub(super) fn hex(print: &Print) -> String {
    let half = print.first_chunk().copied().map_or(0, u128::from_be_bytes);
    format!("{half:032x}")
}

/// What an item of the list at `path` is known by; `None` where only what it says tells it apart.
fn key(path: &str, item: &Value) -> Option<Key> {
    let text = |name: &str| item[name].as_str();
    let key = |label: String, value: &str, same_thing| {
        Some(Key {
            label,
            value: value.to_owned(),
            same_thing,
        })
    };
    let used = text("use").unwrap_or("none");
    let coded = |coding: &Value| {
        let part = |name: &str| coding[name].as_str();
        Some(format!("{}|{}", part("system").unwrap_or_default(), part("code")?))
    };
    item.as_object()?;
    match path {
        "identifier" => {
            let value = text("value");
            key(
                format!("system={}", text("system").unwrap_or("none")),
                value.unwrap_or_default(),
                value.is_some(),
            )
        }
        "name" | "address" => key(format!("use={used}"), "", false),
        "telecom" => key(
            format!("system={},use={used}", text("system").unwrap_or("none")),
            "",
            false,
        ),
        "extension" | "modifierExtension" | "meta.extension" => key(format!("url={}", text("url")?), "", true),
        "contained" => key(format!("type={}", text("resourceType")?), "", false),
        "meta.tag" | "meta.security" => key(format!("code={}", coded(item)?), "", true),
        _ => {
            if let Some(code) = item["coding"].get(0).and_then(coded) {
                return key(format!("code={code}"), "", true);
            }
            key(format!("ref={}", text("reference")?), "", true)
        }
    }
}
