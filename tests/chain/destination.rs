//! To come.
use std::collections::BTreeSet;

use cutover::fhir::{self, Kind};

use crate::bench::Bench;

/// References of stored records to patients that are not there, but for those that the source had none of either.
pub fn dangling_patients(bench: &Bench) -> Vec<String> {
    let stored = bench.stored();
    let base = Some(bench.plan.base_url.as_str());
    let mut dangling = BTreeSet::new();
    for (name, line) in &stored {
        for found in fhir::references(line) {
            if let Kind::Local {
                resource_type: "Patient",
                id,
                ..
            } = fhir::classify(&found.text, base)
                && !stored.contains_key(&format!("Patient/{id}"))
            {
                dangling.insert(format!("{name} -> {id}"));
            }
        }
    }
    dangling.into_iter().collect()
}
