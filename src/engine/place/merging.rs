//! Merging: one record made of a received one and the destination's, as a person picked.

use std::collections::HashMap;

use super::Placer;
use super::meeting::Meeting;
use crate::engine::error::EngineError;
use crate::engine::patients::PatientMap;
use crate::engine::row::Record;
use crate::fhir::{self, MergeError};
use crate::migration::{Disposition, Merging};
use crate::store::{ConflictRow, Entry, Location, RecordKey, RowId, Storage, Writer, migration_key};

/// A received record and what is needed to merge it again with the same outcome.
pub struct Sides<'a> {
    /// The storage, for keyed hashes of ids.
    pub storage: &'a Storage,
    /// Patients that are known under another id.
    pub patients: &'a PatientMap,
    /// References below it count as relative.
    pub base_url: Option<&'a str>,
    /// The received line.
    pub source: &'a [u8],
    /// The destination's line as it was before the merge.
    pub target: &'a [u8],
}

impl Sides<'_> {
    /// The received line as it is compared and picked from. Paths must not change when more patients become known under another id, and
    /// only a patient can refer to one who is not decided yet: so those are re-pointed after picking, all other records before.
    pub fn left(&self) -> Result<Vec<u8>, EngineError> {
        let resource_type = self.resource_type()?;
        let compared = self
            .patients
            .compared(self.storage, resource_type, self.source, self.base_url);
        Ok(compared.unwrap_or_else(|| self.source.to_vec()))
    }

    fn resource_type(&self) -> Result<&str, EngineError> {
        let scan = fhir::scan(self.source).map_err(EngineError::Reject)?;
        Ok(scan.resource_type)
    }

    /// The merged line, under the destination's id; two patients under different ids are linked if that was decided.
    pub fn merged(&self, merging: &Merging) -> Result<Vec<u8>, EngineError> {
        let left = self.left()?;
        let is_patient = self.resource_type()? == "Patient";
        let to = |resource_type: &str, id: &str| {
            if !is_patient || resource_type != "Patient" {
                return None;
            }
            self.patients.crosswalk.leads(self.storage, resource_type, id)
        };
        let merged = fhir::merge_repointed(&left, self.target, &merging.picks, self.base_url, &to)?;
        let (source, target) = (fhir::scan(self.source), fhir::scan(self.target));
        let (source, target) = (
            source.map_err(EngineError::Reject)?,
            target.map_err(EngineError::Reject)?,
        );
        if merging.links && is_patient && source.id != target.id {
            return Ok(fhir::linked(&merged.line, source.id, "replaces").map_err(MergeError::from)?);
        }
        Ok(merged.line)
    }
}

impl Placer {
    /// Puts the merged record in the place of the destination's and, where patients are to be linked, what stays of the source's beside it.
    pub(super) fn put_merged(
        &mut self,
        writer: &mut Writer,
        row: RowId,
        place: Location,
        record: &Record,
        meeting: &Meeting,
        linked: bool,
    ) -> Result<Disposition, EngineError> {
        let (conflict, known) = self.conflict(row, record, meeting)?;
        if let Some(merges) = &mut self.merges {
            merges.insert(row, migration_key(&self.migration, conflict.id.as_bytes()));
        }
        let merging = known
            .and_then(|known| known.conflict.decided)
            .and_then(|decided| decided.merging)
            .ok_or(EngineError::UnknownConflict(conflict.id))?;
        let target = writer.read(&meeting.target.location)?;
        let line = self.sides(&meeting.source_line, &target).merged(&merging)?;
        if record.patient.is_some() {
            self.note_links(record, row, place, meeting.target_key)?;
        }
        let location = writer.change_row(&meeting.target_key, row, &line)?;
        let entry = Entry {
            merged: true,
            ..self.changed(row, record, location, Some(meeting.target))
        };
        writer.pending.put(meeting.target_key, entry, Some(meeting.target));
        Self::put_mrns(writer, record, meeting.target_key);
        self.acquaint_merged(writer, record, &entry, meeting.target_key)?;
        if linked && merging.links {
            self.put_stub(writer, row, record, meeting)?;
        }
        Ok(Disposition::Stored)
    }

    fn put_stub(
        &mut self,
        writer: &mut Writer,
        row: RowId,
        record: &Record,
        meeting: &Meeting,
    ) -> Result<(), EngineError> {
        let present = writer.pending.get(&self.storage.index, &record.key)?;
        if present.is_some_and(|present| !present.deleted) {
            return Ok(());
        }
        let line = self.repointed(record, meeting.source_line.clone());
        let line = fhir::stub(&line, &meeting.target_id).map_err(MergeError::from)?;
        let location = writer.change_row(&record.key, row, &line)?;
        let stub = self.changed(row, record, location, present);
        writer.pending.put(record.key, stub, present);
        Ok(())
    }

    pub(super) fn sides<'a>(&'a self, source: &'a [u8], target: &'a [u8]) -> Sides<'a> {
        Sides {
            storage: &self.storage,
            patients: &self.patients,
            base_url: self.base_url.as_deref(),
            source,
            target,
        }
    }

    /// Hands the two sides of a conflict to `see`, as they would be merged now.
    pub fn with_sides<T>(
        &self,
        row: &ConflictRow,
        target: &Entry,
        see: impl FnOnce(&Sides<'_>) -> Result<T, EngineError>,
    ) -> Result<T, EngineError> {
        let source = self.transforms.of_landed(self.storage.segments.read(&row.location)?);
        let target = self.storage.segments.read(&target.location)?;
        see(&self.sides(&source, &target))
    }

    /// Whether the two sides of a conflict can be merged so.
    pub fn can_merge(
        &self,
        writer: &mut Writer,
        row: &ConflictRow,
        target: &Entry,
        merging: &Merging,
    ) -> Result<bool, EngineError> {
        let source = self.transforms.of_landed(writer.read(&row.location)?);
        let target = writer.read(&target.location)?;
        match self.sides(&source, &target).merged(merging) {
            Ok(_) => Ok(true),
            Err(EngineError::Merge(_) | EngineError::Reject(_)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether the id of the source's patient is free for what stays of it.
    pub fn has_room_for_stub(&self, row: &ConflictRow) -> Result<bool, EngineError> {
        let key = self
            .storage
            .key(self.tenant, &row.conflict.resource_type, &row.conflict.source.id)?;
        let present = self.storage.index.get(&key)?;
        Ok(present.is_none_or(|present| present.deleted) || RecordKey::from_bytes(&row.target) == Some(key))
    }

    /// A merged record made once more, now that more patients are known under another id; `None` when no decision explains it.
    pub(super) fn merged_again(
        &mut self,
        writer: &mut Writer,
        key: &RecordKey,
        entry: &Entry,
    ) -> Result<Option<Vec<u8>>, EngineError> {
        let conflict = match self.merge_of(entry.row)? {
            Some(conflict) => self.storage.tables.conflicts.get(&conflict)?,
            None => None,
        };
        let found = conflict.and_then(|row| Some((row.location, row.conflict.decided?.merging?)));
        let mut before = Some(*entry);
        while let Some(version) = before.filter(|version| version.row == entry.row) {
            before = writer.pending.before(&self.storage.index, key, version.version)?;
        }
        let (Some((source, merging)), Some(before)) = (found, before) else {
            return Ok(None);
        };
        let source = self.transforms.of_landed(writer.read(&source)?);
        let target = writer.read(&before.location)?;
        self.sides(&source, &target).merged(&merging).map(Some)
    }

    /// The conflict whose decision merged what a row brought.
    fn merge_of(&mut self, row: RowId) -> Result<Option<Vec<u8>>, EngineError> {
        if self.merges.is_none() {
            let mut merges = HashMap::new();
            let prefix = migration_key(&self.migration, &[]);
            for item in self.storage.tables.conflicts.scan_prefix(&prefix) {
                let (key, row) = item?;
                let decided = row.conflict.decided.as_ref();
                if decided.is_some_and(|decided| decided.merging.is_some()) {
                    merges.insert(row.row(), key);
                }
            }
            self.merges = Some(merges);
        }
        Ok(self.merges.as_ref().and_then(|merges| merges.get(&row)).cloned())
    }
}
