//! Tallies: what the ledger says became of a migration's rows.

use std::collections::BTreeMap;

use super::error::EngineError;
use crate::migration::{ByType, Counts, FileKind, Moved, Moves, total};
use crate::store::{Storage, migration_key};

/// The runs of a migration that were not taken back, oldest first.
pub fn runs_of(storage: &Storage, migration: &str) -> Result<Vec<u32>, EngineError> {
    let all = every_run_of(storage, migration)?.into_iter();
    Ok(all.filter(|(_, stands)| *stands).map(|(run, _)| run).collect())
}

/// All runs of a migration, oldest first, and whether each stands or was taken back.
pub fn every_run_of(storage: &Storage, migration: &str) -> Result<Vec<(u32, bool)>, EngineError> {
    let mut runs = Vec::new();
    for item in storage.tables.runs.iter() {
        let (key, info) = item?;
        if let (true, Ok(key)) = (info.migration == migration, <[u8; 4]>::try_from(key.as_slice())) {
            runs.push((u32::from_be_bytes(key), info.rolled_back.is_none()));
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

/// How many rows of a run were rejected, of which no more are allowed than the plan says. Documents that were asked for one by one are not among
/// them: each is known by its name, and no more come after it.
pub fn rejects(storage: &Storage, run: u32) -> Result<u64, EngineError> {
    let files = storage.files(run)?;
    let exported = files.iter().filter(|file| file.kind != FileKind::Attachments);
    Ok(exported.map(|file| total(&file.counts).quarantined).sum())
}

/// What became of the rows of all runs of a migration: as counted when they were taken in, and as moved by decisions since.
pub fn recorded_counts(storage: &Storage, migration: &str) -> Result<ByType, EngineError> {
    let runs = runs_of(storage, migration)?;
    let mut sum = ByType::new();
    for run in &runs {
        add(&mut sum, &run_counts(storage, *run)?);
    }
    let mut moved = Moved::default();
    for item in storage.tables.conflicts.scan_prefix(&migration_key(migration, &[])) {
        moved.merge(&item?.1.conflict.moved);
    }
    let mut by_type: BTreeMap<&String, Moves> = BTreeMap::new();
    for run in &runs {
        for (resource_type, moves) in moved.run(*run) {
            by_type.entry(resource_type).or_default().merge(moves);
        }
    }
    for (resource_type, moves) in by_type {
        moves.apply(sum.entry(resource_type.clone()).or_default());
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
