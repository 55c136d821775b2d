//! Whether a failed call is made again, and when.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Http, HttpError, RetryAfter};

/// How stubborn to be.
#[derive(Debug, Clone, Copy)]
pub struct Retry {
    /// Failures in a row, without progress between them, after which to give up.
    pub failures: u32,
    /// 429s in a row after which to give up: many, for each waits as long as the server asked.
    pub throttles: u32,
    /// The first wait is a random part of this; it doubles with every failure.
    pub base: Duration,
    /// No wait is longer than this, unless the server asks for it.
    pub longest: Duration,
    /// No `Retry-After` is honoured for longer than this.
    pub longest_asked: Duration,
}

impl Default for Retry {
    fn default() -> Self {
        Self {
            failures: 7,
            throttles: 100,
            base: Duration::from_secs(1),
            longest: Duration::from_secs(30),
            longest_asked: Duration::from_secs(300),
        }
    }
}

impl Retry {
    /// For when a person waits for the answer: three failures are enough.
    pub fn brief() -> Self {
        Self {
            failures: 3,
            throttles: 3,
            ..Self::default()
        }
    }

    /// The wait after the `failure`th failure in a row (from 1): exponential, with full jitter from `random` in [0, 1).
    pub fn backoff(&self, failure: u32, random: f64) -> Duration {
        let doubled = self
            .base
            .saturating_mul(1_u32.checked_shl(failure.saturating_sub(1)).unwrap_or(u32::MAX));
        doubled.min(self.longest).mul_f64(random.clamp(0.0, 1.0))
    }

    /// The wait when the server asked for one: never less than asked (within the clamp), and up to a tenth more, so that
    /// workers who were told the same do not come back together.
    pub fn asked(&self, asked: Duration, random: f64) -> Duration {
        let wait = RetryAfter { asked }.clamped(self.longest_asked);
        (wait + wait.mul_f64(random.clamp(0.0, 1.0) / 10.0)).min(self.longest_asked)
    }
}

/// The attempts at one thing.
#[derive(Debug)]
pub struct Attempts {
    retry: Retry,
    /// Attempts that failed, all in all.
    failed: u32,
    failures: u32,
    throttles: u32,
}

impl Attempts {
    /// None made yet.
    pub fn new(retry: Retry) -> Self {
        Self {
            retry,
            failed: 0,
            failures: 0,
            throttles: 0,
        }
    }

    /// How many attempts have failed so far.
    pub fn failed(&self) -> u32 {
        self.failed
    }

    /// Something new was got, so the count of failures in a row starts again.
    pub fn progressed(&mut self) {
        (self.failures, self.throttles) = (0, 0);
    }

    /// How long to wait before the next attempt; the error if there should be none.
    pub fn wait(&mut self, error: HttpError) -> Result<Duration, HttpError> {
        self.failed += 1;
        self.next_wait(&error, random()).ok_or(error)
    }

    /// Waits before the next attempt, or gives the error back if there should be none.
    pub async fn wait_after(
        &mut self,
        http: &Http,
        error: HttpError,
        cancel: &CancellationToken,
    ) -> Result<(), HttpError> {
        let wait = self.wait(error)?;
        http.pause(wait, cancel).await
    }

    fn next_wait(&mut self, error: &HttpError, random: f64) -> Option<Duration> {
        if !error.is_retryable() {
            return None;
        }
        let (count, most) = match error.status() {
            Some(429) => (&mut self.throttles, self.retry.throttles),
            _ => (&mut self.failures, self.retry.failures),
        };
        *count += 1;
        if *count >= most {
            return None;
        }
        Some(match error.retry_after() {
            Some(asked) => self.retry.asked(asked, random),
            None => self.retry.backoff(*count, random),
        })
    }
}

/// A random number in [0, 1), for jitter.
pub(super) fn random() -> f64 {
    let mut bytes = [0_u8; 4];
    // Without randomness the whole wait is taken, which is safe.
    match aws_lc_rs::rand::fill(&mut bytes) {
        Ok(()) => f64::from(u32::from_le_bytes(bytes)) / (f64::from(u32::MAX) + 1.0),
        Err(_) => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, retry_after: Option<u64>) -> HttpError {
        HttpError::Status {
            status,
            url: String::new(),
            outcome: String::new(),
            retry_after: retry_after.map(Duration::from_secs),
        }
    }

    #[test]
    fn b42_backoff_doubles_with_full_jitter_up_to_the_longest() {
        let retry = Retry::default();
        let longest: Vec<u64> = (1..=7).map(|failure| retry.backoff(failure, 1.0).as_secs()).collect();
        assert_eq!(longest, [1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(retry.backoff(5, 0.25), Duration::from_secs(4));
        assert_eq!(retry.backoff(500, 1.0), retry.longest);
    }

    #[test]
    fn b43_a_wait_asked_for_is_never_shortened_below_the_clamp() {
        let retry = Retry::default();
        for random in [0.0, 0.5, 0.999] {
            let wait = retry.asked(Duration::from_secs(100), random);
            assert!((100..=110).contains(&wait.as_secs()));
            assert_eq!(retry.asked(Duration::from_secs(7200), random).as_secs(), 300);
            assert!(retry.asked(Duration::ZERO, random) >= Duration::from_secs(1));
        }
    }

    #[test]
    fn gives_up_after_failures_in_a_row_but_not_over_429s_or_when_there_is_progress() {
        let mut attempts = Attempts::new(Retry::default());
        for _ in 0..99 {
            assert!(attempts.next_wait(&answered(429, Some(1)), 0.5).is_some());
        }
        assert!(attempts.next_wait(&answered(429, Some(1)), 0.5).is_none());
        for _ in 0..6 {
            assert!(attempts.next_wait(&answered(503, None), 0.5).is_some());
        }
        attempts.progressed();
        assert!(attempts.next_wait(&answered(500, None), 0.5).is_some());
        for permanent in [answered(400, None), answered(404, Some(1)), HttpError::Cancelled] {
            assert!(attempts.next_wait(&permanent, 0.5).is_none());
        }
    }
}
