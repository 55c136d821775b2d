//! What is known of a vendor's server before anyone has asked it.
//!
//! Discovery wins over a preset and a person wins over both. A value that nobody has evidence for is absent, so every
//! field is optional, and each preset says when it was last verified, how sure it is, and where it is from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::preset_library::PresetError;

/// One vendor's server, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Name of the preset, from the name of its file.
    #[serde(skip)]
    pub id: String,
    /// Name of the product, for people.
    pub label: String,
    /// Other names people type for it.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// Year and month, or day, of the last check against its sources.
    pub last_verified: String,
    /// Where its values are from.
    pub sources: Vec<String>,
    /// What surprises people with this server.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What must be done by hand at the vendor or in the practice, in order.
    #[serde(default)]
    pub checklist: Vec<String>,
    /// What to do when bulk export turns out to be missing.
    pub fallback: Option<String>,
    /// Longest resource id the server is known to hand out, in characters, where that is more than FHIR's 64.
    pub id_max_len: Option<usize>,
    /// Addresses.
    #[serde(default)]
    pub environment: Environments,
    /// How a client proves who it is.
    #[serde(default)]
    pub auth: Auth,
    /// How access is asked for.
    #[serde(default)]
    pub scopes: Scopes,
    /// What its bulk export can do.
    #[serde(default)]
    pub export: Export,
    /// How often to ask for status.
    #[serde(default)]
    pub poll: Poll,
    /// How much it bears.
    #[serde(default)]
    pub rate: Rate,
    /// How sure each field is, by its path (`export.levels`), and all the others (`overall`).
    pub confidence: BTreeMap<String, Confidence>,
}

/// The servers a vendor runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environments {
    /// The one with patients in it.
    pub production: Option<Environment>,
    /// The one to try things on.
    pub sandbox: Option<Environment>,
}

/// One server; `{practice}` in an address or the group stands for the practice's code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// FHIR base URL.
    pub base_url: Option<String>,
    /// Token endpoint, for servers whose discovery does not say.
    pub token_url: Option<String>,
    /// The only practice code the server has, as sandboxes do.
    pub practice: Option<String>,
    /// What a practice code looks like, for people.
    pub practice_hint: Option<String>,
    /// Id of the Group to export.
    pub group: Option<String>,
}

/// Client authentication (SMART App Launch 2.0, Backend Services).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Auth {
    /// Accepted methods, preferred first; none when unknown.
    pub methods: Vec<AuthMethod>,
    /// Accepted signature algorithms, preferred first; none when unknown.
    pub algorithms: Vec<Algorithm>,
    /// How the server gets our public keys.
    pub jwks: Option<JwksDelivery>,
    /// Whether the assertion's header must carry `jku`, the address of our keys.
    pub jku: bool,
    /// Names of the parameters the token request needs beyond the standard's.
    pub extra_token_params: Vec<String>,
}

/// How a client proves who it is at the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AuthMethod {
    /// A signed assertion (RFC 7523).
    PrivateKeyJwt,
    /// Id and secret in the `Authorization` header (RFC 6749, section 2.3.1).
    ClientSecretBasic,
    /// Id and secret in the body (RFC 6749, section 2.3.1).
    ClientSecretPost,
    /// An open server.
    None,
}

/// Signature algorithm of a client assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Algorithm {
    /// RSA PKCS#1 with SHA-384.
    Rs384,
    /// ECDSA on P-384 with SHA-384.
    Es384,
}

/// How a server gets a client's public keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum JwksDelivery {
    /// It fetches them from an address of ours.
    Url,
    /// They are handed over at registration.
    Inline,
    /// Both ways work.
    Either,
}

/// What a token request asks for (SMART App Launch 2.0, scopes).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Scopes {
    /// Spelling; that of version 1, which nearly all servers take, when unknown.
    pub style: ScopeStyle,
    /// Scopes that every request must have.
    pub required: Vec<String>,
    /// Whether `system/*` is accepted.
    pub wildcard: bool,
}

/// Spelling of scopes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScopeStyle {
    /// `system/Patient.read`
    #[default]
    V1,
    /// `system/Patient.rs`
    V2,
    /// No scope is sent.
    None,
}

/// What a server's bulk export can do (Bulk Data Access 2.0, kick-off).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Export {
    /// Levels it offers, recommended first; none when unknown.
    pub levels: Vec<ExportLevel>,
    /// Method to kick off with, `get` when unknown.
    pub method: KickoffMethod,
    /// How several values of a parameter are written, by comma when unknown.
    pub repeat: Repeat,
    /// Parameters it supports; none when unknown.
    pub params: Vec<String>,
    /// Types it exports; none when unknown.
    pub types: Vec<String>,
    /// Whether a request is refused while an identical one runs.
    pub single_flight: bool,
    /// Least time between two kick-offs, in seconds.
    pub kickoff_min_interval_s: Option<u64>,
}

/// What an export covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportLevel {
    /// `Group/[id]/$export`
    Group,
    /// `Patient/$export`
    Patient,
    /// `$export`
    System,
}

/// HTTP method of a kick-off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KickoffMethod {
    /// Parameters in the query.
    #[default]
    Get,
    /// Parameters in a Parameters resource.
    Post,
}

/// How several values of one parameter are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repeat {
    /// `_type=A,B`
    #[default]
    Comma,
    /// `_type=A&_type=B`
    Repeat,
}

/// How often to ask for status when the server does not say, in seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Poll {
    /// Not more often.
    pub floor_s: Option<u64>,
    /// Not less often.
    pub ceiling_s: Option<u64>,
}

/// How many requests a server bears.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rate {
    /// Requests a minute, all workers together.
    pub requests_per_minute: Option<u32>,
    /// Whether token requests count among them.
    pub counts_tokens: bool,
}

/// How sure a value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confidence {
    /// Seen in code in the wild only.
    Low,
    /// One secondary source that cites the vendor.
    Medium,
    /// The vendor's own page or metadata, or three independent sources.
    High,
}

impl Preset {
    /// How sure the field at `path` (`export.levels`) is: its own mark, else that of a table around it, else overall.
    pub fn confidence(&self, path: &str) -> Option<Confidence> {
        let around = path.match_indices('.').map(|(at, _)| &path[..at]).rev();
        std::iter::once(path)
            .chain(around)
            .chain(["overall"])
            .find_map(|path| self.confidence.get(path))
            .copied()
    }

    /// The `scope` of a token request for exporting `types`, space separated, required ones first, none twice; without
    /// types, for everything the server is known to export. Empty when the server wants none, or nothing is known.
    pub fn scopes(&self, types: &[String]) -> String {
        let access = match self.scopes.style {
            ScopeStyle::V1 => "read",
            ScopeStyle::V2 => "rs",
            ScopeStyle::None => return String::new(),
        };
        let everything = ["*".to_owned()];
        let types = match types {
            [] if self.scopes.wildcard => &everything[..],
            [] => &self.export.types,
            types => types,
        };
        let mut scopes: Vec<String> = Vec::new();
        let asked = types.iter().map(|name| format!("system/{name}.{access}"));
        for scope in self.scopes.required.iter().cloned().chain(asked) {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes.join(" ")
    }
}

impl Environment {
    /// The practice's code in an address made from this server's, if it is one: an empty one where the address needs none.
    pub fn practice_in(&self, base_url: &str) -> Option<String> {
        let template = self.base_url.as_deref()?;
        let Some((before, after)) = template.split_once("{practice}") else {
            return (template == base_url).then(String::new);
        };
        let code = base_url.strip_prefix(before)?.strip_suffix(after)?;
        (!code.is_empty() && !code.contains('/')).then(|| code.to_owned())
    }

    /// The same with `{practice}` filled in by `practice`, else by the only code the server has. Fails when a code is
    /// needed and there is none, or when it could change more of an address than its own place.
    pub fn filled(&self, practice: Option<&str>) -> Result<Self, PresetError> {
        let practice = practice.or(self.practice.as_deref());
        let fill = |template: &Option<String>| match template {
            Some(template) if template.contains("{practice}") => {
                let code = practice.ok_or_else(|| PresetError::NoPractice {
                    looks_like: self.practice_hint.clone(),
                })?;
                let safe = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
                if code.is_empty() || code.starts_with('.') || !code.chars().all(safe) {
                    return Err(PresetError::BadPractice {
                        looks_like: self.practice_hint.clone(),
                    });
                }
                Ok(Some(template.replace("{practice}", code)))
            }
            other => Ok(other.clone()),
        };
        Ok(Self {
            base_url: fill(&self.base_url)?,
            token_url: fill(&self.token_url)?,
            group: fill(&self.group)?,
            practice: practice.map(str::to_owned),
            practice_hint: self.practice_hint.clone(),
        })
    }
}

#[cfg(test)]
mod tests;
