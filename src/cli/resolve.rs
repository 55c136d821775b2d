//! `resolve`: decisions on conflicts, one by one, by filter, or by a file of rules.

use std::collections::BTreeMap;

use serde_json::json;

use super::args::{ResolveArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::run::{self, Show};
use super::undo::by;
use super::{conflicts, merge, open, output};
use crate::engine::{Answer, Choice, Command, EngineError, Forecast, forecast, open_conflicts};
use crate::migration::{Conflict, ConflictFilter, Policy, Resolution, conflict_rules};
use crate::store::read_file;

/// Longest file of rules that is read, in bytes.
const RULES_LIMIT: u64 = 1 << 20;

/// Decides, prints what was decided, and gives exit code 3 while conflicts of the migration are open.
pub fn resolve(workspace: &WorkspaceArgs, args: &ResolveArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "resolve")?;
    let plan = open::plan(&storage, &args.migration)?;
    let all = conflicts::all(&storage, &plan)?;
    let groups = groups(&all, args)?;
    if args.dry_run {
        let mut told = Vec::new();
        for (choice, ids) in &groups {
            told.push((choice.clone(), forecast(&storage, &plan, ids, choice)?));
        }
        tell(&told, args.json)?;
        return Ok(code::DONE);
    }
    let mut decided = Vec::new();
    for (choice, conflicts) in groups {
        let command = Command::Resolve {
            conflicts,
            choice,
            who: by(&args.who),
        };
        let Answer::Resolved(some) = run::command(&storage, &plan, command, Show::Nothing)? else {
            return Err(EngineError::Stopped.into());
        };
        decided.extend(some);
    }
    let open = open_conflicts(&storage, &plan)?;
    if args.json {
        let rows: Vec<_> = decided
            .iter()
            .map(|(id, r)| json!({ "conflict": id, "resolution": r }))
            .collect();
        output::json(&json!({ "decided": rows, "open": open }))?;
    } else {
        for (id, resolution) in &decided {
            let what = resolution.map_or("still open: the rule cannot tell which is right", Resolution::name);
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

/// What is to be decided, and how.
fn groups(all: &[Conflict], args: &ResolveArgs) -> Result<Vec<(Choice, Vec<String>)>, Failure> {
    let filter = ConflictFilter {
        resource_type: args.resource_type.clone(),
        kind: args.kind.clone(),
        reason: args.reason.clone(),
    };
    let chosen: Vec<&Conflict> = if args.conflicts.is_empty() {
        all.iter().filter(|c| c.open() && filter.matches(c)).collect()
    } else {
        named(all, &args.conflicts)?
    };
    if let Some(path) = &args.rules {
        let text = read_file(path, RULES_LIMIT)?;
        let text = String::from_utf8_lossy(&text);
        let mut groups: Vec<(Choice, Vec<String>)> = Vec::new();
        let mut rules = Vec::new();
        for rule in conflict_rules(path, &text)? {
            groups.push((choice(&rule.decision, args)?, Vec::new()));
            rules.push(rule);
        }
        for conflict in chosen {
            if let Some(at) = rules.iter().position(|rule| rule.filter.matches(conflict))
                && groups[at].0.suits(conflict)
            {
                groups[at].1.push(conflict.id.clone());
            }
        }
        return Ok(groups);
    }
    let choices = match &args.decision {
        Some(decision) => vec![choice(decision, args)?],
        // Only a dry run may leave open which: then all of them are told.
        None => Policy::ALL
            .into_iter()
            .filter(|p| *p != Policy::Ask)
            .map(Choice::By)
            .collect(),
    };
    let mut groups = Vec::new();
    for choice in choices {
        // Nothing is decided unless everything that was named can be.
        if let Some(conflict) = chosen.iter().find(|c| !choice.suits(c) && !args.conflicts.is_empty()) {
            return Err(Failure::usage(
                &format!(
                    "conflict `{}` is between two versions of one record, which cannot both be kept",
                    conflict.id
                ),
                "decide it --as keep-source, --as keep-target or --as merge",
            ));
        }
        // Nor does anybody merge people in bulk who contradict each other.
        let in_bulk = args.conflicts.is_empty();
        let suits = |c: &&&Conflict| {
            if in_bulk {
                choice.suits_unseen(c)
            } else {
                choice.suits(c)
            }
        };
        let chosen = chosen.iter().filter(suits);
        let ids = chosen.map(|c| c.id.clone()).collect();
        groups.push((choice, ids));
    }
    Ok(groups)
}

/// The open conflicts of these ids, each once.
fn named<'a>(all: &'a [Conflict], ids: &[String]) -> Result<Vec<&'a Conflict>, Failure> {
    let mut chosen: Vec<&Conflict> = Vec::new();
    for id in ids {
        let conflict = all.iter().find(|c| c.id == *id);
        let conflict = conflict.ok_or_else(|| EngineError::UnknownConflict(id.clone()))?;
        if !conflict.open() {
            return Err(EngineError::AlreadyDecided(id.clone()).into());
        }
        if !chosen.iter().any(|c| c.id == *id) {
            chosen.push(conflict);
        }
    }
    Ok(chosen)
}

type Told = (Choice, BTreeMap<String, Forecast>);

fn tell(told: &[Told], as_json: bool) -> Result<(), Failure> {
    if as_json {
        let values: Vec<_> = told
            .iter()
            .map(|(choice, by_type)| json!({ "decision": name(choice), "types": by_type }))
            .collect();
        return output::json(&values);
    }
    output::print(&text(told));
    output::say("\nNothing was done.");
    Ok(())
}

fn text(told: &[Told]) -> String {
    let head = [
        "Decision",
        "Type",
        "keep-source",
        "keep-target",
        "keep-both",
        "merge",
        "stay open",
    ];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (choice, by_type) in told {
        for (resource_type, f) in by_type {
            let numbers = [f.keep_source, f.keep_target, f.keep_both, f.merge, f.open];
            let mut row = vec![name(choice).to_owned(), resource_type.clone()];
            row.extend(
                head[2..]
                    .iter()
                    .zip(numbers)
                    .map(|(head, n)| format!("{n:>0$}", head.len())),
            );
            rows.push(row);
        }
    }
    output::table(&rows)
}

fn name(choice: &Choice) -> &'static str {
    match choice {
        Choice::Outright(resolution) => resolution.name(),
        Choice::By(policy) => policy.name(),
        Choice::Merge(_) => "merge",
    }
}

fn choice(decision: &str, args: &ResolveArgs) -> Result<Choice, Failure> {
    let by_hand = !(args.pick.is_empty() && args.edit.is_empty());
    if decision != "merge" && args.rules.is_none() && (args.survivorship.is_some() || by_hand) {
        return Err(Failure::usage(
            "--survivorship, --pick and --edit say how to merge",
            "use them with --as merge",
        ));
    }
    if by_hand && args.conflicts.len() != 1 {
        return Err(Failure::usage(
            "--pick and --edit are about the fields of one conflict",
            "resolve the conflicts one by one",
        ));
    }
    Ok(match decision {
        "merge" => Choice::Merge(merge::proposal(args)?),
        "newer-wins" => Choice::By(Policy::NewerWins),
        "older-wins" => Choice::By(Policy::OlderWins),
        "keep-source" => Choice::Outright(Resolution::KeepSource),
        "keep-target" => Choice::Outright(Resolution::KeepTarget),
        "keep-both" => Choice::Outright(Resolution::KeepBoth),
        other => {
            return Err(Failure::usage(
                &format!("there is no decision `{other}`"),
                "use newer-wins, older-wins, keep-source, keep-target, keep-both or merge",
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forecast_is_a_table_by_decision_and_type() {
        let forecast = |keep_source, open| Forecast {
            keep_source,
            open,
            ..Forecast::default()
        };
        let by_type = [
            ("Condition".to_owned(), forecast(12, 0)),
            ("Patient".to_owned(), forecast(3, 4)),
        ];
        insta::assert_snapshot!(text(&[(Choice::By(Policy::NewerWins), by_type.into())]), @r"
        Decision    Type       keep-source  keep-target  keep-both  merge  stay open
        newer-wins  Condition           12            0          0      0          0
        newer-wins  Patient              3            0          0      0          4
        ");
    }
}
