//! The snapshot: latest counters for a front end, lossy on purpose.

use std::collections::BTreeMap;

use crate::migration::{ByType, ExportFile, total};

/// How far a run is, by file.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Files by number, complete or being received.
    pub files: BTreeMap<u32, FileProgress>,
}

/// How far one file is.
#[derive(Debug, Clone, Default)]
pub struct FileProgress {
    /// Durable bytes.
    pub bytes: u64,
    /// Rows the manifest promised.
    pub expected: Option<u64>,
    /// Whether nothing more will come.
    pub ended: bool,
    /// What became of its rows.
    pub counts: ByType,
}

impl Snapshot {
    /// Takes in the state of files after a checkpoint.
    pub fn update(&mut self, ended: Vec<ExportFile>, receiving: Vec<ExportFile>) {
        for (file, ended) in ended
            .into_iter()
            .map(|f| (f, true))
            .chain(receiving.into_iter().map(|f| (f, false)))
        {
            let progress = FileProgress {
                bytes: file.bytes,
                expected: file.expected,
                ended,
                counts: file.counts,
            };
            self.files.insert(file.number, progress);
        }
    }

    /// Durable bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files.values().map(|f| f.bytes).sum()
    }

    /// Rows of all files.
    pub fn rows(&self) -> u64 {
        self.files.values().map(|f| total(&f.counts).rows).sum()
    }
}
