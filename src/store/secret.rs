//! What unlocks a vault: a passphrase or a key file.

use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::private::{self, FileError};
use super::sealer::random;
use super::vault_file::VaultError;

/// Longest key file that is read, in bytes: 44 of base64 and white space around it.
const KEY_FILE_LIMIT: u64 = 256;
/// Most memory that a vault file may ask of Argon2, so that a forged one cannot exhaust the machine.
const MOST_MEMORY_KIB: u32 = 1 << 20;
/// Most passes and lanes that a vault file may ask of Argon2.
const MOST_PASSES: u32 = 64;

/// What the consultant unlocks a workspace with.
#[derive(Clone)]
pub enum Secret {
    /// Words typed or read from a file; compared in Unicode NFC, so it does not matter how a terminal composes accents.
    Passphrase(Zeroizing<String>),
    /// The path of a file made by [`create_key_file`].
    KeyFile(PathBuf),
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Secret::Passphrase(_) => f.write_str("Passphrase(..)"),
            Secret::KeyFile(path) => f.debug_tuple("KeyFile").field(path).finish(),
        }
    }
}

/// Writes a new key file: 32 random bytes in base64, mode 0600; refuses to replace a file.
pub fn create_key_file(path: &Path) -> Result<(), FileError> {
    let bytes = Zeroizing::new(random::<32>());
    let mut text = Zeroizing::new(STANDARD.encode(*bytes));
    text.push('\n');
    private::create_file(path, text.as_bytes())
}

/// How the data key is locked: the kind of secret and the public parameters that turn it into the wrapping key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Lock {
    /// Argon2id version 0x13 (RFC 9106) of the passphrase.
    Passphrase {
        /// Memory in KiB.
        memory_kib: u32,
        /// Passes over that memory.
        passes: u32,
        /// Lanes.
        lanes: u32,
        /// 16 random bytes, base64.
        salt: String,
    },
    /// HKDF-SHA256 of the key file's bytes.
    KeyFile {
        /// 16 random bytes, base64.
        salt: String,
    },
}

impl Lock {
    /// A lock with a fresh salt for the given kind of secret.
    ///
    /// Argon2id with 64 MiB and 3 passes is the second recommendation of RFC 9106 section 4 with one lane, and more than
    /// three times the minimum of OWASP's password storage cheat sheet (19 MiB, 2 passes).
    pub(super) fn new(secret: &Secret) -> Lock {
        let salt = STANDARD.encode(random::<16>());
        match secret {
            Secret::Passphrase(_) => Lock::Passphrase {
                memory_kib: 64 * 1024,
                passes: 3,
                lanes: 1,
                salt,
            },
            Secret::KeyFile(_) => Lock::KeyFile { salt },
        }
    }

    /// What opens this lock, in words.
    pub(super) fn opened_by(&self) -> &'static str {
        match self {
            Lock::Passphrase { .. } => "a passphrase",
            Lock::KeyFile { .. } => "a key file",
        }
    }

    /// The key that wraps the data key; `vault` is the vault file's path, for errors.
    pub(super) fn wrapping_key(&self, secret: &Secret, vault: &Path) -> Result<Zeroizing<[u8; 32]>, VaultError> {
        let corrupt = |what| VaultError::Corrupt {
            path: vault.to_owned(),
            what,
        };
        match (self, secret) {
            (
                Lock::Passphrase {
                    memory_kib,
                    passes,
                    lanes,
                    salt,
                },
                Secret::Passphrase(passphrase),
            ) => {
                if *memory_kib > MOST_MEMORY_KIB || *passes > MOST_PASSES || *lanes > MOST_PASSES {
                    return Err(corrupt("its Argon2 parameters are out of range"));
                }
                let params = Params::new(*memory_kib, *passes, *lanes, Some(32))
                    .map_err(|_| corrupt("its Argon2 parameters are out of range"))?;
                let salt = STANDARD.decode(salt).map_err(|_| corrupt("its salt is not base64"))?;
                argon2id(params, passphrase, &salt).map_err(|error| match error {
                    argon2::Error::OutOfMemory => VaultError::OutOfMemory {
                        mebibytes: memory_kib / 1024,
                    },
                    _ => corrupt("its Argon2 parameters or salt are out of range"),
                })
            }
            (Lock::KeyFile { salt }, Secret::KeyFile(path)) => {
                let salt = STANDARD.decode(salt).map_err(|_| corrupt("its salt is not base64"))?;
                let bytes = read_key_file(path)?;
                let mut key = Zeroizing::new([0; 32]);
                Salt::new(HKDF_SHA256, &salt)
                    .extract(&*bytes)
                    .expand(&[b"cutover 1 key file"], HKDF_SHA256)
                    .and_then(|output| output.fill(&mut *key))
                    .expect("HKDF-SHA256 yields 32 bytes");
                Ok(key)
            }
            (lock, _) => Err(VaultError::WrongKind {
                path: vault.to_owned(),
                opened_by: lock.opened_by(),
            }),
        }
    }
}

fn argon2id(params: Params, passphrase: &str, salt: &[u8]) -> Result<Zeroizing<[u8; 32]>, argon2::Error> {
    let mut composed = Zeroizing::new(String::with_capacity(passphrase.len() * 3));
    composed.extend(passphrase.nfc());
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(
        composed.as_bytes(),
        salt,
        &mut *key,
    )?;
    Ok(key)
}

fn read_key_file(path: &Path) -> Result<Zeroizing<[u8; 32]>, VaultError> {
    private::require_private(path)?;
    let text = Zeroizing::new(private::read_file(path, KEY_FILE_LIMIT)?);
    let malformed = || VaultError::MalformedKeyFile { path: path.to_owned() };
    let bytes = Zeroizing::new(STANDARD.decode(text.trim_ascii()).map_err(|_| malformed())?);
    let mut key = Zeroizing::new([0; 32]);
    if bytes.len() != key.len() {
        return Err(malformed());
    }
    key.copy_from_slice(&bytes);
    Ok(key)
}
