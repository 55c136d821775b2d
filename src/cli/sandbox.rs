//! `sandbox`: a simulated EHR on loopback, or a simulated destination.

use std::sync::Arc;
use std::time::Duration;

use super::args::SandboxArgs;
use super::failure::{Failure, code};
use super::output;
use crate::sandbox::destination::{Destination, DestinationConfig, Manners, WriteFault};
use crate::sandbox::practice::Practice;
use crate::sandbox::{Dataset, ECW, Fault, Flavour, Folder, KAREO, SMART, Sandbox, SandboxConfig};

/// Serves until it is told to stop.
pub fn sandbox(args: &SandboxArgs) -> Result<u8, Failure> {
    let asks_help = args.fault.iter().any(|f| f == "help");
    match &args.destination {
        Some(_) if asks_help => output::print(&WriteFault::help()),
        None if asks_help => output::print(&Fault::help()),
        Some(kind) => Destination::run(destination(args, kind)?)?,
        None => Sandbox::run(config(args)?)?,
    }
    Ok(code::DONE)
}

fn destination(args: &SandboxArgs, kind: &str) -> Result<DestinationConfig, Failure> {
    let manners = Manners::named(kind).ok_or_else(|| {
        let names: Vec<&str> = Manners::ALL.into_iter().map(|manners| manners.name).collect();
        Failure::usage(
            &format!("there is no destination `{kind}`"),
            &format!("use one of {}", names.join(", ")),
        )
    })?;
    let mut config = DestinationConfig::new(manners);
    for fault in &args.fault {
        config = config.fault(fault.parse::<WriteFault>()?);
    }
    if let Some(folder) = &args.data {
        config = config.dataset(Arc::new(Folder::open(folder)?));
    }
    if let Some(limit) = args.limit {
        let allowance = match (&config.manners.points, &config.manners.requests) {
            (Some(_), _) => &mut config.manners.points,
            (None, Some(_)) => &mut config.manners.requests,
            (None, None) => {
                return Err(Failure::usage(
                    &format!("the destination `{kind}` counts neither points nor requests"),
                    "leave --limit out, or use medplum or throttled",
                ));
            }
        };
        *allowance = Some(limit);
    }
    if let Some(seconds) = args.retry_after {
        config.retry_after = Duration::from_secs(seconds);
    }
    config.open = args.open;
    config.token_lifetime = args.token_lifetime;
    config.port = args.port;
    config.seed = args.seed;
    Ok(config)
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
