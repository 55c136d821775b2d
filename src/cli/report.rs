//! `report`: what became of every row and who answers for it, signed, and the check of such a report.

use std::fmt::Write;
use std::io::IsTerminal;
use std::path::Path;

use super::args::{ReportArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::{open, output};
use crate::engine::{self, Checked, Evidence, Form};
use crate::fhir;
use crate::migration::Plan;
use crate::store::{Storage, read_file};

/// Longest file that is checked, in bytes.
const LIMIT: u64 = 1 << 30;

/// Prints or writes a report or a bundle, or checks one.
pub fn report(workspace: &WorkspaceArgs, args: &ReportArgs) -> Result<u8, Failure> {
    if let Some(file) = &args.check {
        return check(file, args.key.as_deref(), args.format == "json");
    }
    let storage = open::open(workspace, "report")?;
    let plan = open::plan(&storage, args.migration.as_deref().unwrap_or_default())?;
    let evidence = Evidence::gather(&storage, &plan, args.with_phi)?;
    let form = match args.format.as_str() {
        _ if args.bundle.is_some() => Form::Bundle,
        "json" => Form::Json,
        "html" => Form::Html,
        _ => Form::Text,
    };
    match args.bundle.as_ref().or(args.out.as_ref()) {
        Some(path) => {
            engine::write_evidence(path, &evidence.made(form)?)?;
            output::say(&written(&evidence, path, form));
        }
        // A person reads it; the signature is for files.
        None if form == Form::Text && std::io::stdout().is_terminal() => {
            output::print(&shouted(&engine::report_text(&evidence.report)));
        }
        None => output::bytes(&evidence.made(form)?),
    }
    Ok(code::DONE)
}

fn written(evidence: &Evidence<'_>, path: &Path, form: Form) -> String {
    let mut text = format!("Wrote the {} to {}\n", form.words(), path.display());
    // Writing to a String does not fail.
    let _ = match &evidence.report.key {
        Some(key) => write!(
            text,
            "It is signed; thumbprint of the key, to be told to whoever checks it:\n  {key}\n\nCheck: cutover report --check {}",
            path.display()
        ),
        None => write!(
            text,
            "It is NOT signed: the migration has no key pair. `cutover keys new {}` makes one.",
            evidence.report.migration
        ),
    };
    if evidence.report.with_phi {
        text.push_str("\nIt CONTAINS PATIENTS' DATA.");
    }
    text
}

/// Checks a file and says what holds.
fn check(file: &Path, key: Option<&str>, json: bool) -> Result<u8, Failure> {
    let whole = read_file(file, LIMIT)?;
    let checked = engine::check_evidence(&whole, key)
        .map_err(|error| Failure::failed(&format!("{}: {error}", file.display()), error.hint()))?;
    if json {
        output::json(&checked)?;
    } else {
        output::say(&told(&checked, key.is_some()));
    }
    Ok(code::DONE)
}

/// What was checked and holds, for people.
fn told(checked: &Checked, expected: bool) -> String {
    let statement = &checked.statement;
    let mut lines = vec![format!(
        "ok       signature    of every byte of this {}, {}",
        statement.form.words(),
        checked.algorithm
    )];
    let end = &statement.journal;
    match &checked.journal {
        Some(journal) => {
            lines.push(format!(
                "ok       journal      {} entries of `{}`, each follows from the one before",
                end.seq,
                fhir::safe(&statement.migration)
            ));
            lines.push(format!("ok       key          the journal tells of it in entry {}", journal.key_entry));
            for signed in &journal.signed {
                let stale = signed.stale.as_ref().map(|what| format!(", STALE: given before {what}"));
                lines.push(format!(
                    "ok       sign-off     {} by {}, entry {}, for this journal{}",
                    signed.capacity.name(),
                    fhir::safe(&signed.name),
                    signed.entry,
                    fhir::safe(&stale.unwrap_or_default())
                ));
            }
            if let Some(flip) = &journal.flip {
                let when = flip.when.strftime("%Y-%m-%d %H:%M UTC");
                lines.push(format!("ok       flip         {when}, recorded by {}", fhir::safe(&flip.who)));
                if let Some(why) = &flip.overridden {
                    lines.push(format!("OVERRIDDEN            the gate was shut: {}", fhir::safe(why)));
                }
            }
        }
        None => lines.push(format!(
            "note     journal      not in this file: the JSON report and the bundle have it. It ends with entry {} of `{}`",
            end.seq,
            fhir::safe(&statement.migration)
        )),
    }
    lines.push(format!("                      {}", end.hash));
    let text = shouted(&(lines.join("\n") + "\n"));
    let whose = if expected {
        "It was signed by the key with the thumbprint that you gave:"
    } else {
        "It is as it was signed. Whose key that is no program can tell: compare its thumbprint with\n\
         the one that you were given by somebody whom you trust (`cutover keys show` prints it there):"
    };
    format!("{text}\n{whose}\n  {}", checked.key)
}

/// A report as one JSON document, not signed.
pub fn json(storage: &Storage, plan: &Plan) -> Result<String, Failure> {
    let report = engine::report(storage, plan, false)?;
    serde_json::to_string(&report).map_err(|e| Failure::failed(&format!("cannot write the report: {e}"), None))
}

/// A report as text, not signed.
pub fn text(storage: &Storage, plan: &Plan) -> Result<String, Failure> {
    Ok(engine::report_text(&engine::report(storage, plan, false)?))
}

/// Text with what was overridden in red, where colours are seen.
pub fn shouted(text: &str) -> String {
    if !std::io::stdout().is_terminal() || std::env::var_os("NO_COLOR").is_some_and(|set| !set.is_empty()) {
        return text.to_owned();
    }
    let line = |line: &str| {
        if line.starts_with("OVERRIDDEN") {
            format!("\x1b[1;31m{line}\x1b[0m\n")
        } else {
            format!("{line}\n")
        }
    };
    text.lines().map(line).collect()
}
