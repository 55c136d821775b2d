//! How a sandbox is set up.

use std::fmt;
use std::sync::Arc;

use super::client::Client;
use super::dataset::Dataset;
use super::fault::Fault;
use super::flavour::{Flavour, SMART};

/// Everything that decides how the simulated EHR behaves.
#[derive(Clone)]
pub struct SandboxConfig {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// The vendor's manners.
    pub flavour: &'static Flavour,
    /// The data.
    pub dataset: Arc<dyn Dataset>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// How often a job answers "in progress" before it is done.
    pub polls: u32,
    /// `Retry-After` in seconds; without one the header is left out.
    pub retry_after: Option<u64>,
    /// Resources in a file at most.
    pub lines_per_file: u64,
    /// Life of an access token in seconds.
    pub token_lifetime: u64,
    /// Whether files are gzipped for clients that take it.
    pub gzip: bool,
    /// Decides which lines a fault strikes.
    pub seed: u64,
    /// Requests a minute: `None` is what the flavour says, `Some(None)` no limit.
    pub rate_limit: Option<Option<u32>>,
    /// Length of the rate limit's minute, in seconds.
    pub rate_window: u64,
    /// How many resources an export reports as deleted instead of listing them.
    pub deletions: u64,
    /// Clients known from the start.
    pub clients: Vec<Client>,
    /// Whether everything is open to anyone, without tokens.
    pub open: bool,
    /// Number of patients, for the start message.
    pub patients: Option<u64>,
}

impl SandboxConfig {
    /// The `smart` flavour on a free port, with 300 s tokens and no faults.
    pub fn new(dataset: Arc<dyn Dataset>) -> Self {
        Self {
            port: 0,
            flavour: &SMART,
            dataset,
            faults: Vec::new(),
            polls: 2,
            retry_after: Some(1),
            lines_per_file: 10_000,
            token_lifetime: 300,
            gzip: true,
            seed: 1,
            rate_limit: None,
            rate_window: 60,
            deletions: 0,
            clients: Vec::new(),
            open: false,
            patients: None,
        }
    }

    /// The same with another flavour.
    #[must_use]
    pub fn flavour(mut self, flavour: &'static Flavour) -> Self {
        self.flavour = flavour;
        self
    }

    /// The same with one more fault.
    #[must_use]
    pub fn fault(mut self, fault: Fault) -> Self {
        self.faults.push(fault);
        self
    }

    /// The same with one more client.
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        self.clients.push(client);
        self
    }

    /// The same with another number of polls before an export is done, and another `Retry-After` in seconds.
    #[must_use]
    pub fn polls(mut self, polls: u32, retry_after: Option<u64>) -> Self {
        self.polls = polls;
        self.retry_after = retry_after;
        self
    }

    /// The same with another limit of resources in a file.
    #[must_use]
    pub fn lines_per_file(mut self, lines: u64) -> Self {
        self.lines_per_file = lines;
        self
    }

    /// The first fault that `pick` takes, mapped.
    pub(crate) fn find<T>(&self, pick: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        self.faults.iter().find_map(pick)
    }

    /// Whether a fault without an argument is on.
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.faults.contains(&fault)
    }
}

impl fmt::Debug for SandboxConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SandboxConfig")
            .field("port", &self.port)
            .field("flavour", &self.flavour.name)
            .field("faults", &self.faults)
            .field("clients", &self.clients)
            .finish_non_exhaustive()
    }
}
