//! What the downloads and workers tell the committer, and what it tells the job.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::error::EngineError;
use super::landing::FileEnd;
use super::patients::PatientMap;
use super::row::Row;
use crate::migration::ExportFile;

/// A block that the workers are done with.
pub struct ReadBlock {
    /// The file.
    pub file: u32,
    /// Position among the file's blocks.
    pub sequence: u64,
    /// The file's bytes up to the end of this block.
    pub end: u64,
    /// The file's lines up to the end of this block.
    pub lines: u64,
    /// Byte offset of the block in the file.
    pub offset: u64,
    /// The `If-Range` value of the version that the bytes come from.
    pub validator: Option<Arc<str>>,
    /// Where it is, or what is to be landed.
    pub place: Place,
    /// Its rows.
    pub rows: Vec<Row>,
}

/// Where a block is.
pub enum Place {
    /// Nowhere yet; these are its sealed bytes.
    New(Vec<u8>),
    /// In this segment, at this offset.
    Landed(u32, u64),
}

/// What the committer is told.
pub enum Message {
    /// A file begins, or goes on; sent before any of its blocks.
    Begin(Box<ExportFile>),
    /// The piece with this number: a block, in any order within its file.
    Block(u64, ReadBlock),
    /// The piece with this number: a file is complete, after its last block.
    End(u64, FileEnd),
    /// A file could not be had; what came of it stays.
    Failed {
        /// The file.
        file: u32,
        /// Why, in a sentence.
        reason: String,
    },
    /// The crosswalk in the ledger has grown.
    Mapped,
    /// Everything sent so far is to be made durable; the answer says which patients are not simply themselves.
    Drain {
        /// How many pieces that is.
        pieces: u64,
        /// Answered when it is done.
        done: oneshot::Sender<Arc<PatientMap>>,
    },
}

/// What the committer tells.
pub enum Signal {
    /// More rows were rejected than the plan allows.
    TooManyRejects(u64),
    /// Nothing more can be made durable.
    Broken(EngineError),
}

/// Which pieces have arrived; two workers hand them over in any order.
#[derive(Default)]
pub struct Arrived {
    /// All pieces with smaller numbers are here.
    pub all_below: u64,
    ahead: BTreeSet<u64>,
}

impl Arrived {
    /// One more piece is here.
    pub fn add(&mut self, number: u64) {
        self.ahead.insert(number);
        while self.ahead.remove(&self.all_below) {
            self.all_below += 1;
        }
    }
}
