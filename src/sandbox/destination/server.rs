//! Starting and stopping a destination.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::any;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::config::DestinationConfig;
use super::content::{Content, DestinationStats};
use super::handle::handle;
use super::site::Site;
use super::wire::{Cutter, Wires};
use crate::sandbox::client::Client;
use crate::sandbox::server::SandboxError;

/// A destination that is running; dropping it stops it.
#[derive(Debug)]
pub struct RunningDestination {
    /// The FHIR base.
    pub base_url: String,
    /// The token endpoint.
    pub token_url: String,
    /// Where clients register.
    pub registration_url: String,
    site: Arc<Site>,
    stop: CancellationToken,
    runtime: Option<Runtime>,
}

/// The way to start a simulated destination: a FHIR R4 server in memory that is written to.
#[derive(Debug)]
pub struct Destination;

impl Destination {
    /// Starts a server on the current tokio runtime.
    pub async fn start(config: DestinationConfig) -> Result<RunningDestination, SandboxError> {
        let port = config.port;
        let failed = |source| SandboxError::Listen { port, source };
        let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(failed)?;
        let base_path = config.manners.base_path;
        let origin = format!("http://{}", listener.local_addr()?);
        let site = Arc::new(Site::new(config, &origin));
        let mut routes = Router::new();
        if let Some(beside) = site.import_beside_base() {
            routes = routes
                .route(&beside, any(handle))
                .route("/v1/operations/{number}", any(handle));
        }
        let routes = routes
            .route(base_path, any(handle))
            .route(&format!("{base_path}/"), any(handle))
            .route(&format!("{base_path}/{{*path}}"), any(handle))
            .with_state(site.clone())
            .merge(site.authority.routes())
            .into_make_service_with_connect_info::<Cutter>();
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(async move {
            axum::serve(Wires(listener), routes)
                .with_graceful_shutdown(stopped)
                .await
        });
        Ok(RunningDestination {
            base_url: site.base_url.clone(),
            token_url: site.authority.token_url.clone(),
            registration_url: site.authority.registration_url(),
            site,
            stop,
            runtime: None,
        })
    }

    /// Starts a server on threads of its own, for callers outside tokio.
    pub fn launch(config: DestinationConfig) -> Result<RunningDestination, SandboxError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let mut running = runtime.block_on(Self::start(config))?;
        running.runtime = Some(runtime);
        Ok(running)
    }

    /// Serves until SIGTERM or ctrl-c, after printing one JSON line on standard output with all that a client needs.
    pub fn run(mut config: DestinationConfig) -> Result<(), SandboxError> {
        if config.clients.is_empty() && !config.open {
            config.clients.push(Client::with_secret("sandbox-client")?);
        }
        let running = Self::launch(config)?;
        writeln!(io::stdout().lock(), "{}", running.description())?;
        let Some(runtime) = &running.runtime else {
            return Ok(());
        };
        runtime.block_on(crate::sandbox::server::until_told())?;
        Ok(())
    }
}

impl RunningDestination {
    /// What a client needs, as one JSON object; holds the simulated client's secret, if it has one.
    pub fn description(&self) -> Value {
        let config = &self.site.config;
        let client = config.clients.first();
        json!({
            "base_url": self.base_url,
            "token_url": self.token_url,
            "registration_url": self.registration_url,
            "client_id": client.map(|client| &client.id),
            "client_secret": client.and_then(|client| client.secret.as_ref()),
            "open": config.open,
            "destination": config.manners.name,
            "seed": config.seed,
            "records": self.content().records.len(),
            "faults": config.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
        })
    }

    /// All that it holds now.
    pub fn content(&self) -> Content {
        self.site.content()
    }

    /// What clients asked for so far.
    pub fn stats(&self) -> DestinationStats {
        self.site.stats()
    }

    /// Blocks until faults have struck more than `times` in all; false when they did not within that time.
    pub fn until_struck(&self, times: u64, within: Duration) -> bool {
        self.site.trouble.until_struck(times, within)
    }

    /// From now on nothing goes wrong.
    pub fn calm(&self) {
        self.troubled(false);
    }

    /// Whether the faults strike from now on; they do from the start.
    pub fn troubled(&self, troubled: bool) {
        self.site.trouble.troubled(troubled);
    }

    /// Registers one more client.
    pub fn register(&self, client: Client) {
        self.site.authority.clients.add(client);
    }

    /// Ends the life of every access token, as if their time were over.
    pub fn expire_tokens(&self) {
        self.site.authority.tokens.revoke_all();
    }

    /// Writes a record past all manners, faults and allowances, as another user of the server would; false when it has no type
    /// and id.
    pub fn edit(&self, resource: &Value) -> bool {
        self.site.world().edit(resource)
    }
}

impl Drop for RunningDestination {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
