//! The command line: decisions, and taking them and whole runs back.

use std::path::PathBuf;

use clap::Args;

use crate::fhir::Survivorship;

/// Who acts, and why; both go into the journal.
#[derive(Debug, Clone, Args)]
pub struct ByArgs {
    /// The name of who decides, where several share a login
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
    /// Why
    #[arg(long, value_name = "TEXT")]
    pub why: Option<String>,
}

/// How something is taken back.
#[derive(Debug, Clone, Args)]
pub struct BackArgs {
    /// Take back also what was edited at the destination since
    #[arg(long)]
    pub force: bool,
    /// Only say what it would come to
    #[arg(long)]
    pub dry_run: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `resolve`
#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("meant").required(true).multiple(true).args(["conflicts", "all", "resource_type", "kind", "reason", "rules"])))]
#[command(group(clap::ArgGroup::new("how").required(true).multiple(true).args(["decision", "rules", "dry_run"])))]
pub struct ResolveArgs {
    /// The migration
    pub migration: String,
    /// The conflicts, by id
    #[arg(conflicts_with_all = ["all", "resource_type", "kind", "reason"])]
    pub conflicts: Vec<String>,
    /// Every open conflict
    #[arg(long)]
    pub all: bool,
    /// Open conflicts of this type
    #[arg(long = "type", value_name = "TYPE")]
    pub resource_type: Option<String>,
    /// Open conflicts of this kind: mrn-in-use, content-differs, same-person or duplicate-in-source
    #[arg(long)]
    pub kind: Option<String>,
    /// Open conflicts in whose contradictions these words stand; `none` for those without any
    #[arg(long, value_name = "WORDS")]
    pub reason: Option<String>,
    /// The decision: newer-wins, older-wins, keep-source, keep-target, keep-both or merge
    #[arg(long = "as", visible_alias = "by", value_name = "DECISION")]
    pub decision: Option<String>,
    /// How a merge is proposed: fill-blanks, union or newest [default: fill-blanks]
    #[arg(long, value_name = "WAY")]
    pub survivorship: Option<Survivorship>,
    /// Pick a side for a field of a merge: left (source), right (destination) or both; paths are those of `conflicts show`
    #[arg(long, value_name = "PATH=SIDE")]
    pub pick: Vec<String>,
    /// Put this in the place of a field of a merge, as JSON in the form in which `conflicts show` gives its sides
    #[arg(long, value_name = "PATH=JSON")]
    pub edit: Vec<String>,
    /// Decide by the rules in this TOML file
    #[arg(long, value_name = "FILE", conflicts_with = "decision")]
    pub rules: Option<PathBuf>,
    /// Only count what would be decided; without a decision, what each policy would decide
    #[arg(long)]
    pub dry_run: bool,
    /// Who, and why
    #[command(flatten)]
    pub who: ByArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `undo`
#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("which").required(true).args(["conflicts", "last", "since", "by", "all"])))]
pub struct UndoArgs {
    /// The migration
    pub migration: String,
    /// The decisions, by conflict
    pub conflicts: Vec<String>,
    /// The latest N decisions
    #[arg(long, value_name = "N")]
    pub last: Option<usize>,
    /// Every decision since this time, or since this entry of the journal
    #[arg(long, value_name = "TIME|ENTRY")]
    pub since: Option<String>,
    /// Every decision of this person (login or name); `policy` for those that no person made
    #[arg(long, value_name = "WHO")]
    pub by: Option<String>,
    /// Every decision that a person made
    #[arg(long)]
    pub all: bool,
    /// Who, and why
    #[command(flatten)]
    pub who: ByArgs,
    /// How
    #[command(flatten)]
    pub back: BackArgs,
}

/// `rollback`
#[derive(Debug, Clone, Args)]
pub struct RollbackArgs {
    /// The migration
    pub migration: String,
    /// Take back this run and every later one [default: the whole migration]
    #[arg(long, value_name = "N")]
    pub run: Option<u32>,
    /// Who, and why
    #[command(flatten)]
    pub who: ByArgs,
    /// How
    #[command(flatten)]
    pub back: BackArgs,
}

/// `quarantine amend`
#[derive(Debug, Clone, Args)]
pub struct AmendArgs {
    /// The migration
    pub migration: String,
    /// The rows, as RUN/FILE/LINE from the list
    #[arg(required = true)]
    pub rows: Vec<String>,
    /// A file with the record as it is to read; of several rows one line each, in their order. It holds a patient's data; `-` for standard
    /// input
    #[arg(long, value_name = "FILE")]
    pub with: PathBuf,
    /// What was wrong, and how it is known what is right
    #[arg(long, value_name = "TEXT")]
    pub why: String,
    /// The name of who decides, where several share a login
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `quarantine waive`
#[derive(Debug, Clone, Args)]
#[command(group(clap::ArgGroup::new("meant").required(true).args(["rows", "reason", "all"])))]
pub struct WaiveArgs {
    /// The migration
    pub migration: String,
    /// The rows, as RUN/FILE/LINE from the list
    pub rows: Vec<String>,
    /// Every row set aside for this reason, such as not-json
    #[arg(long, value_name = "NAME")]
    pub reason: Option<String>,
    /// Every row
    #[arg(long)]
    pub all: bool,
    /// Why nobody will miss them
    #[arg(long, value_name = "TEXT")]
    pub why: String,
    /// The name of who decides, where several share a login
    #[arg(long, value_name = "NAME")]
    pub who: Option<String>,
}
