//! The sample: patients drawn by seed from each stratum, with the records of both sides.
//!
//! Every patient gets a number from the seed and its id; the smallest numbers of each stratum are drawn. So the draw does not depend on
//! the order of the landing, and is the same whoever repeats it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::fhir;
use crate::migration::SamplePatient;

/// Patients drawn in all, where there are so many.
pub const SAMPLE_SIZE: usize = 20;
/// Records kept of a patient's chart at most, so that a chart fits a ledger record.
const CHART_RECORDS: usize = 400;

/// A draw under way.
pub struct Draw {
    seed: u64,
    strata: BTreeMap<&'static str, BTreeSet<(u64, String)>>,
    drawn: HashMap<String, SamplePatient>,
}

impl Draw {
    /// A draw with a seed.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            strata: BTreeMap::new(),
            drawn: HashMap::new(),
        }
    }

    /// Considers a patient.
    pub fn offer(&mut self, id: &str, line: &[u8]) {
        let lot = xxhash_rust::xxh3::xxh3_64_with_seed(id.as_bytes(), self.seed);
        let stratum = self.strata.entry(stratum(line)).or_default();
        stratum.insert((lot, id.to_owned()));
        if stratum.len() > SAMPLE_SIZE {
            stratum.pop_last();
        }
    }

    /// Draws `size` patients, turn by turn from each stratum.
    pub fn close(&mut self, size: usize) {
        let mut turn: Vec<_> = std::mem::take(&mut self.strata).into_iter().map(|(name, lots)| (name, lots.into_iter())).collect();
        while self.drawn.len() < size {
            let mut any = false;
            for (name, lots) in &mut turn {
                if self.drawn.len() == size {
                    break;
                }
                let Some((_, id)) = lots.next() else { continue };
                any = true;
                let number = u32::try_from(self.drawn.len() + 1).unwrap_or(u32::MAX);
                self.drawn.insert(
                    id.clone(),
                    SamplePatient {
                        number,
                        stratum: (*name).to_owned(),
                        id,
                        source: Vec::new(),
                        target: Vec::new(),
                    },
                );
            }
            if !any {
                return;
            }
        }
    }

    /// Takes note of a received record.
    pub fn received(&mut self, id: &str, resource_type: &str, patient: Option<&str>, line: &[u8]) {
        if let Some(chart) = self.chart(id, resource_type, patient)
            && chart.source.len() < CHART_RECORDS
        {
            chart.source.push(String::from_utf8_lossy(line).into_owned());
        }
    }

    /// Takes note of a record as the store gives it back.
    pub fn stored(&mut self, id: &str, resource_type: &str, patient: Option<&str>, line: &[u8]) {
        if let Some(chart) = self.chart(id, resource_type, patient)
            && chart.target.len() < CHART_RECORDS
        {
            chart.target.push(String::from_utf8_lossy(line).into_owned());
        }
    }

    /// The charts, by number.
    pub fn into_patients(self) -> Vec<SamplePatient> {
        let mut all: Vec<_> = self.drawn.into_values().collect();
        all.sort_by_key(|p| p.number);
        all
    }

    fn chart(&mut self, id: &str, resource_type: &str, patient: Option<&str>) -> Option<&mut SamplePatient> {
        if self.drawn.is_empty() {
            return None;
        }
        let owner = if resource_type == "Patient" { Some(id) } else { patient };
        self.drawn.get_mut(owner?)
    }
}

/// The stratum of a patient, the rarest that fits.
fn stratum(line: &[u8]) -> &'static str {
    let has = |needle: &str| memchr::memmem::find(line, needle.as_bytes()).is_some();
    if has("\"deceased") {
        return "deceased";
    }
    let Ok(person) = fhir::person(line) else {
        return "other";
    };
    if person.family.iter().chain(&person.given).any(|name| !name.is_ascii()) {
        return "other-script";
    }
    match person.birth_date.as_deref().and_then(|d| d.get(..4)).and_then(|y| y.parse::<i16>().ok()) {
        Some(2008..) => "child",
        Some(..=1960) => "older-adult",
        Some(_) => "adult",
        None => "no-birth-date",
    }
}
