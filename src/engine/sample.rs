//! The sample: patients drawn by seed, with the records of both sides.
//!
//! Every patient gets a number from the seed and its id, and the smallest are drawn: so the draw does not depend on the order of the
//! landing, and is the same whoever repeats it. To those come one of every stratum that nobody stands for yet, those whom the practice
//! names, and those whose chart was failed before.

mod stratum;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

pub use stratum::Strata;

use crate::migration::{Acceptance, Drawn, SamplePatient};

/// Patients kept by lot until it is known how many are wanted, which is never more.
const MOST: usize = 64;
/// Records kept of a patient's chart at most.
const CHART_RECORDS: usize = 200;
/// The longest record that is kept, in bytes; documents with their bytes inside are looked at otherwise.
const RECORD_LEN: usize = 48 * 1024;

/// A received record of a chart.
pub struct Received {
    /// Its line, unless the chart has too many or it is too long.
    pub line: Option<String>,
    /// Hash of what it says.
    pub said: [u8; 16],
}

/// A patient drawn, with the latest received version of each record by type and id.
pub struct Drawing {
    /// The patient.
    pub patient: SamplePatient,
    /// The records.
    pub records: BTreeMap<(String, String), Received>,
    kept: usize,
}

/// A draw under way.
pub struct Draw {
    seed: u64,
    strata: Strata,
    named: BTreeSet<String>,
    known: HashSet<u64>,
    by_lot: BTreeMap<(u64, String), &'static str>,
    by_stratum: BTreeMap<&'static str, (u64, String)>,
    wanted: Vec<(String, &'static str, Drawn)>,
    drawn: HashMap<String, Drawing>,
}

impl Draw {
    /// A draw with a seed, of these strata and of patients named by their ids.
    pub fn new(seed: u64, strata: Strata, named: impl IntoIterator<Item = String>) -> Self {
        Self {
            seed,
            strata,
            named: named.into_iter().collect(),
            known: HashSet::new(),
            by_lot: BTreeMap::new(),
            by_stratum: BTreeMap::new(),
            wanted: Vec::new(),
            drawn: HashMap::new(),
        }
    }

    /// Takes note of a record that tells a patient's stratum; before any patient is offered.
    pub fn counts(&mut self, resource_type: &str, id: &str, patient: Option<&str>) {
        self.strata.counts(resource_type, id, patient);
    }

    /// Considers a patient; `failed` says that the chart was failed before.
    pub fn offer(&mut self, id: &str, line: &[u8], failed: bool) {
        let lot = xxhash_rust::xxh3::xxh3_64_with_seed(id.as_bytes(), self.seed);
        self.known.insert(lot);
        let stratum = self.strata.of(id, line);
        self.by_lot.insert((lot, id.to_owned()), stratum);
        if self.by_lot.len() > MOST {
            self.by_lot.pop_last();
        }
        let first = self.by_stratum.entry(stratum).or_insert_with(|| (lot, id.to_owned()));
        if lot < first.0 {
            *first = (lot, id.to_owned());
        }
        let named = self.named.contains(id);
        if named || failed {
            let why = if named { Drawn::Named } else { Drawn::Failed };
            self.wanted.push((id.to_owned(), stratum, why));
        }
    }

    /// Draws; gives what the sample finds, and how many of the named patients are not there.
    pub fn close(&mut self) -> (Acceptance, u64) {
        let acceptance = Acceptance::of(self.known.len() as u64);
        let size = usize::try_from(acceptance.drawn).unwrap_or(usize::MAX);
        let lots = std::mem::take(&mut self.by_lot).into_iter().take(size);
        for ((_, id), stratum) in lots {
            self.take(id, stratum, Drawn::Lot);
        }
        let stood_for: BTreeSet<String> = self.drawn.values().map(|d| d.patient.stratum.clone()).collect();
        for (stratum, (_, id)) in std::mem::take(&mut self.by_stratum) {
            if !stood_for.contains(stratum) {
                self.take(id, stratum, Drawn::Stratum);
            }
        }
        for (id, stratum, why) in std::mem::take(&mut self.wanted) {
            self.take(id, stratum, why);
        }
        let missing = self.named.iter().filter(|id| !self.drawn.contains_key(*id)).count();
        (acceptance, missing as u64)
    }

    fn take(&mut self, id: String, stratum: &'static str, drawn: Drawn) {
        let number = u32::try_from(self.drawn.len() + 1).unwrap_or(u32::MAX);
        self.drawn.entry(id).or_insert_with_key(|id| Drawing {
            patient: SamplePatient {
                number,
                stratum: stratum.to_owned(),
                drawn,
                id: id.clone(),
                patient: String::new(),
                content: String::new(),
                records: 0,
                differing: 0,
                left_out: 0,
            },
            records: BTreeMap::new(),
            kept: 0,
        });
    }

    /// Ids of the patients drawn.
    pub fn drawn(&self) -> HashSet<String> {
        self.drawn.keys().cloned().collect()
    }

    /// Takes note of a received record that is wanted, in the place of what was received of it before; `said` is a hash of what it says.
    pub fn received(&mut self, id: &str, resource_type: &str, patient: Option<&str>, line: &[u8], said: [u8; 16]) {
        let owner = if resource_type == "Patient" { Some(id) } else { patient };
        let Some(drawing) = owner.and_then(|owner| self.drawn.get_mut(owner)) else {
            return;
        };
        let key = (resource_type.to_owned(), id.to_owned());
        if drawing.records.remove(&key).is_some_and(|before| before.line.is_some()) {
            drawing.kept -= 1;
        }
        let keeps = drawing.kept < CHART_RECORDS && line.len() <= RECORD_LEN;
        drawing.kept += usize::from(keeps);
        let line = keeps.then(|| String::from_utf8_lossy(line).into_owned());
        drawing.records.insert(key, Received { line, said });
    }

    /// The drawn charts, by number.
    pub fn into_charts(self) -> Vec<Drawing> {
        let mut all: Vec<_> = self.drawn.into_values().collect();
        all.sort_by_key(|drawing| drawing.patient.number);
        all
    }
}

#[cfg(test)]
mod tests;
