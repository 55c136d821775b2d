//! Landing: cuts what a download delivers into blocks of whole lines and hands them to the workers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::error::EngineError;
use super::row::{FileContext, Pass, RawBlock};
use super::twin::Twin;
use crate::migration::ExportFile;
use crate::source::{ByteSink, SinkStopped};
use crate::store::{Piece, TARGET_LEN};

/// What goes to the workers.
pub enum Piecework {
    /// Bytes to be read into rows and sealed.
    Block(RawBlock),
    /// The file is complete.
    End(FileEnd),
}

/// The end of a file.
pub struct FileEnd {
    /// The file.
    pub file: u32,
    /// Position after its blocks.
    pub sequence: u64,
    /// BLAKE3 of all its bytes.
    pub blake3: String,
    /// Which of its rows were taken in this time.
    pub pass: Pass,
    /// The former file that it equals byte for byte; nothing of it was handed over then.
    pub same_as: Option<Box<ExportFile>>,
}

/// The way to the workers; numbers what is sent, so that it can be known when all of it has been placed.
#[derive(Clone)]
pub struct Conveyor {
    to: mpsc::Sender<(u64, Piecework)>,
    sent: Arc<AtomicU64>,
}

impl Conveyor {
    /// A conveyor into a channel.
    pub fn new(to: mpsc::Sender<(u64, Piecework)>) -> Self {
        Self {
            to,
            sent: Arc::default(),
        }
    }

    /// How many pieces were sent so far.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Acquire)
    }

    /// Hands a piece on, as soon as there is room.
    pub async fn send(&self, piece: Piecework) -> Result<(), SinkStopped> {
        let place = self.to.reserve().await.map_err(|_| SinkStopped)?;
        let number = self.sent.fetch_add(1, Ordering::AcqRel);
        place.send((number, piece));
        Ok(())
    }
}

/// Gathers one file's bytes into blocks.
pub struct Landing {
    file: Arc<FileContext>,
    to: Conveyor,
    buffer: Vec<u8>,
    sequence: u64,
    offset: u64,
    line: u64,
    max_line: usize,
    oversize: bool,
    /// That many bytes at the buffer's start have no line feed among them.
    no_end: usize,
    validator: Option<Arc<str>>,
    /// The former file that this one has equalled so far.
    twin: Option<Twin>,
    /// What stopped the landing, for whoever asks.
    pub failed: Option<EngineError>,
}

/// Where a landing goes on.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mark {
    /// Bytes durable.
    pub offset: u64,
    /// Lines durable.
    pub lines: u64,
    /// Whether the bytes end inside an oversize line.
    pub oversize: bool,
}

impl Landing {
    /// A landing that goes on at `mark`; longer lines than `max_line` bytes are kept, but not read as records.
    pub fn new(file: Arc<FileContext>, to: Conveyor, mark: Mark, max_line: usize) -> Self {
        Self {
            file,
            to,
            buffer: Vec::with_capacity(TARGET_LEN + TARGET_LEN / 4),
            sequence: 0,
            offset: mark.offset,
            line: mark.lines + 1,
            max_line,
            oversize: mark.oversize,
            no_end: 0,
            validator: None,
            twin: None,
            failed: None,
        }
    }

    /// Compares with a former file first; only where the two part ways is anything landed.
    #[must_use]
    pub fn beside(mut self, twin: Option<Twin>) -> Self {
        self.twin = twin;
        self
    }

    /// Lands one whole line with its line feed; a long one becomes a block as it is.
    pub async fn line(&mut self, line: Vec<u8>) -> Result<(), SinkStopped> {
        if line.len() < TARGET_LEN || self.twin.is_some() || self.oversize {
            return self.write(Bytes::from(line)).await;
        }
        if !self.buffer.is_empty() {
            let all = self.buffer.len();
            self.emit(all).await?;
        }
        self.buffer = line;
        let all = self.buffer.len();
        self.emit(all).await
    }

    /// Hands over what is left; the file is complete and has this hash.
    pub async fn finish(mut self, blake3: String) -> Result<(), SinkStopped> {
        let mut same_as = None;
        if let Some(twin) = &self.twin {
            if self.buffer.is_empty() && twin.wants().is_none() && twin.file.blake3.as_ref() == Some(&blake3) {
                same_as = Some(Box::new(twin.file.clone()));
            } else {
                self.part().await?;
            }
        }
        if !self.buffer.is_empty() {
            let all = self.buffer.len();
            self.emit(all).await?;
        }
        let end = FileEnd {
            file: self.file.number,
            sequence: self.sequence,
            blake3,
            pass: self.file.pass,
            same_as,
        };
        self.to.send(Piecework::End(end)).await
    }

    /// Compares what is buffered with the former file, as far as it reaches; parts from it where they differ.
    async fn compare(&mut self) -> Result<(), SinkStopped> {
        while let Some(twin) = &mut self.twin {
            let wanted = match twin.wants() {
                Some(wanted) if self.buffer.len() < wanted => return Ok(()),
                None if self.buffer.is_empty() => return Ok(()),
                Some(wanted) => wanted,
                None => 0,
            };
            // A block is read in a fraction of a millisecond: not worth another thread.
            match twin.same(&self.buffer) {
                Ok(true) => drop(self.buffer.drain(..wanted)),
                Ok(false) => self.part().await?,
                Err(error) => return Err(self.fail(error)),
            }
        }
        Ok(())
    }

    /// Lands the part that equalled the former file after all, and goes on alone.
    async fn part(&mut self) -> Result<(), SinkStopped> {
        let Some(twin) = self.twin.take() else {
            return Ok(());
        };
        let rest = std::mem::take(&mut self.buffer);
        for block in twin.passed() {
            match block {
                Ok((_, bytes)) => {
                    self.buffer = bytes;
                    let all = self.buffer.len();
                    self.emit(all).await?;
                }
                Err(error) => return Err(self.fail(error)),
            }
        }
        self.buffer = rest;
        Ok(())
    }

    fn fail(&mut self, error: EngineError) -> SinkStopped {
        self.failed = Some(error);
        SinkStopped
    }

    /// Sends the first `len` buffered bytes as a block.
    async fn emit(&mut self, len: usize) -> Result<(), SinkStopped> {
        let mut bytes = Vec::with_capacity(TARGET_LEN + TARGET_LEN / 4);
        bytes.extend_from_slice(&self.buffer[len..]);
        std::mem::swap(&mut bytes, &mut self.buffer);
        bytes.truncate(len);
        self.no_end = 0;
        let ends = bytes.last() == Some(&b'\n');
        let newlines = memchr::memchr_iter(b'\n', &bytes).count() as u64;
        let piece = match (self.oversize, newlines) {
            (true, _) => Piece::OversizeRest,
            (false, 0) if bytes.len() > self.max_line => Piece::OversizeStart,
            _ => Piece::Lines,
        };
        self.oversize = piece != Piece::Lines && !ends;
        let block = RawBlock {
            file: Arc::clone(&self.file),
            sequence: self.sequence,
            offset: self.offset,
            first_line: self.line,
            newlines,
            validator: self.validator.clone(),
            piece,
            bytes,
            landed: None,
        };
        self.sequence += 1;
        self.offset += len as u64;
        self.line += newlines;
        self.to.send(Piecework::Block(block)).await
    }

    /// How many buffered bytes make the next block, if there are enough.
    fn cut(&mut self) -> Option<usize> {
        if self.oversize {
            // The rest of an oversize line: up to its end, or as much as there is.
            return match memchr::memchr(b'\n', &self.buffer) {
                Some(end) => Some(end + 1),
                None if self.buffer.len() >= TARGET_LEN => Some(self.buffer.len()),
                None => None,
            };
        }
        if self.buffer.len() < TARGET_LEN {
            return None;
        }
        let searched = std::mem::replace(&mut self.no_end, self.buffer.len());
        let end = match searched {
            0 => memchr::memrchr(b'\n', &self.buffer),
            // The end of a long line, which is a block by itself.
            _ => memchr::memchr(b'\n', &self.buffer[searched..]),
        };
        match end {
            Some(end) => Some(searched + end + 1),
            None if self.buffer.len() > self.max_line => Some(self.buffer.len()),
            None => None,
        }
    }
}

impl ByteSink for Landing {
    fn opened(&mut self, validator: Option<&str>) {
        self.validator = validator.map(Arc::from);
    }

    async fn write(&mut self, chunk: Bytes) -> Result<(), SinkStopped> {
        let mut rest = &chunk[..];
        while !rest.is_empty() {
            // A chunk is added by parts, so that the buffer stays near a block's length whatever the network delivers.
            let room = (TARGET_LEN + TARGET_LEN / 8)
                .saturating_sub(self.buffer.len())
                .max(TARGET_LEN / 8);
            let (part, later) = rest.split_at(room.min(rest.len()));
            self.buffer.extend_from_slice(part);
            rest = later;
            self.compare().await?;
            if self.twin.is_some() {
                continue;
            }
            while let Some(len) = self.cut() {
                self.emit(len).await?;
            }
        }
        Ok(())
    }

    async fn restart(&mut self) -> Result<(), SinkStopped> {
        // Rows of the former bytes may be durable already; a file that changes under us is not safe to take twice.
        Err(SinkStopped)
    }
}

#[cfg(test)]
mod tests;
