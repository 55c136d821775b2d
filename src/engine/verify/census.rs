//! The census: everything that the index has, counted in one pass before any row is read.

use std::collections::{BTreeMap, HashMap};

use super::ground::Ground;
use super::place::explained;
use crate::engine::error::EngineError;
use crate::migration::Explained;
use crate::store::{Entry, RecordKey};

/// Records whose keys are remembered, at eight bytes each; of types beyond, the index is asked.
const REMEMBERED: usize = 3_000_000;

/// Everything that the index has.
#[derive(Default)]
pub struct Census {
    /// How many records, of everybody, deleted ones included.
    pub all: u64,
    /// Those of the migration, by the number of their type.
    pub ours: BTreeMap<u16, Explained>,
    /// Of those, the ones that nothing was done to, by the segment and offset of the block that they are in.
    pub plain: HashMap<(u32, u64), Explained>,
    /// By type, how the keys of all records of the tenant begin, in order; absent for a type of which not all are remembered.
    there: HashMap<u16, Vec<u64>>,
}

impl Census {
    /// Counts what the index has.
    pub fn take(ground: &Ground<'_>) -> Result<Self, EngineError> {
        let mut census = Self::default();
        let tenant = ground.tenant.to_be_bytes();
        let (mut remembered, mut at, mut heads) = (0, None, Vec::new());
        for item in ground.storage.index.scan(&[]) {
            let (key, entry) = item?;
            census.all += 1;
            if !key.as_bytes().starts_with(&tenant) || entry.deleted {
                continue;
            }
            let number = key.resource_type();
            if at != Some(number) {
                census.remember(at.replace(number), &mut heads);
            }
            if remembered < REMEMBERED {
                heads.push(head(&key));
                remembered += 1;
            } else {
                // Some of the type would be missing.
                (at, heads) = (None, Vec::new());
            }
            if !is_ours(ground, &entry) {
                continue;
            }
            census.ours.entry(number).or_default().add(explained(&key, entry.row));
            if !entry.rewritten && !entry.merged {
                let block = (entry.location.segment, entry.location.block);
                census.plain.entry(block).or_default().add(plain(&key, entry));
            }
        }
        census.remember(at, &mut heads);
        Ok(census)
    }

    fn remember(&mut self, number: Option<u16>, heads: &mut Vec<u64>) {
        let mut heads = std::mem::take(heads);
        heads.shrink_to_fit();
        if let Some(number) = number {
            self.there.insert(number, heads);
        }
    }

    /// Whether the tenant has a record under this key, deleted ones apart; `None` where the index has to be asked. The first eight bytes of
    /// the id's hash stand for it: among three million records a wrong one is found there once in six million million times.
    pub fn has(&self, key: &RecordKey) -> Option<bool> {
        let heads = self.there.get(&key.resource_type())?;
        Some(heads.binary_search(&head(key)).is_ok())
    }
}

fn head(key: &RecordKey) -> u64 {
    key.id().first_chunk().map_or(0, |head| u64::from_be_bytes(*head))
}

/// Whether an entry is a current record that the migration put there.
pub fn is_ours(ground: &Ground<'_>, entry: &Entry) -> bool {
    !entry.deleted && !entry.local && ground.runs.contains(&entry.row.run)
}

/// What stands for a record that is its bytes in the landing: its key and everything that its entry says but for the version.
pub fn plain(key: &RecordKey, entry: Entry) -> u128 {
    let encoded = Entry { version: 1, ..entry }.encode();
    let mut bytes = [0; 128];
    let entry = encoded.as_slice();
    bytes[..20].copy_from_slice(key.as_bytes());
    bytes[20..20 + entry.len()].copy_from_slice(entry);
    xxhash_rust::xxh3::xxh3_128(&bytes[..20 + entry.len()])
}
