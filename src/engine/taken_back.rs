//! What an undo or a rollback takes back, told before it is done and after.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::cut::{Cut, Effect, cut};
use super::error::EngineError;
use crate::fhir;
use crate::migration::Resolution;
use crate::store::{Entry, RecordKey, Storage};

/// Edited records that are named one by one; beyond that they are counted.
const NAMED: usize = 200;

/// Records of one type, by what becomes of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Effects {
    /// Created by what is taken back: they go.
    pub removed: u64,
    /// They get their former version back.
    pub restored: u64,
    /// They had been deleted and come back.
    pub brought_back: u64,
    /// Edited at the destination since: they stay as they are.
    pub edited: u64,
}

/// What is taken back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TakenBack {
    /// Runs, as a whole.
    pub runs: Vec<u32>,
    /// Decisions, by conflict.
    pub decisions: Vec<(String, Resolution)>,
    /// Decisions that were built on those.
    pub dependent: Vec<(String, Resolution)>,
    /// Received rows that are looked at again: they wait or are in question as they were before the decisions.
    pub rows: u64,
    /// What becomes of records, by type.
    pub effects: BTreeMap<String, Effects>,
    /// Records edited at the destination since, as Type/id; the first two hundred.
    pub edited: Vec<String>,
}

impl TakenBack {
    /// Counts what cutting the versions that are `ours` out of these records does to them.
    pub fn count(
        &mut self,
        storage: &Arc<Storage>,
        keys: impl Iterator<Item = Result<RecordKey, EngineError>>,
        ours: impl Fn(&Entry) -> bool,
        force: bool,
    ) -> Result<(), EngineError> {
        let names = storage.names.resource_types();
        let names: BTreeMap<u16, String> = names.into_iter().map(|(name, number)| (number, name)).collect();
        for key in keys {
            let key = key?;
            let versions = storage.index.versions(&key)?;
            let Some(Cut { effect, overruled, .. }) = cut(&versions, &ours, force) else {
                continue;
            };
            let name = names.get(&key.resource_type()).cloned().unwrap_or_default();
            let effects = self.effects.entry(name.clone()).or_default();
            match effect {
                Effect::Removed => effects.removed += 1,
                Effect::Restored => effects.restored += 1,
                Effect::BroughtBack => effects.brought_back += 1,
                Effect::Edited => effects.edited += 1,
                Effect::Replaced => {}
            }
            let edited = effect == Effect::Edited || !overruled.is_empty();
            if edited
                && self.edited.len() < NAMED
                && let Some(current) = versions.first()
            {
                let line = storage.bytes(current)?;
                let id = fhir::scan(&line).map(|scan| scan.id.to_owned()).unwrap_or_default();
                self.edited.push(format!("{name}/{id}"));
            }
        }
        Ok(())
    }
}
