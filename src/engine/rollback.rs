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
use crate::store::Storage;

/// Takes back the whole migration, with every decision; or run `from` and every later one, as long as no conflict was met, for what is
/// decided reaches across runs. A dry run only says what that would come to.
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
    let all = conflicts(storage, plan)?;
    if from.is_some() && !all.is_empty() {
        return Err(EngineError::NotReady {
            what: format!(
                "run {first} cannot be taken back alone: in this migration records met others, and what was decided reaches across runs"
            ),
            hint: format!(
                "`cutover rollback {} --dry-run` says what taking back all of it comes to",
                plan.id
            ),
        });
    }
    let runs: Vec<u32> = standing.into_iter().filter(|run| *run >= first).collect();
    let planned = planned(storage, plan, &all, &[], &runs, by, force)?;
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
