//! Conflicts as a person looks at them: all of them with what each holds back, and one with its two records beside each other.

use std::sync::Arc;

use super::error::EngineError;
use super::merge::with_open;
use crate::fhir::{self, FieldDifference, MergeError};
use crate::migration::{Conflict, Plan};
use crate::store::{Storage, migration_key};

/// A conflict and what waits for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The conflict.
    pub conflict: Conflict,
    /// Rows that wait for its patient.
    pub held: u64,
}

/// The two records of an open conflict. They hold a patient's data.
#[derive(Clone, PartialEq, Eq)]
pub struct Beside {
    /// The source's record, as it is compared and merged from.
    pub left: Vec<u8>,
    /// The destination's record.
    pub right: Vec<u8>,
    /// References below it count as relative.
    pub base_url: Option<String>,
    /// Where they differ.
    pub differences: Vec<FieldDifference>,
    /// What both say alike, by element.
    pub alike: Vec<(String, String)>,
}

impl std::fmt::Debug for Beside {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Beside").finish_non_exhaustive()
    }
}

/// All conflicts of a migration, by id.
pub fn conflicts_of(storage: &Storage, plan: &Plan) -> Result<Vec<Listed>, EngineError> {
    let mut all = Vec::new();
    for item in storage.tables.conflicts.scan_prefix(&migration_key(&plan.id, &[])) {
        let conflict = item?.1.conflict;
        let held = if conflict.open() {
            waiting(storage, plan, &conflict)?
        } else {
            0
        };
        all.push(Listed { conflict, held });
    }
    Ok(all)
}

/// Rows that wait for a conflict's patient.
pub fn waiting(storage: &Storage, plan: &Plan, conflict: &Conflict) -> Result<u64, EngineError> {
    if !conflict.about_identity() {
        return Ok(0);
    }
    let tenant = storage.names.tenant(&plan.tenant)?;
    let prefix = [&tenant.to_be_bytes()[..], &storage.id_hash(&conflict.source.id)].concat();
    Ok(storage.tables.held.count_prefix(&prefix)?)
}

/// The two records of an open conflict beside each other.
pub fn beside(storage: &Arc<Storage>, plan: &Plan, id: &str) -> Result<Beside, EngineError> {
    with_open(storage, plan, id, |sides| {
        let left = sides.left()?;
        let differences = fhir::diff(&left, sides.target, sides.base_url);
        let differences = differences.map_err(MergeError::from)?;
        let alike = alike(sides.target, &differences);
        Ok(Beside {
            left,
            right: sides.target.to_vec(),
            base_url: sides.base_url.map(str::to_owned),
            differences,
            alike,
        })
    })
}

/// Elements of a record in which no difference was found.
pub fn alike(record: &[u8], differences: &[FieldDifference]) -> Vec<(String, String)> {
    let Ok(serde_json::Value::Object(members)) = serde_json::from_slice(record) else {
        return Vec::new();
    };
    let differs = |name: &str| {
        differences.iter().any(|found| match found.path.strip_suffix("[x]") {
            Some(stem) => name.starts_with(stem),
            None => found.path.split('[').next() == Some(name),
        })
    };
    let shown = |name: &str| !matches!(name, "resourceType" | "id" | "meta" | "text") && !name.starts_with('_');
    let members = members.into_iter().filter(|(name, _)| shown(name) && !differs(name));
    members.map(|(name, value)| (name, value.to_string())).collect()
}
