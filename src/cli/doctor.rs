//! `doctor`: what is damaged in a workspace, and what can be done.

use std::sync::Arc;

use super::args::{DoctorArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::{open, output, rebuild};
use crate::engine::{Examined, examine, examine_permissions};
use crate::store::{Workspace, WorkspaceError};

/// Looks at everything and gives exit code 1 if something is damaged.
pub fn doctor(workspace: &WorkspaceArgs, args: &DoctorArgs) -> Result<u8, Failure> {
    let path = open::path(workspace)?;
    if !path.exists() {
        return Err(WorkspaceError::Missing { path }.into());
    }
    if args.rebuild_index {
        rebuild::rebuild(workspace, args.json)?;
    }
    let mut show = |one: &Examined| {
        if !args.json {
            output::say(&text(one));
        }
    };
    let mut found = examine_permissions(&path);
    found.iter().for_each(&mut show);
    match open::open(workspace, "doctor") {
        Ok(storage) => found.extend(examine(&Arc::clone(&storage), &mut show)),
        // What cannot be opened for want of a secret, or is in use, is not damaged.
        Err(failure) if failure.code != code::FAILED || Workspace::holder(&path)?.is_some() => return Err(failure),
        Err(failure) => {
            let one = Examined::damaged("workspace", failure.what, failure.hint);
            show(&one);
            found.push(one);
        }
    }
    let damaged = found.iter().filter(|one| !one.sound).count();
    if args.json {
        output::json(&serde_json::json!({ "workspace": path, "sound": damaged == 0, "examined": found }))?;
    } else if damaged == 0 {
        output::say("\nNothing is damaged.");
    } else {
        output::say(&format!("\n{damaged} things are not as they should be."));
    }
    Ok(if damaged == 0 { code::DONE } else { code::FAILED })
}

fn text(one: &Examined) -> String {
    let verdict = if one.sound { "ok" } else { "DAMAGED" };
    let mut out = output::wrapped(&format!("{verdict:<9}{:<13}", one.name), &one.what);
    if let Some(hint) = &one.hint {
        out.push('\n');
        out.push_str(&output::wrapped("                      hint: ", hint));
    }
    out
}
