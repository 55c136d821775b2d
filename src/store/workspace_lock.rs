//! One process at a time: the workspace's lock file, and who holds it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::private::{self, FileError};

/// Longest description of a holder that is read, in bytes.
const LIMIT: u64 = 4096;
/// How often, and how long each time, a held lock is tried again: long enough for somebody who only looks ([`holder`]) to let
/// go, and for a holder who has just begun to say who it is.
const TRIES: u32 = 15;
const PAUSE: Duration = Duration::from_millis(20);

/// The process that has a workspace open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process id.
    pub pid: u32,
    /// The name of the machine it runs on, where that is known.
    pub host: Option<String>,
    /// When it opened the workspace.
    pub since: Timestamp,
    /// The command it runs, such as `run`, without arguments.
    pub command: String,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "`cutover {}` (process {}", self.command, self.pid)?;
        if let Some(host) = &self.host {
            write!(f, " on {host}")?;
        }
        write!(f, ") since {:.0}", self.since)
    }
}

/// Why the lock was not obtained.
pub(super) enum LockError {
    /// Another process has it; it may not have said who it is.
    Held(Option<Holder>),
    /// The file system refused.
    File(FileError),
}

/// The held lock; let go when dropped, and by the operating system when the process ends in whatever way.
#[derive(Debug)]
pub(super) struct WorkspaceLock {
    _file: File,
}

fn path(root: &Path) -> PathBuf {
    root.join("lock")
}

/// Takes the lock for `command` without waiting for a holder to end.
pub(super) fn acquire(root: &Path, command: &str) -> Result<WorkspaceLock, LockError> {
    let path = path(root);
    let fail = |action, e| LockError::File(FileError::new(action, &path, e));
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|e| fail("open", e))?;
    let mut tries = 0;
    loop {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::WouldBlock) if tries < TRIES => {
                tries += 1;
                thread::sleep(PAUSE);
            }
            Err(TryLockError::WouldBlock) => return Err(LockError::Held(describe(&path))),
            Err(TryLockError::Error(e)) => return Err(fail("lock", e)),
        }
    }
    let holder = Holder {
        pid: std::process::id(),
        host: host(),
        since: Timestamp::now(),
        command: command.to_owned(),
    };
    let mut json = serde_json::to_vec(&holder).map_err(|e| fail("write", e.into()))?;
    json.push(b'\n');
    file.set_len(0)
        .and_then(|()| file.write_all_at(&json, 0))
        .map_err(|e| fail("write", e))?;
    Ok(WorkspaceLock { _file: file })
}

/// Who has the workspace open; `None` when nobody has, or nobody says so.
pub(super) fn holder(root: &Path) -> Result<Option<Holder>, FileError> {
    let path = path(root);
    let file = match File::open(&path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(|e| FileError::new("open", &path, e))?,
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(describe(&path)),
        Err(TryLockError::Error(e)) => Err(FileError::new("lock", &path, e)),
    }
}

fn describe(path: &Path) -> Option<Holder> {
    serde_json::from_slice(&private::read_file(path, LIMIT).ok()?).ok()
}

fn host() -> Option<String> {
    let name = ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok())?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}
