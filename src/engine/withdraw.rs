//! Withdrawing runs: everything they brought goes, what they changed is as it was; the landing and the journal stay.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::cut_off::unlink;
use super::error::EngineError;
use super::program;
use super::reversal::{Again, rewrite};
use super::tally::runs_of;
use crate::migration::Plan;
use crate::store::{Entry, RecordKey, Reversal, Storage, migration_key, run_key};

/// Withdraws the runs of a reversal.
pub fn runs(storage: &Arc<Storage>, plan: &Plan, reversal: &Reversal) -> Result<(), EngineError> {
    let ours = |entry: &Entry| reversal.runs.contains(&entry.row.run);
    let touched = touched(storage, &reversal.runs)?;
    rewrite(storage, plan, touched, ours, reversal.force)?;
    ledger(storage, plan, reversal)?;
    unlink(storage, plan)?;
    if runs_of(storage, &plan.id)?.is_empty() {
        // A program may have been mended since.
        program::forget(storage, &plan.id)?;
    }
    // Patients who stay may have been made to refer to those that this migration took for others.
    let prefix = migration_key(&plan.id, &[]);
    let mut referred = BTreeSet::new();
    for item in storage.tables.links.scan_prefix(&prefix) {
        let (key, _) = item?;
        referred.extend(key[prefix.len()..].first_chunk::<16>().copied());
    }
    let mut again = Again::new(storage, plan, &[])?;
    for patient in &referred {
        again.repoint(patient, &HashSet::new())?;
    }
    again.checkpoint()
}

/// The records of which runs brought a version.
pub fn touched<'a>(
    storage: &'a Storage,
    runs: &'a [u32],
) -> Result<impl Iterator<Item = Result<RecordKey, EngineError>> + 'a, EngineError> {
    let mut tenants = BTreeSet::new();
    for run in runs {
        if let Some(info) = storage.tables.runs.get(&run_key(*run))? {
            tenants.insert(storage.names.tenant(&info.tenant)?);
        }
    }
    let ours = |entry: &Entry| runs.contains(&entry.row.run);
    let entries = tenants
        .into_iter()
        .flat_map(|tenant| storage.index.scan(&tenant.to_be_bytes()));
    Ok(entries.filter_map(move |item| {
        let touches = || -> Result<Option<RecordKey>, EngineError> {
            let (key, entry) = item?;
            let is = ours(&entry) || entry.version > 1 && storage.index.versions(&key)?.iter().any(ours);
            Ok(is.then_some(key))
        };
        touches().transpose()
    }))
}

/// Takes what the ledger says of the runs' rows out of it, and marks the runs.
fn ledger(storage: &Storage, plan: &Plan, reversal: &Reversal) -> Result<(), EngineError> {
    let tables = &storage.tables;
    let withdrawn = |run: u32| reversal.runs.contains(&run);
    let prefix = migration_key(&plan.id, &[]);
    for item in tables.conflicts.scan_prefix(&prefix) {
        let (key, mut row) = item?;
        if withdrawn(row.conflict.run) {
            tables.conflicts.remove(&key)?;
            continue;
        }
        let also = row.also.len();
        row.also.retain(|other| !withdrawn(other.row.run));
        if row.also.len() < also {
            tables.conflicts.put(&key, &row)?;
        }
    }
    for item in tables.held.iter() {
        let (key, held) = item?;
        if withdrawn(held.row.run) {
            tables.held.remove(&key)?;
        }
    }
    for item in tables.links.scan_prefix(&prefix) {
        let (key, link) = item?;
        if withdrawn(link.row.run) {
            tables.links.remove(&key)?;
        }
    }
    for item in tables.crosswalk.scan_prefix(&prefix) {
        let (key, mapping) = item?;
        if mapping.run.is_some_and(withdrawn) {
            tables.crosswalk.remove(&key)?;
        }
    }
    // It spoke of records that are no longer there.
    tables.verifications.remove(plan.id.as_bytes())?;
    for item in tables.samples.scan_prefix(&prefix) {
        tables.samples.remove(&item?.0)?;
    }
    for item in tables.sample_records.scan_prefix(&prefix) {
        tables.sample_records.remove(&item?.0)?;
    }
    let now = jiff::Timestamp::now().to_string();
    for run in &reversal.runs {
        let mut progress = storage.settle(*run)?;
        progress.added = 0;
        progress.tails.clear();
        progress.files.clear();
        tables.progress.put(&run_key(*run), &progress)?;
        tables.runs.update(&run_key(*run), |info| {
            info.map(|mut info| {
                info.rolled_back.get_or_insert_with(|| now.clone());
                info
            })
        })?;
    }
    Ok(())
}
