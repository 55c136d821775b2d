//! The command line: every command and option.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

pub use super::args_crosswalk::{CrosswalkCommand, CrosswalkListArgs};
pub use super::args_destination::{DeliverArgs, DestinationArgs, DestinationCommand, ImportArgs, SettleArgs};
pub use super::args_gate::{
    FindingsCommand, FlipArgs, JudgeArgs, ReportArgs, SampleCommand, SignOffArgs, VerifyArgs, WipeArgs,
};
pub use super::args_plan::PlanArgs;
pub use super::args_sandbox::SandboxArgs;
pub use super::args_transform::{PreviewArgs, TransformCommand};
pub use super::args_undo::{AmendArgs, BackArgs, ByArgs, ResolveArgs, RollbackArgs, UndoArgs, WaiveArgs};
use crate::fhir::Survivorship;
use crate::migration::PolicyFor;

/// Move a medical practice's records out of one EHR and into another FHIR store, with nothing lost.
///
/// Without a command it opens the full-screen wizard. It does not move scheduling rules, billing rules or payer contracts.
#[derive(Debug, Parser)]
#[command(name = "cutover", version, max_term_width = 100)]
pub struct Cli {
    /// What to open the workspace with.
    #[command(flatten)]
    pub workspace: WorkspaceArgs,
    /// What to do; the wizard when absent.
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Cli {
    /// Whether this opens the wizard, which needs a terminal.
    pub fn opens_wizard(&self) -> bool {
        match &self.command {
            None => true,
            Some(Command::Demo(args)) => !args.headless && !args.json,
            Some(_) => false,
        }
    }
}

/// Where the workspace is and what unlocks it.
#[derive(Debug, Clone, Default, Args)]
pub struct WorkspaceArgs {
    /// The workspace folder [default: `$CUTOVER_HOME`, else `cutover` in the XDG data folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub home: Option<PathBuf>,
    /// File whose first line is the workspace's passphrase
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "key_file")]
    pub passphrase_file: Option<PathBuf>,
    /// File with the workspace's key, instead of a passphrase; made if a new workspace is
    #[arg(long, global = true, value_name = "FILE")]
    pub key_file: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Rehearse the whole job against a simulated practice, in a workspace of its own that is removed afterwards
    Demo(DemoArgs),
    /// Do the whole job of a migration, or go on with it: export, ingest, verify
    Run(RunArgs),
    /// Cancel the export that the source is preparing; the next run begins a new one
    Cancel(NameArgs),
    /// Say where every migration stands
    Status(JsonArg),
    /// Add, change, list, show or remove migrations
    #[command(subcommand)]
    Migration(MigrationCommand),
    /// Make, show, publish and check the key pair of a migration
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Check everything that an export will need, without exporting
    Preflight(NameArgs),
    /// List the conflicts of a migration
    Conflicts(ConflictsArgs),
    /// Decide conflicts of a migration
    Resolve(ResolveArgs),
    /// Take decisions back, with everything that came of them
    Undo(UndoArgs),
    /// Take a run and every later one back, or a whole migration: the store is then as it was before
    Rollback(RollbackArgs),
    /// See what the transforms of a migration do
    #[command(subcommand)]
    Transform(TransformCommand),
    /// See and say which records of the source the destination knows under another id
    #[command(subcommand)]
    Crosswalk(CrosswalkCommand),
    /// Look at rows that were set aside
    #[command(subcommand)]
    Quarantine(QuarantineCommand),
    /// Read the embedded store, or load the destination's own records into it
    #[command(subcommand)]
    Store(StoreCommand),
    /// Deliver the store's records to a FHIR server
    #[command(subcommand)]
    Destination(DestinationCommand),
    /// Compare the store with everything that was received
    Verify(VerifyArgs),
    /// What a verification found on records: listed, shown, repaired
    #[command(subcommand)]
    Findings(FindingsCommand),
    /// Look at the sample charts that a verification has drawn, and judge them
    #[command(subcommand)]
    Sample(SampleCommand),
    /// Say what must be so before the practice goes over, and what of it is
    Gate(NameArgs),
    /// Answer for the migration, by name
    SignOff(SignOffArgs),
    /// Record that the practice has gone over; the migration is then closed
    Flip(FlipArgs),
    /// Report what became of every row and who answers for it, signed; or check a report that somebody gave you
    Report(ReportArgs),
    /// Once the practice has gone over: destroy everything here that holds a patient's data, and keep the evidence
    Wipe(WipeArgs),
    /// Export an EHR into a folder of plain NDJSON files, without a migration; the files are NOT sealed
    Export(Box<ExportArgs>),
    /// Serve a simulated EHR on loopback
    Sandbox(SandboxArgs),
    /// Look the workspace over and say what is damaged and what can be done
    Doctor(DoctorArgs),
}

/// Machine-readable output.
#[derive(Debug, Clone, Args)]
pub struct JsonArg {
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A migration.
#[derive(Debug, Clone, Args)]
pub struct NameArgs {
    /// The migration
    pub migration: String,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `demo`
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Run without the full-screen wizard
    #[arg(long)]
    pub headless: bool,
    /// Patients of the simulated practice
    #[arg(long, default_value_t = 200)]
    pub patients: u64,
    /// Seed of the simulated practice
    #[arg(long, default_value_t = 7)]
    pub seed: u64,
    /// Keep the workspace in this folder instead of removing it
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `run`
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub struct RunArgs {
    /// The migration
    pub migration: String,
    /// Begin a new export even if the last one is not finished, or conflicts of it are open
    #[arg(long)]
    pub new: bool,
    /// Ask only for what has changed since the last export: the last step before the practice goes over
    #[arg(long, conflicts_with = "new")]
    pub since_last: bool,
    /// Then deliver to the server that `destination set` named
    #[arg(long)]
    pub deliver: bool,
    /// What to do when the destination has other content, for all types or for one
    #[arg(long, value_name = "[TYPE=]POLICY")]
    pub on_conflict: Vec<PolicyFor>,
    /// Pause when more rows than this are rejected
    #[arg(long, value_name = "N")]
    pub max_rejects: Option<u64>,
    /// Print one JSON event a line, also on a terminal
    #[arg(long)]
    pub json: bool,
}

/// `migration`
#[derive(Debug, Clone, Subcommand)]
pub enum MigrationCommand {
    /// Add a migration
    Add(Box<PlanArgs>),
    /// Change a migration; an empty value takes away what was there
    Set(Box<PlanArgs>),
    /// List the migrations
    List(JsonArg),
    /// Show a migration's plan
    Show(NameArgs),
    /// Remove a migration that brought nothing into the store
    Remove(NameArgs),
}

/// `keys`
#[derive(Debug, Clone, Subcommand)]
pub enum KeysCommand {
    /// Make a key pair, or import one
    New {
        /// The migration
        migration: String,
        /// RS384 or ES384 [default: the plan's]
        #[arg(long)]
        algorithm: Option<String>,
        /// Import the private key in this file (PKCS#8 or SEC1 PEM, or JWK) instead of making one
        #[arg(long, value_name = "FILE")]
        import: Option<PathBuf>,
        /// Replace the key pair that is there
        #[arg(long)]
        replace: bool,
    },
    /// Show the public key
    Show(NameArgs),
    /// Print the JWK Set to publish
    Jwks {
        /// The migration
        migration: String,
    },
    /// Fetch a published JWK Set and say whether the EHR will find our key in it
    Check {
        /// The migration
        migration: String,
        /// Where it is published
        url: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `conflicts`
#[derive(Debug, Clone, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct ConflictsArgs {
    /// Look at one of them
    #[command(subcommand)]
    pub command: Option<ConflictsCommand>,
    /// The migration
    #[arg(required = true)]
    pub migration: Option<String>,
    /// Decided ones as well
    #[arg(long)]
    pub all: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `conflicts show`
#[derive(Debug, Clone, Subcommand)]
pub enum ConflictsCommand {
    /// Show both sides of an open conflict, field by field, with what a merge would pick: they hold a patient's data
    Show {
        /// The migration
        migration: String,
        /// The conflict, by id
        conflict: String,
        /// How a merge is proposed: fill-blanks, union or newest
        #[arg(long, value_name = "WAY", default_value_t = Survivorship::default())]
        survivorship: Survivorship,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

/// `quarantine`
#[derive(Debug, Clone, Subcommand)]
pub enum QuarantineCommand {
    /// List quarantined rows
    List(NameArgs),
    /// Print the original bytes of a quarantined row: they hold a patient's data
    Show {
        /// The migration
        migration: String,
        /// The row, as RUN/FILE/LINE from the list
        row: String,
    },
    /// Set quarantined rows right and take them in; what was received stays, and so does who did it and why
    Amend(AmendArgs),
    /// Decide to do without quarantined rows; they stay, and so does who decided it and why
    Waive(WaiveArgs),
}

/// `store`
#[derive(Debug, Clone, Subcommand)]
pub enum StoreCommand {
    /// Count records by type
    Count {
        /// The tenant
        #[arg(long)]
        tenant: String,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Print a hash of everything that an export would give; two stores that say the same have the same
    Hash {
        /// The tenant
        #[arg(long)]
        tenant: String,
    },
    /// Print one record
    Get {
        /// The tenant
        #[arg(long)]
        tenant: String,
        /// The record, as Type/id
        record: String,
    },
    /// Write every record of a tenant as NDJSON, one file a type: these files are NOT sealed
    Export {
        /// The tenant
        #[arg(long)]
        tenant: String,
        /// The folder
        folder: PathBuf,
        /// Only this type
        #[arg(long = "type", value_name = "TYPE")]
        resource_type: Option<String>,
        /// The bytes as received, without what the migration adds
        #[arg(long)]
        as_received: bool,
    },
    /// Load NDJSON files (gzipped too) as the destination's own records
    Import {
        /// The tenant
        #[arg(long)]
        tenant: String,
        /// Folder with files named after their type, such as Patient.ndjson.gz
        folder: PathBuf,
    },
}

/// `export`
#[derive(Debug, Clone, Args)]
pub struct ExportArgs {
    /// The folder for the files
    #[arg(long, value_name = "DIR")]
    pub into: PathBuf,
    /// File with the private key (PEM or JWK)
    #[arg(long, value_name = "FILE")]
    pub private_key: Option<PathBuf>,
    /// Keep the job at the source
    #[arg(long)]
    pub keep_job: bool,
    /// The source and the request; its first argument names the export in messages
    #[command(flatten)]
    pub plan: PlanArgs,
}

/// `doctor`
#[derive(Debug, Clone, Args)]
pub struct DoctorArgs {
    /// Make the resource index anew from the landed bytes, then look at everything
    #[arg(long)]
    pub rebuild_index: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
