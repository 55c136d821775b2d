//! A file of an export: what the manifest says of it and how far its landing has come.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::counts::{ByType, Counts};

/// What a file of an export holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileKind {
    /// Resources (`output` in the manifest).
    Output,
    /// Requests to delete (`deleted`).
    Deleted,
    /// What went wrong or is worth knowing (`error`, in later drafts `outcome`).
    Outcome,
    /// Binary resources fetched for attachments, one a line.
    Attachments,
}

/// How far a file has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FileState {
    /// Not begun, or begun and to be continued.
    Pending,
    /// All of it is durable.
    Complete,
    /// It could not be had.
    Failed {
        /// Why, in a sentence.
        reason: String,
    },
}

/// A file of an export and its landing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportFile {
    /// The run.
    pub run: u32,
    /// Number within the run, from 1.
    pub number: u32,
    /// What it holds.
    pub kind: FileKind,
    /// Name shown to people and used for exported files.
    pub name: String,
    /// Where it is fetched from.
    pub url: String,
    /// The type of its resources, when the manifest says so.
    pub resource_type: Option<String>,
    /// How many resources the manifest promises.
    pub expected: Option<u64>,
    /// Whether it needs the token, when the manifest says so.
    pub needs_token: Option<bool>,
    /// The `If-Range` value of the version that is being received.
    pub validator: Option<String>,
    /// How far it has come.
    pub state: FileState,
    /// Bytes durable, after decompression.
    pub bytes: u64,
    /// Lines durable.
    pub lines: u64,
    /// BLAKE3 of all its bytes, hexadecimal, once all of them are landed.
    pub blake3: Option<String>,
    /// Whether only patients are taken in while it is received, and the rest from the landing, once all patients are known.
    #[serde(default)]
    pub deferred: bool,
    /// Of a deferred file: bytes of which the rest was taken in.
    #[serde(default)]
    pub replayed: u64,
    /// The run and number of the landed file that it equals byte for byte, which is why it was not landed again.
    #[serde(default)]
    pub same_as: Option<(u32, u32)>,
    /// What became of its rows, by type.
    pub counts: ByType,
    /// Records that each transform changed, by its place in the plan.
    #[serde(default)]
    pub transformed: BTreeMap<u16, u64>,
    /// For [`FileKind::Outcome`]: issues by severity.
    pub issues: BTreeMap<String, u64>,
}

impl ExportFile {
    /// A file of which nothing is known yet but its place, kind and name.
    pub fn new(run: u32, number: u32, kind: FileKind, name: String) -> Self {
        Self {
            run,
            number,
            kind,
            name,
            url: String::new(),
            resource_type: None,
            expected: None,
            needs_token: None,
            validator: None,
            state: FileState::Pending,
            bytes: 0,
            lines: 0,
            blake3: None,
            deferred: false,
            replayed: 0,
            same_as: None,
            counts: ByType::new(),
            transformed: BTreeMap::new(),
            issues: BTreeMap::new(),
        }
    }

    /// Whether all of it is durable.
    pub fn complete(&self) -> bool {
        self.state == FileState::Complete
    }

    /// Whether all of its bytes are landed, though its records may not all be taken in.
    pub fn landed(&self) -> bool {
        self.blake3.is_some()
    }

    /// The run and number under which its bytes are landed.
    pub fn origin(&self) -> (u32, u32) {
        self.same_as.unwrap_or((self.run, self.number))
    }

    /// Becomes complete as the equal of a former file: every row is there already.
    pub fn take_after(&mut self, former: &Self) {
        self.same_as = Some(former.origin());
        self.bytes = former.bytes;
        self.lines = former.lines;
        self.blake3.clone_from(&former.blake3);
        self.state = FileState::Complete;
        let unchanged = |rows| Counts {
            rows,
            unchanged: rows,
            ..Counts::default()
        };
        let counts = former.counts.iter();
        self.counts = counts.map(|(name, c)| (name.clone(), unchanged(c.rows))).collect();
    }

    /// Whether patients may stand in it.
    pub fn with_patients(&self) -> bool {
        self.kind == FileKind::Output && self.resource_type.as_deref().is_none_or(|t| t == "Patient")
    }

    /// Rows received in it so far.
    pub fn rows(&self) -> u64 {
        self.counts.values().map(|c| c.rows).sum()
    }
}
