//! `report`: what became of every row and who answers for it, as text or JSON.

use std::io::IsTerminal;

use super::args::{ReportArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::{open, output};
use crate::engine;
use crate::migration::Plan;
use crate::store::Storage;

/// Prints a report.
pub fn report(workspace: &WorkspaceArgs, args: &ReportArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "report")?;
    let plan = open::plan(&storage, &args.migration)?;
    match args.format.as_str() {
        "json" => output::say(&json(&storage, &plan)?),
        _ => output::print(&shouted(&text(&storage, &plan)?)),
    }
    Ok(code::DONE)
}

/// A report as one JSON document.
pub fn json(storage: &Storage, plan: &Plan) -> Result<String, Failure> {
    let report = engine::report(storage, plan)?;
    serde_json::to_string(&report).map_err(|e| Failure::failed(&format!("cannot write the report: {e}"), None))
}

/// A report as text.
pub fn text(storage: &Storage, plan: &Plan) -> Result<String, Failure> {
    Ok(engine::report_text(&engine::report(storage, plan)?))
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
