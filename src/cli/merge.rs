//! Merging from the command line: both sides of a conflict beside each other, and the picks that were typed.

use std::fmt::Write;

use serde_json::json;
use serde_json::value::RawValue;

use super::args::{ConflictsCommand, ResolveArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::{open, output};
use crate::engine::{Comparison, Proposal, compare};
use crate::fhir::{self, FieldDifference, Pick, Picks};

/// Prints both sides of an open conflict, field by field, with what a merge would pick.
pub fn show(workspace: &WorkspaceArgs, command: &ConflictsCommand) -> Result<u8, Failure> {
    let ConflictsCommand::Show {
        migration,
        conflict,
        survivorship,
        json,
    } = command;
    let storage = open::open(workspace, "conflicts show")?;
    let plan = open::plan(&storage, migration)?;
    let proposal = Proposal {
        survivorship: *survivorship,
        picks: Picks::new(),
    };
    let compared = compare(&storage, &plan, conflict, &proposal)?;
    if *json {
        let fields: Vec<_> = compared
            .differences
            .iter()
            .map(|found| field(found, &compared))
            .collect();
        output::json(&json!({ "conflict": conflict, "survivorship": survivorship, "fields": fields }))?;
        return Ok(code::DONE);
    }
    for found in &compared.differences {
        output::say(&text(found, &compared));
    }
    let count = compared.differences.len();
    output::say(&format!(
        "{count} fields differ: left is the source, right the destination.\n\n\
         Next: cutover resolve {} {conflict} --as merge --survivorship {survivorship} [--pick 'PATH=left|right|both']",
        plan.id
    ));
    Ok(code::DONE)
}

/// What is picked, in a word; a modifier extension waits for a person, the narrative for the other fields.
fn picked(found: &FieldDifference, compared: &Comparison) -> &'static str {
    match compared.picks.get(&found.path) {
        Some(pick) => pick.name(),
        None if found.path == "text" => "with the other fields",
        None => "to be picked",
    }
}

fn text(found: &FieldDifference, compared: &Comparison) -> String {
    let mut out = format!("{}  ({})", fhir::safe(&found.path), picked(found, compared));
    for (name, side) in [("left ", &found.left), ("right", &found.right)] {
        let side = side.as_deref().map_or("-".into(), fhir::safe);
        // Writing to a String does not fail.
        let _ = write!(out, "\n{}", output::wrapped(&format!("  {name}  "), &side));
    }
    out.push('\n');
    out
}

fn field(found: &FieldDifference, compared: &Comparison) -> serde_json::Value {
    let side = |side: &Option<String>| {
        let raw = RawValue::from_string(side.clone()?).ok()?;
        serde_json::to_value(raw).ok()
    };
    json!({
        "path": found.path,
        "difference": format!("{:?}", found.difference),
        "left": side(&found.left),
        "right": side(&found.right),
        "pick": compared.picks.get(&found.path).map(Pick::name),
    })
}

/// The merge that a command line asks for.
pub fn proposal(args: &ResolveArgs) -> Result<Proposal, Failure> {
    let mut picks = Picks::new();
    let mut put = |path: &str, pick| {
        if picks.insert(path.to_owned(), pick).is_some() {
            return Err(Failure::usage(&format!("`{path}` is picked twice"), "pick it once"));
        }
        Ok(())
    };
    for text in &args.pick {
        let (path, side) = split(text)?;
        let pick = Pick::named(side).ok_or_else(|| {
            Failure::usage(
                &format!("`{path}` cannot be picked like that"),
                "use left, right or both",
            )
        })?;
        put(path, pick)?;
    }
    for text in &args.edit {
        let (path, value) = split(text)?;
        put(path, Pick::Edited(value.to_owned()))?;
    }
    Ok(Proposal {
        survivorship: args.survivorship.unwrap_or_default(),
        picks,
    })
}

/// A path and what is behind its equals sign; one in brackets is part of the path.
fn split(text: &str) -> Result<(&str, &str), Failure> {
    let mut inside = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => inside = true,
            b']' => inside = false,
            b'=' if !inside => return Ok((&text[..at], &text[at + 1..])),
            _ => {}
        }
    }
    // What was typed may be about a patient, so it is not repeated.
    Err(Failure::usage(
        "a pick has no `=` behind its path",
        "give it as 'PATH=left', with a path that `cutover conflicts show` prints",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_equals_sign_in_brackets_belongs_to_the_path() {
        assert_eq!(split("name[use=official]=left"), Ok(("name[use=official]", "left")));
        assert_eq!(
            split("deceased[x]={\"a\":\"b=c\"}"),
            Ok(("deceased[x]", "{\"a\":\"b=c\"}"))
        );
        assert!(split("name[use=official]").is_err());
    }
}
