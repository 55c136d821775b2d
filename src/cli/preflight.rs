//! `preflight`: everything that an export will need, check by check.

use std::fmt::Write;

use serde_json::json;

use super::args::{NameArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::{open, output, wait};
use crate::engine::{Check, Verdict, preflight as look};

/// Looks, prints each check as it is done, and gives exit code 1 if one failed.
pub fn preflight(workspace: &WorkspaceArgs, args: &NameArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "preflight")?;
    let plan = open::plan(&storage, &args.migration)?;
    let checks = wait::wait(|cancel| {
        let (storage, plan, as_json) = (storage.clone(), plan.clone(), args.json);
        async move {
            look(&storage, &plan, &cancel, |check| {
                if !as_json {
                    output::print(&text(check));
                }
            })
            .await
        }
    })?;
    let failed = checks.iter().filter(|check| check.verdict == Verdict::Failed).count();
    if args.json {
        output::json(&json!({ "migration": plan.id, "ready": failed == 0, "checks": checks }))?;
    } else if failed == 0 {
        output::say(&format!("\nReady. Next: cutover run {}", plan.id));
    } else {
        output::say(&format!(
            "\n{failed} of {} checks failed; an export would not go well yet.",
            checks.len()
        ));
    }
    Ok(if failed == 0 { code::DONE } else { code::FAILED })
}

/// A check as text: verdict, name, time, and under it details and hint.
fn text(check: &Check) -> String {
    let verdict = match check.verdict {
        Verdict::Ok => "ok",
        Verdict::Note => "note",
        Verdict::Failed => "FAILED",
        Verdict::Skipped => "skipped",
    };
    let time = if check.millis == 0 {
        String::new()
    } else {
        format!(" ({} ms)", check.millis)
    };
    let first = format!("{verdict:<8}{:<12}", check.name);
    let mut out = output::wrapped(&first, &format!("{}{time}", check.what));
    // Writing to a String does not fail.
    let _ = writeln!(out);
    for detail in &check.details {
        let _ = writeln!(out, "{}", output::wrapped("                      ", detail));
    }
    if let Some(hint) = &check.hint
        && check.verdict != Verdict::Ok
    {
        let _ = writeln!(out, "{}", output::wrapped("                    hint: ", hint));
    }
    out
}
