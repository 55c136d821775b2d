//! One received row against the store: its disposition, and the state in which it leaves its record.

use super::compare::missing;
use super::reader::{Reader, RowAt, finding};
use crate::engine::error::EngineError;
use crate::engine::place::hex;
use crate::fhir::{self, Kind, LossClass};
use crate::migration::{Disposition, RecordState, Resolution};
use crate::store::{Entry, RecordKey, RowId};

/// References remembered as leading somewhere; beyond that they are forgotten and looked up again.
const SOUND_REFERENCES: usize = 1 << 17;

/// What became of a row, and the state of its record; a row that another replaced or repeated has no record of its own.
type Placed = (Disposition, Option<RecordState>);

impl Reader<'_> {
    pub(super) fn place(&mut self, at: &RowAt<'_>) -> Result<Placed, EngineError> {
        let ground = self.ground;
        if !ground.held.is_empty() && ground.held.contains(&at.row) {
            return Ok((Disposition::Held, Some(RecordState::Suspended)));
        }
        let own = self.key(at.scan.resource_type, at.scan.id)?;
        let key = ground.patients.crosswalk.place(ground.storage, own);
        let changed = ground.transforms.apply(at.text).unwrap_or_default();
        let text = changed.as_ref().map_or(at.text, |changed| &changed.line);
        let entry = ground.storage.index.get(&key)?;
        if let Some(entry) = entry
            && let Some(version) = self.version_of(&key, entry, at.row)?
        {
            if entry.deleted || version != entry {
                // Its own users have edited it since, or a later row has replaced it.
                let state = (entry.local && !entry.deleted).then_some(RecordState::Stale);
                return Ok((Disposition::Stored, state));
            }
            self.explain(at.scan.resource_type, &key, at.row);
            let state = self.compare(at, (own, key), &entry, text)?;
            self.references(text)?;
            return Ok((Disposition::Stored, Some(state)));
        }
        let hash = ground.storage.content_hash(at.text);
        if let Some(decided) = self.by_decision(at.row, hash) {
            return Ok(decided);
        }
        let Some(entry) = entry else {
            self.missing(at, (own, key), text);
            return Ok((Disposition::Stored, Some(RecordState::Missing)));
        };
        if entry.hash != hash && key != own && ground.patients.crosswalk.is_shared(&own) {
            return Ok((Disposition::Kept, Some(RecordState::Waived)));
        }
        // Of a record that another row of ours brought that row is the one which speaks.
        let ours = !entry.local && ground.runs.contains(&entry.row.run);
        if entry.hash == hash {
            let state = if ours { None } else { Some(self.repeated(at, &entry)?) };
            return Ok((Disposition::Unchanged, state));
        }
        if self.was_there(&key, entry, hash)? || self.said_the_same(&key, entry, at.scan.resource_type, text)? {
            return Ok((Disposition::Unchanged, (!ours).then_some(RecordState::Validated)));
        }
        let decision = ground
            .decided
            .get(&hex(&hash))
            .filter(|(since, _)| at.row.run >= *since);
        if decision.is_some_and(|(_, resolution)| *resolution == Resolution::KeepBoth) {
            // Somebody new, whose record was there already with other content.
            return Ok((Disposition::Kept, Some(RecordState::Waived)));
        }
        self.unexplained(at, (own, key), &entry, text)?;
        Ok((Disposition::Stored, Some(RecordState::Mismatched)))
    }

    /// Takes note of a record of the store that a row explains.
    pub(super) fn explain(&mut self, resource_type: &str, key: &RecordKey, row: RowId) {
        let hash = explained(key, row);
        if let Some(sum) = self.found.explained.get_mut(resource_type) {
            sum.add(hash);
        } else {
            let sum = self.found.explained.entry(resource_type.to_owned()).or_default();
            sum.add(hash);
        }
    }

    /// What a conflict made of a row of this content; a conflict that arose in a later run says nothing of it.
    fn by_decision(&self, row: RowId, hash: [u8; 16]) -> Option<Placed> {
        if self.ground.undecided.contains(&row) {
            return Some((Disposition::Undecided, Some(RecordState::Suspended)));
        }
        if self.ground.decided.is_empty() {
            return None;
        }
        let (since, resolution) = self.ground.decided.get(&hex(&hash))?;
        match resolution {
            _ if row.run < *since => None,
            Resolution::KeepTarget => Some((Disposition::Kept, Some(RecordState::Waived))),
            Resolution::KeepSource | Resolution::KeepBoth | Resolution::Merge => None,
        }
    }

    /// The version of a record that a row put there.
    fn version_of(&self, key: &RecordKey, current: Entry, row: RowId) -> Result<Option<Entry>, EngineError> {
        let mut version = current;
        loop {
            if version.row == row {
                return Ok(Some(version));
            }
            match self.ground.storage.index.before(key, version.version)? {
                Some(older) => version = older,
                None => return Ok(None),
            }
        }
    }

    /// Whether some version of a record had this content.
    fn was_there(&self, key: &RecordKey, current: Entry, hash: [u8; 16]) -> Result<bool, EngineError> {
        let mut version = current;
        while let Some(older) = self.ground.storage.index.before(key, version.version)? {
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
        let (ground, base) = (self.ground, self.ground.base());
        let compared = ground.patients.compared(ground.storage, resource_type, text, base);
        let Ok(said) = fhir::canonical_hash(compared.as_deref().unwrap_or(text), base) else {
            return Ok(false);
        };
        let mut version = Some(current);
        while let Some(entry) = version {
            let stored = ground.storage.bytes(&entry)?;
            if fhir::canonical_hash(&stored, base).is_ok_and(|stored| stored == said) {
                return Ok(true);
            }
            version = ground.storage.index.before(key, entry.version)?;
        }
        Ok(false)
    }

    pub(super) fn references(&mut self, text: &[u8]) -> Result<(), EngineError> {
        for found in fhir::references(text) {
            self.found.references += 1;
            let hash = xxhash_rust::xxh3::xxh3_64(found.text.as_bytes());
            if self.sound.contains(&hash) {
                continue;
            }
            let kind = match fhir::classify(&found.text, self.ground.base()) {
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
            *self.found.dangling.entry(kind.to_owned()).or_default() += 1;
        }
        Ok(())
    }

    /// Whether a conditional reference leads somewhere by the crosswalk.
    fn is_mapped(&self, text: &str) -> bool {
        let Some(at) = text.find('?') else { return false };
        let (path, search) = text.split_at(at);
        let resource_type = path.rsplit('/').next().unwrap_or_default();
        let crosswalk = &self.ground.patients.crosswalk;
        crosswalk.leads(self.ground.storage, resource_type, search).is_some()
    }

    fn leads_somewhere(&mut self, resource_type: &str, id: &str) -> Result<bool, EngineError> {
        let key = self.key(resource_type, id)?;
        let key = self.ground.patients.crosswalk.place(self.ground.storage, key);
        if let Some(known) = self.census.has(&key) {
            return Ok(known);
        }
        Ok(self.ground.storage.index.get(&key)?.is_some_and(|e| !e.deleted))
    }

    fn type_is_there(&mut self, resource_type: &str) -> Result<bool, EngineError> {
        if let Some(known) = self.there.get(resource_type) {
            return Ok(*known);
        }
        let storage = self.ground.storage;
        let number = storage.names.resource_type(resource_type)?;
        let prefix = RecordKey::prefix(self.ground.tenant, number);
        let there = storage.index.scan(&prefix).next().is_some();
        self.there.insert(resource_type.to_owned(), there);
        Ok(there)
    }

    /// A record that should be there and is not.
    fn missing(&mut self, at: &RowAt<'_>, keys: (RecordKey, RecordKey), text: &[u8]) {
        let expected = self.ground.led(keys, text);
        let finding = missing(finding(at.scan.resource_type, at.scan.id, at.row), &expected);
        self.found.findings.push(finding);
    }

    /// A record in whose place is another, and no decision explains it.
    fn unexplained(
        &mut self,
        at: &RowAt<'_>,
        keys: (RecordKey, RecordKey),
        entry: &Entry,
        text: &[u8],
    ) -> Result<(), EngineError> {
        let given = self.read_back(entry)?;
        let expected = self.ground.led(keys, text).into_owned();
        let mut losses = self.losses(&expected, &given)?;
        if keys.0 != keys.1 {
            let merged = fhir::Loss {
                class: LossClass::MergedWithoutDecision,
                element: String::new(),
            };
            losses.insert(0, merged);
        }
        self.lost(at, &expected, &given, losses);
        Ok(())
    }
}

/// What stands for a record of the store and the row that put it there.
pub(super) fn explained(key: &RecordKey, row: RowId) -> u128 {
    let mut bytes = [0; 32];
    bytes[..20].copy_from_slice(key.as_bytes());
    bytes[20..].copy_from_slice(&crate::store::row_key(row));
    xxhash_rust::xxh3::xxh3_128(&bytes)
}
