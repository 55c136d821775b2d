//! The front end without a screen: every command, its output, its exit code.

mod args;
mod demo;
mod failure;
mod open;
mod progress;
mod report;
mod run;
mod sandbox;

pub use args::Cli;
pub use failure::{Failure, code};

use args::Command;

/// Carries a command out and gives the exit code.
pub fn execute(cli: &Cli) -> Result<u8, Failure> {
    let workspace = &cli.workspace;
    match &cli.command {
        Command::Demo(args) => demo::demo(args),
        Command::Run(args) => run::run(workspace, args),
        Command::Report(args) => report::report(workspace, args),
        Command::Sandbox(args) => sandbox::sandbox(args),
        _ => Err(Failure::usage("not there yet", "wait")),
    }
}
