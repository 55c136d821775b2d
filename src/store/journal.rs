//! The journal: what happened in each migration, in order, never changed afterwards.

use std::collections::HashMap;
use std::fmt::Write;
use std::marker::PhantomData;
use std::ops::Bound::Included;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::ledger::{Ledger, LedgerError};
use super::sealer::KeyedHasher;
use super::table::Table;

/// Why an event could not be appended or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Entries are missing, altered, or out of order.
    #[error("the audit trail of migration {migration} is broken at entry {seq}: {what}")]
    Broken {
        /// The migration.
        migration: String,
        /// The first entry that is not as it should be, from 1.
        seq: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The event does not become JSON.
    #[error("an event of migration {migration} cannot be written as JSON")]
    Unwritable {
        /// The migration.
        migration: String,
    },
    /// The ledger could not be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl JournalError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            JournalError::Broken { .. } => Some(
                "somebody or something changed the workspace from outside; do not sign this migration off, and compare with a backup"
                    .to_owned(),
            ),
            JournalError::Unwritable { .. } => None,
            JournalError::Ledger(error) => error.hint(),
        }
    }
}

/// One event as it was recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry<E> {
    /// The migration it belongs to.
    pub migration: String,
    /// Its number within the migration, from 1 without gaps.
    pub seq: u64,
    /// When it was recorded, by this machine's clock.
    pub at: Timestamp,
    /// The login name of the person who ran the process.
    pub who: String,
    /// SHA-256 of the stored JSON of the entry before it, in hexadecimal; zeros for the first.
    pub previous: String,
    /// What happened.
    pub event: E,
}

/// The end of a migration's chain: a digest of everything recorded up to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHead {
    /// The number of the last entry; 0 when there is none.
    pub seq: u64,
    /// SHA-256 of its stored JSON, in hexadecimal; zeros when there is none.
    pub hash: String,
}

impl ChainHead {
    /// The end of a chain in which nothing is.
    pub fn start() -> ChainHead {
        ChainHead {
            seq: 0,
            hash: "0".repeat(64),
        }
    }

    /// The end that an entry makes, from its stored JSON.
    pub fn of(seq: u64, json: &[u8]) -> ChainHead {
        let mut hash = String::with_capacity(64);
        for byte in digest(&SHA256, json).as_ref() {
            // Writing to a string cannot fail.
            let _ = write!(hash, "{byte:02x}");
        }
        ChainHead { seq, hash }
    }

    /// The end after one more entry, from its stored JSON, and the entry; else what is wrong with it.
    pub fn follow<E: DeserializeOwned>(
        &self,
        migration: &str,
        json: &[u8],
    ) -> Result<(ChainHead, Entry<E>), &'static str> {
        let entry: Entry<E> = serde_json::from_slice(json).map_err(|_| "it cannot be read")?;
        if entry.seq != self.seq + 1 || entry.migration != migration {
            return Err("another entry is in its place");
        }
        if entry.previous != self.hash {
            return Err("it does not follow from the entry before it");
        }
        Ok((ChainHead::of(entry.seq, json), entry))
    }
}

/// The events of every migration. Each entry holds the hash of the one before it, so that an entry that was altered, removed or
/// moved is noticed; the last hash is kept apart as well, so that a cut-off end is.
pub struct Journal<E> {
    entries: Table<()>,
    heads: Table<ChainHead>,
    hasher: KeyedHasher,
    who: String,
    known: Mutex<HashMap<[u8; 16], ChainHead>>,
    event: PhantomData<fn(E) -> E>,
}

impl<E> std::fmt::Debug for Journal<E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal")
            .field("who", &self.who)
            .finish_non_exhaustive()
    }
}

impl<E: Serialize + DeserializeOwned> Journal<E> {
    /// The journal in a ledger; `who` is recorded with every event (see [`operator`](super::operator)).
    pub fn open(ledger: &Ledger, who: impl Into<String>) -> Result<Journal<E>, LedgerError> {
        Ok(Journal {
            entries: ledger.table("journal")?,
            heads: ledger.table("journal heads")?,
            hasher: ledger.vault().hasher("journal"),
            who: who.into(),
            known: Mutex::new(HashMap::new()),
            event: PhantomData,
        })
    }

    /// Records an event and returns its number. It is durable after the next [`Ledger::durable`]; nobody may be told before.
    pub fn append(&self, migration: &str, event: &E) -> Result<u64, JournalError> {
        let chain = self.chain(migration);
        // Held to the end, so that two threads never take the same number.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let head = match known.get(&chain) {
            Some(head) => head.clone(),
            None => self.find_head(migration, &chain)?,
        };
        let entry = Entry {
            migration: migration.to_owned(),
            seq: head.seq + 1,
            at: Timestamp::now(),
            who: self.who.clone(),
            previous: head.hash,
            event,
        };
        let json = serde_json::to_vec(&entry).map_err(|_| JournalError::Unwritable {
            migration: migration.to_owned(),
        })?;
        let head = ChainHead::of(entry.seq, &json);
        self.entries.put_json(&entry_key(&chain, entry.seq), &json)?;
        self.heads.put(&chain, &head)?;
        known.insert(chain, head);
        Ok(entry.seq)
    }

    /// The entries of a migration from number `from` on, in order.
    pub fn read(&self, migration: &str, from: u64) -> impl Iterator<Item = Result<Entry<E>, JournalError>> + use<E> {
        self.stored(&self.chain(migration), from)
            .map(|stored| Ok(decode(&stored?.1)?))
    }

    /// The entries of a migration as they were stored, in order: the JSON that the chain's hashes are of.
    pub fn stored_json(&self, migration: &str) -> impl Iterator<Item = Result<Vec<u8>, JournalError>> + use<E> {
        self.stored(&self.chain(migration), 0).map(|stored| Ok(stored?.1))
    }

    /// Checks the whole chain of a migration and returns its end, which can be written down as evidence.
    pub fn verify_chain(&self, migration: &str) -> Result<ChainHead, JournalError> {
        let chain = self.chain(migration);
        let broken = |seq, what| JournalError::Broken {
            migration: migration.to_owned(),
            seq,
            what,
        };
        let kept = self.heads.get(&chain)?.unwrap_or_else(ChainHead::start);
        let mut head = ChainHead::start();
        for stored in self.stored(&chain, 0) {
            let expected = head.seq + 1;
            let (seq, json) = stored.map_err(|error| match error {
                LedgerError::Record { .. } => broken(expected, "it fails its authenticity check"),
                other => other.into(),
            })?;
            if seq != expected {
                return Err(broken(expected, "it is missing"));
            }
            (head, _) = head
                .follow::<serde::de::IgnoredAny>(migration, &json)
                .map_err(|what| broken(expected, what))?;
            if head.seq == kept.seq && head.hash != kept.hash {
                return Err(broken(expected, "it is not the entry that was recorded last"));
            }
        }
        // A process that ended between the two records leaves the kept end one entry behind; never ahead.
        if head.seq < kept.seq {
            return Err(broken(head.seq + 1, "it is missing"));
        }
        Ok(head)
    }

    fn chain(&self, migration: &str) -> [u8; 16] {
        self.hasher.hash(&[migration.as_bytes()])
    }

    /// Where the chain ends on disk; refuses to continue one whose end was cut off.
    fn find_head(&self, migration: &str, chain: &[u8; 16]) -> Result<ChainHead, JournalError> {
        let head = match self.stored(chain, 0).next_back().transpose()? {
            Some((seq, json)) => ChainHead::of(seq, &json),
            None => ChainHead::start(),
        };
        match self.heads.get(chain)? {
            Some(kept) if kept.seq > head.seq => Err(JournalError::Broken {
                migration: migration.to_owned(),
                seq: head.seq + 1,
                what: "it is missing",
            }),
            _ => Ok(head),
        }
    }

    /// The numbers and stored JSON of a chain's entries.
    fn stored(
        &self,
        chain: &[u8; 16],
        from: u64,
    ) -> impl DoubleEndedIterator<Item = Result<(u64, Vec<u8>), LedgerError>> + use<E> {
        let (first, last) = (entry_key(chain, from), entry_key(chain, u64::MAX));
        self.entries
            .range_json((Included(&first), Included(&last)))
            .map(|stored| {
                let (key, json) = stored?;
                let seq = key.last_chunk::<8>().copied().map_or(0, u64::from_be_bytes);
                Ok((seq, json))
            })
    }
}

fn entry_key(chain: &[u8; 16], seq: u64) -> [u8; 24] {
    let mut key = [0; 24];
    key[..16].copy_from_slice(chain);
    key[16..].copy_from_slice(&seq.to_be_bytes());
    key
}

fn decode<E: DeserializeOwned>(json: &[u8]) -> Result<Entry<E>, LedgerError> {
    serde_json::from_slice(json).map_err(|_| LedgerError::Record {
        table: "journal",
        what: "has another shape than this version reads",
    })
}

#[cfg(test)]
mod tests;
