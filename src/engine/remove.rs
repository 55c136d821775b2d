//! Removing a migration that brought nothing here. Its journal stays: an audit trail is never shortened.

use super::error::EngineError;
use super::keys;
use super::tally::every_run_of;
use crate::migration::{Event, Plan};
use crate::store::{Storage, file_key, migration_key, run_key};

/// Removes a migration's plan, key pair, secrets and empty runs; refuses when any byte was received for it.
pub fn remove(storage: &Storage, plan: &Plan) -> Result<(), EngineError> {
    let runs: Vec<u32> = every_run_of(storage, &plan.id)?
        .into_iter()
        .map(|(run, _)| run)
        .collect();
    for run in &runs {
        if storage.files(*run)?.iter().any(|file| file.bytes > 0) {
            return Err(EngineError::NotReady {
                what: format!(
                    "files were received for `{}`: removing it would lose what became of them",
                    plan.id
                ),
                hint: "`cutover rollback` takes back what a migration stored; what was received stays as evidence"
                    .to_owned(),
            });
        }
    }
    let tables = &storage.tables;
    for run in runs {
        for file in storage.files(run)? {
            tables.files.remove(&file_key(run, file.number))?;
        }
        if let Some(progress) = tables.progress.get(&run_key(run))? {
            storage.put_tails(&progress.tails)?;
            tables.progress.remove(&run_key(run))?;
        }
        tables.runs.remove(&run_key(run))?;
    }
    for item in tables.crosswalk.scan_prefix(&migration_key(&plan.id, &[])) {
        tables.crosswalk.remove(&item?.0)?;
    }
    keys::remove(storage, &plan.id)?;
    tables.secrets.remove(plan.id.as_bytes())?;
    tables.registrations.remove(plan.id.as_bytes())?;
    tables.verifications.remove(plan.id.as_bytes())?;
    tables.migrations.remove(plan.id.as_bytes())?;
    storage.journal.append(&plan.id, &Event::MigrationRemoved {})?;
    Ok(storage.workspace.ledger().durable()?)
}
