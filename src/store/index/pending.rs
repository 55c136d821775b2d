//! Index entries that wait for the next checkpoint.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasherDefault;

use fastbloom::BloomFilter;

use super::{Index, IndexError};
use crate::store::entry::{ByLot, Entry, RecordKey};

/// What is waiting to be written, visible to its owner at once and to others after [`Index::commit`].
#[derive(Default)]
pub struct Pending {
    /// Says of most new records that they are new, without a look-up; absent where few are looked up.
    known: Option<BloomFilter>,
    records: HashMap<RecordKey, Entry, BuildHasherDefault<ByLot>>,
    pub(super) history: BTreeMap<RecordKey, Vec<Entry>>,
    pub(super) mrns: Vec<([u8; 16], RecordKey)>,
    added: u64,
}

impl Pending {
    /// Nothing pending, for a writer that is going to ask for about `expected` records that are not there yet.
    pub fn expecting(index: &Index, expected: u64) -> Result<Self, IndexError> {
        index.recent.settle()?;
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

    /// The records in the order of their keys.
    pub(super) fn sorted(&self) -> Vec<(RecordKey, Entry)> {
        let mut records: Vec<(RecordKey, Entry)> = self.records.iter().map(|(key, entry)| (*key, *entry)).collect();
        records.sort_unstable_by_key(|(key, _)| *key);
        records
    }

    /// Forgets what is written now.
    pub(super) fn clear(&mut self) {
        self.records.clear();
        self.history.clear();
        self.mrns.clear();
        self.added = 0;
    }
}
