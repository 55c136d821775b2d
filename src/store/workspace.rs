//! The workspace: one private folder with everything that a practice's migrations need, opened by one process at a time.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use etcetera::BaseStrategy;
use rustix::fs::Mode;

use super::ledger::{Ledger, LedgerError, Repair};
use super::private::{self, FileError};
use super::secret::Secret;
use super::vault::Vault;
use super::vault_file::VaultError;
use super::wipe::Wiped;
use super::workspace_lock::{self, Holder, LockError, WorkspaceLock};

pub(super) const KEYS: &str = "keys";
const LEDGER: &str = "ledger";
/// The folders of a workspace.
const FOLDERS: [&str; 8] = [
    KEYS,
    LEDGER,
    "landing",
    "index",
    "deliveries",
    "reports",
    "presets",
    "logs",
];

/// Why a workspace could not be created or opened.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    /// Neither `CUTOVER_HOME` nor a home folder says where the workspace is.
    #[error("it is not known where the workspace is: neither CUTOVER_HOME nor HOME is set")]
    NoHome,
    /// No workspace is there.
    #[error("there is no workspace at {}", path.display())]
    Missing {
        /// The folder.
        path: PathBuf,
    },
    /// The folder is there, and holds something else.
    #[error("{} is not a workspace and is not empty", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// It was wiped.
    #[error("the workspace {} was wiped on {} by {}", path.display(), note.when.strftime("%Y-%m-%d %H:%M UTC"), note.who)]
    Wiped {
        /// The folder.
        path: PathBuf,
        /// What stays of it.
        note: Box<Wiped>,
    },
    /// Another process has it open.
    #[error("the workspace {} is in use by {}", path.display(), named(holder.as_ref()))]
    Locked {
        /// The folder.
        path: PathBuf,
        /// Who has it open, if it said so.
        holder: Option<Holder>,
    },
    /// Its key could not be made or unlocked.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// Its ledger could not be opened.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A file or folder could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

fn named(holder: Option<&Holder>) -> String {
    holder.map_or_else(|| "another process".to_owned(), Holder::to_string)
}

impl WorkspaceError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            WorkspaceError::NoHome => {
                Some("set CUTOVER_HOME to a folder on an encrypted disk with room for the data".to_owned())
            }
            WorkspaceError::Missing { .. } => {
                Some("check CUTOVER_HOME; a new workspace is made by `cutover migration add`".to_owned())
            }
            WorkspaceError::Wiped { path, note } => Some(format!(
                "evidence stays in {}: {}; `cutover report --check FILE` checks it; set CUTOVER_HOME to another folder for another practice",
                path.join("reports").display(),
                note.evidence.join(", ")
            )),
            WorkspaceError::NotEmpty { .. } => Some("set CUTOVER_HOME to a new or empty folder".to_owned()),
            WorkspaceError::Locked {
                holder: Some(holder), ..
            } => Some(format!(
                "wait until it has ended, or end it with: kill {}; it then continues later where it stopped",
                holder.pid
            )),
            WorkspaceError::Locked { .. } => Some("wait until it has ended".to_owned()),
            WorkspaceError::Vault(error) => error.hint(),
            WorkspaceError::Ledger(error) => error.hint(),
            WorkspaceError::File(error) => error.hint(),
        }
    }
}

/// An open workspace. While one exists, no other process can open the same folder.
#[derive(Debug)]
pub struct Workspace {
    root: PathBuf,
    vault: Vault,
    ledger: Ledger,
    repairs: Vec<Repair>,
    // Last, so that the ledger is closed before the next process may open it.
    lock: WorkspaceLock,
}

/// What to do about a ledger while opening a workspace.
enum LedgerPlan {
    Open,
    SetAside,
}

impl Workspace {
    /// Where the workspace is by default: `$CUTOVER_HOME`, else `cutover` in the XDG data folder.
    pub fn default_path() -> Result<PathBuf, WorkspaceError> {
        if let Some(path) = env::var_os("CUTOVER_HOME").filter(|path| !path.is_empty()) {
            return Ok(PathBuf::from(path));
        }
        let strategy = etcetera::base_strategy::Xdg::new().map_err(|_| WorkspaceError::NoHome)?;
        Ok(strategy.data_dir().join("cutover"))
    }

    /// True when the folder holds a workspace.
    pub fn exists(path: &Path) -> bool {
        Vault::exists(&path.join(KEYS))
    }

    /// Who has the workspace open; `None` when nobody has.
    pub fn holder(path: &Path) -> Result<Option<Holder>, WorkspaceError> {
        Ok(workspace_lock::holder(path)?)
    }

    /// Makes a new workspace, locked by `secret`, in a folder that is missing or empty. `command` is shown to whoever finds the
    /// workspace in use; being `'static`, it is never something the person typed.
    pub fn create(path: &Path, secret: &Secret, command: &'static str) -> Result<Workspace, WorkspaceError> {
        Workspace::refuse_wiped(path)?;
        close_to_others();
        private::create_folder(path)?;
        let lock = lock(path, command)?;
        refuse_foreign(path)?;
        for folder in FOLDERS {
            private::create_folder(&path.join(folder))?;
        }
        let vault = Vault::create(&path.join(KEYS), secret)?;
        private::sync_folder(path)?;
        Workspace::enter(path, vault, lock, &LedgerPlan::Open)
    }

    /// Opens an existing workspace.
    pub fn open(path: &Path, secret: &Secret, command: &'static str) -> Result<Workspace, WorkspaceError> {
        Workspace::open_as(path, secret, command, &LedgerPlan::Open)
    }

    /// Opens an existing workspace, or makes one where none is.
    pub fn open_or_create(path: &Path, secret: &Secret, command: &'static str) -> Result<Workspace, WorkspaceError> {
        match Workspace::open(path, secret, command) {
            Err(WorkspaceError::Missing { .. }) => Workspace::create(path, secret, command),
            other => other,
        }
    }

    /// Opens a workspace whose ledger [needs to be rebuilt](LedgerError::needs_rebuild): the damaged one is kept beside it under
    /// another name, and the workspace comes back with an empty one.
    pub fn open_with_new_ledger(
        path: &Path,
        secret: &Secret,
        command: &'static str,
    ) -> Result<Workspace, WorkspaceError> {
        Workspace::open_as(path, secret, command, &LedgerPlan::SetAside)
    }

    fn open_as(
        path: &Path,
        secret: &Secret,
        command: &'static str,
        plan: &LedgerPlan,
    ) -> Result<Workspace, WorkspaceError> {
        Workspace::refuse_wiped(path)?;
        if !Workspace::exists(path) && !holds_data(path) {
            return Err(WorkspaceError::Missing { path: path.to_owned() });
        }
        close_to_others();
        private::require_private(path)?;
        let lock = lock(path, command)?;
        for folder in FOLDERS {
            private::create_folder(&path.join(folder))?;
        }
        let vault = Vault::open(&path.join(KEYS), secret)?;
        Workspace::enter(path, vault, lock, plan)
    }

    fn enter(path: &Path, vault: Vault, lock: WorkspaceLock, plan: &LedgerPlan) -> Result<Workspace, WorkspaceError> {
        let dir = path.join(LEDGER);
        if matches!(plan, LedgerPlan::SetAside) {
            Ledger::set_aside(&dir)?;
        }
        let (ledger, repairs) = Ledger::open(&dir, &vault)?;
        Ok(Workspace {
            root: path.to_owned(),
            vault,
            ledger,
            repairs,
            lock,
        })
    }

    /// Closes everything but the lock.
    pub(super) fn closed(self) -> (PathBuf, WorkspaceLock) {
        (self.root, self.lock)
    }

    /// The workspace's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What seals everything in it.
    pub fn vault(&self) -> &Vault {
        &self.vault
    }

    /// Its small records.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What had to be put right in the ledger when the workspace was opened.
    pub fn repairs(&self) -> &[Repair] {
        &self.repairs
    }

    /// The folder of sealed NDJSON blocks.
    pub fn landing_dir(&self) -> PathBuf {
        self.root.join("landing")
    }

    /// The folder of the resource index.
    pub fn index_dir(&self) -> PathBuf {
        self.root.join("index")
    }

    /// The folder of what is known of records at a destination.
    pub fn deliveries_dir(&self) -> PathBuf {
        self.root.join("deliveries")
    }

    /// The folder of the vault, sealed private keys and the public `jwks.json`.
    pub fn keys_dir(&self) -> PathBuf {
        self.root.join(KEYS)
    }

    /// The folder of evidence.
    pub fn reports_dir(&self) -> PathBuf {
        self.root.join("reports")
    }

    /// The folder of presets that take the place of the built-in ones.
    pub fn presets_dir(&self) -> PathBuf {
        self.root.join("presets")
    }

    /// The folder of logs.
    pub fn logs_dir(&self) -> PathBuf {
        self.root.join("logs")
    }

    /// Locks the workspace with another secret from now on.
    pub fn change_secret(&self, secret: &Secret) -> Result<(), WorkspaceError> {
        Ok(self.vault.change_secret(&self.keys_dir(), secret)?)
    }
}

/// From here on this process creates nothing that others can read: the databases choose no modes for their files themselves.
fn close_to_others() {
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
}

pub(super) fn lock(path: &Path, command: &str) -> Result<WorkspaceLock, WorkspaceError> {
    workspace_lock::acquire(path, command).map_err(|error| match error {
        LockError::Held(holder) => WorkspaceError::Locked {
            path: path.to_owned(),
            holder,
        },
        LockError::File(error) => error.into(),
    })
}

/// True when a ledger is there; without a vault beside it, the key is lost and a new one must not take its place.
fn holds_data(path: &Path) -> bool {
    path.join(LEDGER).join("db").exists()
}

/// Refuses a folder in which there is something other than the beginnings of a workspace.
fn refuse_foreign(path: &Path) -> Result<(), WorkspaceError> {
    let fail = |e| FileError::new("list", path, e);
    for entry in fs::read_dir(path).map_err(fail)? {
        let name = entry.map_err(fail)?.file_name();
        if name != "lock" && FOLDERS.iter().all(|folder| name != *folder) {
            return Err(WorkspaceError::NotEmpty { path: path.to_owned() });
        }
    }
    if holds_data(path) && !Workspace::exists(path) {
        return Err(VaultError::Missing {
            path: path.join(KEYS).join("vault.json"),
        }
        .into());
    }
    Ok(())
}

#[cfg(test)]
mod tests;
