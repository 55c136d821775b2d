//! Entries of records that are durable and not in a table of the index yet: sorted in memory, and in a log beside it, from which they come
//! back after a kill.
//!
//! fjall's own memory and journal would do, at twice the memory for an entry, in tables a third as large, and with every writer waiting
//! while its one worker merges tables. Here a layer of entries that has grown large becomes a table in a thread of its own, while the
//! next one is being filled.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use fjall::Keyspace;

use super::IndexError;
use crate::store::entry::{Entry, RecordKey};
use crate::store::private::{FileError, sync_folder};

/// Bytes of entries at which a layer becomes a table.
pub const LAYER: usize = 11 * 1024 * 1024;
/// Length and checksum before each run in a log.
const HEAD: usize = 8;
const KEY: usize = 20;

/// The entries of one commit in the order of their keys, each as key, length of the entry, entry.
struct Run {
    bytes: Vec<u8>,
    starts: Vec<u32>,
}

/// Runs, the newest last, and the log that holds the same.
#[derive(Default)]
struct Layer {
    runs: Vec<Run>,
    bytes: usize,
    log: Option<(File, PathBuf)>,
}

#[derive(Default)]
struct Layers {
    filling: Layer,
    /// Becoming a table.
    closed: Option<Arc<Layer>>,
    writing: Option<JoinHandle<Result<(), IndexError>>>,
    next_log: u64,
}

/// The entries that are not in a table yet.
pub struct Recent {
    folder: PathBuf,
    records: Keyspace,
    layer: usize,
    layers: Arc<Mutex<Layers>>,
}

impl Recent {
    /// Opens the log in `folder`; what it holds becomes a table, so that nothing is left to come back twice.
    pub fn open(folder: &Path, records: Keyspace, layer: usize) -> Result<Self, IndexError> {
        fs::create_dir_all(folder).map_err(|e| FileError::new("create the folder", folder, e))?;
        let mut logs: Vec<(u64, PathBuf)> = Vec::new();
        for file in fs::read_dir(folder).map_err(|e| FileError::new("read", folder, e))? {
            let path = file.map_err(|e| FileError::new("read", folder, e))?.path();
            let number = path.file_stem().and_then(|stem| stem.to_str()).map(str::parse);
            logs.push((number.and_then(Result::ok).ok_or(IndexError::Format)?, path));
        }
        logs.sort();
        for (_, path) in &logs {
            let log = fs::read(path).map_err(|e| FileError::new("read", path, e))?;
            tabulate(&records, &runs_of(&log)?)?;
            remove(path)?;
        }
        Ok(Self {
            folder: folder.to_owned(),
            records,
            layer,
            layers: Arc::default(),
        })
    }

    /// Makes these entries durable, which are in the order of their keys, each key once.
    pub fn add(&self, entries: &[(RecordKey, Entry)]) -> Result<(), IndexError> {
        if entries.is_empty() {
            return Ok(());
        }
        let run = Run::of(entries);
        let mut layers = self.lock();
        if layers.filling.log.is_none() {
            let path = self.folder.join(format!("{}.log", layers.next_log));
            layers.next_log += 1;
            let file = File::create_new(&path).map_err(|e| FileError::new("create", &path, e))?;
            sync_folder(&self.folder)?;
            layers.filling.log = Some((file, path));
        }
        if let Some((file, path)) = &mut layers.filling.log {
            let written = file
                .write_all(&run.head())
                .and_then(|()| file.write_all(&run.bytes))
                .and_then(|()| file.sync_data());
            written.map_err(|e| FileError::new("write", path, e))?;
        }
        layers.filling.bytes += run.bytes.len();
        layers.filling.runs.push(run);
        let full = layers.filling.bytes >= self.layer;
        drop(layers);
        if full { self.turn() } else { Ok(()) }
    }

    /// The entry of a record, if it is here.
    pub fn get(&self, key: &RecordKey) -> Option<Entry> {
        let layers = self.lock();
        let closed = layers.closed.iter().flat_map(|layer| layer.runs.iter().rev());
        let mut runs = layers.filling.runs.iter().rev().chain(closed);
        runs.find_map(|run| run.get(key))
    }

    /// Puts everything into tables and waits until that is durable.
    pub fn settle(&self) -> Result<(), IndexError> {
        self.turn()?;
        self.wait()
    }

    /// Begins to put what was gathered into a table, once what was gathered before it is in one.
    fn turn(&self) -> Result<(), IndexError> {
        self.wait()?;
        let mut layers = self.lock();
        if layers.closed.is_some() {
            // It failed before, and whoever was told goes on all the same.
            layers.writing = self.write(&layers);
            drop(layers);
            self.wait()?;
            layers = self.lock();
        }
        if !layers.filling.runs.is_empty() {
            layers.closed = Some(Arc::new(std::mem::take(&mut layers.filling)));
            layers.writing = self.write(&layers);
        }
        Ok(())
    }

    /// Puts the closed layer into a table, in a thread of its own.
    fn write(&self, layers: &Layers) -> Option<JoinHandle<Result<(), IndexError>>> {
        let layer = Arc::clone(layers.closed.as_ref()?);
        let (records, shared) = (self.records.clone(), Arc::clone(&self.layers));
        Some(std::thread::spawn(move || {
            tabulate(&records, &layer.runs)?;
            // Were it not gone for certain, it could come back over what is changed from now on.
            if let Some((_, path)) = &layer.log {
                remove(path)?;
            }
            shared.lock().unwrap_or_else(PoisonError::into_inner).closed = None;
            Ok(())
        }))
    }

    fn wait(&self) -> Result<(), IndexError> {
        let writing = self.lock().writing.take();
        match writing.map(JoinHandle::join) {
            Some(Ok(written)) => written,
            Some(Err(_)) => Err(IndexError::Stopped),
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Layers> {
        self.layers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Recent {
    /// Waits for the table that is being written, so that nobody writes into a folder that is given back. What fails is in its log.
    fn drop(&mut self) {
        let _ = self.wait();
    }
}

impl Run {
    fn of(entries: &[(RecordKey, Entry)]) -> Self {
        let mut run = Self {
            bytes: Vec::with_capacity(entries.len() * 64),
            starts: Vec::with_capacity(entries.len()),
        };
        for (key, entry) in entries {
            let entry = entry.encode();
            let entry = entry.as_slice();
            // An entry is at most 70 bytes long, and a commit a few megabytes.
            #[expect(clippy::cast_possible_truncation, reason = "see above")]
            {
                run.starts.push(run.bytes.len() as u32);
                run.bytes.extend_from_slice(key.as_bytes());
                run.bytes.push(entry.len() as u8);
            }
            run.bytes.extend_from_slice(entry);
        }
        run.bytes.shrink_to_fit();
        run
    }

    /// The run in these bytes of a log.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let (mut starts, mut at) = (Vec::new(), 0);
        while at < bytes.len() {
            starts.push(u32::try_from(at).ok()?);
            at += KEY + 1 + usize::from(*bytes.get(at + KEY)?);
        }
        (at == bytes.len()).then(|| Self {
            bytes: bytes.to_vec(),
            starts,
        })
    }

    #[expect(clippy::cast_possible_truncation, reason = "a commit is a few megabytes")]
    fn head(&self) -> [u8; HEAD] {
        let (len, sum) = (self.bytes.len() as u32, crc32fast::hash(&self.bytes));
        let mut head = [0; HEAD];
        head[..4].copy_from_slice(&len.to_le_bytes());
        head[4..].copy_from_slice(&sum.to_le_bytes());
        head
    }

    /// Key and entry at a place.
    fn at(&self, start: u32) -> (&[u8], &[u8]) {
        let start = start as usize;
        let entry = start + KEY + 1;
        let end = entry + usize::from(self.bytes[start + KEY]);
        (&self.bytes[start..start + KEY], &self.bytes[entry..end])
    }

    fn get(&self, key: &RecordKey) -> Option<Entry> {
        let found = self
            .starts
            .binary_search_by_key(&key.as_bytes().as_slice(), |start| self.at(*start).0)
            .ok()?;
        Entry::decode(self.at(self.starts[found]).1)
    }
}

/// The runs of a log. A last one that is not whole belongs to a checkpoint that a kill cut off.
fn runs_of(log: &[u8]) -> Result<Vec<Run>, IndexError> {
    let (mut runs, mut rest) = (Vec::new(), log);
    while let Some((head, after)) = rest.split_first_chunk::<HEAD>() {
        let [a, b, c, d, sum @ ..] = *head;
        let len = u32::from_le_bytes([a, b, c, d]) as usize;
        let Some((bytes, after)) = after.split_at_checked(len) else {
            break;
        };
        if crc32fast::hash(bytes) != u32::from_le_bytes(sum) {
            if after.is_empty() {
                break;
            }
            return Err(IndexError::Format);
        }
        runs.push(Run::parse(bytes).ok_or(IndexError::Format)?);
        rest = after;
    }
    Ok(runs)
}

/// Writes runs into one durable table.
fn tabulate(records: &Keyspace, runs: &[Run]) -> Result<(), IndexError> {
    let newest_first = runs.iter().rev();
    let mut entries: Vec<(&[u8], &[u8])> = newest_first
        .flat_map(|run| run.starts.iter().map(|start| run.at(*start)))
        .collect();
    // Stable: of the same key, the newest stays first.
    entries.sort_by_key(|(key, _)| *key);
    entries.dedup_by_key(|(key, _)| *key);
    let mut table = records.start_ingestion()?;
    for (key, entry) in entries {
        table.write(key, entry)?;
    }
    Ok(table.finish()?)
}

fn remove(log: &Path) -> Result<(), IndexError> {
    fs::remove_file(log).map_err(|e| FileError::new("remove", log, e))?;
    Ok(sync_folder(log.parent().unwrap_or(log))?)
}

#[cfg(test)]
mod tests;
