//! The ledger: small sealed records that must survive a power cut, in sled.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::handle::Handle;
use super::private::{self, FileError};
use super::snapshot::{self, Damage};
use super::table::Table;
use super::vault::Vault;
use super::witness::Witness;

/// The table and key of the number of the last durable state.
const DURABLE: &str = "durable";

/// Why the ledger could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// sled does not open the folder, with its snapshots or without.
    #[error("the ledger {} is damaged and cannot be opened", dir.display())]
    Unopenable {
        /// The ledger's folder.
        dir: PathBuf,
    },
    /// sled opened the folder without records that had been reported durable.
    #[error("the ledger {} has lost records: it is at state {found}, and state {durable} had been written safely", dir.display())]
    Lost {
        /// The ledger's folder.
        dir: PathBuf,
        /// The state that was found.
        found: u64,
        /// The last state that was reported durable.
        durable: u64,
    },
    /// A page of the ledger could not be read.
    #[error("the ledger {} is damaged: part of it cannot be read", dir.display())]
    Damaged {
        /// The ledger's folder.
        dir: PathBuf,
    },
    /// Another handle of this process, or another process, has the ledger open.
    #[error("the ledger {} is in use", dir.display())]
    InUse {
        /// The ledger's folder.
        dir: PathBuf,
    },
    /// One record is not what was stored.
    #[error("a record of the ledger's table {table} {what}")]
    Record {
        /// The table.
        table: &'static str,
        /// What is wrong with the record.
        what: &'static str,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl LedgerError {
    pub(super) fn from_sled(dir: &Path, error: sled::Error) -> LedgerError {
        match error {
            sled::Error::Io(error) => FileError::new("write the ledger in", dir, error).into(),
            _ => LedgerError::Damaged { dir: dir.to_owned() },
        }
    }

    /// True when only setting the ledger aside ([`Ledger::set_aside`]) and rebuilding it leads on.
    pub fn needs_rebuild(&self) -> bool {
        matches!(
            self,
            LedgerError::Unopenable { .. } | LedgerError::Lost { .. } | LedgerError::Damaged { .. }
        )
    }

    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            LedgerError::Unopenable { .. } | LedgerError::Lost { .. } | LedgerError::Damaged { .. } => Some(
                "restore the workspace from a backup if there is one; otherwise the ledger can be set aside and rebuilt: stored \
                 resources, their versions and the progress of files come back from landing/ and index/, but settings of \
                 migrations, the audit trail, decisions on conflicts and sign-offs are in the ledger alone"
                    .to_owned(),
            ),
            LedgerError::InUse { .. } => Some("wait until the other command has ended".to_owned()),
            LedgerError::Record { .. } => {
                Some("restore the workspace from a backup, or use the version of cutover that last wrote it".to_owned())
            }
            LedgerError::File(error) => error.hint(),
        }
    }
}

/// Something that was put right while the ledger was opened; its text is for the log and the doctor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// A file that the ledger makes anew was unusable and was renamed.
    SetAside {
        /// The file.
        file: PathBuf,
        /// Its new name.
        aside: PathBuf,
    },
    /// A part of sled's log that sled had reclaimed, and would have taken for torn, was marked as empty.
    Bridged {
        /// Where in the log it was.
        lsn: u64,
    },
    /// The file that remembers the last durable state was damaged and was written anew.
    WitnessRewritten,
}

impl std::fmt::Display for Repair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Repair::SetAside { file, aside } => write!(
                f,
                "the ledger's file {} was torn; it was renamed to {} and made anew from the log",
                file.display(),
                aside.file_name().unwrap_or_default().display()
            ),
            Repair::Bridged { lsn } => {
                write!(
                    f,
                    "a reclaimed part of the ledger's log (at {lsn}) was marked as empty, so that the rest is read"
                )
            }
            Repair::WitnessRewritten => {
                f.write_str("the ledger's note of its last durable state was damaged and was written anew")
            }
        }
    }
}

/// The open ledger; cheap to clone.
#[derive(Clone)]
pub struct Ledger {
    handle: Arc<Handle>,
    vault: Vault,
    disk: Arc<Mutex<Disk>>,
}

/// What [`Ledger::durable`] needs besides sled.
struct Disk {
    log: File,
    synced_blobs: HashSet<OsString>,
    states: Table<u64>,
    state: u64,
    witness: Witness,
}

impl Ledger {
    /// Opens or creates the ledger in `dir` and says what had to be put right. The caller holds the workspace's lock.
    pub fn open(dir: &Path, vault: &Vault) -> Result<(Ledger, Vec<Repair>), LedgerError> {
        private::create_folder(dir)?;
        Ledger::open_with(dir, vault, Damage::Refuse)
    }

    /// Opens a ledger that was [set aside](Ledger::set_aside), for copying out what is left of it: records may be missing or out
    /// of date, and only those that can be checked otherwise, such as a [`Journal`](super::Journal), should be believed.
    pub fn salvage(dir: &Path, vault: &Vault) -> Result<Ledger, LedgerError> {
        private::require_private(dir)?;
        Ok(Ledger::open_with(dir, vault, Damage::Accept)?.0)
    }

    fn open_with(dir: &Path, vault: &Vault, damage: Damage) -> Result<(Ledger, Vec<Repair>), LedgerError> {
        let mut repairs = Vec::new();
        let db = snapshot::open_sled(dir, damage, &mut repairs)?;
        let handle = Arc::new(Handle::new(dir, db));
        let states = open_table::<u64>(&handle, vault, DURABLE)?;
        let state = states.get(DURABLE.as_bytes())?.unwrap_or(0);
        let (mut witness, durable) = Witness::open(dir)?;
        match durable {
            Some(durable) if durable > state && damage == Damage::Refuse => {
                return Err(LedgerError::Lost {
                    dir: dir.to_owned(),
                    found: state,
                    durable,
                });
            }
            Some(_) => {}
            None => {
                witness = witness.replace(dir, state)?;
                repairs.push(Repair::WitnessRewritten);
            }
        }
        let path = dir.join("db");
        let log = File::open(&path).map_err(|e| FileError::new("open", &path, e))?;
        // sled's files exist from here on, whatever happens to the power.
        private::sync_folder(dir)?;
        let disk = Disk {
            log,
            synced_blobs: HashSet::new(),
            states,
            state,
            witness,
        };
        let ledger = Ledger {
            handle,
            vault: vault.clone(),
            disk: Arc::new(Mutex::new(disk)),
        };
        Ok((ledger, repairs))
    }

    /// The table of that name, created when it does not exist.
    pub fn table<T: Serialize + DeserializeOwned>(&self, name: &'static str) -> Result<Table<T>, LedgerError> {
        open_table(&self.handle, &self.vault, name)
    }

    /// The vault that seals this ledger.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// The space the ledger takes on disk, in bytes.
    pub fn size(&self) -> Result<u64, LedgerError> {
        self.handle.call(sled::Db::size_on_disk)
    }

    /// Returns when everything put so far survives a power cut.
    ///
    /// sled's own `flush` hands the log to the kernel with `sync_file_range`, which is not a barrier, and never syncs the files
    /// of large values; so those and the log are synced here as well. After an error the ledger takes nothing more: a sync that
    /// failed once cannot be trusted when it is repeated.
    pub fn durable(&self) -> Result<(), LedgerError> {
        let mut disk = self.disk.lock().unwrap_or_else(PoisonError::into_inner);
        let state = disk.state + 1;
        disk.states.put(DURABLE.as_bytes(), &state)?;
        self.handle.call(|db| db.flush())?;
        disk.sync(self.handle.dir(), state)
            .inspect_err(|error| self.handle.stop(error.kind()))?;
        disk.state = state;
        Ok(())
    }

    /// Renames the folder of a ledger that cannot be used, so that a new one can be made in its place; returns the new path.
    pub fn set_aside(dir: &Path) -> Result<PathBuf, FileError> {
        let mut number = 1;
        loop {
            let mut name = dir.file_name().unwrap_or_default().to_owned();
            name.push(format!(".damaged.{number}"));
            let aside = dir.with_file_name(name);
            if !aside.try_exists().map_err(|e| FileError::new("read", &aside, e))? {
                fs::rename(dir, &aside).map_err(|e| FileError::new("rename", dir, e))?;
                private::sync_folder(dir.parent().unwrap_or(dir))?;
                return Ok(aside);
            }
            number += 1;
        }
    }
}

impl std::fmt::Debug for Ledger {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Ledger").field(&self.handle.dir()).finish()
    }
}

fn open_table<T>(handle: &Arc<Handle>, vault: &Vault, name: &'static str) -> Result<Table<T>, LedgerError> {
    let tree = handle.call(|db| db.open_tree(name))?;
    Ok(Table::new(
        name,
        handle.clone(),
        tree,
        vault.sealer(&format!("ledger {name}")),
    ))
}

impl Disk {
    /// Makes what sled handed to the kernel durable, and then says so to the witness.
    fn sync(&mut self, dir: &Path, state: u64) -> Result<(), FileError> {
        sync_blobs(&dir.join("blobs"), &mut self.synced_blobs)?;
        self.log
            .sync_data()
            .map_err(|e| FileError::new("write", &dir.join("db"), e))?;
        self.witness.record(state)
    }
}

/// Syncs the files in `blobs` that are not in `synced`, and their folder. sled never changes such a file once it is written.
fn sync_blobs(blobs: &Path, synced: &mut HashSet<OsString>) -> Result<(), FileError> {
    let fail = |e| FileError::new("list", blobs, e);
    let mut present = HashSet::new();
    let mut fresh = false;
    for entry in fs::read_dir(blobs).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name();
        if !synced.contains(&name) {
            let path = blobs.join(&name);
            match File::open(&path).and_then(|file| file.sync_data()) {
                Ok(()) => fresh = true,
                // Removed by sled since the folder was listed: its record was replaced.
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                Err(e) => return Err(FileError::new("write", &path, e)),
            }
        }
        present.insert(name);
    }
    *synced = present;
    if fresh { private::sync_folder(blobs) } else { Ok(()) }
}

#[cfg(test)]
mod kill_tests;
#[cfg(test)]
mod recovery_tests;
#[cfg(test)]
mod tests;
