//! Answers what screens want to read from the store; the worker calls it on its thread.

use std::sync::Arc;

use super::message::{Problem, Query, Reply};
use crate::engine::{self, EngineError};
use crate::migration::{Plan, chart_rows};
use crate::store::Storage;

/// Bytes of a quarantined line that are shown.
const MOST_OF_A_LINE: usize = 16 * 1024;

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
        Query::Quarantine(migration) => {
            let rows = engine::quarantine_of(storage, &plan(storage, &migration)?)?;
            Reply::Quarantine(migration, rows)
        }
        Query::Original(migration, row) => {
            // A row of this migration and no other.
            let ours = engine::runs_of(storage, &migration)?.contains(&row.run);
            let line = ours.then(|| engine::beginning(storage, row, MOST_OF_A_LINE));
            Reply::Original(row, line.unwrap_or(Err(EngineError::Stopped)).map_err(Problem::from))
        }
        Query::Verified(migration) => {
            let charts = engine::charts(storage, &plan(storage, &migration)?)?;
            let found = storage.tables.verifications.get(migration.as_bytes())?;
            Reply::Verified(migration, Box::new(found), charts)
        }
        Query::Finding(migration, number) => {
            let plan = plan(storage, &migration)?;
            let shown = engine::show_finding(storage, &plan, number);
            let shown = shown.map(|shown| (shown.found.record.clone(), shown.fields(&plan.base_url)));
            Reply::Finding(number, shown.map_err(Problem::from))
        }
        Query::Destination(migration) => {
            let found = engine::destination::stand(storage, &plan(storage, &migration)?)?;
            Reply::Destination(migration, Box::new(found))
        }
        Query::Chart(migration, number) => {
            let plan = plan(storage, &migration)?;
            let content = engine::find_chart(storage, &plan, number)?.content;
            let records = engine::chart_records(storage, &plan, number);
            let rows = records.map(|records| chart_rows(&records)).map_err(Problem::from);
            Reply::Chart(number, content, rows)
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
