//! Telling a front end or a log which requests were made.

use std::time::Duration;

/// One request that ended; without headers and without bodies, its URL redacted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpEvent {
    /// The method, such as `GET`.
    pub method: String,
    /// The URL as it may be shown ([`super::redact_url`]).
    pub url: String,
    /// The status, or nothing when no answer came.
    pub status: Option<u16>,
    /// From the first byte sent to the last byte read (or to giving up).
    pub duration: Duration,
    /// Bytes of the body as they came over the wire.
    pub bytes: u64,
}

/// Somebody who wants to see every request; called from the download tasks, so it must not block.
pub trait Observer: Send + Sync + 'static {
    /// A request has ended.
    fn request_ended(&self, event: HttpEvent);
}

/// Nobody looks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn request_ended(&self, _event: HttpEvent) {}
}
