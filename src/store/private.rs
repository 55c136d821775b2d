//! Files and folders that only their owner can read: folders 0700, files 0600.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Why a file or folder of the workspace could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// No space, or no quota, is left where the file lives.
    #[error("the disk is full: {} could not be written", path.display())]
    DiskFull {
        /// The file that was being written.
        path: PathBuf,
    },
    /// The permission bits let the group or others in.
    #[error("{} is open to other users of this machine (mode {mode:04o})", path.display())]
    TooOpen {
        /// The file or folder.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is longer than anything this program writes there.
    #[error("{} is larger than the {limit} bytes it may have", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read, in bytes.
        limit: u64,
    },
    /// The operating system refused.
    #[error("could not {action} {}: {source}", path.display())]
    Io {
        /// What was attempted, as a verb.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
}

impl FileError {
    /// Names the file and the attempt behind an [`io::Error`]; a full disk or quota becomes [`FileError::DiskFull`].
    pub fn new(action: &'static str, path: &Path, source: io::Error) -> FileError {
        let path = path.to_owned();
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => FileError::DiskFull { path },
            _ => FileError::Io { action, path, source },
        }
    }

    /// True when the file does not exist.
    pub fn is_not_found(&self) -> bool {
        matches!(self, FileError::Io { source, .. } if source.kind() == ErrorKind::NotFound)
    }

    /// The kind of the operating system's error behind it.
    pub(super) fn kind(&self) -> ErrorKind {
        match self {
            FileError::DiskFull { .. } => ErrorKind::StorageFull,
            FileError::TooOpen { .. } => ErrorKind::PermissionDenied,
            FileError::TooLarge { .. } => ErrorKind::FileTooLarge,
            FileError::Io { source, .. } => source.kind(),
        }
    }

    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            FileError::DiskFull { path } => Some(format!(
                "free some space on the disk that holds {}, then run the same command again; it continues where it stopped",
                path.parent().unwrap_or(path).display()
            )),
            FileError::TooOpen { path, .. } => Some(format!("close it with: chmod -R go-rwx {}", shell_quoted(path))),
            FileError::TooLarge { .. } => Some("check that this is the file you meant".to_owned()),
            FileError::Io { path, source, .. } => match source.kind() {
                ErrorKind::PermissionDenied => Some(format!("check who owns {} and run as that user", path.display())),
                ErrorKind::ReadOnlyFilesystem => {
                    Some("the file system is mounted read-only; choose another folder with CUTOVER_HOME".to_owned())
                }
                _ => None,
            },
        }
    }
}

/// A path as it can be pasted into a POSIX shell.
fn shell_quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%".contains(c);
    if text.chars().all(plain) {
        text
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// Creates a folder (and its missing parents) with mode 0700; an existing folder must already be private.
pub fn create_folder(path: &Path) -> Result<(), FileError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|e| FileError::new("create the folder", path, e))?;
    require_private(path)
}

/// Refuses a file or folder whose permission bits let the group or others read, write or enter.
pub fn require_private(path: &Path) -> Result<(), FileError> {
    let metadata = fs::metadata(path).map_err(|e| FileError::new("read", path, e))?;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(FileError::TooOpen {
            path: path.to_owned(),
            mode,
        });
    }
    Ok(())
}

/// Creates a file with mode 0600 that must not exist yet, and makes it durable.
pub fn create_file(path: &Path, contents: &[u8]) -> Result<(), FileError> {
    let fail = |e| FileError::new("create", path, e);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(fail)?;
    let fail = |e| FileError::new("write", path, e);
    file.write_all(contents).and_then(|()| file.sync_all()).map_err(fail)?;
    sync_folder(folder_of(path))
}

/// Replaces a file as a whole, mode 0600: after a crash either the old or the new contents are there, never a mixture.
pub fn replace_file(path: &Path, contents: &[u8]) -> Result<(), FileError> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&fresh)?;
        // The mode above is ignored when a crash left this file behind.
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(contents)?;
        file.sync_all()?;
        fs::rename(&fresh, path)
    };
    write().map_err(|e| {
        // Best effort: what matters is that `path` still holds its former contents.
        let _ = fs::remove_file(&fresh);
        FileError::new("write", path, e)
    })?;
    sync_folder(folder_of(path))
}

/// Reads a whole file of at most `limit` bytes.
pub fn read_file(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let fail = |e| FileError::new("read", path, e);
    let mut contents = Vec::new();
    let file = File::open(path).map_err(fail)?;
    file.take(limit + 1).read_to_end(&mut contents).map_err(fail)?;
    if contents.len() as u64 > limit {
        return Err(FileError::TooLarge {
            path: path.to_owned(),
            limit,
        });
    }
    Ok(contents)
}

/// Makes the names in a folder durable, so that a file created or renamed there survives a power cut.
pub fn sync_folder(path: &Path) -> Result<(), FileError> {
    let synced = File::open(path).and_then(|folder| folder.sync_all());
    match synced {
        // Some network file systems cannot sync a folder at all.
        Err(e) if matches!(e.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        other => other.map_err(|e| FileError::new("sync the folder", path, e)),
    }
}

/// The folder that holds `path`; a bare file name is in the current one.
fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_is_created_is_private_and_what_is_open_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("a/b");
        create_folder(&folder).unwrap();
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(folder.parent().unwrap()), 0o700);
        let file = folder.join("secret");
        create_file(&file, b"one").unwrap();
        replace_file(&file, b"two").unwrap();
        assert_eq!((mode(&file), fs::read(&file).unwrap()), (0o600, b"two".to_vec()));
        assert!(
            matches!(create_file(&file, b"three"), Err(FileError::Io { .. })),
            "an existing file is kept"
        );

        fs::set_permissions(&folder, Permissions::from_mode(0o750)).unwrap();
        let error = create_folder(&folder).unwrap_err();
        assert!(matches!(error, FileError::TooOpen { mode: 0o750, .. }));
        assert!(error.hint().unwrap().starts_with("close it with: chmod -R go-rwx /"));
    }

    #[test]
    fn a_left_over_half_of_a_replacement_is_overwritten_and_closed() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("x.json");
        let fresh = dir.path().join("x.json.new");
        fs::write(&fresh, b"a longer left-over than the new contents").unwrap();
        fs::set_permissions(&fresh, Permissions::from_mode(0o644)).unwrap();
        replace_file(&file, b"new").unwrap();
        assert_eq!((mode(&file), fs::read(&file).unwrap()), (0o600, b"new".to_vec()));
        assert!(!fresh.exists());
    }

    #[test]
    fn a_full_disk_and_a_spent_quota_are_one_clear_error() {
        for kind in [ErrorKind::StorageFull, ErrorKind::QuotaExceeded] {
            let error = FileError::new("write", Path::new("/data/ledger/db"), io::Error::from(kind));
            insta::allow_duplicates! {
                insta::assert_snapshot!(error, @"the disk is full: /data/ledger/db could not be written");
                insta::assert_snapshot!(error.hint().unwrap(), @"free some space on the disk that holds /data/ledger, then run the same command again; it continues where it stopped");
            }
        }
    }

    #[test]
    fn a_file_beyond_its_limit_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("big");
        fs::write(&file, vec![0; 101]).unwrap();
        assert!(matches!(
            read_file(&file, 100),
            Err(FileError::TooLarge { limit: 100, .. })
        ));
        assert_eq!(read_file(&file, 101).unwrap().len(), 101);
    }
}
