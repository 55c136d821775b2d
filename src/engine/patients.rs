//! Patients who are not simply themselves at the destination: undecided, or known there under another id.

use std::collections::HashSet;

use super::crosswalk::Crosswalk;
use super::error::EngineError;
use crate::migration::{Plan, Resolution};
use crate::store::{RecordKey, Storage, migration_key};

/// Patients that are not simply themselves at the destination, by keyed hash of the source's id.
#[derive(Debug, Clone, Default)]
pub struct PatientMap {
    /// Their identity is undecided.
    pub undecided: HashSet<[u8; 16]>,
    /// They, and other records, are known under another id.
    pub crosswalk: Crosswalk,
    /// Pairs of a source's patient and one of the destination's who are two, as somebody decided.
    pub apart: HashSet<([u8; 16], RecordKey)>,
}

impl PatientMap {
    /// A record whose references lead where the crosswalk says; `None` when none of them changes.
    pub fn repoint(&self, storage: &Storage, text: &[u8], base_url: Option<&str>) -> Option<Vec<u8>> {
        self.crosswalk.repoint(storage, text, base_url)
    }

    /// A received line as it is compared with a stored one. Which patients are known under another id may come out while patients are
    /// taken in, and a patient must not look changed by that: so in a Patient references to patients stay as they are.
    pub fn compared(
        &self,
        storage: &Storage,
        resource_type: &str,
        text: &[u8],
        base_url: Option<&str>,
    ) -> Option<Vec<u8>> {
        if resource_type == "Patient" {
            return self.crosswalk.repoint_others(storage, text, base_url);
        }
        self.repoint(storage, text, base_url)
    }

    /// Whether references lead where they lead by `other`, and the same patients are waited for.
    pub fn leads_like(&self, other: &Self) -> bool {
        self.undecided == other.undecided && self.crosswalk.leads_like(&other.crosswalk)
    }

    /// Whether every patient is simply itself, and every other record.
    pub fn is_empty(&self) -> bool {
        self.undecided.is_empty() && self.crosswalk.is_empty()
    }
}

/// Patients of a migration that are not simply themselves, as the ledger knows them.
pub fn patients(storage: &Storage, plan: &Plan) -> Result<PatientMap, EngineError> {
    let mut map = PatientMap {
        crosswalk: Crosswalk::read(storage, &plan.id)?,
        ..PatientMap::default()
    };
    let prefix = migration_key(&plan.id, &[]);
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
