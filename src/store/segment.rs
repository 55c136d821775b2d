//! Segments: append-only files of blocks in `landing/`.
//!
//! Bytes are never reused. A process that resumes starts a new segment, and what lies beyond a segment's sealed length (a tail that a
//! kill cut off, or garbage) does not exist as far as any reader is concerned.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use super::block::{self, BlockError, BlockHeader, HEADER_LEN};
use super::sealer::Sealer;

/// Where a record's bytes are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Location {
    /// The segment.
    pub segment: u32,
    /// Byte offset of the block in the segment.
    pub block: u64,
    /// Byte offset of the line in the block, before compression.
    pub start: u32,
    /// Length of the line in bytes, without its newline.
    pub len: u32,
}

/// Why landed bytes could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum SegmentError {
    /// The operating system refused.
    #[error("cannot read or write {path}: {source}")]
    Io {
        /// The segment file or its folder.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A block is damaged.
    #[error("{path} at byte {offset}: {source}")]
    Block {
        /// The segment file.
        path: PathBuf,
        /// Where the block begins.
        offset: u64,
        /// What is wrong with it.
        source: BlockError,
    },
    /// A segment is shorter than what was once reported durable.
    #[error("{path} holds {found} bytes, but {expected} were made durable")]
    Short {
        /// The segment file.
        path: PathBuf,
        /// Bytes found.
        found: u64,
        /// Bytes once made durable.
        expected: u64,
    },
    /// The place asked for was never made durable.
    #[error("segment {segment} has no durable bytes at {offset}")]
    Absent {
        /// The segment.
        segment: u32,
        /// The offset asked for.
        offset: u64,
    },
}

impl SegmentError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Io { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                "free some disk space, then run the same command again: it goes on where it stopped".to_owned()
            }
            Self::Io { .. } => "check the disk and the permissions of the workspace folder".to_owned(),
            _ => "run `cutover doctor`: it says what is damaged and what can be fetched again".to_owned(),
        })
    }
}

/// Blocks kept decoded, so that reading records in landing order decodes each block once.
const CACHED_BLOCKS: usize = 4;
/// Bytes of them; a longer block is one line, which nobody will ask for twice.
const CACHED_BYTES: usize = 2 * 1024 * 1024;
/// Bytes that may be added to a record when it is read, without another copy of it.
const ADDED: usize = 4 * 1024;

type CachedBlock = ((u32, u64), Arc<Vec<u8>>);

/// All segments of a workspace, for reading.
pub struct Segments {
    dir: PathBuf,
    sealer: Sealer,
    sealed: RwLock<HashMap<u32, u64>>,
    written: RwLock<HashMap<u32, u64>>,
    files: Mutex<HashMap<u32, Arc<File>>>,
    cache: Mutex<Vec<CachedBlock>>,
}

impl Segments {
    /// The segments in `dir`, of which `durable` says how many bytes of each are durable.
    pub fn new(dir: &Path, sealer: Sealer, durable: HashMap<u32, u64>) -> Self {
        Self {
            dir: dir.to_owned(),
            sealer,
            sealed: RwLock::new(durable),
            written: RwLock::default(),
            files: Mutex::default(),
            cache: Mutex::default(),
        }
    }

    /// Opens a segment that no process has written before.
    pub fn create(&self) -> Result<SegmentWriter, SegmentError> {
        let io = |source| SegmentError::Io {
            path: self.dir.clone(),
            source,
        };
        let mut next = self
            .sealed
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .max()
            .map_or(1, |id| id + 1);
        for entry in std::fs::read_dir(&self.dir).map_err(io)? {
            let name = entry.map_err(io)?.file_name();
            let number = name
                .to_str()
                .and_then(|n| n.strip_suffix(".seg"))
                .and_then(|n| n.parse::<u32>().ok());
            next = next.max(number.map_or(0, |n| n + 1));
        }
        let path = self.path(next);
        let file = OpenOptions::new()
            .create_new(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(|source| SegmentError::Io {
                path: path.clone(),
                source,
            })?;
        File::open(&self.dir).and_then(|d| d.sync_all()).map_err(io)?;
        self.seal(next, 0);
        Ok(SegmentWriter {
            id: next,
            len: 0,
            file,
            path,
        })
    }

    /// Records that the first `len` bytes of a segment are durable, from which moment they can be read.
    pub fn seal(&self, segment: u32, len: u64) {
        self.sealed
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(segment, len);
    }

    /// Records that the first `len` bytes of a segment were handed to the system, so that its own writer can read them back before they
    /// are durable.
    pub fn wrote(&self, segment: u32, len: u64) {
        self.written
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(segment, len);
    }

    /// Whether a place is inside a segment's durable bytes.
    pub fn has(&self, location: &Location) -> bool {
        self.sealed_len(location.segment) > location.block
    }

    /// Ids of all segments with durable bytes, oldest first.
    pub fn ids(&self) -> Vec<u32> {
        let sealed = self.sealed.read().unwrap_or_else(PoisonError::into_inner);
        let mut ids: Vec<u32> = sealed.iter().filter(|(_, len)| **len > 0).map(|(id, _)| *id).collect();
        ids.sort_unstable();
        ids
    }

    /// Durable bytes of one segment.
    pub fn sealed_len(&self, segment: u32) -> u64 {
        self.sealed
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&segment)
            .copied()
            .unwrap_or(0)
    }

    /// One record's bytes, without a newline.
    pub fn read(&self, location: &Location) -> Result<Vec<u8>, SegmentError> {
        let (segment, offset) = (location.segment, location.block);
        let (start, len) = (location.start as usize, location.len as usize);
        let damaged = || SegmentError::Block {
            path: self.path(segment),
            offset,
            source: BlockError::Header,
        };
        // A long line has a block for itself, which nobody else will ask for, and of which there need not be a copy.
        if start == 0 && len >= CACHED_BYTES {
            let mut line = self.decoded(segment, offset)?;
            if line.len() < len {
                return Err(damaged());
            }
            line.truncate(len);
            return Ok(line);
        }
        let block = self.block(segment, offset)?;
        Ok(block.get(start..start + len).ok_or_else(damaged)?.to_vec())
    }

    /// The decoded lines of the block at `offset`.
    pub fn block(&self, segment: u32, offset: u64) -> Result<Arc<Vec<u8>>, SegmentError> {
        let key = (segment, offset);
        {
            let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(at) = cache.iter().position(|(k, _)| *k == key) {
                let hit = cache.remove(at);
                let block = Arc::clone(&hit.1);
                cache.push(hit);
                return Ok(block);
            }
        }
        let raw = Arc::new(self.decoded(segment, offset)?);
        if raw.len() >= CACHED_BYTES {
            return Ok(raw);
        }
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = |cache: &[CachedBlock]| cache.iter().map(|(_, block)| block.len()).sum::<usize>();
        while cache.len() >= CACHED_BLOCKS || bytes(&cache) + raw.len() > CACHED_BYTES {
            cache.remove(0);
        }
        cache.push((key, Arc::clone(&raw)));
        Ok(raw)
    }

    fn decoded(&self, segment: u32, offset: u64) -> Result<Vec<u8>, SegmentError> {
        let header = self.header(segment, offset)?;
        let stored = HEADER_LEN + header.stored_len as usize;
        // A document that is not compressed is opened in these bytes, and what is added to it when it is read has room behind it.
        let mut bytes = Vec::with_capacity(stored + ADDED);
        bytes.resize(stored, 0);
        self.read_exact(segment, offset, &mut bytes)?;
        let opened = block::open(bytes, &self.sealer).map_err(|source| SegmentError::Block {
            path: self.path(segment),
            offset,
            source,
        });
        Ok(opened?.1)
    }

    /// The header of the block at `offset`.
    pub fn header(&self, segment: u32, offset: u64) -> Result<BlockHeader, SegmentError> {
        let mut head = [0u8; HEADER_LEN];
        self.read_exact(segment, offset, &mut head)?;
        BlockHeader::decode(&head).map_err(|source| SegmentError::Block {
            path: self.path(segment),
            offset,
            source,
        })
    }

    /// Offsets and headers of all blocks in one segment, in order, without their payloads.
    pub fn headers(&self, segment: u32) -> impl Iterator<Item = Result<(u64, BlockHeader), SegmentError>> + '_ {
        let end = self.sealed_len(segment);
        let mut at = 0;
        std::iter::from_fn(move || {
            if at >= end {
                return None;
            }
            let offset = at;
            Some(match self.header(segment, offset) {
                Ok(header) => {
                    at += HEADER_LEN as u64 + u64::from(header.stored_len);
                    Ok((offset, header))
                }
                Err(error) => {
                    at = end;
                    Err(error)
                }
            })
        })
    }

    /// Gives back the space of a segment that nothing durable speaks of. Its number is not used again while this process lives, which may
    /// remember what it read there.
    pub fn discard(&self, segment: u32) -> Result<(), SegmentError> {
        self.seal(segment, 0);
        self.written
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&segment);
        self.files
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&segment);
        let path = self.path(segment);
        std::fs::remove_file(&path).map_err(|source| SegmentError::Io { path, source })
    }

    /// Checks that every segment on disk is at least as long as what was made durable.
    pub fn check_lengths(&self) -> Result<(), SegmentError> {
        for id in self.ids() {
            let (path, expected) = (self.path(id), self.sealed_len(id));
            let found = std::fs::metadata(&path)
                .map_err(|source| SegmentError::Io {
                    path: path.clone(),
                    source,
                })?
                .len();
            if found < expected {
                return Err(SegmentError::Short { path, found, expected });
            }
        }
        Ok(())
    }

    fn read_exact(&self, segment: u32, offset: u64, into: &mut [u8]) -> Result<(), SegmentError> {
        let written = self
            .written
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&segment)
            .copied()
            .unwrap_or(0);
        if self.sealed_len(segment).max(written) < offset + into.len() as u64 {
            return Err(SegmentError::Absent { segment, offset });
        }
        let path = || self.path(segment);
        let file = {
            let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(file) = files.get(&segment) {
                Arc::clone(file)
            } else {
                let file = Arc::new(File::open(path()).map_err(|source| SegmentError::Io { path: path(), source })?);
                files.insert(segment, Arc::clone(&file));
                file
            }
        };
        file.read_exact_at(into, offset)
            .map_err(|source| SegmentError::Io { path: path(), source })
    }

    fn path(&self, segment: u32) -> PathBuf {
        self.dir.join(format!("{segment:08}.seg"))
    }
}

/// The one segment that this process appends to.
pub struct SegmentWriter {
    id: u32,
    len: u64,
    file: File,
    path: PathBuf,
}

impl SegmentWriter {
    /// The segment's id.
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Bytes appended so far; the offset of the next block.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether nothing was appended yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Appends a block and gives its offset.
    pub fn append(&mut self, block: &[u8]) -> Result<u64, SegmentError> {
        let at = self.len;
        self.file.write_all(block).map_err(|source| SegmentError::Io {
            path: self.path.clone(),
            source,
        })?;
        self.len += block.len() as u64;
        Ok(at)
    }

    /// Makes everything appended so far durable (`fdatasync`).
    pub fn sync(&self) -> Result<(), SegmentError> {
        self.file.sync_data().map_err(|source| SegmentError::Io {
            path: self.path.clone(),
            source,
        })
    }
}

#[cfg(test)]
mod tests;
