//! `transform`: what the transforms of a migration do, shown on records.

use std::fmt::Write;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::args::{PreviewArgs, TransformCommand, WorkspaceArgs};
use super::failure::{Failure, code};
use super::{open, output};
use crate::engine::{self, Batch, EngineError, Preview, Sample};
use crate::fhir;
use crate::migration::{TransformRule, read_transforms};

/// Carries out a `transform` command.
pub fn transform(workspace: &WorkspaceArgs, command: &TransformCommand) -> Result<u8, Failure> {
    match command {
        TransformCommand::Preview(args) => preview(workspace, args),
    }
}

/// The transforms in a file; none for an empty path.
pub fn rules(path: &Path) -> Result<Vec<TransformRule>, Failure> {
    if path.as_os_str().is_empty() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    read_transforms(&text).map_err(|error| Failure {
        code: code::USAGE,
        ..Failure::failed(&error.to_string(), error.hint())
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::usage(
        &format!("{} cannot be read: {error}", path.display()),
        "give the path of a file",
    )
}

fn preview(workspace: &WorkspaceArgs, args: &PreviewArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "transform preview")?;
    let plan = open::plan(&storage, &args.migration)?;
    let rules = match &args.transforms {
        Some(path) => rules(path)?,
        None => plan.transforms.clone(),
    };
    if rules.is_empty() {
        return Err(Failure::usage(
            &format!("`{}` has no transforms", plan.id),
            "try some with --transforms FILE, and give them to the migration with `cutover migration set`",
        ));
    }
    let transforms = engine::trial(&rules).map_err(|error| Failure::usage(&error.to_string(), ""))?;
    let seen = if args.from.is_empty() {
        engine::preview_landing(&storage, &plan, &transforms, args.sample)?
    } else {
        let (mut seen, mut batch) = (Preview::new(&transforms, args.sample), Batch::default());
        for path in &args.from {
            let file = File::open(path).map_err(|error| unreadable(path, &error))?;
            for line in BufReader::new(file).split(b'\n') {
                let line = line.map_err(|error| unreadable(path, &error))?;
                let added = batch.add(&transforms, line.trim_ascii(), &mut seen);
                added.map_err(EngineError::from)?;
            }
        }
        batch.end(&transforms, &mut seen).map_err(EngineError::from)?;
        seen
    };
    show(&seen);
    Ok(code::DONE)
}

fn show(seen: &Preview) {
    for sample in &seen.samples {
        output::print(&text(sample));
    }
    for (name, changed) in &seen.changed {
        output::say(&format!("{changed:>10} records changed by `{}`", fhir::safe(name)));
    }
    for (reason, refused) in &seen.refused {
        output::say(&format!(
            "{refused:>10} records would be set aside: {}",
            fhir::safe(reason)
        ));
    }
    output::say(&format!("{:>10} records looked at; nothing was written", seen.read));
}

/// The fields in which a record differs from what becomes of it.
fn text(sample: &Sample) -> String {
    let by: Vec<String> = sample.by.iter().map(|name| format!("`{}`", fhir::safe(name))).collect();
    let mut text = format!("{}  by {}\n", fhir::safe(&sample.record), by.join(", "));
    // Writing to a String does not fail.
    let differences = fhir::diff(&sample.before, &sample.after, None).unwrap_or_default();
    for found in differences {
        let _ = writeln!(text, "  {}", fhir::safe(&found.path));
        for (sign, side) in [('-', &found.left), ('+', &found.right)] {
            if let Some(side) = side {
                let _ = writeln!(text, "    {sign} {}", fhir::safe(side));
            }
        }
    }
    text.push('\n');
    text
}
