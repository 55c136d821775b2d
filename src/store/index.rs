//! The resource index (fjall): for every record its current version, for changed records the versions before, and MRNs to patients.
//!
//! An entry that points beyond a segment's durable bytes was written by a checkpoint that a kill cut off: it is absent, and the version
//! before it is the current one.

use std::path::Path;
use std::sync::Arc;

use fjall::config::{BlockSizePolicy, CompressionPolicy, FilterPolicy, PartitioningPolicy, PinningPolicy};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::entry::{Entry, RecordKey};
use super::private::FileError;
use super::segment::Segments;
use recent::Recent;

mod pending;
mod recent;

pub use pending::Pending;

/// Why the index could not be used.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    /// The library refused.
    #[error("the resource index cannot be read or written: {0}")]
    Fjall(#[from] fjall::Error),
    /// It is being made anew, and that was cut off.
    #[error("the resource index is not whole: making it anew was cut off")]
    Unfinished,
    /// An entry is not in our format.
    #[error("the resource index holds an entry that is not in its format")]
    Format,
    /// A file of it.
    #[error(transparent)]
    File(#[from] FileError),
    /// What wrote it gave up in the middle.
    #[error("writing the resource index stopped in the middle")]
    Stopped,
}

impl IndexError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::File(error) => error.hint(),
            Self::Stopped => Some("run the same command again; it continues where it stopped".to_owned()),
            Self::Fjall(_) | Self::Unfinished | Self::Format => {
                Some("run `cutover doctor --rebuild-index`: the index is made anew from the landed bytes".to_owned())
            }
        }
    }
}

/// The index of a workspace.
pub struct Index {
    /// What of `records` is in no table yet; the first to be dropped, for it may be at work on the others.
    recent: Recent,
    db: Database,
    records: Keyspace,
    history: Keyspace,
    mrns: Keyspace,
    segments: Arc<Segments>,
}

/// Above this many bytes in memory, writers wait for the flush to disk.
const WRITE_BUFFER_LIMIT: u64 = 12 * MIB;
/// Bytes in memory at which a keyspace is flushed.
const IN_MEMORY: u64 = 3 * MIB;
const KEYSPACES: u64 = 3;
const MIB: u64 = 1024 * 1024;

// Below these nothing is flushed: were the limit reached by keyspaces that are all below, writers would wait for ever.
const _: () = assert!(KEYSPACES * IN_MEMORY < WRITE_BUFFER_LIMIT);

fn options() -> KeyspaceCreateOptions {
    let leveled = fjall::compaction::Leveled::default()
        .with_l0_threshold(18)
        .with_table_target_size(32 * 1024 * 1024);
    KeyspaceCreateOptions::default()
        .max_memtable_size(IN_MEMORY)
        .compaction_strategy(Arc::new(leveled))
        .data_block_size_policy(BlockSizePolicy::all(4 * 1024))
        .data_block_compression_policy(CompressionPolicy::disabled())
        .filter_policy(FilterPolicy::all(fjall::config::FilterPolicyEntry::Bloom(
            fjall::config::BloomConstructionPolicy::BitsPerKey(10.0),
        )))
        .filter_block_partitioning_policy(PartitioningPolicy::all(true))
        .index_block_partitioning_policy(PartitioningPolicy::all(true))
        .filter_block_pinning_policy(PinningPolicy::all(false))
        .index_block_pinning_policy(PinningPolicy::all(false))
        .manual_journal_persist(true)
}

impl Index {
    /// Opens or creates the index in `dir`.
    pub fn open(dir: &Path, segments: Arc<Segments>) -> Result<Self, IndexError> {
        Self::open_with(dir, segments, recent::LAYER)
    }

    /// The same, with tables of at least `layer` bytes.
    fn open_with(dir: &Path, segments: Arc<Segments>, layer: usize) -> Result<Self, IndexError> {
        // One worker: with more, inserts have been seen to vanish.
        let db = Database::builder(dir)
            .cache_size(8 * MIB)
            .worker_threads(1)
            .manual_journal_persist(true)
            .open()?;
        let records = db.keyspace("records", options)?;
        let history = db.keyspace("history", options)?;
        let mrns = db.keyspace("mrns", options)?;
        Ok(Self {
            recent: Recent::open(&dir.join("recent"), records.clone(), layer)?,
            db,
            records,
            history,
            mrns,
            segments,
        })
    }

    /// The current version of a record.
    pub fn get(&self, key: &RecordKey) -> Result<Option<Entry>, IndexError> {
        let entry = match self.recent.get(key) {
            Some(entry) => entry,
            None => match self.records.get(key.as_bytes())? {
                Some(bytes) => Entry::decode(&bytes).ok_or(IndexError::Format)?,
                None => return Ok(None),
            },
        };
        if self.segments.has(&entry.location) {
            Ok(Some(entry))
        } else {
            self.before(key, u32::MAX)
        }
    }

    /// The newest durable version of a record that is older than `version`.
    pub fn before(&self, key: &RecordKey, version: u32) -> Result<Option<Entry>, IndexError> {
        for guard in self.history.prefix(key.as_bytes()).rev() {
            let entry = Entry::decode(&guard.value()?).ok_or(IndexError::Format)?;
            if entry.version < version && self.segments.has(&entry.location) {
                return Ok(Some(entry));
            }
        }
        Ok(None)
    }

    /// Every durable version of a record, the newest first.
    pub fn versions(&self, key: &RecordKey) -> Result<Vec<Entry>, IndexError> {
        let mut versions = Vec::new();
        let mut next = self.get(key)?;
        while let Some(entry) = next {
            versions.push(entry);
            next = self.before(key, entry.version)?;
        }
        Ok(versions)
    }

    /// Makes these the only versions of each record, the newest first, in one durable batch; a record without any is gone.
    pub fn rewrite(&self, records: &[(RecordKey, Vec<Entry>)]) -> Result<(), IndexError> {
        self.recent.settle()?;
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncData));
        for (key, versions) in records {
            let (current, former) = match versions.split_first() {
                Some((current, former)) => (Some(current), former),
                None => (None, versions.as_slice()),
            };
            for guard in self.history.prefix(key.as_bytes()) {
                batch.remove(&self.history, guard.key()?);
            }
            for entry in former {
                batch.insert(
                    &self.history,
                    former_key(key, entry).as_slice(),
                    entry.encode().as_slice(),
                );
            }
            match current {
                Some(entry) => batch.insert(&self.records, key.as_bytes().as_slice(), entry.encode().as_slice()),
                None => batch.remove(&self.records, key.as_bytes().as_slice()),
            }
        }
        Ok(batch.commit()?)
    }

    /// Every MRN (its keyed hash) by which a patient of a tenant is found, with the patient's key, in order.
    pub fn mrns_of(&self, tenant: u16) -> Result<Vec<([u8; 16], RecordKey)>, IndexError> {
        let mut mrns = Vec::new();
        for guard in self.mrns.iter() {
            let key = guard.key()?;
            let (mrn, patient) = key.split_first_chunk().ok_or(IndexError::Format)?;
            let patient = RecordKey::from_bytes(patient).ok_or(IndexError::Format)?;
            if patient.as_bytes().starts_with(&tenant.to_be_bytes()) {
                mrns.push((*mrn, patient));
            }
        }
        Ok(mrns)
    }

    /// Makes these MRNs the only ones by which the patients of a tenant are found, in one durable batch.
    pub fn rewrite_mrns(&self, tenant: u16, mrns: &[([u8; 16], RecordKey)]) -> Result<(), IndexError> {
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncData));
        let there = self.mrns_of(tenant)?;
        // Both are in order.
        for (mrn, key) in there.iter().filter(|mrn| mrns.binary_search(mrn).is_err()) {
            batch.remove(&self.mrns, mrn_key(mrn, key).as_slice());
        }
        for (mrn, key) in mrns.iter().filter(|mrn| there.binary_search(mrn).is_err()) {
            batch.insert(&self.mrns, mrn_key(mrn, key).as_slice(), [].as_slice());
        }
        Ok(batch.commit()?)
    }

    /// The patients known under a keyed hash of an MRN's system and value.
    pub fn patients_with(&self, mrn: &[u8; 16]) -> Result<Vec<RecordKey>, IndexError> {
        let mut found = Vec::new();
        for guard in self.mrns.prefix(mrn) {
            let key = guard.key()?;
            found.push(
                key.get(16..)
                    .and_then(RecordKey::from_bytes)
                    .ok_or(IndexError::Format)?,
            );
        }
        Ok(found)
    }

    /// All current records whose key begins with `prefix`, in key order.
    pub fn scan<'a>(&'a self, prefix: &[u8]) -> impl Iterator<Item = Result<(RecordKey, Entry), IndexError>> + use<'a> {
        let unsettled = self.recent.settle().err().map(Err).into_iter();
        unsettled.chain(self.records.prefix(prefix).filter_map(|guard| {
            let read = || -> Result<Option<(RecordKey, Entry)>, IndexError> {
                let (key, value) = guard.into_inner()?;
                let key = RecordKey::from_bytes(&key).ok_or(IndexError::Format)?;
                let entry = Entry::decode(&value).ok_or(IndexError::Format)?;
                if self.segments.has(&entry.location) {
                    return Ok(Some((key, entry)));
                }
                Ok(self.before(&key, u32::MAX)?.map(|entry| (key, entry)))
            };
            read().transpose()
        }))
    }

    /// How many records there are, deleted ones included: those with a version whose bytes are durable.
    pub fn count(&self) -> Result<u64, IndexError> {
        let mut records = 0;
        for item in self.scan(&[]) {
            item?;
            records += 1;
        }
        Ok(records)
    }

    /// Makes everything pending durable.
    ///
    /// First what is replaced, then what replaces it: a kill between the two leaves a version that is its own former one, which no reader
    /// sees, where the other way round a record would be without the version that it falls back to.
    pub fn commit(&self, pending: &mut Pending) -> Result<(), IndexError> {
        if !pending.history.is_empty() || !pending.mrns.is_empty() {
            while self.db.write_buffer_size() > WRITE_BUFFER_LIMIT {
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            let mut batch = self.db.batch().durability(Some(PersistMode::SyncData));
            for (key, entries) in &pending.history {
                for entry in entries {
                    let at = former_key(key, entry);
                    batch.insert(&self.history, at.as_slice(), entry.encode().as_slice());
                }
            }
            for (mrn, key) in &pending.mrns {
                batch.insert(&self.mrns, mrn_key(mrn, key).as_slice(), [].as_slice());
            }
            batch.commit()?;
        }
        self.recent.add(&pending.sorted())?;
        pending.clear();
        Ok(())
    }
}

fn former_key(key: &RecordKey, entry: &Entry) -> [u8; 24] {
    let mut at = [0; 24];
    at[..20].copy_from_slice(key.as_bytes());
    at[20..].copy_from_slice(&entry.version.to_be_bytes());
    at
}

fn mrn_key(mrn: &[u8; 16], patient: &RecordKey) -> [u8; 36] {
    let mut at = [0; 36];
    at[..16].copy_from_slice(mrn);
    at[16..].copy_from_slice(patient.as_bytes());
    at
}

#[cfg(test)]
mod tests;
