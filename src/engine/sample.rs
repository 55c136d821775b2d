//! The sample: patients drawn by seed from each stratum, with the records of both sides.
//!
//! Every patient gets a number from the seed and its id; the smallest numbers of each stratum are drawn. So the draw does not depend on
//! the order of the landing, and is the same whoever repeats it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::fhir;
use crate::migration::{SamplePatient, SampleRecord};

/// Patients drawn in all, where there are so many.
pub const SAMPLE_SIZE: usize = 20;
/// Records kept of a patient's chart at most.
const CHART_RECORDS: usize = 200;
/// The longest record that is kept, in bytes; documents with their bytes inside are looked at otherwise.
const RECORD_LEN: usize = 48 * 1024;

/// A patient drawn, with the records found so far by type and id.
struct Chart {
    patient: SamplePatient,
    records: Vec<SampleRecord>,
    places: HashMap<(String, String), usize>,
}

/// A draw under way.
pub struct Draw {
    seed: u64,
    strata: BTreeMap<&'static str, BTreeSet<(u64, String)>>,
    drawn: HashMap<String, Chart>,
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
        let mut turn: Vec<_> = std::mem::take(&mut self.strata)
            .into_iter()
            .map(|(name, lots)| (name, lots.into_iter()))
            .collect();
        while self.drawn.len() < size {
            let mut any = false;
            for (name, lots) in &mut turn {
                if self.drawn.len() == size {
                    break;
                }
                let Some((_, id)) = lots.next() else { continue };
                any = true;
                let number = u32::try_from(self.drawn.len() + 1).unwrap_or(u32::MAX);
                let patient = SamplePatient {
                    number,
                    stratum: (*name).to_owned(),
                    id: id.clone(),
                    records: 0,
                    left_out: 0,
                };
                let chart = Chart {
                    patient,
                    records: Vec::new(),
                    places: HashMap::new(),
                };
                self.drawn.insert(id, chart);
            }
            if !any {
                return;
            }
        }
    }

    /// Takes note of a received record.
    pub fn received(&mut self, id: &str, resource_type: &str, patient: Option<&str>, line: &[u8]) {
        let Some(chart) = self.chart(id, resource_type, patient) else {
            return;
        };
        if chart.records.len() >= CHART_RECORDS || line.len() > RECORD_LEN {
            chart.patient.left_out += 1;
            return;
        }
        chart
            .places
            .insert((resource_type.to_owned(), id.to_owned()), chart.records.len());
        chart.records.push(SampleRecord {
            source: String::from_utf8_lossy(line).into_owned(),
            target: None,
        });
        chart.patient.records += 1;
    }

    /// Takes note of a record as the store gives it back, after [`Self::received`].
    pub fn stored(&mut self, id: &str, resource_type: &str, patient: Option<&str>, line: &[u8]) {
        let Some(chart) = self.chart(id, resource_type, patient) else {
            return;
        };
        let place = chart.places.get(&(resource_type.to_owned(), id.to_owned()));
        if let Some(record) = place.and_then(|at| chart.records.get_mut(*at)) {
            record.target = Some(String::from_utf8_lossy(line).into_owned());
        }
    }

    /// The charts, by number.
    pub fn into_charts(self) -> Vec<(SamplePatient, Vec<SampleRecord>)> {
        let mut all: Vec<_> = self
            .drawn
            .into_values()
            .map(|chart| (chart.patient, chart.records))
            .collect();
        all.sort_by_key(|(patient, _)| patient.number);
        all
    }

    fn chart(&mut self, id: &str, resource_type: &str, patient: Option<&str>) -> Option<&mut Chart> {
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
    if person.family().chain(person.given()).any(|name| !name.is_ascii()) {
        return "other-script";
    }
    match person
        .birth_date
        .as_deref()
        .and_then(|d| d.get(..4))
        .and_then(|y| y.parse::<i16>().ok())
    {
        Some(2008..) => "child",
        Some(..=1960) => "older-adult",
        Some(_) => "adult",
        None => "no-birth-date",
    }
}
