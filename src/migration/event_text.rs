//! Events in words for people.

use super::event::Event;

impl Event {
    /// The event in a line for a person, or several; some are not worth one.
    #[allow(clippy::too_many_lines)] // An arm for each event.
    pub fn line(&self) -> Option<String> {
        Some(match self {
            Event::RunStarted { run, since: None } => format!("Run {run} begins."),
            Event::RunStarted {
                run,
                since: Some(since),
            } => {
                format!("Run {run} begins: what has changed since {since}.")
            }
            Event::TokenGranted { missing, .. } if missing.is_empty() => {
                "The source accepted our credentials.".to_owned()
            }
            Event::TokenGranted { missing, .. } => {
                format!(
                    "The source accepted our credentials, but did not grant: {}",
                    missing.join(" ")
                )
            }
            Event::KickoffSent { request } => format!("Asking for the export:\n{}", indent(request)),
            Event::Kickoff { .. } => "The export was accepted; its address is saved.".to_owned(),
            Event::StatusProgress { progress } => format!("The source says: {progress}"),
            Event::StatusComplete { files, notes, .. } => {
                let mut text = format!("The export is ready: {files} files.");
                for note in notes {
                    text.push_str("\n  note: ");
                    text.push_str(note);
                }
                text
            }
            Event::ManifestRefreshed {} => "Links had expired; the list of files was fetched again.".to_owned(),
            Event::DownloadComplete {
                name, rows, promised, ..
            } => match promised {
                Some(promised) => format!("{name}: {rows} rows; the manifest promised {promised}"),
                None => format!("{name}: {rows} rows"),
            },
            Event::DownloadError { name, reason, .. } => format!("{name} could not be had: {reason}"),
            Event::ExportComplete {
                files,
                failed,
                bytes,
                rows,
            } => {
                format!(
                    "{files} files, {} MB, {rows} rows received; {failed} files failed.",
                    bytes / 1_000_000
                )
            }
            Event::RunPaused { rejects, allowed } => {
                format!("Paused: {rejects} rows were rejected, {allowed} are allowed.")
            }
            Event::Verified { compared, findings } => {
                format!("{compared} records read back and compared; {findings} findings.")
            }
            Event::RecordRepaired {
                resource_type,
                run,
                file,
                line,
                ..
            } => format!("The {resource_type} of row {run}/{file}/{line} was taken in once more."),
            Event::RowAmended { row, .. } => format!("Quarantined row {row} was set right and taken in."),
            Event::RowWaived { row, .. } => format!("Quarantined row {row} is waived."),
            Event::ChartJudged { chart, verdict, .. } => format!("Sample chart {chart} is {}.", verdict.name()),
            Event::SignedOff { capacity, name, .. } => format!("{name} gave the {} sign-off.", capacity.name()),
            Event::Flipped { overridden: None, .. } => "The practice has gone over.".to_owned(),
            Event::Flipped {
                overridden: Some(why), ..
            } => {
                format!("The practice has gone over though the gate was shut: {why}")
            }
            Event::FlipTakenBack { why, .. } => format!("The flip is taken back: {why}"),
            Event::DestinationRead { .. } => "The destination's own records were read.".to_owned(),
            Event::DeliveryBegun {
                base_url,
                software,
                plan,
            } => {
                let plan = plan
                    .as_ref()
                    .map_or_else(String::new, |plan| format!(", in {}", plan.describe()));
                format!("Delivering to {base_url} ({software}){plan}.")
            }
            Event::HandedOff { files, records } => {
                format!("{records} records were written to {files} files, in the clear, for the server to import.")
            }
            Event::ImportBegun { records } => format!("The server began to import {records} records."),
            Event::ImportForgotten {} => "The server's import is watched no longer, as a person decided.".to_owned(),
            Event::ImportEnded { imported, errors } => {
                let imported = imported.map_or_else(String::new, |imported| {
                    format!(" It says that it has {imported} records.")
                });
                let errors = match errors {
                    0 => String::new(),
                    number => format!(" It names {number} errors."),
                };
                format!("The server's import is over.{imported}{errors}")
            }
            Event::DeliveryEnded { counts, .. } => {
                let inside = match counts.inside {
                    0 => String::new(),
                    documents => format!(", {documents} inside a record that shows them"),
                };
                format!(
                    "Delivered: {} created, {} updated, {} found as they should be, {} removed, {} unchanged{inside}; {} refused, {} in conflict, {} left as the server has them.",
                    counts.created,
                    counts.updated,
                    counts.found,
                    counts.removed,
                    counts.unchanged,
                    counts.refused,
                    counts.conflicts,
                    counts.kept
                )
            }
            Event::DeliveryFailed { reason } => format!("The delivery stopped: {reason}"),
            Event::DestinationAgreed {
                resource_type,
                record,
                keep,
                ..
            } => format!("{resource_type} {record}: the {}'s stays.", keep.name()),
            Event::DeliveryProven { compared, wrong } => {
                format!("{compared} records read back from the server and compared; {wrong} are not as they should be.")
            }
            Event::WipeBegun { .. } => {
                "A copy of what is stored is whole; everything here is about to be destroyed.".to_owned()
            }
            Event::JobDeleted {} => "The export was deleted at the source.".to_owned(),
            Event::ExportCancelled {} => "The export was cancelled at the source.".to_owned(),
            Event::CrosswalkChanged { set, unset, .. } => {
                format!("Crosswalk: {set} mapped by hand, {unset} taken away.")
            }
            Event::JobKept { reason } => format!("The export was left at the source: {reason}"),
            Event::DecisionUndone { conflict, .. } => format!("The decision on conflict {conflict} is taken back."),
            Event::RollbackBegun { run, .. } => format!("Run {run} and every later one are being taken back."),
            Event::RolledBack { .. } => "The store is as it was before.".to_owned(),
            Event::ConflictResolved { conflict, rule, .. } => format!("Conflict {conflict} decided: {rule}"),
            Event::MigrationAdded { .. }
            | Event::MigrationChanged { .. }
            | Event::MigrationRemoved {}
            | Event::KeyCreated { .. }
            | Event::DownloadRequest { .. }
            | Event::IngestCompleted { .. }
            | Event::RunCompleted { .. }
            | Event::RunFailed { .. } => return None,
        })
    }
}

fn indent(text: &str) -> String {
    text.lines()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
