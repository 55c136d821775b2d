//! Strata: what makes a patient's chart another sort of chart.

use std::collections::{HashMap, HashSet};

use crate::fhir;

/// Medications from which on a patient has many.
const MANY_MEDICATIONS: u16 = 10;
/// Allergies from which on a patient has several.
const SEVERAL_ALLERGIES: u16 = 2;
/// Visits from which on a chart is a thick one.
const MANY_VISITS: u16 = 20;

/// How much of what a patient's chart holds.
#[derive(Debug, Clone, Copy, Default)]
struct Load {
    medications: u16,
    allergies: u16,
    visits: u16,
}

/// What tells the stratum of a patient beside the patient's own record.
#[derive(Debug, Default)]
pub struct Strata {
    /// By hash of the patient's id.
    loads: HashMap<u64, Load>,
    /// Hashes of records that were counted, where several runs may have brought the same.
    pub counted: Option<HashSet<u64>>,
    /// Ids of patients of whom a conflict was decided.
    pub decided: HashSet<String>,
    /// Ids of patients whom the destination knows under another id.
    pub merged: HashSet<String>,
    /// The year from which ages count.
    pub year: i16,
}

impl Strata {
    /// Types of records that tell a stratum.
    pub const TYPES: [&'static str; 4] = [
        "MedicationRequest",
        "MedicationStatement",
        "AllergyIntolerance",
        "Encounter",
    ];

    /// Takes note of a record of one of [`Self::TYPES`].
    pub fn counts(&mut self, resource_type: &str, id: &str, patient: Option<&str>) {
        let Some(patient) = patient else { return };
        let again = |counted: &mut HashSet<u64>| !counted.insert(hash(&format!("{resource_type}/{id}")));
        if self.counted.as_mut().is_some_and(again) {
            return;
        }
        let load = self.loads.entry(hash(patient)).or_default();
        let part = match resource_type {
            "MedicationRequest" | "MedicationStatement" => &mut load.medications,
            "AllergyIntolerance" => &mut load.allergies,
            "Encounter" => &mut load.visits,
            _ => return,
        };
        *part = part.saturating_add(1);
    }

    /// The stratum of a patient: the first that fits, those with the higher risk before those that everybody is in.
    pub fn of(&self, id: &str, line: &[u8]) -> &'static str {
        let has = |needle: &str| memchr::memmem::find(line, needle.as_bytes()).is_some();
        let load = self.loads.get(&hash(id)).copied().unwrap_or_default();
        let person = fhir::person(line).ok();
        let script = person.as_ref().is_some_and(|person| {
            let mut names = person.family().chain(person.given());
            names.any(|name| !name.is_ascii())
        });
        match () {
            () if self.merged.contains(id) => return "merged",
            () if self.decided.contains(id) => return "in-conflict",
            () if has("\"deceased") => return "deceased",
            () if load.medications >= MANY_MEDICATIONS => return "many-medications",
            () if load.allergies >= SEVERAL_ALLERGIES => return "several-allergies",
            () if script => return "other-script",
            () if load.visits >= MANY_VISITS => return "thick-chart",
            () => {}
        }
        let born = person.as_ref().and_then(|person| person.birth_date.as_deref());
        let born = born
            .and_then(|date| date.get(..4))
            .and_then(|year| year.parse::<i16>().ok());
        let sex = |female, male, other| match () {
            () if has("\"gender\":\"female\"") => female,
            () if has("\"gender\":\"male\"") => male,
            () => other,
        };
        match born.map(|year| self.year - year) {
            None => "no-birth-date",
            Some(..18) => sex("girl", "boy", "child"),
            Some(65..) => sex("older-woman", "older-man", "older-adult"),
            Some(_) => sex("woman", "man", "adult"),
        }
    }
}

fn hash(id: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64(id.as_bytes())
}
