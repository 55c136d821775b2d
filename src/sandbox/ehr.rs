//! The simulated EHR: what all handlers share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::authority::Authority;
use super::clock::Clock;
use super::config::SandboxConfig;
use super::fault::Fault;
use super::gate::Gate;
use super::job::Jobs;
use super::stats::Counters;

/// One running server's state.
#[derive(Debug)]
pub(crate) struct Ehr {
    pub config: SandboxConfig,
    /// `http://127.0.0.1:port`
    pub origin: String,
    /// The second listener's.
    pub second_origin: String,
    /// The FHIR base.
    pub base_url: String,
    pub clock: Clock,
    pub authority: Arc<Authority>,
    pub jobs: Jobs,
    pub gate: Gate,
    pub stats: Arc<Counters>,
    /// Whether nothing goes wrong any more; what files hold was decided when they were laid out.
    pub calm: AtomicBool,
}

impl Ehr {
    pub(crate) fn new(config: SandboxConfig, origin: String, second_origin: String) -> Self {
        let skew = config.find(|fault| {
            if let Fault::ClockSkew { seconds } = fault {
                Some(*seconds)
            } else {
                None
            }
        });
        let clock = Clock::ahead_by(skew.unwrap_or(0));
        let mut authority = Authority::new(config.flavour, &origin, clock, &config.clients);
        authority.token_lifetime = config.token_lifetime;
        authority.open = config.open;
        Self {
            base_url: format!("{origin}{}", config.flavour.base_path),
            clock,
            stats: authority.stats.clone(),
            authority: Arc::new(authority),
            jobs: Jobs::default(),
            gate: Gate::default(),
            calm: AtomicBool::new(false),
            config,
            origin,
            second_origin,
        }
    }

    /// What goes wrong now with answers.
    pub(crate) fn faults(&self) -> &[Fault] {
        if self.calm.load(Ordering::Acquire) {
            &[]
        } else {
            &self.config.faults
        }
    }

    /// The first fault now that `pick` takes, mapped.
    pub(crate) fn find<T>(&self, pick: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        self.faults().iter().find_map(pick)
    }

    /// Whether a fault without an argument is on now.
    pub(crate) fn has(&self, fault: Fault) -> bool {
        self.faults().contains(&fault)
    }

    /// A `Retry-After` of `seconds`, in the form the faults ask for.
    pub(crate) fn retry_after(&self, seconds: u64) -> String {
        const FIVE_HOURS: u64 = 18_000;
        if self.has(Fault::RetryAfterHuge) {
            FIVE_HOURS.to_string()
        } else if self.has(Fault::RetryAfterDate) {
            self.clock.http_date(seconds)
        } else if self.has(Fault::RetryAfterEpoch) {
            (self.clock.epoch_seconds() + seconds).to_string()
        } else {
            seconds.to_string()
        }
    }
}
