//! Asking how an export goes (Bulk Data, Status Request).

use std::time::{Duration, SystemTime};

use reqwest::header::EXPIRES;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::manifest::{Manifest, ManifestError};
use super::session::{Session, SessionError, TokenUse};
use crate::http::{Answer, Call, HttpError, Retry};

/// The largest manifest that is read: a hundred thousand files have room in it.
const MANIFEST_LIMIT: usize = 64 * 1024 * 1024;
/// The longest progress text that is passed on, in characters.
const PROGRESS_LIMIT: usize = 100;

/// What one status request told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PollReply {
    /// The job runs.
    InProgress {
        /// `X-Progress`: free text, only to be shown.
        progress: Option<String>,
        /// What `Retry-After` asked for, unclamped.
        retry_after: Option<Duration>,
        /// Files that are there already.
        partial: Option<Box<Manifest>>,
    },
    /// The job is done.
    Complete(Box<Manifest>),
    /// This request failed, the job probably did not: ask again.
    Transient {
        /// Why, in one sentence.
        reason: String,
        /// What `Retry-After` asked for, unclamped.
        retry_after: Option<Duration>,
    },
    /// Asked too often (429).
    Throttled {
        /// What `Retry-After` asked for, unclamped.
        retry_after: Option<Duration>,
    },
    /// Nobody knows this job (404, 410): expired, deleted, or never there.
    Gone {
        /// The server's words; may be empty.
        words: String,
    },
    /// The job has failed.
    Failed {
        /// The status: that of the job if it is told separately.
        status: u16,
        /// The server's words; may be empty.
        words: String,
    },
}

/// A status request that could not be made, or whose answer makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PollError {
    /// The request could not be made.
    #[error(transparent)]
    Session(#[from] SessionError),
    /// The answer said "complete", but was no manifest.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Not let in, even with a new token.
    #[error("the EHR does not let us ask for the export's status ({status})")]
    NotAllowed {
        /// 401 or 403.
        status: u16,
        /// True if the status URL is on another origin than the EHR, so that no token was sent.
        withheld: bool,
    },
}

impl PollError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Session(error) => error.hint(),
            Self::Manifest(error) => error.hint(),
            Self::NotAllowed { withheld: true, .. } => Some(
                "the status URL is on another host than the EHR, so the token was kept back; trust that host explicitly if the EHR's operators confirm it".to_owned(),
            ),
            Self::NotAllowed { .. } => Some("check the granted scopes and that the app is still activated".to_owned()),
        }
    }
}

/// Asks once. `separate_status` as the kickoff's reply had it. Works for the next pages of a manifest as well.
pub async fn poll_once(
    session: &Session,
    status_url: &Url,
    separate_status: bool,
    cancel: &CancellationToken,
) -> Result<PollReply, PollError> {
    let call = Call::get(status_url.clone()).accept("application/json");
    let asked = async {
        let reply = session.send(&call, TokenUse::Allowed, cancel).await?;
        Ok::<_, SessionError>(reply.read(MANIFEST_LIMIT).await?)
    };
    let result = tokio::select! {
        result = asked => result,
        () = cancel.cancelled() => Err(HttpError::Cancelled.into()),
    };
    match result {
        Ok(answer) => interpret(session, status_url, separate_status, &answer),
        Err(error) if error.is_retryable() => Ok(PollReply::Transient {
            reason: error.to_string(),
            retry_after: None,
        }),
        Err(error) => Err(error.into()),
    }
}

fn interpret(
    session: &Session,
    status_url: &Url,
    separate_status: bool,
    answer: &Answer,
) -> Result<PollReply, PollError> {
    let retry_after = answer.retry_after;
    let told = answer
        .header("x-export-status")
        .and_then(|status| status.trim().parse::<u16>().ok());
    // Told separately, the HTTP status speaks of this request only, and anything but 200 says nothing about the job.
    let about_job = !separate_status || answer.status == 200;
    let status = told.filter(|_| separate_status && about_job).unwrap_or(answer.status);
    let read = || {
        let mut manifest = Manifest::parse(&answer.body, &|address| session.resolve(status_url, address))?;
        manifest.expires = expiry(answer);
        Ok::<_, ManifestError>(Box::new(manifest))
    };
    let outcome = answer.outcome();
    Ok(match status {
        202 => PollReply::InProgress {
            progress: progress(answer),
            retry_after,
            partial: read().ok(),
        },
        200 => PollReply::Complete(read()?),
        429 => PollReply::Throttled { retry_after },
        401 | 403 if answer.status == status => {
            return Err(PollError::NotAllowed {
                status,
                withheld: !session.may_carry_token(status_url),
            });
        }
        404 | 410 => PollReply::Gone { words: outcome.text },
        // A gateway's page says nothing about the job; only FHIR words do.
        _ if !about_job || outcome.is_transient() || status == 408 || status >= 500 && outcome.issues.is_empty() => {
            PollReply::Transient {
                reason: answer.to_error().to_string(),
                retry_after,
            }
        }
        status => PollReply::Failed {
            status,
            words: outcome.text,
        },
    })
}

fn progress(answer: &Answer) -> Option<String> {
    let value = answer.headers.get("x-progress")?;
    let text: String = String::from_utf8_lossy(value.as_bytes())
        .chars()
        .filter(|c| !c.is_control())
        .take(PROGRESS_LIMIT)
        .collect();
    (!text.trim().is_empty()).then(|| text.trim().to_owned())
}

fn expiry(answer: &Answer) -> Option<SystemTime> {
    httpdate::parse_http_date(answer.header(EXPIRES)?).ok()
}

/// When to ask next; pure, the caller waits.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// No wait is shorter.
    floor: Duration,
    /// No wait is longer, whatever the server asks for.
    ceiling: Duration,
    asked_in_row: u32,
    transients: u32,
}

impl Schedule {
    /// Failed requests in a row after which the job must be given up.
    const MOST_TRANSIENTS: u32 = 20;

    /// A schedule between two waits: the first when the server names none, and the longest.
    pub fn new(floor: Duration, ceiling: Duration) -> Self {
        let floor = floor.max(Duration::from_secs(1));
        Self {
            floor,
            ceiling: ceiling.max(floor),
            asked_in_row: 0,
            transients: 0,
        }
    }

    /// The wait after this reply, with jitter from `random` in [0, 1); nothing if there is no use in asking again.
    pub fn next(&mut self, reply: &PollReply, random: f64) -> Option<Duration> {
        let retry_after = match reply {
            PollReply::InProgress { retry_after, .. } | PollReply::Throttled { retry_after } => {
                self.transients = 0;
                retry_after
            }
            PollReply::Transient { retry_after, .. } => {
                self.transients += 1;
                retry_after
            }
            PollReply::Complete(_) | PollReply::Gone { .. } | PollReply::Failed { .. } => {
                return None;
            }
        };
        if self.transients >= Self::MOST_TRANSIENTS {
            return None;
        }
        if let Some(asked) = retry_after {
            self.asked_in_row = 0;
            let retry = Retry {
                longest_asked: self.ceiling,
                ..Retry::default()
            };
            return Some(retry.asked(*asked, random));
        }
        let doubled = self
            .floor
            .saturating_mul(1_u32.checked_shl(self.asked_in_row).unwrap_or(u32::MAX));
        self.asked_in_row = self.asked_in_row.saturating_add(1);
        // A status request wants to be spread, not hurried: never less than half the wait, never less than the floor.
        Some(
            doubled
                .min(self.ceiling)
                .mul_f64(0.5 + random.clamp(0.0, 1.0) / 2.0)
                .max(self.floor),
        )
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::new(Duration::from_secs(5), Duration::from_secs(300))
    }
}

#[cfg(test)]
#[path = "poll_tests.rs"]
mod tests;
