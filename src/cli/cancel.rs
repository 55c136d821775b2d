//! `cancel`: an export that the source is still preparing is not wanted any more.

use super::args::{NameArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::run::{self, Show};
use super::{open, output};
use crate::engine::Command;

/// Cancels the export at the source.
pub fn cancel(workspace: &WorkspaceArgs, args: &NameArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "cancel")?;
    let plan = open::plan(&storage, &args.migration)?;
    run::command(&storage, &plan, Command::CancelExport, Show::Nothing)?;
    if args.json {
        output::json(&serde_json::json!({ "migration": plan.id, "cancelled": true }))?;
    } else {
        output::say(&format!(
            "The export was cancelled.\n\nNext: cutover run {} begins a new one",
            plan.id
        ));
    }
    Ok(code::DONE)
}
