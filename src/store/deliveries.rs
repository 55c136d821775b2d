//! What is known of each record at a destination (fjall): small sealed rows, one for every record of the store, in memory that does not grow
//! with them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fjall::compaction::Leveled;
use fjall::config::PartitioningPolicy;
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::checkpoint::CheckpointError;
use super::sealer::Sealer;
use super::table::Table;
use crate::migration::Delivered;

/// Above this many bytes in memory, writers wait for the flush to disk.
const WRITE_BUFFER_LIMIT: u64 = 4 * MIB;
/// Bytes in memory at which they are flushed.
const IN_MEMORY: u64 = 2 * MIB;
const MIB: u64 = 1024 * 1024;
const PAUSE: Duration = Duration::from_millis(1);
/// Pauses after which nobody is waited for any more.
const PAUSES: u32 = 10_000;
/// Rows written together. One by one, each row asks the one worker for a flush until there was one, and so many such wishes fill its queue, to
/// which it adds itself: it would wait for itself for ever.
const TOGETHER: usize = 512;

/// Why what is known of records at a destination could not be used.
#[derive(Debug, thiserror::Error)]
pub enum DeliveriesError {
    /// The library refused.
    #[error("what is known of records at the destination cannot be read or written: {0}")]
    Fjall(#[from] fjall::Error),
    /// A row is not what this workspace sealed in its place.
    #[error("what is known of a record at the destination fails its authenticity check")]
    Row,
}

impl DeliveriesError {
    /// What to do about it.
    pub fn hint(&self) -> String {
        "is the disk full? If not, restore the folder `deliveries` from a backup; without one, move it away and deliver again: what the server \
         has is found there, but what was edited there since cannot be told from ours any more"
            .to_owned()
    }
}

/// The rows, by migration and key of the record; opened when they are first needed.
pub struct Deliveries {
    folder: PathBuf,
    sealer: Sealer,
    opened: Mutex<Option<Rows>>,
}

struct Rows {
    db: Database,
    written: Keyspace,
    /// Sealed rows that were not written yet; those that are gone without their bytes.
    pending: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl Rows {
    fn open(folder: &Path) -> Result<Self, DeliveriesError> {
        let db = Database::builder(folder)
            .cache_size(4 * MIB)
            .worker_threads(1)
            .manual_journal_persist(true)
            .open()?;
        let rows = db.keyspace("delivered", || {
            KeyspaceCreateOptions::default()
                .max_memtable_size(IN_MEMORY)
                .compaction_strategy(Arc::new(Leveled::default().with_table_target_size(16 * MIB)))
                .filter_block_partitioning_policy(PartitioningPolicy::all(true))
                .index_block_partitioning_policy(PartitioningPolicy::all(true))
                .manual_journal_persist(true)
        })?;
        Ok(Self {
            db,
            written: rows,
            pending: BTreeMap::new(),
        })
    }

    fn note(&mut self, key: &[u8], sealed: Option<Vec<u8>>) -> Result<(), DeliveriesError> {
        self.pending.insert(key.to_vec(), sealed);
        if self.pending.len() < TOGETHER {
            return Ok(());
        }
        self.write()
    }

    fn write(&mut self) -> Result<(), DeliveriesError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        // Whoever flushes may have given up, as on a full disk: then writing says why.
        for _ in 0..PAUSES {
            if self.db.write_buffer_size() <= WRITE_BUFFER_LIMIT {
                break;
            }
            std::thread::sleep(PAUSE);
        }
        let mut batch = self.db.batch();
        for (key, sealed) in &self.pending {
            match sealed {
                Some(sealed) => batch.insert(&self.written, key.as_slice(), sealed.as_slice()),
                None => batch.remove(&self.written, key.as_slice()),
            }
        }
        batch.commit()?;
        self.pending.clear();
        Ok(())
    }
}

impl Deliveries {
    /// Those in `folder`.
    pub fn new(folder: PathBuf, sealer: Sealer) -> Self {
        Self {
            folder,
            sealer,
            opened: Mutex::default(),
        }
    }

    /// Takes over what workspaces of before have of it in their ledger.
    pub(super) fn carry_over(&self, before: &Table<Delivered>) -> Result<(), CheckpointError> {
        let mut any = false;
        for item in before.iter() {
            let (key, known) = item?;
            self.put(&key, &known)?;
            any = true;
        }
        if any {
            self.durable()?;
            before.clear()?;
        }
        Ok(())
    }

    /// Does something with the rows.
    fn rows<T>(&self, with: impl FnOnce(&mut Rows) -> Result<T, DeliveriesError>) -> Result<T, DeliveriesError> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *opened {
            Some(rows) => with(rows),
            none => with(none.insert(Rows::open(&self.folder)?)),
        }
    }

    /// What is known of the record under this key.
    pub fn get(&self, key: &[u8]) -> Result<Option<Delivered>, DeliveriesError> {
        let sealed = self.rows(|rows| match rows.pending.get(key) {
            Some(pending) => Ok(pending.clone()),
            None => Ok(rows.written.get(key)?.map(|sealed| sealed.to_vec())),
        })?;
        sealed.map(|sealed| open(&self.sealer, key, &sealed)).transpose()
    }

    /// Notes what is known of a record; durable after the next [`durable`](Self::durable).
    pub fn put(&self, key: &[u8], known: &Delivered) -> Result<(), DeliveriesError> {
        let plain = serde_json::to_vec(known).map_err(|_| DeliveriesError::Row)?;
        let sealed = self.sealer.seal(key, &plain);
        self.rows(|rows| rows.note(key, Some(sealed)))
    }

    /// Forgets what is known of a record; durable after the next [`durable`](Self::durable).
    pub fn remove(&self, key: &[u8]) -> Result<(), DeliveriesError> {
        self.rows(|rows| rows.note(key, None))
    }

    /// Forgets everything.
    pub fn clear(&self) -> Result<(), DeliveriesError> {
        self.rows(|rows| {
            rows.pending.clear();
            Ok(rows.written.clear()?)
        })
    }

    /// The rows whose keys begin with `prefix`, as they are now, in order.
    pub fn scan_prefix(
        &self,
        prefix: &[u8],
    ) -> impl Iterator<Item = Result<(Vec<u8>, Delivered), DeliveriesError>> + use<> {
        let sealer = self.sealer.clone();
        let found = self.rows(|rows| {
            rows.write()?;
            Ok(rows.written.prefix(prefix))
        });
        let (rows, failed) = match found {
            Ok(rows) => (Some(rows), None),
            Err(error) => (None, Some(Err(error))),
        };
        let rows = rows.into_iter().flatten().map(move |guard| {
            let (key, bytes) = guard.into_inner()?;
            let known = open(&sealer, &key, &bytes)?;
            Ok((key.to_vec(), known))
        });
        failed.into_iter().chain(rows)
    }

    /// Makes durable what was noted.
    pub fn durable(&self) -> Result<(), DeliveriesError> {
        self.rows(|rows| {
            rows.write()?;
            Ok(rows.db.persist(PersistMode::SyncData)?)
        })
    }
}

fn open(sealer: &Sealer, key: &[u8], bytes: &[u8]) -> Result<Delivered, DeliveriesError> {
    let plain = sealer.unseal(key, bytes).map_err(|_| DeliveriesError::Row)?;
    // The parser's own message would quote the record.
    serde_json::from_slice(&plain).map_err(|_| DeliveriesError::Row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::Standing;
    use crate::store::{Secret, Storage, Workspace};

    fn known(id: &str) -> Delivered {
        Delivered {
            id: id.to_owned(),
            version: Some("1".to_owned()),
            content: "c".to_owned(),
            made_from: "m".to_owned(),
            complete: true,
            created: true,
            state: Standing::Delivered,
        }
    }

    #[test]
    fn what_was_made_durable_is_there_again_and_nobody_reads_it_from_the_disk() {
        let dir = tempfile::tempdir().expect("a folder");
        let (folder, sealer) = (dir.path().join("deliveries"), Sealer::new(&[7; 32]));
        let rows = Deliveries::new(folder.clone(), sealer.clone());
        for at in 0..2_000_u32 {
            rows.put(&at.to_be_bytes(), &known(&format!("mrn-4711-{at}")))
                .expect("noted");
        }
        rows.remove(&7_u32.to_be_bytes()).expect("forgotten");
        rows.durable().expect("durable");
        assert_eq!(rows.get(&8_u32.to_be_bytes()).expect("read"), Some(known("mrn-4711-8")));
        drop(rows);
        for file in walk(&folder) {
            let bytes = std::fs::read(&file).expect("a file");
            assert!(memchr::memmem::find(&bytes, b"4711").is_none(), "{}", file.display());
        }
        let rows = Deliveries::new(folder, sealer);
        let there: Vec<_> = rows.scan_prefix(&[]).map(|row| row.expect("a row").1.id).collect();
        let expected = (0..2_000).filter(|at| *at != 7).map(|at| format!("mrn-4711-{at}"));
        assert_eq!(there, expected.collect::<Vec<_>>());
        rows.clear().expect("forgotten");
        assert_eq!(rows.scan_prefix(&[]).count(), 0);
    }

    #[test]
    fn what_a_ledger_of_before_has_of_it_is_taken_over_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let key = dir.path().join("key");
        crate::store::create_key_file(&key).expect("a key");
        let (home, secret) = (dir.path().join("home"), Secret::KeyFile(key));
        let workspace = Workspace::create(&home, &secret, "test").expect("a workspace");
        let before = workspace.ledger().table::<Delivered>("delivered").expect("a table");
        before.put(b"a", &known("a")).expect("noted");
        drop(before);
        let storage = Storage::open(workspace).expect("a store");
        assert_eq!(storage.deliveries.get(b"a").expect("read"), Some(known("a")));
        storage.deliveries.remove(b"a").expect("forgotten");
        storage.deliveries.durable().expect("durable");
        drop(storage);
        let storage = Storage::open(Workspace::open(&home, &secret, "test").expect("a workspace")).expect("a store");
        assert_eq!(storage.deliveries.get(b"a").expect("read"), None, "once");
    }

    #[test]
    fn a_row_in_anothers_place_is_noticed() {
        let dir = tempfile::tempdir().expect("a folder");
        let rows = Deliveries::new(dir.path().join("deliveries"), Sealer::new(&[7; 32]));
        rows.put(b"a", &known("a")).expect("noted");
        let copied = rows.rows(|rows| {
            let sealed = rows.pending.get(b"a".as_slice()).cloned().flatten();
            rows.note(b"b", sealed)
        });
        copied.expect("copied");
        let error = rows.get(b"b").expect_err("moved");
        assert!(matches!(error, DeliveriesError::Row), "{error}");
    }

    fn walk(folder: &Path) -> Vec<PathBuf> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                files.extend(walk(&path));
            } else {
                files.push(path);
            }
        }
        files
    }
}
