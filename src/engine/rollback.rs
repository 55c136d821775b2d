//! Rollback: a run, and every later one of the migration, taken back, so that the store is as it was before.

use std::sync::Arc;

use super::carry_out::carry_out_pending;
use super::error::EngineError;
use super::recorder::Recorder;
use super::reversal::complete;
use super::taken_back::TakenBack;
use super::tally::runs_of;
use super::undo::{conflicts, planned};
use crate::migration::{By, Event, Plan};
use crate::store::{ConflictRow, Storage};

/// Takes back run `from` and every later one, or the whole migration; decisions made since that run began go with it. A dry run only
/// says what that would come to.
pub fn rollback(
    storage: &Arc<Storage>,
    plan: &Plan,
    recorder: &Recorder,
    from: Option<u32>,
    by: &By,
    force: bool,
    dry_run: bool,
) -> Result<TakenBack, EngineError> {
    carry_out_pending(storage, plan)?;
    let standing = runs_of(storage, &plan.id)?;
    let Some(first) = from.or(standing.first().copied()).filter(|run| standing.contains(run)) else {
        return Err(EngineError::NotReady {
            what: match from {
                Some(run) => format!("run {run} is not a run of `{}` that stands", plan.id),
                None => format!("`{}` has no run that stands: there is nothing to take back", plan.id),
            },
            hint: if standing.is_empty() {
                format!("`cutover run {}` begins one", plan.id)
            } else {
                let runs: Vec<String> = standing.iter().map(ToString::to_string).collect();
                format!("runs that stand: {}", runs.join(", "))
            },
        });
    };
    let runs: Vec<u32> = standing.into_iter().filter(|run| *run >= first).collect();
    let began = began(storage, plan, first)?;
    let all = conflicts(storage, plan)?;
    let since = |row: &&ConflictRow| {
        let seq = row.conflict.decided.as_ref().and_then(|made| made.seq);
        row.conflict.run < first && seq.is_some_and(|seq| seq > began)
    };
    let chosen: Vec<&ConflictRow> = all.iter().filter(since).collect();
    let planned = planned(storage, plan, &all, &chosen, &runs, by, force)?;
    let planned = planned.after(Event::RollbackBegun {
        run: first,
        force,
        name: by.name.clone(),
        why: by.why.clone(),
    });
    if !dry_run {
        planned.begin(storage, plan, recorder)?;
        complete(storage, plan)?;
    }
    Ok(planned.taken)
}

/// The number of the journal's entry with which a run began.
fn began(storage: &Storage, plan: &Plan, run: u32) -> Result<u64, EngineError> {
    for entry in storage.journal.read(&plan.id, 0) {
        let entry = entry?;
        if entry.event == (Event::RunStarted { run }) {
            return Ok(entry.seq);
        }
    }
    Ok(0)
}
