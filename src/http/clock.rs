//! What time it is, and waiting; replaceable, so that nothing has to be slept through in a test.

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

/// A wall clock, a steady clock and a way to wait.
pub trait Clock: Debug + Send + Sync + 'static {
    /// The wall clock; it may jump, and it may be wrong.
    fn wall(&self) -> SystemTime;
    /// Time since some fixed moment; never jumps back.
    fn steady(&self) -> Duration;
    /// Waits.
    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// The machine's own clocks.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn steady(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(tokio::time::sleep(time))
    }
}

/// A clock for rehearsals: waiting moves its hands at once, and it remembers each wait.
#[derive(Debug)]
pub struct JumpingClock {
    start: SystemTime,
    hands: Mutex<(Duration, Vec<Duration>)>,
}

impl JumpingClock {
    /// A clock that shows `start` and stands still until somebody waits.
    pub fn at(start: SystemTime) -> Self {
        Self {
            start,
            hands: Mutex::default(),
        }
    }

    /// Moves the hands on without a wait.
    pub fn advance(&self, time: Duration) {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner).0 += time;
    }

    /// Every wait so far, in order.
    pub fn waits(&self) -> Vec<Duration> {
        self.hands
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .1
            .clone()
    }
}

impl Clock for JumpingClock {
    fn wall(&self) -> SystemTime {
        self.start + self.steady()
    }

    fn steady(&self) -> Duration {
        self.hands.lock().unwrap_or_else(PoisonError::into_inner).0
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            {
                let mut hands = self.hands.lock().unwrap_or_else(PoisonError::into_inner);
                hands.0 += time;
                hands.1.push(time);
            }
            tokio::task::yield_now().await;
        })
    }
}
