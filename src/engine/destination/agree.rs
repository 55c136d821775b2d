//! What a person decides of a record that the server has otherwise than the store.

use std::sync::Arc;

use super::super::error::EngineError;
use super::super::place::hex;
use super::super::recorder::Recorder;
use super::deliver::{Problem, problems};
use crate::migration::{By, Event, Keep, Plan, Standing};
use crate::store::{RecordKey, Storage, migration_key};

/// Settles conflicts with the server, all or none: by `Type/id` as [`problems`] has it, or every open one where `records` is empty. The
/// server is not talked to: the next delivery does what was decided, if the server still has what was seen.
pub fn agree(
    storage: &Arc<Storage>,
    plan: &Plan,
    recorder: &Recorder,
    records: &[String],
    keep: Keep,
    by: &By,
) -> Result<(), EngineError> {
    let all = problems(storage, plan)?;
    let conflicts = all
        .into_iter()
        .filter(|problem| matches!(problem.standing, Standing::Conflict { .. }));
    let mut open: Vec<(String, Problem)> = conflicts
        .map(|problem| (format!("{}/{}", problem.resource_type, problem.id), problem))
        .collect();
    if let Some(unknown) = records.iter().find(|name| open.iter().all(|(open, _)| open != *name)) {
        return Err(EngineError::NotReady {
            what: format!("{unknown} of `{}` is in no conflict with the server", plan.id),
            hint: format!("`cutover destination problems {}` lists what is", plan.id),
        });
    }
    if !records.is_empty() {
        open.retain(|(name, _)| records.contains(name));
    }
    let mut wanted = Vec::new();
    for (name, problem) in open {
        let Some(key) = RecordKey::from_bytes(&problem.key) else {
            continue;
        };
        let at = migration_key(&plan.id, key.as_bytes());
        let Some(mut known) = storage.deliveries.get(&at)? else {
            continue;
        };
        let own = storage.index.versions(&key)?.iter().any(|entry| entry.local);
        if keep == Keep::Store && !known.created && !own {
            // What nobody has a copy of is not written over: a rollback could not bring it back.
            return Err(EngineError::NotReady {
                what: format!("{name} at the server is not of this migration, and the store has no copy of it"),
                hint: format!(
                    "`cutover destination pull {}` takes it into the store, where it is decided like any other; or `--keep server`",
                    plan.id
                ),
            });
        }
        let entry = storage.index.get(&key)?.filter(|entry| !entry.deleted);
        let made_from = entry.map(|entry| hex(&storage.content_hash(entry.encode().as_slice())));
        let Standing::Conflict { version, .. } = known.state else {
            continue;
        };
        known.state = Standing::Agreed {
            keep,
            version,
            made_from: made_from.unwrap_or_default(),
            by: by.clone(),
        };
        wanted.push((at, known, problem.resource_type, hex(&key.id()[..6])));
    }
    let mut told = Vec::new();
    // The journal first: a kill in between leaves a conflict that is still open, never one that nobody is on record for.
    for (.., resource_type, record) in &wanted {
        told.push(recorder.append(&Event::DestinationAgreed {
            resource_type: resource_type.clone(),
            record: record.clone(),
            keep,
            name: by.name.clone(),
            why: by.why.clone(),
        })?);
    }
    storage.workspace.ledger().durable()?;
    for (at, known, ..) in &wanted {
        storage.deliveries.put(at, known)?;
    }
    storage.deliveries.durable()?;
    for event in told {
        recorder.publish(event);
    }
    Ok(())
}
