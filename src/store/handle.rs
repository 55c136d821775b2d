//! The open sled database, which stops for good at the first failed write or sync.
//!
//! After some failed writes (a full disk while a large value is written) sled 0.34 waits for ever, in `flush` and when it is
//! closed. So writing ends before the disk is full, and once anything has failed sled is not called again, not even to close it.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::statvfs;

use super::ledger::LedgerError;
use super::private::FileError;

/// Free bytes below which nothing is written any more; enough for sled to open, and for the records that say what happened.
const HEADROOM: u64 = 16 << 20;
/// Bytes that may be written between two looks at the free space.
const STRIDE: u64 = 1 << 20;

/// What tables and the ledger share.
pub(super) struct Handle {
    dir: PathBuf,
    db: sled::Db,
    /// Bytes written since the free space was looked at.
    written: AtomicU64,
    failed: OnceLock<ErrorKind>,
}

impl Handle {
    pub(super) fn new(dir: &Path, db: sled::Db) -> Handle {
        // Full, so that the first write looks.
        Handle {
            dir: dir.to_owned(),
            db,
            written: AtomicU64::new(STRIDE),
            failed: OnceLock::new(),
        }
    }

    /// The ledger's folder.
    pub(super) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Calls sled, unless an earlier call has failed.
    pub(super) fn call<R>(&self, work: impl FnOnce(&sled::Db) -> sled::Result<R>) -> Result<R, LedgerError> {
        if let Some(kind) = self.failed.get() {
            return Err(FileError::new("write the ledger in", &self.dir, io::Error::from(*kind)).into());
        }
        work(&self.db).map_err(|error| self.fail(error))
    }

    /// Makes sure that there is room for `bytes` and more.
    pub(super) fn reserve(&self, bytes: usize) -> Result<(), LedgerError> {
        let bytes = bytes as u64;
        if self.written.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes) < STRIDE {
            return Ok(());
        }
        let space = statvfs(&self.dir).map_err(|e| FileError::new("look at the disk of", &self.dir, e.into()))?;
        if space.f_bavail.saturating_mul(space.f_frsize) < bytes.saturating_add(HEADROOM) {
            // The next write looks again.
            return Err(FileError::DiskFull { path: self.dir.clone() }.into());
        }
        self.written.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// Names an error of sled's; one of the operating system's ends all use of sled.
    pub(super) fn fail(&self, error: sled::Error) -> LedgerError {
        if let sled::Error::Io(error) = &error {
            self.stop(error.kind());
        }
        LedgerError::from_sled(&self.dir, error)
    }

    /// Ends all use of sled: after a failed write, or a failed sync, which the kernel does not repeat.
    pub(super) fn stop(&self, kind: ErrorKind) {
        if self.failed.set(kind).is_ok() {
            // One reference that is never given back, so that sled is never closed. The process is about to end anyway.
            std::mem::forget(self.db.clone());
        }
    }
}
