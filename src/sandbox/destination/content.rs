//! All that a destination holds and all that was asked of it, for tests to compare.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

/// What a destination holds.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Content {
    /// Every record as it is now, by `Type/id`.
    pub records: BTreeMap<String, Value>,
    /// The number of versions of every record that ever was, deletions counted, by `Type/id`.
    pub versions: BTreeMap<String, usize>,
    /// Versions written by clients since the start; what a failed transaction took back is not counted.
    pub versions_written: usize,
}

impl Content {
    /// The number of records of a type.
    pub fn count(&self, kind: &str) -> usize {
        let prefix = format!("{kind}/");
        self.records.keys().filter(|name| name.starts_with(&prefix)).count()
    }

    /// The records with an identifier of this value, by `Type/id`.
    pub fn identified(&self, value: &str) -> Vec<&str> {
        let has = |record: &Value| super::records::identifiers(record).any(|(_, held)| held == value);
        let found = self.records.iter().filter(|(_, record)| has(record));
        found.map(|(name, _)| name.as_str()).collect()
    }

    /// Relative references of records that lead nowhere, each as `Type/id -> Type/id`.
    pub fn dangling(&self) -> Vec<String> {
        let mut dangling = Vec::new();
        for (name, record) in &self.records {
            for (_, reference) in super::reference::references(record) {
                if let Some((kind, id)) = super::reference::local(reference)
                    && !self.records.contains_key(&format!("{kind}/{id}"))
                {
                    dangling.push(format!("{name} -> {kind}/{id}"));
                }
            }
        }
        dangling
    }
}

/// What clients asked for since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DestinationStats {
    /// Requests of any kind.
    pub requests: u64,
    /// Reads of the `CapabilityStatement`.
    pub metadata: u64,
    /// Bundles posted.
    pub bundles: u64,
    /// Entries of all Bundles posted.
    pub entries: u64,
    /// Entries of the largest Bundle.
    pub largest: u64,
    /// Request bodies that came gzipped.
    pub gzipped: u64,
    /// Requests, or entries, refused because the allowance was spent.
    pub throttled: u64,
    /// Access tokens issued.
    pub tokens_issued: u64,
    /// How often a record, or what meets a condition, was to be written while it was being written already; see `latency`.
    pub collisions: u64,
    /// How often each fault struck, by name.
    pub struck: BTreeMap<String, u64>,
}
