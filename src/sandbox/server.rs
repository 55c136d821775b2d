//! Starting and stopping the simulated EHR.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use axum::{Json, Router, middleware};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::client::Client;
use super::config::SandboxConfig;
use super::ehr::Ehr;
use super::outcome::Refusal;
use super::stats::Stats;
use super::{export, file, gate, rest, smart};

/// Why the sandbox could not start or go on.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The port is not to be had.
    #[error("The sandbox cannot listen on 127.0.0.1:{port}: {source}.")]
    Listen {
        /// The port asked for.
        port: u16,
        /// The operating system's reason.
        source: io::Error,
    },
    /// Threads, randomness or the output failed.
    #[error("The sandbox cannot run: {0}.")]
    System(#[from] io::Error),
}

impl SandboxError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Listen { .. } => Some("Choose another port with --port, or 0 for any free one.".to_owned()),
            Self::System(_) => None,
        }
    }
}

/// A server that is running; dropping it stops it.
#[derive(Debug)]
pub struct RunningSandbox {
    /// The FHIR base.
    pub base_url: String,
    /// The token endpoint.
    pub token_url: String,
    /// Where clients register.
    pub registration_url: String,
    /// Origin of the second listener.
    pub second_origin_url: String,
    ehr: Arc<Ehr>,
    stop: CancellationToken,
    runtime: Option<Runtime>,
}

/// The way to start a simulated EHR.
#[derive(Debug)]
pub struct Sandbox;

impl Sandbox {
    /// Starts a server on the current tokio runtime.
    pub async fn start(config: SandboxConfig) -> Result<RunningSandbox, SandboxError> {
        let port = config.port;
        let failed = |source| SandboxError::Listen { port, source };
        let first = TcpListener::bind(("127.0.0.1", port)).await.map_err(failed)?;
        let second = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let origin = format!("http://{}", first.local_addr()?);
        let ehr = Arc::new(Ehr::new(config, origin, format!("http://{}", second.local_addr()?)));
        let stop = CancellationToken::new();
        let second_routes = Router::new()
            .route("/files/{job}/{name}", get(file::download_second))
            .layer(middleware::from_fn_with_state(ehr.clone(), gate::pass_second))
            .with_state(ehr.clone());
        for (listener, routes) in [(first, routes(&ehr)), (second, second_routes)] {
            let listener = listener.tap_io(|stream| {
                // Small answers would otherwise wait for the acknowledgement of the one before.
                let _ = stream.set_nodelay(true);
            });
            let stopped = stop.clone().cancelled_owned();
            tokio::spawn(async move { axum::serve(listener, routes).with_graceful_shutdown(stopped).await });
        }
        Ok(RunningSandbox {
            base_url: ehr.base_url.clone(),
            token_url: ehr.authority.token_url.clone(),
            registration_url: ehr.authority.registration_url(),
            second_origin_url: ehr.second_origin.clone(),
            ehr,
            stop,
            runtime: None,
        })
    }

    /// Starts a server on threads of its own, for callers outside tokio.
    pub fn launch(config: SandboxConfig) -> Result<RunningSandbox, SandboxError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let mut running = runtime.block_on(Self::start(config))?;
        running.runtime = Some(runtime);
        Ok(running)
    }

    /// Serves until SIGTERM or ctrl-c, after printing one JSON line on standard output with all that a client needs.
    pub fn run(mut config: SandboxConfig) -> Result<(), SandboxError> {
        if config.clients.is_empty() && config.flavour.secrets && !config.open {
            config.clients.push(Client::with_secret("sandbox-client")?);
        }
        let running = Self::launch(config)?;
        writeln!(io::stdout().lock(), "{}", running.description())?;
        let Some(runtime) = &running.runtime else {
            return Ok(());
        };
        runtime.block_on(until_told())?;
        Ok(())
    }
}

/// Waits for SIGTERM or ctrl-c.
pub(crate) async fn until_told() -> io::Result<()> {
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => outcome,
        _ = terminate.recv() => Ok(()),
    }
}

impl RunningSandbox {
    /// What a client needs, as one JSON object; holds the simulated client's secret, if it has one.
    pub fn description(&self) -> Value {
        let config = &self.ehr.config;
        let client = config.clients.first();
        json!({
            "base_url": self.base_url,
            "token_url": self.token_url,
            "registration_url": self.registration_url,
            "jwks": format!("POST {{\"client_name\", \"jwks\" or \"jwks_uri\", \"scope\"}} to {}; the answer holds client_id", self.registration_url),
            "client_id": client.map(|client| &client.id),
            "client_secret": client.and_then(|client| client.secret.as_ref()),
            "groups": config.dataset.groups().into_iter().map(|group| json!({ "id": group.id, "name": group.name })).collect::<Vec<_>>(),
            "types": config.dataset.types().into_iter().collect::<BTreeMap<_, _>>(),
            "flavour": config.flavour.name,
            "open": config.open,
            "patients": config.patients,
            "seed": config.seed,
            "faults": config.faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "second_origin_url": self.second_origin_url,
        })
    }

    /// What clients did so far.
    pub fn stats(&self) -> Stats {
        stats_of(&self.ehr)
    }

    /// What each fault struck in the latest export: resources as `Type/id`, by name of the fault.
    pub fn affected(&self) -> BTreeMap<String, Vec<String>> {
        self.ehr.stats.edit().affected.clone()
    }

    /// Registers one more client.
    pub fn register(&self, client: Client) {
        self.ehr.authority.clients.add(client);
    }

    /// From now on nothing goes wrong with answers; what is in the files of exports under way stays as it is.
    pub fn calm(&self) {
        self.ehr.calm.store(true, std::sync::atomic::Ordering::Release);
    }

    /// Ends the life of every access token, as if their time were over.
    pub fn expire_tokens(&self) {
        self.ehr.authority.tokens.revoke_all();
    }
}

impl Drop for RunningSandbox {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The answer to a path that does not exist, in the manner of the flavour.
pub(crate) fn unknown_path(ehr: &Ehr) -> Response {
    if ehr.config.flavour.empty_unknown_paths {
        StatusCode::OK.into_response()
    } else {
        Refusal::new(404, "not-found", "There is nothing at this address.").into_response()
    }
}

fn routes(ehr: &Arc<Ehr>) -> Router {
    let fhir = Router::new()
        .route("/.well-known/smart-configuration", get(smart::configuration))
        .route("/metadata", get(smart::metadata))
        .route("/$export", get(export::system).post(export::system))
        .route("/Patient/$export", get(export::patients).post(export::patients))
        .route("/Group/{id}/$export", get(export::group).post(export::group))
        .route(
            "/$export-status/{id}",
            get(export::status_by_path).delete(export::delete_by_path),
        )
        .route(
            "/$export-poll-location",
            get(export::status_by_query).delete(export::delete_by_query),
        )
        .route("/{type}", get(rest::search))
        .route("/{type}/{id}", get(rest::read));
    Router::new()
        .nest(ehr.config.flavour.base_path, fhir)
        .route("/files/{job}/{name}", get(file::download))
        .route(
            "/_stats",
            get(|State(ehr): State<Arc<Ehr>>| async move { Json(stats_of(&ehr)) }),
        )
        .route("/_leaks", get(leaks))
        .fallback(|State(ehr): State<Arc<Ehr>>| async move { unknown_path(&ehr) })
        .with_state(ehr.clone())
        .merge(ehr.authority.routes())
        .layer(middleware::from_fn_with_state(ehr.clone(), gate::pass))
}

fn stats_of(ehr: &Ehr) -> Stats {
    let mut stats = ehr.stats.edit().clone();
    stats.live_jobs = ehr.jobs.count();
    stats
}

async fn leaks(State(ehr): State<Arc<Ehr>>) -> Json<Value> {
    Json(json!({ "authorization_on_second_origin": ehr.stats.edit().authorization_on_second_origin }))
}
