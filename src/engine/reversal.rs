//! Carrying out what is taken back: noted first, done from the landing and the ledger, and done again from the start after a kill.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use super::cut::{Cut, cut};
use super::cut_off::unlink;
use super::error::EngineError;
use super::place::Placer;
use super::program::transforms;
use super::retrace::{Found, retrace};
use super::row::{FileContext, RowReader};
use super::withdraw;
use crate::fhir;
use crate::migration::{Event, Moved, Plan, Policy};
use crate::store::{Entry, RecordKey, Reversal, RowId, Seed, Storage, Writer, migration_key, row_key};

/// Records whose versions are cut, or rows that are placed again, between two checkpoints.
const TOGETHER: usize = 10_000;

/// Notes durably that this is going to be taken back; from here on it will be.
pub fn note(storage: &Storage, plan: &Plan, reversal: &Reversal) -> Result<(), EngineError> {
    let prefix = migration_key(&plan.id, &[]);
    let last = storage.tables.reversals.scan_prefix(&prefix).next_back().transpose()?;
    let last = last.and_then(|(key, _)| key.last_chunk::<4>().copied());
    let number = last.map_or(1, |last| u32::from_be_bytes(last) + 1);
    let key = migration_key(&plan.id, &number.to_be_bytes());
    storage.tables.reversals.put(&key, reversal)?;
    Ok(storage.workspace.ledger().durable()?)
}

/// Completes whatever of this migration was to be taken back and is not yet.
pub fn complete(storage: &Arc<Storage>, plan: &Plan) -> Result<(), EngineError> {
    let prefix = migration_key(&plan.id, &[]);
    for item in storage.tables.reversals.scan_prefix(&prefix) {
        let (key, mut reversal) = item?;
        if reversal.done {
            continue;
        }
        // Runs go first: rows that are placed again must not meet what these brought.
        if !reversal.runs.is_empty() {
            withdraw::runs(storage, plan, &reversal)?;
        }
        let again = undecide(storage, plan, &reversal)?;
        reversal.moved.merge(&again);
        reversal.done = true;
        reversal.seeds.clear();
        let there = i64::try_from(storage.index.count()?).unwrap_or(i64::MAX);
        let vouched = i64::try_from(storage.vouched()?).unwrap_or(i64::MAX);
        reversal.added += there - vouched;
        storage.tables.reversals.put(&key, &reversal)?;
        if let Some(run) = reversal.runs.first() {
            storage.journal.append(&plan.id, &Event::RolledBack { run: *run })?;
        }
        storage.workspace.ledger().durable()?;
    }
    Ok(())
}

/// Makes the store as if certain decisions had never been made, and says into which states their rows came.
fn undecide(storage: &Arc<Storage>, plan: &Plan, reversal: &Reversal) -> Result<Moved, EngineError> {
    let found = retrace(storage, plan, &reversal.seeds, &reversal.runs)?;
    let rows: HashSet<RowId> = found.iter().map(|f| f.row).collect();
    forget(storage, plan, &rows)?;
    unlink(storage, plan)?;
    let ours = |entry: &Entry| rows.contains(&entry.row);
    let touched = records(&reversal.seeds, &found).into_iter().map(Ok);
    rewrite(storage, plan, touched, ours, reversal.force)?;
    let mut again = Again::new(storage, plan, &found)?;
    again.placer.ask_again(&reversal.seeds);
    for seed in &reversal.seeds {
        if let Some(patient) = RecordKey::from_bytes(&seed.source) {
            again.repoint(&patient.id(), &rows)?;
        }
    }
    // Who they are about must be in question before they come.
    let (patients, others): (Vec<&Found>, Vec<&Found>) = found.iter().partition(|f| f.patient);
    for (at, row) in (1..).zip(patients.into_iter().chain(others)) {
        again.place(row)?;
        if at % TOGETHER == 0 {
            again.checkpoint()?;
        }
    }
    again.checkpoint()?;
    Ok(again.entered)
}

/// The keys of the records in which versions by these rows can be.
pub fn records(seeds: &[Seed], found: &[Found]) -> BTreeSet<RecordKey> {
    let targets = seeds.iter().filter_map(|seed| RecordKey::from_bytes(&seed.target));
    found.iter().map(|f| f.key).chain(targets).collect()
}

/// Takes the conflicts that these rows raised, and the notes that they wait, out of the ledger.
fn forget(storage: &Storage, plan: &Plan, rows: &HashSet<RowId>) -> Result<(), EngineError> {
    let tables = &storage.tables;
    for item in tables.conflicts.scan_prefix(&migration_key(&plan.id, &[])) {
        let (key, row) = item?;
        if rows.contains(&row.row()) {
            tables.conflicts.remove(&key)?;
        }
    }
    let tenant = storage.names.tenant(&plan.tenant)?;
    for item in tables.held.scan_prefix(&tenant.to_be_bytes()) {
        let (key, held) = item?;
        if rows.contains(&held.row) {
            tables.held.remove(&key)?;
        }
    }
    Ok(())
}

/// Cuts the versions that are `ours` out of these records.
pub fn rewrite(
    storage: &Arc<Storage>,
    plan: &Plan,
    keys: impl Iterator<Item = Result<RecordKey, EngineError>>,
    ours: impl Fn(&Entry) -> bool,
    force: bool,
) -> Result<(), EngineError> {
    let patients = storage.names.resource_type("Patient")?;
    let tenant = storage.names.tenant(&plan.tenant)?;
    let reader = RowReader::new(Arc::clone(storage), tenant, Some(plan.base_url.clone())).mapping(&plan.mrn_systems);
    let mut records = Vec::new();
    let mut mrns = Vec::new();
    for key in keys {
        let key = key?;
        let versions = storage.index.versions(&key)?;
        let Some(Cut { kept, overruled, .. }) = cut(&versions, &ours, force) else {
            continue;
        };
        for row in overruled {
            storage.tables.overruled.put(&row_key(row), &())?;
        }
        if key.resource_type() == patients {
            let of = |versions: &[Entry]| -> Result<HashSet<[u8; 16]>, EngineError> {
                let mut mrns = HashSet::new();
                for entry in versions {
                    mrns.extend(reader.mrns(&storage.bytes(entry)?, entry.local));
                }
                Ok(mrns)
            };
            let stays = of(&kept)?;
            mrns.extend(of(&versions)?.difference(&stays).map(|mrn| (*mrn, key)));
        }
        records.push((key, kept));
        if records.len() == TOGETHER {
            // What is overruled must be on record before it is gone: the index is made anew by that record.
            storage.workspace.ledger().durable()?;
            storage.index.rewrite(&records, &mrns)?;
            records.clear();
            mrns.clear();
        }
    }
    storage.workspace.ledger().durable()?;
    Ok(storage.index.rewrite(&records, &mrns)?)
}

/// Places rows again as if nobody had decided anything about them.
pub struct Again {
    storage: Arc<Storage>,
    migration: String,
    placer: Placer,
    reader: RowReader,
    writer: Writer,
    /// The states into which they came.
    pub entered: Moved,
}

impl Again {
    /// For rows of a migration; no policy decides.
    pub fn new(storage: &Arc<Storage>, plan: &Plan, found: &[Found]) -> Result<Self, EngineError> {
        let undecided = Plan {
            on_conflict: Policy::Ask,
            on_conflict_of: BTreeMap::new(),
            ..plan.clone()
        };
        let tenant = storage.names.tenant(&plan.tenant)?;
        let run = found.iter().map(|f| f.row.run).max().unwrap_or(0);
        Ok(Self {
            storage: Arc::clone(storage),
            migration: plan.id.clone(),
            placer: Placer::new(Arc::clone(storage), &undecided, None, false)?,
            reader: RowReader::new(Arc::clone(storage), tenant, Some(plan.base_url.clone()))
                .mapping(&plan.mrn_systems)
                .transforming(&Arc::new(transforms(storage, plan)?)),
            writer: storage.writer(run)?,
            entered: Moved::default(),
        })
    }

    fn place(&mut self, found: &Found) -> Result<(), EngineError> {
        let line = self.storage.segments.read(&found.location)?;
        let scan = fhir::scan(&line).map_err(EngineError::Reject)?;
        let context = FileContext::of_one(Arc::clone(&self.placer.patients));
        let record = self.reader.record(&context, &line, &scan)?;
        drop(context);
        let now = self
            .placer
            .place(&mut self.writer, found.row, found.location, &record)?;
        self.entered.of(found.row.run, scan.resource_type).enter(now);
        Ok(())
    }

    /// Writes patients who refer to this one anew, as the crosswalk now has it; those in `except` are placed again anyway.
    pub fn repoint(&mut self, patient: &[u8; 16], except: &HashSet<RowId>) -> Result<(), EngineError> {
        let links = self.storage.tables.links.clone();
        for item in links.scan_prefix(&migration_key(&self.migration, patient)) {
            let (_, link) = item?;
            let Some(key) = RecordKey::from_bytes(&link.from).filter(|_| !except.contains(&link.row)) else {
                continue;
            };
            let entry = self.writer.pending.get(&self.storage.index, &key)?;
            let Some(entry) = entry.filter(|p| p.row == link.row && !p.deleted && !p.local) else {
                continue;
            };
            let landed = self.storage.segments.read(&link.location)?;
            let scan = fhir::scan(&landed).map_err(EngineError::Reject)?;
            let context = FileContext::of_one(Arc::clone(&self.placer.patients));
            let record = self.reader.record(&context, &landed, &scan)?;
            self.placer
                .put_again(&mut self.writer, key, link.location, &record, entry)?;
        }
        Ok(())
    }

    /// Makes durable what was placed.
    pub fn checkpoint(&mut self) -> Result<(), EngineError> {
        let storage = &self.storage;
        self.writer.checkpoint(|tails| -> Result<(), EngineError> {
            storage.put_tails(tails)?;
            Ok(storage.workspace.ledger().durable()?)
        })
    }
}
