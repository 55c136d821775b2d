//! A table of the ledger: sealed records of one kind under keys in byte order.

use std::marker::PhantomData;
use std::ops::Bound;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::handle::Handle;
use super::ledger::LedgerError;
use super::sealer::Sealer;

/// Records of type `T`, each stored as sealed JSON under a key of the caller's choice; cheap to clone.
///
/// Keys lie in the clear: where an MRN or a name could be read from one, use a [`KeyedHasher`](super::KeyedHasher). A record is
/// bound to its table and key, so a copy elsewhere is noticed. Records beyond about 100 KB get a file each, which makes the
/// next [`Ledger::durable`](super::Ledger::durable) slower; keep large bytes in the landing and their location here.
pub struct Table<T> {
    name: &'static str,
    handle: Arc<Handle>,
    tree: sled::Tree,
    sealer: Sealer,
    record: PhantomData<fn() -> T>,
}

impl<T> Clone for Table<T> {
    fn clone(&self) -> Self {
        Table {
            name: self.name,
            handle: self.handle.clone(),
            tree: self.tree.clone(),
            sealer: self.sealer.clone(),
            record: PhantomData,
        }
    }
}

impl<T> std::fmt::Debug for Table<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Table").field(&self.name).finish()
    }
}

impl<T> Table<T> {
    pub(super) fn new(name: &'static str, handle: Arc<Handle>, tree: sled::Tree, sealer: Sealer) -> Self {
        Table {
            name,
            handle,
            tree,
            sealer,
            record: PhantomData,
        }
    }

    fn open_seal(&self, key: &[u8], sealed: &[u8]) -> Result<Vec<u8>, LedgerError> {
        self.sealer.unseal(key, sealed).map_err(|_| LedgerError::Record {
            table: self.name,
            what: "fails its authenticity check",
        })
    }

    /// Removes the record under `key`; false when there was none.
    pub fn remove(&self, key: &[u8]) -> Result<bool, LedgerError> {
        self.handle.reserve(key.len())?;
        Ok(self.handle.call(|_| self.tree.remove(key))?.is_some())
    }

    /// Removes every record.
    pub fn clear(&self) -> Result<(), LedgerError> {
        self.handle.call(|_| self.tree.clear())
    }

    /// True when a record lies under `key`.
    pub fn contains(&self, key: &[u8]) -> Result<bool, LedgerError> {
        self.handle.call(|_| self.tree.contains_key(key))
    }

    /// The number of records; reads every key, so it takes time in proportion.
    pub fn count(&self) -> Result<u64, LedgerError> {
        let mut count = 0;
        for key in self.tree.iter().keys() {
            key.map_err(|e| self.handle.fail(e))?;
            count += 1;
        }
        Ok(count)
    }

    /// The number of records whose keys begin with `prefix`.
    pub fn count_prefix(&self, prefix: &[u8]) -> Result<u64, LedgerError> {
        let mut count = 0;
        for key in self.tree.scan_prefix(prefix).keys() {
            key.map_err(|e| self.handle.fail(e))?;
            count += 1;
        }
        Ok(count)
    }

    /// Stores JSON as it is, for records whose exact bytes matter.
    pub(super) fn put_json(&self, key: &[u8], json: &[u8]) -> Result<(), LedgerError> {
        self.handle.reserve(key.len() + json.len())?;
        self.handle
            .call(|_| self.tree.insert(key, self.sealer.seal(key, json)))?;
        Ok(())
    }

    /// The keys and JSON of the records in a range of keys, in order.
    pub(super) fn range_json(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
    ) -> impl DoubleEndedIterator<Item = Result<(Vec<u8>, Vec<u8>), LedgerError>> + use<T> {
        let table = Table::<()>::new(self.name, self.handle.clone(), self.tree.clone(), self.sealer.clone());
        self.tree.range::<&[u8], _>(range).map(move |entry| {
            let (key, sealed) = entry.map_err(|e| table.handle.fail(e))?;
            let json = table.open_seal(&key, &sealed)?;
            Ok((key.to_vec(), json))
        })
    }
}

impl<T: Serialize + DeserializeOwned> Table<T> {
    fn encode(&self, record: &T) -> Result<Vec<u8>, LedgerError> {
        serde_json::to_vec(record).map_err(|_| LedgerError::Record {
            table: self.name,
            what: "cannot be written as JSON",
        })
    }

    fn decode(&self, key: &[u8], sealed: &[u8]) -> Result<T, LedgerError> {
        // The parser's own message would quote the record.
        serde_json::from_slice(&self.open_seal(key, sealed)?).map_err(|_| LedgerError::Record {
            table: self.name,
            what: "has another shape than this version reads",
        })
    }

    fn decode_entry(&self, entry: sled::Result<(sled::IVec, sled::IVec)>) -> Result<(Vec<u8>, T), LedgerError> {
        let (key, sealed) = entry.map_err(|e| self.handle.fail(e))?;
        let record = self.decode(&key, &sealed)?;
        Ok((key.to_vec(), record))
    }

    /// The record under `key`.
    pub fn get(&self, key: &[u8]) -> Result<Option<T>, LedgerError> {
        let sealed = self.handle.call(|_| self.tree.get(key))?;
        sealed.map(|sealed| self.decode(key, &sealed)).transpose()
    }

    /// Stores a record, replacing the one under the same key; durable after the next [`Ledger::durable`](super::Ledger::durable).
    pub fn put(&self, key: &[u8], record: &T) -> Result<(), LedgerError> {
        self.put_json(key, &self.encode(record)?)
    }

    /// Replaces the record under `key` by what `change` makes of it (`None` removes it), atomically among threads; `change` may
    /// be called more than once. Returns what is stored afterwards.
    pub fn update(&self, key: &[u8], mut change: impl FnMut(Option<T>) -> Option<T>) -> Result<Option<T>, LedgerError> {
        let mut old = self.handle.call(|_| self.tree.get(key))?;
        loop {
            let before = old.as_ref().map(|sealed| self.decode(key, sealed)).transpose()?;
            let after = change(before);
            let sealed = match &after {
                Some(record) => Some(self.sealer.seal(key, &self.encode(record)?)),
                None => None,
            };
            self.handle.reserve(sealed.as_ref().map_or(0, Vec::len))?;
            match self.handle.call(|_| self.tree.compare_and_swap(key, old, sealed))? {
                Ok(()) => return Ok(after),
                Err(conflict) => old = conflict.current,
            }
        }
    }

    /// All keys and records in the order of their keys.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Result<(Vec<u8>, T), LedgerError>> + use<T> {
        let table = self.clone();
        self.tree.iter().map(move |entry| table.decode_entry(entry))
    }

    /// The keys and records whose keys begin with `prefix`, in order.
    pub fn scan_prefix(
        &self,
        prefix: &[u8],
    ) -> impl DoubleEndedIterator<Item = Result<(Vec<u8>, T), LedgerError>> + use<T> {
        let table = self.clone();
        self.tree
            .scan_prefix(prefix)
            .map(move |entry| table.decode_entry(entry))
    }

    /// The keys and records in a range of keys, in order.
    pub fn range(
        &self,
        range: (Bound<&[u8]>, Bound<&[u8]>),
    ) -> impl DoubleEndedIterator<Item = Result<(Vec<u8>, T), LedgerError>> + use<T> {
        let table = self.clone();
        self.tree
            .range::<&[u8], _>(range)
            .map(move |entry| table.decode_entry(entry))
    }

    /// The record with the lowest key.
    pub fn first(&self) -> Result<Option<(Vec<u8>, T)>, LedgerError> {
        self.iter().next().transpose()
    }

    /// The record with the highest key.
    pub fn last(&self) -> Result<Option<(Vec<u8>, T)>, LedgerError> {
        self.iter().next_back().transpose()
    }
}
