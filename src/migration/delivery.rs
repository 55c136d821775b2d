//! A delivery to a server: how it is going to be done, and what came of it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::destination::{Bundling, Strategy};

/// How records are written to a server, as it follows from what the server says it can do and from what a person chose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryPlan {
    /// What records are sent in.
    pub bundles: Bundling,
    /// The most records sent together to begin with.
    pub at_most: usize,
    /// Bodies are gzipped.
    pub gzip: bool,
    /// By type, how records are written so that writing them twice makes one of each.
    pub strategies: BTreeMap<String, Strategy>,
    /// Types whose records are not written, and why.
    pub not_written: BTreeMap<String, String>,
}

impl DeliveryPlan {
    /// What records are sent in, in words.
    pub fn describe(&self) -> String {
        let bundles = match self.bundles {
            Bundling::Batch => "batches",
            Bundling::Transaction => "transactions",
        };
        let gzip = if self.gzip { ", gzipped" } else { "" };
        format!("{bundles} of up to {} records{gzip}", self.at_most)
    }
}

/// What came of a delivery.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryCounts {
    /// Records written that were not there.
    pub created: u64,
    /// Records of which a new version was written.
    pub updated: u64,
    /// Records that were there already as they should be, found by reading.
    pub found: u64,
    /// Records that needed no request.
    pub unchanged: u64,
    /// Records removed again.
    pub removed: u64,
    /// Records that the server does not take.
    pub refused: u64,
    /// Records that the server has with something else in them.
    pub conflicts: u64,
    /// Records that the server has with something else in them, as somebody decided.
    #[serde(default)]
    pub kept: u64,
}

impl DeliveryCounts {
    /// Whether every record is where it should be.
    pub fn clean(&self) -> bool {
        self.refused == 0 && self.conflicts == 0
    }

    /// What came of two passes, one after the other: what was done counts in both, what was not is the later one's to tell.
    #[must_use]
    pub fn and_then(self, later: Self) -> Self {
        Self {
            created: self.created + later.created,
            updated: self.updated + later.updated,
            found: self.found + later.found,
            removed: self.removed + later.removed,
            ..later
        }
    }

    /// Records that were looked at.
    pub fn total(&self) -> u64 {
        let there = self.created + self.updated + self.found + self.unchanged + self.removed;
        there + self.refused + self.conflicts + self.kept
    }
}
