//! `run`: the whole job without a screen, as text on a terminal and as JSON events elsewhere.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use super::args::{RunArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::open;
use super::progress::Progress;
use crate::engine::{self, Answer, Command, EngineError, Outcome, Recorded, RunOptions, Running};
use crate::migration::{Event, Plan};
use crate::store::Storage;

/// Runs a migration and gives the exit code.
pub fn run(workspace: &WorkspaceArgs, args: &RunArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "run")?;
    let mut plan = open::plan(&storage, &args.migration)?;
    if let Some(policy) = args.on_conflict {
        plan.on_conflict = policy;
    }
    if let Some(max) = args.max_rejects {
        plan.max_rejects = max;
    }
    let events = args.json || !std::io::stdout().is_terminal();
    let outcome = drive(&storage, &plan, RunOptions { new: args.new }, events)?;
    let (code, text) = told(&plan.id, &outcome);
    if !events {
        println!("{text}");
    }
    Ok(code)
}

/// Runs a migration to its outcome, showing events as they come.
pub fn drive(storage: &Arc<Storage>, plan: &Plan, options: RunOptions, json: bool) -> Result<Outcome, Failure> {
    match command(storage, plan, Command::Run(options), json)? {
        Answer::Run(outcome) => Ok(outcome),
        Answer::Verified(_) | Answer::Resolved(_) => Err(EngineError::Stopped.into()),
    }
}

/// Gives the engine a command and shows its events until it is answered.
pub fn command(storage: &Arc<Storage>, plan: &Plan, command: Command, json: bool) -> Result<Answer, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|e| Failure::failed(&format!("cannot start: {e}"), None))?;
    runtime.block_on(async {
        let mut running = engine::start(storage, plan.clone(), command);
        let mut progress = Progress::new(!json && std::io::stderr().is_terminal());
        let mut stop = std::pin::pin!(stopped());
        let mut tick = tokio::time::interval(Duration::from_millis(200));
        let Running {
            events,
            snapshot,
            cancel,
            answer,
        } = &mut running;
        loop {
            tokio::select! {
                biased;
                event = events.recv() => match event {
                    Some(event) => show(&event, json, &progress),
                    None => break,
                },
                () = &mut stop, if !cancel.is_cancelled() => {
                    cancel.cancel();
                    end_within(LONGEST_FAREWELL);
                }
                _ = tick.tick() => progress.show(&snapshot.borrow_and_update()),
            }
        }
        progress.end();
        let answer = answer.await.map_err(|_| Failure::from(EngineError::Stopped))?;
        answer.map_err(Failure::from)
    })
}

/// How long a job may take to make durable what it has, once it was asked to stop.
const LONGEST_FAREWELL: Duration = Duration::from_secs(5);

/// Ends the process after this time if it has not ended by itself. What is not durable by then is received again by the next run.
fn end_within(time: Duration) {
    std::thread::spawn(move || {
        std::thread::sleep(time);
        eprintln!("error: interrupted; the last moments are not saved and will be done again");
        std::process::exit(i32::from(code::FAILED));
    });
}

/// Resolves when the process is asked to stop: Ctrl-C, SIGTERM, or the terminal is gone.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut term), Ok(mut hup)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup())) else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
        _ = hup.recv() => {}
    }
}

fn show(event: &Recorded, json: bool, progress: &Progress) {
    if json {
        let line = serde_json::to_string(event).unwrap_or_default();
        // Nobody reads any more: the journal has everything.
        let _ = writeln!(std::io::stdout(), "{line}");
    } else if let Some(text) = line(&event.event) {
        progress.line(&text);
    }
}

/// An event in a line for a person; some are not worth one.
pub fn line(event: &Event) -> Option<String> {
    Some(match event {
        Event::RunStarted { run } => format!("Run {run} begins."),
        Event::TokenGranted { missing, .. } if missing.is_empty() => "The source accepted our credentials.".to_owned(),
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
        Event::JobDeleted {} => "The export was deleted at the source.".to_owned(),
        Event::JobKept { reason } => format!("The export was left at the source: {reason}"),
        Event::ConflictResolved { conflict, rule, .. } => format!("Conflict {conflict} decided: {rule}"),
        Event::MigrationAdded { .. }
        | Event::KeyCreated { .. }
        | Event::DownloadRequest { .. }
        | Event::IngestCompleted { .. }
        | Event::RunCompleted { .. }
        | Event::RunFailed { .. } => return None,
    })
}

/// An outcome as exit code and text.
pub fn told(migration: &str, outcome: &Outcome) -> (u8, String) {
    match outcome {
        Outcome::Done => (
            code::DONE,
            "Done: every row is accounted for and nothing is left to decide.".to_owned(),
        ),
        Outcome::NeedsDecision { conflicts, held } => (
            code::WAITING,
            format!(
                "{conflicts} conflicts need you; {held} rows wait for them.\n\nhint: `cutover conflicts {migration}` shows them"
            ),
        ),
        Outcome::Rejected { rejects, allowed } => (
            code::REJECTS,
            format!(
                "{rejects} rows were rejected; {allowed} are allowed.\n\nhint: look at `cutover quarantine list {migration}`; `cutover run {migration} --max-rejects N` goes on"
            ),
        ),
        Outcome::Mismatch { findings } => (
            code::REJECTS,
            format!(
                "{findings} findings: the store does not agree with what was received.\n\nhint: `cutover report {migration}` lists them"
            ),
        ),
        Outcome::FilesFailed { files } => {
            let mut text = "Not everything could be had:".to_owned();
            for (name, reason) in files {
                text.push_str(&format!("\n  {name}: {reason}"));
            }
            text.push_str(&format!(
                "\n\nhint: `cutover run {migration}` tries these files again; `--new` begins a new export"
            ));
            (code::FAILED, text)
        }
    }
}

fn indent(text: &str) -> String {
    text.lines()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}
