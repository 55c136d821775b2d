//! What a verification stands on: everything that the ledger knows of a migration's rows, shared by all who read them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::engine::error::EngineError;
use crate::engine::patients::{PatientMap, patients};
use crate::engine::program::transforms;
use crate::engine::tally::runs_of;
use crate::fhir::Stamp;
use crate::migration::{ExportFile, Merging, Plan, Resolution, Transforms};
use crate::store::{Location, RowId, Storage, migration_key, row_of, run_key};
use crate::target::EmbeddedStore;

/// A row that was set aside.
pub struct SetAside {
    /// The type that it stands for.
    pub resource_type: String,
    /// Somebody does without it.
    pub waived: bool,
}

/// What does not change while a verification goes on.
pub struct Ground<'a> {
    pub storage: &'a Arc<Storage>,
    pub store: EmbeddedStore,
    /// What the store puts on records of the migration when it reads them.
    pub stamp: Stamp,
    pub plan: &'a Plan,
    pub tenant: u16,
    /// The runs that stand.
    pub runs: HashSet<u32>,
    /// Their files by run and number.
    pub files: HashMap<(u32, u32), ExportFile>,
    pub patients: PatientMap,
    pub held: HashSet<RowId>,
    pub set_aside: HashMap<RowId, SetAside>,
    /// Rows that a person set right: where the bytes are that stand for those received.
    amended: HashMap<RowId, Location>,
    /// Rows that wait for a decision.
    pub undecided: HashSet<RowId>,
    /// By hash of the received bytes: a decision holds for exactly this content, from the run on in which the conflict arose.
    pub decided: HashMap<String, (u32, Resolution)>,
    /// How the record that a row put there was merged.
    pub merged: HashMap<RowId, Merging>,
    pub transforms: Transforms,
}

impl<'a> Ground<'a> {
    /// Reads it from the ledger.
    pub fn read(storage: &'a Arc<Storage>, plan: &'a Plan) -> Result<Self, EngineError> {
        let tables = &storage.tables;
        let runs = runs_of(storage, &plan.id)?;
        let mut files = HashMap::new();
        let mut set_aside = HashMap::new();
        let mut amended = HashMap::new();
        for run in &runs {
            for item in tables.quarantine.scan_prefix(&run_key(*run)) {
                let (key, row) = item?;
                let Some(row_id) = row_of(&key) else { continue };
                if let Some(right) = tables.amended.get(&key)? {
                    amended.insert(row_id, right.location);
                } else {
                    let aside = SetAside {
                        resource_type: row.what.resource_type,
                        waived: tables.waived.contains(&key)?,
                    };
                    set_aside.insert(row_id, aside);
                }
            }
            for file in storage.files(*run)? {
                files.insert((*run, file.number), file);
            }
        }
        let tenant = storage.names.tenant(&plan.tenant)?;
        let mut held = HashSet::new();
        for item in tables.held.scan_prefix(&tenant.to_be_bytes()) {
            held.insert(item?.1.row);
        }
        let mut decided = HashMap::new();
        let mut merged = HashMap::new();
        let mut undecided = HashSet::new();
        for item in tables.conflicts.scan_prefix(&migration_key(&plan.id, &[])) {
            let mut row = item?.1;
            let row_id = row.row();
            if let Some(merging) = row.conflict.decided.as_mut().and_then(|decided| decided.merging.take()) {
                merged.insert(row_id, merging);
            }
            if let Some(resolution) = row.conflict.carried_out() {
                decided.insert(row.conflict.source_hash, (row.conflict.run, resolution));
            } else {
                undecided.insert(row_id);
                undecided.extend(row.also.iter().map(|other| other.row));
            }
        }
        Ok(Self {
            storage,
            store: EmbeddedStore::new(Arc::clone(storage)),
            stamp: Stamp::new(&plan.tenant, Some(&plan.base_url)),
            plan,
            tenant,
            runs: runs.into_iter().collect(),
            files,
            patients: patients(storage, plan)?,
            held,
            set_aside,
            amended,
            undecided,
            decided,
            merged,
            transforms: transforms(storage, plan)?,
        })
    }

    /// Whether a row was set aside, waits, or was set right.
    pub fn is_aside(&self, row: RowId) -> bool {
        (!self.set_aside.is_empty() && self.set_aside.contains_key(&row))
            || (!self.held.is_empty() && self.held.contains(&row))
            || (!self.amended.is_empty() && self.amended.contains_key(&row))
    }

    /// The bytes that stand for those received, of a row that a person set right.
    pub fn right(&self, row: RowId) -> Result<Option<Vec<u8>>, EngineError> {
        if self.amended.is_empty() {
            return Ok(None);
        }
        let bytes = self.amended.get(&row).map(|bytes| self.storage.segments.read(bytes));
        Ok(bytes.transpose()?)
    }

    /// References below it count as relative.
    #[allow(clippy::unnecessary_wraps)] // As everything asks for it that compares records.
    pub fn base(&self) -> Option<&str> {
        Some(&self.plan.base_url)
    }
}
