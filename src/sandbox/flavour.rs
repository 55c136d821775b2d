//! How one vendor's server differs from another, as data.

/// The level at which an export is asked for (Bulk Data IG, "Endpoint").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// `[base]/$export`
    System,
    /// `[base]/Patient/$export`
    Patient,
    /// `[base]/Group/[id]/$export`
    Group,
}

/// How the token endpoint answers scopes it will not grant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScopeManners {
    /// What cannot be granted is left out; `invalid_scope` when nothing is left.
    Narrow,
    /// `invalid_grant` for anything wrong, a wildcard included.
    InvalidGrant,
    /// `invalid_scope` with the registered `scope` in the body.
    InvalidScopeWithRegistered,
}

/// The manners of one kind of server.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools)] // Each is a manner of its own; servers combine them freely.
pub struct Flavour {
    /// Name on the command line.
    pub name: &'static str,
    /// Path of the FHIR base, without a final slash.
    pub base_path: &'static str,
    /// Path of the token endpoint.
    pub token_path: &'static str,
    /// Signature algorithms taken for client assertions.
    pub algorithms: &'static [&'static str],
    /// Whether a client secret is taken (`client_secret_basic` and `client_secret_post`).
    pub secrets: bool,
    /// A scope that every token request has to name.
    pub required_scope: Option<&'static str>,
    /// Whether `system/*` is understood.
    pub wildcards: bool,
    /// What happens to scopes that are not granted.
    pub scope_manners: ScopeManners,
    /// Levels at which `$export` exists.
    pub levels: &'static [Level],
    /// Whether kickoff by POST with a Parameters body exists.
    pub post: bool,
    /// Kickoff parameters that are supported.
    pub parameters: &'static [&'static str],
    /// Whether `_type` may be repeated instead of joined by commas.
    pub repeats: bool,
    /// Whether kickoff demands exact `Accept` and `Prefer` headers.
    pub strict_headers: bool,
    /// Whether an identical job in progress is a reason to reject a kickoff.
    pub single_flight: bool,
    /// Whether the status URL is `$export-poll-location?job_id=` (else a path).
    pub poll_location: bool,
    /// Status for a group that does not exist or may not be seen.
    pub unknown_group_status: u16,
    /// Whether `GET [base]/Group/[id]` exists beside the search.
    pub group_read: bool,
    /// Whether records can be searched by patient (`[type]?patient=`).
    pub patient_search: bool,
    /// Whether Binary resources are exported though nobody asked for them by `_type`.
    pub exports_binary: bool,
    /// Requests allowed in a minute, tokens included.
    pub requests_per_minute: Option<u32>,
    /// Whether unknown paths answer 200 with an empty body instead of 404.
    pub empty_unknown_paths: bool,
}

const EVERY_PARAMETER: &[&str] = &[
    "_outputFormat",
    "_since",
    "_until",
    "_type",
    "_typeFilter",
    "_elements",
    "patient",
    "includeAssociatedData",
    "organizeOutputBy",
    "allowPartialManifests",
];

/// A server that follows the specifications to the letter and supports all of them.
pub const SMART: Flavour = Flavour {
    name: "smart",
    base_path: "/fhir",
    token_path: "/auth/token",
    algorithms: &["RS384", "ES384"],
    secrets: false,
    required_scope: None,
    wildcards: true,
    scope_manners: ScopeManners::Narrow,
    levels: &[Level::System, Level::Patient, Level::Group],
    post: true,
    parameters: EVERY_PARAMETER,
    repeats: true,
    strict_headers: true,
    single_flight: false,
    poll_location: false,
    unknown_group_status: 404,
    group_read: true,
    patient_search: true,
    exports_binary: false,
    requests_per_minute: None,
    empty_unknown_paths: false,
};

/// A server with the manners of eClinicalWorks.
pub const ECW: Flavour = Flavour {
    name: "ecw",
    base_path: "/fhir/r4/SANDBX",
    token_path: "/oauth/oauth2/token",
    algorithms: &["RS384"],
    secrets: false,
    required_scope: Some("system/Group.read"),
    wildcards: false,
    scope_manners: ScopeManners::InvalidGrant,
    levels: &[Level::Group],
    post: false,
    parameters: &["_outputFormat", "_since", "_type"],
    repeats: false,
    strict_headers: true,
    single_flight: true,
    poll_location: true,
    unknown_group_status: 401,
    group_read: false,
    patient_search: true,
    exports_binary: true,
    requests_per_minute: Some(250),
    empty_unknown_paths: false,
};

/// A server with the manners of Tebra (Kareo).
pub const KAREO: Flavour = Flavour {
    name: "kareo",
    base_path: "/fhir-request",
    token_path: "/smartauth/oauth/token",
    algorithms: &["RS384", "ES384"],
    secrets: true,
    required_scope: None,
    wildcards: true,
    scope_manners: ScopeManners::InvalidScopeWithRegistered,
    levels: &[Level::Group],
    post: false,
    parameters: &["_outputFormat", "_since", "_type"],
    repeats: true,
    strict_headers: false,
    single_flight: false,
    poll_location: true,
    unknown_group_status: 404,
    group_read: true,
    patient_search: false,
    exports_binary: false,
    requests_per_minute: None,
    empty_unknown_paths: true,
};

impl Flavour {
    /// The flavour of this name: `smart`, `ecw` or `kareo`.
    pub fn named(name: &str) -> Option<&'static Self> {
        [&SMART, &ECW, &KAREO].into_iter().find(|flavour| flavour.name == name)
    }
}
