//! Parses arguments, chooses a front end, and maps the outcome to an exit code.

use std::process::ExitCode;

use clap::Parser;
use cutover::cli::{Cli, complain, execute};

fn main() -> ExitCode {
    match execute(&Cli::parse()) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            complain(&failure.text());
            ExitCode::from(failure.code)
        }
    }
}
