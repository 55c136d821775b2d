//! Finding out what an EHR can do and where its token server is (SMART App Launch, Conformance).

use bytes::Bytes;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::capability::Capability;
use crate::http::{Call, Http, HttpError, Retry, check_transport};

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
    #[error("{document} answered 200 with an empty body: the base address is probably not that of a FHIR server")]
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
    #[error("the CapabilityStatement names no export operation; many servers forget it, so this proves nothing")]
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

/// Asks the EHR (briefly, for a person waits), then falls back on what the preset says and last on what was typed; every
/// value says where it came from. `override_discovery`: what was typed comes first, for the person has said so. Only a host
/// that cannot be reached or trusted is an error; whatever is missing is noted.
pub async fn discover(
    http: &Http,
    base: &Url,
    preset: &Known,
    typed: &Known,
    override_discovery: bool,
    cancel: &CancellationToken,
) -> Result<Discovered, HttpError> {
    let mut asking = Asking {
        http: http.clone().with_retry(Retry::brief()),
        base,
        cancel,
        notes: Vec::new(),
    };
    let smart = asking.smart_configuration().await?;
    let capability = asking.capability().await?;
    let mut notes = asking.notes;
    let list = |name: &str| texts(&smart[name]);

    let mut endpoints = Candidates::new(override_discovery);
    let declared = capability.as_ref().and_then(|found| found.token_endpoint.as_deref());
    for (origin, text) in [
        (Origin::Discovery, smart["token_endpoint"].as_str()),
        (Origin::Metadata, declared),
        (Origin::Preset, preset.token_endpoint.as_ref().map(Url::as_str)),
        (Origin::Typed, typed.token_endpoint.as_ref().map(Url::as_str)),
    ] {
        match text
            .filter(|text| !text.trim().is_empty())
            .map(|text| resolve(base, text))
        {
            Some(Ok(url)) => endpoints.add(origin, url),
            Some(Err(reason)) => notes.push(DiscoveryNote::UnusableEndpoint { origin, reason }),
            None => {}
        }
    }
    let mut algorithms = Candidates::new(override_discovery);
    let listed = list("token_endpoint_auth_signing_alg_values_supported");
    for (origin, names) in [
        (Origin::Discovery, Some(listed).filter(|names| !names.is_empty())),
        (Origin::Preset, preset.signing_algorithms.clone()),
        (Origin::Typed, typed.signing_algorithms.clone()),
    ] {
        if let Some(names) = names {
            algorithms.add(origin, names);
        }
    }
    if capability.as_ref().is_some_and(|found| !found.export.any()) {
        notes.push(DiscoveryNote::NoExportOperation);
    }
    let grant_types = list("grant_types_supported");
    if !grant_types.is_empty() && !grant_types.iter().any(|grant| grant == "client_credentials") {
        notes.push(DiscoveryNote::NoClientCredentials);
    }
    Ok(Discovered {
        token_endpoint: endpoints.best(),
        auth_methods: list("token_endpoint_auth_methods_supported"),
        signing_algorithms: algorithms.best(),
        scopes: list("scopes_supported"),
        capabilities: list("capabilities"),
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

/// A round of questions to one EHR.
struct Asking<'a> {
    http: Http,
    base: &'a Url,
    cancel: &'a CancellationToken,
    notes: Vec<DiscoveryNote>,
}

impl Asking<'_> {
    /// The discovery document; null if there is none. Taken member by member, for one odd member must not hide the others.
    async fn smart_configuration(&mut self) -> Result<Value, HttpError> {
        let document = ".well-known/smart-configuration";
        let Some(body) = self.document(document, "application/json", DOCUMENT_LIMIT).await? else {
            return Ok(Value::Null);
        };
        if let Ok(json @ Value::Object(_)) = serde_json::from_slice(&body) {
            return Ok(json);
        }
        let reason = "what came is not a discovery document".to_owned();
        self.notes.push(DiscoveryNote::Missing { document, reason });
        Ok(Value::Null)
    }

    async fn capability(&mut self) -> Result<Option<Capability>, HttpError> {
        let document = "metadata";
        let Some(body) = self.document(document, "application/fhir+json", METADATA_LIMIT).await? else {
            return Ok(None);
        };
        let capability = Capability::parse(&body);
        if capability.is_none() {
            let reason = "what came is not a CapabilityStatement".to_owned();
            self.notes.push(DiscoveryNote::Missing { document, reason });
        }
        Ok(capability)
    }

    /// A document under the base; nothing, with a note, if it is not there.
    async fn document(
        &mut self,
        document: &'static str,
        accept: &'static str,
        limit: usize,
    ) -> Result<Option<Bytes>, HttpError> {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/{document}", self.base.path().trim_end_matches('/')));
        let call = Call::get(url).accept(accept);
        let error = match self.http.read(&call, limit, self.cancel).await {
            Ok(answer) if answer.is_success() && answer.body.trim_ascii().is_empty() => {
                self.notes.push(DiscoveryNote::Empty { document });
                return Ok(None);
            }
            Ok(answer) if answer.is_success() => return Ok(Some(answer.body)),
            Ok(answer) => answer.to_error(),
            Err(
                error @ (HttpError::Status { .. }
                | HttpError::TooLarge { .. }
                | HttpError::RedirectRefused { .. }
                | HttpError::TooManyRedirects { .. }),
            ) => error,
            Err(error) => return Err(error),
        };
        let reason = error.to_string();
        self.notes.push(DiscoveryNote::Missing { document, reason });
        Ok(None)
    }
}

/// The texts of a list; none if it is something else.
fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}

/// An endpoint, relative ones against the FHIR base, if it may be spoken to.
fn resolve(base: &Url, text: &str) -> Result<Url, String> {
    let mut folder = base.clone();
    folder.set_path(&format!("{}/", base.path().trim_end_matches('/')));
    let url = folder.join(text.trim()).map_err(|_| "it is not a URL".to_owned())?;
    check_transport(&url).map_err(|error| error.to_string())?;
    if base.scheme() == "https" && url.scheme() != "https" {
        return Err("the EHR is spoken to over https, and the token must be too".to_owned());
    }
    Ok(url)
}

#[cfg(test)]
#[path = "discovery_tests.rs"]
mod tests;
