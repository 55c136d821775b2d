//! Finding out what an EHR can do and where its token server is (SMART App Launch, Conformance).

use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::capability::Capability;
use crate::http::{Call, Http, HttpError, check_transport};

/// The largest discovery document that is read.
const DOCUMENT_LIMIT: usize = 4 * 1024 * 1024;
/// The largest `CapabilityStatement` that is read.
const METADATA_LIMIT: usize = 32 * 1024 * 1024;

/// Where a value was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// `.well-known/smart-configuration`.
    Discovery,
    /// The `CapabilityStatement`.
    Metadata,
    /// The vendor's preset.
    Preset,
    /// A person.
    Typed,
}

/// A value, where it was found, and what else was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value to go by.
    pub value: T,
    /// Where it was found.
    pub origin: Origin,
    /// Other values for the same thing, to be shown.
    pub others: Vec<(Origin, T)>,
}

/// What is known before asking: from a preset or a person.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The token endpoint.
    pub token_endpoint: Option<Url>,
    /// Names of signature algorithms.
    pub signing_algorithms: Option<Vec<String>>,
}

/// Everything that was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discovered {
    /// Where tokens are got.
    pub token_endpoint: Option<Sourced<Url>>,
    /// Such as `private_key_jwt`; empty if nothing was said.
    pub auth_methods: Vec<String>,
    /// Such as `RS384`.
    pub signing_algorithms: Option<Sourced<Vec<String>>>,
    /// Not exhaustive; empty if nothing was said.
    pub scopes: Vec<String>,
    /// Such as `client-confidential-asymmetric`.
    pub capabilities: Vec<String>,
    /// Such as `client_credentials`.
    pub grant_types: Vec<String>,
    /// What the `CapabilityStatement` says, if there is one.
    pub capability: Option<Capability>,
    /// What was odd or did not answer.
    pub notes: Vec<DiscoveryNote>,
}

/// Something odd that a person should see.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DiscoveryNote {
    /// A document is not there.
    #[error("{document}: {reason}")]
    Missing {
        /// `.well-known/smart-configuration` or `metadata`.
        document: &'static str,
        /// Why.
        reason: String,
    },
    /// 200 with nothing.
    #[error(
        "{document} answered 200 with an empty body: the base address is probably not that of a FHIR server"
    )]
    Empty {
        /// `.well-known/smart-configuration` or `metadata`.
        document: &'static str,
    },
    /// An address that must not be used.
    #[error("the token endpoint from {origin:?} was not used: {reason}")]
    UnusableEndpoint {
        /// Where it was found.
        origin: Origin,
        /// Why.
        reason: String,
    },
    /// No export among the operations.
    #[error(
        "the CapabilityStatement names no export operation; many servers forget it, so this proves nothing"
    )]
    NoExportOperation,
    /// The grant is missing.
    #[error("the EHR does not list client_credentials among its grant types")]
    NoClientCredentials,
}

impl DiscoveryNote {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Empty { .. } => {
                "check the base address letter by letter, the practice or tenant code and hyphens included: some servers answer 200 to any unknown address"
            }
            Self::Missing { .. } => {
                "check the base address, practice or tenant code included; if it is right, the preset or a typed value must do"
            }
            Self::UnusableEndpoint { .. } => {
                "ask the EHR's operators for the https address of the token endpoint, and type it"
            }
            Self::NoExportOperation => "go on; the kickoff will tell",
            Self::NoClientCredentials => {
                "go on; if the token is refused, ask whether backend services are enabled for this app"
            }
        };
        Some(hint.to_owned())
    }
}

/// The members of a discovery document that matter here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SmartConfiguration {
    token_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    scopes_supported: Option<Vec<String>>,
    capabilities: Option<Vec<String>>,
    grant_types_supported: Option<Vec<String>>,
}

/// Asks the EHR, then falls back on what the preset says and last on what was typed; every value says where it came from.
/// `override_discovery`: what was typed comes first, for the person has said so. Only a host that cannot be reached or
/// trusted is an error; whatever is missing is noted.
pub async fn discover(
    http: &Http,
    base: &Url,
    preset: &Known,
    typed: &Known,
    override_discovery: bool,
    cancel: &CancellationToken,
) -> Result<Discovered, HttpError> {
    let mut notes = Vec::new();
    let smart = document(
        http,
        base,
        ".well-known/smart-configuration",
        "application/json",
        DOCUMENT_LIMIT,
        &mut notes,
        cancel,
    )
    .await?;
    let smart = smart.and_then(|body| {
        let configuration: Option<SmartConfiguration> = serde_json::from_slice(&body).ok();
        if configuration.is_none() {
            let reason = "what came is not a discovery document".to_owned();
            notes.push(DiscoveryNote::Missing {
                document: ".well-known/smart-configuration",
                reason,
            });
        }
        configuration
    });
    let metadata = document(
        http,
        base,
        "metadata",
        "application/fhir+json",
        METADATA_LIMIT,
        &mut notes,
        cancel,
    )
    .await?;
    let capability = metadata.and_then(|body| {
        let capability = Capability::parse(&body);
        if capability.is_none() {
            let reason = "what came is not a CapabilityStatement".to_owned();
            notes.push(DiscoveryNote::Missing {
                document: "metadata",
                reason,
            });
        }
        capability
    });
    let smart = smart.unwrap_or_default();

    let mut endpoints = Candidates::new(override_discovery);
    for (origin, text) in [
        (Origin::Discovery, smart.token_endpoint.as_deref()),
        (
            Origin::Metadata,
            capability
                .as_ref()
                .and_then(|capability| capability.token_endpoint.as_deref()),
        ),
        (
            Origin::Preset,
            preset.token_endpoint.as_ref().map(Url::as_str),
        ),
        (
            Origin::Typed,
            typed.token_endpoint.as_ref().map(Url::as_str),
        ),
    ] {
        let Some(text) = text.filter(|text| !text.trim().is_empty()) else {
            continue;
        };
        match resolve(base, text) {
            Ok(url) => endpoints.add(origin, url),
            Err(reason) => notes.push(DiscoveryNote::UnusableEndpoint { origin, reason }),
        }
    }
    let mut algorithms = Candidates::new(override_discovery);
    let listed = smart
        .token_endpoint_auth_signing_alg_values_supported
        .filter(|list| !list.is_empty());
    for (origin, list) in [
        (Origin::Discovery, listed),
        (Origin::Preset, preset.signing_algorithms.clone()),
        (Origin::Typed, typed.signing_algorithms.clone()),
    ] {
        if let Some(list) = list {
            algorithms.add(origin, list);
        }
    }
    if capability
        .as_ref()
        .is_some_and(|capability| !capability.export.any())
    {
        notes.push(DiscoveryNote::NoExportOperation);
    }
    let grant_types = smart.grant_types_supported.unwrap_or_default();
    if !grant_types.is_empty()
        && !grant_types
            .iter()
            .any(|grant| grant == "client_credentials")
    {
        notes.push(DiscoveryNote::NoClientCredentials);
    }
    Ok(Discovered {
        token_endpoint: endpoints.best(),
        auth_methods: smart
            .token_endpoint_auth_methods_supported
            .unwrap_or_default(),
        signing_algorithms: algorithms.best(),
        scopes: smart.scopes_supported.unwrap_or_default(),
        capabilities: smart.capabilities.unwrap_or_default(),
        grant_types,
        capability,
        notes,
    })
}

/// Values for one thing in the order in which they count.
struct Candidates<T> {
    found: Vec<(Origin, T)>,
    typed_first: bool,
}

impl<T: PartialEq> Candidates<T> {
    fn new(typed_first: bool) -> Self {
        Self {
            found: Vec::new(),
            typed_first,
        }
    }

    fn add(&mut self, origin: Origin, value: T) {
        if origin == Origin::Typed && self.typed_first {
            self.found.insert(0, (origin, value));
        } else {
            self.found.push((origin, value));
        }
    }

    fn best(self) -> Option<Sourced<T>> {
        let mut found = self.found.into_iter();
        let (origin, value) = found.next()?;
        Some(Sourced {
            value,
            origin,
            others: found.collect(),
        })
    }
}

/// A document under the base; nothing, with a note, if it is not there.
async fn document(
    http: &Http,
    base: &Url,
    name: &'static str,
    accept: &'static str,
    limit: usize,
    notes: &mut Vec<DiscoveryNote>,
    cancel: &CancellationToken,
) -> Result<Option<bytes::Bytes>, HttpError> {
    let mut url = base.clone();
    url.set_path(&format!("{}/{name}", base.path().trim_end_matches('/')));
    let missing = |error: &HttpError| DiscoveryNote::Missing {
        document: name,
        reason: error.to_string(),
    };
    match http
        .read(&Call::get(url).accept(accept), limit, cancel)
        .await
    {
        Ok(answer) if answer.is_success() && answer.body.trim_ascii().is_empty() => {
            notes.push(DiscoveryNote::Empty { document: name });
            Ok(None)
        }
        Ok(answer) if answer.is_success() => Ok(Some(answer.body)),
        Ok(answer) => {
            notes.push(missing(&answer.to_error()));
            Ok(None)
        }
        Err(
            error @ (HttpError::Status { .. }
            | HttpError::TooLarge { .. }
            | HttpError::RedirectRefused { .. }
            | HttpError::TooManyRedirects { .. }),
        ) => {
            notes.push(missing(&error));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// An endpoint, relative ones against the FHIR base, if it may be spoken to.
fn resolve(base: &Url, text: &str) -> Result<Url, String> {
    let mut folder = base.clone();
    folder.set_path(&format!("{}/", base.path().trim_end_matches('/')));
    let url = folder
        .join(text.trim())
        .map_err(|_| "it is not a URL".to_owned())?;
    check_transport(&url).map_err(|error| error.to_string())?;
    Ok(url)
}

#[cfg(test)]
#[path = "discovery_tests.rs"]
mod tests;
