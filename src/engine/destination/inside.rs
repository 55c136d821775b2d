//! Documents that are put into the records that show them, for servers that take no `Binary` by itself, or where a person wants it so: the
//! attachment then has the bytes in place of an address.

use std::collections::HashSet;

use super::super::error::EngineError;
use super::outgoing::Maker;
use crate::fhir::{self, Document, Kind};
use crate::migration::{Delivered, Holder, Keep, Standing};
use crate::store::{Entry, RecordKey, Storage, migration_key};
use crate::target::remote::Found;

/// The type of what is put inside.
pub const BINARY: &str = "Binary";

/// A document that a record holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// Its key.
    pub key: RecordKey,
    /// Keyed hash of the store's entry that it is of, hexadecimal.
    pub made_from: String,
}

/// How a document stands that was put into records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// It is in one of them, as it is now.
    Held,
    /// The record that holds it stays as the server has it, as somebody decided.
    Kept,
    /// It is not known of the record that holds it what the server has.
    Open,
    /// It is in none.
    Nowhere,
}

impl Maker<'_> {
    /// Puts documents into a record as far as there is room in it.
    pub(super) fn inline(
        &self,
        line: Vec<u8>,
        base: Option<&str>,
        own: Option<&Found>,
    ) -> Result<(Vec<u8>, Vec<Inside>), EngineError> {
        let mut room = self.link.inline();
        if room == 0 || fhir::attachment_urls(&line).next().is_none() {
            return Ok((line, Vec::new()));
        }
        // What the server's own version shows is the server's.
        let theirs: HashSet<String> = own.map(|own| documents(&own.record)).unwrap_or_default();
        let mut failed = None;
        let mut offered: Vec<(String, Inside)> = Vec::new();
        let put = fhir::inline(&line, base, |id| {
            if theirs.contains(id) {
                return None;
            }
            let (document, inside) = self.document(id).unwrap_or_else(|error| {
                failed = Some(error);
                None
            })?;
            room = room.checked_sub(document.size())?;
            offered.push((id.to_owned(), inside));
            Some(document)
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let Some((ids, line)) = put else {
            return Ok((line, Vec::new()));
        };
        offered.retain(|(id, _)| ids.contains(id));
        Ok((line, offered.into_iter().map(|(_, inside)| inside).collect()))
    }

    /// The document of this id, unless the server has it by itself.
    fn document(&self, id: &str) -> Result<Option<(Document, Inside)>, EngineError> {
        let key = self.storage.key(self.tenant, BINARY, id)?;
        if self.known(&key)?.is_some_and(|known| known.is_there()) || self.own_version(&key)?.is_some() {
            return Ok(None);
        }
        let Some(entry) = self.storage.index.get(&key)?.filter(|entry| !entry.deleted) else {
            return Ok(None);
        };
        let document = Document::read(&self.store.read(&entry)?);
        let made_from = self.made_from(&entry);
        Ok(document.map(|document| (document, Inside { key, made_from })))
    }

    /// Whether a document is to wait for a record that takes it in: nobody knows yet whether there is one.
    pub(super) fn waits_for_a_holder(&self, resource_type: &str, line: &[u8], known: Option<&Delivered>) -> bool {
        let there = known.is_some_and(Delivered::is_there);
        let at_most = line.len() / 4 * 3;
        resource_type == BINARY && !self.settle_for_less && !there && at_most <= self.link.inline()
    }

    /// How a document stands that was put into records, and those among them that it is not in any more as it is now, or as it is wanted now:
    /// they are to be made anew.
    pub(super) fn within(
        &self,
        key: &RecordKey,
        entry: Option<&Entry>,
        known: &Delivered,
    ) -> Result<(Within, Vec<RecordKey>), EngineError> {
        let Standing::Inside { holders } = &known.state else {
            return Ok((Within::Nowhere, Vec::new()));
        };
        let now = entry.map(|entry| self.made_from(entry));
        let (mut all, mut stale) = (Vec::new(), Vec::new());
        for Holder { record, made_from } in holders {
            let Some(holder) = RecordKey::from_bytes(record) else {
                continue;
            };
            let Some(there) = self.known(&holder)?.filter(Delivered::is_there) else {
                continue;
            };
            let current = now.as_ref() == Some(made_from) && self.takes_in(&holder, key)?;
            all.push(match there.state {
                Standing::Agreed { keep: Keep::Server, .. } => Within::Kept,
                Standing::Delivered if current => Within::Held,
                Standing::Delivered => {
                    stale.push(holder);
                    continue;
                }
                _ => Within::Open,
            });
        }
        let best = [Within::Held, Within::Kept, Within::Open];
        let best = best.into_iter().find(|within| all.contains(within));
        Ok((best.unwrap_or(Within::Nowhere), stale))
    }

    /// Has a record made anew.
    pub(super) fn make_anew(&self, holder: &RecordKey) -> Result<(), EngineError> {
        if let Some(known) = self.known(holder)?.filter(Delivered::is_there) {
            let anew = Delivered {
                complete: false,
                content: String::new(),
                ..known
            };
            let at = migration_key(&self.plan.id, holder.as_bytes());
            self.storage.deliveries.put(&at, &anew)?;
        }
        Ok(())
    }

    /// Whether a record of the store, made now, takes a document in.
    fn takes_in(&self, holder: &RecordKey, document: &RecordKey) -> Result<bool, EngineError> {
        let Some(entry) = self.storage.index.get(holder)?.filter(|entry| !entry.deleted) else {
            return Ok(false);
        };
        let base = (!entry.local).then_some(self.plan.base_url.as_str());
        let own = self.own_version(holder)?;
        let (_, inside) = self.inline(self.store.read(&entry)?, base, own.as_ref())?;
        Ok(inside.iter().any(|inside| inside.key == *document))
    }
}

/// What is known of a document without these records that hold it.
pub fn without(known: &Delivered, records: &[RecordKey]) -> Delivered {
    let mut known = known.clone();
    if let Standing::Inside { holders } = &mut known.state {
        holders.retain(|holder| records.iter().all(|record| record.as_bytes()[..] != holder.record[..]));
    }
    known
}

/// The ids of the documents that a record of the server's shows.
fn documents(record: &[u8]) -> HashSet<String> {
    let shown = |text: &str| match fhir::classify(text, None) {
        Kind::Local {
            resource_type: BINARY,
            id,
            ..
        } => Some(id.to_owned()),
        _ => None,
    };
    fhir::attachment_urls(record)
        .filter_map(|url| shown(&url.text))
        .collect()
}

/// Notes which documents a record holds that is there now.
pub fn note(storage: &Storage, migration: &str, holder: &RecordKey, inside: &[Inside]) -> Result<(), EngineError> {
    for Inside { key, made_from } in inside {
        let at = migration_key(migration, key.as_bytes());
        let mut holders = match storage.deliveries.get(&at)?.map(|known| known.state) {
            Some(Standing::Inside { holders }) => holders,
            _ => Vec::new(),
        };
        holders.retain(|other| other.record != holder.as_bytes());
        holders.push(Holder {
            record: holder.as_bytes().to_vec(),
            made_from: made_from.clone(),
        });
        let known = Delivered::not_done(None, Standing::Inside { holders });
        storage.deliveries.put(&at, &known)?;
    }
    Ok(())
}
