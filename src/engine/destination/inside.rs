//! Documents that are put into the records that show them, for servers that take no `Binary` by itself, or where a person wants it so: the
//! attachment then has the bytes in place of an address.

use super::super::error::EngineError;
use super::outgoing::Maker;
use super::task::Inside;
use crate::fhir::{self, Document, Kind};
use crate::migration::{Delivered, Standing};
use crate::store::{Entry, RecordKey, Storage, migration_key};

/// The type of what is put inside.
pub const BINARY: &str = "Binary";

impl Maker<'_> {
    /// Puts documents into a record as far as there is room in it.
    pub(super) fn inline(&self, line: Vec<u8>, base: Option<&str>) -> Result<(Vec<u8>, Vec<Inside>), EngineError> {
        let mut room = self.link.inline();
        if room == 0 || fhir::attachment_urls(&line).next().is_none() {
            return Ok((line, Vec::new()));
        }
        let mut failed = None;
        let mut offered: Vec<(String, Inside)> = Vec::new();
        let put = fhir::inline(&line, base, |id| {
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

    /// Whether a document that was put into a record is in it, as it is now.
    pub(super) fn still_inside(&self, key: &RecordKey, entry: &Entry, known: &Delivered) -> Result<bool, EngineError> {
        let Some(holder) = holder(known).filter(|_| known.made_from == self.made_from(entry)) else {
            return Ok(false);
        };
        let there = self.known(&holder)?.is_some_and(|known| known.is_there());
        Ok(there && self.shows(&holder, key)?)
    }

    /// Has a record made anew that a document was put into which is another one now, or is no more.
    pub(super) fn make_holder_anew(&self, known: &Delivered) -> Result<(), EngineError> {
        let Some(holder) = holder(known) else { return Ok(()) };
        if let Some(known) = self.known(&holder)?.filter(Delivered::is_there) {
            let anew = Delivered {
                complete: false,
                content: String::new(),
                ..known
            };
            self.storage
                .deliveries
                .put(&migration_key(&self.plan.id, holder.as_bytes()), &anew)?;
        }
        Ok(())
    }

    /// Whether a record of the store leads to a document.
    fn shows(&self, holder: &RecordKey, document: &RecordKey) -> Result<bool, EngineError> {
        let Some(entry) = self.storage.index.get(holder)?.filter(|entry| !entry.deleted) else {
            return Ok(false);
        };
        let line = self.store.read(&entry)?;
        let base = (!entry.local).then_some(self.plan.base_url.as_str());
        for url in fhir::attachment_urls(&line) {
            if let Kind::Local { resource_type, id, .. } = fhir::classify(&url.text, base)
                && self.storage.key(self.tenant, resource_type, id)? == *document
            {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn holder(known: &Delivered) -> Option<RecordKey> {
    match &known.state {
        Standing::Inside { holder } => RecordKey::from_bytes(holder),
        _ => None,
    }
}

/// Notes which documents a record holds that is there now.
pub fn note(storage: &Storage, migration: &str, holder: &RecordKey, inside: &[Inside]) -> Result<(), EngineError> {
    for Inside { key, made_from } in inside {
        let state = Standing::Inside {
            holder: holder.as_bytes().to_vec(),
        };
        let known = Delivered {
            made_from: made_from.clone(),
            ..Delivered::not_done(None, state)
        };
        storage
            .deliveries
            .put(&migration_key(migration, key.as_bytes()), &known)?;
    }
    Ok(())
}
