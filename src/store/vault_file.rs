//! `vault.json`: the data key as it lies on disk, wrapped by a secret.

use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::private::{self, FileError};
use super::sealer::Sealer;
use super::secret::{Lock, Secret};

const FORMAT: &str = "cutover vault";
const VERSION: u32 = 1;
/// Longest vault file that is read, in bytes; this version writes about 400.
const LIMIT: u64 = 64 * 1024;

/// Why a vault could not be made or opened.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// A vault is there already and would be lost.
    #[error("{} already holds the keys of a workspace", path.display())]
    Exists {
        /// The vault file.
        path: PathBuf,
    },
    /// No vault is there.
    #[error("there is no workspace key at {}", path.display())]
    Missing {
        /// The vault file.
        path: PathBuf,
    },
    /// The vault file is damaged.
    #[error("the workspace key {} is damaged: {what}", path.display())]
    Corrupt {
        /// The vault file.
        path: PathBuf,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The vault file was written by a later version of this program.
    #[error("the workspace key {} has format version {version}, and this program reads version {VERSION}", path.display())]
    Newer {
        /// The vault file.
        path: PathBuf,
        /// The version it says it has.
        version: u32,
    },
    /// The passphrase does not open this vault.
    #[error("the passphrase does not open the workspace key {}", path.display())]
    WrongPassphrase {
        /// The vault file.
        path: PathBuf,
    },
    /// The key file does not open this vault.
    #[error("the key file {} does not open the workspace key {}", key_file.display(), path.display())]
    WrongKeyFile {
        /// The vault file.
        path: PathBuf,
        /// The key file that was tried.
        key_file: PathBuf,
    },
    /// A passphrase was given for a vault locked by a key file, or the reverse.
    #[error("the workspace key {} is opened by {opened_by}, and something else was given", path.display())]
    WrongKind {
        /// The vault file.
        path: PathBuf,
        /// The kind of secret that opens it.
        opened_by: &'static str,
    },
    /// An empty passphrase would protect nothing.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// The key file does not hold 32 bytes of base64.
    #[error("the key file {} does not hold a key (32 bytes in base64)", path.display())]
    MalformedKeyFile {
        /// The key file.
        path: PathBuf,
    },
    /// Argon2 could not get its memory.
    #[error("checking a passphrase takes {mebibytes} MiB of memory, and this machine did not grant it")]
    OutOfMemory {
        /// The memory that was asked for.
        mebibytes: u32,
    },
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl VaultError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            VaultError::Exists { .. } => "open the workspace that is there, or choose another folder with CUTOVER_HOME",
            VaultError::Missing { .. } => {
                "check CUTOVER_HOME; if the key was moved or deleted, restore it from a backup: nothing in the workspace can be read without it"
            }
            VaultError::Corrupt { .. } => {
                "restore this file from a backup; nothing in the workspace can be read without it, and nothing else is damaged"
            }
            VaultError::Newer { .. } => "use the version of cutover that made this workspace, or a later one",
            VaultError::WrongPassphrase { .. } => {
                "check the keyboard layout and Caps Lock, and that CUTOVER_HOME names the workspace you mean; a forgotten passphrase cannot be recovered"
            }
            VaultError::WrongKeyFile { .. } => {
                "each workspace has its own key file; check that CUTOVER_HOME and the key file belong together"
            }
            VaultError::WrongKind {
                opened_by: "a key file",
                ..
            } => "give the key file instead of a passphrase",
            VaultError::WrongKind { .. } => "give the passphrase instead of a key file",
            VaultError::EmptyPassphrase => "choose at least a few words",
            VaultError::MalformedKeyFile { .. } => "check that this is the key file and not, say, a private key in PEM",
            VaultError::OutOfMemory { .. } => "close other programs, or raise the memory limit of this session",
            VaultError::File(error) => return error.hint(),
        };
        Some(text.to_owned())
    }
}

/// The file's JSON. `check` finds accidental damage, so that a flipped bit is not reported as a wrong passphrase; the seal on
/// `wrapped`, whose context is everything else, finds the rest.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct VaultFile {
    format: String,
    version: u32,
    lock: Lock,
    /// Nonce, sealed data key, tag; base64.
    wrapped: String,
    /// CRC-32 of the lock's JSON and of `wrapped`, in hexadecimal.
    check: String,
}

/// What every version of the file has.
#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

impl VaultFile {
    fn wrap(key: &[u8; 32], secret: &Secret, path: &Path) -> Result<VaultFile, VaultError> {
        if matches!(secret, Secret::Passphrase(words) if words.is_empty()) {
            return Err(VaultError::EmptyPassphrase);
        }
        let lock = Lock::new(secret);
        let wrapping = Sealer::new(&*lock.wrapping_key(secret, path)?);
        let wrapped = STANDARD.encode(wrapping.seal(&context(&lock), key));
        let check = check(&lock, &wrapped);
        Ok(VaultFile {
            format: FORMAT.to_owned(),
            version: VERSION,
            lock,
            wrapped,
            check,
        })
    }

    fn to_json(&self) -> Vec<u8> {
        let mut json = serde_json::to_vec_pretty(self).expect("strings and numbers always become JSON");
        json.push(b'\n');
        json
    }
}

/// What the seal on the data key authenticates besides the key: the program, the version and the lock.
fn context(lock: &Lock) -> Vec<u8> {
    let mut context = format!("{FORMAT} {VERSION} ").into_bytes();
    context.extend(serde_json::to_vec(lock).expect("strings and numbers always become JSON"));
    context
}

pub(super) fn check(lock: &Lock, wrapped: &str) -> String {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&context(lock));
    crc.update(wrapped.as_bytes());
    format!("{:08x}", crc.finalize())
}

/// Where the vault file is in the folder of keys.
pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join("vault.json")
}

/// Writes a new vault file. The caller holds the workspace's lock, so nobody else creates one in between.
pub(super) fn create(dir: &Path, key: &[u8; 32], secret: &Secret) -> Result<(), VaultError> {
    let path = path(dir);
    private::create_folder(dir)?;
    if path.try_exists().map_err(|e| FileError::new("read", &path, e))? {
        return Err(VaultError::Exists { path });
    }
    replace(dir, key, secret)
}

/// Writes the vault file anew, atomically.
pub(super) fn replace(dir: &Path, key: &[u8; 32], secret: &Secret) -> Result<(), VaultError> {
    let path = path(dir);
    let file = VaultFile::wrap(key, secret, &path)?;
    Ok(private::replace_file(&path, &file.to_json())?)
}

/// Reads the vault file and unwraps the data key.
pub(super) fn open(dir: &Path, secret: &Secret) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    let path = path(dir);
    let json = match private::read_file(&path, LIMIT) {
        Err(error) if error.is_not_found() => return Err(VaultError::Missing { path }),
        Err(FileError::TooLarge { .. }) => {
            return Err(VaultError::Corrupt {
                path,
                what: "it is far too long",
            });
        }
        other => other?,
    };
    private::require_private(&path)?;
    let corrupt = |what| VaultError::Corrupt {
        path: path.clone(),
        what,
    };

    let version = serde_json::from_slice::<Versioned>(&json).map_err(|_| corrupt("it is not the JSON it should be"))?;
    if version.version > VERSION {
        return Err(VaultError::Newer {
            path: path.clone(),
            version: version.version,
        });
    }
    let file: VaultFile = serde_json::from_slice(&json).map_err(|_| corrupt("it is not the JSON it should be"))?;
    if file.format != FORMAT || file.version != VERSION {
        return Err(corrupt("it is not a vault"));
    }
    if file.check != check(&file.lock, &file.wrapped) {
        return Err(corrupt("its checksum does not match"));
    }
    let wrapped = STANDARD
        .decode(&file.wrapped)
        .map_err(|_| corrupt("its wrapped key is not base64"))?;
    let wrapping = Sealer::new(&*file.lock.wrapping_key(secret, &path)?);
    let plain = wrapping
        .unseal(&context(&file.lock), &wrapped)
        .map(Zeroizing::new)
        .map_err(|_| match secret {
            Secret::Passphrase(_) => VaultError::WrongPassphrase { path: path.clone() },
            Secret::KeyFile(key_file) => VaultError::WrongKeyFile {
                path: path.clone(),
                key_file: key_file.clone(),
            },
        })?;
    let mut key = Zeroizing::new([0; 32]);
    if plain.len() != key.len() {
        return Err(corrupt("its key has another length"));
    }
    key.copy_from_slice(&plain);
    Ok(key)
}
