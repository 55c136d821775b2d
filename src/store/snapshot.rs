//! Opening sled in spite of its snapshots.
//!
//! A sled folder holds the log (`db`), large values (`blobs/`), a settings file (`conf`) and, as a shortcut for opening, a
//! snapshot of the page table (`snap.<lsn>`). sled 0.34 takes the last name that begins with `snap.`, whatever follows, and
//! refuses to open when that file is torn, although the log alone says the same. So a torn snapshot is set aside first: renamed
//! to a name that does not begin with `snap.`, after which sled reads the whole log (see `sled_log`) and writes a new one.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::thread;
use std::time::Duration;

use super::ledger::{LedgerError, Repair};
use super::private::FileError;
use super::sled_log::{self, Finding};

/// How often, and how long each time, a ledger that was closed a moment ago is waited for.
const RELEASE_CHECKS: u32 = 100;
const RELEASE_PAUSE: Duration = Duration::from_millis(20);

/// What to do about records that sled would leave out in silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Damage {
    /// Do not open.
    Refuse,
    /// Open for what is left.
    Accept,
}

/// Opens the sled database in `dir`, setting aside whatever keeps it from opening and can be made anew from the log.
pub(super) fn open_sled(dir: &Path, damage: Damage, repairs: &mut Vec<Repair>) -> Result<sled::Db, LedgerError> {
    let (unfinished, finished): (Vec<_>, Vec<_>) = files_named(dir, "snap.")?
        .into_iter()
        .partition(|path| is_unfinished(path));
    // Nothing was written to the log since the opening that did not live to finish them.
    set_aside(&unfinished, repairs)?;
    if finished.iter().any(|path| !is_whole(path)) {
        // All of them: an older one that is whole may describe parts of the log that were reused since.
        set_aside(&finished, repairs)?;
    }
    if let Some(db) = attempt(dir, damage, repairs)? {
        return Ok(db);
    }
    let mut replaceable = files_named(dir, "snap.")?;
    replaceable.extend(files_named(dir, "conf")?);
    set_aside(&replaceable, repairs)?;
    attempt(dir, damage, repairs)?.ok_or_else(|| LedgerError::Unopenable { dir: dir.to_owned() })
}

/// Opens the database once; `None` when its files are not what sled wrote, or sled panicked over them.
fn attempt(dir: &Path, damage: Damage, repairs: &mut Vec<Repair>) -> Result<Option<sled::Db>, LedgerError> {
    wait_for_release(dir)?;
    let from = files_named(dir, "snap.")?
        .iter()
        .filter_map(|path| snapshot_lsn(path))
        .max();
    match sled_log::prepare(&dir.join("db"), from.unwrap_or(0))? {
        Finding::Sound => {}
        Finding::Bridged(lsn) => repairs.push(Repair::Bridged { lsn }),
        Finding::Damaged if damage == Damage::Accept => {}
        Finding::Damaged => {
            return Err(LedgerError::Damaged { dir: dir.to_owned() });
        }
    }
    let config = sled::Config::new()
        .path(dir)
        .cache_capacity(16 << 20)
        .flush_every_ms(None);
    match quietly(|| config.open()) {
        Ok(Ok(db)) => Ok(Some(db)),
        Ok(Err(sled::Error::Io(error))) => match error.kind() {
            // What reading past the end of a cut file comes back as.
            ErrorKind::UnexpectedEof | ErrorKind::Other => Ok(None),
            _ => Err(FileError::new("open the ledger in", dir, error).into()),
        },
        Ok(Err(_)) | Err(_) => Ok(None),
    }
}

/// The LSN in a snapshot's name, in hexadecimal.
fn snapshot_lsn(snapshot: &Path) -> Option<u64> {
    u64::from_str_radix(snapshot.extension()?.to_str()?, 16).ok()
}

/// sled's worker threads keep the log locked for a moment after the database was dropped in this process.
fn wait_for_release(dir: &Path) -> Result<(), LedgerError> {
    let path = dir.join("db");
    let Ok(log) = File::open(&path) else {
        return Ok(());
    };
    for _ in 0..RELEASE_CHECKS {
        if log.try_lock().is_ok() {
            return log.unlock().map_err(|e| FileError::new("unlock", &path, e).into());
        }
        thread::sleep(RELEASE_PAUSE);
    }
    Err(LedgerError::InUse { dir: dir.to_owned() })
}

/// Whether a snapshot is complete: the page table, its length (8 bytes), and the CRC-32 of the page table (4 bytes).
fn is_whole(snapshot: &Path) -> bool {
    let Ok(bytes) = fs::read(snapshot) else {
        return false;
    };
    let Some((body, checksum)) = bytes.split_last_chunk::<4>() else {
        return false;
    };
    let Some((table, _length)) = body.split_last_chunk::<8>() else {
        return false;
    };
    !table.is_empty() && crc32fast::hash(table) == u32::from_le_bytes(*checksum)
}

/// Whether a process ended while it wrote this snapshot; sled would take it for the latest all the same.
fn is_unfinished(snapshot: &Path) -> bool {
    snapshot.extension().is_some_and(|extension| extension == "generating")
}

fn files_named(dir: &Path, prefix: &str) -> Result<Vec<PathBuf>, FileError> {
    let fail = |e| FileError::new("list", dir, e);
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        if entry.file_name().as_encoded_bytes().starts_with(prefix.as_bytes()) {
            found.push(entry.path());
        }
    }
    Ok(found)
}

fn set_aside(files: &[PathBuf], repairs: &mut Vec<Repair>) -> Result<(), FileError> {
    for file in files {
        let name = file.file_name().unwrap_or_default();
        let mut aside_name = std::ffi::OsString::from("torn.");
        aside_name.push(name);
        let aside = file.with_file_name(aside_name);
        fs::rename(file, &aside).map_err(|e| FileError::new("rename", file, e))?;
        repairs.push(Repair::SetAside {
            file: file.clone(),
            aside,
        });
    }
    Ok(())
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `work`, returns its panic as an error, and keeps the panic's message off the terminal.
///
/// Swapping the process's panic hook around the call would race with other threads. Instead one hook is put in front of the
/// existing one, once, and stays: it is silent on a thread that is inside this function and passes everything else on.
fn quietly<R>(work: impl FnOnce() -> R) -> thread::Result<R> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let next = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !QUIET.get() {
                next(panic);
            }
        }));
    });
    QUIET.set(true);
    // Nothing of what `work` touches is looked at after a panic: the caller starts again from the files.
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    QUIET.set(false);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_returned_and_the_next_one_is_not_swallowed() {
        assert!(quietly(|| -> u8 { panic!("inside") }).is_err());
        assert_eq!(quietly(|| 5).ok(), Some(5));
        assert!(!QUIET.get());
    }
}
