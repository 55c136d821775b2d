//! What clients did: counted, so that tests can assert it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::Serialize;

/// One answered request for a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileGet {
    /// HTTP status of the answer.
    pub status: u16,
    /// First byte sent, of the identity form.
    pub from: u64,
    /// Whether the body was sent gzipped.
    pub gzip: bool,
}

/// What clients did since the start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Requests of any kind, those below included, introspection not.
    pub requests: u64,
    /// Reads of the SMART configuration.
    pub discoveries: u64,
    /// Reads of the `CapabilityStatement`.
    pub metadata: u64,
    /// Clients registered over HTTP.
    pub registrations: u64,
    /// Access tokens issued.
    pub tokens_issued: u64,
    /// Token requests refused, by OAuth error code.
    pub tokens_refused: BTreeMap<String, u64>,
    /// Kickoffs that were accepted.
    pub kickoffs: u64,
    /// Kickoffs that were refused.
    pub kickoffs_refused: u64,
    /// Status polls.
    pub polls: u64,
    /// Jobs deleted by a client.
    pub deletes: u64,
    /// Jobs that exist now.
    pub live_jobs: u64,
    /// Reads of single resources, by type.
    pub reads: BTreeMap<String, u64>,
    /// Requests for files, by name of the file.
    pub files: BTreeMap<String, Vec<FileGet>>,
    /// Requests answered with 429 by the rate limit.
    pub rate_limited: u64,
    /// Requests with an Authorization header that reached the second origin. Anything but zero is a leak.
    pub authorization_on_second_origin: u64,
    /// Lines and files touched by each fault in the latest export.
    pub affected: BTreeMap<String, Vec<String>>,
}

/// The counters, shared by all handlers.
#[derive(Debug, Default)]
pub(crate) struct Counters(Mutex<Stats>);

impl Counters {
    pub(crate) fn edit(&self) -> MutexGuard<'_, Stats> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
