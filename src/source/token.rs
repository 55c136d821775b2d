//! The token of a session: got once for everybody, renewed ahead of time.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex as StdMutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use super::scope::not_granted;
use super::token_error::{SKEW_THAT_MATTERS, TokenError};
use super::token_request::{Granted, TokenSettings};
use crate::http::{Attempts, Http, HttpError, Secret};

/// The largest answer of a token server that is read.
const ANSWER_LIMIT: usize = 256 * 1024;
/// A token is renewed this long before its end, or a tenth of its life if that is longer.
const AHEAD: Duration = Duration::from_secs(30);

/// A token that was valid when it was handed out.
#[derive(Debug, Clone)]
pub struct Bearer {
    secret: Secret,
    number: u64,
}

impl Bearer {
    /// The token itself, for the `Authorization` header.
    pub fn secret(&self) -> &Secret {
        &self.secret
    }
}

/// Hands out a valid token to all workers: one request at a time, whoever waits gets its result.
pub struct TokenSource {
    http: Http,
    settings: TokenSettings,
    state: Mutex<State>,
    /// Tokens up to this number were refused by a resource server.
    refused: AtomicU64,
    /// Requests finished, well or badly; tells who waited through one from who came later.
    finished: AtomicU64,
    /// The token server goes by another clock than ours, and took an assertion only by that one.
    by_their_clock: AtomicBool,
    scope: StdMutex<Option<String>>,
}

#[derive(Default)]
struct State {
    current: Option<Current>,
    failure: Option<TokenError>,
    number: u64,
}

struct Current {
    bearer: Bearer,
    until: Duration,
    renew_at: Duration,
}

impl TokenSource {
    /// A source that has not asked yet.
    pub fn new(http: Http, settings: TokenSettings) -> Self {
        Self {
            http,
            settings,
            state: Mutex::default(),
            refused: AtomicU64::new(0),
            finished: AtomicU64::new(0),
            by_their_clock: AtomicBool::new(false),
            scope: StdMutex::default(),
        }
    }

    /// A token that is valid for a while yet; asks for one if there is none.
    pub async fn bearer(&self, cancel: &CancellationToken) -> Result<Bearer, TokenError> {
        let finished_before = self.finished.load(Ordering::Acquire);
        let mut state = tokio::select! {
            state = self.state.lock() => state,
            () = cancel.cancelled() => return Err(HttpError::Cancelled.into()),
        };
        if let Some(current) = &state.current
            && current.bearer.number > self.refused.load(Ordering::Acquire)
            && self.http.clock().steady() < current.renew_at
        {
            return Ok(current.bearer.clone());
        }
        if let Some(failure) = &state.failure
            && self.finished.load(Ordering::Acquire) > finished_before
        {
            return Err(failure.clone());
        }
        let asked_at = self.http.clock().steady();
        let result = self.request(cancel).await;
        self.finished.fetch_add(1, Ordering::AcqRel);
        match result {
            Ok(granted) => {
                state.number += 1;
                let bearer = Bearer {
                    secret: granted.token,
                    number: state.number,
                };
                let ahead = AHEAD.max(granted.life / 10).min(granted.life / 2);
                state.current = Some(Current {
                    bearer: bearer.clone(),
                    until: asked_at + granted.life,
                    renew_at: asked_at + granted.life.saturating_sub(ahead),
                });
                state.failure = None;
                *self.scope.lock().unwrap_or_else(PoisonError::into_inner) = granted.scope;
                Ok(bearer)
            }
            Err(error) => {
                state.current = None;
                // One worker's stop is no answer for the others.
                state.failure = (error != TokenError::Http(HttpError::Cancelled)).then(|| error.clone());
                Err(error)
            }
        }
    }

    /// A resource server said 401 to this token: the next [`Self::bearer`] asks for a new one, once for all who say so.
    pub fn invalidate(&self, bearer: &Bearer) {
        self.refused.fetch_max(bearer.number, Ordering::AcqRel);
    }

    /// The scopes of the last token, if the server named them.
    pub fn granted_scope(&self) -> Option<String> {
        self.scope.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How long the last token is still valid; nothing while another one is being asked for, or where there is none.
    pub fn time_left(&self) -> Option<Duration> {
        let state = self.state.try_lock().ok()?;
        let until = state.current.as_ref()?.until;
        until.checked_sub(self.http.clock().steady())
    }

    /// The requested scopes that the last token lacks.
    pub fn not_granted(&self) -> Vec<String> {
        not_granted(&self.settings.scopes, self.granted_scope().as_deref())
    }

    /// What tokens are asked for with.
    pub fn settings(&self) -> &TokenSettings {
        &self.settings
    }

    async fn request(&self, cancel: &CancellationToken) -> Result<Granted, TokenError> {
        let mut attempts = Attempts::new(self.http.retry());
        loop {
            // Signing takes a millisecond; each attempt has an assertion of its own.
            let by_their_clock = self.by_their_clock.load(Ordering::Acquire);
            let call = self.settings.request(self.now(by_their_clock))?;
            let result = match self.http.send(&call, cancel).await {
                Ok(reply) => reply.settle(ANSWER_LIMIT, cancel).await,
                Err(error) => Err(error),
            };
            let error = match result {
                Ok(answer) => {
                    let skew = self.http.skew(&self.settings.endpoint);
                    let read = self.settings.read(&answer, skew);
                    let off = skew.is_some_and(|skew| skew.abs() >= SKEW_THAT_MATTERS);
                    match &read {
                        Err(TokenError::Refused { refusal, .. }) if off && refusal.signed && !by_their_clock => {
                            // The clocks disagree, and that alone is reason to refuse: once more, by theirs.
                            self.by_their_clock.store(true, Ordering::Release);
                            continue;
                        }
                        Err(TokenError::Refused { .. }) => {
                            self.by_their_clock.store(false, Ordering::Release);
                        }
                        _ => {}
                    }
                    return read;
                }
                Err(error) => error,
            };
            attempts.wait_after(&self.http, error, cancel).await?;
        }
    }

    fn now(&self, by_their_clock: bool) -> SystemTime {
        let ours = self.http.clock().wall();
        let skew = self
            .http
            .skew(&self.settings.endpoint)
            .filter(|_| by_their_clock)
            .unwrap_or_default();
        let shift = Duration::from_secs(skew.unsigned_abs());
        let theirs = if skew < 0 {
            ours.checked_sub(shift)
        } else {
            ours.checked_add(shift)
        };
        theirs.unwrap_or(ours)
    }
}

#[cfg(test)]
#[path = "token_error_tests.rs"]
mod error_tests;
#[cfg(test)]
#[path = "token_tests.rs"]
mod tests;
