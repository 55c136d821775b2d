//! `gate`, `sign-off`, `flip`: whether a practice can go over, who answers for it, and that it has.

use std::sync::Arc;

use super::args::{FlipArgs, NameArgs, SignOffArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::run::{self, Show};
use super::{open, output, report};
use crate::engine::{self, Command};
use crate::migration::{By, Gate, Plan, Requirement};
use crate::store::{Storage, operator};

/// Prints the gate, and gives exit code 3 while it is shut.
pub fn gate(workspace: &WorkspaceArgs, args: &NameArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "gate")?;
    let plan = open::plan(&storage, &args.migration)?;
    let gate = engine::gate(&storage, &plan)?;
    if args.json {
        output::json(&gate)?;
    } else {
        output::print(&report::shouted(&engine::gate_text(&gate)));
        output::say(&next(&gate, &plan));
    }
    let through = gate.is_open() || gate.flip.is_some();
    Ok(if through { code::DONE } else { code::WAITING })
}

/// What to do next.
fn next(gate: &Gate, plan: &Plan) -> String {
    let id = &plan.id;
    if gate.flip.is_some() {
        return format!("\nThe migration is closed. Evidence: cutover report {id}");
    }
    let Some(first) = gate.unmet().next() else {
        return format!("\nThe gate is open. Next: cutover flip {id} --confirm {id}");
    };
    let what = match first.requirement {
        Requirement::RowsAccounted if first.why.starts_with("not verified") => format!("cutover verify {id}"),
        Requirement::RowsAccounted => format!("cutover run {id}"),
        Requirement::NoFinding if !first.why.contains("finding") => format!("cutover sample list {id}"),
        Requirement::NoFinding => format!("cutover report {id}"),
        Requirement::ConflictsDecided | Requirement::NothingHeld => format!("cutover conflicts {id}"),
        Requirement::QuarantineSettled => format!("cutover quarantine list {id}"),
        Requirement::ChartsPassed => format!("cutover sample list {id}"),
        Requirement::LastChanges => format!("cutover run {id} --since-last"),
        Requirement::TechnicalSignOff => format!("cutover sign-off {id} --as technical --name NAME"),
        Requirement::ClinicalSignOff => format!("cutover sign-off {id} --as clinical --name NAME"),
    };
    format!("\nThe gate is shut. Next: {what}")
}

/// Signs off.
pub fn sign_off(workspace: &WorkspaceArgs, args: &SignOffArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "sign-off")?;
    let plan = open::plan(&storage, &args.migration)?;
    let who = By {
        login: operator(),
        name: Some(args.name.clone()),
        why: args.comment.clone(),
    };
    let capacity = args.capacity;
    run::command(&storage, &plan, Command::SignOff { capacity, who }, Show::Nothing)?;
    shown(&storage, &plan)
}

/// Records the flip, or takes it back.
pub fn flip(workspace: &WorkspaceArgs, args: &FlipArgs) -> Result<u8, Failure> {
    if args.confirm.as_ref().is_some_and(|name| *name != args.migration) {
        return Err(Failure::usage(
            "--confirm does not name the migration",
            &format!("write --confirm {} when the practice has gone over", args.migration),
        ));
    }
    let storage = open::open(workspace, "flip")?;
    let plan = open::plan(&storage, &args.migration)?;
    let who = By {
        login: operator(),
        name: args.name.clone(),
        why: args.why.clone(),
    };
    let command = if args.take_back {
        Command::TakeFlipBack { who }
    } else {
        let overriding = args.overriding.clone();
        Command::Flip { overriding, who }
    };
    run::command(&storage, &plan, command, Show::Nothing)?;
    shown(&storage, &plan)
}

fn shown(storage: &Arc<Storage>, plan: &Plan) -> Result<u8, Failure> {
    let gate = engine::gate(storage, plan)?;
    output::print(&report::shouted(&engine::gate_text(&gate)));
    output::say(&next(&gate, plan));
    Ok(code::DONE)
}
