//! One received row against the store: its disposition, its content, its references.

use super::{Check, FileCheck, SOUND_REFERENCES};
use crate::engine::error::EngineError;
use crate::engine::place::{Sides, hex};
use crate::fhir::{self, Kind};
use crate::migration::{Disposition, Resolution};
use crate::store::{Entry, RecordKey, RowId};

impl Check<'_> {
    pub(super) fn disposition(
        &mut self,
        check: &FileCheck,
        line: u64,
        scan: &fhir::Scan<'_>,
        row: RowId,
        text: &[u8],
    ) -> Result<Disposition, EngineError> {
        if self.held.contains(&row) {
            return Ok(Disposition::Held);
        }
        let own = self.storage.key(self.tenant, scan.resource_type, scan.id)?;
        let key = self.patients.crosswalk.place(self.storage, own);
        let hash = self.storage.content_hash(text);
        let changed = self.transforms.apply(text).unwrap_or_default();
        let text = changed.as_ref().map_or(text, |changed| &changed.line);
        let entry = self.storage.index.get(&key)?;
        if let Some(entry) = entry
            && let Some(version) = self.version_of(&key, entry, row)?
        {
            if !entry.deleted && version == entry {
                self.compare(check, line, scan, &entry, text)?;
                self.references(text)?;
            }
            return Ok(Disposition::Stored);
        }
        if let Some(disposition) = self.by_decision(row, hash) {
            return Ok(disposition);
        }
        let Some(entry) = entry else {
            self.find(
                &check.file,
                "missing",
                line,
                format!("the {} is not in the store", scan.resource_type),
            );
            return Ok(Disposition::Stored);
        };
        if entry.hash != hash && key != own && self.patients.crosswalk.is_shared(&own) {
            return Ok(Disposition::Kept);
        }
        if entry.hash == hash || self.was_there(&key, entry, hash)? {
            return Ok(Disposition::Unchanged);
        }
        if self.said_the_same(&key, entry, scan.resource_type, text)? {
            return Ok(Disposition::Unchanged);
        }
        let decision = self.decided.get(&hex(&hash)).filter(|(since, _)| row.run >= *since);
        if decision.is_some_and(|(_, resolution)| *resolution == Resolution::KeepBoth) {
            // Somebody new, whose record was there already with other content.
            return Ok(Disposition::Kept);
        }
        self.find(
            &check.file,
            "content-differs",
            line,
            format!(
                "the store has the {} with other content, and no decision explains it",
                scan.resource_type
            ),
        );
        Ok(Disposition::Stored)
    }

    /// What a conflict made of a row of this content; a conflict that arose in a later run says nothing of it.
    fn by_decision(&self, row: RowId, hash: [u8; 16]) -> Option<Disposition> {
        if self.undecided.contains(&row) {
            return Some(Disposition::Undecided);
        }
        if self.decided.is_empty() {
            return None;
        }
        let (since, resolution) = self.decided.get(&hex(&hash))?;
        match resolution {
            _ if row.run < *since => None,
            Resolution::KeepTarget => Some(Disposition::Kept),
            Resolution::KeepSource | Resolution::KeepBoth | Resolution::Merge => None,
        }
    }

    /// The version of a record that a row put there.
    pub(super) fn version_of(&self, key: &RecordKey, current: Entry, row: RowId) -> Result<Option<Entry>, EngineError> {
        let mut version = current;
        loop {
            if version.row == row {
                return Ok(Some(version));
            }
            match self.storage.index.before(key, version.version)? {
                Some(older) => version = older,
                None => return Ok(None),
            }
        }
    }

    /// Whether some version of a record had this content.
    pub(super) fn was_there(&self, key: &RecordKey, current: Entry, hash: [u8; 16]) -> Result<bool, EngineError> {
        let mut version = current;
        while let Some(older) = self.storage.index.before(key, version.version)? {
            if older.hash == hash {
                return Ok(true);
            }
            version = older;
        }
        Ok(false)
    }

    /// Whether some version of a record said the same in other bytes.
    fn said_the_same(
        &self,
        key: &RecordKey,
        current: Entry,
        resource_type: &str,
        text: &[u8],
    ) -> Result<bool, EngineError> {
        let base = Some(self.plan.base_url.as_str());
        let compared = self.patients.compared(self.storage, resource_type, text, base);
        let Ok(said) = fhir::canonical_hash(compared.as_deref().unwrap_or(text), base) else {
            return Ok(false);
        };
        let mut version = Some(current);
        while let Some(entry) = version {
            let stored = self.storage.bytes(&entry)?;
            if fhir::canonical_hash(&stored, base).is_ok_and(|stored| stored == said) {
                return Ok(true);
            }
            version = self.storage.index.before(key, entry.version)?;
        }
        Ok(false)
    }

    /// Reads a stored record back and compares it with the row that it came from.
    pub(super) fn compare(
        &mut self,
        check: &FileCheck,
        line: u64,
        scan: &fhir::Scan<'_>,
        entry: &Entry,
        text: &[u8],
    ) -> Result<(), EngineError> {
        let read = self.store.read(entry)?;
        self.result.compared += 1;
        let base = Some(self.plan.base_url.as_str());
        // Byte for byte but for what the migration adds is the strongest equality there is.
        if !entry.rewritten && fhir::unstamp(&read, &self.plan.tenant, base) == text {
            return Ok(());
        }
        let expected = if entry.merged {
            let own = self.storage.key(self.tenant, scan.resource_type, scan.id)?;
            let key = self.patients.crosswalk.place(self.storage, own);
            let linked = key != own && self.merged.get(&entry.row).is_some_and(|merging| merging.links);
            if linked && self.storage.index.get(&own)?.is_none_or(|stub| stub.deleted) {
                self.find(
                    &check.file,
                    "missing",
                    line,
                    "what was to stay of a merged patient is not in the store".to_owned(),
                );
            }
            self.merged_again(&key, entry, text)?
        } else {
            let repointed = self.patients.repoint(self.storage, text, base);
            repointed.unwrap_or_else(|| text.to_vec())
        };
        let same = matches!((fhir::canonical_hash(&expected, base), fhir::canonical_hash(&read, base)), (Ok(a), Ok(b)) if a == b);
        if !same {
            self.find(
                &check.file,
                "content-differs",
                line,
                format!(
                    "the {} read back from the store differs from what was received",
                    scan.resource_type
                ),
            );
        }
        Ok(())
    }

    /// What a merged record must say, made once more from the decision, the received line and the destination's version before it.
    fn merged_again(&self, key: &RecordKey, entry: &Entry, text: &[u8]) -> Result<Vec<u8>, EngineError> {
        let mut before = Some(*entry);
        while let Some(version) = before.filter(|version| version.row == entry.row) {
            before = self.storage.index.before(key, version.version)?;
        }
        let (Some(merging), Some(before)) = (self.merged.get(&entry.row), before) else {
            // No decision explains it.
            return Ok(text.to_vec());
        };
        let sides = Sides {
            storage: self.storage,
            patients: &self.patients,
            base_url: Some(&self.plan.base_url),
            source: text,
            target: &self.storage.bytes(&before)?,
        };
        sides.merged(merging)
    }

    pub(super) fn references(&mut self, text: &[u8]) -> Result<(), EngineError> {
        for found in fhir::references(text) {
            self.result.references += 1;
            let hash = xxhash_rust::xxh3::xxh3_128(found.text.as_bytes());
            if self.sound.contains(&hash) {
                continue;
            }
            let kind = match fhir::classify(&found.text, Some(&self.plan.base_url)) {
                Kind::Contained => continue,
                Kind::Local { resource_type, id, .. } => {
                    if self.leads_somewhere(resource_type, id)? {
                        if self.sound.len() >= SOUND_REFERENCES {
                            self.sound.clear();
                        }
                        self.sound.insert(hash);
                        continue;
                    }
                    if self.type_is_there(resource_type)? {
                        "id-not-exported"
                    } else {
                        "type-not-exported"
                    }
                }
                Kind::Urn => "urn",
                Kind::Conditional if self.is_mapped(&found.text) => continue,
                Kind::Conditional => "conditional",
                Kind::External => "external",
                Kind::Malformed => "malformed",
            };
            *self.result.dangling.entry(kind.to_owned()).or_default() += 1;
        }
        Ok(())
    }

    /// Whether a conditional reference leads somewhere by the crosswalk.
    fn is_mapped(&self, text: &str) -> bool {
        let Some(at) = text.find('?') else { return false };
        let (path, search) = text.split_at(at);
        let resource_type = path.rsplit('/').next().unwrap_or_default();
        let crosswalk = &self.patients.crosswalk;
        crosswalk.leads(self.storage, resource_type, search).is_some()
    }

    pub(super) fn leads_somewhere(&self, resource_type: &str, id: &str) -> Result<bool, EngineError> {
        let key = self.storage.key(self.tenant, resource_type, id)?;
        let key = self.patients.crosswalk.place(self.storage, key);
        Ok(self.storage.index.get(&key)?.is_some_and(|e| !e.deleted))
    }

    pub(super) fn type_is_there(&mut self, resource_type: &str) -> Result<bool, EngineError> {
        if let Some(known) = self.types.get(resource_type) {
            return Ok(*known);
        }
        let number = self.storage.names.resource_type(resource_type)?;
        let there = self
            .storage
            .index
            .scan(&RecordKey::prefix(self.tenant, number))
            .next()
            .is_some();
        self.types.insert(resource_type.to_owned(), there);
        Ok(there)
    }
}
