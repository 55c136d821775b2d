//! `export`: an EHR's records into a folder of plain NDJSON, in one go, without a workspace.

use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use super::args::ExportArgs;
use super::failure::{Failure, code};
use super::progress::Progress;
use super::run::{Show, show_for};
use super::{output, plan, wait};
use crate::engine::{self, Credentials, Exported, OneShot, Snapshot, export_once};
use crate::fhir;
use crate::http::SystemClock;
use crate::migration::AuthMethod;
use crate::source::{KeyError, LogEvent, LogItem, PrivateKey};
use crate::store::read_file;

/// Exports; exit code 1 if a file could not be had.
pub fn export(args: &ExportArgs) -> Result<u8, Failure> {
    let (plan, _) = plan::make(&args.plan, None)?;
    let secrets = plan::secrets(&args.plan, None)?.unwrap_or_default();
    let key = match &args.private_key {
        Some(path) => {
            let bytes = Zeroizing::new(read_file(path, 64 * 1024)?);
            let text = std::str::from_utf8(&bytes).map_err(|_| KeyError::Unrecognized)?;
            Some(PrivateKey::import(text)?)
        }
        None => None,
    };
    ready(&plan, key.is_some(), secrets.client_secret.is_some())?;
    let show = show_for(args.plan.json);
    output::complain(&format!(
        "note: the files in {} will NOT be sealed: anyone who can read them reads\npatients' data.",
        args.into.display()
    ));
    let wanted = OneShot {
        scopes: engine::scopes(None, &plan)?,
        plan,
        credentials: Credentials { key, secrets },
        into: args.into.clone(),
        keep_job: args.keep_job,
        clock: Arc::new(SystemClock::default()),
    };
    let exported = drive(wanted, show)?;
    match show {
        Show::Text => output::say(&text(args, &exported)),
        Show::Json | Show::Nothing => output::complain(&text(args, &exported)),
    }
    for (name, reason) in &exported.failed {
        output::complain(&output::wrapped(
            "",
            &format!("{name} could not be had: {}", fhir::safe(reason)),
        ));
    }
    if exported.failed.is_empty() {
        return Ok(code::DONE);
    }
    output::complain("\nhint: run the same command again: it fetches only what is missing");
    Ok(code::FAILED)
}

fn ready(plan: &crate::migration::Plan, key: bool, secret: bool) -> Result<(), Failure> {
    let missing = match plan.auth {
        AuthMethod::None => return Ok(()),
        _ if plan.client_id.is_none() => "--client-id ID",
        AuthMethod::PrivateKeyJwt if !key => "--private-key FILE",
        AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost if !secret => "--client-secret-file FILE",
        _ => return Ok(()),
    };
    Err(Failure::usage(
        "this source wants to know who asks, and the command does not say",
        &format!("give {missing}; for an open source, give --auth none"),
    ))
}

fn drive(wanted: OneShot, show: Show) -> Result<Exported, Failure> {
    wait::runtime()?.block_on(async {
        let (items, mut logged) = mpsc::unbounded_channel();
        let (snapshot, mut seen) = watch::channel(Snapshot::default());
        let cancel = CancellationToken::new();
        let mut progress = Progress::new(show == Show::Text && std::io::stderr().is_terminal());
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(200));
        let mut stop = std::pin::pin!(wait::stopped());
        let mut work = std::pin::pin!(export_once(wanted, items, snapshot, cancel.clone()));
        let done = loop {
            tokio::select! {
                biased;
                Some(item) = logged.recv() => tell(&item, show, &progress),
                done = &mut work => break done,
                () = &mut stop, if !cancel.is_cancelled() => cancel.cancel(),
                _ = tick.tick() => progress.show(&seen.borrow_and_update()),
            }
        };
        while let Ok(item) = logged.try_recv() {
            tell(&item, show, &progress);
        }
        progress.end();
        Ok(done?)
    })
}

fn tell(item: &LogItem, show: Show, progress: &Progress) {
    if show == Show::Json {
        output::say(&serde_json::to_string(item).unwrap_or_default());
    } else if let Some(text) = line(&item.event) {
        progress.line(&text);
    }
}

/// An item in a line for a person; some are not worth one.
fn line(event: &LogEvent) -> Option<String> {
    Some(match event {
        LogEvent::Kickoff { error_body: None, .. } => "The export was accepted; its address is saved.".to_owned(),
        LogEvent::StatusProgress {
            progress: Some(text), ..
        } => format!("The source says: {}", fhir::safe(text)),
        LogEvent::ManifestComplete {
            total_output_file_count: output,
            total_deleted_file_count: deleted,
            total_error_file_count: error,
            ..
        } => format!("The export is ready: {output} files, {deleted} of deletions, {error} of errors."),
        LogEvent::DownloadComplete {
            file_url,
            resource_count,
            file_size,
        } => {
            // The signature of a signed URL is hidden already, and of no use to a person.
            let path = file_url.split('?').next().unwrap_or(file_url);
            let name = path.rsplit('/').next().unwrap_or(path);
            format!(
                "{}: {} lines, {file_size} bytes",
                fhir::safe(name),
                resource_count.unwrap_or(0)
            )
        }
        _ => return None,
    })
}

fn text(args: &ExportArgs, exported: &Exported) -> String {
    let folder = args.into.display();
    let mut text = if exported.was_complete {
        format!("Everything was exported before; it is in {folder}.")
    } else {
        format!(
            "{} files, {} bytes, {} lines are in {folder}; SHA256SUMS has their hashes.",
            exported.files, exported.bytes, exported.lines
        )
    };
    if let Some(reason) = &exported.job_kept {
        // Writing to a String does not fail.
        let _ = write!(text, "\nThe export was left at the source: {}", fhir::safe(reason));
    }
    text.push_str("\nThe files are NOT sealed. Keep them on an encrypted disk, and delete them when you are\ndone.");
    text
}
