//! How much a client may ask for in a window of time: requests, or points by interaction.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::http::Method;

use super::request::{Request, Target};

/// An allowance that begins anew with each window of time.
#[derive(Debug)]
pub(super) struct Allowance {
    limit: Option<u64>,
    window: Duration,
    /// Start of the window and what was spent in it.
    spent: Mutex<(Instant, u64)>,
}

/// What is left of an allowance, and for how long the window lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Left {
    pub amount: u64,
    pub time: Duration,
}

impl Allowance {
    pub(super) fn new(limit: Option<u64>, window: Duration) -> Self {
        Self {
            limit,
            window,
            spent: Mutex::new((Instant::now(), 0)),
        }
    }

    /// Spends `cost`; an error, with nothing spent, where it is more than is left.
    pub(super) fn spend(&self, cost: u64, now: Instant) -> Result<(), Left> {
        let Some(left) = self.left(now) else { return Ok(()) };
        if cost > left.amount {
            return Err(left);
        }
        self.spent.lock().unwrap_or_else(PoisonError::into_inner).1 += cost;
        Ok(())
    }

    /// What is left; none where there is no limit.
    pub(super) fn left(&self, now: Instant) -> Option<Left> {
        let limit = self.limit?;
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if now.duration_since(spent.0) >= self.window {
            *spent = (now, 0);
        }
        Some(Left {
            amount: limit.saturating_sub(spent.1),
            time: self.window.saturating_sub(now.duration_since(spent.0)),
        })
    }
}

impl Left {
    /// The rest of the window in whole seconds, rounded up.
    pub(super) fn seconds(self) -> u64 {
        self.time.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX)
    }
}

/// What an interaction costs at Medplum: 100 for a write, 20 for a search, 10 for a history, 1 for a read.
pub(super) fn points(request: &Request) -> u64 {
    match (&request.method, &request.target) {
        (_, Target::Search(_)) | (&Method::GET, Target::Type(_)) => 20,
        (&Method::GET, Target::History(..)) => 10,
        (&Method::GET, _) => 1,
        _ => 100,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn past_the_limit_nothing_is_spent_until_the_window_ends() {
        let minute = Duration::from_secs(60);
        let allowance = Allowance::new(Some(250), minute);
        let start = Instant::now();
        assert_eq!(allowance.spend(200, start), Ok(()));
        let left = allowance.spend(100, start + Duration::from_secs(10)).unwrap_err();
        assert_eq!(left.amount, 50);
        assert!((49..=50).contains(&left.seconds()));
        assert_eq!(allowance.spend(50, start + Duration::from_secs(20)), Ok(()));
        assert_eq!(allowance.spend(250, start + minute + Duration::from_secs(1)), Ok(()));
        assert_eq!(Allowance::new(None, minute).spend(u64::MAX, start), Ok(()));
    }
}
