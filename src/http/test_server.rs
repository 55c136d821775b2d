//! A small server that misbehaves as a test tells it to.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, Response};
use url::Url;

use super::{Http, HttpEvent, HttpSettings, JumpingClock, Observer};

/// A request as it arrived.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// How many came before, to this server.
    pub(crate) before: usize,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

type Script = dyn Fn(&Seen) -> Response<Body> + Send + Sync;

#[derive(Clone)]
struct Stage {
    script: Arc<Script>,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// A server on loopback that answers by a script and remembers what it was asked.
pub(crate) struct TestServer {
    pub(crate) url: Url,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl TestServer {
    pub(crate) async fn start(
        script: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap())
            .parse()
            .unwrap();
        let stage = Stage {
            script: Arc::new(script),
            seen: Arc::default(),
        };
        let seen = Arc::clone(&stage.seen);
        let app = axum::Router::new().fallback(play).with_state(stage);
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, seen }
    }

    pub(crate) fn at(&self, path: &str) -> Url {
        self.url.join(path).unwrap()
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

async fn play(State(stage): State<Stage>, request: Request) -> Result<Response<Body>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let seen = {
        let mut all = stage.seen.lock().unwrap();
        let target = parts.uri.path_and_query().unwrap().to_string();
        let seen = Seen {
            method: parts.method,
            target,
            headers: parts.headers,
            body,
            before: all.len(),
        };
        all.push(seen.clone());
        seen
    };
    Ok((stage.script)(&seen))
}

/// An answer with headers.
pub(crate) fn answer(
    status: u16,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> Response<Body> {
    let mut builder = Response::builder().status(status);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(body.into()).unwrap()
}

/// A body that breaks off after these bytes.
pub(crate) fn cut(bytes: &[u8]) -> Body {
    let chunk = Ok(Bytes::copy_from_slice(bytes));
    let end = Err(std::io::Error::other("cut"));
    // The pause lets the server write the chunk before it notices the end.
    Body::from_stream(futures_util::stream::unfold(
        vec![end, chunk],
        |mut left| async move {
            tokio::task::yield_now().await;
            left.pop().map(|next| (next, left))
        },
    ))
}

/// Remembers every event.
#[derive(Default, Clone)]
pub(crate) struct Watcher(pub(crate) Arc<Mutex<Vec<HttpEvent>>>);

impl Observer for Watcher {
    fn request_ended(&self, event: HttpEvent) {
        self.0.lock().unwrap().push(event);
    }
}

/// A client whose waits take no time.
pub(crate) fn quick_http() -> (Http, Arc<JumpingClock>, Watcher) {
    let (clock, watcher) = (
        Arc::new(JumpingClock::at(SystemTime::now())),
        Watcher::default(),
    );
    let http = Http::with(
        &HttpSettings::default(),
        clock.clone(),
        Arc::new(watcher.clone()),
    )
    .unwrap();
    (http, clock, watcher)
}
