//! Waiving: a person decides to do without quarantined rows. The rows stay where they are, and what was decided of them is kept.

use super::error::EngineError;
use super::recorder::Recorder;
use super::tally::runs_of;
use crate::migration::{By, Event, Plan, Waived};
use crate::store::{RowId, Storage, row_key};

/// Waives quarantined rows of a migration and gives back how many were not waived before. Nothing is waived unless every row can be.
pub fn waive(storage: &Storage, plan: &Plan, recorder: &Recorder, rows: &[RowId], by: &By) -> Result<u64, EngineError> {
    let ours = runs_of(storage, &plan.id)?;
    if by.why.as_deref().is_none_or(|why| why.trim().is_empty()) {
        return Err(EngineError::NotReady {
            what: "a row is not waived without a reason".to_owned(),
            hint: "say why nobody will miss it".to_owned(),
        });
    }
    let mut wanted = Vec::new();
    for row in rows {
        let there = storage.tables.quarantine.get(&row_key(*row))?;
        if !ours.contains(&row.run) || there.is_none() {
            return Err(EngineError::NotReady {
                what: format!("row {} of `{}` is not in quarantine", named(*row), plan.id),
                hint: format!("`cutover quarantine list {}` shows what is", plan.id),
            });
        }
        if storage.tables.amended.contains(&row_key(*row))? {
            return Err(EngineError::NotReady {
                what: format!("row {} of `{}` was set right and taken in", named(*row), plan.id),
                hint: "there is nothing to do without".to_owned(),
            });
        }
        if storage.tables.waived.get(&row_key(*row))?.is_none() && !wanted.contains(row) {
            wanted.push(*row);
        }
    }
    let mut told = Vec::new();
    for row in &wanted {
        // The journal first: a kill in between leaves a row that still waits, never one that nobody is on record for.
        let event = recorder.append(&Event::RowWaived {
            row: named(*row),
            name: by.name.clone(),
            why: by.why.clone(),
        })?;
        let waived = Waived {
            by: by.clone(),
            when: event.at.clone(),
        };
        storage.tables.waived.put(&row_key(*row), &waived)?;
        told.push(event);
    }
    storage.workspace.ledger().durable()?;
    for event in told {
        recorder.publish(event);
    }
    Ok(wanted.len() as u64)
}

/// A row as people write it.
pub fn named(row: RowId) -> String {
    format!("{}/{}/{}", row.run, row.file, row.line)
}
