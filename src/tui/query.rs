//! Answers what screens want to read from the store; the worker calls it on its thread.

use std::sync::Arc;

use super::message::{Problem, Query, Reply};
use crate::engine::{self, EngineError};
use crate::migration::Plan;
use crate::store::Storage;

/// Reads what a screen wants to know.
pub fn read(storage: &Arc<Storage>, query: Query) -> Result<Reply, EngineError> {
    Ok(match query {
        Query::Conflicts(migration) => {
            let rows = engine::conflicts_of(storage, &plan(storage, &migration)?)?;
            Reply::Conflicts(migration, rows)
        }
        Query::Beside(migration, id) => {
            let beside = engine::beside(storage, &plan(storage, &migration)?, &id);
            Reply::Beside(id, beside.map_err(Problem::from))
        }
    })
}

fn plan(storage: &Storage, id: &str) -> Result<Plan, EngineError> {
    let plan = storage.tables.migrations.get(id.as_bytes())?;
    plan.ok_or_else(|| EngineError::UnknownMigration {
        id: id.to_owned(),
        known: Vec::new(),
    })
}
