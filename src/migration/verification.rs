//! What a verification found: the landing against what the store gives back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::acceptance::Acceptance;
use super::counts::ByType;
use super::living::Living;
use super::record_state::{RecordState, States, StatesByType};
use crate::fhir::{ClinicalList, LossClass};

/// One thing that does not agree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Short stable name: that of a [`LossClass`] where a record lost something, or such as `landing-short`.
    pub code: String,
    /// The record's type.
    pub resource_type: String,
    /// The run that received the row.
    pub run: u32,
    /// The file's name.
    pub file: String,
    /// The line in that file, from 1; 0 when the whole file is meant.
    pub line: u64,
    /// What is wrong, in a sentence without content.
    pub what: String,
    /// Everything that the record lost, element by element.
    #[serde(default)]
    pub elements: Vec<LostElement>,
}

/// An element in which a record is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostElement {
    /// Name of the [`LossClass`].
    pub class: String,
    /// Names and places only, such as `code.coding[0].system`; empty for the whole record.
    pub element: String,
}

/// What a verification found on the patients' lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lists {
    /// Patients whose lists were compared: all that were received.
    pub patients: u64,
    /// By list, the patients whose list does not say at the destination what it says at the source.
    pub differing: BTreeMap<ClinicalList, u64>,
}

/// The result of a verification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// When, RFC 3339.
    pub when: String,
    /// Rows counted anew from the landing and the store, by type.
    pub counts: ByType,
    /// Records by type and the state in which each of them ended.
    #[serde(default)]
    pub states: StatesByType,
    /// Records read back and compared with their landing bytes.
    pub compared: u64,
    /// Of those, the ones compared before this verification went on or began, and not changed since.
    #[serde(default)]
    pub compared_before: u64,
    /// References followed.
    pub references: u64,
    /// References that lead nowhere, by kind (`type-not-exported`, `id-not-exported`, `external`, ...).
    pub dangling: BTreeMap<String, u64>,
    /// Attachments that the records name, and of those the ones whose bytes are in the store.
    pub attachments: (u64, u64),
    /// How many findings there are in all.
    pub total_findings: u64,
    /// The first of them.
    pub findings: Vec<Finding>,
    /// All of them by code.
    #[serde(default)]
    pub codes: BTreeMap<String, u64>,
    /// The patients' lists.
    #[serde(default)]
    pub lists: Lists,
    /// What reading again at the source showed, if that was asked for.
    #[serde(default)]
    pub living: Option<Living>,
    /// Charts drawn for a person to look at.
    pub samples: u32,
    /// What looking at them finds.
    #[serde(default)]
    pub acceptance: Acceptance,
    /// Patients named by the practice of whom nothing was received.
    #[serde(default)]
    pub unknown_patients: u64,
    /// Drawn charts by stratum.
    #[serde(default)]
    pub strata: BTreeMap<String, u64>,
    /// Seed they were drawn with.
    pub seed: u64,
}

/// Findings kept with the result; all of records are kept where their blocks are.
pub const KEPT_FINDINGS: usize = 200;

impl Verification {
    /// Adds a finding.
    pub fn find(&mut self, finding: Finding) {
        self.total_findings += 1;
        *self.codes.entry(finding.code.clone()).or_default() += 1;
        if self.findings.len() < KEPT_FINDINGS {
            self.findings.push(finding);
        }
    }

    /// How many findings there are of each class.
    pub fn by_class(&self) -> BTreeMap<String, u64> {
        self.codes.clone()
    }

    /// Whether everything agrees.
    pub fn clean(&self) -> bool {
        self.total_findings == 0
    }

    /// Records in each state, of all types.
    pub fn all_states(&self) -> States {
        let mut sum = States::default();
        for states in self.states.values() {
            sum.merge(states);
        }
        sum
    }

    /// Findings by the ways in which migrations lose data, 1 to 7: see [`LossClass::mode`].
    pub fn modes(&self) -> BTreeMap<u8, u64> {
        let mut modes = BTreeMap::new();
        for (code, number) in &self.codes {
            if let Some(class) = LossClass::named(code) {
                *modes.entry(class.mode()).or_default() += number;
            }
        }
        modes
    }

    /// How many records are in a state.
    pub fn records(&self, state: RecordState) -> u64 {
        self.all_states().of(state)
    }
}
