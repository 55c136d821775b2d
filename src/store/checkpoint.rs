//! The checkpoint: the one order in which received bytes, index entries and progress become durable.
//!
//! 1. blocks appended, `fdatasync`;
//! 2. the index batch, persisted;
//! 3. ONE ledger record that says how far everything has come, and the ledger made durable;
//! 4. only then are the new bytes visible to readers and reported to anyone.
//!
//! A kill between two steps leaves bytes and entries that no record vouches for; they are absent to every reader, and the work is done
//! again from the last record.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::block::{BlockHeader, BlockKind, BlockWriter, Piece, TARGET_LEN};
use super::deliveries::DeliveriesError;
use super::entry::{RecordKey, RowId};
use super::index::{Index, IndexError, Pending};
use super::ledger::LedgerError;
use super::segment::{Location, SegmentError, SegmentWriter, Segments};

/// The durable length of a segment, as recorded with the progress that depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tail {
    /// The segment.
    pub segment: u32,
    /// Its durable bytes.
    pub len: u64,
}

/// Why something could not be made durable.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The landing segments.
    #[error(transparent)]
    Segment(#[from] SegmentError),
    /// The resource index.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The ledger.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// What is known of records at a destination.
    #[error(transparent)]
    Deliveries(#[from] DeliveriesError),
    /// Compression.
    #[error("cannot make a block: {0}")]
    Block(#[from] std::io::Error),
}

impl CheckpointError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Segment(e) => e.hint(),
            Self::Index(e) => e.hint(),
            Self::Ledger(e) => e.hint(),
            Self::Deliveries(e) => Some(e.hint()),
            Self::Block(_) => None,
        }
    }
}

/// The one writer of a process: appends blocks and changed records, gathers index entries, makes them durable together.
pub struct Writer {
    segments: Arc<Segments>,
    index: Arc<Index>,
    blocks: BlockWriter,
    landing: Option<SegmentWriter>,
    changed: Option<SegmentWriter>,
    changed_lines: Vec<u8>,
    run: u32,
    /// Where the bytes of records may be already that are changed once more in the same way.
    former: Option<Arc<Index>>,
    /// Index entries waiting for the next checkpoint.
    pub pending: Pending,
}

impl Writer {
    /// A writer for one run; its segments are new ones, created when first needed.
    pub fn new(segments: Arc<Segments>, index: Arc<Index>, blocks: BlockWriter, run: u32, pending: Pending) -> Self {
        Self {
            segments,
            index,
            blocks,
            landing: None,
            changed: None,
            changed_lines: Vec::new(),
            run,
            former: None,
            pending,
        }
    }

    /// The same, taking the bytes of changed records from this index where it has them.
    #[must_use]
    pub fn reusing(self, former: Option<Arc<Index>>) -> Self {
        Self { former, ..self }
    }

    /// Says where the bytes are that the migration makes of a row, for the record under this key: where they were before, or where they
    /// will be from the next checkpoint on.
    pub fn change_row(&mut self, key: &RecordKey, row: RowId, line: &[u8]) -> Result<Location, CheckpointError> {
        if let Some(former) = &self.former {
            for entry in former.versions(key)? {
                let may = entry.row == row && entry.rewritten && entry.location.len as usize == line.len();
                if may && self.segments.read(&entry.location).is_ok_and(|bytes| bytes == line) {
                    return Ok(entry.location);
                }
            }
        }
        self.change(line)
    }

    /// Appends a landing block and says where it is.
    pub fn append(&mut self, block: &[u8]) -> Result<(u32, u64), CheckpointError> {
        let segment = open_segment(&mut self.landing, &self.segments)?;
        let offset = segment.append(block)?;
        self.segments.wrote(segment.id(), segment.len());
        Ok((segment.id(), offset))
    }

    /// Adds a record that the migration changed and says where its bytes will be from the next checkpoint on.
    pub fn change(&mut self, line: &[u8]) -> Result<Location, CheckpointError> {
        if self.changed_lines.len() + line.len() > TARGET_LEN {
            self.flush_changed()?;
        }
        let segment = open_segment(&mut self.changed, &self.segments)?;
        let too_long = |_| CheckpointError::Block(std::io::Error::other("record too long"));
        let start = u32::try_from(self.changed_lines.len()).map_err(too_long)?;
        let len = u32::try_from(line.len()).map_err(too_long)?;
        self.changed_lines.extend_from_slice(line);
        self.changed_lines.push(b'\n');
        Ok(Location {
            segment: segment.id(),
            block: segment.len(),
            start,
            len,
        })
    }

    /// One record's bytes, whether durable yet or not.
    pub fn read(&mut self, location: &Location) -> Result<Vec<u8>, CheckpointError> {
        if self
            .changed
            .as_ref()
            .is_some_and(|c| c.id() == location.segment && location.block >= c.len())
        {
            self.flush_changed()?;
        }
        Ok(self.segments.read(location)?)
    }

    /// Makes everything durable; `record` writes the one progress record, given the lengths that it must hold, and makes it durable.
    pub fn checkpoint<E: From<CheckpointError>>(
        &mut self,
        record: impl FnOnce(&[Tail]) -> Result<(), E>,
    ) -> Result<(), E> {
        self.flush_changed()?;
        let mut tails = Vec::new();
        for segment in [&self.landing, &self.changed].into_iter().flatten() {
            segment.sync().map_err(CheckpointError::from)?;
            tails.push(Tail {
                segment: segment.id(),
                len: segment.len(),
            });
        }
        self.index.commit(&mut self.pending).map_err(CheckpointError::from)?;
        record(&tails)?;
        for tail in &tails {
            self.segments.seal(tail.segment, tail.len);
        }
        Ok(())
    }

    fn flush_changed(&mut self) -> Result<(), CheckpointError> {
        if self.changed_lines.is_empty() {
            return Ok(());
        }
        let header = BlockHeader {
            kind: BlockKind::Changed,
            piece: Piece::Lines,
            run: self.run,
            file: 0,
            first_line: 0,
            source_offset: 0,
            raw_len: 0,
            stored_len: 0,
        };
        let block = self.blocks.write(header, &self.changed_lines)?;
        let segment = open_segment(&mut self.changed, &self.segments)?;
        segment.append(&block)?;
        self.segments.wrote(segment.id(), segment.len());
        self.changed_lines.clear();
        Ok(())
    }
}

fn open_segment<'a>(
    slot: &'a mut Option<SegmentWriter>,
    segments: &Segments,
) -> Result<&'a mut SegmentWriter, SegmentError> {
    match slot {
        Some(segment) => Ok(segment),
        None => Ok(slot.insert(segments.create()?)),
    }
}

#[cfg(test)]
mod tests;
