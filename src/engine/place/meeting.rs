//! Meetings: a received record and one that the destination has already, and what comes of it.

use std::collections::HashMap;
use std::sync::Arc;

use super::Placer;
use super::hex;
use crate::engine::error::EngineError;
use crate::engine::row::Record;
use crate::fhir::{self, Comparison};
use crate::migration::{Conflict, ConflictKind, Disposition, Mark, Moved, Resolution, Side};
use crate::store::{ConflictRow, Entry, HeldRow, Location, RecordKey, RowId, Writer, migration_key};

/// A record that meets one the destination has already.
pub(super) struct Meeting {
    pub(super) source_id: String,
    pub(super) source_line: Vec<u8>,
    pub(super) target_key: RecordKey,
    pub(super) target: Entry,
    pub(super) target_id: String,
    pub(super) contradictions: Vec<String>,
    pub(super) kind: ConflictKind,
    /// How alike two patients are who were not known to be one.
    pub(super) comparison: Option<Comparison>,
    /// It is no question that the two are one, so that a policy may choose between them.
    pub(super) settled: bool,
}

impl Placer {
    pub(super) fn other_content(
        &mut self,
        writer: &mut Writer,
        row: RowId,
        place: Location,
        record: &Record,
        key: RecordKey,
        present: Entry,
    ) -> Result<Disposition, EngineError> {
        let source_line = self.transforms.of_landed(writer.read(&place)?);
        let target_line = writer.read(&present.location)?;
        let base = self.base_url.as_deref();
        let same = |line: &[u8]| fhir::canonical_hash(line, base).ok();
        let resource_type = fhir::scan(&source_line).map(|scan| scan.resource_type);
        let resource_type = resource_type.unwrap_or_default();
        let compared = self.patients.compared(&self.storage, resource_type, &source_line, base);
        let said = same(compared.as_ref().unwrap_or(&source_line));
        let alike = said.is_some() && said == same(&target_line);
        if alike && key == record.key {
            return Ok(Disposition::Unchanged);
        }
        let mut contradictions = if record.patient.is_some() {
            contradictions(&source_line, &target_line)
        } else {
            Vec::new()
        };
        if key == record.key && self.foreign(&present)? {
            contradictions.push(
                "the destination has it from another source, where the same id may mean something else".to_owned(),
            );
        }
        let meeting = Meeting {
            source_id: id_of(&source_line),
            target_id: id_of(&target_line),
            contradictions,
            source_line,
            kind: if key == record.key || record.patient.is_none() {
                ConflictKind::ContentDiffers
            } else {
                ConflictKind::MrnInUse
            },
            comparison: None,
            settled: true,
            target_key: key,
            target: present,
        };
        if alike {
            // Of two records that are one by decision, the word of the decision stands though their contents are the same.
            let (_, known) = self.conflict(row, record, &meeting)?;
            let kept = known.is_some_and(|known| known.conflict.carried_out() == Some(Resolution::KeepTarget));
            return Ok(if kept {
                Disposition::Kept
            } else {
                Disposition::Unchanged
            });
        }
        self.meet(writer, row, place, record, &meeting)
    }

    /// Decides between a received record and the destination's, or leaves the question to a person.
    pub(super) fn meet(
        &mut self,
        writer: &mut Writer,
        row: RowId,
        place: Location,
        record: &Record,
        meeting: &Meeting,
    ) -> Result<Disposition, EngineError> {
        let (conflict, known) = self.conflict(row, record, meeting)?;
        let key = migration_key(&self.migration, conflict.id.as_bytes());
        let asked = self.asked.get(&key).is_some_and(|since| row.run >= *since);
        let mut decided = match &known {
            // What a person put together is not put together again, whatever became of it since.
            Some(known)
                if known
                    .conflict
                    .decided
                    .as_ref()
                    .is_some_and(|made| made.resolution == Resolution::Merge) =>
            {
                return Ok(Disposition::Unchanged);
            }
            Some(known) => known.conflict.decided.clone(),
            // What waits for a person is not decided by a policy that came later, nor anything else about that patient.
            None if record.patient.is_some() && self.patients.undecided.contains(&record.key.id()) => None,
            None if asked => None,
            None => self.by_policy(writer, record, meeting)?,
        };
        let ours = self.ours(record, meeting)?;
        let disposition = match &mut decided {
            None => {
                if conflict.about_identity() {
                    Arc::make_mut(&mut self.patients).undecided.insert(record.key.id());
                }
                Disposition::Undecided
            }
            Some(decided) => {
                let now = self.carry_out(writer, row, place, record, meeting, decided.resolution)?;
                let after = writer.pending.get(&self.storage.index, &meeting.target_key)?;
                decided.before = decided.before.take().or_else(|| Some(mark(&meeting.target)));
                decided.after = after.as_ref().map(mark);
                now
            }
        };
        // A newer version from the same source is an update, not a conflict anybody wants to read about.
        if ours && disposition == Disposition::Stored {
            return Ok(disposition);
        }
        let at = HeldRow { row, location: place };
        let row = match known {
            // Decided once and for all: what came of it then stays on record.
            Some(known) if !known.conflict.open() => return Ok(disposition),
            Some(mut known) if decided.is_none() && known.row() != row => {
                known.also.retain(|other| other.row != row);
                known.also.push(at);
                known
            }
            _ => ConflictRow {
                asked,
                conflict: Conflict {
                    applied: decided.is_some(),
                    decided,
                    ..conflict
                },
                location: place,
                target: meeting.target_key.as_bytes().to_vec(),
                also: Vec::new(),
                added: 0,
            },
        };
        self.storage.tables.conflicts.put(&key, &row)?;
        Ok(disposition)
    }

    /// Writes what was decided.
    pub(super) fn carry_out(
        &mut self,
        writer: &mut Writer,
        row: RowId,
        place: Location,
        record: &Record,
        meeting: &Meeting,
        resolution: Resolution,
    ) -> Result<Disposition, EngineError> {
        let linked = record.patient.is_some() && meeting.target_key != record.key;
        if resolution == Resolution::KeepBoth {
            let present = writer.pending.get(&self.storage.index, &record.key)?;
            if let Some(present) = present.filter(|p| !p.deleted) {
                return Ok(if present.row == row {
                    Disposition::Stored
                } else {
                    Disposition::Kept
                });
            }
            self.put(writer, record.key, row, place, record, present)?;
            return Ok(Disposition::Stored);
        }
        if linked {
            self.link(writer, record, &meeting.source_id, &meeting.target_id)?;
        }
        if resolution == Resolution::KeepTarget {
            return Ok(Disposition::Kept);
        }
        if resolution == Resolution::Merge {
            return self.put_merged(writer, row, place, record, meeting, linked);
        }
        if linked {
            let line = fhir::replace_id(&meeting.source_line, &meeting.target_id).map_err(EngineError::Reject)?;
            self.note_links(record, row, place, meeting.target_key)?;
            let location = writer.change_row(&meeting.target_key, row, &self.repointed(record, line))?;
            let entry = self.changed(row, record, location, Some(meeting.target));
            writer.pending.put(meeting.target_key, entry, Some(meeting.target));
            Self::put_mrns(writer, record, meeting.target_key);
            self.acquaint(record, meeting.target_key);
        } else {
            self.put(writer, meeting.target_key, row, place, record, Some(meeting.target))?;
        }
        Ok(Disposition::Stored)
    }

    /// The conflict of this meeting, and the one on record when exactly this content was met before.
    pub(super) fn conflict(
        &self,
        row: RowId,
        record: &Record,
        meeting: &Meeting,
    ) -> Result<(Conflict, Option<ConflictRow>), EngineError> {
        let hash = self
            .storage
            .id_hash(&format!("{}/{}", self.migration, hex(record.key.as_bytes())));
        let source_hash = hex(&record.hash);
        let target = hex(meeting.target_key.as_bytes());
        let meets = self.storage.id_hash(&format!("{}/{target}/{source_hash}", hex(&hash)));
        let id = hex(&meets[..5]);
        let known = self
            .storage
            .tables
            .conflicts
            .get(&migration_key(&self.migration, id.as_bytes()))?;
        let names: HashMap<u16, String> = self
            .storage
            .names
            .resource_types()
            .into_iter()
            .map(|(n, t)| (t, n))
            .collect();
        let conflict = Conflict {
            id,
            migration: self.migration.clone(),
            run: row.run,
            file: row.file,
            line: row.line,
            kind: meeting.kind,
            resource_type: names.get(&record.key.resource_type()).cloned().unwrap_or_default(),
            contradictions: meeting.contradictions.clone(),
            comparison: meeting.comparison.clone(),
            source: Side {
                id: meeting.source_id.clone(),
                last_updated: stamp_of(&meeting.source_line),
            },
            target: Side {
                id: meeting.target_id.clone(),
                last_updated: meeting.target.last_updated.and_then(fhir::instant::from_micros),
            },
            source_hash,
            decided: None,
            applied: false,
            moved: Moved::default(),
        };
        Ok((conflict, known))
    }
}

/// A version without its content.
pub(in crate::engine) fn mark(entry: &Entry) -> Mark {
    Mark {
        version: entry.version,
        hash: hex(&entry.hash),
    }
}

pub(super) fn contradictions(source: &[u8], target: &[u8]) -> Vec<String> {
    match (fhir::person(source), fhir::person(target)) {
        (Ok(a), Ok(b)) => fhir::contradicts(&a, &b).iter().map(ToString::to_string).collect(),
        _ => vec!["one of the two cannot be read as a Patient".to_owned()],
    }
}

pub(super) fn id_of(line: &[u8]) -> String {
    fhir::scan(line).map(|s| s.id.to_owned()).unwrap_or_default()
}

pub(super) fn stamp_of(line: &[u8]) -> Option<String> {
    fhir::scan(line)
        .ok()
        .and_then(|s| s.last_updated.map(ToOwned::to_owned))
}
