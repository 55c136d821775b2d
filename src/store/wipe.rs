//! Wiping a workspace: its key is destroyed, and with it everything that was ever sealed; then the files go, all but the evidence.
//!
//! A note is made durable first. From then on the workspace does not open any more, and a wipe that was cut off is completed by whoever
//! comes next.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::private::{FileError, read_file, replace_file, sync_folder};
use super::sealer::random;
use super::vault_file;
use super::workspace::{KEYS, Workspace, WorkspaceError, lock};

/// The note.
const NOTE: &str = "wiped.json";
/// What stays beside the note: evidence, presets, the public keys, and the lock that is held meanwhile.
const STAYS: [&str; 5] = ["reports", "presets", KEYS, "lock", NOTE];
/// How the files of public keys end.
const PUBLIC: &str = ".jwks.json";
/// Longest note that is read, in bytes.
const LIMIT: u64 = 1024 * 1024;

/// What stays of a workspace that was wiped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wiped {
    /// When.
    pub when: Timestamp,
    /// Who did it.
    pub who: String,
    /// The evidence: file names in `reports`.
    pub evidence: Vec<String>,
    /// Thumbprints of the keys that signed it.
    pub keys: Vec<String>,
    /// Whether everything else is gone.
    pub complete: bool,
}

impl Workspace {
    /// Fails for a workspace that was wiped, after completing a wipe that was cut off.
    pub fn refuse_wiped(root: &Path) -> Result<(), WorkspaceError> {
        let Some(mut note) = read_note(root)? else {
            return Ok(());
        };
        if !note.complete {
            let _lock = lock(root, "wipe")?;
            destroy(root, &mut note)?;
        }
        Err(WorkspaceError::Wiped {
            path: root.to_owned(),
            note: Box::new(note),
        })
    }

    /// Destroys the key of the workspace and everything in it but the evidence. Nothing of it can be undone.
    pub fn wipe(self, mut note: Wiped) -> Result<Wiped, WorkspaceError> {
        let (root, _lock) = self.closed();
        note.complete = false;
        write_note(&root, &note)?;
        destroy(&root, &mut note)?;
        Ok(note)
    }
}

fn read_note(root: &Path) -> Result<Option<Wiped>, WorkspaceError> {
    let path = root.join(NOTE);
    let json = match read_file(&path, LIMIT) {
        Err(error) if error.is_not_found() => return Ok(None),
        other => other?,
    };
    let broken = |_| FileError::new("read", &path, ErrorKind::InvalidData.into());
    Ok(Some(serde_json::from_slice(&json).map_err(broken)?))
}

fn write_note(root: &Path, note: &Wiped) -> Result<(), WorkspaceError> {
    let path = root.join(NOTE);
    let json =
        serde_json::to_vec_pretty(note).map_err(|_| FileError::new("write", &path, ErrorKind::InvalidData.into()))?;
    Ok(replace_file(&path, &json)?)
}

/// The key first: whatever happens after that, nothing sealed can be read again.
fn destroy(root: &Path, note: &mut Wiped) -> Result<(), WorkspaceError> {
    let keys = root.join(KEYS);
    overwrite(&vault_file::path(&keys))?;
    for path in entries(&keys)? {
        if !path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().ends_with(PUBLIC))
        {
            overwrite(&path)?;
        }
    }
    sync_folder(&keys)?;
    for path in entries(root)? {
        let stays = |name: &OsStr| STAYS.iter().any(|stays| name == *stays);
        if !path.file_name().is_some_and(stays) {
            remove(&path)?;
        }
    }
    sync_folder(root)?;
    note.complete = true;
    write_note(root, note)
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, FileError> {
    let fail = |e| FileError::new("list", folder, e);
    let all = fs::read_dir(folder).map_err(fail)?;
    all.map(|entry| entry.map(|entry| entry.path()).map_err(fail)).collect()
}

/// Writes noise over a file before it is removed; not there is as good.
fn overwrite(path: &Path) -> Result<(), FileError> {
    let fail = |e| FileError::new("overwrite", path, e);
    let mut file = match OpenOptions::new().write(true).open(path) {
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(()),
        other => other.map_err(fail)?,
    };
    let mut left = file.metadata().map_err(fail)?.len();
    while left > 0 {
        let noise = random::<4096>();
        let part = usize::try_from(left).unwrap_or(noise.len()).min(noise.len());
        file.write_all(&noise[..part]).map_err(fail)?;
        left -= part as u64;
    }
    file.sync_all().map_err(fail)?;
    fs::remove_file(path).map_err(|e| FileError::new("remove", path, e))
}

fn remove(path: &Path) -> Result<(), FileError> {
    // Of a link only the link.
    let folder = fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    let removed = if folder {
        fs::remove_dir_all(path)
    } else {
        fs::remove_file(path)
    };
    match removed {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(FileError::new("remove", path, e)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Secret, create_key_file};

    fn note() -> Wiped {
        Wiped {
            when: Timestamp::UNIX_EPOCH,
            who: "mo".to_owned(),
            evidence: vec!["lakeside.tar.zst".to_owned()],
            keys: Vec::new(),
            complete: false,
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = entries(folder)
            .unwrap()
            .iter()
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn made() -> (tempfile::TempDir, PathBuf, Secret) {
        let dir = tempfile::tempdir().unwrap();
        let (root, key_file) = (dir.path().join("w"), dir.path().join("key"));
        create_key_file(&key_file).unwrap();
        let secret = Secret::KeyFile(key_file);
        drop(Workspace::create(&root, &secret, "test").unwrap());
        fs::write(root.join("landing/00000001.seg"), b"sealed").unwrap();
        fs::write(root.join("reports/lakeside.tar.zst"), b"evidence").unwrap();
        fs::write(root.join("keys/lakeside.key"), vec![7; 5000]).unwrap();
        fs::write(root.join("keys/lakeside.jwks.json"), b"{}").unwrap();
        fs::create_dir(root.join("ledger.damaged.1")).unwrap();
        (dir, root, secret)
    }

    fn assert_wiped(root: &Path, secret: &Secret) {
        for opened in [
            Workspace::open(root, secret, "test").err(),
            Workspace::create(root, secret, "test").err(),
        ] {
            assert!(matches!(opened, Some(WorkspaceError::Wiped { note, .. }) if note.complete));
        }
        assert_eq!(names(root), ["keys", "lock", "presets", "reports", "wiped.json"]);
        assert_eq!(names(&root.join("keys")), ["lakeside.jwks.json"]);
        assert_eq!(names(&root.join("reports")), ["lakeside.tar.zst"]);
    }

    #[test]
    fn only_evidence_and_public_keys_stay() {
        let (_dir, root, secret) = made();
        let workspace = Workspace::open(&root, &secret, "test").unwrap();
        assert!(workspace.wipe(note()).unwrap().complete);
        assert_wiped(&root, &secret);
    }

    #[test]
    fn what_was_cut_off_is_completed_by_whoever_comes_next() {
        // Right after the note; with the key gone; with a part of the rest gone.
        for gone in [
            &[][..],
            &["keys/vault.json"],
            &["keys/vault.json", "landing/00000001.seg"],
        ] {
            let (_dir, root, secret) = made();
            write_note(&root, &note()).unwrap();
            for name in gone {
                fs::remove_file(root.join(name)).unwrap();
            }
            assert_wiped(&root, &secret);
        }
    }

    #[test]
    fn the_error_says_what_stays() {
        let (_dir, root, secret) = made();
        Workspace::open(&root, &secret, "test").unwrap().wipe(note()).unwrap();
        let error = Workspace::refuse_wiped(&root).unwrap_err();
        let said = format!("{error}\n{}", error.hint().unwrap()).replace(&root.display().to_string(), "[DIR]");
        insta::assert_snapshot!(said);
    }
}
