//! `conflicts`: what a person, or a policy, must decide or has decided.

use std::fmt::Write;

use super::args::{ConflictsArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::{merge, open, output};
use crate::engine::waiting;
use crate::fhir;
use crate::migration::{Conflict, Plan};
use crate::store::{Storage, migration_key};

/// Lists the conflicts of a migration.
pub fn conflicts(workspace: &WorkspaceArgs, args: &ConflictsArgs) -> Result<u8, Failure> {
    if let Some(command) = &args.command {
        return merge::show(workspace, command);
    }
    let storage = open::open(workspace, "conflicts")?;
    let plan = open::plan(&storage, args.migration.as_deref().unwrap_or_default())?;
    let mut listed = all(&storage, &plan)?;
    let (total, open) = (listed.len(), listed.iter().filter(|c| c.open()).count());
    if !args.all {
        listed.retain(Conflict::open);
    }
    let mut held = Vec::new();
    for conflict in &listed {
        held.push(waiting(&storage, &plan, conflict)?);
    }
    if args.json {
        let values: Vec<_> = listed
            .iter()
            .zip(&held)
            .map(|(conflict, held)| {
                let mut value = serde_json::to_value(conflict).unwrap_or_default();
                value["held_rows"] = (*held).into();
                value
            })
            .collect();
        output::json(&values)?;
        return Ok(code::DONE);
    }
    for (conflict, held) in listed.iter().zip(held) {
        output::say(&text(conflict, held));
    }
    output::say(&format!("{open} open, {} decided.", total - open));
    if open > 0 {
        output::say(&format!(
            "\nNext: cutover conflicts show {} ID\n      \
             cutover resolve {} ID... --as keep-source|keep-target|keep-both|merge\n      \
             or: cutover resolve {} --all --as newer-wins",
            plan.id, plan.id, plan.id
        ));
    } else if !args.all && total > 0 {
        output::say(&format!(
            "`cutover conflicts {} --all` shows the decided ones.",
            plan.id
        ));
    }
    Ok(code::DONE)
}

/// All conflicts of a migration, by id.
pub fn all(storage: &Storage, plan: &Plan) -> Result<Vec<Conflict>, Failure> {
    let mut all = Vec::new();
    for item in storage.tables.conflicts.scan_prefix(&migration_key(&plan.id, &[])) {
        all.push(item?.1.conflict);
    }
    Ok(all)
}

fn text(conflict: &Conflict, held: u64) -> String {
    let kind = conflict.kind.words();
    let side = |side: &crate::migration::Side| {
        let stamp = side
            .last_updated
            .as_deref()
            .map_or("no date".to_owned(), |when| fhir::safe(when).into_owned());
        format!("{}/{}  ({stamp})", conflict.resource_type, fhir::safe(&side.id))
    };
    let mut out = output::wrapped(&format!("{}  ", conflict.id), kind);
    // Writing to a String does not fail.
    let _ = write!(
        out,
        "\n  source  {}\n  target  {}",
        side(&conflict.source),
        side(&conflict.target)
    );
    if !conflict.contradictions.is_empty() {
        out.push('\n');
        out.push_str(&output::wrapped(
            "  differs ",
            &fhir::safe(&conflict.contradictions.join(", ")),
        ));
    }
    if let Some(found) = &conflict.comparison {
        let parts: Vec<String> = found.parts.iter().map(ToString::to_string).collect();
        let line = format!("{}: {}", found.grade, parts.join(", "));
        out.push('\n');
        out.push_str(&output::wrapped("  alike   ", &line));
    }
    if held > 0 {
        let _ = write!(out, "\n  holds   {held} rows back");
    }
    if let Some(decided) = &conflict.decided {
        let line = format!(
            "{} by {} ({}), {}",
            decided.resolution.name(),
            decided.who,
            decided.rule,
            decided.when
        );
        out.push('\n');
        out.push_str(&output::wrapped("  decided ", &fhir::safe(&line)));
    }
    out.push('\n');
    out
}
