//! One file of a one-shot export on its way to disk: appended to `NAME.part`, made durable now and then, renamed when it is whole.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::error::EngineError;
use super::oneshot_folder::{ExportFolder, PartBegin, failed, open_part};
use super::place::hex;
use super::progress::Snapshot;
use crate::migration::{Counts, ExportFile};
use crate::source::{ByteSink, Fetched, ResumePoint, SinkStopped};
use crate::store::sync_folder;

/// Received bytes after which the part is made durable.
const DURABLE_EVERY: u64 = 16 << 20;

/// A file being received.
pub struct PartFile {
    folder: Arc<ExportFolder>,
    name: String,
    number: u32,
    part: PathBuf,
    file: File,
    bytes: u64,
    durable: u64,
    feeds: u64,
    last: Option<u8>,
    validator: Option<String>,
    snapshot: watch::Sender<Snapshot>,
    /// Why it cannot be written any more.
    pub broken: Option<EngineError>,
}

impl PartFile {
    /// Goes on with a file where it is durable, and says from where to fetch.
    pub fn open(
        folder: &Arc<ExportFolder>,
        file: &ExportFile,
        snapshot: &watch::Sender<Snapshot>,
    ) -> Result<(Self, ResumePoint), EngineError> {
        let known = folder.state().files.remove(&file.name).unwrap_or_default();
        let part = folder.at(&format!("{}.part", file.name));
        let durable = if known.sha256.is_some() { 0 } else { known.bytes };
        let PartBegin {
            file: out,
            hasher,
            feeds,
            last,
        } = tokio::task::block_in_place(|| open_part(&part, durable))?;
        let bytes = if last.is_some() { durable } else { 0 };
        let from = ResumePoint {
            offset: bytes,
            hasher,
            validator: last.and(known.validator.clone()),
        };
        let this = Self {
            folder: Arc::clone(folder),
            name: file.name.clone(),
            number: file.number,
            part,
            file: out,
            bytes,
            durable: bytes,
            feeds,
            last,
            validator: known.validator,
            snapshot: snapshot.clone(),
            broken: None,
        };
        Ok((this, from))
    }

    fn lines(&self) -> u64 {
        // A last line without a line feed is one too.
        self.feeds + u64::from(self.last.is_some_and(|byte| byte != b'\n'))
    }

    fn append(&mut self, chunk: &[u8]) -> Result<(), EngineError> {
        self.file.write_all(chunk).map_err(|e| failed("write", &self.part, e))?;
        self.bytes += chunk.len() as u64;
        self.feeds += memchr::memchr_iter(b'\n', chunk).count() as u64;
        self.last = chunk.last().copied().or(self.last);
        if self.bytes - self.durable >= DURABLE_EVERY {
            self.make_durable()?;
        }
        Ok(())
    }

    /// Makes what was received durable, so that the next run goes on from here.
    pub fn make_durable(&mut self) -> Result<(), EngineError> {
        self.file.sync_data().map_err(|e| failed("write", &self.part, e))?;
        self.durable = self.bytes;
        self.folder.change_file(&self.name, |known| {
            known.bytes = self.bytes;
            known.sha256 = None;
            known.validator.clone_from(&self.validator);
        })
    }

    /// Gives the whole file its name; gives its lines.
    pub fn finish(mut self, fetched: &Fetched) -> Result<u64, EngineError> {
        self.make_durable()?;
        let path = self.folder.at(&self.name);
        std::fs::rename(&self.part, &path).map_err(|e| failed("rename", &self.part, e))?;
        if let Some(folder) = path.parent() {
            sync_folder(folder).map_err(|e| EngineError::source(&e, e.hint()))?;
        }
        let lines = self.lines();
        self.folder.change_file(&self.name, |known| {
            known.sha256 = Some(hex(&fetched.hash));
            known.lines = lines;
            known.failed = None;
        })?;
        Ok(lines)
    }

    fn tell(&self) {
        self.snapshot.send_modify(|snapshot| {
            let progress = snapshot.files.entry(self.number).or_default();
            progress.bytes = self.bytes;
            let counts = Counts {
                rows: self.lines(),
                ..Counts::default()
            };
            progress.counts.insert(String::new(), counts);
        });
    }
}

impl ByteSink for PartFile {
    fn opened(&mut self, validator: Option<&str>) {
        self.validator = validator.map(ToOwned::to_owned);
    }

    async fn write(&mut self, chunk: Bytes) -> Result<(), SinkStopped> {
        if let Err(error) = tokio::task::block_in_place(|| self.append(&chunk)) {
            self.broken = Some(error);
            return Err(SinkStopped);
        }
        self.tell();
        Ok(())
    }

    async fn restart(&mut self) -> Result<(), SinkStopped> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        if let Err(error) = emptied {
            self.broken = Some(failed("write", &self.part, error));
            return Err(SinkStopped);
        }
        (self.bytes, self.durable, self.feeds, self.last) = (0, 0, 0, None);
        // From here on the bytes on disk are of another version than the state says.
        if let Err(error) = self.make_durable() {
            self.broken = Some(error);
            return Err(SinkStopped);
        }
        Ok(())
    }
}
