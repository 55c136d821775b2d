//! Matching: which of the organizations, locations and practitioners that a run has landed are the destination's own.
//!
//! It is done between landing them and taking them in, from what is landed and what the destination holds, and noted durably before the
//! first of them is placed: so every record that refers to them is written with the right reference at once, and after a kill the same
//! comes out again.

use std::collections::HashSet;
use std::sync::Arc;

use super::crosswalk::{Crosswalk, mapping_key};
use super::directory::{DIRECTORY, Theirs, landed, ours};
use super::engaged::engaged;
use super::error::EngineError;
use super::export::{DIRECTORY_TIER, tier};
use super::program::transforms;
use crate::migration::{ExportFile, Mapping, Plan, Verdict, counterparts};
use crate::store::{RecordKey, Storage};

/// Whether the destination has a directory of its own, so that files of the directory must be landed before any of them is taken in.
pub fn has_directory(storage: &Arc<Storage>, plan: &Plan) -> Result<bool, EngineError> {
    Theirs::of(storage, plan)?.any()
}

/// Whether a file holds records of the directory, and nothing of it is taken in yet.
fn waits(file: &ExportFile, run: u32) -> bool {
    file.run == run && tier(file) == DIRECTORY_TIER && file.deferred && !file.complete()
}

/// Notes who of a run's landed directory is the destination's own; whether anybody is who was not known before.
pub fn match_directory(storage: &Arc<Storage>, plan: &Plan, run: u32) -> Result<bool, EngineError> {
    let mut files = storage.files(run)?;
    files.retain(|file| waits(file, run));
    let mut theirs = Theirs::of(storage, plan)?;
    let mut crosswalk = Crosswalk::read(storage, &plan.id)?;
    let transforms = transforms(storage, plan)?;
    let mut any = false;
    for resource_type in DIRECTORY {
        let known = Known::of(storage, plan, resource_type)?;
        let targets = theirs.parties(resource_type)?;
        let mut sources = landed(storage, &files, &transforms, resource_type)?;
        sources.retain(|id, _| !known.themselves.contains(id));
        if targets.is_empty() || sources.is_empty() {
            continue;
        }
        let sources = ours(storage, plan, &crosswalk, sources);
        let verdicts = counterparts(resource_type, &sources, &targets, &|id| known.targets.contains(id));
        let mut found: Vec<(RecordKey, Mapping)> = Vec::new();
        for (source, verdict) in sources.iter().zip(verdicts) {
            let Verdict::Same(target, ground) = verdict else {
                continue;
            };
            let key = storage.key(known.tenant, resource_type, &source.id)?;
            // Who was placed under an id of their own before stays so.
            if storage.index.get(&key)?.is_none() {
                let mapping = Mapping {
                    resource_type: resource_type.to_owned(),
                    source: source.id.clone(),
                    target: targets[target].id.clone(),
                    ground,
                    run: Some(run),
                };
                found.push((key, mapping));
            }
        }
        let keys: HashSet<RecordKey> = found.iter().map(|(key, _)| *key).collect();
        let late = engaged(storage, plan, &keys)?;
        for (key, mapping) in found.into_iter().filter(|(key, _)| !late.contains(key)) {
            storage.tables.crosswalk.put(&mapping_key(&plan.id, &key), &mapping)?;
            crosswalk.insert(storage, &mapping)?;
            any = true;
        }
    }
    storage.workspace.ledger().durable()?;
    Ok(any)
}

/// What the crosswalk says of a type so far.
pub struct Known {
    /// Number of the tenant.
    pub tenant: u16,
    /// Records of the destination that stand for one of the source's.
    pub targets: HashSet<String>,
    /// Records of the source that are nobody else's, as somebody said.
    pub themselves: HashSet<String>,
}

impl Known {
    /// What it says of this type.
    pub fn of(storage: &Storage, plan: &Plan, resource_type: &str) -> Result<Self, EngineError> {
        let mut known = Self {
            tenant: storage.names.tenant(&plan.tenant)?,
            targets: HashSet::new(),
            themselves: HashSet::new(),
        };
        for mapping in super::crosswalk::mappings(storage, &plan.id)? {
            if mapping.resource_type != resource_type {
                continue;
            }
            if mapping.to_itself() {
                known.themselves.insert(mapping.source);
            } else if !mapping.source.starts_with('?') {
                known.targets.insert(mapping.target);
            }
        }
        Ok(known)
    }
}
