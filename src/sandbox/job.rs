//! Export jobs.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::kickoff::Kickoff;
use super::plan::Plan;

/// One export job, from its kickoff to its deletion.
#[derive(Debug)]
pub(crate) struct Job {
    pub id: String,
    /// Proof in signed URLs on the second origin.
    pub signature: String,
    pub kickoff: Kickoff,
    /// Filled in by a background thread.
    pub plan: OnceLock<Plan>,
    /// Status polls so far.
    pub polls: AtomicU32,
    /// Polls for later pages of a paged manifest so far.
    pub later_polls: AtomicU32,
    /// Manifests handed out so far; each has URLs of its own.
    pub manifests: AtomicU64,
    pub finished: AtomicBool,
    pub deleted: AtomicBool,
    struck: Mutex<HashSet<(&'static str, String)>>,
}

impl Job {
    pub(crate) fn new(id: String, signature: String, kickoff: Kickoff) -> Self {
        Self {
            id,
            signature,
            kickoff,
            plan: OnceLock::new(),
            polls: AtomicU32::new(0),
            later_polls: AtomicU32::new(0),
            manifests: AtomicU64::new(0),
            finished: AtomicBool::new(false),
            deleted: AtomicBool::new(false),
            struck: Mutex::default(),
        }
    }

    /// Whether a fault strikes a file for the first time.
    pub(crate) fn first_time(&self, fault: &'static str, file: &str) -> bool {
        self.struck
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert((fault, file.to_owned()))
    }
}

/// The jobs that exist, by id.
#[derive(Debug, Default)]
pub(crate) struct Jobs(Mutex<HashMap<String, Arc<Job>>>);

impl Jobs {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Job>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, id: &str) -> Option<Arc<Job>> {
        self.lock().get(id).cloned()
    }

    /// Adds a job, unless `alone` and an identical one is still running: then that one's id comes back.
    pub(crate) fn add(&self, job: Arc<Job>, alone: bool) -> Result<(), String> {
        let mut jobs = self.lock();
        let running = |other: &&Arc<Job>| {
            other.kickoff.fingerprint == job.kickoff.fingerprint
                && !other.finished.load(std::sync::atomic::Ordering::Acquire)
        };
        if let Some(other) = jobs.values().find(running).filter(|_| alone) {
            return Err(other.id.clone());
        }
        jobs.insert(job.id.clone(), job);
        Ok(())
    }

    pub(crate) fn remove(&self, id: &str) -> Option<Arc<Job>> {
        self.lock().remove(id)
    }

    pub(crate) fn count(&self) -> u64 {
        self.lock().len() as u64
    }
}
