//! What is known of a verification block by block, so that it can go on after a kill, and only what changed is compared again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::counts::ByType;
use super::record_state::StatesByType;
use super::verification::LostElement;
use crate::fhir::ListItem;

/// A verification that was begun.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifyMark {
    /// The migration's last journal entry when it began.
    pub entry: u64,
    /// The newest segment then.
    pub segment: u32,
    /// It came to its end.
    pub complete: bool,
}

/// What was found in one block of the landing.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VerifiedBlock {
    /// Rows by type and what became of them.
    pub counts: ByType,
    /// Records by type and state.
    pub states: StatesByType,
    /// Records read back and compared.
    pub compared: u64,
    /// References followed.
    pub references: u64,
    /// References that lead nowhere, by kind.
    pub dangling: BTreeMap<String, u64>,
    /// Records of the store that rows of this block put there, by type.
    pub explained: BTreeMap<String, Explained>,
    /// Patients among the records.
    pub patients: u64,
    /// What does not agree.
    pub findings: Vec<RecordFinding>,
}

impl VerifiedBlock {
    /// Whether there is nothing in it that may be otherwise by the next time, as long as the store stays as it is.
    pub fn settled(&self) -> bool {
        self.findings.is_empty() && self.states.values().all(super::record_state::States::settled)
    }
}

/// A number of records and the sum of hashes of where they are and which row put each there: equal sums are the same records.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explained {
    /// How many.
    pub records: u64,
    /// The sum, wrapping, in two halves.
    pub sum: [u64; 2],
}

impl Explained {
    /// One more record, by its hash.
    pub fn add(&mut self, hash: u128) {
        self.records += 1;
        self.set(self.get().wrapping_add(hash));
    }

    /// Adds another's records to these.
    pub fn merge(&mut self, other: &Self) {
        self.records += other.records;
        self.set(self.get().wrapping_add(other.get()));
    }

    fn get(self) -> u128 {
        u128::from(self.sum[0]) << 64 | u128::from(self.sum[1])
    }

    #[allow(clippy::cast_possible_truncation)] // The lower half is meant.
    fn set(&mut self, sum: u128) {
        self.sum = [(sum >> 64) as u64, sum as u64];
    }
}

/// A record that is not as it should be. It names the record, so it stays in the ledger, and is shown to whoever works on it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordFinding {
    /// Name of the class of what it lost, the gravest first; or another code where no record is meant.
    pub code: String,
    /// Type of the record.
    pub resource_type: String,
    /// Its id at the source.
    pub id: String,
    /// The run that received it.
    pub run: u32,
    /// The file within that run.
    pub file: u32,
    /// The line in the file, from 1.
    pub line: u64,
    /// What it lost.
    pub elements: Vec<LostElement>,
    /// It is a whole record that nothing received explains.
    #[serde(default)]
    pub extra: bool,
    /// Another sentence than that of the class, without content.
    pub what: Option<String>,
    /// What it is on the patient's list at the source, if it is on one.
    pub source: Option<ListItem>,
    /// The same at the destination.
    pub target: Option<ListItem>,
    /// Hashes of the numbers by which the source knows what is missing.
    pub numbers: Vec<u64>,
    /// Hashes of the numbers that it has at the destination and did not have at the source.
    pub gained: Vec<u64>,
}
