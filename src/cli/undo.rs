//! `undo`, `rollback`: decisions and whole runs taken back.

use std::fmt::Write;
use std::sync::Arc;

use super::args::{BackArgs, ByArgs, RollbackArgs, UndoArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::run::{self, Show};
use super::{open, output};
use crate::engine::{Answer, Command, EngineError, TakenBack, Which, open_conflicts};
use crate::fhir;
use crate::migration::{By, Plan, Resolution};
use crate::store::{Storage, operator};

/// Takes decisions back, and gives exit code 3 while conflicts of the migration are open.
pub fn undo(workspace: &WorkspaceArgs, args: &UndoArgs) -> Result<u8, Failure> {
    let which = which(args)?;
    let storage = open::open(workspace, "undo")?;
    let plan = open::plan(&storage, &args.migration)?;
    let command = Command::Undo {
        which,
        who: by(&args.who),
        force: args.back.force,
        dry_run: args.back.dry_run,
    };
    let taken = take_back(&storage, &plan, command)?;
    if !shown(&taken, &args.back)? {
        output::say(&if args.back.dry_run {
            "\nNothing was done.".to_owned()
        } else {
            format!("\nNext: cutover conflicts {}", plan.id)
        });
    }
    let open = open_conflicts(&storage, &plan)?;
    Ok(if open > 0 { code::WAITING } else { code::DONE })
}

/// Takes runs back.
pub fn rollback(workspace: &WorkspaceArgs, args: &RollbackArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "rollback")?;
    let plan = open::plan(&storage, &args.migration)?;
    let command = Command::Rollback {
        from: args.run,
        who: by(&args.who),
        force: args.back.force,
        dry_run: args.back.dry_run,
    };
    let taken = take_back(&storage, &plan, command)?;
    if !shown(&taken, &args.back)? {
        output::say(if args.back.dry_run {
            "\nNothing was done."
        } else {
            "\nThe store is as it was before. What was received and the journal stay."
        });
    }
    Ok(code::DONE)
}

/// Who acts, from the command line.
pub fn by(args: &ByArgs) -> By {
    By {
        login: operator(),
        name: args.who.clone(),
        why: args.why.clone(),
    }
}

fn which(args: &UndoArgs) -> Result<Which, Failure> {
    if let Some(count) = args.last {
        return Ok(Which::Last(count));
    }
    if let Some(who) = &args.by {
        return Ok(Which::By(who.clone()));
    }
    let Some(since) = &args.since else {
        return Ok(if args.all {
            Which::All
        } else {
            Which::Of(args.conflicts.clone())
        });
    };
    if let Ok(entry) = since.parse() {
        return Ok(Which::SinceEntry(entry));
    }
    since.parse().map(Which::SinceTime).map_err(|_| {
        Failure::usage(
            &format!("`{}` is neither a time nor the number of an entry", fhir::safe(since)),
            "write a time as 2026-11-21T09:30:00Z",
        )
    })
}

fn take_back(storage: &Arc<Storage>, plan: &Plan, command: Command) -> Result<TakenBack, Failure> {
    match run::command(storage, plan, command, Show::Nothing)? {
        Answer::TakenBack(taken) => Ok(*taken),
        _ => Err(EngineError::Stopped.into()),
    }
}

/// Prints what is taken back; true when it was printed as JSON, which is all there is to say then.
fn shown(taken: &TakenBack, args: &BackArgs) -> Result<bool, Failure> {
    if args.json {
        output::json(taken)?;
    } else {
        output::print(&text(taken, args.force));
    }
    Ok(args.json)
}

/// What is taken back, as text.
pub fn text(taken: &TakenBack, force: bool) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    if !taken.runs.is_empty() {
        let runs: Vec<String> = taken.runs.iter().map(ToString::to_string).collect();
        let _ = writeln!(out, "Runs taken back: {}.", runs.join(", "));
    }
    decisions(&mut out, "Decisions taken back", &taken.decisions);
    decisions(&mut out, "Built on those, and taken back with them", &taken.dependent);
    if taken.rows > 0 {
        let _ = writeln!(out, "Rows that wait or are in question again: {}.", taken.rows);
    }
    if taken.runs.is_empty() && taken.decisions.is_empty() {
        out.push_str("There is no such decision.\n");
    }
    if !taken.effects.is_empty() {
        let head = ["Type", "removed", "restored", "brought back", "edited since"];
        let mut rows = vec![head.map(str::to_owned).to_vec()];
        for (resource_type, effects) in &taken.effects {
            let numbers = [effects.removed, effects.restored, effects.brought_back, effects.edited];
            let mut row = vec![resource_type.clone()];
            row.extend(
                head[1..]
                    .iter()
                    .zip(numbers)
                    .map(|(head, n)| format!("{n:>0$}", head.len())),
            );
            rows.push(row);
        }
        let _ = write!(out, "\n{}", output::table(&rows));
    }
    if !taken.edited.is_empty() {
        out.push_str(if force {
            "\nEdited at the destination since, and taken back all the same:\n"
        } else {
            "\nEdited at the destination since, and left as they are (--force takes them back):\n"
        });
        for record in &taken.edited {
            let _ = writeln!(out, "  {}", fhir::safe(record));
        }
        let more = taken.effects.values().map(|e| e.edited).sum::<u64>();
        let more = more.saturating_sub(taken.edited.len() as u64);
        if more > 0 {
            let _ = writeln!(out, "  ... and {more} more");
        }
    }
    out
}

/// Decisions named one by one; beyond that they are counted.
const NAMED: usize = 20;

fn decisions(out: &mut String, what: &str, decisions: &[(String, Resolution)]) {
    if decisions.is_empty() {
        return;
    }
    let _ = writeln!(out, "{what}: {}.", decisions.len());
    for (conflict, made) in decisions.iter().take(NAMED) {
        let _ = writeln!(out, "  {conflict}  {}", made.name());
    }
    if decisions.len() > NAMED {
        let _ = writeln!(out, "  ... and {} more", decisions.len() - NAMED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Effects;

    #[test]
    fn what_is_taken_back_is_told_in_full() {
        let effects = Effects {
            removed: 92,
            restored: 1,
            brought_back: 0,
            edited: 1,
        };
        let taken = TakenBack {
            runs: vec![2, 3],
            decisions: vec![("207e9d220c".to_owned(), Resolution::KeepSource)],
            dependent: vec![("de2f1e31b9".to_owned(), Resolution::KeepTarget)],
            rows: 94,
            effects: [("Patient".to_owned(), effects)].into(),
            edited: vec!["Patient/dest-1".to_owned()],
        };
        insta::assert_snapshot!(text(&taken, false), @r"
        Runs taken back: 2, 3.
        Decisions taken back: 1.
          207e9d220c  keep-source
        Built on those, and taken back with them: 1.
          de2f1e31b9  keep-target
        Rows that wait or are in question again: 94.

        Type     removed  restored  brought back  edited since
        Patient       92         1             0             1

        Edited at the destination since, and left as they are (--force takes them back):
          Patient/dest-1
        ");
    }
}
