//! A record read back, against what the migration should have made of the row that it came from.

use std::borrow::Cow;
use std::cell::RefCell;

use serde_json::Value;

use super::ground::Ground;
use super::reader::{Reader, RowAt, finding};
use crate::engine::error::EngineError;
use crate::engine::place::Sides;
use crate::fhir::{self, Loss, LossClass};
use crate::migration::{LostElement, RecordFinding, RecordState};
use crate::store::{Entry, RecordKey};

/// Findings of one block that are told element by element; of more it is told that they are.
const TOLD: usize = 64;

impl Ground<'_> {
    /// A row's line as it leads at the destination: references by the crosswalk, under the id by which the record is known there.
    pub fn led<'t>(&self, (own, key): (RecordKey, RecordKey), text: &'t [u8]) -> Cow<'t, [u8]> {
        let led = self.patients.repoint(self.storage, text, self.base());
        let led = led.map_or(Cow::Borrowed(text), Cow::Owned);
        match self.patients.crosswalk.get(&own).filter(|_| own != key) {
            // A line without an id was set aside.
            Some(target) => fhir::replace_id(&led, target).map_or(led, Cow::Owned),
            None => led,
        }
    }

    /// What a merged record must say, made once more from the decision, the received line and the destination's version before it; `None`
    /// when no decision explains it.
    fn merged_again(&self, key: &RecordKey, entry: &Entry, text: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        let mut before = Some(*entry);
        while let Some(version) = before.filter(|version| version.row == entry.row) {
            before = self.storage.index.before(key, version.version)?;
        }
        let (Some(merging), Some(before)) = (self.merged.get(&entry.row), before) else {
            return Ok(None);
        };
        let sides = Sides {
            storage: self.storage,
            patients: &self.patients,
            base_url: self.base(),
            source: text,
            target: &self.storage.bytes(&before)?,
        };
        sides.merged(merging).map(Some)
    }

    /// What a record must say at the destination, given the entry that a row put there.
    pub fn expected<'t>(
        &self,
        keys: (RecordKey, RecordKey),
        entry: &Entry,
        text: &'t [u8],
    ) -> Result<Cow<'t, [u8]>, EngineError> {
        if entry.merged
            && let Some(merged) = self.merged_again(&keys.1, entry, text)?
        {
            return Ok(Cow::Owned(merged));
        }
        Ok(self.led(keys, text))
    }

    /// Whether what was read back is to the byte what the migration makes of a row, and what it puts on when it is read: the strongest
    /// equality there is.
    pub(super) fn is_as_made(&self, expected: &[u8], given: &[u8]) -> bool {
        self.stamp.is_on(given, expected) || fhir::unstamp(given, &self.plan.tenant, self.base()) == expected
    }

    /// What a record read back from the store lost of what it must say.
    pub(super) fn losses(&self, expected: &[u8], given: &[u8]) -> Result<Vec<Loss>, EngineError> {
        let broken = RefCell::new(None);
        let leads = |resource_type: &str, id: &str| {
            let there = || -> Result<bool, EngineError> {
                let key = self.storage.key(self.tenant, resource_type, id)?;
                Ok(self.storage.index.get(&key)?.is_some_and(|entry| !entry.deleted))
            };
            there().unwrap_or_else(|error| {
                broken.replace(Some(error));
                false
            })
        };
        let losses = fhir::losses(expected, given, self.base(), &leads);
        broken.into_inner().map_or(Ok(losses), Err)
    }
}

impl Reader<'_> {
    /// Reads a record back from the store, as a client of the practice's new system would.
    pub(super) fn read_back(&mut self, entry: &Entry) -> Result<Vec<u8>, EngineError> {
        self.found.compared += 1;
        Ok(self.ground.store.read(entry)?)
    }

    /// Compares the record that a row put there.
    pub(super) fn compare(
        &mut self,
        at: &RowAt<'_>,
        keys: (RecordKey, RecordKey),
        entry: &Entry,
        text: &[u8],
    ) -> Result<RecordState, EngineError> {
        let ground = self.ground;
        let given = self.read_back(entry)?;
        let expected = ground.expected(keys, entry, text)?;
        let mut losses = if ground.is_as_made(&expected, &given) {
            Vec::new()
        } else {
            ground.losses(&expected, &given)?
        };
        if entry.merged {
            let links = ground.merged.get(&at.row).map(|merging| merging.links);
            if links.is_none() {
                losses.insert(0, whole(LossClass::MergedWithoutDecision));
            }
            if keys.0 != keys.1 && links == Some(true) {
                // What stays of the source's patient.
                let stub = ground.storage.index.get(&keys.0)?.filter(|stub| !stub.deleted);
                match stub {
                    Some(stub) if stub.row == at.row => self.explain(at.scan.resource_type, &keys.0, at.row),
                    Some(_) => {}
                    None => losses.insert(0, whole(LossClass::Missing)),
                }
            }
        }
        if losses.is_empty() {
            return Ok(RecordState::Validated);
        }
        self.lost(at, &expected, &given, losses);
        Ok(RecordState::Mismatched)
    }

    /// Compares a record that the destination had already, to the byte, with the row that brought it once more.
    pub(super) fn repeated(&mut self, at: &RowAt<'_>, entry: &Entry) -> Result<RecordState, EngineError> {
        let stored = self.ground.storage.bytes(entry)?;
        self.found.compared += 1;
        if stored == at.text || entry.rewritten {
            return Ok(RecordState::Validated);
        }
        let losses = self.ground.losses(at.text, &stored)?;
        if losses.is_empty() {
            return Ok(RecordState::Validated);
        }
        self.lost(at, at.text, &stored, losses);
        Ok(RecordState::Mismatched)
    }

    pub(super) fn losses(&self, expected: &[u8], given: &[u8]) -> Result<Vec<Loss>, EngineError> {
        self.ground.losses(expected, given)
    }

    /// Takes note of what a record lost.
    pub(super) fn lost(&mut self, at: &RowAt<'_>, expected: &[u8], given: &[u8], losses: Vec<Loss>) {
        let finding = finding(at.scan.resource_type, at.scan.id, at.row);
        let mut finding = lost(finding, expected, given, losses);
        if self.found.findings.len() >= TOLD {
            finding.elements.truncate(1);
        }
        self.found.findings.push(finding);
    }
}

fn whole(class: LossClass) -> Loss {
    Loss {
        class,
        element: String::new(),
    }
}

/// A finding on a record that lost something.
pub(super) fn lost(finding: RecordFinding, expected: &[u8], given: &[u8], losses: Vec<Loss>) -> RecordFinding {
    let gravest = losses.iter().map(|loss| loss.class).min();
    let known = numbers(expected);
    RecordFinding {
        code: gravest.map_or_else(String::new, |class| class.name().to_owned()),
        elements: losses.into_iter().map(element).collect(),
        source: fhir::list_item(expected),
        target: fhir::list_item(given),
        gained: numbers(given)
            .into_iter()
            .filter(|number| !known.contains(number))
            .collect(),
        ..finding
    }
}

/// A finding on a record that is not there.
pub(super) fn missing(finding: RecordFinding, expected: &[u8]) -> RecordFinding {
    RecordFinding {
        code: LossClass::Missing.name().to_owned(),
        source: fhir::list_item(expected),
        numbers: numbers(expected),
        ..finding
    }
}

fn element(loss: Loss) -> LostElement {
    LostElement {
        class: loss.class.name().to_owned(),
        element: loss.element,
    }
}

/// Hashes of the numbers by which a record is known: system and value of its identifiers.
pub(super) fn numbers(record: &[u8]) -> Vec<u64> {
    let tree: Value = serde_json::from_slice(record).unwrap_or_default();
    let identifiers = tree["identifier"].as_array().map_or(&[][..], Vec::as_slice);
    let each = identifiers.iter().filter(|identifier| identifier["value"].is_string());
    let number = |identifier: &Value| format!("{}|{}", identifier["system"], identifier["value"]);
    each.map(|identifier| xxhash_rust::xxh3::xxh3_64(number(identifier).as_bytes()))
        .collect()
}
