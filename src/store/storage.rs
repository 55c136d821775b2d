//! The open store: ledger tables, segments and index of one workspace, recovered to the last checkpoint.

use std::collections::HashMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::aside;
use super::block::BlockWriter;
use super::checkpoint::{CheckpointError, Tail, Writer};
use super::deliveries::Deliveries;
use super::entry::{Entry, RecordKey};
use super::index::{Index, IndexError, Pending};
use super::journal::Journal;
use super::ledger::LedgerError;
use super::names::Names;
use super::operator::operator;
use super::private::{FileError, create_folder, read_file, replace_file, sync_folder};
use super::sealer::{KeyedHasher, Sealer, Unauthentic};
use super::segment::Segments;
use super::tables::{self, Progress, Tables};
use super::wipe::Wiped;
use super::workspace::{Workspace, WorkspaceError};
use crate::migration::{Event, ExportFile};

/// Longest sealed manifest that is read, in bytes.
const MANIFEST_LIMIT: u64 = 1 << 30;

/// Everything that a workspace stores, open.
pub struct Storage {
    /// The workspace: folders, vault, ledger, lock.
    pub workspace: Arc<Workspace>,
    /// The audit trail.
    pub journal: Arc<Journal<Event>>,
    /// The ledger's tables.
    pub tables: Tables,
    /// Numbers of tenants and types.
    pub names: Arc<Names>,
    /// Landed and changed bytes.
    pub segments: Arc<Segments>,
    /// Where each record is.
    pub index: Arc<Index>,
    /// What is known of records at a destination.
    pub deliveries: Arc<Deliveries>,
    /// Where the bytes of changed records may be already: of a store aside, the index of the one beside which it is.
    pub(super) former: Option<Arc<Index>>,
    pub(super) blocks: Sealer,
    pub(super) ids: KeyedHasher,
    pub(super) content_seed: u64,
}

impl Storage {
    /// Opens the store of a workspace at its last checkpoint.
    pub fn open(workspace: Workspace) -> Result<Self, CheckpointError> {
        if renewing(&workspace).exists() {
            return Err(IndexError::Unfinished.into());
        }
        Self::enter(workspace)
    }

    /// Opens the store with an index that is empty and has to be filled again; the old one is set aside, and gone with
    /// [`index_is_whole`](Self::index_is_whole). Until then the workspace opens in this way only.
    pub fn open_with_new_index(workspace: Workspace) -> Result<Self, CheckpointError> {
        let index = workspace.index_dir();
        let aside = index.with_extension("old");
        let failed = |doing, path: &Path, e| LedgerError::from(FileError::new(doing, path, e));
        if !renewing(&workspace).exists() {
            remove_folder(&aside)?;
            replace_file(&renewing(&workspace), b"").map_err(LedgerError::from)?;
            std::fs::rename(&index, &aside).map_err(|e| failed("rename", &index, e))?;
        } else if aside.exists() {
            // Cut off before: what it had made is as good as nothing.
            remove_folder(&index)?;
        } else {
            // Cut off between the note and the renaming.
            std::fs::rename(&index, &aside).map_err(|e| failed("rename", &index, e))?;
        }
        create_folder(&index).map_err(LedgerError::from)?;
        sync_folder(workspace.root()).map_err(LedgerError::from)?;
        Self::enter(workspace)
    }

    /// Ends what [`open_with_new_index`](Self::open_with_new_index) began.
    pub fn index_is_whole(&self) -> Result<(), CheckpointError> {
        let note = renewing(&self.workspace);
        std::fs::remove_file(&note).map_err(|e| LedgerError::from(FileError::new("remove", &note, e)))?;
        sync_folder(self.workspace.root()).map_err(LedgerError::from)?;
        remove_folder(&self.workspace.index_dir().with_extension("old"))
    }

    fn enter(workspace: Workspace) -> Result<Self, CheckpointError> {
        let tables = Tables::open(workspace.ledger())?;
        let names = Arc::new(Names::open(tables.names.clone())?);
        let mut sealed = HashMap::new();
        for item in tables.segments.iter() {
            let (key, len) = item?;
            if let Ok(id) = <[u8; 4]>::try_from(key.as_slice()) {
                sealed.insert(u32::from_be_bytes(id), len);
            }
        }
        for item in tables.progress.iter() {
            for Tail { segment, len } in item?.1.tails {
                let known = sealed.entry(segment).or_default();
                *known = len.max(*known);
            }
        }
        let vault = workspace.vault();
        let blocks = vault.sealer("blocks");
        let ids = vault.hasher("record ids");
        let seed = vault.hasher("content").hash(&[b"seed"]);
        let content_seed = u64::from_le_bytes([seed[0], seed[1], seed[2], seed[3], seed[4], seed[5], seed[6], seed[7]]);
        let segments = Arc::new(Segments::new(&workspace.landing_dir(), blocks.clone(), sealed));
        segments.check_lengths()?;
        let index = Arc::new(Index::open(&workspace.index_dir(), Arc::clone(&segments))?);
        let journal = Arc::new(Journal::open(workspace.ledger(), operator())?);
        let deliveries = Deliveries::new(workspace.deliveries_dir(), vault.sealer("deliveries"));
        deliveries.carry_over(&workspace.ledger().table("delivered")?)?;
        remove_folder(&aside::folder(&workspace))?;
        Ok(Self {
            workspace: Arc::new(workspace),
            journal,
            tables,
            names,
            segments,
            index,
            deliveries: Arc::new(deliveries),
            former: None,
            blocks,
            ids,
            content_seed,
        })
    }

    /// Closes the store and destroys its workspace, all but the evidence. Nothing of it can be undone.
    pub fn wipe(self, note: Wiped) -> Result<Wiped, WorkspaceError> {
        let workspace = Arc::clone(&self.workspace);
        drop(self);
        // Whoever else has it would write into what is being destroyed.
        let root = workspace.root().to_owned();
        let workspace = Arc::into_inner(workspace).ok_or(WorkspaceError::Locked {
            path: root,
            holder: None,
        })?;
        workspace.wipe(note)
    }

    /// A writer for one run.
    pub fn writer(&self, run: u32) -> Result<Writer, CheckpointError> {
        self.writer_with(run, Pending::default())
    }

    /// A writer for one run that is going to take in about `expected` records, most of them new.
    pub fn intake_writer(&self, run: u32, expected: u64) -> Result<Writer, CheckpointError> {
        self.writer_with(run, Pending::expecting(&self.index, expected)?)
    }

    fn writer_with(&self, run: u32, pending: Pending) -> Result<Writer, CheckpointError> {
        Ok(Writer::new(
            Arc::clone(&self.segments),
            Arc::clone(&self.index),
            self.block_writer()?,
            run,
            pending,
        )
        .reusing(self.former.clone()))
    }

    /// Makes blocks; one per thread.
    pub fn block_writer(&self) -> Result<BlockWriter, CheckpointError> {
        Ok(BlockWriter::new(self.blocks.clone())?)
    }

    /// Remembers durable lengths of segments outside a run's progress; the caller makes the ledger durable.
    pub fn put_tails(&self, tails: &[Tail]) -> Result<(), CheckpointError> {
        for tail in tails {
            self.tables.segments.put(&tail.segment.to_be_bytes(), &tail.len)?;
        }
        Ok(())
    }

    /// The keyed hash of a record's id.
    pub fn id_hash(&self, id: &str) -> [u8; 16] {
        self.ids.hash(&[id.as_bytes()])
    }

    /// The keyed hash of an MRN within a tenant.
    pub fn mrn_hash(&self, tenant: u16, system: &str, value: &str) -> [u8; 16] {
        self.ids
            .hash(&[b"mrn", &tenant.to_be_bytes(), system.as_bytes(), value.as_bytes()])
    }

    /// The keyed hash of a record's bytes.
    pub fn content_hash(&self, line: &[u8]) -> [u8; 16] {
        xxhash_rust::xxh3::xxh3_128_with_seed(line, self.content_seed).to_le_bytes()
    }

    /// The index key of a record.
    pub fn key(&self, tenant: u16, resource_type: &str, id: &str) -> Result<RecordKey, CheckpointError> {
        Ok(RecordKey::new(
            tenant,
            self.names.resource_type(resource_type)?,
            self.id_hash(id),
        ))
    }

    /// A record's bytes as landed or changed, without what the migration adds.
    pub fn bytes(&self, entry: &Entry) -> Result<Vec<u8>, CheckpointError> {
        Ok(self.segments.read(&entry.location)?)
    }

    /// Keeps the pages of a run's manifest as received, sealed beside its landing: they may be too large for the ledger.
    pub fn put_manifest(&self, run: u32, pages: &str) -> Result<(), CheckpointError> {
        let name = format!("run-{run:08}.manifest");
        let sealed = self.workspace.vault().seal(name.as_bytes(), pages.as_bytes());
        replace_file(&self.workspace.landing_dir().join(&name), &sealed).map_err(LedgerError::from)?;
        Ok(())
    }

    /// The pages of a run's manifest as received, if it came to one.
    pub fn manifest(&self, run: u32) -> Result<Option<Vec<u8>>, CheckpointError> {
        let name = format!("run-{run:08}.manifest");
        let path = self.workspace.landing_dir().join(&name);
        let sealed = match read_file(&path, MANIFEST_LIMIT) {
            Err(error) if error.is_not_found() => return Ok(None),
            other => other.map_err(LedgerError::from)?,
        };
        let pages = self.workspace.vault().unseal(name.as_bytes(), &sealed);
        Ok(Some(pages.map_err(|Unauthentic| {
            CheckpointError::from(LedgerError::from(FileError::new(
                "unseal",
                &path,
                ErrorKind::InvalidData.into(),
            )))
        })?))
    }

    /// The next run number.
    pub fn next_run(&self) -> Result<u32, CheckpointError> {
        let last = self.tables.runs.last()?;
        let key = last.and_then(|(key, _)| <[u8; 4]>::try_from(key.as_slice()).ok());
        Ok(key.map_or(1, |key| u32::from_be_bytes(key) + 1))
    }

    /// The files of a run, by number; those being received as of the last checkpoint.
    pub fn files(&self, run: u32) -> Result<Vec<ExportFile>, CheckpointError> {
        let mut files = Vec::new();
        for item in self.tables.files.scan_prefix(&tables::run_key(run)) {
            files.push(item?.1);
        }
        if let Some(progress) = self.tables.progress.get(&tables::run_key(run))? {
            for file in progress.files {
                if let Some(slot) = files.iter_mut().find(|f| f.number == file.number) {
                    *slot = file;
                }
            }
        }
        Ok(files)
    }

    /// Moves what the last checkpoint of a run says of files and segments into the tables for that, so that the next checkpoint, which
    /// speaks of other files and other segments, takes nothing away. Only while nobody makes checkpoints of this run.
    pub fn settle(&self, run: u32) -> Result<Progress, CheckpointError> {
        let key = tables::run_key(run);
        let Some(progress) = self.tables.progress.get(&key)? else {
            return Ok(Progress::default());
        };
        self.put_tails(&progress.tails)?;
        for file in &progress.files {
            self.tables.files.put(&tables::file_key(run, file.number), file)?;
        }
        let settled = Progress {
            added: progress.added,
            ..Progress::default()
        };
        self.tables.progress.put(&key, &settled)?;
        Ok(progress)
    }

    /// How many records the index must have: those that checkpoints and carried-out decisions vouch for.
    pub fn vouched(&self) -> Result<u64, CheckpointError> {
        let mut records = 0_u64;
        for item in self.tables.progress.iter() {
            records += item?.1.added;
        }
        for item in self.tables.conflicts.iter() {
            records += item?.1.added;
        }
        Ok(records)
    }
}

/// The note that the index of a workspace is being made anew.
fn renewing(workspace: &Workspace) -> PathBuf {
    workspace.root().join("index.renewing")
}

pub(super) fn remove_folder(path: &Path) -> Result<(), CheckpointError> {
    match std::fs::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
            Err(LedgerError::from(FileError::new("remove", path, e)).into())
        }
        _ => Ok(()),
    }
}
