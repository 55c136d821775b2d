//! One running destination: what all requests share.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::capability;
use super::config::DestinationConfig;
use super::content::{Content, DestinationStats};
use super::import::Import;
use super::in_flight::InFlight;
use super::throttle::Allowance;
use super::trouble::Trouble;
use super::world::World;
use crate::sandbox::authority::Authority;
use crate::sandbox::clock::Clock;
use crate::sandbox::flavour::{Flavour, SMART};
use crate::sandbox::outcome::{Refusal, fhir};
use crate::sandbox::scope::Grant;
use crate::sandbox::token::bearer;

/// How clients prove who they are: by signed assertion or by secret.
const ADMISSION: Flavour = Flavour {
    name: "destination",
    secrets: true,
    ..SMART
};

/// One running server's state.
#[derive(Debug)]
pub(super) struct Site {
    pub config: DestinationConfig,
    pub base_url: String,
    pub trouble: Trouble,
    pub authority: Arc<Authority>,
    pub in_flight: InFlight,
    world: Mutex<World>,
    stats: Mutex<DestinationStats>,
    imports: Mutex<Vec<Import>>,
    pub requests: Allowance,
    pub points: Allowance,
    /// Versions that were there from the start.
    preloaded: usize,
}

impl Site {
    pub(super) fn new(config: DestinationConfig, origin: &str) -> Self {
        let base_url = format!("{origin}{}", config.manners.base_path);
        let mut authority = Authority::new(&ADMISSION, origin, Clock::default(), &config.clients);
        authority.open = config.open;
        authority.token_lifetime = config.token_lifetime;
        let mut world = World::new(config.manners, base_url.clone(), config.seed);
        if let Some(dataset) = &config.dataset {
            for (kind, count) in dataset.types() {
                for line in dataset.lines(&kind, 0..count) {
                    world.preload(&kind, &line);
                }
            }
        }
        Self {
            trouble: Trouble::new(config.faults.clone()),
            authority: Arc::new(authority),
            in_flight: InFlight::default(),
            preloaded: world.records.mark(),
            world: Mutex::new(world),
            stats: Mutex::default(),
            imports: Mutex::default(),
            requests: Allowance::new(config.manners.requests, config.window),
            points: Allowance::new(config.manners.points, config.window),
            base_url,
            config,
        }
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn imports(&self) -> MutexGuard<'_, Vec<Import>> {
        self.imports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn count(&self) -> MutexGuard<'_, DestinationStats> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn stats(&self) -> DestinationStats {
        DestinationStats {
            struck: self.trouble.struck(),
            collisions: self.in_flight.collisions(),
            tokens_issued: self.authority.stats.edit().tokens_issued,
            ..self.count().clone()
        }
    }

    pub(super) fn content(&self) -> Content {
        let world = self.world();
        let (mut records, mut versions) = (BTreeMap::new(), BTreeMap::new());
        for (kind, id, held) in world.records.all() {
            let name = format!("{kind}/{id}");
            if let Some(resource) = held.last().and_then(|version| version.resource.as_ref()) {
                records.insert(name.clone(), Value::clone(resource));
            }
            versions.insert(name, held.len());
        }
        Content {
            records,
            versions,
            versions_written: world.records.mark() - self.preloaded,
        }
    }

    /// What the bearer of a request may do.
    pub(super) fn admit(&self, headers: &HeaderMap) -> Result<Grant, Refusal> {
        if let Some(token) = bearer(headers).filter(|_| self.trouble.expires_token()) {
            self.authority.tokens.revoke(token);
        }
        self.authority.authorize(headers)
    }

    /// What can be read without a token.
    pub(super) fn discover(&self, path: &str) -> Option<Response> {
        let below = path.strip_prefix(self.config.manners.base_path)?;
        match below {
            "/metadata" => {
                self.count().metadata += 1;
                let security = (!self.config.open).then(|| self.authority.security());
                let statement = capability::statement(&self.config.manners, &self.base_url, security);
                Some(fhir(StatusCode::OK, &statement))
            }
            "/.well-known/smart-configuration" => {
                let scopes = ["system/*.cruds", "system/*.read", "system/*.write"].map(str::to_owned);
                Some(Json(self.authority.configuration(&self.base_url, &scopes)).into_response())
            }
            _ => None,
        }
    }
}
