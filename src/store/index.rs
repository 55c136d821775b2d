//! The resource index (fjall): for every record its current version, for changed records the versions before, and MRNs to patients.
//!
//! An entry that points beyond a segment's durable bytes was written by a checkpoint that a kill cut off: it is absent, and the version
//! before it is the current one.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;
use std::path::Path;
use std::sync::Arc;

use fastbloom::BloomFilter;
use fjall::config::{BlockSizePolicy, CompressionPolicy, FilterPolicy, PartitioningPolicy, PinningPolicy};
use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode};

use super::entry::{ByLot, Entry, RecordKey};
use super::segment::Segments;

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
}

impl IndexError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some("run `cutover doctor --rebuild-index`: the index is made anew from the landed bytes".to_owned())
    }
}

/// What is waiting to be written, visible to its owner at once and to others after [`Index::commit`].
#[derive(Default)]
pub struct Pending {
    /// Says of most new records that they are new, without a look-up; absent where few are looked up.
    known: Option<BloomFilter>,
    records: HashMap<RecordKey, Entry, BuildHasherDefault<ByLot>>,
    history: BTreeMap<RecordKey, Vec<Entry>>,
    mrns: Vec<([u8; 16], RecordKey)>,
    added: u64,
}

/// The index of a workspace.
pub struct Index {
    db: Database,
    records: Keyspace,
    history: Keyspace,
    mrns: Keyspace,
    segments: Arc<Segments>,
}

/// Above this many bytes in memory, writers wait for the flush to disk: this is what keeps ten million entries small.
const WRITE_BUFFER_LIMIT: u64 = 19 * MIB;
/// Bytes in memory at which a keyspace is flushed.
const RECORDS_IN_MEMORY: u64 = 12 * MIB;
const HISTORY_IN_MEMORY: u64 = 4 * MIB;
const MRNS_IN_MEMORY: u64 = 2 * MIB;
const MIB: u64 = 1024 * 1024;

// Below these nothing is flushed: were the limit reached by keyspaces that are all below, writers would wait for ever.
const _: () = assert!(RECORDS_IN_MEMORY + HISTORY_IN_MEMORY + MRNS_IN_MEMORY < WRITE_BUFFER_LIMIT);

fn options(in_memory: u64) -> KeyspaceCreateOptions {
    let leveled = fjall::compaction::Leveled::default()
        .with_l0_threshold(18)
        .with_table_target_size(32 * 1024 * 1024);
    KeyspaceCreateOptions::default()
        .max_memtable_size(in_memory)
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
        // One worker: with more, inserts have been seen to vanish.
        let db = Database::builder(dir)
            .cache_size(8 * MIB)
            .worker_threads(1)
            .manual_journal_persist(true)
            .open()?;
        let records = db.keyspace("records", || options(RECORDS_IN_MEMORY))?;
        let history = db.keyspace("history", || options(HISTORY_IN_MEMORY))?;
        let mrns = db.keyspace("mrns", || options(MRNS_IN_MEMORY))?;
        Ok(Self {
            db,
            records,
            history,
            mrns,
            segments,
        })
    }

    /// The current version of a record.
    pub fn get(&self, key: &RecordKey) -> Result<Option<Entry>, IndexError> {
        let Some(bytes) = self.records.get(key.as_bytes())? else {
            return Ok(None);
        };
        let entry = Entry::decode(&bytes).ok_or(IndexError::Format)?;
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
        self.records.prefix(prefix).filter_map(|guard| {
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
        })
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

    /// Writes everything pending in one durable batch, waiting first while the flush to disk is behind.
    pub fn commit(&self, pending: &mut Pending) -> Result<(), IndexError> {
        while self.db.write_buffer_size() > WRITE_BUFFER_LIMIT {
            std::thread::sleep(std::time::Duration::from_millis(2));
        }
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncData));
        // Sorted, neighbours in the tree are written one after the other.
        let mut records: Vec<(RecordKey, Entry)> = pending.records.drain().collect();
        records.sort_unstable_by_key(|(key, _)| *key);
        for (key, entry) in &records {
            batch.insert(&self.records, key.as_bytes().as_slice(), entry.encode().as_slice());
        }
        for (key, entries) in &pending.history {
            for entry in entries {
                batch.insert(
                    &self.history,
                    former_key(key, entry).as_slice(),
                    entry.encode().as_slice(),
                );
            }
        }
        for (mrn, key) in &pending.mrns {
            batch.insert(&self.mrns, mrn_key(mrn, key).as_slice(), [].as_slice());
        }
        batch.commit()?;
        pending.history.clear();
        pending.mrns.clear();
        pending.added = 0;
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

impl Pending {
    /// Nothing pending, for a writer that is going to ask for about `expected` records that are not there yet.
    pub fn expecting(index: &Index, expected: u64) -> Result<Self, IndexError> {
        let there = index.records.approximate_len() as u64;
        let items = usize::try_from(there + expected)
            .unwrap_or(usize::MAX)
            .clamp(1 << 16, 1 << 26);
        let mut known = BloomFilter::with_false_pos(0.01).seed(&0).expected_items(items);
        for guard in index.records.iter() {
            if let Some(key) = RecordKey::from_bytes(&guard.key()?) {
                known.insert_hash(key.lot());
            }
        }
        Ok(Self {
            known: Some(known),
            ..Self::default()
        })
    }

    /// The current version of a record, what is pending included.
    pub fn get(&self, index: &Index, key: &RecordKey) -> Result<Option<Entry>, IndexError> {
        match self.records.get(key) {
            Some(entry) => Ok(Some(*entry)),
            None if self.known.as_ref().is_some_and(|known| !known.contains_hash(key.lot())) => Ok(None),
            None => index.get(key),
        }
    }

    /// The newest version of a record that is older than `version`, what is pending included.
    pub fn before(&self, index: &Index, key: &RecordKey, version: u32) -> Result<Option<Entry>, IndexError> {
        let replaced = self.history.get(key).into_iter().flatten();
        match replaced.rev().find(|entry| entry.version < version) {
            Some(entry) => Ok(Some(*entry)),
            None => index.before(key, version),
        }
    }

    /// Makes `entry` the current version; the version it replaces, if any, is kept.
    pub fn put(&mut self, key: RecordKey, entry: Entry, replaced: Option<Entry>) {
        match replaced {
            Some(old) => self.history.entry(key).or_default().push(old),
            None => self.added += 1,
        }
        if let Some(known) = &mut self.known {
            known.insert_hash(key.lot());
        }
        self.records.insert(key, entry);
    }

    /// The pending records whose key begins with `prefix`, in no order.
    pub fn under<'a>(&'a self, prefix: &'a [u8]) -> impl Iterator<Item = (RecordKey, Entry)> + 'a {
        let records = self.records.iter();
        records
            .filter(move |(key, _)| key.as_bytes().starts_with(prefix))
            .map(|(key, entry)| (*key, *entry))
    }

    /// Makes a patient findable by the keyed hash of an MRN.
    pub fn put_mrn(&mut self, mrn: [u8; 16], patient: RecordKey) {
        self.mrns.push((mrn, patient));
    }

    /// The patients known under an MRN, what is pending included, in the order of their keys.
    pub fn patients_with(&self, index: &Index, mrn: &[u8; 16]) -> Result<Vec<RecordKey>, IndexError> {
        let mut found = index.patients_with(mrn)?;
        found.extend(
            self.mrns
                .iter()
                .filter(|(m, key)| m == mrn && !found.contains(key))
                .map(|(_, key)| *key)
                .collect::<Vec<_>>(),
        );
        // Whatever of it is pending now may not be when it is asked for again.
        found.sort_unstable();
        Ok(found)
    }

    /// How many records were added that were not there in any version.
    pub fn added(&self) -> u64 {
        self.added
    }
}

#[cfg(test)]
mod tests;
