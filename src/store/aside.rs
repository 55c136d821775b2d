//! A store aside: the same workspace with an index and tables of its own for what becomes of records, in which a migration is told anew
//! while the store itself stays as it is. Nothing of it outlives the process.

use std::path::PathBuf;
use std::sync::Arc;

use super::checkpoint::{CheckpointError, Tail};
use super::index::Index;
use super::private::create_folder;
use super::storage::{Storage, remove_folder};
use super::tables::Tables;
use super::workspace::Workspace;

/// An empty store beside another one; both have the same landing, runs, files, quarantine and journal.
pub struct Aside {
    /// The store.
    pub storage: Arc<Storage>,
    beside: Arc<Storage>,
}

impl Aside {
    /// Beside this store.
    pub fn open(beside: &Arc<Storage>) -> Result<Self, CheckpointError> {
        let folder = folder(&beside.workspace);
        remove_folder(&folder)?;
        create_folder(&folder).map_err(super::ledger::LedgerError::from)?;
        let ledger = beside.workspace.ledger();
        let tables = Tables {
            conflicts: ledger.table("aside.conflicts")?,
            held: ledger.table("aside.held")?,
            crosswalk: ledger.table("aside.crosswalk")?,
            links: ledger.table("aside.links")?,
            segments: ledger.table("aside.segments")?,
            ..beside.tables.clone()
        };
        let storage = Storage {
            workspace: Arc::clone(&beside.workspace),
            journal: Arc::clone(&beside.journal),
            names: Arc::clone(&beside.names),
            segments: Arc::clone(&beside.segments),
            index: Arc::new(Index::open(&folder, Arc::clone(&beside.segments))?),
            deliveries: Arc::clone(&beside.deliveries),
            former: Some(Arc::clone(&beside.index)),
            blocks: beside.blocks.clone(),
            ids: beside.ids.clone(),
            content_seed: beside.content_seed,
            tables,
        };
        let aside = Self {
            storage: Arc::new(storage),
            beside: Arc::clone(beside),
        };
        // A kill may have left something.
        aside.clear()?;
        Ok(aside)
    }

    /// The segments of changed records that were written for it.
    pub fn tails(&self) -> Result<Vec<Tail>, CheckpointError> {
        let mut tails = Vec::new();
        for item in self.storage.tables.segments.iter() {
            let (key, len) = item?;
            if let Ok(id) = <[u8; 4]>::try_from(key.as_slice()) {
                let segment = u32::from_be_bytes(id);
                tails.push(Tail { segment, len });
            }
        }
        Ok(tails)
    }

    /// Takes it away; segments that the store beside it has not taken over go with it.
    pub fn end(self) -> Result<(), CheckpointError> {
        for Tail { segment, .. } in self.tails()? {
            if !self.beside.tables.segments.contains(&segment.to_be_bytes())? {
                self.beside.segments.discard(segment)?;
            }
        }
        self.clear()?;
        let folder = folder(&self.beside.workspace);
        drop(self.storage);
        remove_folder(&folder)
    }

    fn clear(&self) -> Result<(), CheckpointError> {
        let tables = &self.storage.tables;
        tables.conflicts.clear()?;
        tables.held.clear()?;
        tables.crosswalk.clear()?;
        tables.links.clear()?;
        Ok(tables.segments.clear()?)
    }
}

/// Where its index is.
pub(super) fn folder(workspace: &Workspace) -> PathBuf {
    workspace.index_dir().with_extension("aside")
}
