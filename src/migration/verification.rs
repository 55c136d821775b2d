//! What a verification found: the landing against what the store gives back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::acceptance::Acceptance;
use super::counts::ByType;

/// One thing that does not agree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Short stable name, such as `missing` or `content-differs`.
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
}

/// The result of a verification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verification {
    /// When, RFC 3339.
    pub when: String,
    /// Rows counted anew from the landing and the store, by type.
    pub counts: ByType,
    /// Records read back and compared with their landing bytes.
    pub compared: u64,
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

/// Findings kept with their place; beyond that they are counted.
pub const KEPT_FINDINGS: usize = 200;

impl Verification {
    /// Adds a finding.
    pub fn find(&mut self, finding: Finding) {
        self.total_findings += 1;
        if self.findings.len() < KEPT_FINDINGS {
            self.findings.push(finding);
        }
    }

    /// How many findings there are of each class; those beyond what is kept with their place have none here.
    pub fn by_class(&self) -> BTreeMap<String, u64> {
        let mut classes = BTreeMap::new();
        for finding in &self.findings {
            *classes.entry(finding.code.clone()).or_insert(0) += 1;
        }
        classes
    }

    /// Whether everything agrees.
    pub fn clean(&self) -> bool {
        self.total_findings == 0
    }
}
