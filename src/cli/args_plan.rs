//! The command line: the options that make a plan.

use std::path::PathBuf;

use clap::Args;

use crate::migration::PolicyFor;

/// The plan of a migration, from the command line.
#[derive(Debug, Clone, Default, Args)]
pub struct PlanArgs {
    /// Short name: lower-case letters, digits and dashes
    pub migration: String,
    /// The practice's name
    #[arg(long)]
    pub name: Option<String>,
    /// Tenant at the destination [default: the short name]
    #[arg(long)]
    pub tenant: Option<String>,
    /// Preset of the source: `eclinicalworks`, `kareo`, `smart`, ...
    #[arg(long)]
    pub preset: Option<String>,
    /// The preset's environment: `production` or `sandbox`
    #[arg(long)]
    pub environment: Option<String>,
    /// The practice code that the preset's address wants
    #[arg(long)]
    pub practice: Option<String>,
    /// The source's FHIR base URL
    #[arg(long, value_name = "URL")]
    pub base_url: Option<String>,
    /// The source's token URL, going before what discovery finds
    #[arg(long, value_name = "URL")]
    pub token_url: Option<String>,
    /// The client id that the source assigned
    #[arg(long, value_name = "ID")]
    pub client_id: Option<String>,
    /// File with the client secret
    #[arg(long, value_name = "FILE")]
    pub client_secret_file: Option<PathBuf>,
    /// File with a further form field of the token request, as NAME=FILE
    #[arg(long, value_name = "NAME=FILE")]
    pub token_param: Vec<String>,
    /// How to authenticate: private-key-jwt, client-secret-basic, client-secret-post, none
    #[arg(long, value_name = "METHOD")]
    pub auth: Option<String>,
    /// Signature algorithm: RS384 or ES384
    #[arg(long, value_name = "ALG")]
    pub algorithm: Option<String>,
    /// Where our JWK Set is published, to be named in assertions (`jku`) where the source wants that
    #[arg(long, value_name = "URL")]
    pub jwks_url: Option<String>,
    /// Scopes to ask for, instead of those made from preset and types
    #[arg(long)]
    pub scopes: Option<String>,
    /// Level of the export: group, patient or system
    #[arg(long)]
    pub level: Option<String>,
    /// Group id
    #[arg(long, value_name = "ID")]
    pub group: Option<String>,
    /// Method of the kickoff: get or post
    #[arg(long)]
    pub method: Option<String>,
    /// Types to export, comma-separated; all when empty
    #[arg(long, value_delimiter = ',')]
    pub types: Vec<String>,
    /// Only what changed since this instant
    #[arg(long, value_name = "INSTANT")]
    pub since: Option<String>,
    /// Only what changed up to this instant
    #[arg(long, value_name = "INSTANT")]
    pub until: Option<String>,
    /// A `_typeFilter`, such as 'Condition?clinical-status=active'
    #[arg(long, value_name = "FILTER")]
    pub type_filter: Vec<String>,
    /// `_elements` values; incomplete records never replace complete ones
    #[arg(long, value_delimiter = ',')]
    pub elements: Vec<String>,
    /// Ids of the patients to export
    #[arg(long, value_delimiter = ',')]
    pub patients: Vec<String>,
    /// `includeAssociatedData` values
    #[arg(long, value_name = "CODE")]
    pub include_associated_data: Vec<String>,
    /// `organizeOutputBy`, such as Patient
    #[arg(long, value_name = "TYPE")]
    pub organize_output_by: Option<String>,
    /// Let the server list files before all are ready
    #[arg(long)]
    pub allow_partial_manifests: bool,
    /// Let the server ignore parameters that it does not know
    #[arg(long)]
    pub lenient: bool,
    /// Files fetched at the same time
    #[arg(long, value_name = "N")]
    pub parallel: Option<usize>,
    /// Requests a minute that the source allows
    #[arg(long, value_name = "N")]
    pub requests_per_minute: Option<u32>,
    /// When two patients are merged, keep the source's too, inactive, each with a link saying which replaces the other
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true", require_equals = true)]
    pub write_links: Option<bool>,
    /// What the destination calls an MRN system of the source's, as SOURCE=DESTINATION; an empty DESTINATION takes it back
    #[arg(long, value_name = "SOURCE=DESTINATION")]
    pub mrn_system: Vec<String>,
    /// TOML file of transforms, done to records before they are stored; an empty FILE takes them away
    #[arg(long, value_name = "FILE")]
    pub transforms: Option<String>,
    /// What to do when the destination has other content: newer-wins, older-wins, keep-source, keep-target, ask; for one type as
    /// Condition=keep-target, which `Condition=` takes away
    #[arg(long, value_name = "[TYPE=]POLICY")]
    pub on_conflict: Vec<PolicyFor>,
    /// What to do with records deleted at the source: apply or ignore
    #[arg(long, value_name = "POLICY")]
    pub on_deleted: Option<String>,
    /// Pause when more rows than this are rejected
    #[arg(long, value_name = "N")]
    pub max_rejects: Option<u64>,
    /// Longest line in bytes that is read as a record
    #[arg(long, value_name = "BYTES")]
    pub max_line: Option<u32>,
    /// PEM file with certificate authorities to trust besides the system's
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}
