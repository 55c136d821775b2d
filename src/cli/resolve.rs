//! `resolve`: decisions on conflicts.

use serde_json::json;

use super::args::{ResolveArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::run::{self, Show};
use super::{conflicts, open, output};
use crate::engine::{Answer, Choice, Command, EngineError, open_conflicts};
use crate::migration::{ConflictKind, Policy, Resolution};
use crate::store::operator;

/// Decides, prints what was decided, and gives exit code 3 while conflicts of the migration are open.
pub fn resolve(workspace: &WorkspaceArgs, args: &ResolveArgs) -> Result<u8, Failure> {
    let choice = choice(&args.decision)?;
    let storage = open::open(workspace, "resolve")?;
    let plan = open::plan(&storage, &args.migration)?;
    let all = conflicts::all(&storage, &plan)?;
    let both = choice == Choice::Outright(Resolution::KeepBoth);
    let mut chosen = Vec::new();
    if args.all {
        // Two versions of one record cannot both stay, so those are left open.
        let may = |kind: ConflictKind| !both || kind.between_two();
        chosen.extend(all.iter().filter(|c| c.open() && may(c.kind)).map(|c| c.id.clone()));
    } else {
        // Nothing is decided unless everything asked for can be.
        for id in &args.conflicts {
            let conflict = all
                .iter()
                .find(|c| c.id == *id)
                .ok_or_else(|| EngineError::UnknownConflict(id.clone()))?;
            if !conflict.open() {
                return Err(EngineError::AlreadyDecided(id.clone()).into());
            }
            if both && !conflict.kind.between_two() {
                return Err(Failure::usage(
                    &format!("conflict `{id}` is between two versions of one record, which cannot both be kept"),
                    "decide it --as keep-source or --as keep-target",
                ));
            }
            if !chosen.contains(id) {
                chosen.push(id.clone());
            }
        }
    }
    let command = Command::Resolve {
        conflicts: chosen,
        choice,
        who: operator(),
    };
    let Answer::Resolved(decided) = run::command(&storage, &plan, command, Show::Nothing)? else {
        return Err(EngineError::Stopped.into());
    };
    let open = open_conflicts(&storage, &plan)?;
    if args.json {
        let rows: Vec<_> = decided
            .iter()
            .map(|(id, r)| json!({ "conflict": id, "resolution": r }))
            .collect();
        output::json(&json!({ "decided": rows, "open": open }))?;
    } else {
        for (id, resolution) in &decided {
            let what = resolution.map_or("still open: the rule cannot tell which is right", conflicts::resolution);
            output::say(&format!("{id}  {what}"));
        }
        let done = decided.iter().filter(|(_, r)| r.is_some()).count();
        output::say(&format!("{done} decided, {open} open."));
        output::say(&if open > 0 {
            format!("\nNext: cutover conflicts {}", plan.id)
        } else {
            format!("\nNext: cutover verify {}", plan.id)
        });
    }
    Ok(if open > 0 { code::WAITING } else { code::DONE })
}

fn choice(decision: &str) -> Result<Choice, Failure> {
    Ok(match decision {
        "newer-wins" => Choice::By(Policy::NewerWins),
        "older-wins" => Choice::By(Policy::OlderWins),
        "keep-source" => Choice::Outright(Resolution::KeepSource),
        "keep-target" => Choice::Outright(Resolution::KeepTarget),
        "keep-both" => Choice::Outright(Resolution::KeepBoth),
        other => {
            return Err(Failure::usage(
                &format!("there is no decision `{other}`"),
                "use newer-wins, older-wins, keep-source, keep-target or keep-both",
            ));
        }
    })
}
