//! Contained resources that come along with what is taken from the left record.

use std::collections::{BTreeMap, BTreeSet};

use super::canonical::CanonicalError;
use super::contained;
use super::field::{Contained, Print, referred, without_id};
use super::rewrite::rewrite;
use super::splice::{Object, Part};

/// Contained resources on their way from one record into another.
pub(super) struct Luggage<'r, 'a> {
    left: &'r Contained<'a>,
    right: &'r Contained<'a>,
    /// What those of the right record say that something refers to.
    right_prints: Vec<(&'a str, Print)>,
    /// Ids they have in the merged record.
    ids: BTreeMap<&'a str, String>,
    /// They themselves, their ids and references changed.
    pub brought: Vec<String>,
    /// Ids that right elements refer to, whether or not there is anything of that id.
    right_mentions: BTreeSet<String>,
    /// The left record refers to something it does not have, and in the merged record would refer to something else.
    pub misled: bool,
    source_base: Option<&'r str>,
    /// Where a reference to a resource of the source leads, by type and id, if not to itself.
    to: Repoint<'r>,
}

/// What a reference to a resource of the source becomes, by type and id, if it changes.
pub(super) type Repoint<'r> = &'r dyn Fn(&str, &str) -> Option<String>;

impl<'r, 'a> Luggage<'r, 'a> {
    pub fn new(
        left: &'r Contained<'a>,
        right: &'r Contained<'a>,
        right_record: &Object<'a>,
        source_base: Option<&'r str>,
        to: Repoint<'r>,
    ) -> Result<Self, CanonicalError> {
        let mut right_mentions = BTreeSet::new();
        contained::rename(right_record.text, &mut |id| {
            right_mentions.insert(id.to_owned());
            None
        })?;
        let mut right_prints = Vec::new();
        // One that nothing refers to is a thing of its own, and stays so.
        let referred = referred(right_record, &right.by_id)?;
        for (id, resource) in right.by_id.iter().filter(|(id, _)| referred.contains(**id)) {
            right_prints.push((*id, right.print(&without_id(resource)?)?));
        }
        Ok(Self {
            left,
            right,
            right_prints,
            ids: BTreeMap::new(),
            brought: Vec::new(),
            right_mentions,
            misled: false,
            source_base,
            to,
        })
    }

    /// What the left record says, with its contained resources under the ids they get in the merged one and its references leading
    /// where they lead from there.
    pub fn carry(&mut self, text: &str) -> Result<String, CanonicalError> {
        let (text, _) = self.renamed(text, false)?;
        let to = self.to;
        let repointed = rewrite(text.as_bytes(), self.source_base, |resource_type, id| {
            to(resource_type, id)
        });
        Ok(repointed.and_then(|line| String::from_utf8(line).ok()).unwrap_or(text))
    }

    /// What a person typed, in which `#id` is the right record's if it has that, else the left one's; `None` if it is neither's.
    pub fn carry_edited(&mut self, text: &str) -> Result<Option<String>, CanonicalError> {
        self.renamed(text, true).map(|(text, lost)| (!lost).then_some(text))
    }

    /// A contained resource of the left record that nothing refers to, under an id that is free.
    pub fn carry_orphan(&mut self, resource: &'a str) -> Result<(), CanonicalError> {
        if let Some(id) = contained::id_of(resource) {
            self.id_of(id, true)?;
        } else {
            let resource = self.carry(resource)?;
            self.brought.push(resource);
        }
        Ok(())
    }

    fn renamed(&mut self, text: &str, edited: bool) -> Result<(String, bool), CanonicalError> {
        let mut failed = None;
        let mut lost = false;
        let text = contained::rename(text, &mut |id| {
            if edited && self.right.by_id.contains_key(id) {
                return None;
            }
            match self.id_of(id, false) {
                Ok(Some(id)) => Some(id),
                Ok(None) => {
                    lost = true;
                    self.misled |= self.right.by_id.contains_key(id);
                    None
                }
                Err(error) => {
                    failed = Some(error);
                    None
                }
            }
        })?;
        failed.map_or(Ok((text, lost)), Err)
    }

    /// The id of a left contained resource in the merged record, to which it is brought unless an equal one is there that will do.
    fn id_of(&mut self, id: &str, own: bool) -> Result<Option<String>, CanonicalError> {
        if let Some(known) = self.ids.get(id) {
            return Ok(Some(known.clone()));
        }
        let Some((&id, resource)) = self.left.by_id.get_key_value(id) else {
            return Ok(None);
        };
        let print = self.left.print(&without_id(resource)?)?;
        let equal = |(theirs, other): &&(&str, Print)| *other == print && (*theirs == id || !self.is_there(id, &print));
        if let Some((theirs, _)) = self.right_prints.iter().find(equal).filter(|_| !own) {
            self.ids.insert(id, (*theirs).to_owned());
            return Ok(Some((*theirs).to_owned()));
        }
        let new = self.free(id);
        self.ids.insert(id, new.clone());
        let resource = self.carry(resource)?;
        let object = Object::read(&resource)?;
        let part = |place, name| match name {
            "id" if new != id => Part::Replace(object.member_with(place, &format!("\"{new}\""))),
            _ => Part::Keep,
        };
        let members = object.members.iter().enumerate();
        let parts: Vec<_> = members.map(|(place, member)| part(place, member.name)).collect();
        self.brought.push(object.with(&parts, &[]));
        Ok(Some(new))
    }

    /// Whether the right record has an equal resource under the very same id.
    fn is_there(&self, id: &str, print: &Print) -> bool {
        self.right_prints
            .iter()
            .any(|(theirs, other)| *theirs == id && other == print)
    }

    /// `id`, or one like it that neither record has.
    fn free(&self, id: &str) -> String {
        let taken = |id: &str| {
            let right = self.right.by_id.contains_key(id) || self.right_mentions.contains(id);
            right || self.ids.values().any(|other| other == id)
        };
        if !taken(id) {
            return id.to_owned();
        }
        // Ids are 64 characters at most (R4 datatypes, id).
        let stem: String = id.chars().take(56).collect();
        let mut number = 2_u32;
        loop {
            let new = format!("{stem}-{number}");
            if !taken(&new) && !self.left.by_id.contains_key(new.as_str()) {
                return new;
            }
            number += 1;
        }
    }
}
