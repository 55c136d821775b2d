//! Key pairs of migrations: the private key sealed in the workspace, the public one as a JWK Set beside it.

use std::path::PathBuf;

use zeroize::Zeroizing;

use super::error::EngineError;
use crate::migration::Plan;
use crate::source::{Jwks, PrivateKey};
use crate::store::{Storage, read_file, replace_file};

/// Where a migration's sealed private key is.
fn key_path(storage: &Storage, migration: &str) -> PathBuf {
    storage.workspace.keys_dir().join(format!("{migration}.key"))
}

/// Where a migration's public JWK Set is.
pub fn jwks_path(storage: &Storage, migration: &str) -> PathBuf {
    storage.workspace.keys_dir().join(format!("{migration}.jwks.json"))
}

fn context(migration: &str) -> Vec<u8> {
    format!("private key {migration}").into_bytes()
}

/// Whether a migration has a key.
pub fn exists(storage: &Storage, migration: &str) -> bool {
    key_path(storage, migration).exists()
}

/// Removes a migration's key pair, if it has one.
pub fn remove(storage: &Storage, migration: &str) -> Result<(), EngineError> {
    for path in [key_path(storage, migration), jwks_path(storage, migration)] {
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                let doing = "remove";
                return Err(EngineError::File { doing, path, source });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Seals a migration's private key and writes its public JWK Set.
pub fn save(storage: &Storage, migration: &str, key: &PrivateKey) -> Result<(), EngineError> {
    let pem = key.to_pkcs8_pem();
    let sealed = storage.workspace.vault().seal(&context(migration), pem.as_bytes());
    replace_file(&key_path(storage, migration), &sealed).map_err(|e| EngineError::source(&e, e.hint()))?;
    let jwks = jwks(key);
    replace_file(&jwks_path(storage, migration), jwks.as_bytes()).map_err(|e| EngineError::source(&e, e.hint()))
}

/// A migration's private key.
pub fn load(storage: &Storage, plan: &Plan) -> Result<PrivateKey, EngineError> {
    if !exists(storage, &plan.id) {
        return Err(EngineError::NotReady {
            what: format!("the migration `{}` has no key pair yet", plan.id),
            hint: format!(
                "`cutover keys new {}` makes one; then register its public part with the EHR",
                plan.id
            ),
        });
    }
    let sealed = read_file(&key_path(storage, &plan.id), 64 * 1024).map_err(|e| EngineError::source(&e, e.hint()))?;
    let unreadable = || EngineError::NotReady {
        what: format!(
            "the key pair of `{}` cannot be unsealed: its file was altered or belongs to another workspace",
            plan.id
        ),
        hint: format!(
            "restore the file from a backup, or make a new key with `cutover keys new {}` and register it",
            plan.id
        ),
    };
    let pem = storage
        .workspace
        .vault()
        .unseal(&context(&plan.id), &sealed)
        .map_err(|_| unreadable())?;
    let pem = Zeroizing::new(String::from_utf8(pem).map_err(|_| unreadable())?);
    PrivateKey::import(&pem).map_err(|e| EngineError::source(&e, e.hint()))
}

/// The thumbprint of a migration's key, if it has one.
pub fn thumbprint(storage: &Storage, plan: &Plan) -> Result<Option<String>, EngineError> {
    if !exists(storage, &plan.id) {
        return Ok(None);
    }
    Ok(Some(load(storage, plan)?.public().kid.clone()))
}

/// The JWK Set to publish for a key.
pub fn jwks(key: &PrivateKey) -> String {
    let set = Jwks {
        keys: vec![key.public().clone()],
    };
    // Strings in a struct always become JSON.
    serde_json::to_string_pretty(&set).unwrap_or_default()
}
