//! The command line: transforms.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// `transform`
#[derive(Debug, Clone, Subcommand)]
pub enum TransformCommand {
    /// Show records before and after, and count what each transform would change; nothing is written
    Preview(PreviewArgs),
}

/// `transform preview`
#[derive(Debug, Clone, Args)]
pub struct PreviewArgs {
    /// The migration
    pub migration: String,
    /// Transforms to try instead of the migration's own
    #[arg(long, value_name = "FILE")]
    pub transforms: Option<PathBuf>,
    /// NDJSON files to try them on, instead of what was received for the migration
    #[arg(long, value_name = "FILE", num_args = 1..)]
    pub from: Vec<PathBuf>,
    /// Records shown for each transform
    #[arg(long, value_name = "N", default_value_t = 2)]
    pub sample: usize,
}
