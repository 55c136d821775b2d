//! What a store says as a whole, in one hash.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};

use crate::fhir;

/// Hashes records one by one, in whatever order they come: SHA-256 over the sorted hashes of type, id and canonical content of each. Two
/// stores that say the same have the same.
#[derive(Debug, Default)]
pub struct ContentHash {
    records: Vec<[u8; 32]>,
    counts: BTreeMap<String, u64>,
}

impl ContentHash {
    /// Takes a record in.
    pub fn add(&mut self, resource_type: &str, line: &[u8]) {
        // A line without a canonical form, such as one with a member twice, stands for itself.
        let content = fhir::canonical_hash(line, None).unwrap_or_else(|_| sha256(line));
        let id = fhir::scan(line).map(|scan| scan.id.to_owned()).unwrap_or_default();
        let name = format!("{resource_type}/{id} ");
        self.records.push(sha256(&[name.as_bytes(), &content].concat()));
        match self.counts.get_mut(resource_type) {
            Some(count) => *count += 1,
            None => drop(self.counts.insert(resource_type.to_owned(), 1)),
        }
    }

    /// How many records of each type were taken in.
    pub fn counts(&self) -> &BTreeMap<String, u64> {
        &self.counts
    }

    /// The hash of them all.
    pub fn finish(mut self) -> [u8; 32] {
        self.records.sort_unstable();
        sha256(&self.records.concat())
    }
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
    hash
}
