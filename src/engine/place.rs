//! Placing: what becomes of one record when it meets the store.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::error::EngineError;
use super::patients::{PatientMap, patients};
use super::row::{PatientFacts, Pointer, Record};
use crate::fhir;
use crate::migration::{
    Conflict, ConflictKind, Decided, Decision, DeletionPolicy, Disposition, Origin, Plan, Policy, Resolution, Side,
    TargetVersion, Version, Winner, decide,
};
use crate::store::{ConflictRow, Entry, HeldRow, Location, RecordKey, RowId, Storage, Writer, held_key, migration_key};

/// Places records of one migration.
pub struct Placer {
    storage: Arc<Storage>,
    migration: String,
    policy: Policy,
    on_deleted: DeletionPolicy,
    tenant: u16,
    base_url: Option<String>,
    transaction_time: Option<String>,
    /// The destination's own records are placed (`store import`): they are nobody's migration.
    local: bool,
    /// Rows are placed once more into an index made anew: what the ledger says of them holds, and nothing is noted.
    pub replaying: bool,
    names: HashMap<u16, String>,
    sources: HashMap<u32, Option<String>>,
    /// Patients that are not simply themselves.
    pub patients: PatientMap,
}

/// A record that meets one the destination has already.
struct Meeting {
    source_id: String,
    source_line: Vec<u8>,
    target_key: RecordKey,
    target: Entry,
    target_id: String,
    contradictions: Vec<String>,
}

impl Placer {
    /// A placer for a run of `plan`; `local` for the destination's own records.
    pub fn new(
        storage: Arc<Storage>,
        plan: &Plan,
        transaction_time: Option<String>,
        local: bool,
    ) -> Result<Self, EngineError> {
        let tenant = storage.names.tenant(&plan.tenant)?;
        let patients = patients(&storage, plan)?;
        Ok(Self {
            storage,
            migration: plan.id.clone(),
            policy: plan.on_conflict,
            on_deleted: plan.on_deleted,
            tenant,
            base_url: (!local).then(|| plan.base_url.clone()),
            transaction_time,
            local,
            replaying: false,
            names: HashMap::new(),
            sources: HashMap::new(),
            patients,
        })
    }

    /// The name of a type by its number.
    pub fn type_name(&mut self, number: u16) -> String {
        if let Some(name) = self.names.get(&number) {
            return name.clone();
        }
        for (name, number) in self.storage.names.resource_types() {
            self.names.insert(number, name);
        }
        self.names.get(&number).cloned().unwrap_or_else(|| "unknown".to_owned())
    }

    /// Places one record and says what became of it.
    pub fn place(
        &mut self,
        writer: &mut Writer,
        row: RowId,
        place: Location,
        record: Record,
    ) -> Result<Disposition, EngineError> {
        if let Pointer::Held(patient) = &record.pointer {
            let held = HeldRow { row, location: place };
            self.storage
                .tables
                .held
                .put(&held_key(self.tenant, patient, row), &held)?;
            return Ok(Disposition::Held);
        }
        let key = self.target_key(&record)?;
        let Some(present) = writer.pending.get(&self.storage.index, &key)? else {
            return self.new_record(writer, row, place, &record, key);
        };
        if present.deleted {
            self.put(writer, key, row, place, &record, Some(present))?;
            return Ok(Disposition::Stored);
        }
        if present.row == row {
            return Ok(Disposition::Stored);
        }
        if present.hash == record.hash {
            return Ok(Disposition::Unchanged);
        }
        self.other_content(writer, row, place, &record, key, present)
    }

    /// What a policy says of a conflict; `None` when it leaves it to a person.
    pub fn would(&mut self, row: &ConflictRow, policy: Policy) -> Result<Option<(Resolution, String)>, EngineError> {
        let target = self.target_of(row)?;
        let source_line = self.storage.segments.read(&row.location)?;
        let target_line = self.storage.segments.read(&target.location)?;
        let key =
            RecordKey::from_bytes(&row.target).ok_or_else(|| EngineError::UnknownConflict(row.conflict.id.clone()))?;
        let first_met = row.conflict.kind == ConflictKind::MrnInUse;
        let decision = self.weigh(policy, &source_line, &target_line, &key, &target, first_met)?;
        let resolution = match decision.winner {
            Winner::Source => Resolution::KeepSource,
            Winner::Target => Resolution::KeepTarget,
            Winner::Undecided => return Ok(None),
        };
        Ok(Some((resolution, decision.rule.name().to_owned())))
    }

    /// Carries out a person's decision on a conflict and says what became of its row.
    pub fn decided(
        &mut self,
        writer: &mut Writer,
        id: RowId,
        place: Location,
        record: &Record,
        row: &ConflictRow,
        resolution: Resolution,
    ) -> Result<Disposition, EngineError> {
        let target = self.target_of(row)?;
        if target.row == id {
            // Carried out before, and cut off before that was noted.
            return Ok(Disposition::Stored);
        }
        let meeting = Meeting {
            source_id: row.conflict.source.id.clone(),
            source_line: writer.read(&place)?,
            target_key: RecordKey::from_bytes(&row.target).unwrap_or(record.key),
            target,
            target_id: row.conflict.target.id.clone(),
            contradictions: Vec::new(),
        };
        self.carry_out(writer, id, place, record, &meeting, resolution)
    }

    fn target_of(&self, row: &ConflictRow) -> Result<Entry, EngineError> {
        let key = RecordKey::from_bytes(&row.target);
        let entry = key.map(|key| self.storage.index.get(&key)).transpose()?.flatten();
        entry.ok_or_else(|| EngineError::UnknownConflict(row.conflict.id.clone()))
    }

    /// Carries out, by policy, the source's word that a record was deleted.
    pub fn delete(
        &mut self,
        writer: &mut Writer,
        row: RowId,
        place: Location,
        key: RecordKey,
    ) -> Result<(), EngineError> {
        if self.on_deleted == DeletionPolicy::Ignore {
            return Ok(());
        }
        let Some(present) = writer.pending.get(&self.storage.index, &key)? else {
            return Ok(());
        };
        // What the destination's own users wrote is theirs to delete.
        if present.deleted || present.local || self.foreign(&present)? {
            return Ok(());
        }
        let entry = Entry {
            location: place,
            row,
            version: present.version + 1,
            deleted: true,
            ..present
        };
        writer.pending.put(key, entry, Some(present));
        Ok(())
    }

    /// The key under which a record stands at the destination.
    fn target_key(&self, record: &Record) -> Result<RecordKey, EngineError> {
        if record.patient.is_some()
            && let Some(target) = self.patients.crosswalk.get(&record.key.id())
        {
            return Ok(self.storage.key(self.tenant, "Patient", target)?);
        }
        Ok(record.key)
    }

    fn new_record(
        &mut self,
        writer: &mut Writer,
        row: RowId,
        place: Location,
        record: &Record,
        key: RecordKey,
    ) -> Result<Disposition, EngineError> {
        if let Some(facts) = &record.patient
            && !facts.replaced
            && let Some((target_key, target)) = self.same_mrn(writer, facts, key)?
        {
            let source_line = writer.read(&place)?;
            let target_line = writer.read(&target.location)?;
            let meeting = Meeting {
                source_id: id_of(&source_line),
                target_id: id_of(&target_line),
                contradictions: contradictions(&source_line, &target_line),
                source_line,
                target_key,
                target,
            };
            return self.meet(writer, row, place, record, &meeting);
        }
        self.put(writer, key, row, place, record, None)?;
        Ok(Disposition::Stored)
    }

    fn same_mrn(
        &self,
        writer: &Writer,
        facts: &PatientFacts,
        own: RecordKey,
    ) -> Result<Option<(RecordKey, Entry)>, EngineError> {
        for mrn in &facts.mrns {
            for key in writer.pending.patients_with(&self.storage.index, mrn)? {
                if key == own {
                    continue;
                }
                if let Some(entry) = writer.pending.get(&self.storage.index, &key)?
                    && !entry.deleted
                {
                    return Ok(Some((key, entry)));
                }
            }
        }
        Ok(None)
    }

    fn other_content(
        &mut self,
        writer: &mut Writer,
        row: RowId,
        place: Location,
        record: &Record,
        key: RecordKey,
        present: Entry,
    ) -> Result<Disposition, EngineError> {
        let source_line = writer.read(&place)?;
        let target_line = writer.read(&present.location)?;
        let base = self.base_url.as_deref();
        let same = |line: &[u8]| fhir::canonical_hash(line, base).ok();
        if let (Some(source), Some(target)) = (same(&source_line), same(&target_line))
            && source == target
        {
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
            target_key: key,
            target: present,
        };
        self.meet(writer, row, place, record, &meeting)
    }

    /// Decides between a received record and the destination's, or leaves the question to a person.
    fn meet(
        &mut self,
        writer: &mut Writer,
        row: RowId,
        place: Location,
        record: &Record,
        meeting: &Meeting,
    ) -> Result<Disposition, EngineError> {
        let (conflict, known) = self.conflict(row, record, meeting)?;
        if self.replaying {
            return self.meet_again(writer, row, place, record, meeting, known);
        }
        let before = known.as_ref().and_then(|known| known.conflict.decided.clone());
        let decided = match before {
            Some(decided) => Some(decided),
            None => self.by_policy(writer, record, meeting)?,
        };
        let ours = self.ours(record, meeting);
        let disposition = match &decided {
            None => {
                if conflict.about_identity() {
                    self.patients.undecided.insert(record.key.id());
                }
                Disposition::Undecided
            }
            Some(decided) => self.carry_out(writer, row, place, record, meeting, decided.resolution)?,
        };
        // A newer version from the same source is an update, not a conflict anybody wants to read about.
        if ours && disposition == Disposition::Stored {
            return Ok(disposition);
        }
        let key = migration_key(&self.migration, conflict.id.as_bytes());
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

    /// What became of this meeting when the row was received.
    fn meet_again(
        &mut self,
        writer: &mut Writer,
        row: RowId,
        place: Location,
        record: &Record,
        meeting: &Meeting,
        known: Option<ConflictRow>,
    ) -> Result<Disposition, EngineError> {
        let resolution = match known {
            Some(known) if !known.conflict.applied => return Ok(Disposition::Undecided),
            Some(known) => known.conflict.decided.map_or(Resolution::KeepTarget, |d| d.resolution),
            // Only an update from the same source leaves no conflict behind.
            None if self.ours(record, meeting) || meeting.target_key == record.key => Resolution::KeepSource,
            None => Resolution::KeepBoth,
        };
        self.carry_out(writer, row, place, record, meeting, resolution)
    }

    /// Writes what was decided.
    fn carry_out(
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
            self.link(writer, record, &meeting.target_id)?;
        }
        if resolution == Resolution::KeepTarget {
            return Ok(Disposition::Kept);
        }
        if linked {
            let line = fhir::replace_id(&meeting.source_line, &meeting.target_id).map_err(EngineError::Reject)?;
            self.note_links(record, meeting.target_key)?;
            let location = writer.change(&self.repointed(record, line))?;
            let entry = Entry {
                location,
                hash: record.hash,
                row,
                last_updated: record.last_updated,
                version: meeting.target.version + 1,
                local: self.local,
                rewritten: true,
                deleted: false,
            };
            writer.pending.put(meeting.target_key, entry, Some(meeting.target));
            self.put_mrns(writer, record, meeting.target_key);
        } else {
            self.put(writer, meeting.target_key, row, place, record, Some(meeting.target))?;
        }
        Ok(Disposition::Stored)
    }

    /// From now on the source's patient is the destination's `target`, also for patients already placed that refer to it.
    fn link(&mut self, writer: &mut Writer, record: &Record, target: &str) -> Result<(), EngineError> {
        let key = migration_key(&self.migration, &record.key.id());
        self.storage.tables.crosswalk.put(&key, &target.to_owned())?;
        self.patients.crosswalk.insert(record.key.id(), target.to_owned());
        let referring: Vec<Vec<u8>> = self
            .storage
            .tables
            .links
            .scan_prefix(&key)
            .map(|item| item.map(|(_, referring)| referring))
            .collect::<Result<_, _>>()?;
        for key in referring.iter().filter_map(|bytes| RecordKey::from_bytes(bytes)) {
            let Some(entry) = writer.pending.get(&self.storage.index, &key)? else {
                continue;
            };
            if entry.deleted || entry.local {
                continue;
            }
            let line = writer.read(&entry.location)?;
            if let Some(line) = self.patients.repoint(&self.storage, &line, self.base_url.as_deref()) {
                let repointed = Entry {
                    location: writer.change(&line)?,
                    version: entry.version + 1,
                    rewritten: true,
                    ..entry
                };
                writer.pending.put(key, repointed, Some(entry));
            }
        }
        Ok(())
    }

    /// Notes which patients a patient refers to: one of them may turn out to be known under another id later.
    fn note_links(&self, record: &Record, key: RecordKey) -> Result<(), EngineError> {
        for link in record.patient.iter().flat_map(|facts| &facts.links) {
            let at = [&link[..], key.as_bytes()].concat();
            let at = migration_key(&self.migration, &at);
            self.storage.tables.links.put(&at, &key.as_bytes().to_vec())?;
        }
        Ok(())
    }

    /// A patient's line with references to patients known under another id leading there.
    fn repointed(&self, record: &Record, line: Vec<u8>) -> Vec<u8> {
        let refers = record.patient.as_ref().is_some_and(|facts| {
            facts
                .links
                .iter()
                .any(|link| self.patients.crosswalk.contains_key(link))
        });
        if !refers {
            return line;
        }
        let base = self.base_url.as_deref();
        self.patients.repoint(&self.storage, &line, base).unwrap_or(line)
    }

    fn put(
        &mut self,
        writer: &mut Writer,
        key: RecordKey,
        row: RowId,
        place: Location,
        record: &Record,
        replaced: Option<Entry>,
    ) -> Result<(), EngineError> {
        let refers = record.patient.as_ref().is_some_and(|facts| !facts.links.is_empty());
        let (location, rewritten) = match &record.pointer {
            Pointer::Rewritten(line) => (writer.change(line)?, true),
            Pointer::Plain | Pointer::Held(_) if key != record.key => {
                let target = self
                    .patients
                    .crosswalk
                    .get(&record.key.id())
                    .cloned()
                    .unwrap_or_default();
                let line = writer.read(&place)?;
                let line = fhir::replace_id(&line, &target).map_err(EngineError::Reject)?;
                (writer.change(&self.repointed(record, line))?, true)
            }
            Pointer::Plain | Pointer::Held(_) if refers => {
                let line = writer.read(&place)?;
                let repointed = self.repointed(record, line.clone());
                if repointed == line {
                    (place, false)
                } else {
                    (writer.change(&repointed)?, true)
                }
            }
            Pointer::Plain | Pointer::Held(_) => (place, false),
        };
        self.note_links(record, key)?;
        let entry = Entry {
            location,
            hash: record.hash,
            row,
            last_updated: record.last_updated,
            version: replaced.map_or(1, |r| r.version + 1),
            local: self.local,
            rewritten,
            deleted: false,
        };
        writer.pending.put(key, entry, replaced);
        self.put_mrns(writer, record, key);
        Ok(())
    }

    fn put_mrns(&self, writer: &mut Writer, record: &Record, key: RecordKey) {
        if let Some(facts) = record.patient.as_ref().filter(|f| !f.replaced) {
            for mrn in &facts.mrns {
                writer.pending.put_mrn(*mrn, key);
            }
        }
    }

    /// The conflict of this meeting, and the one on record when exactly this content was met before.
    fn conflict(
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
            kind: if meeting.target_key == record.key {
                ConflictKind::ContentDiffers
            } else {
                ConflictKind::MrnInUse
            },
            resource_type: names.get(&record.key.resource_type()).cloned().unwrap_or_default(),
            contradictions: meeting.contradictions.clone(),
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
            moved: BTreeMap::new(),
        };
        Ok((conflict, known))
    }

    fn by_policy(
        &self,
        writer: &mut Writer,
        record: &Record,
        meeting: &Meeting,
    ) -> Result<Option<Decided>, EngineError> {
        // Whether two people are one is never decided by a date.
        if !meeting.contradictions.is_empty() {
            return Ok(None);
        }
        let decision = self.decision(writer, record, meeting, self.policy)?;
        let resolution = match decision.winner {
            Winner::Source => Resolution::KeepSource,
            Winner::Target => Resolution::KeepTarget,
            Winner::Undecided => return Ok(None),
        };
        Ok(Some(Decided {
            resolution,
            policy: Some(self.policy),
            rule: decision.rule.name().to_owned(),
            who: "policy".to_owned(),
            when: jiff::Timestamp::now().to_string(),
        }))
    }

    fn decision(
        &self,
        writer: &mut Writer,
        record: &Record,
        meeting: &Meeting,
        policy: Policy,
    ) -> Result<Decision, EngineError> {
        let target_line = writer.read(&meeting.target.location)?;
        let first_met = meeting.target_key != record.key && !self.patients.crosswalk.contains_key(&record.key.id());
        self.weigh(
            policy,
            &meeting.source_line,
            &target_line,
            &meeting.target_key,
            &meeting.target,
            first_met,
        )
    }

    /// What a policy says of two versions; `first_met` when it is not yet known that they are one record.
    fn weigh(
        &self,
        policy: Policy,
        source_line: &[u8],
        target_line: &[u8],
        key: &RecordKey,
        target: &Entry,
        first_met: bool,
    ) -> Result<Decision, EngineError> {
        let source = Version::read(source_line, self.transaction_time.as_deref()).unwrap_or_default();
        let version = Version::read(target_line, None).unwrap_or_default();
        let recorded = |entry: &Entry| entry.last_updated.and_then(fhir::instant::from_micros);
        let origin = if first_met {
            Origin::Theirs
        } else if target.local {
            match self
                .storage
                .index
                .before(key, target.version)?
                .filter(|before| !before.local)
            {
                Some(before) => Origin::EditedSince {
                    recorded: recorded(&before),
                },
                None => Origin::Theirs,
            }
        } else {
            Origin::Ours {
                recorded: recorded(target),
            }
        };
        Ok(decide(policy, &source, &TargetVersion { version, origin }))
    }

    /// Whether the destination's version is one that this migration wrote.
    fn ours(&self, record: &Record, meeting: &Meeting) -> bool {
        let linked = self.patients.crosswalk.contains_key(&record.key.id());
        !meeting.target.local && (meeting.target_key == record.key || linked)
    }

    /// Whether a record came from another source than this migration's.
    fn foreign(&mut self, entry: &Entry) -> Result<bool, EngineError> {
        if entry.local || self.local {
            return Ok(false);
        }
        let run = entry.row.run;
        let source = if let Some(source) = self.sources.get(&run) {
            source.clone()
        } else {
            let info = self.storage.tables.runs.get(&crate::store::run_key(run))?;
            let source = info.and_then(|i| i.base_url);
            self.sources.insert(run, source.clone());
            source
        };
        Ok(source != self.base_url)
    }
}

fn contradictions(source: &[u8], target: &[u8]) -> Vec<String> {
    match (fhir::person(source), fhir::person(target)) {
        (Ok(a), Ok(b)) => fhir::contradicts(&a, &b).iter().map(ToString::to_string).collect(),
        _ => vec!["one of the two cannot be read as a Patient".to_owned()],
    }
}

fn id_of(line: &[u8]) -> String {
    fhir::scan(line).map(|s| s.id.to_owned()).unwrap_or_default()
}

fn stamp_of(line: &[u8]) -> Option<String> {
    fhir::scan(line)
        .ok()
        .and_then(|s| s.last_updated.map(ToOwned::to_owned))
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a String does not fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}
