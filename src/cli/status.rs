//! `status`: where every migration stands and what it waits for.

use serde::Serialize;

use super::args::{JsonArg, WorkspaceArgs};
use super::failure::{Failure, code};
use super::{migration, open, output};
use crate::engine::{self, open_conflicts, recorded_counts, state};
use crate::fhir;
use crate::migration::{Plan, Stage, State, total};
use crate::store::{Holder, Storage, Workspace, WorkspaceError};

/// A migration in the list.
#[derive(Serialize)]
struct Standing {
    migration: String,
    name: String,
    state: State,
    rows: u64,
    conflicts: u64,
    held: u64,
    waiting_for: Option<String>,
}

/// Prints the status; also while another process has the workspace, and then without its secret.
pub fn status(workspace: &WorkspaceArgs, args: &JsonArg) -> Result<u8, Failure> {
    let path = open::path(workspace)?;
    if !path.exists() {
        return Err(WorkspaceError::Missing { path }.into());
    }
    if let Some(holder) = Workspace::holder(&path)? {
        return in_use(&path, &holder, args.json);
    }
    let storage = match open::open(workspace, "status") {
        Ok(storage) => storage,
        // Somebody else was a moment faster.
        Err(failure) => match Workspace::holder(&path)? {
            Some(holder) => return in_use(&path, &holder, args.json),
            None => return Err(failure),
        },
    };
    let standings: Vec<Standing> = open::plans(&storage)?
        .iter()
        .map(|plan| standing(&storage, plan))
        .collect::<Result<_, _>>()?;
    if args.json {
        output::json(&serde_json::json!({ "workspace": path, "held_by": null, "migrations": standings }))?;
        return Ok(code::DONE);
    }
    if standings.is_empty() {
        output::say("No migration yet.\n\nNext: cutover migration add NAME --preset PRESET");
        return Ok(code::DONE);
    }
    for (index, s) in standings.iter().enumerate() {
        if index > 0 {
            output::say("");
        }
        let run = if s.state.run == 0 {
            String::new()
        } else {
            format!(", run {}", s.state.run)
        };
        output::say(&output::wrapped(
            &format!("{}  ", s.migration),
            &format!(
                "{}{run}, {} rows  ({})",
                if s.state.flipped {
                    "gone over"
                } else {
                    stage(s.state.stage)
                },
                s.rows,
                fhir::safe(&s.name)
            ),
        ));
        if let Some(waiting) = &s.waiting_for {
            output::say(&output::wrapped("  waits for: ", waiting));
        }
    }
    Ok(code::DONE)
}

fn in_use(path: &std::path::Path, holder: &Holder, json: bool) -> Result<u8, Failure> {
    if json {
        output::json(&serde_json::json!({ "workspace": path, "held_by": holder, "migrations": null }))?;
    } else {
        output::say(&format!("The workspace {} is at work:\n{holder}.", path.display()));
        output::say("\nIts migrations can be looked at when that has ended.");
    }
    Ok(code::DONE)
}

fn standing(storage: &Storage, plan: &Plan) -> Result<Standing, Failure> {
    let state = state(storage, &plan.id)?;
    let sum = total(&recorded_counts(storage, &plan.id)?);
    let conflicts = open_conflicts(storage, plan)?;
    Ok(Standing {
        migration: plan.id.clone(),
        name: plan.name.clone(),
        waiting_for: waiting(storage, plan, &state, conflicts)?,
        rows: sum.rows,
        conflicts,
        held: sum.held,
        state,
    })
}

/// What a migration waits for; nothing when it is over.
fn waiting(storage: &Storage, plan: &Plan, state: &State, conflicts: u64) -> Result<Option<String>, Failure> {
    let id = &plan.id;
    if conflicts > 0 {
        return Ok(Some(format!(
            "decisions on {conflicts} conflicts: cutover conflicts {id}"
        )));
    }
    if let Some(stopped) = &state.stopped {
        return Ok(Some(format!(
            "cutover run {id}; it stopped because {}",
            fhir::safe(stopped)
        )));
    }
    Ok(match state.stage {
        Stage::New => Some(migration::next(storage, plan)?),
        Stage::Completed if !state.flipped => {
            let gate = engine::gate(storage, plan)?;
            let first = gate
                .unmet()
                .next()
                .map(|first| format!("{}: {}", first.requirement.words(), first.why));
            let first = first.unwrap_or_else(|| "the practice to go over".to_owned());
            Some(format!("{first}; cutover gate {id}"))
        }
        Stage::Completed | Stage::RolledBack => None,
        Stage::Cancelled => Some(format!("cutover run {id}, which begins a new export")),
        Stage::Exporting => {
            let progress = state
                .progress
                .as_deref()
                .map(|p| format!("; it last said: {}", fhir::safe(p)));
            Some(format!(
                "the source, which prepares the export; go on with cutover run {id}{}",
                progress.unwrap_or_default()
            ))
        }
        _ => Some(format!("cutover run {id}, which goes on where it stopped")),
    })
}

fn stage(stage: Stage) -> &'static str {
    match stage {
        Stage::New => "not run yet",
        Stage::Started | Stage::KickingOff => "started",
        Stage::Exporting => "exporting at the source",
        Stage::Ingesting => "receiving",
        Stage::Ingested => "received",
        Stage::Verified => "verified",
        Stage::Completed => "completed",
        Stage::RolledBack => "rolled back",
        Stage::Cancelled => "export cancelled",
    }
}
