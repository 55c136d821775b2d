//! A row that was set aside: where it stood, why, and how to read it again.

use serde::{Deserialize, Serialize};

use super::conflict::By;

/// A quarantined row. Its bytes stay in the landing, as received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quarantined {
    /// The run that received it.
    pub run: u32,
    /// The file within the run.
    pub file: u32,
    /// The file's name, as shown to people.
    pub file_name: String,
    /// Line within the file, from 1.
    pub line: u64,
    /// Byte offset of the line in the file as received.
    pub offset: u64,
    /// Length of the line in bytes; of an oversize line, the part that was looked at.
    pub len: u64,
    /// The type it stood for: that of its file, or its own.
    pub resource_type: String,
    /// Short stable name of the reason, such as `not-json`.
    pub code: String,
    /// The reason in a sentence, without any of the line's content.
    pub reason: String,
}

/// That a person set a quarantined row right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amended {
    /// Who, and why.
    pub by: By,
    /// When, RFC 3339.
    pub when: String,
}

/// A quarantined row that a person has decided to do without.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waived {
    /// Who, and why.
    pub by: By,
    /// When, RFC 3339.
    pub when: String,
}
