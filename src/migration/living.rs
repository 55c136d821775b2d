//! What reading a few records again at the source showed: what the export itself left out.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A look at the living source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Living {
    /// When, RFC 3339.
    pub when: String,
    /// Seed by which the patients were drawn.
    pub seed: u64,
    /// Patients read again.
    pub patients: u64,
    /// Records of theirs that the source gave.
    pub records: u64,
    /// Of those, changed at the source since the export: the next delta brings them.
    pub changed_since: u64,
    /// Requests made.
    pub requests: u64,
    /// How many records of each type the source says it has, and how many were received.
    pub counts: BTreeMap<String, (u64, u64)>,
    /// What the source does not offer, or refused, in words.
    pub not_offered: Vec<String>,
    /// Records that the source has, and the export left out or brought otherwise, by type.
    pub left_out: BTreeMap<String, u64>,
}

impl Living {
    /// Whether the export left nothing out that was looked at.
    pub fn clean(&self) -> bool {
        self.left_out.is_empty()
    }
}
