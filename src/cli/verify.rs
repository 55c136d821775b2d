//! `verify`: the store against everything that was received.

use super::args::{VerifyArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::run::{self, Show};
use super::{open, output};
use crate::engine::{Answer, Command, EngineError, living_text, name_patients, verification_text};

/// Verifies, prints what was found, and gives exit code 4 if something was.
pub fn verify(workspace: &WorkspaceArgs, args: &VerifyArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "verify")?;
    let mut plan = open::plan(&storage, &args.migration)?;
    if !args.patients.is_empty() {
        name_patients(&storage, &mut plan, &args.patients)?;
    }
    let command = if args.changed {
        Command::VerifyChanged
    } else {
        Command::Verify
    };
    let ask = |command| match run::command(&storage, &plan, command, Show::Nothing)? {
        Answer::Verified(found) => Ok(found),
        _ => Err(Failure::from(EngineError::Stopped)),
    };
    let mut found = ask(command)?;
    if args.source {
        found = ask(Command::LookAtSource)?;
    }
    if args.json {
        output::json(&found)?;
    } else {
        output::print(&verification_text(&found));
        if let Some(living) = &found.living {
            output::print(&living_text(living, plan.level));
        }
        output::say(if found.clean() {
            "The store agrees with everything that was received."
        } else {
            "The store does NOT agree with what was received."
        });
        if !found.clean() {
            output::say(&format!("\nNext: cutover findings list {}", plan.id));
        }
    }
    Ok(if found.clean() { code::DONE } else { code::REJECTS })
}
