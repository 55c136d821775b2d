//! The recorder: every event goes into the journal before anyone sees it.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::error::EngineError;
use crate::migration::{Event, State};
use crate::store::{Journal, Recorded, Storage};

/// Records the events of one migration and passes them on.
#[derive(Clone)]
pub struct Recorder {
    storage: Arc<Storage>,
    migration: String,
    out: mpsc::UnboundedSender<Recorded<Event>>,
}

impl Recorder {
    /// A recorder for a migration; whoever holds the other end of `out` sees events after they are journalled.
    pub fn new(storage: Arc<Storage>, migration: &str, out: mpsc::UnboundedSender<Recorded<Event>>) -> Self {
        Self {
            storage,
            migration: migration.to_owned(),
            out,
        }
    }

    /// Appends to the journal; the caller makes the ledger durable and then publishes.
    pub fn append(&self, event: &Event) -> Result<Option<Recorded<Event>>, EngineError> {
        Ok(Some(journal(&self.storage)?.append(&self.migration, event)?))
    }

    /// Passes a journalled event on.
    pub fn publish(&self, event: Recorded<Event>) {
        // A front end that has gone away misses nothing: the journal has it.
        let _ = self.out.send(event);
    }

    /// Journals an event durably, then passes it on.
    pub fn record(&self, event: &Event) -> Result<(), EngineError> {
        let recorded = self.append(event)?;
        self.storage.workspace.ledger().durable()?;
        if let Some(recorded) = recorded {
            self.publish(recorded);
        }
        Ok(())
    }

    /// Journals an event and passes it on; it becomes durable with whatever is made durable next.
    pub fn record_soon(&self, event: &Event) -> Result<(), EngineError> {
        if let Some(recorded) = self.append(event)? {
            self.publish(recorded);
        }
        Ok(())
    }

    /// Where the migration stands.
    pub fn state(&self) -> Result<State, EngineError> {
        state(&self.storage, &self.migration)
    }
}

/// Where a migration stands: the fold of its journal.
pub fn state(storage: &Storage, migration: &str) -> Result<State, EngineError> {
    let mut state = State::default();
    for entry in journal(storage)?.read(migration, 0)? {
        state.apply(&entry?.event);
    }
    Ok(state)
}

fn journal(storage: &Storage) -> Result<Journal<Event>, EngineError> {
    Ok(Journal::open(storage.workspace.ledger())?)
}
