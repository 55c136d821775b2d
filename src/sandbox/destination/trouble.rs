//! When a fault strikes, and how often it did.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::bundle::Mode;
use super::fault::{Every, WriteFault};
use super::records::identifiers;
use super::request::Request;
use crate::sandbox::outcome::Refusal;

/// Of so many requests that write, a burst takes some.
const BURST_EVERY: u64 = 20;
/// Requests that go well before a burst.
const BURST_AFTER: u64 = 5;

/// The faults of one server, and their counters.
#[derive(Debug)]
pub(super) struct Trouble {
    faults: Vec<WriteFault>,
    calm: AtomicBool,
    counts: Mutex<Counts>,
    /// Told of every strike.
    strike: Condvar,
}

#[derive(Debug, Default)]
struct Counts {
    /// Occasions so far, by fault.
    occasions: BTreeMap<&'static str, u64>,
    /// Strikes so far, by fault.
    struck: BTreeMap<String, u64>,
}

/// What goes wrong with a whole request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Throttled,
    Unavailable,
    CutBefore,
    CutAfter,
    TimeoutAfter,
    StallBefore,
    StallAfter,
}

impl Trouble {
    pub(super) fn new(faults: Vec<WriteFault>) -> Self {
        Self {
            faults,
            calm: AtomicBool::new(false),
            counts: Mutex::default(),
            strike: Condvar::new(),
        }
    }

    /// Whether anything goes wrong from now on.
    pub(super) fn troubled(&self, troubled: bool) {
        self.calm.store(!troubled, Ordering::Release);
    }

    /// How often each fault struck.
    pub(super) fn struck(&self) -> BTreeMap<String, u64> {
        self.lock().struck.clone()
    }

    /// Blocks until any fault has struck more than `times` in all; false when it did not within that time.
    pub(super) fn until_struck(&self, times: u64, within: Duration) -> bool {
        let few = |counts: &mut Counts| counts.struck.values().sum::<u64>() <= times;
        let waited = self.strike.wait_timeout_while(self.lock(), within, few);
        let (_counts, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        !waited.timed_out()
    }

    fn active(&self) -> &[WriteFault] {
        if self.calm.load(Ordering::Acquire) {
            &[]
        } else {
            &self.faults
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one more occasion of a fault; whether it is one on which the fault strikes.
    fn strikes(&self, fault: &WriteFault, when: impl Fn(u64) -> bool) -> bool {
        let mut counts = self.lock();
        let occasion = counts.occasions.entry(fault.name()).or_default();
        *occasion += 1;
        let strikes = when(*occasion);
        if strikes {
            *counts.struck.entry(fault.name().to_owned()).or_default() += 1;
            self.strike.notify_all();
        }
        strikes
    }

    fn strikes_every(&self, fault: &WriteFault, every: Every) -> bool {
        self.strikes(fault, |occasion| match every {
            Every::Once => occasion == 1,
            Every::Nth(n) => occasion.is_multiple_of(n),
        })
    }

    /// What happens to a request that writes; all faults count it, the first that strikes decides.
    pub(super) fn fate(&self) -> Option<Fate> {
        let in_burst = |fault: &WriteFault, length: u64| {
            self.strikes(fault, |occasion| {
                let place = (occasion - 1) % BURST_EVERY;
                place >= BURST_AFTER && place - BURST_AFTER < length
            })
        };
        let mut fate = None;
        for fault in self.active() {
            let found = match fault {
                WriteFault::Burst429(n) => in_burst(fault, *n).then_some(Fate::Throttled),
                WriteFault::Burst503(n) => in_burst(fault, *n).then_some(Fate::Unavailable),
                WriteFault::CutBeforeWrite(every) => self.strikes_every(fault, *every).then_some(Fate::CutBefore),
                WriteFault::CutAfterWrite(every) => self.strikes_every(fault, *every).then_some(Fate::CutAfter),
                WriteFault::GatewayTimeout(every) => self.strikes_every(fault, *every).then_some(Fate::TimeoutAfter),
                WriteFault::StallBeforeWrite(every) => self.strikes_every(fault, *every).then_some(Fate::StallBefore),
                WriteFault::StallAfterWrite(every) => self.strikes_every(fault, *every).then_some(Fate::StallAfter),
                _ => None,
            };
            fate = fate.or(found);
        }
        fate
    }

    /// Whether the token of this request is to be found expired.
    pub(super) fn expires_token(&self) -> bool {
        self.active().iter().any(|fault| match fault {
            WriteFault::TokenExpires(n) => self.strikes_every(fault, Every::Nth(*n)),
            _ => false,
        })
    }

    /// A body of so many bytes, or a Bundle of so many entries, that is too large.
    pub(super) fn too_large(&self, bytes: usize, entries: usize) -> Option<Refusal> {
        let over = |count: usize, limit: u64| count as u64 > limit;
        let fault = self.active().iter().find(|fault| match fault {
            WriteFault::MaxBytes(limit) => over(bytes, *limit),
            WriteFault::MaxEntries(limit) => over(entries, *limit),
            _ => false,
        })?;
        self.strikes(fault, |_| true);
        Some(Refusal::new(
            413,
            "too-costly",
            "The request is larger than this server takes.",
        ))
    }

    /// What goes wrong with one entry, or with a request that is no Bundle.
    pub(super) fn entry(&self, request: &Request, mode: Option<Mode>) -> Result<(), Refusal> {
        if !request.writes() {
            return Ok(());
        }
        let in_batch = mode == Some(Mode::Batch);
        for fault in self.active() {
            let refusal = match fault {
                WriteFault::Poison(id) if is_poisoned(request, id) => {
                    self.strikes(fault, |_| true);
                    Some(Refusal::new(
                        422,
                        "business-rule",
                        "The record breaks a rule of this server.",
                    ))
                }
                WriteFault::Entry429(n) if in_batch && self.strikes_every(fault, Every::Nth(*n)) => {
                    Some(Refusal::new(429, "throttled", "Too many requests."))
                }
                WriteFault::Entry409(n) if in_batch && self.strikes_every(fault, Every::Nth(*n)) => Some(Refusal::new(
                    409,
                    "conflict",
                    "The record could not be written, because another client wrote it at the same time.",
                )),
                WriteFault::Entry500(n) if in_batch && self.strikes_every(fault, Every::Nth(*n)) => {
                    Some(Refusal::new(500, "exception", "The entry could not be worked off."))
                }
                WriteFault::Entry412(n)
                    if in_batch && request.if_match.is_some() && self.strikes_every(fault, Every::Nth(*n)) =>
                {
                    Some(Refusal::new(
                        412,
                        "conflict",
                        "The current version is not the one that If-Match names.",
                    ))
                }
                _ => None,
            };
            if let Some(refusal) = refusal {
                return Err(refusal);
            }
        }
        Ok(())
    }

    /// Takes the last entry from the answer to a Bundle, where that is to go wrong.
    pub(super) fn shorten(&self, answer: &mut Value) {
        for fault in self.active() {
            if let WriteFault::FewerEntries(every) = fault
                && let Some(entries) = answer["entry"].as_array_mut()
                && self.strikes_every(fault, *every)
            {
                entries.pop();
            }
        }
    }
}

fn is_poisoned(request: &Request, id: &str) -> bool {
    let Some(body) = &request.body else { return false };
    body["id"] == id || identifiers(body).any(|(_, value)| value == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_comes_after_some_good_requests_and_ends() {
        let trouble = Trouble::new(vec![WriteFault::Burst503(2)]);
        let fates: Vec<bool> = (0..25).map(|_| trouble.fate().is_some()).collect();
        let struck: Vec<usize> = (0..25).filter(|at| fates[*at]).collect();
        assert_eq!(struck, [5, 6]);
        assert_eq!(trouble.struck()["burst-503"], 2);
        trouble.troubled(false);
        assert_eq!(trouble.fate(), None);
    }

    #[test]
    fn once_is_once_and_every_is_every() {
        let trouble = Trouble::new(vec![
            WriteFault::CutAfterWrite(Every::Once),
            WriteFault::GatewayTimeout(Every::Nth(3)),
        ]);
        let fates: Vec<Option<Fate>> = (0..6).map(|_| trouble.fate()).collect();
        assert_eq!(
            fates,
            [
                Some(Fate::CutAfter),
                None,
                Some(Fate::TimeoutAfter),
                None,
                None,
                Some(Fate::TimeoutAfter)
            ]
        );
    }
}
