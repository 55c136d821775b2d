//! Tallies: what the ledger says became of a migration's rows.

use super::error::EngineError;
use crate::migration::{ByType, Counts};
use crate::store::{Storage, migration_key};

/// The runs of a migration, oldest first.
pub fn runs_of(storage: &Storage, migration: &str) -> Result<Vec<u32>, EngineError> {
    let mut runs = Vec::new();
    for item in storage.tables.runs.iter() {
        let (key, info) = item?;
        if let (true, Ok(key)) = (info.migration == migration, <[u8; 4]>::try_from(key.as_slice())) {
            runs.push(u32::from_be_bytes(key));
        }
    }
    Ok(runs)
}

/// What became of the rows of one run, as counted when they were taken in.
pub fn run_counts(storage: &Storage, run: u32) -> Result<ByType, EngineError> {
    let mut sum = ByType::new();
    for file in storage.files(run)? {
        add(&mut sum, &file.counts);
    }
    Ok(sum)
}

/// What became of the rows of all runs of a migration: as counted when they were taken in, and as moved by decisions since.
pub fn recorded_counts(storage: &Storage, migration: &str) -> Result<ByType, EngineError> {
    let mut sum = ByType::new();
    for run in runs_of(storage, migration)? {
        add(&mut sum, &run_counts(storage, run)?);
    }
    for item in storage.tables.conflicts.scan_prefix(&migration_key(migration, &[])) {
        for (resource_type, moved) in item?.1.conflict.moved {
            moved.apply(sum.entry(resource_type).or_default());
        }
    }
    Ok(sum)
}

/// The parts of a sum in a line of text.
pub fn describe(counts: Option<&Counts>) -> String {
    let Some(c) = counts else {
        return "none".to_owned();
    };
    format!(
        "{} rows = {} stored + {} unchanged + {} quarantined + {} held + {} undecided + {} kept + {} deleted",
        c.rows, c.stored, c.unchanged, c.quarantined, c.held, c.undecided, c.kept, c.deleted
    )
}

fn add(sum: &mut ByType, more: &ByType) {
    for (resource_type, counts) in more {
        sum.entry(resource_type.clone()).or_default().merge(counts);
    }
}
