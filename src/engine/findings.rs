//! Findings on records, one by one: listed, shown with both sides, and repaired by taking the record in once more.

use std::sync::Arc;

use super::error::EngineError;
use super::recorder::{Recorded, Recorder};
use super::verify::{Ground, read_row, tell};
use crate::fhir::{Difference, FieldDifference, diff};
use crate::migration::{By, Event, Finding, Plan, RecordFinding};
use crate::store::{Entry, RowId, Storage};

/// A finding on a record, as whoever works on it sees it. It names the record.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
pub struct Found {
    /// Its number among the findings on records, from 1.
    pub number: u64,
    /// What was found.
    #[serde(flatten)]
    pub finding: Finding,
    /// The record at the source, such as `Condition/17`.
    pub record: String,
    /// The row that brought it.
    #[serde(skip)]
    pub row: RowId,
    /// It is a whole record that nothing received explains.
    pub extra: bool,
}

impl std::fmt::Debug for Found {
    /// Without the record's name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Found")
            .field(&self.number)
            .field(&self.finding.code)
            .finish()
    }
}

/// A finding with the record as both sides have it.
#[derive(Clone, PartialEq, Eq)]
pub struct Shown {
    /// The finding.
    pub found: Found,
    /// What the migration should have made of the record, one JSON line.
    pub expected: Option<String>,
    /// What the store gives back.
    pub given: Option<String>,
}

/// A field in which both sides differ.
#[derive(Clone, PartialEq, Eq)]
pub struct DifferingField {
    /// What it is called.
    pub path: String,
    /// How they differ: the left side is what was received.
    pub difference: Difference,
    /// What the migration should have made of it.
    pub expected: Option<String>,
    /// What the store gives back.
    pub given: Option<String>,
}

impl std::fmt::Debug for DifferingField {
    /// The path only: what stands there is about a patient.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("DifferingField").field(&self.path).finish()
    }
}

impl Shown {
    /// The fields in which the two sides differ; the whole record where there is one side only, or it cannot be read.
    pub fn fields(&self, base_url: &str) -> Vec<DifferingField> {
        let whole = |difference| {
            vec![DifferingField {
                path: "the whole record".to_owned(),
                difference,
                expected: self.expected.clone(),
                given: self.given.clone(),
            }]
        };
        match (&self.expected, &self.given) {
            (Some(expected), Some(given)) => match diff(expected.as_bytes(), given.as_bytes(), Some(base_url)) {
                Ok(fields) if !fields.is_empty() => {
                    let field = |field: FieldDifference| DifferingField {
                        path: field.path,
                        difference: field.difference,
                        expected: field.left,
                        given: field.right,
                    };
                    fields.into_iter().map(field).collect()
                }
                // What is compared field by field knows nothing of the narrative, for one.
                _ => whole(Difference::Differs),
            },
            (Some(_), None) => whole(Difference::OnlyLeft),
            (None, Some(_)) => whole(Difference::OnlyRight),
            (None, None) => Vec::new(),
        }
    }
}

/// The findings of the latest verification on records, from this number on, at most so many.
pub fn findings(storage: &Storage, plan: &Plan, from: u64, most: usize) -> Result<Vec<Found>, EngineError> {
    let mut number = 0;
    let mut all = Vec::new();
    tell(storage, &plan.id, &mut |finding, record| {
        number += 1;
        if number >= from && all.len() < most {
            all.push(found(number, finding, &record));
        }
        Ok(())
    })?;
    Ok(all)
}

fn found(number: u64, finding: Finding, record: &RecordFinding) -> Found {
    Found {
        number,
        finding,
        record: format!("{}/{}", record.resource_type, record.id),
        extra: record.extra,
        row: RowId {
            run: record.run,
            file: record.file,
            line: u32::try_from(record.line).unwrap_or(u32::MAX),
        },
    }
}

/// A finding by its number, with both sides of its record.
pub fn show_finding(storage: &Arc<Storage>, plan: &Plan, number: u64) -> Result<Shown, EngineError> {
    let found = findings(storage, plan, number, 1)?;
    let found = found.into_iter().next().ok_or_else(|| unknown(plan, number))?;
    let ground = Ground::read(storage, plan)?;
    let text = |line: Vec<u8>| String::from_utf8_lossy(&line).into_owned();
    let (resource_type, id) = found.record.split_once('/').unwrap_or_default();
    let own = storage.key(ground.tenant, resource_type, id)?;
    let extra = found.extra;
    let key = if extra {
        own
    } else {
        ground.patients.crosswalk.place(storage, own)
    };
    let entry = storage.index.get(&key)?.filter(|entry| !entry.deleted);
    let given = entry.map(|entry| ground.store.read(&entry)).transpose()?;
    let line = if extra { None } else { read_row(&ground, found.row)? };
    let expected = match line {
        Some(line) => {
            let line = ground.transforms.of_landed(line);
            Some(match &entry {
                Some(entry) => ground.expected((own, key), entry, &line)?.into_owned(),
                None => ground.led((own, key), &line).into_owned(),
            })
        }
        None => None,
    };
    Ok(Shown {
        found,
        expected: expected.map(text),
        given: given.map(text),
    })
}

/// Takes the record of a finding in once more, from the landing: the store then has what the migration should have made of it, as a
/// version of its own, and what nothing explains is taken out. The next verification looks at it again.
pub fn repair(
    storage: &Arc<Storage>,
    plan: &Plan,
    recorder: &Recorder,
    number: u64,
    by: &By,
) -> Result<Found, EngineError> {
    let shown = show_finding(storage, plan, number)?;
    let found = shown.found;
    let ground = Ground::read(storage, plan)?;
    let (resource_type, id) = found.record.split_once('/').unwrap_or_default();
    let own = storage.key(ground.tenant, resource_type, id)?;
    // The journal first: a kill in between leaves a finding that stands, never a change that nobody is on record for.
    let repaired = Event::RecordRepaired {
        resource_type: resource_type.to_owned(),
        run: found.row.run,
        file: found.row.file,
        line: found.row.line,
        code: found.finding.code.clone(),
        name: by.name.clone(),
        why: by.why.clone(),
    };
    let record = || -> Result<Recorded, EngineError> {
        let event = recorder.append(&repaired)?;
        storage.workspace.ledger().durable()?;
        Ok(event)
    };
    let event;
    if found.extra {
        event = record()?;
        let entry = storage.index.get(&own)?;
        // Only what is still as it was found.
        if entry.is_some_and(|entry| entry.row == found.row && !entry.local) {
            storage.index.rewrite(&[(own, Vec::new())])?;
        }
    } else {
        let Some(expected) = shown.expected else {
            return Err(EngineError::NotReady {
                what: format!("the line that finding {number} is about is not in the landing"),
                hint: format!("`cutover verify {}` looks at everything again", plan.id),
            });
        };
        let key = ground.patients.crosswalk.place(storage, own);
        let mut versions = storage.index.versions(&key)?;
        if versions.first().is_some_and(|entry| entry.local) {
            return Err(EngineError::NotReady {
                what: format!("{} has been edited at the destination since", found.record),
                hint: "what its own people wrote is not overwritten".to_owned(),
            });
        }
        let line = read_row(&ground, found.row)?.unwrap_or_default();
        event = record()?;
        let mut writer = storage.writer(found.row.run)?;
        let location = writer.change(expected.as_bytes())?;
        let before = versions.first().copied();
        let last_updated = crate::fhir::scan(&line).ok().and_then(|scan| scan.last_updated);
        versions.insert(
            0,
            Entry {
                location,
                hash: storage.content_hash(&line),
                row: found.row,
                last_updated: last_updated.and_then(crate::fhir::instant::micros),
                version: before.map_or(1, |before| before.version + 1),
                local: false,
                rewritten: true,
                merged: before.is_some_and(|before| before.merged && before.row == found.row),
                deleted: false,
            },
        );
        writer.checkpoint(|tails| {
            storage.put_tails(tails)?;
            storage.workspace.ledger().durable().map_err(EngineError::from)
        })?;
        storage.index.rewrite(&[(key, versions)])?;
    }
    recorder.publish(event);
    Ok(found)
}

fn unknown(plan: &Plan, number: u64) -> EngineError {
    EngineError::NotReady {
        what: format!(
            "the latest verification of `{}` has no finding {number} on a record",
            plan.id
        ),
        hint: format!("`cutover findings list {}` numbers them", plan.id),
    }
}
