//! The snapshot: latest counters for a front end, lossy on purpose.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use crate::migration::{ByType, DeliveryCounts, ExportFile, FileKind, FileState, total};

/// How far a run is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Files by number, complete or being received.
    pub files: BTreeMap<u32, FileProgress>,
    /// How asking for the export's status goes, once it was asked.
    pub polling: Option<Polling>,
    /// Requests that may still be sent in this minute, where the source allows only so many.
    pub budget: Option<u32>,
    /// Bytes read back and all bytes, while what is stored is verified.
    pub verifying: Option<(u64, u64)>,
    /// How a delivery to a server goes.
    pub delivery: Option<Delivery>,
    /// How a server's own import goes, in a line.
    pub importing: Option<String>,
    /// Until when the token is valid.
    pub token_until: Option<Timestamp>,
}

/// How a delivery to a server goes.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Delivery {
    /// Bundles sent.
    pub requests: u64,
    /// Entries of a bundle at most.
    pub batch: usize,
    /// Bundles in flight at most.
    pub at_once: usize,
    /// How often the server asked us to wait.
    pub throttled: u64,
    /// When more is sent, while the server is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// How long the last answer took; in JSON as `latency_ms`.
    #[serde(rename = "latency_ms", serialize_with = "milliseconds")]
    pub latency: Duration,
    /// What came of the records so far.
    pub counts: DeliveryCounts,
}

fn milliseconds<S: serde::Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

/// How asking for an export's status goes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Polling {
    /// How often it was asked since the job went on.
    pub polls: u32,
    /// When it was asked last.
    pub last: Option<Timestamp>,
    /// When it is asked next.
    pub next: Option<Timestamp>,
    /// How long the source asked us to wait.
    pub asked: Option<Duration>,
}

/// How far one file is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileProgress {
    /// Its name.
    pub name: String,
    /// What it holds; absent where nobody said.
    pub kind: Option<FileKind>,
    /// The type of its resources, when the manifest says so.
    pub resource_type: Option<String>,
    /// Durable bytes.
    pub bytes: u64,
    /// Rows the manifest promised.
    pub expected: Option<u64>,
    /// Whether nothing more will come.
    pub ended: bool,
    /// Why it could not be had.
    pub failed: Option<String>,
    /// What became of its rows.
    pub counts: ByType,
    /// Of what the export says went wrong: issues by severity.
    pub issues: BTreeMap<String, u64>,
}

impl FileProgress {
    /// How far this file is.
    pub fn of(file: ExportFile, ended: bool) -> Self {
        Self {
            name: file.name,
            kind: Some(file.kind),
            resource_type: file.resource_type,
            bytes: file.bytes,
            expected: file.expected,
            ended,
            failed: match file.state {
                FileState::Failed { reason } => Some(reason),
                FileState::Pending | FileState::Complete => None,
            },
            counts: file.counts,
            issues: file.issues,
        }
    }
}

impl Snapshot {
    /// Takes in the state of files after a checkpoint.
    pub fn update(&mut self, ended: Vec<ExportFile>, receiving: Vec<ExportFile>) {
        for (file, ended) in ended
            .into_iter()
            .map(|f| (f, true))
            .chain(receiving.into_iter().map(|f| (f, false)))
        {
            self.files.insert(file.number, FileProgress::of(file, ended));
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
