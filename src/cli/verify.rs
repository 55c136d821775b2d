//! `verify`: the store against everything that was received.

use super::args::{NameArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::run::{self, Show};
use super::{open, output, report};
use crate::engine::{Answer, Command, EngineError};

/// Verifies, prints what was found, and gives exit code 4 if something was.
pub fn verify(workspace: &WorkspaceArgs, args: &NameArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "verify")?;
    let plan = open::plan(&storage, &args.migration)?;
    let Answer::Verified(found) = run::command(&storage, &plan, Command::Verify, Show::Nothing)? else {
        return Err(EngineError::Stopped.into());
    };
    if args.json {
        output::json(&found)?;
    } else {
        let mut text = String::new();
        report::verification(&mut text, &found);
        output::print(&text);
        output::say(if found.clean() {
            "The store agrees with everything that was received."
        } else {
            "The store does NOT agree with what was received."
        });
    }
    Ok(if found.clean() { code::DONE } else { code::REJECTS })
}
