//! Making the resource index anew: everything that was received and decided is told once more, in the order in which it happened.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::error::EngineError;
use super::reversal::{tell_anew, undone};
use crate::migration::{By, Conflict};
use crate::store::Storage;

/// What came of making the index anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rebuilt {
    /// Records in the new index.
    pub records: u64,
    /// Records that checkpoints and decisions vouched for before.
    pub vouched: u64,
    /// Decisions that had nothing to stand on and are taken back; none, unless the landing or the ledger is damaged.
    pub groundless: u64,
}

/// Fills the empty index of a store that was opened with [`Storage::open_with_new_index`]; `progress` is told the bytes read so far.
pub fn rebuild_index(storage: &Arc<Storage>, progress: &mut dyn FnMut(u64)) -> Result<Rebuilt, EngineError> {
    let vouched = storage.vouched()?;
    let mut tenants = BTreeSet::new();
    for item in storage.tables.runs.iter() {
        tenants.insert(item?.1.tenant);
    }
    let (mut before, mut groundless) = (0, 0);
    for tenant in &tenants {
        let mut read = 0;
        let told = &mut |bytes| {
            read = bytes;
            progress(before + bytes);
        };
        let journal = &mut |conflict: &Conflict| {
            groundless += 1;
            let by = By {
                why: Some("nothing to stand on when the index was made anew".to_owned()),
                ..By::default()
            };
            if let Some(event) = undone(conflict, None, &by) {
                storage.journal.append(&conflict.migration, &event)?;
            }
            Ok(())
        };
        tell_anew(storage, tenant, None, journal, told)?;
        before += read;
    }
    storage.workspace.ledger().durable()?;
    storage.index_is_whole()?;
    Ok(Rebuilt {
        records: storage.index.count()?,
        vouched,
        groundless,
    })
}
