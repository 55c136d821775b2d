//! Patients' compartments (R4 compartmentdefinition-patient) as the unit of what is written: each in one transaction, so that the server has a
//! patient's records or has none of them, whatever happens on the way.
//!
//! For types of which everything at the server is ours, and whose records keep their ids there: then nobody else's record can be in the way, and
//! records may refer to each other. All others are written one by one before or afterwards.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::super::error::EngineError;
use super::outgoing::Made;
use super::queue::{BUNDLE, Work, bytes};
use super::task::Task;
use super::work::Worker;
use crate::fhir;
use crate::migration::{Strategy, write_order};
use crate::store::{Entry, RecordKey};

/// Records whose patients are looked up at once. More of them take several passes over the store, and no more memory.
const TOGETHER: u64 = 1 << 18;
/// Records looked at together, so that each block of the landing is opened once for all of them.
const AT_ONCE: usize = 1 << 16;
/// The most records of a transaction.
const MOST: usize = 2000;

/// Types that are of no patient, or of all of them; whatever others refer to comes first.
const OUTSIDE: [&str; 11] = [
    "Binary",
    "Endpoint",
    "Group",
    "HealthcareService",
    "Location",
    "Medication",
    "Organization",
    "Practitioner",
    "PractitionerRole",
    "Provenance",
    "Substance",
];

/// One record of a compartment. In order: by patient, and what others refer to first.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Member {
    patient: u64,
    order: u8,
    key: RecordKey,
}

/// The types whose records are written by patient.
pub fn by_patient(worker: &Worker<'_>, types: &[(String, u16)]) -> Vec<(String, u16)> {
    let own = |name: &str| {
        let ours = worker.maker.is_ours(name);
        ours && worker.maker.link.strategy(name) == Ok(Strategy::ClientId) && !OUTSIDE.contains(&name)
    };
    types.iter().filter(|(name, _)| own(name)).cloned().collect()
}

impl Worker<'_> {
    /// Writes the compartments of all patients, of what the server has nothing of yet. How many records of each type were there before.
    pub(super) fn compartments(&mut self, types: &[(String, u16)]) -> Result<HashMap<u16, u64>, EngineError> {
        let settled = types.iter().map(|(_, number)| Ok((*number, self.settled(*number)?)));
        let settled = settled.collect::<Result<_, EngineError>>()?;
        let parts = self.maker.storage.index.count()?.div_ceil(TOGETHER).max(1);
        for part in 0..parts {
            let mut members = Vec::new();
            for (name, number) in types {
                self.members(name, *number, |patient| patient % parts == part, &mut members)?;
            }
            members.sort_unstable();
            for compartment in members.chunk_by(|one, other| one.patient == other.patient) {
                self.compartment(compartment, types)?;
            }
        }
        self.wait()?;
        Ok(settled)
    }

    /// How many records of a type are there already.
    fn settled(&self, number: u16) -> Result<u64, EngineError> {
        let mut settled = 0;
        for item in self
            .maker
            .storage
            .index
            .scan(&RecordKey::prefix(self.maker.tenant, number))
        {
            let (key, _) = item?;
            settled += u64::from(self.maker.known(&key)?.is_some_and(|known| known.settled()));
        }
        Ok(settled)
    }

    /// Finds the members of a type.
    fn members(
        &self,
        name: &str,
        number: u16,
        wanted: impl Fn(u64) -> bool,
        members: &mut Vec<Member>,
    ) -> Result<(), EngineError> {
        let maker = &self.maker;
        let order = u8::try_from(write_order(name)).unwrap_or(u8::MAX);
        let mut entries = maker.storage.index.scan(&RecordKey::prefix(maker.tenant, number));
        loop {
            let mut some: Vec<(RecordKey, Entry)> = Vec::new();
            for item in entries.by_ref() {
                let (key, entry) = item?;
                if !entry.deleted && !entry.local && maker.known(&key)?.is_none() {
                    some.push((key, entry));
                    if some.len() == AT_ONCE {
                        break;
                    }
                }
            }
            let over = some.len() < AT_ONCE;
            some.sort_unstable_by_key(|(_, entry)| entry.location);
            for (key, entry) in some {
                if self.cancel.is_cancelled() {
                    return Err(EngineError::Cancelled);
                }
                let line = maker.store.read(&entry)?;
                let scan = fhir::scan(&line).map_err(EngineError::Reject)?;
                let patient = if name == "Patient" { Some(scan.id) } else { scan.patient };
                let Some(patient) = patient else { continue };
                // A hash, of which these are enough: two patients in one transaction do no harm.
                let hash = maker.storage.id_hash(patient);
                let patient = hash.first_chunk().copied().map_or(0, u64::from_be_bytes);
                if wanted(patient) {
                    members.push(Member { patient, order, key });
                }
            }
            if over {
                return Ok(());
            }
        }
    }

    /// Sends one patient's records: in one transaction, as far as they fit into one.
    fn compartment(&mut self, members: &[Member], types: &[(String, u16)]) -> Result<(), EngineError> {
        let mut together: HashSet<RecordKey> = members.iter().map(|member| member.key).collect();
        let tasks = loop {
            let before = together.len();
            self.maker.together = Some(together);
            let made = self.make_compartment(members, types)?;
            together = self.maker.together.take().unwrap_or_default();
            // Nothing may lead to what does not go along.
            if together.len() == before || made.sent {
                break made.tasks;
            }
        };
        if tasks.is_empty() {
            return Ok(());
        }
        self.passed.incomplete += tasks.iter().filter(|task| !task.complete).count() as u64;
        self.out.put(Work::Together(tasks))
    }

    /// Makes tasks of those that go together, and sends what is more than fits into one transaction.
    fn make_compartment(&mut self, members: &[Member], types: &[(String, u16)]) -> Result<MadeTogether, EngineError> {
        let mut made = MadeTogether {
            tasks: Vec::new(),
            sent: false,
        };
        for Member { key, .. } in members {
            let mut task = self.member(key, types)?;
            let size = task.as_ref().map_or(0, |task| task.body.len());
            if made.tasks.len() == MOST || !made.tasks.is_empty() && bytes(&made.tasks) + size > BUNDLE {
                made.sent = true;
                let tasks = std::mem::take(&mut made.tasks);
                self.passed.incomplete += tasks.iter().filter(|task| !task.complete).count() as u64;
                self.out.put(Work::Together(tasks))?;
                // The rest may lead to it.
                self.wait()?;
                task = self.member(key, types)?;
            }
            if let Some(task) = task {
                made.tasks.push(task);
            } else if let Some(together) = &mut self.maker.together {
                // What has to wait, or cannot be sent, is said of it when it is come to by itself.
                together.remove(key);
            }
        }
        Ok(made)
    }

    fn member(&self, key: &RecordKey, types: &[(String, u16)]) -> Result<Option<Task>, EngineError> {
        let goes = self.maker.together.as_ref().is_some_and(|keys| keys.contains(key));
        let name = types.iter().find(|(_, number)| *number == key.resource_type());
        let Some(((name, _), entry)) = name.filter(|_| goes).zip(self.maker.storage.index.get(key)?) else {
            return Ok(None);
        };
        let made = self.maker.make(&Arc::from(name.as_str()), *key, &entry, None, false)?;
        Ok(match made {
            Made::Task(task) => Some(self.begun(*task)),
            _ => None,
        })
    }
}

struct MadeTogether {
    tasks: Vec<Task>,
    /// Some of them are on their way already.
    sent: bool,
}
