//! The patients that the destination knows, in comparable form.
//!
//! They are taken in from the store when the first patient arrives who is known neither by id nor by MRN, and held in memory (about 300 bytes
//! each) until the run ends. Nothing of it is stored, so there is nothing that a kill could leave behind or that could disagree with the
//! records.

use std::collections::BTreeMap;

use super::error::EngineError;
use crate::fhir::{self, Comparison, Roster, Traits};
use crate::store::{Entry, RecordKey, Storage, Writer};

/// The patients that the destination knows.
#[derive(Default)]
pub struct Known {
    roster: Roster,
    /// By number on the roster.
    keys: Vec<RecordKey>,
}

impl Known {
    /// Takes in a tenant's patients, what is pending included.
    pub fn read(
        storage: &Storage,
        writer: &mut Writer,
        tenant: u16,
        systems: &BTreeMap<String, String>,
    ) -> Result<Self, EngineError> {
        let prefix = RecordKey::prefix(tenant, storage.names.resource_type("Patient")?);
        let mut entries: BTreeMap<RecordKey, Entry> = BTreeMap::new();
        for item in storage.index.scan(&prefix) {
            let (key, entry) = item?;
            entries.insert(key, entry);
        }
        entries.extend(writer.pending.under(&prefix));
        let mut entries: Vec<(RecordKey, Entry)> = entries.into_iter().filter(|(_, entry)| !entry.deleted).collect();
        // In the order of the landing, each block is opened once.
        entries.sort_unstable_by_key(|(_, entry)| (entry.location.segment, entry.location.block, entry.location.start));
        let mut known = Self::default();
        for (key, entry) in entries {
            if let Some(traits) = traits(&writer.read(&entry.location)?, &entry, systems) {
                known.add(key, &traits);
            }
        }
        Ok(known)
    }

    /// Takes in a patient.
    pub fn add(&mut self, key: RecordKey, traits: &Traits) {
        self.roster.add(traits);
        self.keys.push(key);
    }

    /// The patients who may be this one, the surest first, as they were when they were taken in.
    pub fn like(&self, traits: &Traits) -> Vec<(RecordKey, Comparison)> {
        let found = self.roster.like(traits).into_iter();
        found
            .filter_map(|(number, comparison)| Some((*self.keys.get(number as usize)?, comparison)))
            .collect()
    }
}

/// By what a stored patient is compared; `None` for one that another replaces.
pub fn traits(line: &[u8], entry: &Entry, systems: &BTreeMap<String, String>) -> Option<Traits> {
    let mut person = fhir::person(line).ok().filter(|person| !person.replaced)?;
    if !entry.local {
        person.map_systems(systems);
    }
    Some(Traits::of(&person))
}
