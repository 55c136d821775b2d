//! Amending: a person sets quarantined rows right, and they are taken in as if they had come so.
//!
//! What was received stays in the landing; the new bytes stand for it wherever the history is told. So a patient who comes in late is
//! placed before its records all the same, and everything else is as it would have been.

use std::sync::Arc;

use super::carry_out::carry_out_pending;
use super::error::EngineError;
use super::patients::patients;
use super::program::transforms;
use super::recorder::Recorder;
use super::reversal::Planned;
use super::row::{FileContext, Pass, RawBlock, RowReader, What};
use super::tally::runs_of;
use super::waive::named;
use crate::fhir;
use crate::migration::{Amended, By, Disposition, Event, Plan, Quarantined, Resolution};
use crate::store::{AmendedRow, Reversal, RowId, Storage, row_key, run_key};

/// How a quarantined row is to read: one line of NDJSON.
#[derive(Clone, PartialEq, Eq)]
pub struct Line(Vec<u8>);

impl Line {
    /// A line as somebody wrote it; line ends in it are white space.
    pub fn new(text: &str) -> Self {
        let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        Self(lines.join(" ").into_bytes())
    }
}

/// Why a row would be set aside again if it read so; nothing when nothing can be seen. What transforms do to it is not looked at.
pub fn flaw(what: &Quarantined, line: &Line) -> Option<String> {
    if what.code == "bad-deletion" {
        let flaw = fhir::deletions(&line.0, None).err();
        return flaw.map(|_| "it is not a transaction Bundle of deletions".to_owned());
    }
    let replaced = std::str::from_utf8(&line.0).is_ok_and(|text| text.contains('\u{fffd}'));
    if what.code == "not-utf8" && replaced {
        return Some("a character that could not be read is still to be replaced".to_owned());
    }
    match fhir::scan(&line.0) {
        Err(reject) => Some(reject.to_string()),
        Ok(scan) if what.code == "other-type" && scan.resource_type != what.resource_type => Some(format!(
            "the record is a {}, in a file of {}",
            scan.resource_type, what.resource_type
        )),
        Ok(_) => None,
    }
}

impl std::fmt::Debug for Line {
    /// How long it is: what it says is about a patient.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Line").field(&self.0.len()).finish()
    }
}

/// What came of setting rows right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Amendment {
    /// What became of each row.
    pub rows: Vec<(RowId, Disposition)>,
    /// Decisions, by conflict, that have nothing to stand on any more and are taken back.
    pub dependent: Vec<(String, Resolution)>,
}

/// Sets quarantined rows right and takes them in; all of them or, with the reason, none. One that was set right before may be so again.
pub fn amend(
    storage: &Arc<Storage>,
    plan: &Plan,
    recorder: &Recorder,
    rows: &[(RowId, Line)],
    by: &By,
) -> Result<Amendment, EngineError> {
    carry_out_pending(storage, plan)?;
    if by.why.as_deref().is_none_or(|why| why.trim().is_empty()) {
        return Err(EngineError::NotReady {
            what: "a row is not set right without a reason".to_owned(),
            hint: "say what was wrong, and how it is known what is right".to_owned(),
        });
    }
    let Some((last, _)) = rows.last() else {
        return Ok(Amendment::default());
    };
    for (at, (row, line)) in rows.iter().enumerate() {
        if rows[..at].iter().any(|(other, _)| other == row) {
            return Err(EngineError::NotReady {
                what: format!("row {} is there twice", named(*row)),
                hint: "give each row once".to_owned(),
            });
        }
        usable(storage, plan, *row, line)?;
    }
    let mut writer = storage.writer(last.run)?;
    let amended = Amended {
        by: by.clone(),
        when: jiff::Timestamp::now().to_string(),
    };
    let mut note = Reversal::default();
    for (row, line) in rows {
        let location = writer.change(&line.0)?;
        let amended = amended.clone();
        note.amended.push((*row, AmendedRow { amended, location }));
    }
    // The note must not speak of bytes that a kill could take.
    writer.checkpoint(|tails| -> Result<(), EngineError> {
        storage.put_tails(tails)?;
        Ok(storage.workspace.ledger().durable()?)
    })?;
    let mut planned = Planned::of(storage, plan, note, &[], by, false)?;
    for (row, _) in rows.iter().rev() {
        planned = planned.after(Event::RowAmended {
            row: named(*row),
            name: by.name.clone(),
            why: by.why.clone(),
        });
    }
    let rows = planned.amended();
    let taken = planned.carry_out(storage, plan, recorder)?;
    Ok(Amendment {
        rows,
        dependent: taken.dependent,
    })
}

/// Fails where a row is not in quarantine, or could not be taken in if it read so.
fn usable(storage: &Arc<Storage>, plan: &Plan, row: RowId, line: &Line) -> Result<(), EngineError> {
    let there = storage.tables.quarantine.get(&row_key(row))?;
    let ours = runs_of(storage, &plan.id)?.contains(&row.run);
    let (Some(there), true) = (there, ours) else {
        return Err(EngineError::NotReady {
            what: format!("row {} of `{}` is not in quarantine", named(row), plan.id),
            hint: format!("`cutover quarantine list {}` shows what is", plan.id),
        });
    };
    let file = storage.files(row.run)?.into_iter().find(|file| file.number == row.file);
    let Some(file) = file.filter(|_| storage.segments.has(&there.location)) else {
        return Err(EngineError::NotReady {
            what: format!("row {} was cut off while it was received", named(row)),
            hint: format!("`cutover run {}` goes on; set it right then", plan.id),
        });
    };
    let rules = storage.tables.runs.get(&run_key(row.run))?.and_then(|info| info.rules);
    let plan = rules.map_or_else(|| plan.clone(), |rules| plan.clone().under(rules));
    let tenant = storage.names.tenant(&plan.tenant)?;
    let mut reader = RowReader::new(Arc::clone(storage), tenant, Some(plan.base_url.clone()))
        .mapping(&plan.mrn_systems)
        .transforming(&Arc::new(transforms(storage, &plan)?));
    let context = FileContext {
        number: file.number,
        kind: file.kind,
        resource_type: file.resource_type.clone(),
        organized: false,
        patients: Arc::new(patients(storage, &plan)?),
        max_line: usize::MAX,
        pass: Pass::Whole,
    };
    let block = RawBlock::of_one(&Arc::new(context), row.line, line.0.clone());
    let why = match reader.read(&block)?.pop().map(|row| row.what) {
        Some(What::Record(_) | What::Deletions(_)) => return Ok(()),
        Some(What::Rejected(rejected)) => rejected.reason,
        Some(What::Issues(_)) | None => "there is nothing in it".to_owned(),
    };
    Err(EngineError::NotReady {
        what: format!("row {} cannot be taken in like that: {why}", named(row)),
        hint: "correct it, or do without the row: `cutover quarantine waive`".to_owned(),
    })
}
