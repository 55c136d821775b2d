//! Parses arguments, chooses a front end, and maps the outcome to an exit code.

use std::process::ExitCode;

use clap::Parser;
use cutover::cli::{Cli, Failure, Next, Opened, complain, destroy, execute};
use cutover::tui::{self, Ended, TuiError};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Pipelines of large buffers leave the system's allocator in pieces: this one keeps to two thirds of the memory.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(panicked));
    log();
    match run(&Cli::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            complain(&failure.text());
            ExitCode::from(failure.code)
        }
    }
}

fn run(cli: &Cli) -> Result<u8, Failure> {
    let failed = |error: TuiError| Failure::failed(&error.to_string(), error.hint());
    if cli.opens_wizard() {
        tui::ready().map_err(failed)?;
    }
    match execute(cli)? {
        Next::Exit(code) => Ok(code),
        Next::Wizard(Opened { storage, rehearsal }) => {
            let ended = tui::open(&storage, rehearsal.is_some()).map_err(failed)?;
            let code = match ended {
                Ended::Wiping(note) => destroy(storage, note, cli.workspace.key_file.as_deref())?,
                Ended::Quit | Ended::Lost => {
                    drop(storage);
                    0
                }
            };
            drop(rehearsal);
            Ok(code)
        }
    }
}

/// Says where the program failed, and not what it said: a panic's message can hold a patient's data.
fn panicked(panic: &std::panic::PanicHookInfo<'_>) {
    let place = panic
        .location()
        .map_or_else(String::new, |at| format!(" at {}:{}", at.file(), at.line()));
    complain(&format!(
        "error: the program failed{place}, which is a fault of its own\n\n\
         hint: everything received so far is safe; run the same command again, and report the line above"
    ));
}

/// Logs requests and events on standard error when `CUTOVER_LOG` names a level (error, warn, info, debug, trace). Only what this
/// program says itself, for it knows what may be shown; its libraries do not.
fn log() {
    let level = std::env::var("CUTOVER_LOG")
        .ok()
        .and_then(|level| level.parse::<LevelFilter>().ok());
    if let Some(level) = level {
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(false);
        tracing_subscriber::registry()
            .with(lines)
            .with(Targets::new().with_target("cutover", level))
            .init();
    }
}
