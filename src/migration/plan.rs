//! The plan of a migration: from where, to where, and by which rules.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::policy::{Policy, PolicyFor};
use super::preset::{Algorithm, AuthMethod, ExportLevel, KickoffMethod, Repeat};
use super::transform::TransformRule;

/// What to do with records that the source says were deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DeletionPolicy {
    /// Delete at the destination what this migration brought there; leave the rest.
    Apply,
    /// Count them and leave everything as it is.
    #[default]
    Ignore,
}

/// A migration, as added by a person. Everything but the secret may be shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Short name used in commands: lower-case letters, digits and dashes.
    pub id: String,
    /// The practice's name, for people.
    pub name: String,
    /// The tenant that its records belong to at the destination.
    pub tenant: String,
    /// Id of the preset.
    pub preset: String,
    /// The source's FHIR base URL.
    pub base_url: String,
    /// The token URL, where a person typed one; discovery finds it otherwise.
    pub token_url: Option<String>,
    /// The token URL that the preset names; what discovery finds goes before it.
    pub preset_token_url: Option<String>,
    /// Where our public keys are published, when the source wants it named in assertions (`jku`).
    pub jku: Option<String>,
    /// The client id that the source assigned.
    pub client_id: Option<String>,
    /// How to authenticate.
    pub auth: AuthMethod,
    /// Signature algorithm of assertions.
    pub algorithm: Algorithm,
    /// Scopes to ask for; made from the preset and the types when absent.
    pub scopes: Option<String>,
    /// Level of the export.
    pub level: ExportLevel,
    /// Group id, at group level.
    pub group: Option<String>,
    /// HTTP method of the kickoff.
    pub method: KickoffMethod,
    /// How several values of a parameter are sent.
    pub repeat: Repeat,
    /// Types to export; all when empty.
    pub types: Vec<String>,
    /// Only what changed since this instant.
    pub since: Option<String>,
    /// `_typeFilter` values.
    pub type_filters: Vec<String>,
    /// Only what changed up to this instant (`_until`).
    pub until: Option<String>,
    /// `_elements` values; records come back incomplete and never replace complete ones.
    pub elements: Vec<String>,
    /// `patient` values: ids of the patients to export.
    pub patients: Vec<String>,
    /// `includeAssociatedData` values.
    pub include_associated_data: Vec<String>,
    /// `organizeOutputBy`, such as `Patient`.
    pub organize_output_by: Option<String>,
    /// `allowPartialManifests`.
    pub allow_partial_manifests: bool,
    /// `Prefer: handling=lenient`.
    pub lenient: bool,
    /// Files fetched at the same time.
    pub parallel: usize,
    /// Shortest wait between two status requests, in seconds.
    pub poll_floor_s: u64,
    /// Longest wait between two status requests, in seconds, whatever the server asks for.
    pub poll_ceiling_s: u64,
    /// Requests a minute that the source allows, when known.
    pub requests_per_minute: Option<u32>,
    /// MRN systems of the source, and what the destination calls them.
    #[serde(default)]
    pub mrn_systems: BTreeMap<String, String>,
    /// What is changed in records before they are stored.
    #[serde(default)]
    pub transforms: Vec<TransformRule>,
    /// What to do when the destination has other content.
    pub on_conflict: Policy,
    /// The same for some types.
    #[serde(default)]
    pub on_conflict_of: BTreeMap<String, Policy>,
    /// When two patients are merged, the source's stays as well, inactive, and each says which one replaces the other.
    #[serde(default)]
    pub merge_links: bool,
    /// What to do with deletions.
    pub on_deleted: DeletionPolicy,
    /// Patients, by their ids at the source, whose charts the practice wants looked at.
    #[serde(default)]
    pub chart_patients: Vec<String>,
    /// The run pauses when more rows than this are rejected.
    pub max_rejects: u64,
    /// Longest line in bytes that is read as a record.
    pub max_line: u32,
    /// File with extra certificate authorities in PEM, where the source needs one.
    pub ca_file: Option<std::path::PathBuf>,
    /// When it was added, RFC 3339.
    pub created: String,
}

/// What a source's token endpoint wants to know and nobody else may.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secrets {
    /// The client secret.
    pub client_secret: Option<String>,
    /// More form fields, by name.
    pub token_params: BTreeMap<String, String>,
}

/// The rules by which received rows are placed: those of the plan when their run began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// What to do when the destination has other content.
    pub on_conflict: Policy,
    /// The same for some types.
    pub on_conflict_of: BTreeMap<String, Policy>,
    /// What to do with deletions.
    pub on_deleted: DeletionPolicy,
    /// MRN systems of the source, and what the destination calls them.
    pub mrn_systems: BTreeMap<String, String>,
}

impl Plan {
    /// Longest line in bytes that is read as a record, unless a plan says otherwise.
    pub const MAX_LINE: u32 = 16 * 1024 * 1024;
    /// Rejected rows after which a run pauses, unless a plan says otherwise.
    pub const MAX_REJECTS: u64 = 1000;

    /// A plan with defaults for everything that a source does not dictate.
    pub fn new(id: &str, base_url: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            tenant: id.to_owned(),
            preset: "smart".to_owned(),
            base_url: base_url.to_owned(),
            token_url: None,
            preset_token_url: None,
            jku: None,
            client_id: None,
            auth: AuthMethod::PrivateKeyJwt,
            algorithm: Algorithm::Rs384,
            scopes: None,
            level: ExportLevel::Group,
            group: None,
            method: KickoffMethod::Get,
            repeat: Repeat::Comma,
            types: Vec::new(),
            since: None,
            type_filters: Vec::new(),
            until: None,
            elements: Vec::new(),
            patients: Vec::new(),
            include_associated_data: Vec::new(),
            organize_output_by: None,
            allow_partial_manifests: false,
            lenient: false,
            parallel: 4,
            poll_floor_s: 2,
            poll_ceiling_s: 300,
            requests_per_minute: None,
            mrn_systems: BTreeMap::new(),
            transforms: Vec::new(),
            on_conflict: Policy::Ask,
            on_conflict_of: BTreeMap::new(),
            merge_links: false,
            on_deleted: DeletionPolicy::default(),
            chart_patients: Vec::new(),
            max_rejects: Self::MAX_REJECTS,
            max_line: Self::MAX_LINE,
            ca_file: None,
            created: String::new(),
        }
    }

    /// The rules for a run that begins now.
    pub fn rules(&self) -> Rules {
        Rules {
            on_conflict: self.on_conflict,
            on_conflict_of: self.on_conflict_of.clone(),
            on_deleted: self.on_deleted,
            mrn_systems: self.mrn_systems.clone(),
        }
    }

    /// The same plan by the rules of a run that began before.
    #[must_use]
    pub fn under(self, rules: Rules) -> Self {
        Self {
            on_conflict: rules.on_conflict,
            on_conflict_of: rules.on_conflict_of,
            on_deleted: rules.on_deleted,
            mrn_systems: rules.mrn_systems,
            ..self
        }
    }

    /// Changes by which policies conflicts are decided.
    pub fn decide_by(&mut self, policies: &[PolicyFor]) {
        for PolicyFor { resource_type, policy } in policies {
            match (resource_type, policy) {
                (None, policy) => self.on_conflict = policy.unwrap_or(self.on_conflict),
                (Some(resource_type), Some(policy)) => {
                    self.on_conflict_of.insert(resource_type.clone(), *policy);
                }
                (Some(resource_type), None) => {
                    self.on_conflict_of.remove(resource_type);
                }
            }
        }
    }

    /// The plan by which the destination's own records are loaded: what is read replaces what is there.
    pub fn local(tenant: &str) -> Self {
        Self {
            tenant: tenant.to_owned(),
            on_conflict: Policy::KeepSource,
            ..Self::new(&format!("own.{tenant}"), "")
        }
    }
}
