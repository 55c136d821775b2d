//! `findings`: what a verification found on records.

use serde_json::json;

use super::args::{FindingsCommand, WorkspaceArgs};
use super::failure::{Failure, code};
use super::run::{self, Show};
use super::{open, output};
use crate::engine::{Answer, Command, EngineError, findings as all_findings, show_finding};
use crate::fhir::{self, Difference, LossClass};
use crate::migration::By;
use crate::store::operator;

/// Findings listed as text; JSON lists all.
const LISTED: usize = 200;

/// Carries out a `findings` command.
pub fn findings(workspace: &WorkspaceArgs, command: &FindingsCommand) -> Result<u8, Failure> {
    match command {
        FindingsCommand::List { migration, class, json } => list(workspace, migration, class.as_deref(), *json),
        FindingsCommand::Show {
            migration,
            finding,
            json,
        } => show(workspace, migration, *finding, *json),
        FindingsCommand::Repair {
            migration,
            finding,
            why,
            name,
        } => repair(workspace, migration, *finding, why.as_ref(), name.as_ref()),
    }
}

/// Lists the findings, and gives exit code 4 if there are some.
fn list(workspace: &WorkspaceArgs, migration: &str, class: Option<&str>, json: bool) -> Result<u8, Failure> {
    let storage = open::open(workspace, "findings list")?;
    let plan = open::plan(&storage, migration)?;
    if let Some(class) = class.filter(|class| LossClass::named(class).is_none()) {
        let known: Vec<&str> = LossClass::ALL.iter().map(|class| class.name()).collect();
        return Err(Failure::usage(
            &format!("`{}` is not a class of findings", fhir::safe(class)),
            &format!("the classes are {}", known.join(", ")),
        ));
    }
    let mut found = all_findings(&storage, &plan, 0, usize::MAX)?;
    found.retain(|found| class.is_none_or(|class| class == found.finding.code));
    let code = if found.is_empty() { code::DONE } else { code::REJECTS };
    if json {
        output::json(&found)?;
        return Ok(code);
    }
    if found.is_empty() {
        output::say("Nothing was found on records.");
        return Ok(code);
    }
    for one in found.iter().take(LISTED) {
        let finding = &one.finding;
        let place = format!(
            "{} line {}, run {}",
            fhir::safe(&finding.file),
            finding.line,
            finding.run
        );
        output::say(&format!(
            "{:<6}{:<28}{}",
            one.number,
            finding.code,
            fhir::safe(&one.record)
        ));
        output::say(&output::wrapped("      ", &fhir::safe(&finding.what)));
        for lost in finding.elements.iter().filter(|lost| !lost.element.is_empty()) {
            output::say(&format!("        {}  {}", fhir::safe(&lost.element), lost.class));
        }
        output::say(&format!("      {place}"));
    }
    if found.len() > LISTED {
        output::say(&format!("... and {} more: --json lists all", found.len() - LISTED));
    }
    output::say(&format!(
        "\nNext: cutover findings show {0} FINDING\n      cutover findings repair {0} FINDING",
        plan.id
    ));
    Ok(code)
}

fn show(workspace: &WorkspaceArgs, migration: &str, finding: u64, json: bool) -> Result<u8, Failure> {
    let storage = open::open(workspace, "findings show")?;
    let plan = open::plan(&storage, migration)?;
    let shown = show_finding(&storage, &plan, finding)?;
    if json {
        let side = |record: &Option<String>| {
            record.as_ref().map(|record| {
                serde_json::from_str::<serde_json::Value>(record).unwrap_or_else(|_| record.as_str().into())
            })
        };
        let (expected, given) = (side(&shown.expected), side(&shown.given));
        output::json(&json!({ "finding": shown.found, "expected": expected, "given": given }))?;
        return Ok(code::DONE);
    }
    let found = &shown.found;
    output::say(&format!("Finding {finding}: {}", fhir::safe(&found.record)));
    output::say(&output::wrapped("  ", &fhir::safe(&found.finding.what)));
    output::say(&format!(
        "  {}, {} line {}, run {}",
        found.finding.code,
        fhir::safe(&found.finding.file),
        found.finding.line,
        found.finding.run
    ));
    for field in shown.fields(&plan.base_url) {
        let sign = match field.difference {
            Difference::OnlyLeft => "+",
            Difference::OnlyRight => "-",
            Difference::Differs | Difference::Order => "#",
        };
        output::say(&format!("\n{sign} {}", fhir::safe(&field.path)));
        for (side, text) in [("EHR   ", field.expected), ("here  ", field.given)] {
            let text = text.unwrap_or_else(|| "(none)".to_owned());
            output::say(&output::wrapped(&format!("    {side}"), &fhir::safe(&text)));
        }
    }
    output::say(&format!("\nNext: cutover findings repair {} {finding}", plan.id));
    Ok(code::DONE)
}

fn repair(
    workspace: &WorkspaceArgs,
    migration: &str,
    finding: u64,
    why: Option<&String>,
    name: Option<&String>,
) -> Result<u8, Failure> {
    let storage = open::open(workspace, "findings repair")?;
    let plan = open::plan(&storage, migration)?;
    let who = By {
        login: operator(),
        name: name.cloned(),
        why: why.cloned(),
    };
    let Answer::Repaired(found) = run::command(&storage, &plan, Command::Repair { finding, who }, Show::Nothing)?
    else {
        return Err(EngineError::Stopped.into());
    };
    output::say(&format!(
        "{} is as it was received once more.\n\nNext: cutover verify {} --changed",
        fhir::safe(&found.record),
        plan.id
    ));
    Ok(code::DONE)
}
