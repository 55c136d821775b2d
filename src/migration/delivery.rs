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
    /// Attachments of up to this many bytes go inside the record that shows them; 0: none does.
    #[serde(default)]
    pub inline_attachments: usize,
    /// By type, how records are written so that writing them twice makes one of each.
    pub strategies: BTreeMap<String, Strategy>,
    /// Types whose records are not written, and why.
    pub not_written: BTreeMap<String, String>,
}

impl DeliveryPlan {
    /// What records are sent in, in words.
    pub fn describe(&self) -> String {
        let bundles = match self.bundles {
            Bundling::Batch => "batches of",
            Bundling::Transaction => "transactions of",
            Bundling::Patient => "transactions of a patient's records, or",
        };
        let gzip = if self.gzip { ", gzipped" } else { "" };
        format!("{bundles} up to {} records{gzip}", self.at_most)
    }

    /// How each type is written, in words; false where it is not written at all.
    pub fn types(&self) -> BTreeMap<&str, (String, bool)> {
        let inside = format!(
            "inside the record that shows it, up to {}",
            size(self.inline_attachments)
        );
        let written = self.strategies.iter().map(|(name, strategy)| {
            let how = strategy.describe();
            match name.as_str() {
                "Binary" if self.inline_attachments > 0 => (name.as_str(), (format!("{inside}, else {how}"), true)),
                name => (name, (how.to_owned(), true)),
            }
        });
        let not_written = self.not_written.iter().map(|(name, why)| match name.as_str() {
            "Binary" if self.inline_attachments > 0 => (name.as_str(), (inside.clone(), true)),
            name => (name, (why.clone(), false)),
        });
        written.chain(not_written).collect()
    }
}

/// Bytes as people say them.
fn size(bytes: usize) -> String {
    const MIB: usize = 1024 * 1024;
    match bytes {
        _ if bytes >= MIB && bytes.is_multiple_of(MIB) => format!("{} MiB", bytes / MIB),
        _ if bytes.is_multiple_of(1024) => format!("{} KiB", bytes / 1024),
        _ => format!("{bytes} bytes"),
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
    /// Documents that are inside a record that shows them.
    #[serde(default)]
    pub inside: u64,
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
        there + self.inside + self.refused + self.conflicts + self.kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_written_inside_of_others_by_themselves_or_not_at_all() {
        let mut plan = DeliveryPlan {
            bundles: Bundling::Patient,
            at_most: 100,
            gzip: true,
            inline_attachments: 5000,
            strategies: BTreeMap::from([("Binary".to_owned(), Strategy::ClientId)]),
            not_written: BTreeMap::from([("Basic".to_owned(), "no such type".to_owned())]),
        };
        assert_eq!(
            plan.describe(),
            "transactions of a patient's records, or up to 100 records, gzipped"
        );
        let how = |plan: &DeliveryPlan| plan.types()["Binary"].clone();
        let inside = "inside the record that shows it, up to 5000 bytes";
        assert_eq!(how(&plan), (format!("{inside}, else written under its own id"), true));
        assert_eq!(plan.types()["Basic"], ("no such type".to_owned(), false));
        plan.strategies.clear();
        plan.not_written.insert("Binary".to_owned(), "no search".to_owned());
        assert_eq!(how(&plan), (inside.to_owned(), true));
        plan.inline_attachments = 0;
        assert_eq!(how(&plan), ("no search".to_owned(), false));
        assert_eq!([size(2048), size(8 << 20), size(1)], ["2 KiB", "8 MiB", "1 bytes"]);
    }
}
