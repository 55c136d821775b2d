//! Patients who are not simply themselves at the destination: undecided, or known there under another id.

use std::collections::{HashMap, HashSet};

use super::error::EngineError;
use crate::fhir;
use crate::migration::{Plan, Resolution};
use crate::store::{RecordKey, Storage, migration_key};

/// Patients that are not simply themselves at the destination, by keyed hash of the source's id.
#[derive(Debug, Clone, Default)]
pub struct PatientMap {
    /// Their identity is undecided.
    pub undecided: HashSet<[u8; 16]>,
    /// They are known under another id.
    pub crosswalk: HashMap<[u8; 16], String>,
    /// Pairs of a source's patient and one of the destination's who are two, as somebody decided.
    pub apart: HashSet<([u8; 16], RecordKey)>,
}

impl PatientMap {
    /// A record whose references to patients known under another id lead to that; `None` when it has no such references.
    pub fn repoint(&self, storage: &Storage, text: &[u8], base_url: Option<&str>) -> Option<Vec<u8>> {
        fhir::rewrite(text, base_url, |resource_type, id| {
            let target = self
                .crosswalk
                .get(&storage.id_hash(id))
                .filter(|_| resource_type == "Patient")?;
            Some(format!("Patient/{target}"))
        })
    }

    /// Whether every patient is simply itself.
    pub fn is_empty(&self) -> bool {
        self.undecided.is_empty() && self.crosswalk.is_empty()
    }
}

/// Patients of a migration that are not simply themselves, as the ledger knows them.
pub fn patients(storage: &Storage, plan: &Plan) -> Result<PatientMap, EngineError> {
    let mut map = PatientMap::default();
    let prefix = migration_key(&plan.id, &[]);
    for item in storage.tables.crosswalk.scan_prefix(&prefix) {
        let (key, target) = item?;
        if let Ok(id) = key[prefix.len()..].try_into() {
            map.crosswalk.insert(id, target);
        }
    }
    for item in storage.tables.conflicts.scan_prefix(&prefix) {
        let (_, row) = item?;
        // Decided but not carried out yet still holds its records back.
        if row.conflict.about_identity() && !row.conflict.applied {
            map.undecided.insert(storage.id_hash(&row.conflict.source.id));
        }
        if row.conflict.carried_out() == Some(Resolution::KeepBoth)
            && let Some(target) = RecordKey::from_bytes(&row.target)
        {
            map.apart.insert((storage.id_hash(&row.conflict.source.id), target));
        }
    }
    Ok(map)
}
