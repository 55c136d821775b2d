//! The command line: a FHIR server as the destination.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::args::NameArgs;
use super::args_undo::ByArgs;

/// `destination`
#[derive(Debug, Clone, Subcommand)]
pub enum DestinationCommand {
    /// Say which FHIR server the records are delivered to
    Set(Box<DestinationArgs>),
    /// Show what is known of the server
    Show(NameArgs),
    /// Ask the server what it can do, and write one record, read it back and remove it
    Check(NameArgs),
    /// Read the server's own records, so that patients who are there already are recognised; before the first run
    Pull(NameArgs),
    /// Make files of what the server has nothing of, and have it import them; for very large practices
    Import(ImportArgs),
    /// Write to the server what the store has and the server has not; again and again, as often as you like
    Deliver(DeliverArgs),
    /// Read every record back from the server and compare
    Verify(NameArgs),
    /// Settle conflicts: say whose record stays; the next delivery does it
    Settle(SettleArgs),
    /// List the records that the server did not take, or has with something else in them
    Problems(NameArgs),
}

/// `destination deliver`
#[derive(Debug, Clone, Args)]
pub struct DeliverArgs {
    /// The migration
    pub migration: String,
    /// Also over what was edited or removed at the server since it was delivered
    #[arg(long)]
    pub force: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `destination import`
#[derive(Debug, Clone, Args)]
pub struct ImportArgs {
    /// The migration
    pub migration: String,
    /// Where the files go: a folder, or the address of one with an object store (`s3://`, `gs://`, `https://ACCOUNT.blob.core.windows.net/`)
    #[arg(long, value_name = "WHERE")]
    pub to: Option<String>,
    /// The address at which the server sees that folder, where it is another one
    #[arg(long, value_name = "URL")]
    pub seen_as: Option<String>,
    /// Make the files, and start nothing
    #[arg(long)]
    pub files_only: bool,
    /// Watch an import no longer that was asked for before: it is over, or never began, as you know from the server's administrator
    #[arg(long, conflicts_with_all = ["to", "seen_as", "files_only"])]
    pub forget: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `destination settle`
#[derive(Debug, Clone, Args)]
pub struct SettleArgs {
    /// The migration
    pub migration: String,
    /// Which, as `destination problems` names them: TYPE/ID
    #[arg(required_unless_present = "all")]
    pub records: Vec<String>,
    /// Every open one
    #[arg(long, conflicts_with = "records")]
    pub all: bool,
    /// Whose record stays: store or server
    #[arg(long, value_name = "WHOSE")]
    pub keep: String,
    #[command(flatten)]
    pub who: ByArgs,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// `destination set`
#[derive(Debug, Clone, Args)]
pub struct DestinationArgs {
    /// The migration
    pub migration: String,
    /// The server's FHIR base URL
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// Which server it is: generic, hapi, medplum, azure, google, helios or eclinicalworks
    #[arg(long, value_name = "KIND")]
    pub kind: Option<String>,
    /// How to authenticate: private-key-jwt, client-secret-basic, client-secret-post, none
    #[arg(long, value_name = "METHOD")]
    pub auth: Option<String>,
    /// Signature algorithm: RS384 or ES384
    #[arg(long, value_name = "ALG")]
    pub algorithm: Option<String>,
    /// The token URL, going before what discovery finds
    #[arg(long, value_name = "URL")]
    pub token_url: Option<String>,
    /// The client id that the server assigned
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// File with the client secret
    #[arg(long, value_name = "FILE")]
    pub client_secret_file: Option<PathBuf>,
    /// Scopes to ask for [default: system/*.cruds]
    #[arg(long)]
    pub scopes: Option<String>,
    /// PEM file with certificate authorities to trust besides the system's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// What records are sent in: batch, transaction, or patient: all of a patient's in one transaction [default: what suits the kind of server]
    #[arg(long, value_name = "BUNDLE")]
    pub bundles: Option<String>,
    /// Attachments of up to so many bytes go inside the record that shows them [default: 0, or 8388608 where the server takes no Binary; at most 16777216]
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u32).range(..=16_777_216))]
    pub inline_attachments: Option<u32>,
    /// Requests a minute that the server allows
    #[arg(long, value_name = "N")]
    pub requests_per_minute: Option<u32>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
