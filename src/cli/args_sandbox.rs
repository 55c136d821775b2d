//! The command line: the simulated EHR, and the simulated destination.

use std::path::PathBuf;

use clap::Args;

/// What has no meaning for a destination.
const FOR_EHR: [&str; 6] = ["flavour", "patients", "lines_per_file", "polls", "no_gzip", "deletions"];

/// `sandbox`
#[derive(Debug, Clone, Args)]
pub struct SandboxArgs {
    /// Manners: smart, ecw or kareo
    #[arg(long, default_value = "smart")]
    pub flavour: String,
    /// Serve an empty FHIR server that is written to instead of an EHR: generic, hapi, medplum, throttled, google or demographics
    #[arg(long, value_name = "KIND", conflicts_with_all = FOR_EHR)]
    pub destination: Option<String>,
    /// Of a destination: points (medplum) or requests (throttled) in a minute
    #[arg(long, value_name = "N", requires = "destination")]
    pub limit: Option<u64>,
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    pub port: u16,
    /// Patients of the synthetic practice
    #[arg(long, default_value_t = 200)]
    pub patients: u64,
    /// Seed of the synthetic practice and of faults
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Serve the NDJSON files of this folder instead (gzipped too); a destination holds them from the start
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// What goes wrong; `help` lists everything
    #[arg(long, value_name = "NAME[:ARG]")]
    pub fault: Vec<String>,
    /// Resources in a file at most
    #[arg(long, default_value_t = 10_000)]
    pub lines_per_file: u64,
    /// How often a job answers "in progress" before it is done
    #[arg(long, default_value_t = 2)]
    pub polls: u32,
    /// `Retry-After` in seconds
    #[arg(long)]
    pub retry_after: Option<u64>,
    /// Life of an access token in seconds
    #[arg(long, default_value_t = 300)]
    pub token_lifetime: u64,
    /// Never compress files
    #[arg(long)]
    pub no_gzip: bool,
    /// Resources reported as deleted
    #[arg(long, default_value_t = 0)]
    pub deletions: u64,
    /// Open to anyone, without tokens
    #[arg(long)]
    pub open: bool,
}
