//! An answer, while its body is still coming.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::client::{Inner, failure};
use super::error::retryable_status;
use super::{HttpError, HttpEvent, Outcome, RetryAfter, Waiting, redact_url};

/// As much of a failure's body as is read for its words.
const OUTCOME_LIMIT: usize = 64 * 1024;

/// The head of an answer and its body to come. When it is dropped, the observer is told.
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The URL that answered, after redirects.
    pub url: Url,
    /// True if a redirect led to another origin than the one asked; no token was sent there.
    pub left_origin: bool,
    pub(super) response: reqwest::Response,
    pub(super) seen: Seen,
}

/// An answer whose body is here.
#[derive(Clone)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The URL that answered, after redirects.
    pub url: Url,
    /// The body.
    pub body: Bytes,
    /// What `Retry-After` asked for, unclamped.
    pub retry_after: Option<Duration>,
}

/// Tells the observer about a request when it is over, however it ends.
pub(super) struct Seen {
    pub(super) inner: Arc<Inner>,
    pub(super) started: Duration,
    pub(super) event: HttpEvent,
}

impl Drop for Seen {
    fn drop(&mut self) {
        self.event.duration = self.inner.clock.steady().saturating_sub(self.started);
        self.inner.observer.request_ended(self.event.clone());
    }
}

impl Reply {
    /// A header as text; nothing if absent or not ASCII.
    pub fn header(&self, name: impl AsRef<str>) -> Option<&str> {
        self.headers.get(name.as_ref())?.to_str().ok()
    }

    /// What `Retry-After` asks for, unclamped.
    pub fn retry_after(&self) -> Option<Duration> {
        asked_wait(&self.headers, self.seen.inner.clock.wall())
    }

    /// The next piece of the body, or nothing at its end.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, HttpError> {
        match self.response.chunk().await {
            Ok(chunk) => {
                self.seen.event.bytes += chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
                Ok(chunk)
            }
            Err(error) => Err(failure(&error, &self.url, Waiting::Body, self.seen.event.bytes)),
        }
    }

    /// The whole body, if it is not longer than `limit` bytes.
    pub async fn read(mut self, limit: usize) -> Result<Answer, HttpError> {
        let stated = self
            .response
            .content_length()
            .and_then(|length| usize::try_from(length).ok());
        let mut body = BytesMut::with_capacity(stated.unwrap_or_default().min(limit));
        while let Some(chunk) = self.chunk().await? {
            if body.len() + chunk.len() > limit {
                return Err(HttpError::TooLarge {
                    url: redact_url(&self.url),
                    limit,
                });
            }
            body.extend_from_slice(&chunk);
        }
        Ok(self.with_body(body))
    }

    /// The answer with its body, or the failure that it is if the same call may succeed later (408, 429, 5xx).
    pub(crate) async fn settle(self, limit: usize, cancel: &CancellationToken) -> Result<Answer, HttpError> {
        let settled = async {
            if retryable_status(self.status) {
                Err(self.into_error(cancel).await)
            } else {
                self.read(limit).await
            }
        };
        tokio::select! {
            result = settled => result,
            () = cancel.cancelled() => Err(HttpError::Cancelled),
        }
    }

    /// As much of the body as comes, up to `limit` bytes: for when the head is what matters.
    pub async fn read_what_comes(mut self, limit: usize, cancel: &CancellationToken) -> Answer {
        let mut body = BytesMut::new();
        while body.len() < limit {
            let chunk = tokio::select! {
                chunk = self.chunk() => chunk,
                () = cancel.cancelled() => break,
            };
            let Ok(Some(chunk)) = chunk else { break };
            let room = limit - body.len();
            body.extend_from_slice(&chunk[..chunk.len().min(room)]);
        }
        self.with_body(body)
    }

    /// The failure that this answer is, with the server's words (read as far as they come).
    pub async fn into_error(self, cancel: &CancellationToken) -> HttpError {
        let answer = self.read_what_comes(OUTCOME_LIMIT, cancel).await;
        if cancel.is_cancelled() {
            HttpError::Cancelled
        } else {
            answer.to_error()
        }
    }

    fn with_body(self, body: BytesMut) -> Answer {
        let retry_after = self.retry_after();
        let Self {
            status, headers, url, ..
        } = self;
        Answer {
            status,
            headers,
            url,
            body: body.freeze(),
            retry_after,
        }
    }
}

/// Without the body, which can be a record or a token.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("url", &redact_url(&self.url))
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

impl Answer {
    /// A header as text; nothing if absent or not ASCII.
    pub fn header(&self, name: impl AsRef<str>) -> Option<&str> {
        self.headers.get(name.as_ref())?.to_str().ok()
    }

    /// True for 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The server's words in the body.
    pub fn outcome(&self) -> Outcome {
        Outcome::read(&self.body[..self.body.len().min(OUTCOME_LIMIT)])
    }

    /// This answer as a failure.
    pub fn to_error(&self) -> HttpError {
        HttpError::Status {
            status: self.status,
            url: redact_url(&self.url),
            outcome: self.outcome().text,
            retry_after: self.retry_after,
        }
    }
}

pub(super) fn asked_wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    RetryAfter::parse(headers.get(RETRY_AFTER)?.to_str().ok()?, now).map(|wish| wish.asked)
}
