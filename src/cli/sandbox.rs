//! `sandbox`: a simulated EHR on loopback.

use std::sync::Arc;

use super::args::SandboxArgs;
use super::failure::{Failure, code};
use super::output;
use crate::sandbox::practice::Practice;
use crate::sandbox::{Dataset, ECW, Fault, Flavour, Folder, KAREO, SMART, Sandbox, SandboxConfig};

/// Serves until it is told to stop.
pub fn sandbox(args: &SandboxArgs) -> Result<u8, Failure> {
    if args.fault.iter().any(|f| f == "help") {
        output::print(&Fault::help());
        return Ok(code::DONE);
    }
    Sandbox::run(config(args)?)?;
    Ok(code::DONE)
}

fn config(args: &SandboxArgs) -> Result<SandboxConfig, Failure> {
    let (dataset, patients): (Arc<dyn Dataset>, Option<u64>) = match &args.data {
        Some(folder) => (Arc::new(Folder::open(folder)?), None),
        None => (Arc::new(Practice::new(args.patients, args.seed)), Some(args.patients)),
    };
    let mut config = SandboxConfig::new(dataset)
        .flavour(flavour(&args.flavour)?)
        .polls(args.polls, args.retry_after)
        .lines_per_file(args.lines_per_file);
    for fault in &args.fault {
        config = config.fault(fault.parse::<Fault>()?);
    }
    config.port = args.port;
    config.seed = args.seed;
    config.token_lifetime = args.token_lifetime;
    config.gzip = !args.no_gzip;
    config.deletions = args.deletions;
    config.open = args.open;
    config.patients = patients;
    Ok(config)
}

fn flavour(name: &str) -> Result<&'static Flavour, Failure> {
    let all = [&SMART, &ECW, &KAREO];
    all.into_iter().find(|flavour| flavour.name == name).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(|flavour| flavour.name).collect();
        Failure::usage(
            &format!("there is no flavour `{name}`"),
            &format!("use one of {}", names.join(", ")),
        )
    })
}
