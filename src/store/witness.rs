//! The witness: outside sled, the number of the last state of the ledger that was reported durable.
//!
//! sled cuts a damaged tail off its log without a word. Every durable state therefore has a number, stored as an ordinary
//! record and, after everything else has reached the disk, in a file of its own. A ledger whose record is behind that file has
//! lost something that somebody was told is safe.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::private::{self, FileError};

/// The number in little-endian bytes (8) and their CRC-32 (4).
const LEN: usize = 12;

/// The open witness file.
pub(super) struct Witness {
    path: PathBuf,
    file: File,
}

impl Witness {
    /// Opens or creates the file in the ledger's folder; the number is 0 for a new one and `None` for a damaged one.
    pub(super) fn open(dir: &Path) -> Result<(Witness, Option<u64>), FileError> {
        let path = dir.join("durable");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|e| FileError::new("open", &path, e))?;
        let number = match private::read_file(&path, LEN as u64) {
            Ok(bytes) if bytes.is_empty() => Some(0),
            Ok(bytes) => decode(&bytes),
            Err(FileError::TooLarge { .. }) => None,
            Err(error) => return Err(error),
        };
        Ok((Witness { path, file }, number))
    }

    /// Records a number. Not synced: after a power cut an older number is merely a weaker witness, never a false one.
    pub(super) fn record(&self, number: u64) -> Result<(), FileError> {
        self.file
            .write_all_at(&encode(number), 0)
            .map_err(|e| FileError::new("write", &self.path, e))
    }

    /// Replaces a damaged file.
    pub(super) fn replace(self, dir: &Path, number: u64) -> Result<Witness, FileError> {
        private::replace_file(&self.path, &encode(number))?;
        Ok(Witness::open(dir)?.0)
    }
}

fn encode(number: u64) -> [u8; LEN] {
    let mut bytes = [0; LEN];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    let checksum = crc32fast::hash(&bytes[..8]);
    bytes[8..].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

fn decode(bytes: &[u8]) -> Option<u64> {
    let (number, checksum) = bytes.split_first_chunk::<8>()?;
    let checksum: [u8; 4] = checksum.try_into().ok()?;
    (crc32fast::hash(number) == u32::from_le_bytes(checksum)).then(|| u64::from_le_bytes(*number))
}
