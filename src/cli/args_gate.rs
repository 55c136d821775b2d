//! The command line: verification, sample charts, sign-offs, the flip, and what stays of it all.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::migration::Capacity;

/// `verify`
#[derive(Debug, Clone, Args)]
pub struct VerifyArgs {
    /// The migration
    pub migration: String,
    /// Compare only what is new, what has changed since the last verification, and what did not agree or had to wait then
    #[arg(long)]
    pub changed: bool,
    /// Then read a few of the sample patients again at the source, to see what the export itself left out
    #[arg(long)]
    pub source: bool,
    /// Draw this patient's chart as well, by its id at the source, from now on
    #[arg(long = "patient", value_name = "ID")]
    pub patients: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `findings`
#[derive(Debug, Clone, Subcommand)]
pub enum FindingsCommand {
    /// List what the latest verification found on records, each under its class
    List {
        /// The migration
        migration: String,
        /// Only findings of this class
        #[arg(long, value_name = "CLASS")]
        class: Option<String>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show the record of a finding as it should be and as it is here: a patient's data
    Show {
        /// The migration
        migration: String,
        /// The finding, by its number
        finding: u64,
        /// Print JSON: the finding, and the record of both sides
        #[arg(long)]
        json: bool,
    },
    /// Take the record of a finding in once more, from what was received
    Repair {
        /// The migration
        migration: String,
        /// The finding, by its number
        finding: u64,
        /// Why
        #[arg(long, value_name = "TEXT")]
        why: Option<String>,
        /// The name of who does, where several share a login
        #[arg(long, value_name = "WHO")]
        name: Option<String>,
    },
}

/// `sample`
#[derive(Debug, Clone, Subcommand)]
pub enum SampleCommand {
    /// List the sample charts and how each stands
    List {
        /// The migration
        migration: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Show a chart as the EHR has it and as it is here: a patient's data
    Show {
        /// The migration
        migration: String,
        /// The chart, by its number
        chart: u32,
        /// Print JSON: the records of both sides
        #[arg(long)]
        json: bool,
    },
    /// Say that a chart is as it should be
    Pass(JudgeArgs),
    /// Say that something is wrong with a chart
    Fail(JudgeArgs),
    /// Do without a look at a chart, or accept what is wrong with it
    Waive(JudgeArgs),
}

/// A judgement.
#[derive(Debug, Clone, Args)]
pub struct JudgeArgs {
    /// The migration
    pub migration: String,
    /// The chart, by its number
    pub chart: u32,
    /// What there is to say; needed unless the chart is passed
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
    /// The name of who judges, where several share a login
    #[arg(long, value_name = "WHO")]
    pub name: Option<String>,
}

/// `sign-off`
#[derive(Debug, Clone, Args)]
pub struct SignOffArgs {
    /// The migration
    pub migration: String,
    /// In which capacity: technical (for the data) or clinical (for the care)
    #[arg(long = "as", value_name = "CAPACITY")]
    pub capacity: Capacity,
    /// The name of who answers for it
    #[arg(long, value_name = "NAME")]
    pub name: String,
    /// What there is to say
    #[arg(long, value_name = "TEXT")]
    pub comment: Option<String>,
}

/// `flip`
#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("what").required(true).args(["confirm", "take_back"])))]
pub struct FlipArgs {
    /// The migration
    pub migration: String,
    /// The migration's name once more
    #[arg(long, value_name = "MIGRATION")]
    pub confirm: Option<String>,
    /// Go past a shut gate, for this reason; it stands in every report
    #[arg(long = "override", value_name = "REASON", requires = "confirm")]
    pub overriding: Option<String>,
    /// Take it back that the practice has gone over
    #[arg(long, requires = "why")]
    pub take_back: bool,
    /// Why it is taken back
    #[arg(long, value_name = "TEXT", requires = "take_back")]
    pub why: Option<String>,
    /// The name of who does, where several share a login
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

/// `report`
#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("of").required(true).args(["migration", "check"])))]
pub struct ReportArgs {
    /// The migration
    pub migration: Option<String>,
    /// text, json (with the journal), or html (one page that needs nothing else)
    #[arg(long, default_value = "text", value_parser = ["text", "json", "html"])]
    pub format: String,
    /// Write it to this file, which only its owner can read, and not to standard output
    #[arg(long, value_name = "FILE", conflicts_with = "check")]
    pub out: Option<PathBuf>,
    /// Write all evidence to this file, such as lakeside.tar.zst: the report in every format, the journal, decisions, findings, hashes
    #[arg(long, value_name = "FILE", conflicts_with_all = ["check", "out", "format"])]
    pub bundle: Option<PathBuf>,
    /// Tell whose the sample charts are, what was said of them, and ids of patients' records: patients' data
    #[arg(long, conflicts_with = "check")]
    pub with_phi: bool,
    /// Check this report or bundle: signature, journal, and that they agree; needs no workspace
    #[arg(long, value_name = "FILE")]
    pub check: Option<PathBuf>,
    /// The thumbprint of the key that must have signed it
    #[arg(long, value_name = "THUMBPRINT", requires = "check")]
    pub key: Option<String>,
}

/// `wipe`
#[derive(Debug, Clone, Args)]
pub struct WipeArgs {
    /// Every migration of the workspace for which anything was received
    #[arg(required = true)]
    pub migrations: Vec<String>,
    /// The folder into which `store export` wrote everything that is stored here, TENANT=DIR where there are several tenants
    #[arg(long = "copy", value_name = "[TENANT=]DIR", required = true)]
    pub copies: Vec<String>,
    /// Each migration's name once more, to do it; without, it only says what would go and what would stay
    #[arg(long, value_name = "MIGRATION")]
    pub confirm: Vec<String>,
    /// The name of who does, where several share a login
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}
