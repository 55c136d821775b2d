//! The folder of a one-shot export: its state between two runs of the same command, files that get their name when they are whole,
//! and the log.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::error::EngineError;
use crate::source::{LogEvent, LogItem};
use crate::store::{FileHasher, read_file, replace_file};

const STATE: &str = "export.json";
const LOG: &str = "log.ndjson";
/// Longest state file that is read, in bytes: room for a hundred thousand files.
const STATE_LIMIT: u64 = 64 << 20;

/// What is known of an export between two runs of the same command. Holds no token and no addresses of files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportState {
    /// Id in the log, the same for all runs of the command.
    pub export_id: String,
    /// The source's FHIR base URL.
    pub base_url: String,
    /// The request, without the token; another one wants another folder.
    pub request: String,
    /// When it was asked for, RFC 3339.
    pub kicked_off: Option<String>,
    /// Where to ask how far it is.
    pub status_url: Option<String>,
    /// Whether the job's state is told apart from that of the request.
    pub separate_status: bool,
    /// Pages of the manifest, once it is there.
    pub pages: usize,
    /// Files by name.
    pub files: BTreeMap<String, FileProgress>,
    /// Whether everything is here.
    pub complete: bool,
}

/// How far one file is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileProgress {
    /// Bytes of the part that are durable, or of the whole file.
    pub bytes: u64,
    /// The `If-Range` value of the version they came from.
    pub validator: Option<String>,
    /// SHA-256 of the whole file, hexadecimal; absent until it is whole.
    pub sha256: Option<String>,
    /// Lines of the whole file.
    pub lines: u64,
    /// Why it could not be had when it was last tried.
    pub failed: Option<String>,
}

/// The folder, for one process at a time.
pub struct ExportFolder {
    path: PathBuf,
    log: Mutex<File>,
    state: Mutex<ExportState>,
    out: mpsc::UnboundedSender<LogItem>,
}

impl ExportFolder {
    /// Opens the folder of this request, or begins it; refuses a folder that is in use or holds something else.
    pub fn open(
        path: &Path,
        base_url: &str,
        request: &str,
        export_id: String,
        out: mpsc::UnboundedSender<LogItem>,
    ) -> Result<Self, EngineError> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(|e| failed("create", path, e))?;
        let state_path = path.join(STATE);
        let state = match read_file(&state_path, STATE_LIMIT) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|_| EngineError::NotReady {
                what: format!("{} is damaged", state_path.display()),
                hint: "export into an empty folder".to_owned(),
            })?,
            Err(error) if error.is_not_found() => {
                if fs::read_dir(path)
                    .map_err(|e| failed("list", path, e))?
                    .next()
                    .is_some()
                {
                    return Err(EngineError::NotReady {
                        what: format!("{} holds something else already", path.display()),
                        hint: "export into an empty folder, or one that does not exist yet".to_owned(),
                    });
                }
                ExportState {
                    export_id,
                    base_url: base_url.to_owned(),
                    request: request.to_owned(),
                    kicked_off: None,
                    status_url: None,
                    separate_status: false,
                    pages: 0,
                    files: BTreeMap::new(),
                    complete: false,
                }
            }
            Err(error) => return Err(EngineError::source(&error, error.hint())),
        };
        if state.base_url != base_url || state.request != request {
            return Err(EngineError::NotReady {
                what: format!("{} holds another export, from {}", path.display(), state.base_url),
                hint: "repeat the command that began it, or export into an empty folder".to_owned(),
            });
        }
        let log_path = path.join(LOG);
        let log = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(&log_path)
            .map_err(|e| failed("open", &log_path, e))?;
        if log.try_lock().is_err() {
            return Err(EngineError::NotReady {
                what: format!("another process exports into {}", path.display()),
                hint: "wait until it has ended".to_owned(),
            });
        }
        let folder = Self {
            path: path.to_owned(),
            log: Mutex::new(log),
            state: Mutex::new(state),
            out,
        };
        folder.change(|_| {})?;
        Ok(folder)
    }

    /// The state as it is.
    pub fn state(&self) -> ExportState {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the state, durably.
    pub fn change(&self, change: impl FnOnce(&mut ExportState)) -> Result<(), EngineError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut state);
        // Strings and numbers in a struct always become JSON.
        let json = serde_json::to_vec_pretty(&*state).unwrap_or_default();
        self.write(STATE, &json)
    }

    /// Changes what is known of one file, durably.
    pub fn change_file(&self, name: &str, change: impl FnOnce(&mut FileProgress)) -> Result<(), EngineError> {
        self.change(|state| change(state.files.entry(name.to_owned()).or_default()))
    }

    /// Writes a small file whole, mode 0600.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), EngineError> {
        replace_file(&self.at(name), bytes).map_err(|e| EngineError::source(&e, e.hint()))
    }

    /// The path of a file in the folder.
    pub fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Whether a file is whole and has its name.
    pub fn whole(&self, name: &str) -> bool {
        let known = self
            .state()
            .files
            .get(name)
            .filter(|f| f.sha256.is_some())
            .map(|f| f.bytes);
        known.is_some_and(|bytes| fs::metadata(self.at(name)).is_ok_and(|m| m.len() == bytes))
    }

    /// Adds an item to the log and passes it on.
    pub fn log(&self, event: LogEvent) -> Result<(), EngineError> {
        let item = LogItem {
            export_id: self.state().export_id,
            timestamp: jiff::Timestamp::now().to_string(),
            event,
        };
        let mut line = serde_json::to_vec(&item).unwrap_or_default();
        line.push(b'\n');
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.write_all(&line).map_err(|e| failed("write", &self.at(LOG), e))?;
        // A front end that has gone away can read the file.
        let _ = self.out.send(item);
        Ok(())
    }

    /// Writes `SHA256SUMS` over all whole files.
    pub fn write_sums(&self) -> Result<(), EngineError> {
        let mut sums = String::new();
        for (name, file) in self.state().files {
            if let Some(sha256) = file.sha256 {
                // Writing to a String does not fail.
                let _ = writeln!(sums, "{sha256}  {name}");
            }
        }
        self.write("SHA256SUMS", sums.as_bytes())
    }
}

/// An error about a file of the folder.
pub fn failed(doing: &'static str, path: &Path, source: std::io::Error) -> EngineError {
    if source.kind() == ErrorKind::StorageFull {
        let full = crate::store::FileError::new(doing, path, source);
        return EngineError::source(&full, full.hint());
    }
    EngineError::File {
        doing,
        path: path.to_owned(),
        source,
    }
}

/// What the durable part of a file holds.
pub struct PartBegin {
    /// Open for appending, cut to the durable part.
    pub file: File,
    /// SHA-256 over it.
    pub hasher: FileHasher,
    /// Its line feeds.
    pub feeds: u64,
    /// Its last byte.
    pub last: Option<u8>,
}

/// Opens `path`, cut to its first `durable` bytes, and reads them once; a file that is shorter is begun anew, as [`PartBegin::last`]
/// being `None` tells.
pub fn open_part(path: &Path, durable: u64) -> Result<PartBegin, EngineError> {
    let io = |e| failed("write", path, e);
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(io)?;
    let there = file.metadata().map_err(io)?.len();
    file.set_len(if there < durable { 0 } else { durable }).map_err(io)?;
    let mut begin = PartBegin {
        hasher: FileHasher::plain(),
        feeds: 0,
        last: None,
        file: file.try_clone().map_err(io)?,
    };
    let mut buffer = vec![0; 1 << 18];
    loop {
        let read = file.read(&mut buffer).map_err(io)?;
        if read == 0 {
            break;
        }
        let bytes = &buffer[..read];
        begin.hasher.update(bytes);
        begin.feeds += memchr::memchr_iter(b'\n', bytes).count() as u64;
        begin.last = bytes.last().copied();
    }
    begin.file.seek(SeekFrom::End(0)).map_err(io)?;
    Ok(begin)
}
