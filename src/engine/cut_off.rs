//! What a kill leaves in the ledger besides its last checkpoint: notes on rows whose bytes never became durable.
//!
//! Rows are noted (quarantined, held, in conflict, linked) while they are placed, a moment before the checkpoint that makes their bytes
//! durable. A run that goes on receives those bytes again and notes them again; until then the notes speak of nothing.

use std::collections::HashSet;

use super::error::EngineError;
use super::tally::runs_of;
use crate::migration::{Ground, Plan, Resolution};
use crate::store::{ConflictRow, Storage, migration_key, run_key};

/// Removes what a migration's ledger says of rows that are not durable.
pub fn forget_cut_off(storage: &Storage, plan: &Plan) -> Result<(), EngineError> {
    let tables = &storage.tables;
    for run in runs_of(storage, &plan.id)? {
        for item in tables.quarantine.scan_prefix(&run_key(run)) {
            let (key, row) = item?;
            if !storage.segments.has(&row.location) {
                tables.quarantine.remove(&key)?;
            }
        }
    }
    let tenant = storage.names.tenant(&plan.tenant)?;
    for item in tables.held.scan_prefix(&tenant.to_be_bytes()) {
        let (key, row) = item?;
        if !storage.segments.has(&row.location) {
            tables.held.remove(&key)?;
        }
    }
    for item in tables.conflicts.scan_prefix(&migration_key(&plan.id, &[])) {
        let (key, mut row) = item?;
        if !storage.segments.has(&row.location) {
            tables.conflicts.remove(&key)?;
            continue;
        }
        let also = row.also.len();
        row.also.retain(|other| storage.segments.has(&other.location));
        if row.also.len() < also {
            tables.conflicts.put(&key, &row)?;
        }
    }
    unlink(storage, plan)
}

/// Removes from the crosswalk what no decision has put there.
pub fn unlink(storage: &Storage, plan: &Plan) -> Result<(), EngineError> {
    let tables = &storage.tables;
    let prefix = migration_key(&plan.id, &[]);
    let mut linked = HashSet::new();
    for item in tables.conflicts.scan_prefix(&prefix) {
        let row = item?.1;
        if links(&row) {
            linked.insert(row.conflict.source.id);
        }
    }
    for item in tables.crosswalk.scan_prefix(&prefix) {
        let (key, mapping) = item?;
        if mapping.ground == Ground::Decision && !linked.contains(&mapping.source) {
            tables.crosswalk.remove(&key)?;
        }
    }
    Ok(())
}

/// Whether a conflict may have made the source's patient the destination's.
fn links(row: &ConflictRow) -> bool {
    let resolution = row.conflict.decided.as_ref().map(|decided| decided.resolution);
    row.conflict.kind.between_two() && resolution.is_some_and(|r| r != Resolution::KeepBoth)
}
