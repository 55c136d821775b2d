//! A FHIR server that takes everything, keeps nothing, and answers as if it had: as fast as a server can be.

use axum::Router;
use axum::body::Bytes;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use cutover::sandbox::Dataset;
use cutover::sandbox::practice::Practice;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

/// A running one.
pub struct Sink {
    pub base: String,
    _runtime: Runtime,
}

#[derive(Deserialize)]
struct Bundle<'a> {
    #[serde(borrow)]
    entry: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(borrow)]
    request: Asked<'a>,
}

#[derive(Deserialize)]
struct Asked<'a> {
    method: &'a str,
    url: &'a str,
}

impl Sink {
    pub fn start() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let base = format!("http://{}/fhir", listener.local_addr().expect("an address"));
        let routes = Router::new()
            .route("/fhir", post(bundle))
            .route("/fhir/metadata", get(metadata))
            .route(
                "/fhir/{type}",
                get(|| async { fhir(&json!({ "resourceType": "Bundle", "total": 0 })) }),
            )
            .layer(axum::extract::DefaultBodyLimit::disable());
        runtime.spawn(async move { axum::serve(listener, routes).await });
        Self {
            base,
            _runtime: runtime,
        }
    }
}

fn fhir(body: &Value) -> impl IntoResponse + use<> {
    ([("content-type", "application/fhir+json")], body.to_string())
}

async fn metadata() -> impl IntoResponse {
    let types = Practice::new(10, 1).types().into_iter();
    let types = types.map(|(name, _)| {
        json!({ "type": name, "updateCreate": true, "conditionalCreate": true,
            "interaction": [{ "code": "create" }, { "code": "update" }, { "code": "read" }] })
    });
    let statement = json!({ "resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "software": { "name": "sink" },
        "rest": [{ "mode": "server", "interaction": [{ "code": "batch" }, { "code": "transaction" }], "resource": types.collect::<Vec<_>>() }] });
    fhir(&statement)
}

async fn bundle(body: Bytes) -> axum::response::Response {
    // Nothing is unpacked here: what comes gzipped is refused, as by a server that does not take it.
    let Ok(bundle) = serde_json::from_slice::<Bundle<'_>>(&body) else {
        return axum::http::StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    };
    let answers: Vec<Value> = bundle
        .entry
        .iter()
        .map(|entry| match entry.request.method {
            "GET" => json!({ "response": { "status": "404" } }),
            _ => json!({ "response": { "status": "201", "location": format!("{}/_history/1", entry.request.url), "etag": "W/\"1\"" } }),
        })
        .collect();
    fhir(&json!({ "resourceType": "Bundle", "type": "batch-response", "entry": answers })).into_response()
}
