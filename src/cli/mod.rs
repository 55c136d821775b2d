//! The front end without a screen: every command, its output, its exit code.
//!
//! - `args`, `args_crosswalk`, `args_destination`, `args_gate`, `args_plan`, `args_sandbox`, `args_transform`, `args_undo`: commands and options; one file for each command or family of them.
//! - `wizard`: what the full-screen front end is given. `open`: the workspace; `plan`: a plan from options; `wait`: work on the network; `output`, `progress`, `failure`: what a person sees.

mod args;
mod args_crosswalk;
mod args_destination;
mod args_gate;
mod args_plan;
mod args_sandbox;
mod args_transform;
mod args_undo;
mod cancel;
mod conflicts;
mod crosswalk;
mod demo;
mod destination;
mod doctor;
mod export;
mod failure;
mod findings;
mod gate;
mod keys;
mod merge;
mod migration;
mod open;
mod output;
mod plan;
mod preflight;
mod progress;
mod quarantine;
mod rebuild;
mod report;
mod resolve;
mod run;
mod sample;
mod sandbox;
mod status;
mod store;
mod transform;
mod undo;
mod verify;
mod wait;
mod wipe;
mod wizard;

pub use args::Cli;
pub use failure::{Failure, code};
pub use output::complain;

pub use wipe::destroy;
pub use wizard::{Next, Opened};

use args::Command;

/// Carries a command out and says what comes next: the exit code, or the wizard.
pub fn execute(cli: &Cli) -> Result<Next, Failure> {
    let workspace = &cli.workspace;
    let Some(command) = &cli.command else {
        return wizard::open(workspace);
    };
    let code = match command {
        Command::Demo(args) if cli.opens_wizard() => return demo::rehearse(args),
        Command::Demo(args) => demo::demo(args),
        Command::Run(args) => run::run(workspace, args),
        Command::Cancel(args) => cancel::cancel(workspace, args),
        Command::Status(args) => status::status(workspace, args),
        Command::Migration(command) => migration::migration(workspace, command),
        Command::Keys(command) => keys::keys(workspace, command),
        Command::Preflight(args) => preflight::preflight(workspace, args),
        Command::Conflicts(args) => conflicts::conflicts(workspace, args),
        Command::Resolve(args) => resolve::resolve(workspace, args),
        Command::Undo(args) => undo::undo(workspace, args),
        Command::Rollback(args) => undo::rollback(workspace, args),
        Command::Transform(command) => transform::transform(workspace, command),
        Command::Crosswalk(command) => crosswalk::crosswalk(workspace, command),
        Command::Quarantine(command) => quarantine::quarantine(workspace, command),
        Command::Store(command) => store::store(workspace, command),
        Command::Destination(command) => destination::command(workspace, command),
        Command::Verify(args) => verify::verify(workspace, args),
        Command::Findings(command) => findings::findings(workspace, command),
        Command::Sample(command) => sample::sample(workspace, command),
        Command::Gate(args) => gate::gate(workspace, args),
        Command::SignOff(args) => gate::sign_off(workspace, args),
        Command::Flip(args) => gate::flip(workspace, args),
        Command::Report(args) => report::report(workspace, args),
        Command::Wipe(args) => wipe::wipe(workspace, args),
        Command::Export(args) => export::export(args),
        Command::Sandbox(args) => sandbox::sandbox(args),
        Command::Doctor(args) => doctor::doctor(workspace, args),
    };
    code.map(Next::Exit)
}
