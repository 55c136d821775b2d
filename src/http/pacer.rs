//! A budget of requests a minute.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::{Clock, HttpError};

/// A minute, and one second more: the server counts arrivals, and those bunch up on the way.
const WINDOW: Duration = Duration::from_secs(61);

/// Lets at most so many requests through in any minute, and none while the server has asked for quiet.
#[derive(Debug, Default)]
pub struct Pacer {
    per_minute: Option<NonZeroU32>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    sent: VecDeque<Duration>,
    quiet_until: Duration,
}

impl Pacer {
    /// A pacer with a budget of requests a minute, or without one.
    pub fn new(per_minute: Option<NonZeroU32>) -> Self {
        Self {
            per_minute,
            state: Mutex::default(),
        }
    }

    /// Waits until a request may be sent, and counts it.
    pub async fn acquire(&self, clock: &dyn Clock, cancel: &CancellationToken) -> Result<(), HttpError> {
        loop {
            let wait = match self.reserve(clock.steady()) {
                Ok(()) => return Ok(()),
                Err(wait) => wait,
            };
            tokio::select! {
                () = clock.sleep(wait) => {}
                () = cancel.cancelled() => return Err(HttpError::Cancelled),
            }
        }
    }

    /// The server said 429: nobody sends until `wait` is over or, if it named no time, until the minute that began with
    /// the oldest counted request is over. Without a budget there is no such minute, and the caller's own backoff must do.
    pub fn throttled(&self, now: Duration, wait: Option<Duration>) {
        let mut state = self.state();
        let until = match (wait, state.sent.front()) {
            (Some(wait), _) => now + wait,
            (None, Some(oldest)) => *oldest + WINDOW,
            (None, None) => now,
        };
        state.quiet_until = state.quiet_until.max(until);
    }

    /// How many requests may still be sent in this minute; nothing if there is no budget.
    pub fn remaining(&self, now: Duration) -> Option<u32> {
        let budget = self.per_minute?.get();
        let mut state = self.state();
        state.forget(now);
        let sent = u32::try_from(state.sent.len()).unwrap_or(u32::MAX);
        Some(if now < state.quiet_until {
            0
        } else {
            budget.saturating_sub(sent)
        })
    }

    fn reserve(&self, now: Duration) -> Result<(), Duration> {
        let mut state = self.state();
        if now < state.quiet_until {
            return Err(state.quiet_until.saturating_sub(now));
        }
        let Some(budget) = self.per_minute else {
            return Ok(());
        };
        state.forget(now);
        match state.sent.front() {
            Some(oldest) if state.sent.len() >= budget.get() as usize => Err((*oldest + WINDOW).saturating_sub(now)),
            _ => {
                state.sent.push_back(now);
                Ok(())
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole after every statement, so a panic elsewhere leaves it usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget(&mut self, now: Duration) {
        while self.sent.front().is_some_and(|oldest| now >= *oldest + WINDOW) {
            self.sent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use proptest::prelude::*;

    use super::*;
    use crate::http::JumpingClock;

    fn pacer(per_minute: u32) -> Pacer {
        Pacer::new(NonZeroU32::new(per_minute))
    }

    proptest! {
        #[test]
        fn never_more_than_the_budget_in_any_minute(gaps in prop::collection::vec(0_u64..9_000, 1..400), budget in 1_u32..30) {
            let pacer = pacer(budget);
            let mut now = Duration::ZERO;
            let mut sent = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                if let Err(wait) = pacer.reserve(now) {
                    now += wait;
                    prop_assert!(pacer.reserve(now).is_ok());
                }
                sent.push(now);
            }
            for (position, start) in sent.iter().enumerate() {
                let inside = sent[position..].iter().take_while(|moment| **moment < *start + Duration::from_secs(60)).count();
                prop_assert!(inside <= budget as usize);
            }
        }
    }

    #[test]
    fn a_429_without_a_time_is_quiet_to_the_end_of_the_minute() {
        let pacer = pacer(250);
        pacer.reserve(Duration::from_secs(10)).unwrap();
        pacer.throttled(Duration::from_secs(30), None);
        assert_eq!(pacer.remaining(Duration::from_secs(30)), Some(0));
        assert_eq!(pacer.reserve(Duration::from_secs(31)), Err(Duration::from_secs(40)));
        assert_eq!(pacer.reserve(Duration::from_secs(71)), Ok(()));
        assert_eq!(pacer.remaining(Duration::from_secs(71)), Some(249));
    }

    #[test]
    fn a_429_with_a_time_is_quiet_that_long_even_without_a_budget() {
        let pacer = Pacer::default();
        pacer.throttled(Duration::ZERO, Some(Duration::from_secs(7)));
        assert_eq!(pacer.reserve(Duration::from_secs(2)), Err(Duration::from_secs(5)));
        assert_eq!(pacer.reserve(Duration::from_secs(7)), Ok(()));
    }

    #[tokio::test]
    async fn waiting_for_the_budget_ends_when_cancelled() {
        let (clock, cancel) = (JumpingClock::at(UNIX_EPOCH), CancellationToken::new());
        let pacer = pacer(2);
        for _ in 0..5 {
            pacer.acquire(&clock, &cancel).await.unwrap();
        }
        assert_eq!(clock.steady(), WINDOW * 2);
        pacer.throttled(clock.steady(), Some(Duration::from_secs(3600)));
        cancel.cancel();
        let real = crate::http::SystemClock::default();
        assert!(matches!(pacer.acquire(&real, &cancel).await, Err(HttpError::Cancelled)));
    }
}
