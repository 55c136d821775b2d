//! `verify`: the store against everything that was received.

use super::args::{VerifyArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::run::{self, Show};
use super::{open, output};
use crate::engine::{Answer, Command, EngineError, name_patients, verification_text};

/// Verifies, prints what was found, and gives exit code 4 if something was.
pub fn verify(workspace: &WorkspaceArgs, args: &VerifyArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "verify")?;
    let mut plan = open::plan(&storage, &args.migration)?;
    if !args.patients.is_empty() {
        name_patients(&storage, &mut plan, &args.patients)?;
    }
    let Answer::Verified(found) = run::command(&storage, &plan, Command::Verify, Show::Nothing)? else {
        return Err(EngineError::Stopped.into());
    };
    if args.json {
        output::json(&found)?;
    } else {
        output::print(&verification_text(&found));
        output::say(if found.clean() {
            "The store agrees with everything that was received."
        } else {
            "The store does NOT agree with what was received."
        });
    }
    Ok(if found.clean() { code::DONE } else { code::REJECTS })
}
