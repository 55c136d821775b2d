//! The recorder: every event goes into the journal before anyone sees it.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use tokio::sync::mpsc;

use super::error::EngineError;
use crate::migration::{Event, State};
use crate::store::Storage;

/// An event as it was journalled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Recorded {
    /// The migration.
    pub migration: String,
    /// Its number in the migration's journal.
    pub seq: u64,
    /// When it was recorded, RFC 3339.
    pub at: String,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
}

/// Records the events of one migration and passes them on.
#[derive(Clone)]
pub struct Recorder {
    storage: Arc<Storage>,
    migration: String,
    out: mpsc::UnboundedSender<Recorded>,
}

impl Recorder {
    /// A recorder for a migration; whoever holds the other end of `out` sees events after they are journalled.
    pub fn new(storage: Arc<Storage>, migration: &str, out: mpsc::UnboundedSender<Recorded>) -> Self {
        Self {
            storage,
            migration: migration.to_owned(),
            out,
        }
    }

    /// Appends to the journal; the caller makes the ledger durable and then publishes.
    pub fn append(&self, event: &Event) -> Result<Recorded, EngineError> {
        let seq = self.storage.journal.append(&self.migration, event)?;
        tracing::info!(migration = self.migration, seq, event = event.name());
        Ok(Recorded {
            migration: self.migration.clone(),
            seq,
            at: jiff::Timestamp::now().to_string(),
            event: event.clone(),
        })
    }

    /// Passes a journalled event on.
    pub fn publish(&self, event: Recorded) {
        // A front end that has gone away misses nothing: the journal has it.
        let _ = self.out.send(event);
    }

    /// Journals an event durably, then passes it on.
    pub fn record(&self, event: &Event) -> Result<(), EngineError> {
        let recorded = self.append(event)?;
        self.storage.workspace.ledger().durable()?;
        self.publish(recorded);
        Ok(())
    }

    /// Journals an event and passes it on; it becomes durable with whatever is made durable next.
    pub fn record_soon(&self, event: &Event) -> Result<(), EngineError> {
        let recorded = self.append(event)?;
        self.publish(recorded);
        Ok(())
    }

    /// Numbers of the files of the latest run that the journal says are complete.
    pub fn complete(&self) -> Result<BTreeSet<u32>, EngineError> {
        let mut complete = BTreeSet::new();
        for entry in self.storage.journal.read(&self.migration, 0) {
            match entry?.event {
                Event::RunStarted { .. } => complete.clear(),
                Event::DownloadComplete { file, .. } => {
                    complete.insert(file);
                }
                _ => {}
            }
        }
        Ok(complete)
    }

    /// Where the migration stands.
    pub fn state(&self) -> Result<State, EngineError> {
        state(&self.storage, &self.migration)
    }
}

/// Where a migration stands: the fold of its journal.
pub fn state(storage: &Storage, migration: &str) -> Result<State, EngineError> {
    let mut state = State::default();
    for entry in storage.journal.read(migration, 0) {
        state.apply(&entry?.event);
    }
    Ok(state)
}
