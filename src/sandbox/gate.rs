//! What every request passes first: counting, the rate limit, and the server's date.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::ehr::Ehr;
use super::fault::Fault;
use super::outcome::Refusal;

/// The rate limit's state, and how far the bursts have come.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    window: Mutex<Option<(Instant, u32)>>,
    polls: AtomicU64,
    files: AtomicU64,
}

/// Which requests of a burst are counted together.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Burst {
    Polls,
    Files,
}

impl Gate {
    /// Whether one more request is within `limit` requests a window.
    fn admits(&self, limit: u32, length: Duration, now: Instant) -> bool {
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let (start, count) = window
            .filter(|(start, _)| now.duration_since(*start) < length)
            .unwrap_or((now, 0));
        *window = Some((start, count.saturating_add(1)));
        count < limit
    }
}

impl Ehr {
    /// The answer of a burst fault, while the burst lasts.
    pub(crate) fn burst(&self, burst: Burst) -> Option<Response> {
        let so_far = match burst {
            Burst::Polls => &self.gate.polls,
            Burst::Files => &self.gate.files,
        };
        let pick = |fault: &Fault| match fault {
            Fault::Burst429(requests) => Some((StatusCode::TOO_MANY_REQUESTS, *requests)),
            Fault::Burst503(requests) => Some((StatusCode::SERVICE_UNAVAILABLE, *requests)),
            _ => None,
        };
        let (status, requests) = self.find(pick)?;
        if so_far.fetch_add(1, Ordering::Relaxed) >= requests {
            return None;
        }
        let mut response = if status == StatusCode::TOO_MANY_REQUESTS {
            Refusal::new(429, "throttled", "Too many requests.").into_response()
        } else {
            (
                status,
                [(header::CONTENT_TYPE, "text/html")],
                "<html><body>Service Unavailable</body></html>",
            )
                .into_response()
        };
        self.add_retry_after(&mut response);
        Some(response)
    }

    /// Puts the configured `Retry-After` on a response.
    pub(crate) fn add_retry_after(&self, response: &mut Response) {
        let value = self
            .config
            .retry_after
            .and_then(|seconds| HeaderValue::try_from(self.retry_after(seconds)).ok());
        if let Some(value) = value {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
    }
}

/// The middleware of the first origin.
pub(crate) async fn pass(State(ehr): State<Arc<Ehr>>, request: Request, next: Next) -> Response {
    if request.uri().path().starts_with("/_") {
        return next.run(request).await;
    }
    ehr.stats.edit().requests += 1;
    let limit = ehr.config.rate_limit.unwrap_or(ehr.config.flavour.requests_per_minute);
    let length = Duration::from_secs(ehr.config.rate_window);
    let mut response = if limit.is_none_or(|limit| ehr.gate.admits(limit, length, Instant::now())) {
        next.run(request).await
    } else {
        ehr.stats.edit().rate_limited += 1;
        // Without Retry-After, as eClinicalWorks does it.
        Refusal::new(429, "throttled", "The limit of requests per minute is exceeded.").into_response()
    };
    if let Ok(date) = HeaderValue::try_from(ehr.clock.http_date(0)) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}

/// The middleware of the second origin: notes every Authorization header that should not have come here.
pub(crate) async fn pass_second(State(ehr): State<Arc<Ehr>>, request: Request, next: Next) -> Response {
    if request.headers().contains_key(header::AUTHORIZATION) {
        ehr.stats.edit().authorization_on_second_origin += 1;
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_the_limit_the_rest_of_the_minute_is_closed() {
        let (gate, start, minute) = (Gate::default(), Instant::now(), Duration::from_secs(60));
        assert!(gate.admits(2, minute, start));
        assert!(gate.admits(2, minute, start + Duration::from_secs(1)));
        assert!(!gate.admits(2, minute, start + Duration::from_secs(2)));
        assert!(!gate.admits(2, minute, start + Duration::from_secs(59)));
        assert!(gate.admits(2, minute, start + Duration::from_secs(60)));
    }
}
