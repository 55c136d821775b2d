//! Placing: what becomes of one record when it meets the store.

mod identify;
mod leading;
mod meeting;
mod merging;
mod weigh;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

pub(super) use self::meeting::mark;
pub use self::merging::Sides;
use super::crosswalk::Crosswalk;
use super::error::EngineError;
use super::known::Known;
use super::patients::{PatientMap, patients};
use super::program::transforms;
use super::row::{Pointer, Record};
use crate::fhir;
use crate::migration::{DeletionPolicy, Disposition, Plan, Policy, Transforms};
use crate::store::{Entry, HeldRow, Location, RecordKey, RowId, Storage, Writer, held_key};

/// Places records of one migration.
pub struct Placer {
    storage: Arc<Storage>,
    migration: String,
    policy: Policy,
    /// Of types that have one of their own.
    policies: HashMap<u16, Policy>,
    on_deleted: DeletionPolicy,
    tenant: u16,
    base_url: Option<String>,
    transaction_time: Option<String>,
    /// The destination's own records are placed (`store import`): they are nobody's migration.
    local: bool,
    /// Conflicts, by their key in the ledger, that no policy decides for rows from this run on.
    asked: Arc<HashMap<Vec<u8>, u32>>,
    /// Whom patients met whose rows are placed once more.
    met: Arc<HashMap<RowId, RecordKey>>,
    /// The conflicts (by their key in the ledger) whose decisions merged what these rows brought, once somebody asks.
    merges: Option<HashMap<RowId, Vec<u8>>>,
    /// The source's MRN systems, and what the destination calls them.
    systems: BTreeMap<String, String>,
    /// The destination's patients, once one arrives who is not known.
    known: Option<Known>,
    /// What a person declared to be changed in records.
    transforms: Arc<Transforms>,
    names: HashMap<u16, String>,
    sources: HashMap<u32, Option<String>>,
    /// Patients that are not simply themselves.
    pub patients: Arc<PatientMap>,
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
        let patients = Arc::new(patients(&storage, plan)?);
        let mut policies = HashMap::new();
        for (resource_type, policy) in &plan.on_conflict_of {
            policies.insert(storage.names.resource_type(resource_type)?, *policy);
        }
        let transforms = Arc::new(transforms(&storage, plan)?);
        Ok(Self {
            storage,
            migration: plan.id.clone(),
            policy: plan.on_conflict,
            policies,
            on_deleted: plan.on_deleted,
            tenant,
            base_url: (!local).then(|| plan.base_url.clone()),
            transaction_time,
            local,
            asked: Arc::default(),
            met: Arc::default(),
            merges: None,
            systems: plan.mrn_systems.clone(),
            known: None,
            transforms,
            names: HashMap::new(),
            sources: HashMap::new(),
            patients,
        })
    }

    /// The same for rows that were placed before: no policy decides the conflicts in `asked`, and of several patients whom one may
    /// equally well be it meets the one in `met`.
    #[must_use]
    pub fn once_more(self, asked: Arc<HashMap<Vec<u8>, u32>>, met: Arc<HashMap<RowId, RecordKey>>) -> Self {
        Self { asked, met, ..self }
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
        record: &Record,
    ) -> Result<Disposition, EngineError> {
        if let Pointer::Held(patient) = &record.pointer {
            let held = HeldRow { row, location: place };
            self.storage
                .tables
                .held
                .put(&held_key(self.tenant, patient, row), &held)?;
            return Ok(Disposition::Held);
        }
        let key = self.target_key(record);
        let Some(present) = writer.pending.get(&self.storage.index, &key)? else {
            return self.new_record(writer, row, place, record, key);
        };
        if present.deleted {
            self.put(writer, key, row, place, record, Some(present))?;
            return Ok(Disposition::Stored);
        }
        if present.row == row {
            return Ok(Disposition::Stored);
        }
        if present.hash == record.hash {
            self.lead_on(writer, key, place, record, present)?;
            return Ok(Disposition::Unchanged);
        }
        if self.local {
            // What the destination's own people say of a record is nobody else's question, whatever it says.
            self.put(writer, key, row, place, record, Some(present))?;
            return Ok(Disposition::Stored);
        }
        if key != record.key && self.patients.crosswalk.is_shared(&record.key) {
            // Whose content it should be cannot be told among several.
            return Ok(Disposition::Kept);
        }
        self.other_content(writer, row, place, record, key, present)
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
        if present.deleted || present.local || present.merged || self.foreign(&present)? {
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
    pub fn target_key(&self, record: &Record) -> RecordKey {
        self.patients.crosswalk.place(&self.storage, record.key)
    }

    /// Takes in what has been added to the crosswalk in the ledger.
    pub fn read_crosswalk(&mut self) -> Result<(), EngineError> {
        Arc::make_mut(&mut self.patients).crosswalk = Crosswalk::read(&self.storage, &self.migration)?;
        Ok(())
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
            && let Some(meeting) = self.whom(writer, row, place, record, facts)?
        {
            return self.meet(writer, row, place, record, &meeting);
        }
        self.put(writer, key, row, place, record, None)?;
        Ok(Disposition::Stored)
    }

    /// A patient's line with references to whoever is known under another id leading there.
    fn repointed(&self, record: &Record, line: Vec<u8>) -> Vec<u8> {
        let known = |link: &[u8; 16]| self.patients.crosswalk.get(&record.key.with_id(*link)).is_some();
        let facts = record.patient.as_ref();
        let refers = facts.is_some_and(|facts| facts.refers || facts.links.iter().any(known));
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
        let line = self.line_of(writer, key, place, record)?;
        let rewritten = line.is_some();
        let location = match line {
            Some(line) => writer.change_row(&key, row, &line)?,
            None => place,
        };
        self.note_links(record, row, place, key)?;
        let entry = Entry {
            rewritten,
            ..self.changed(row, record, location, replaced)
        };
        writer.pending.put(key, entry, replaced);
        Self::put_mrns(writer, record, key);
        self.acquaint(record, key);
        Ok(())
    }

    /// What a record is at the destination, where that is not to the byte what was received.
    fn line_of(
        &self,
        writer: &mut Writer,
        key: RecordKey,
        place: Location,
        record: &Record,
    ) -> Result<Option<Vec<u8>>, EngineError> {
        let facts = record.patient.as_ref();
        // Whom a patient refers to may have become known under another id since the patient was read.
        let refers = facts.is_some_and(|facts| facts.refers || !facts.links.is_empty());
        let plain = !matches!(record.pointer, Pointer::Rewritten(_));
        let line = match &record.pointer {
            Pointer::Rewritten(line) if !refers => line.clone(),
            _ if plain && key == record.key && !refers => return Ok(None),
            _ => self.transforms.of_landed(writer.read(&place)?),
        };
        let unchanged = (plain && key == record.key).then(|| line.clone());
        let line = self.repointed(record, self.renamed(&record.key, key, line)?);
        Ok((unchanged.as_ref() != Some(&line)).then_some(line))
    }

    /// A line under the id by which the destination knows its record.
    fn renamed(&self, own: &RecordKey, key: RecordKey, line: Vec<u8>) -> Result<Vec<u8>, EngineError> {
        match self.patients.crosswalk.get(own).filter(|_| key != *own) {
            Some(target) => fhir::replace_id(&line, target).map_err(EngineError::Reject),
            None => Ok(line),
        }
    }

    /// The version of a record that a row brings with other bytes than were received, after the one that it replaces.
    fn changed(&self, row: RowId, record: &Record, location: Location, replaced: Option<Entry>) -> Entry {
        Entry {
            location,
            hash: record.hash,
            row,
            last_updated: record.last_updated,
            version: replaced.map_or(1, |replaced| replaced.version + 1),
            local: self.local,
            rewritten: true,
            merged: false,
            deleted: false,
        }
    }

    fn put_mrns(writer: &mut Writer, record: &Record, key: RecordKey) {
        if let Some(facts) = record.patient.as_ref().filter(|f| !f.replaced) {
            for mrn in &facts.mrns {
                writer.pending.put_mrn(*mrn, key);
            }
        }
    }
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
