//! `run`: the whole job without a screen, as text on a terminal and as JSON events elsewhere.

use std::io::IsTerminal;
use std::sync::Arc;

use super::args::{RunArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::open;
use super::progress::{Progress, Told};
use super::{output, wait};
use crate::engine::destination::destination;
use crate::engine::{self, Answer, Command, EngineError, Outcome, Recorded, RunOptions, Running};
use crate::migration::Plan;
use crate::store::Storage;

/// How events are shown while a command works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Show {
    /// As lines for a person, with progress where there is a terminal.
    Text,
    /// As one JSON object a line.
    Json,
    /// Not at all: the command's answer says everything.
    Nothing,
}

/// JSON if it was asked for or nobody is there to read text.
pub fn show_for(json: bool) -> Show {
    if json || !std::io::stdout().is_terminal() {
        Show::Json
    } else {
        Show::Text
    }
}

/// Runs a migration and gives the exit code.
pub fn run(workspace: &WorkspaceArgs, args: &RunArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "run")?;
    let mut plan = open::plan(&storage, &args.migration)?;
    plan.decide_by(&args.on_conflict);
    if let Some(max) = args.max_rejects {
        plan.max_rejects = max;
    }
    let show = show_for(args.json);
    let options = RunOptions {
        new: args.new,
        since_last: args.since_last,
        deliver: args.deliver,
    };
    if options.deliver && destination(&storage, &plan.id)?.is_none() {
        return Err(Failure::usage(
            &format!("`{}` has no server to deliver to", plan.id),
            &format!("`cutover destination set {} --base-url https://...`", plan.id),
        ));
    }
    let outcome = drive(&storage, &plan, options, show)?;
    let (code, text) = told(&plan.id, &outcome);
    if show == Show::Text {
        output::say(&text);
    } else if code != code::DONE {
        // Whoever reads only events still finds the reason of the exit code.
        output::complain(&text);
    }
    Ok(code)
}

/// Runs a migration to its outcome, showing events as they come.
pub fn drive(storage: &Arc<Storage>, plan: &Plan, options: RunOptions, show: Show) -> Result<Outcome, Failure> {
    match command(storage, plan, Command::Run(options), show)? {
        Answer::Run(outcome) => Ok(outcome),
        _ => Err(EngineError::Stopped.into()),
    }
}

/// Gives the engine a command and shows its events until it is answered.
pub fn command(storage: &Arc<Storage>, plan: &Plan, command: Command, how: Show) -> Result<Answer, Failure> {
    wait::runtime()?.block_on(async {
        let mut running = engine::start(storage, plan.clone(), command);
        let mut progress = Progress::new(how == Show::Text && std::io::stderr().is_terminal());
        let mut told = Told::default();
        let mut stop = std::pin::pin!(wait::stopped());
        let mut tick = tokio::time::interval(std::time::Duration::from_millis(200));
        let Running {
            events,
            snapshot,
            cancel,
            answer,
            ..
        } = &mut running;
        loop {
            tokio::select! {
                biased;
                event = events.recv() => match event {
                    Some(event) => show(&event, how, &progress),
                    None => break,
                },
                () = &mut stop, if !cancel.is_cancelled() => cancel.cancel(),
                _ = tick.tick() => {
                    let now = snapshot.borrow_and_update();
                    progress.show(&now);
                    if how == Show::Json {
                        told.show(&plan.id, &now);
                    }
                }
            }
        }
        progress.end();
        let answer = answer.await.map_err(|_| Failure::from(EngineError::Stopped))?;
        answer.map_err(Failure::from)
    })
}

fn show(event: &Recorded, how: Show, progress: &Progress) {
    match how {
        Show::Json => output::say(&serde_json::to_string(event).unwrap_or_default()),
        Show::Text => {
            if let Some(text) = event.event.line() {
                progress.line(&text);
            }
        }
        Show::Nothing => {}
    }
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
        Outcome::Undelivered { reason } => (
            code::REJECTS,
            format!(
                "The embedded store is done; the server is not: {reason}.\n\nhint: `cutover destination problems {migration}` lists what it has not as it should; `cutover destination deliver {migration}` goes on"
            ),
        ),
        Outcome::FilesFailed { files } => {
            let lines: Vec<String> = files
                .iter()
                .map(|(name, reason)| format!("\n  {name}: {reason}"))
                .collect();
            let text = format!(
                "Not everything could be had:{}\n\nhint: `cutover run {migration}` tries these files again; `--new` begins a new export",
                lines.concat()
            );
            (code::FAILED, text)
        }
    }
}
