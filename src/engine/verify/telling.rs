//! What a verification found of records, told: each under its class and in words, and the patients' lists as a whole.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::engine::error::EngineError;
use crate::fhir::{ClinicalList, ListItem, LossClass, list_change, list_double};
use crate::migration::{Finding, RecordFinding};
use crate::store::{Storage, migration_key};

/// Elements named in a sentence.
const NAMED: usize = 3;

/// Tells every finding on a record, in the order of the landing, to `each`; gives by list how many patients' lists differ.
pub fn tell(
    storage: &Storage,
    migration: &str,
    each: &mut dyn FnMut(Finding, RecordFinding) -> Result<(), EngineError>,
) -> Result<BTreeMap<ClinicalList, u64>, EngineError> {
    let mut gone = HashSet::new();
    let mut gained = HashSet::new();
    let mut lists = Lists::default();
    for_each(storage, migration, &mut |finding| {
        gone.extend(finding.numbers.iter().copied());
        gained.extend(finding.gained.iter().copied());
        lists.take(finding.source.as_ref(), 1);
        lists.take(finding.target.as_ref(), -1);
        Ok(())
    })?;
    gone.retain(|number| gained.contains(number));
    let mut names = HashMap::new();
    for_each(storage, migration, &mut |finding| {
        let merged = finding
            .numbers
            .iter()
            .chain(&finding.gained)
            .any(|number| gone.contains(number));
        let mut told = told(&finding, merged);
        let file = (finding.run, finding.file);
        if !names.contains_key(&file) {
            names.extend(
                storage
                    .files(finding.run)?
                    .into_iter()
                    .map(|f| ((f.run, f.number), f.name)),
            );
        }
        told.file = names.get(&file).cloned().unwrap_or_default();
        each(told, finding)
    })?;
    Ok(lists.differing())
}

fn for_each(
    storage: &Storage,
    migration: &str,
    each: &mut dyn FnMut(RecordFinding) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    for item in storage.tables.verified.scan_prefix(&migration_key(migration, &[])) {
        for finding in item?.1.findings {
            each(finding)?;
        }
    }
    Ok(())
}

/// A finding in words; `merged` says that a number that is missing somewhere has come up with another record.
fn told(finding: &RecordFinding, merged: bool) -> Finding {
    let class = LossClass::named(&finding.code);
    let class = if merged {
        Some(LossClass::MergedWithoutDecision)
    } else {
        class
    };
    let (source, target) = (finding.source.as_ref(), finding.target.as_ref());
    let clinical = match class {
        Some(LossClass::MergedWithoutDecision | LossClass::MixedUp | LossClass::Unreadable) | None => None,
        Some(LossClass::Duplicated) => target.filter(|_| finding.extra).and_then(list_double),
        Some(_) => list_change(source, target),
    };
    let words = || {
        let words = class.map_or("is not as it should be", LossClass::words);
        let named = finding.elements.iter().map(|lost| lost.element.as_str());
        let named: Vec<&str> = named.filter(|element| !element.is_empty()).take(NAMED).collect();
        let more = if finding.elements.len() > named.len() && !named.is_empty() {
            ", ..."
        } else {
            ""
        };
        let place = if named.is_empty() {
            String::new()
        } else {
            format!(": {}{more}", named.join(", "))
        };
        format!("the {} {words}{place}", finding.resource_type)
    };
    Finding {
        code: class.map_or_else(|| finding.code.clone(), |class| class.name().to_owned()),
        resource_type: finding.resource_type.clone(),
        run: finding.run,
        file: String::new(),
        line: finding.line,
        what: finding.what.clone().or(clinical).unwrap_or_else(words),
        elements: finding.elements.clone(),
    }
}

/// What the patients' lists have at the source and not at the destination, or the other way round. Items that are on both sides as they
/// should be cancel each other out, so only those of records that do not agree need be looked at.
#[derive(Default)]
struct Lists(HashMap<(ClinicalList, String), HashMap<Vec<u64>, i64>>);

impl Lists {
    fn take(&mut self, item: Option<&ListItem>, number: i64) {
        let Some(item) = item.filter(|item| item.is_listed()) else {
            return;
        };
        let of = (item.list, item.patient.clone().unwrap_or_default());
        *self.0.entry(of).or_default().entry(item.about.clone()).or_default() += number;
    }

    fn differing(self) -> BTreeMap<ClinicalList, u64> {
        let differing = self
            .0
            .into_iter()
            .filter(|(_, items)| items.values().any(|number| *number != 0));
        let differing: BTreeSet<_> = differing.map(|(of, _)| of).collect();
        let mut lists = BTreeMap::new();
        for (list, _) in differing {
            *lists.entry(list).or_default() += 1;
        }
        lists
    }
}
