//! What the destination holds: every version of every record, and an index of identifiers.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::reference::{local, references};

/// One version of a record.
#[derive(Debug, Clone)]
pub(super) struct Version {
    /// `meta.versionId`
    pub id: String,
    /// `meta.lastUpdated`, in whole milliseconds.
    pub at: Timestamp,
    /// The HTTP method that made it.
    pub method: &'static str,
    /// The record, `id` and `meta` included; none where it was deleted.
    pub resource: Option<Arc<Value>>,
}

/// Type and id.
pub(super) type Key = (String, String);

/// A token of a search: `system|code`, `|code`, `code` or `system|`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// None: any; empty: none.
    pub system: Option<String>,
    /// Empty: any.
    pub code: String,
}

impl Token {
    pub(super) fn takes(&self, system: Option<&str>, code: &str) -> bool {
        (self.code.is_empty() || self.code == code)
            && self
                .system
                .as_deref()
                .is_none_or(|wanted| wanted == system.unwrap_or_default())
    }
}

/// All records with all their versions.
#[derive(Debug, Default)]
pub(super) struct Records {
    by_type: BTreeMap<String, BTreeMap<String, Vec<Version>>>,
    /// Type and identifier value, to ids.
    identifiers: HashMap<Key, BTreeSet<String>>,
    /// What refers to a record now.
    referrers: HashMap<Key, BTreeSet<Key>>,
    /// The key of every version in the order of writing.
    written: Vec<Key>,
}

impl Records {
    /// The versions of a record, oldest first; empty when it never was.
    pub(super) fn versions(&self, kind: &str, id: &str) -> &[Version] {
        self.by_type
            .get(kind)
            .and_then(|records| records.get(id))
            .map_or(&[], Vec::as_slice)
    }

    /// The latest version, which may be a deletion.
    pub(super) fn latest(&self, kind: &str, id: &str) -> Option<&Version> {
        self.versions(kind, id).last()
    }

    /// The record as it is now.
    pub(super) fn current(&self, kind: &str, id: &str) -> Option<&Arc<Value>> {
        self.latest(kind, id)?.resource.as_ref()
    }

    /// The records of a type as they are now, by id.
    pub(super) fn of_type<'a>(&'a self, kind: &str) -> impl Iterator<Item = (&'a str, &'a Arc<Value>)> {
        let records = self.by_type.get(kind).into_iter().flatten();
        records.filter_map(|(id, versions)| Some((id.as_str(), versions.last()?.resource.as_ref()?)))
    }

    /// Every record that ever was, with its versions.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str, &[Version])> {
        self.by_type.iter().flat_map(|(kind, records)| {
            records
                .iter()
                .map(move |(id, versions)| (kind.as_str(), id.as_str(), versions.as_slice()))
        })
    }

    /// The ids of records of a type with one of these identifiers, sorted.
    pub(super) fn identified(&self, kind: &str, tokens: &[Token]) -> Vec<String> {
        let mut found = BTreeSet::new();
        for token in tokens {
            if token.code.is_empty() {
                let all = self.of_type(kind).filter(|(_, resource)| has(resource, token));
                found.extend(all.map(|(id, _)| id.to_owned()));
            } else if let Some(ids) = self.identifiers.get(&(kind.to_owned(), token.code.clone())) {
                let right = |id: &&String| self.current(kind, id).is_some_and(|resource| has(resource, token));
                found.extend(ids.iter().filter(right).cloned());
            }
        }
        found.into_iter().collect()
    }

    /// Another record that refers to this one now.
    pub(super) fn referrer(&self, kind: &str, id: &str) -> Option<&Key> {
        let own = (kind.to_owned(), id.to_owned());
        self.referrers.get(&own)?.iter().find(|key| **key != own)
    }

    /// Puts a new version on top.
    pub(super) fn push(&mut self, kind: &str, id: &str, version: Version) {
        self.index(kind, id, false);
        let records = self.by_type.entry(kind.to_owned()).or_default();
        records.entry(id.to_owned()).or_default().push(version);
        self.index(kind, id, true);
        self.written.push((kind.to_owned(), id.to_owned()));
    }

    /// Replaces the content of the latest version, for what a transaction settles at its end.
    pub(super) fn amend(&mut self, kind: &str, id: &str, resource: Value) {
        self.index(kind, id, false);
        let versions = self.by_type.get_mut(kind).and_then(|records| records.get_mut(id));
        if let Some(version) = versions.and_then(|versions| versions.last_mut()) {
            version.resource = Some(Arc::new(resource));
        }
        self.index(kind, id, true);
    }

    /// The number of versions ever written and kept.
    pub(super) fn mark(&self) -> usize {
        self.written.len()
    }

    /// The keys written since a mark.
    pub(super) fn since(&self, mark: usize) -> Vec<Key> {
        self.written.get(mark..).unwrap_or_default().to_vec()
    }

    /// Takes back every version written since a mark.
    pub(super) fn undo_to(&mut self, mark: usize) {
        while self.written.len() > mark {
            let Some((kind, id)) = self.written.pop() else { return };
            self.index(&kind, &id, false);
            if let Some(records) = self.by_type.get_mut(&kind)
                && let Some(versions) = records.get_mut(&id)
            {
                versions.pop();
                if versions.is_empty() {
                    records.remove(&id);
                }
            }
            self.index(&kind, &id, true);
        }
    }

    fn index(&mut self, kind: &str, id: &str, add: bool) {
        let Some(resource) = self.current(kind, id).cloned() else {
            return;
        };
        let own = (kind.to_owned(), id.to_owned());
        for target in references(&resource).iter().filter_map(|(_, text)| local(text)) {
            let referrers = self.referrers.entry(target).or_default();
            if add {
                referrers.insert(own.clone());
            } else {
                referrers.remove(&own);
            }
        }
        for (_, value) in identifiers(&resource) {
            let key = (kind.to_owned(), value.to_owned());
            if add {
                self.identifiers.entry(key).or_default().insert(id.to_owned());
            } else if let Some(ids) = self.identifiers.get_mut(&key) {
                ids.remove(id);
            }
        }
    }
}

/// System and value of every identifier; `identifier` is a list in most types and one in a few.
pub(super) fn identifiers(resource: &Value) -> impl Iterator<Item = (Option<&str>, &str)> {
    let found = &resource["identifier"];
    let several = found.as_array().map_or(std::slice::from_ref(found), Vec::as_slice);
    several
        .iter()
        .filter_map(|one| Some((one["system"].as_str(), one["value"].as_str()?)))
}

fn has(resource: &Value, token: &Token) -> bool {
    identifiers(resource).any(|(system, value)| token.takes(system, value))
}
