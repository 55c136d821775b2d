//! The vault: one random data key, wrapped by a secret of the consultant's, from which every other key is derived.

use std::path::Path;

use aws_lc_rs::hkdf::{HKDF_SHA256, Prk};
use zeroize::Zeroizing;

use super::sealer::{KeyedHasher, Sealer, Unauthentic, random};
use super::secret::Secret;
use super::vault_file::{self, VaultError};

/// The workspace's data key; seals bytes and hands out sealers and hashers with keys of their own (HKDF, RFC 5869).
#[derive(Clone)]
pub struct Vault {
    key: Zeroizing<[u8; 32]>,
    own: Sealer,
}

impl Vault {
    /// Makes a new random 256-bit data key and writes it, wrapped by `secret`, into `dir`; refuses to replace a vault.
    pub fn create(dir: &Path, secret: &Secret) -> Result<Vault, VaultError> {
        let key = Zeroizing::new(random::<32>());
        vault_file::create(dir, &key, secret)?;
        Ok(Vault::from_key(key))
    }

    /// Unwraps the data key in `dir` with `secret`.
    pub fn open(dir: &Path, secret: &Secret) -> Result<Vault, VaultError> {
        Ok(Vault::from_key(vault_file::open(dir, secret)?))
    }

    /// True when `dir` holds a vault.
    pub fn exists(dir: &Path) -> bool {
        vault_file::path(dir).exists()
    }

    /// Wraps the same data key with another secret, atomically; nothing that was sealed is touched.
    pub fn change_secret(&self, dir: &Path, secret: &Secret) -> Result<(), VaultError> {
        vault_file::replace(dir, &self.key, secret)
    }

    fn from_key(key: Zeroizing<[u8; 32]>) -> Vault {
        let own = Sealer::new(&derive(&key, "seal", "vault"));
        Vault { key, own }
    }

    /// Seals a copy of `plain`; it opens only with the same `context`, which is authenticated but not stored.
    pub fn seal(&self, context: &[u8], plain: &[u8]) -> Vec<u8> {
        self.own.seal(context, plain)
    }

    /// Opens what [`Vault::seal`] returned for the same `context`.
    pub fn unseal(&self, context: &[u8], sealed: &[u8]) -> Result<Vec<u8>, Unauthentic> {
        self.own.unseal(context, sealed)
    }

    /// A handle that seals under the key of one domain, such as `landing`.
    pub fn sealer(&self, domain: &str) -> Sealer {
        Sealer::new(&derive(&self.key, "seal", domain))
    }

    /// A handle that hashes under the key of one domain, such as `patient-id`.
    pub fn hasher(&self, domain: &str) -> KeyedHasher {
        KeyedHasher::new(&derive(&self.key, "hash", domain))
    }
}

/// The key of one purpose and domain. `purpose` has a fixed length, so no two pairs share an HKDF info string.
fn derive(key: &[u8; 32], purpose: &'static str, domain: &str) -> Zeroizing<[u8; 32]> {
    let mut derived = Zeroizing::new([0; 32]);
    Prk::new_less_safe(HKDF_SHA256, key)
        .expand(
            &[b"cutover 1 ", purpose.as_bytes(), b" ", domain.as_bytes()],
            HKDF_SHA256,
        )
        .and_then(|output| output.fill(&mut *derived))
        .expect("HKDF-SHA256 yields 32 bytes");
    derived
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(..)")
    }
}

#[cfg(test)]
mod tests;
