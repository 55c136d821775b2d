//! The one state in which a verification leaves a received record, counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How a record stands after a verification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RecordState {
    /// Not compared yet.
    Pending,
    /// Read back, and as the migration should have made it.
    Validated,
    /// Read back, and something was lost.
    Mismatched,
    /// Not there.
    Missing,
    /// There, and nothing that was received explains it.
    Extra,
    /// Waits for somebody: a decision, a patient of unclear identity, a look at what was set aside.
    Suspended,
    /// Not there as received, because somebody or a rule decided so.
    Waived,
    /// Edited at the destination since it was brought over.
    Stale,
}

impl RecordState {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Pending,
        Self::Validated,
        Self::Mismatched,
        Self::Missing,
        Self::Extra,
        Self::Suspended,
        Self::Waived,
        Self::Stale,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Validated => "validated",
            Self::Mismatched => "mismatched",
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Suspended => "suspended",
            Self::Waived => "waived",
            Self::Stale => "stale",
        }
    }
}

/// How many records are in each state. Rows that a later row of the same record replaced or repeated are no records of their own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct States(BTreeMap<RecordState, u64>);

impl States {
    /// How many are in a state.
    pub fn of(&self, state: RecordState) -> u64 {
        self.0.get(&state).copied().unwrap_or_default()
    }

    /// More records in a state.
    pub fn add(&mut self, state: RecordState, records: u64) {
        if records > 0 {
            *self.0.entry(state).or_default() += records;
        }
    }

    /// One record that was in the first state is in the second.
    pub fn shift(&mut self, from: RecordState, to: RecordState) {
        if let Some(there) = self.0.get_mut(&from) {
            *there = there.saturating_sub(1);
        }
        self.add(to, 1);
    }

    /// Adds another's records to these.
    pub fn merge(&mut self, other: &Self) {
        for (state, records) in &other.0 {
            self.add(*state, *records);
        }
    }

    /// How many there are in all.
    pub fn sum(&self) -> u64 {
        self.0.values().sum()
    }

    /// Whether nothing is left to do for any of them.
    pub fn settled(&self) -> bool {
        self.of(RecordState::Validated) + self.of(RecordState::Waived) == self.sum()
    }
}

/// States by resource type.
pub type StatesByType = BTreeMap<String, States>;
