//! What an undo or a rollback takes back, told before it is done and after.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;

use super::error::EngineError;
use super::told::Told;
use crate::fhir;
use crate::migration::Resolution;
use crate::store::{Entry, RowId, Storage};

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
    /// How many more received rows wait or are in question, as they were before.
    pub rows: u64,
    /// What becomes of records, by type.
    pub effects: BTreeMap<String, Effects>,
    /// Records edited at the destination since, as Type/id; the first two hundred.
    pub edited: Vec<String>,
}

/// How the store differs from what was told.
#[derive(Debug, Default)]
pub struct Compared {
    /// What becomes of records, by type.
    pub effects: BTreeMap<String, Effects>,
    /// Records edited at the destination on top of what is taken back, as Type/id; the first two hundred.
    pub edited: Vec<String>,
    /// The rows of those edits.
    pub edits: HashSet<RowId>,
}

impl Compared {
    /// Compares a store with what was told.
    pub fn of(storage: &Storage, told: &Told) -> Result<Self, EngineError> {
        let names = storage.names.resource_types();
        let names: BTreeMap<u16, String> = names.into_iter().map(|(name, number)| (number, name)).collect();
        let mut compared = Self::default();
        told.differences(storage, |key, was, is| {
            let name = names.get(&key.resource_type()).cloned().unwrap_or_default();
            let edits = edits(&was, &is);
            let live = |versions: &[Entry]| versions.first().is_some_and(|entry| !entry.deleted);
            let stays = |was: &Entry, is: &Entry| (was.row, was.location) == (is.row, is.location);
            let same = was.first().zip(is.first()).is_some_and(|(was, is)| stays(was, is));
            let mut effects = Effects::default();
            match (live(&was), live(&is)) {
                (true, false) => effects.removed = 1,
                (false, true) => effects.brought_back = 1,
                (true, true) if !same => effects.restored = 1,
                (true, true) if !edits.is_empty() => effects.edited = 1,
                _ => {}
            }
            if effects != Effects::default() {
                compared.effects.entry(name.clone()).or_default().add(effects);
            }
            if !edits.is_empty()
                && compared.edited.len() < NAMED
                && let Some(current) = was.first()
            {
                let text = storage.bytes(current)?;
                let id = fhir::scan(&text).map(|scan| scan.id.to_owned()).unwrap_or_default();
                compared.edited.push(format!("{name}/{id}"));
            }
            compared.edits.extend(edits);
            Ok(())
        })?;
        Ok(compared)
    }
}

impl Effects {
    fn add(&mut self, more: Self) {
        self.removed += more.removed;
        self.restored += more.restored;
        self.brought_back += more.brought_back;
        self.edited += more.edited;
    }
}

/// Rows of the destination's own that came after a version which is not told any more.
fn edits(was: &[Entry], is: &[Entry]) -> Vec<RowId> {
    let told = |entry: &Entry| entry.local || is.iter().any(|other| other.row == entry.row);
    let since = was.iter().rev().skip_while(|entry| told(entry));
    since.filter(|entry| entry.local).map(|entry| entry.row).collect()
}
