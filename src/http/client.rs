//! The one HTTP client.

use std::collections::HashMap;
use std::error::Error;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, COOKIE, DATE, HeaderMap, LOCATION};
use tokio_util::sync::CancellationToken;
use url::{Origin, Url};

use super::reply::{Seen, asked_wait};
use super::{
    Answer, Attempts, Call, Clock, HttpError, HttpEvent, Observer, Pacer, Reply, Retry, SystemClock, TlsProblem,
    Unobserved, Waiting, check_transport, is_loopback, redact_url, same_origin,
};

/// Redirects followed for one call.
const MOST_REDIRECTS: usize = 5;

/// What can be chosen about the client.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// A PEM file with certificate authorities to be trusted besides the system's.
    pub extra_authorities: Option<PathBuf>,
    /// How long to wait for a connection.
    pub connect_timeout: Duration,
    /// How long to wait for the head of an answer, and then for each next piece of its body.
    pub idle_timeout: Duration,
    /// How stubborn to be.
    pub retry: Retry,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            extra_authorities: None,
            connect_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(120),
            retry: Retry::default(),
        }
    }
}

/// The client; cheap to clone, all clones share connections, pacers and what is known about clocks.
#[derive(Clone)]
pub struct Http {
    inner: Arc<Inner>,
    retry: Retry,
}

pub(super) struct Inner {
    outside: reqwest::Client,
    loopback: reqwest::Client,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Arc<dyn Observer>,
    pacers: Mutex<HashMap<Origin, Arc<Pacer>>>,
    skews: Mutex<HashMap<Origin, i64>>,
}

impl Http {
    /// A client with the machine's clock and nobody watching.
    pub fn new(settings: &HttpSettings) -> Result<Self, HttpError> {
        Self::with(settings, Arc::new(SystemClock::default()), Arc::new(Unobserved))
    }

    /// A client with a clock and an observer of the caller's choice.
    pub fn with(
        settings: &HttpSettings,
        clock: Arc<dyn Clock>,
        observer: Arc<dyn Observer>,
    ) -> Result<Self, HttpError> {
        Ok(Self {
            inner: Arc::new(Inner {
                outside: build(settings, false)?,
                loopback: build(settings, true)?,
                clock,
                observer,
                pacers: Mutex::default(),
                skews: Mutex::default(),
            }),
            retry: settings.retry,
        })
    }

    /// The clock that everything here goes by.
    pub fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    /// How stubborn this client is.
    pub fn retry(&self) -> Retry {
        self.retry
    }

    /// The same client with other stubbornness, such as little of it while a person waits.
    #[must_use]
    pub fn with_retry(mut self, retry: Retry) -> Self {
        self.retry = retry;
        self
    }

    /// Gives several hosts one budget of requests a minute, such as a FHIR server and its token server.
    pub fn share_budget(&self, urls: &[&Url], per_minute: NonZeroU32) {
        let pacer = Arc::new(Pacer::new(Some(per_minute)));
        let mut pacers = self.inner.pacers.lock().unwrap_or_else(PoisonError::into_inner);
        for url in urls {
            pacers.insert(url.origin(), Arc::clone(&pacer));
        }
    }

    /// How many requests may still be sent to this host in this minute; nothing if there is no budget.
    pub fn remaining(&self, url: &Url) -> Option<u32> {
        self.pacer(url).remaining(self.inner.clock.steady())
    }

    /// Seconds that the host's clock is ahead of ours (negative: behind), by the `Date` of its last answer.
    pub fn skew(&self, url: &Url) -> Option<i64> {
        self.inner
            .skews
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&url.origin())
            .copied()
    }

    /// Waits, unless stopped.
    pub async fn pause(&self, time: Duration, cancel: &CancellationToken) -> Result<(), HttpError> {
        tokio::select! {
            () = self.inner.clock.sleep(time) => Ok(()),
            () = cancel.cancelled() => Err(HttpError::Cancelled),
        }
    }

    /// Sends a call once, in its turn, and gives whatever the server answers. Redirects of a `GET` or `HEAD` are followed,
    /// without the token as soon as the origin changes, never from `https` to `http`; other methods are not sent on.
    pub async fn send(&self, call: &Call, cancel: &CancellationToken) -> Result<Reply, HttpError> {
        let mut call = call.clone();
        let asked = call.url.clone();
        let mut left_origin = false;
        for _ in 0..=MOST_REDIRECTS {
            let mut reply = self.send_once(&call, cancel).await?;
            let location = match reply.status {
                301 | 302 | 303 | 307 | 308 => reply.header(LOCATION),
                _ => None,
            };
            let Some(location) = location else {
                reply.left_origin = left_origin;
                return Ok(reply);
            };
            let next = next_hop(&call, location)?;
            if !same_origin(&next, &call.url) {
                left_origin = true;
                call.headers.remove(AUTHORIZATION);
                call.headers.remove(COOKIE);
            }
            call.url = next;
        }
        Err(HttpError::TooManyRedirects {
            url: redact_url(&asked),
            hops: MOST_REDIRECTS,
        })
    }

    /// Sends a call that is safe to repeat until there is an answer that is worth no retry, and reads its body. Statuses such
    /// as 404 come back as an answer; 429 and 5xx only as an error, when patience is at its end.
    pub async fn read(&self, call: &Call, limit: usize, cancel: &CancellationToken) -> Result<Answer, HttpError> {
        let mut attempts = Attempts::new(self.retry);
        loop {
            let result = match self.send(call, cancel).await {
                Ok(reply) => reply.settle(limit, cancel).await,
                Err(error) => Err(error),
            };
            match result {
                Ok(answer) => return Ok(answer),
                Err(error) => attempts.wait_after(self, error, cancel).await?,
            }
        }
    }

    async fn send_once(&self, call: &Call, cancel: &CancellationToken) -> Result<Reply, HttpError> {
        check_transport(&call.url)?;
        let inner = &self.inner;
        let pacer = self.pacer(&call.url);
        pacer.acquire(&*inner.clock, cancel).await?;

        let client = if is_loopback(&call.url) {
            &inner.loopback
        } else {
            &inner.outside
        };
        let mut request = reqwest::Request::new(call.method.clone(), call.url.clone());
        request.headers_mut().clone_from(&call.headers);
        *request.body_mut() = call.body.clone().map(Into::into);

        let event = HttpEvent {
            method: call.method.to_string(),
            url: redact_url(&call.url),
            status: None,
            duration: Duration::ZERO,
            bytes: 0,
        };
        let mut seen = Seen {
            inner: Arc::clone(inner),
            started: inner.clock.steady(),
            event,
        };
        let response = tokio::select! {
            response = client.execute(request) => response.map_err(|error| failure(&error, &call.url, Waiting::Answer, 0))?,
            () = cancel.cancelled() => return Err(HttpError::Cancelled),
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        seen.event.status = Some(status);
        self.note_clock(&call.url, &headers);
        if status == 429 {
            let asked = asked_wait(&headers, inner.clock.wall());
            pacer.throttled(inner.clock.steady(), asked.map(|asked| self.retry.asked(asked, 0.0)));
        }
        Ok(Reply {
            status,
            headers,
            url: call.url.clone(),
            left_origin: false,
            response,
            seen,
        })
    }

    fn pacer(&self, url: &Url) -> Arc<Pacer> {
        let mut pacers = self.inner.pacers.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(pacers.entry(url.origin()).or_default())
    }

    fn note_clock(&self, url: &Url, headers: &HeaderMap) {
        let date = headers
            .get(DATE)
            .and_then(|date| date.to_str().ok())
            .and_then(|date| httpdate::parse_http_date(date).ok());
        let Some(theirs) = date else { return };
        let seconds = |time: Duration| i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        let skew = match theirs.duration_since(self.inner.clock.wall()) {
            Ok(ahead) => seconds(ahead),
            Err(behind) => -seconds(behind.duration()),
        };
        self.inner
            .skews
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(url.origin(), skew);
    }
}

/// Where a redirect leads, if it may be followed.
fn next_hop(call: &Call, location: &str) -> Result<Url, HttpError> {
    let refused = |to: String, why| HttpError::RedirectRefused {
        url: redact_url(&call.url),
        to,
        why,
    };
    let Ok(next) = call.url.join(location) else {
        return Err(refused("an address that cannot be read".to_owned(), "it is not a URL"));
    };
    let to = redact_url(&next);
    if !matches!(call.method, Method::GET | Method::HEAD) {
        return Err(refused(
            to,
            "only a GET may be sent on, for the rest carries data or credentials",
        ));
    }
    if call.url.scheme() == "https" && next.scheme() != "https" || check_transport(&next).is_err() {
        return Err(refused(to, "it is not https"));
    }
    Ok(next)
}

fn build(settings: &HttpSettings, loopback: bool) -> Result<reqwest::Client, HttpError> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("cutover/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        // Repeating a request is decided by `Attempts` alone: an assertion must never be sent twice.
        .retry(reqwest::retry::never())
        .tls_version_min(reqwest::tls::Version::TLS_1_2)
        .connect_timeout(settings.connect_timeout)
        .read_timeout(settings.idle_timeout);
    if loopback {
        // What is meant for this machine must not go through a proxy, least of all in plain http.
        builder = builder.no_proxy();
    }
    if let Some(path) = &settings.extra_authorities {
        let failed = |reason: String| HttpError::Authorities {
            path: path.display().to_string(),
            reason,
        };
        let pem = std::fs::read(path).map_err(|error| failed(error.to_string()))?;
        let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| failed(innermost(&error)))?;
        if certificates.is_empty() {
            return Err(failed("there is no certificate in it".to_owned()));
        }
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(|error| {
        let path = settings
            .extra_authorities
            .as_ref()
            .map_or("the system's store".to_owned(), |path| path.display().to_string());
        HttpError::Authorities {
            path,
            reason: innermost(&error),
        }
    })
}

/// Names a failure of the client library; its own texts can hold a URL with a signature and are not passed on.
pub(super) fn failure(error: &reqwest::Error, url: &Url, waiting: Waiting, got: u64) -> HttpError {
    let host = match (url.host_str(), url.port_or_known_default()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        _ => redact_url(url),
    };
    let words = innermost(error);
    if error.is_timeout() {
        let waiting = if error.is_connect() {
            Waiting::Connection
        } else {
            waiting
        };
        HttpError::TimedOut { host, waiting }
    } else if let Some(problem) = TlsProblem::read(&words) {
        HttpError::Tls { host, problem }
    } else if error.is_dns() || words.contains("lookup address") {
        HttpError::Unreachable {
            host,
            reason: "its name is not known here".to_owned(),
        }
    } else if error.is_connect() {
        let reason = if words.contains("refused") {
            "connection refused".to_owned()
        } else {
            words
        };
        HttpError::Unreachable { host, reason }
    } else if error.is_builder() {
        HttpError::BadRequest { host, reason: words }
    } else {
        HttpError::Broken { host, got }
    }
}

/// The words of the innermost cause, which is the one that knows.
fn innermost(error: &dyn Error) -> String {
    let mut cause = error.source();
    let mut words = None;
    while let Some(inner) = cause {
        words = Some(inner.to_string());
        cause = inner.source();
    }
    words.unwrap_or_else(|| "no reason given".to_owned())
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
