//! What the simulated EHR holds: the boundary between the server and the data behind it.

use std::ops::Range;
use std::path::PathBuf;

/// A group of patients that can be exported together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Logical id.
    pub id: String,
    /// Name shown to people.
    pub name: String,
}

/// Bytes of a plain file on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extent {
    /// The file.
    pub path: PathBuf,
    /// Byte offsets, end exclusive.
    pub bytes: Range<u64>,
}

/// What the simulated EHR holds.
pub trait Dataset: Send + Sync {
    /// Resource types held, in dependency order, with how many resources of each.
    fn types(&self) -> Vec<(String, u64)>;
    /// The NDJSON lines `range` (0-based, end exclusive) of one type, each without its newline, made or read on the fly, never all in memory.
    fn lines<'a>(&'a self, resource_type: &str, range: Range<u64>) -> Box<dyn Iterator<Item = Vec<u8>> + Send + 'a>;
    /// One resource's line by id (for `GET [base]/Type/id`, Binary attachments).
    fn read(&self, resource_type: &str, id: &str) -> Option<Vec<u8>>;
    /// The groups that can be exported.
    fn groups(&self) -> Vec<Group>;
    /// Whether a patient belongs to a group.
    fn in_group(&self, group: &str, patient_id: &str) -> bool;
    /// Instant of the export (`transactionTime`), fixed for a dataset, so runs are reproducible.
    fn transaction_time(&self) -> String;

    /// Whether a group holds every patient, so that an export of it needs no look at the lines.
    fn holds_all(&self, _group: &str) -> bool {
        false
    }
    /// Where the lines `range` of a type lie on disk, when they lie there exactly as they are to be served.
    fn on_disk(&self, _resource_type: &str, _range: Range<u64>) -> Option<Vec<Extent>> {
        None
    }
}
