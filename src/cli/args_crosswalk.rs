//! The command line: the crosswalk.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args_undo::ByArgs;

/// `crosswalk`
#[derive(Debug, Clone, Subcommand)]
pub enum CrosswalkCommand {
    /// List records that the destination knows under another id, and the organizations, locations and practitioners it does not
    List(CrosswalkListArgs),
    /// Say which record of the destination one of the source's is, before it is received; the same id twice: nobody but itself
    Set {
        /// The migration
        migration: String,
        /// The source's record as Type/id, or a conditional reference as 'Type?search'
        source: String,
        /// The destination's record as Type/id
        target: String,
        /// Who, and why
        #[command(flatten)]
        who: ByArgs,
    },
    /// Take a mapping away, before its record is received
    Unset {
        /// The migration
        migration: String,
        /// The source's record as Type/id
        source: String,
        /// Who, and why
        #[command(flatten)]
        who: ByArgs,
    },
    /// Set every mapping of a CSV file as `list --csv` writes it, or of a TOML file with `[[mapping]]` tables of `source` and `target`
    Import {
        /// The migration
        migration: String,
        /// The file; lines without a target are passed over
        file: PathBuf,
        /// Who, and why
        #[command(flatten)]
        who: ByArgs,
    },
}

/// `crosswalk list`
#[derive(Debug, Clone, Args)]
pub struct CrosswalkListArgs {
    /// The migration
    pub migration: String,
    /// Only those that are not mapped
    #[arg(long)]
    pub unmapped: bool,
    /// Print CSV, for a spreadsheet and for `crosswalk import`
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
