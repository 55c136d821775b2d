//! Rollback: a run, and every later one of the migration, taken back, so that the store is as it was before.

use std::sync::Arc;

use super::carry_out::carry_out_pending;
use super::error::EngineError;
use super::recorder::Recorder;
use super::reversal::Planned;
use super::taken_back::TakenBack;
use super::tally::runs_of;
use crate::migration::{By, Conflict, Event, Plan};
use crate::store::{Reversal, Storage, migration_key};

/// Takes back run `from` and every later one, or the whole migration; what persons decided since that run began goes with it. A dry run
/// only says what that would come to.
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
    let since = since(storage, plan, first)?;
    let note = Reversal {
        decisions: since.iter().map(|conflict| conflict.id.clone()).collect(),
        runs: standing.into_iter().filter(|run| *run >= first).collect(),
        ..Reversal::default()
    };
    let planned = Planned::of(storage, plan, note, &since, by, force)?.after(Event::RollbackBegun {
        run: first,
        force,
        name: by.name.clone(),
        why: by.why.clone(),
    });
    if dry_run {
        return planned.leave();
    }
    planned.carry_out(storage, plan, recorder)
}

/// Conflicts that former runs met and persons decided since this run began; those that it met itself, or later ones, go with the runs.
fn since(storage: &Storage, plan: &Plan, first: u32) -> Result<Vec<Conflict>, EngineError> {
    let mut began = None;
    for entry in storage.journal.read(&plan.id, 0) {
        let entry = entry?;
        if matches!(entry.event, Event::RunStarted { run, .. } if run == first) {
            began = Some(entry.seq);
        }
    }
    let mut since = Vec::new();
    for item in storage.tables.conflicts.scan_prefix(&migration_key(&plan.id, &[])) {
        let conflict = item?.1.conflict;
        let seq = conflict.decided.as_ref().and_then(|made| made.seq);
        if conflict.run < first && seq > began && seq.is_some() {
            since.push(conflict);
        }
    }
    Ok(since)
}
