//! How a destination is set up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::fault::WriteFault;
use super::manners::{GENERIC, Manners};
use crate::sandbox::client::Client;
use crate::sandbox::dataset::Dataset;

/// Everything that decides how the simulated destination behaves.
#[derive(Clone)]
pub struct DestinationConfig {
    /// Port on 127.0.0.1; 0 takes a free one.
    pub port: u16,
    /// What kind of server it is.
    pub manners: Manners,
    /// What goes wrong.
    pub faults: Vec<WriteFault>,
    /// What is there from the start, ids included; empty when absent.
    pub dataset: Option<Arc<dyn Dataset>>,
    /// Decides which ids the server gives.
    pub seed: u64,
    /// Length of the window for requests and points.
    pub window: Duration,
    /// `Retry-After` of the bursts.
    pub retry_after: Duration,
    /// How long a request waits before it is worked off, so that requests in flight at once are seen to be.
    pub latency: Duration,
    /// Whether everything is open to anyone, without tokens.
    pub open: bool,
    /// Clients known from the start.
    pub clients: Vec<Client>,
    /// Life of an access token in seconds.
    pub token_lifetime: u64,
}

impl DestinationConfig {
    /// An empty server of this kind on a free port, open to anyone, without faults.
    pub fn new(manners: &Manners) -> Self {
        Self {
            port: 0,
            manners: *manners,
            faults: Vec::new(),
            dataset: None,
            seed: 1,
            window: Duration::from_secs(60),
            retry_after: Duration::from_secs(1),
            latency: Duration::ZERO,
            open: true,
            clients: Vec::new(),
            token_lifetime: 300,
        }
    }

    /// The same with one more fault.
    #[must_use]
    pub fn fault(mut self, fault: WriteFault) -> Self {
        self.faults.push(fault);
        self
    }

    /// The same for clients with a token (SMART Backend Services) only, and with one more client.
    #[must_use]
    pub fn client(mut self, client: Client) -> Self {
        self.open = false;
        self.clients.push(client);
        self
    }

    /// The same with a pause before each request is worked off.
    #[must_use]
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// The same with records that are there from the start.
    #[must_use]
    pub fn dataset(mut self, dataset: Arc<dyn Dataset>) -> Self {
        self.dataset = Some(dataset);
        self
    }

    /// The same with another allowance of points in a window, and another window.
    #[must_use]
    pub fn points(mut self, points: u64, window: Duration) -> Self {
        self.manners.points = Some(points);
        self.window = window;
        self
    }

    /// The same with another allowance of requests in a window, and another window.
    #[must_use]
    pub fn requests(mut self, requests: u64, window: Duration) -> Self {
        self.manners.requests = Some(requests);
        self.window = window;
        self
    }
}

impl Default for DestinationConfig {
    fn default() -> Self {
        Self::new(&GENERIC)
    }
}

impl fmt::Debug for DestinationConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DestinationConfig")
            .field("port", &self.port)
            .field("manners", &self.manners.name)
            .field("faults", &self.faults)
            .finish_non_exhaustive()
    }
}
