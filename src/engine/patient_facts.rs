//! What identifies a patient, worked out without looking at the store.

use std::collections::BTreeMap;

use crate::fhir::{self, Traits};
use crate::store::Storage;

/// What identifies a patient.
pub struct PatientFacts {
    /// Keyed hashes of its MRNs within the tenant, their systems as the destination names them.
    pub mrns: Vec<[u8; 16]>,
    /// `Patient.link` says that another record replaces this one.
    pub replaced: bool,
    /// Keyed hashes of the ids of patients it refers to (`Patient.link`).
    pub links: Vec<[u8; 16]>,
    /// It refers to records that were known under another id when its file began, other than patients.
    pub refers: bool,
    /// By what it is compared with other patients.
    pub traits: Traits,
}

impl PatientFacts {
    /// The facts of a patient's line that refers to the patients `links`; `systems` leads from the source's MRN systems to the
    /// destination's.
    pub fn read(
        storage: &Storage,
        tenant: u16,
        systems: &BTreeMap<String, String>,
        text: &[u8],
        links: Vec<[u8; 16]>,
    ) -> Self {
        // What cannot be read as a patient tells of nobody.
        let mut person = fhir::person(text).unwrap_or_default();
        person.map_systems(systems);
        let mrns = person.mrns.iter();
        Self {
            mrns: mrns
                .map(|(system, value)| storage.mrn_hash(tenant, system, value))
                .collect(),
            replaced: person.replaced,
            links,
            refers: false,
            traits: Traits::of(&person),
        }
    }
}
