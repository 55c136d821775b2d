//! A clock for rehearsals against a server on this machine: true time of day, and waits that are over at once, or soon.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use cutover::http::Clock;

#[derive(Debug)]
pub struct Impatient {
    start: Instant,
    skipped: AtomicU64,
    /// Waits are this many times shorter; not at all when 0.
    hurry: u32,
}

impl Impatient {
    pub fn new() -> Self {
        Self::hurrying(0)
    }

    /// Waits a little: for a real server, which needs its time.
    pub fn hurrying(hurry: u32) -> Self {
        Self {
            start: Instant::now(),
            skipped: AtomicU64::new(0),
            hurry,
        }
    }
}

impl Clock for Impatient {
    // The server checks assertions by its own clock, which does not jump.
    fn wall(&self) -> SystemTime {
        SystemTime::now()
    }

    fn steady(&self) -> Duration {
        self.start.elapsed() + Duration::from_millis(self.skipped.load(Ordering::Acquire))
    }

    fn sleep(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.skipped.fetch_add(millis + 1, Ordering::AcqRel);
        Box::pin(async move {
            match time.checked_div(self.hurry) {
                Some(rest) => tokio::time::sleep(rest).await,
                None => tokio::task::yield_now().await,
            }
        })
    }
}
