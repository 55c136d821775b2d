//! The trail of a migration, read from its journal.

use super::error::EngineError;
use crate::migration::Trail;
use crate::store::{Storage, migration_key};

/// What the gate needs to know of a migration's journal.
pub fn trail(storage: &Storage, migration: &str) -> Result<Trail, EngineError> {
    let mut trail = Trail::default();
    for entry in storage.journal.read(migration, 0) {
        let entry = entry?;
        trail.apply(entry.seq, entry.at, &entry.who, &entry.event);
    }
    for judgement in trail.judgements.values_mut() {
        if let Some(remark) = &judgement.remark {
            judgement.why = storage
                .tables
                .remarks
                .get(&migration_key(migration, remark.as_bytes()))?;
        }
    }
    Ok(trail)
}
