//! `quarantine`: rows that were set aside, and their original bytes.

use super::args::{NameArgs, QuarantineCommand, WorkspaceArgs};
use super::failure::{Failure, code};
use super::{open, output};
use crate::engine::{original, runs_of};
use crate::fhir;
use crate::migration::Quarantined;
use crate::store::{RowId, row_key, run_key};

/// Carries out a `quarantine` command.
pub fn quarantine(workspace: &WorkspaceArgs, command: &QuarantineCommand) -> Result<u8, Failure> {
    match command {
        QuarantineCommand::List(args) => list(workspace, args),
        QuarantineCommand::Show { migration, row } => show(workspace, migration, row),
    }
}

fn list(workspace: &WorkspaceArgs, args: &NameArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "quarantine list")?;
    let plan = open::plan(&storage, &args.migration)?;
    let mut rows: Vec<Quarantined> = Vec::new();
    for run in runs_of(&storage, &plan.id)? {
        for item in storage.tables.quarantine.scan_prefix(&run_key(run)) {
            rows.push(item?.1.what);
        }
    }
    if args.json {
        output::json(&rows)?;
        return Ok(code::DONE);
    }
    let mut by_reason = std::collections::BTreeMap::<&str, u64>::new();
    for row in &rows {
        *by_reason.entry(&row.code).or_default() += 1;
        let place = format!("{}/{}/{}", row.run, row.file, row.line);
        let file = format!(
            "{} line {}, byte {}, {} bytes",
            fhir::safe(&row.file_name),
            row.line,
            row.offset,
            row.len
        );
        output::say(&format!("{place:<12}{:<20}{file}", row.code));
        output::say(&output::wrapped("            ", &fhir::safe(&row.reason)));
    }
    if rows.is_empty() {
        output::say("Nothing is in quarantine.");
        return Ok(code::DONE);
    }
    let reasons: Vec<String> = by_reason.iter().map(|(code, n)| format!("{n} {code}")).collect();
    output::say(&output::wrapped(
        "",
        &format!("\n{} rows: {}.", rows.len(), reasons.join(", ")),
    ));
    output::say(&format!(
        "\nOriginal bytes: cutover quarantine show {} RUN/FILE/LINE",
        plan.id
    ));
    Ok(code::DONE)
}

/// Prints the original bytes and nothing else, so that they can be piped.
fn show(workspace: &WorkspaceArgs, migration: &str, row: &str) -> Result<u8, Failure> {
    let storage = open::open(workspace, "quarantine show")?;
    let plan = open::plan(&storage, migration)?;
    let numbers: Vec<u32> = row.split('/').map_while(|part| part.parse().ok()).collect();
    let &[run, file, line] = numbers.as_slice() else {
        return Err(Failure::usage(
            "a row is written as RUN/FILE/LINE",
            "`cutover quarantine list` shows them so",
        ));
    };
    let ours = runs_of(&storage, &plan.id)?.contains(&run);
    let found = storage
        .tables
        .quarantine
        .get(&row_key(RowId { run, file, line }))?
        .filter(|_| ours);
    let Some(found) = found else {
        return Err(Failure::usage(
            &format!("row {run}/{file}/{line} of `{migration}` is not in quarantine"),
            &format!("`cutover quarantine list {migration}` shows what is"),
        ));
    };
    let mut outcome = Ok(true);
    original(&storage, &found, &mut |bytes| {
        outcome = output::stream(bytes);
        matches!(outcome, Ok(true))
    })?;
    if outcome? {
        output::stream(b"\n")?;
    }
    Ok(code::DONE)
}
