//! Merging two records of one type, field by field.
//!
//! The merged record is the right one with some fields changed: what is not picked stays as it is, to the byte. Contained resources come
//! and go with the elements that refer to them, and the narrative stays only where it still tells what the record says.

mod list;

use super::diff::readable;
use super::edited;
use super::field::{Field, META, Record, referred};
use super::luggage::Luggage;
use super::merge_error::MergeError;
use super::pairing::{Pair, Rows, Settled, pairs};
use super::pick::{Pick, Picks};
use super::scan::scan;
use super::splice::{Array, Object, Part};

/// Two records made one.
#[derive(Clone, PartialEq, Eq)]
pub struct Merged {
    /// The record, under the right one's id.
    pub line: Vec<u8>,
    /// What became of its narrative.
    pub narrative: Narrative,
}

/// What became of the narrative (`text`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Narrative {
    /// It stayed: nothing but `meta` and identifiers changed, it was picked, or there is none.
    Kept,
    /// It is the left one's, as all fields are.
    Left,
    /// It was made from one side's elements, which are a mixture now, and was left out: it can be made again.
    Dropped,
}

/// Whether a path is that of something that must be picked.
pub(super) fn is_modifier(path: &str) -> bool {
    path.starts_with("modifierExtension")
}

/// Merges `left` into `right`: a field that is picked becomes what was picked, all others stay the right record's. Paths are those of
/// [`diff`](super::diff()); one at which nothing differs is passed over. References below `source_base` count as relative.
pub fn merge(left: &[u8], right: &[u8], picks: &Picks, source_base: Option<&str>) -> Result<Merged, MergeError> {
    merge_repointed(left, right, picks, source_base, &|_, _| None)
}

/// The same, with references to resources of the source in what is taken from `left` leading to the `Type/id` that `to` gives for their
/// type and id. What the right record says is its own and stays.
pub fn merge_repointed(
    left: &[u8],
    right: &[u8],
    picks: &Picks,
    source_base: Option<&str>,
    to: &dyn Fn(&str, &str) -> Option<String>,
) -> Result<Merged, MergeError> {
    let (a, b) = readable(left, right)?;
    let (a, b) = (Record::read(a, source_base)?, Record::read(b, source_base)?);
    let mut settled = Vec::new();
    for (path, pick) in picks {
        if let Pick::Edited(json) = pick
            && let Ok(print) = b.contained.print(json)
        {
            settled.push(Settled {
                path: path.clone(),
                print,
            });
        }
    }
    let mut merger = Merger {
        left: &a,
        right: &b,
        picks,
        settled: &settled,
        luggage: Luggage::new(&a.contained, &b.contained, &b.object, source_base, to)?,
        top: Changes::of(&b.object),
        meta: b.meta.as_ref().map_or_else(Changes::default, Changes::of),
        contained: Vec::new(),
        taken: Taken::default(),
    };
    let pairs = pairs(&a, &b, &settled);
    for pair in pairs.iter().filter(|pair| pair.path != TEXT) {
        merger.field(pair)?;
        if merger.luggage.misled {
            let path = pair.path.clone();
            return Err(MergeError::Misled { path });
        }
    }
    let text = pairs.iter().find(|pair| pair.path == TEXT);
    let narrative = text.map_or(Ok(Narrative::Kept), |pair| merger.narrative(pair))?;
    let line = merger.written()?.into_bytes();
    scan(&line).map_err(MergeError::Unsound)?;
    Ok(Merged { line, narrative })
}

const TEXT: &str = "text";

/// Which side was taken where the two differ, `meta`, identifiers and narrative apart.
#[derive(Default)]
struct Taken {
    left: bool,
    right: bool,
    mixed: bool,
}

/// Changes to an object.
#[derive(Default)]
struct Changes {
    parts: Vec<Part>,
    added: Vec<String>,
}

impl Changes {
    fn of(object: &Object<'_>) -> Self {
        Self {
            parts: vec![Part::Keep; object.members.len()],
            added: Vec::new(),
        }
    }
}

struct Merger<'r, 'a> {
    left: &'r Record<'a>,
    right: &'r Record<'a>,
    picks: &'r Picks,
    settled: &'r [Settled],
    luggage: Luggage<'r, 'a>,
    top: Changes,
    meta: Changes,
    /// Places of contained resources that nothing refers to and that go.
    contained: Vec<usize>,
    taken: Taken,
}

impl<'r, 'a> Merger<'r, 'a> {
    fn field(&mut self, pair: &Pair<'r, 'a>) -> Result<(), MergeError> {
        match &pair.rows {
            Rows::Same => Ok(()),
            Rows::Whole { order } => {
                self.must_be_picked(&pair.path)?;
                self.whole(pair, *order)
            }
            Rows::Items(rows) => {
                for row in rows.iter().filter(|row| !row.same) {
                    self.must_be_picked(&row.path)?;
                }
                self.items(pair, rows)
            }
        }
    }

    fn must_be_picked(&self, path: &str) -> Result<(), MergeError> {
        if is_modifier(path) && !self.picks.contains_key(path) {
            return Err(MergeError::Modifier { path: path.to_owned() });
        }
        Ok(())
    }

    fn whole(&mut self, pair: &Pair<'r, 'a>, order: bool) -> Result<(), MergeError> {
        let (left, right) = (says(pair.left), says(pair.right));
        let pick = match self.picks.get(&pair.path) {
            Some(Pick::Both) if left && right => {
                let path = pair.path.clone();
                return if order {
                    Ok(())
                } else {
                    Err(MergeError::NotBoth { path })
                };
            }
            Some(Pick::Both) if left => &Pick::Left,
            None | Some(Pick::Both) => &Pick::Right,
            Some(pick) => pick,
        };
        let members = match pick {
            Pick::Right | Pick::Both => {
                self.took(&pair.path, |taken| taken.right = true);
                return Ok(());
            }
            Pick::Left => {
                self.took(&pair.path, |taken| taken.left = true);
                self.left_members(pair.left)?
            }
            Pick::Edited(json) => {
                let text = |record: &Record<'a>, field: Option<&Field<'a>>| {
                    field
                        .filter(|field| field.print.is_some())
                        .map(|field| record.text(field))
                };
                let sides = [text(self.left, pair.left), text(self.right, pair.right)];
                let sides: Vec<&str> = sides.iter().flatten().map(AsRef::as_ref).collect();
                let members = edited::members(&pair.path, json, &sides)?;
                let members = self.luggage.carry_edited(&format!("{{{}}}", members.join(",")))?;
                let members = members.ok_or_else(|| MergeError::edited(&pair.path, NOT_CONTAINED))?;
                let print = self.right.contained.print(&members)?;
                if pair.right.and_then(|field| field.print) == Some(print) {
                    return Ok(());
                }
                self.took(&pair.path, |taken| taken.mixed = true);
                vec![members[1..members.len() - 1].to_owned()]
            }
        };
        self.set(&pair.path, pair.right, members);
        Ok(())
    }

    /// Notes which side a field was taken from, as far as the narrative tells of it.
    fn took(&mut self, path: &str, note: impl FnOnce(&mut Taken)) {
        if !path.starts_with(META) && !path.starts_with("identifier[") && path != "identifier" {
            note(&mut self.taken);
        }
    }

    fn left_members(&mut self, field: Option<&Field<'a>>) -> Result<Vec<String>, MergeError> {
        let Some(field) = field.filter(|field| field.print.is_some()) else {
            return Ok(Vec::new());
        };
        let object = self.left.object_of(&field.path);
        let members: Vec<_> = field.members.iter().map(|&place| object.member(place)).collect();
        let braces = self.luggage.carry(&format!("{{{}}}", members.join(",")))?;
        Ok(vec![braces[1..braces.len() - 1].to_owned()])
    }

    /// Puts members in the place of a field of the right record; none take it away.
    fn set(&mut self, path: &str, right: Option<&Field<'a>>, members: Vec<String>) {
        let changes = if path.starts_with(META) {
            &mut self.meta
        } else {
            &mut self.top
        };
        let mut members = Some(members).filter(|members| !members.is_empty());
        for &place in right.iter().flat_map(|field| &field.members) {
            changes.parts[place] = members
                .take()
                .map_or(Part::Remove, |members| Part::Replace(members.join(",")));
        }
        changes.added.extend(members.map(|members| members.join(",")));
    }

    /// Decides on the narrative, when everything else is (R4 narrative: a generated one tells what the elements say, an additional one
    /// more than that).
    fn narrative(&mut self, pair: &Pair<'r, 'a>) -> Result<Narrative, MergeError> {
        if matches!(pair.rows, Rows::Same) {
            return Ok(Narrative::Kept);
        }
        if self.picks.contains_key(TEXT) {
            self.whole(pair, false)?;
            return Ok(Narrative::Kept);
        }
        let changed = self.taken.left || self.taken.mixed;
        if !changed || !says(pair.right) && (self.taken.right || self.taken.mixed) {
            return Ok(Narrative::Kept);
        }
        let all_left = !self.taken.right && !self.taken.mixed;
        let status = |record: &Record<'a>| {
            let text = Object::read(record.object.get(TEXT)?).ok()?;
            text.get("status").map(|status| status.trim_matches('"').to_owned())
        };
        let (left, right) = (says(pair.left), status(self.right));
        match right.as_deref() {
            _ if all_left && left => {
                let members = self.left_members(pair.left)?;
                self.set(TEXT, pair.right, members);
                Ok(Narrative::Left)
            }
            _ if !says(pair.right) => Ok(Narrative::Kept),
            Some("empty") => Ok(Narrative::Kept),
            Some("generated" | "extensions") => {
                self.set(TEXT, pair.right, Vec::new());
                Ok(Narrative::Dropped)
            }
            _ => Err(MergeError::NarrativeSaysMore),
        }
    }

    /// The merged record.
    fn written(mut self) -> Result<String, MergeError> {
        let right = &self.right.object;
        match (&self.right.meta, right.place("meta")) {
            (Some(meta), Some(place)) => {
                let changed = !self.meta.added.is_empty() || self.meta.parts.iter().any(|part| *part != Part::Keep);
                if changed {
                    let written = meta.with(&self.meta.parts, &self.meta.added);
                    let empty = Object::read(&written)?.members.is_empty();
                    self.top.parts[place] = if empty {
                        Part::Remove
                    } else {
                        Part::Replace(right.member_with(place, &written))
                    };
                }
            }
            _ if !self.meta.added.is_empty() => {
                self.top
                    .added
                    .push(format!("\"meta\":{{{}}}", self.meta.added.join(",")));
            }
            _ => {}
        }
        let written = right.with(&self.top.parts, &self.top.added);
        self.with_contained(written)
    }

    /// `written` without the contained resources that lost their last reference, and with those that were brought.
    fn with_contained(&self, written: String) -> Result<String, MergeError> {
        let right = &self.right.object;
        let object = Object::read(&written)?;
        let Some(place) = object
            .place("contained")
            .filter(|&at| object.members[at].value.starts_with('['))
        else {
            if self.luggage.brought.is_empty() {
                return Ok(written);
            }
            let added = format!("\"contained\":[{}]", self.luggage.brought.join(","));
            let mut changes = Changes::of(&object);
            match object.place("contained") {
                Some(place) => changes.parts[place] = Part::Replace(added),
                None => changes.added.push(added),
            }
            return Ok(object.with(&changes.parts, &changes.added));
        };
        let before = referred(right, &self.right.contained.by_id)?;
        let after = referred(&object, &self.right.contained.by_id)?;
        let list = Array::read(object.members[place].value)?;
        let may_go = |at: usize, item: &str| {
            let unneeded = |id: &str| before.contains(id) && !after.contains(id);
            self.contained.contains(&at) || super::contained::id_of(item).is_some_and(unneeded)
        };
        // Whatever stays keeps what it refers to.
        let mut stay = after.clone();
        let others = list.items().enumerate().filter(|(at, item)| !may_go(*at, item));
        let others = others
            .map(|(_, item)| item)
            .chain(self.luggage.brought.iter().map(String::as_str));
        for item in others {
            stay.extend(super::contained::reached(item, &self.right.contained.by_id)?);
        }
        let mut parts = Vec::new();
        for (at, item) in list.items().enumerate() {
            let needed = super::contained::id_of(item).is_some_and(|id| stay.contains(id));
            let goes = may_go(at, item) && !needed;
            parts.push(if goes { Part::Remove } else { Part::Keep });
        }
        if self.luggage.brought.is_empty() && parts.iter().all(|part| *part == Part::Keep) {
            return Ok(written);
        }
        let contained = list.with(&parts, &self.luggage.brought);
        let mut changes = Changes::of(&object);
        changes.parts[place] = if Array::read(&contained)?.items().next().is_none() {
            Part::Remove
        } else {
            Part::Replace(object.member_with(place, &contained))
        };
        Ok(object.with(&changes.parts, &[]))
    }
}

const NOT_CONTAINED: &str = "it refers to a contained resource that neither record has";

fn says(field: Option<&Field<'_>>) -> bool {
    field.is_some_and(|field| field.print.is_some())
}

#[cfg(test)]
mod tests;
