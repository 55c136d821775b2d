//! Who may come in: the clients known, their keys, and the tokens issued to them. Shared by the simulated EHR and destination.

use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use serde_json::{Value, json};

use super::assertion::Seen;
use super::client::{Client, Clients};
use super::clock::Clock;
use super::flavour::Flavour;
use super::jwks::KeySets;
use super::stats::Counters;
use super::token::Tokens;
use super::{register, token};

/// The authorization server's state.
#[derive(Debug)]
pub(crate) struct Authority {
    pub flavour: &'static Flavour,
    /// `http://127.0.0.1:port`
    pub origin: String,
    pub token_url: String,
    /// Life of an access token in seconds.
    pub token_lifetime: u64,
    /// Whether everything is open to anyone, without tokens.
    pub open: bool,
    pub clock: Clock,
    pub clients: Clients,
    pub key_sets: KeySets,
    pub seen: Seen,
    pub tokens: Tokens,
    pub stats: Arc<Counters>,
}

impl Authority {
    pub(crate) fn new(flavour: &'static Flavour, origin: &str, clock: Clock, known: &[Client]) -> Self {
        let clients = Clients::default();
        known.iter().cloned().for_each(|client| clients.add(client));
        Self {
            flavour,
            origin: origin.to_owned(),
            token_url: format!("{origin}{}", flavour.token_path),
            token_lifetime: 300,
            open: false,
            clock,
            clients,
            key_sets: KeySets::default(),
            seen: Seen::default(),
            tokens: Tokens::default(),
            stats: Arc::default(),
        }
    }

    /// Where clients register.
    pub(crate) fn registration_url(&self) -> String {
        format!("{}/register", self.origin)
    }

    /// The token endpoint and the registration of clients.
    pub(crate) fn routes(self: &Arc<Self>) -> Router {
        Router::new()
            .route(self.flavour.token_path, post(token::issue))
            .route("/register", post(register::register))
            .with_state(self.clone())
    }

    /// The SMART configuration (SMART App Launch, "Conformance") of the FHIR server at `issuer`.
    pub(crate) fn configuration(&self, issuer: &str, scopes: &[String]) -> Value {
        let mut methods = vec!["private_key_jwt"];
        if self.flavour.secrets {
            methods.extend(["client_secret_basic", "client_secret_post"]);
        }
        json!({
            "issuer": issuer,
            "token_endpoint": self.token_url,
            "registration_endpoint": self.registration_url(),
            "token_endpoint_auth_methods_supported": methods,
            "token_endpoint_auth_signing_alg_values_supported": self.flavour.algorithms,
            "grant_types_supported": ["client_credentials"],
            "scopes_supported": scopes,
            "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
        })
    }

    /// The `security` of a `CapabilityStatement`.
    pub(crate) fn security(&self) -> Value {
        json!({
            "service": [{ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR" }] }],
            "extension": [{
                "url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
                "extension": [{ "url": "token", "valueUri": self.token_url }],
            }],
        })
    }
}
