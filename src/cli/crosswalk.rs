//! `crosswalk`: who of the source's is whom at the destination, listed and mapped by hand.

use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;
use tokio::sync::mpsc;

use super::args::{CrosswalkCommand, CrosswalkListArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::undo::by;
use super::{open, output};
use crate::engine::{self, CrosswalkLine, Recorder};
use crate::fhir;
use crate::migration::By;

/// Carries out a `crosswalk` command.
pub fn crosswalk(workspace: &WorkspaceArgs, command: &CrosswalkCommand) -> Result<u8, Failure> {
    match command {
        CrosswalkCommand::List(args) => list(workspace, args),
        CrosswalkCommand::Set {
            migration,
            source,
            target,
            who,
        } => change(
            workspace,
            migration,
            &[(source.clone(), Some(target.clone()))],
            &by(who),
        ),
        CrosswalkCommand::Unset { migration, source, who } => {
            change(workspace, migration, &[(source.clone(), None)], &by(who))
        }
        CrosswalkCommand::Import { migration, file, who } => change(workspace, migration, &read(file)?, &by(who)),
    }
}

fn list(workspace: &WorkspaceArgs, args: &CrosswalkListArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "crosswalk list")?;
    let plan = open::plan(&storage, &args.migration)?;
    let mut lines = engine::crosswalk_list(&storage, &plan)?;
    lines.retain(|line| !args.unmapped || line.target.is_none());
    if args.json {
        output::json(&lines)?;
        return Ok(code::DONE);
    }
    if args.csv {
        output::print(&as_csv(&lines)?);
        return Ok(code::DONE);
    }
    if lines.is_empty() {
        output::say("Nobody of the source's is known here under another id.");
        return Ok(code::DONE);
    }
    let heads = ["SOURCE", "DESTINATION", "BY", "NAME"].map(ToOwned::to_owned);
    let mut rows = vec![heads.to_vec()];
    for line in &lines {
        let likely = || format!("{} ({})", line.likely.join(", "), line.doubt.unwrap_or_default());
        let target = match &line.target {
            Some(target) => target.clone(),
            None if line.likely.is_empty() => "-".to_owned(),
            None => format!("maybe {}", likely()),
        };
        let ground = line.ground.unwrap_or("-").to_owned();
        let name = fhir::safe(line.name.as_deref().unwrap_or_default()).into_owned();
        rows.push(vec![line.source.clone(), target, ground, name]);
    }
    output::print(&output::table(&rows));
    Ok(code::DONE)
}

/// One line as a spreadsheet has it.
#[derive(serde::Serialize, Deserialize)]
struct Row {
    source: String,
    #[serde(default)]
    target: Option<String>,
    #[serde(default)]
    by: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    maybe: String,
}

fn as_csv(lines: &[CrosswalkLine]) -> Result<String, Failure> {
    let mut out = csv::Writer::from_writer(Vec::new());
    let failed = |error: csv::Error| Failure::failed(&format!("cannot write CSV: {error}"), None);
    for line in lines {
        let name = fhir::safe(line.name.as_deref().unwrap_or_default());
        // A spreadsheet would take it for a formula.
        let quote = if name.starts_with(['=', '+', '-', '@']) {
            "'"
        } else {
            ""
        };
        out.serialize(Row {
            source: line.source.clone(),
            target: line.target.clone(),
            by: line.ground.unwrap_or_default().to_owned(),
            name: format!("{quote}{name}"),
            maybe: line.likely.join(" "),
        })
        .map_err(failed)?;
    }
    let bytes = out.into_inner().map_err(|error| failed(error.into_error().into()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The mappings in a file; of what `list --csv` wrote, those that the program found itself are passed over.
fn read(file: &Path) -> Result<Vec<(String, Option<String>)>, Failure> {
    #[derive(Deserialize)]
    struct Toml {
        mapping: Vec<Row>,
    }
    let broken = |what: String| {
        Failure::usage(
            &format!("cannot read {}: {what}", file.display()),
            "the columns are source and target, as `cutover crosswalk list NAME --csv` writes them",
        )
    };
    let text = std::fs::read_to_string(file).map_err(|error| broken(error.to_string()))?;
    let rows: Vec<Row> = if file.extension().is_some_and(|e| e.eq_ignore_ascii_case("toml")) {
        let toml: Toml = toml::from_str(&text).map_err(|error| broken(error.message().to_owned()))?;
        toml.mapping
    } else {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        reader
            .deserialize()
            .collect::<Result<_, _>>()
            .map_err(|error| broken(error.to_string()))?
    };
    let by_hand = |row: Row| {
        let target = row.target.filter(|target| !target.is_empty());
        (target.is_some() && ["", "hand"].contains(&row.by.as_str())).then_some((row.source, target))
    };
    let lines: Vec<_> = rows.into_iter().filter_map(by_hand).collect();
    if lines.is_empty() {
        return Err(broken("no line has a target of its own".to_owned()));
    }
    Ok(lines)
}

fn change(
    workspace: &WorkspaceArgs,
    migration: &str,
    lines: &[(String, Option<String>)],
    by: &By,
) -> Result<u8, Failure> {
    let storage = open::open(workspace, "crosswalk")?;
    let plan = open::plan(&storage, migration)?;
    let (events, _unread) = mpsc::unbounded_channel();
    let recorder = Recorder::new(Arc::clone(&storage), &plan.id, events);
    let changed = engine::change_crosswalk(&storage, &plan, &recorder, lines, by)?;
    output::say(&match changed {
        0 => "The crosswalk says so already.".to_owned(),
        1 => "1 line of the crosswalk changed; it holds from the next run on.".to_owned(),
        n => format!("{n} lines of the crosswalk changed; they hold from the next run on."),
    });
    Ok(code::DONE)
}
