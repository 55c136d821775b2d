//! What came of tasks, noted in the ledger: durable every second, and before anything else relies on it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::error::EngineError;
use super::inside::note;
use super::task::{Came, Place, Task};
use crate::migration::{Delivered, DeliveryCounts, Standing};
use crate::store::{Storage, migration_key};

const OFTEN: Duration = Duration::from_secs(1);

/// Notes what came of tasks.
pub struct Settler {
    storage: Arc<Storage>,
    migration: String,
    since: Option<Instant>,
    pub counts: DeliveryCounts,
    /// Records of which references were taken out, so that they can be removed.
    pub cut: u64,
    /// Whether anything is otherwise than before: what others waited for may be there now.
    pub moved: bool,
    /// Where nothing is noted: what was found wrong, as far as there is room, by type and id.
    pub wrong: Option<Vec<(String, String, String)>>,
}

/// What was found wrong, kept by name; more are only counted.
const NAMED: usize = 1000;

impl Settler {
    pub fn new(storage: Arc<Storage>, migration: &str) -> Self {
        Self {
            storage,
            migration: migration.to_owned(),
            since: None,
            counts: DeliveryCounts::default(),
            cut: 0,
            moved: false,
            wrong: None,
        }
    }

    /// Notes what came of a task.
    pub fn settle(&mut self, came: Came, task: &Task, known: Option<&Delivered>) -> Result<(), EngineError> {
        let key = migration_key(&self.migration, task.key.as_bytes());
        if let Some(wrong) = &mut self.wrong {
            if let Some(Standing::Refused { reason, .. } | Standing::Conflict { reason, .. }) =
                known.map(|known| &known.state)
                && wrong.len() < NAMED
            {
                let id = match &task.place {
                    Place::Id(id) => id.clone(),
                    Place::Search(_) => String::new(),
                };
                wrong.push((task.resource_type.to_string(), id, reason.clone()));
            }
            self.count(came);
            return Ok(());
        }
        self.moved |= match came {
            Came::Created | Came::Updated | Came::Removed | Came::Cut => true,
            // What was found where it was known to be tells nobody anything.
            Came::Found => !task.known.as_ref().is_some_and(Delivered::is_there),
            Came::Refused | Came::Conflict => false,
        };
        if matches!(came, Came::Created | Came::Updated | Came::Found) {
            // Before the record's own row: with that one alone, nobody would look for what is in it again.
            note(&self.storage, &self.migration, &task.key, &task.inside)?;
        }
        match known {
            Some(known) => self.storage.deliveries.put(&key, known)?,
            None => {
                self.storage.deliveries.remove(&key)?;
            }
        }
        self.count(came);
        if self.since.get_or_insert_with(Instant::now).elapsed() >= OFTEN {
            self.durable()?;
        }
        Ok(())
    }

    fn count(&mut self, came: Came) {
        if came == Came::Cut {
            self.cut += 1;
            return;
        }
        let counts = &mut self.counts;
        *match came {
            Came::Created => &mut counts.created,
            Came::Updated => &mut counts.updated,
            Came::Found => &mut counts.found,
            Came::Removed | Came::Cut => &mut counts.removed,
            Came::Refused => &mut counts.refused,
            Came::Conflict => &mut counts.conflicts,
        } += 1;
    }

    /// Makes durable what was noted.
    pub fn durable(&mut self) -> Result<(), EngineError> {
        self.storage.deliveries.durable()?;
        self.since = None;
        Ok(())
    }
}
