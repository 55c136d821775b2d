//! Talking HTTP to strangers: one client, one way to retry, one pacer for each host.
//!
//! - [`Http`] sends a [`Call`] and gives a [`Reply`]; it refuses plain `http` (except to loopback), follows redirects by
//!   hand so that a token never leaves its origin, paces, measures the server's clock, and tells an [`Observer`].
//! - [`Attempts`] decides whether and when a failed call is made again; [`RetryAfter`] reads what the server asks for.
//! - [`Pacer`] keeps a budget of requests a minute, shared by everything that talks to the same practice.
//! - [`HttpError`] says in one sentence what went wrong, and [`HttpError::hint`] what to do.

mod call;
mod client;
mod clock;
mod error;
mod observer;
mod outcome;
mod pacer;
mod redact;
mod reply;
mod retry;
mod retry_after;
mod secret;
#[cfg(test)]
pub(crate) mod test_server;
mod trust;

pub use call::Call;
pub use client::{Http, HttpSettings};
pub use clock::{Clock, JumpingClock, SystemClock};
pub use error::{HttpError, TlsProblem, Waiting};
pub use observer::{HttpEvent, Observer, Unobserved};
pub use outcome::{Issue, Outcome};
pub use pacer::Pacer;
pub use redact::redact_url;
pub use reply::{Answer, Reply};
pub use retry::{Attempts, Retry};
pub use retry_after::RetryAfter;
pub use secret::Secret;
pub use trust::{check_transport, is_loopback, same_origin};
