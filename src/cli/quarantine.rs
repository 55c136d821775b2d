//! `quarantine`: rows that were set aside, and their original bytes.

use std::io::Read;

use serde_json::json;

use super::args::{AmendArgs, NameArgs, QuarantineCommand, WaiveArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::run::{self, Show};
use super::{open, output};
use crate::engine::{Answer, Aside, Command, EngineError, Line, original, quarantine_of, runs_of};
use crate::fhir;
use crate::migration::{By, Quarantined};
use crate::store::{RowId, operator, read_file, row_key};

/// Carries out a `quarantine` command.
pub fn quarantine(workspace: &WorkspaceArgs, command: &QuarantineCommand) -> Result<u8, Failure> {
    match command {
        QuarantineCommand::List(args) => list(workspace, args),
        QuarantineCommand::Show { migration, row } => show(workspace, migration, row),
        QuarantineCommand::Amend(args) => amend(workspace, args),
        QuarantineCommand::Waive(args) => waive(workspace, args),
    }
}

fn list(workspace: &WorkspaceArgs, args: &NameArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "quarantine list")?;
    let plan = open::plan(&storage, &args.migration)?;
    let rows = quarantine_of(&storage, &plan)?;
    if args.json {
        let values = rows.iter().map(|aside| {
            let mut value = serde_json::to_value(&aside.what).unwrap_or_default();
            value["waived"] = serde_json::to_value(&aside.waived).unwrap_or_default();
            value["amended"] = serde_json::to_value(&aside.amended).unwrap_or_default();
            value
        });
        output::json(&values.collect::<Vec<_>>())?;
        return Ok(code::DONE);
    }
    let mut by_reason = std::collections::BTreeMap::<&str, u64>::new();
    for aside in &rows {
        let row = &aside.what;
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
        let amended = aside.amended.as_ref().map(|amended| ("set right", &amended.by));
        let waived = aside.waived.as_ref().map(|waived| ("waived", &waived.by));
        if let Some((done, by)) = amended.or(waived) {
            let who = by.name.as_ref().unwrap_or(&by.login);
            let text = format!("{done} by {who}: {}", by.why.as_deref().unwrap_or_default());
            output::say(&output::wrapped("            ", &fhir::safe(&text)));
        }
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

/// Bytes of a file with rows that were set right.
const AMENDED_LIMIT: u64 = 256 * 1024 * 1024;

fn amend(workspace: &WorkspaceArgs, args: &AmendArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "quarantine amend")?;
    let plan = open::plan(&storage, &args.migration)?;
    let rows: Vec<RowId> = args.rows.iter().map(|row| named(row)).collect::<Result<_, _>>()?;
    let bytes = if args.with.as_os_str() == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().take(AMENDED_LIMIT).read_to_end(&mut bytes);
        read.map_err(|e| Failure::failed(&format!("cannot read standard input: {e}"), None))?;
        bytes
    } else {
        read_file(&args.with, AMENDED_LIMIT)?
    };
    let text = String::from_utf8(bytes).map_err(|_| {
        let hint = "save it as UTF-8, as FHIR asks";
        Failure::usage("what the rows are to read is not UTF-8", hint)
    })?;
    let lines: Vec<Line> = if rows.len() == 1 {
        vec![Line::new(&text)]
    } else {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines.map(Line::new).collect()
    };
    if lines.len() != rows.len() {
        return Err(Failure::usage(
            &format!("{} rows are named, and {} lines given", rows.len(), lines.len()),
            "give a line for each row, in the same order",
        ));
    }
    let who = By {
        login: operator(),
        name: args.who.clone(),
        why: Some(args.why.clone()),
    };
    let rows = rows.into_iter().zip(lines).collect();
    let Answer::Amended(done) = run::command(&storage, &plan, Command::Amend { rows, who }, Show::Nothing)? else {
        return Err(EngineError::Stopped.into());
    };
    if args.json {
        let rows = done.rows.iter();
        let rows = rows.map(|(row, now)| json!({ "run": row.run, "file": row.file, "line": row.line, "now": now }));
        output::json(&json!({ "rows": rows.collect::<Vec<_>>(), "dependent": done.dependent }))?;
        return Ok(code::DONE);
    }
    for (row, now) in &done.rows {
        output::say(&format!("{}/{}/{}: {}", row.run, row.file, row.line, now.words()));
    }
    for (conflict, _) in &done.dependent {
        output::say(&format!(
            "The decision on {conflict} had nothing to stand on any more: it is taken back."
        ));
    }
    Ok(code::DONE)
}

fn waive(workspace: &WorkspaceArgs, args: &WaiveArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "quarantine waive")?;
    let plan = open::plan(&storage, &args.migration)?;
    let rows = if args.rows.is_empty() {
        let meant = |what: &Quarantined| args.reason.as_ref().is_none_or(|reason| *reason == what.code);
        let all = quarantine_of(&storage, &plan)?.into_iter();
        let meant = |aside: &Aside| aside.amended.is_none() && meant(&aside.what);
        all.filter(meant).map(|aside| aside.row).collect()
    } else {
        args.rows.iter().map(|row| named(row)).collect::<Result<_, _>>()?
    };
    let who = By {
        login: operator(),
        name: args.who.clone(),
        why: Some(args.why.clone()),
    };
    let Answer::Waived(count) = run::command(&storage, &plan, Command::Waive { rows, who }, Show::Nothing)? else {
        return Err(EngineError::Stopped.into());
    };
    output::say(&format!("{count} waived."));
    Ok(code::DONE)
}

/// The row that is written so.
fn named(row: &str) -> Result<RowId, Failure> {
    let numbers: Vec<u32> = row.split('/').map_while(|part| part.parse().ok()).collect();
    let &[run, file, line] = numbers.as_slice() else {
        return Err(Failure::usage(
            "a row is written as RUN/FILE/LINE",
            "`cutover quarantine list` shows them so",
        ));
    };
    Ok(RowId { run, file, line })
}

/// Prints the original bytes and nothing else, so that they can be piped.
fn show(workspace: &WorkspaceArgs, migration: &str, row: &str) -> Result<u8, Failure> {
    let storage = open::open(workspace, "quarantine show")?;
    let plan = open::plan(&storage, migration)?;
    let RowId { run, file, line } = named(row)?;
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
