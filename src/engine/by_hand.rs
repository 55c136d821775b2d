//! Mappings by hand: made before the rows that they concern are received, for what is stored already was written without them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::crosswalk::{mapping_key, mappings};
use super::engaged::engaged;
use super::error::EngineError;
use super::gate::still_open;
use super::recorder::Recorder;
use crate::fhir;
use crate::migration::{By, Event, Ground, Mapping, Plan};
use crate::store::{RecordKey, Storage};

/// Changes the crosswalk: `(Type/source, Some(Type/target))` maps, `(Type/source, None)` takes a mapping away. All of it or, with the
/// reason, nothing; gives how many lines changed.
pub fn change_crosswalk(
    storage: &Arc<Storage>,
    plan: &Plan,
    recorder: &Recorder,
    lines: &[(String, Option<String>)],
    by: &By,
) -> Result<usize, EngineError> {
    still_open(storage, plan)?;
    let mut known: HashMap<RecordKey, Mapping> = HashMap::new();
    for mapping in mappings(storage, &plan.id)? {
        known.insert(key_of(storage, plan, &mapping.resource_type, &mapping.source)?, mapping);
    }
    let mut changes: HashMap<RecordKey, Option<Mapping>> = HashMap::new();
    for (source, target) in lines {
        let (key, change) = change(storage, plan, source, target.as_deref())?;
        if change.is_none() && !known.contains_key(&key) {
            return Err(not_ready(
                format!("`{}` is not mapped", fhir::safe(source)),
                format!("`cutover crosswalk list {}` says what is", plan.id),
            ));
        }
        if changes.insert(key, change).is_some() {
            return Err(not_ready(
                format!("`{}` is there twice", fhir::safe(source)),
                "give each record of the source once".to_owned(),
            ));
        }
    }
    let same = |key: &RecordKey, change: &Option<Mapping>| match (known.get(key), change) {
        (Some(known), Some(new)) => (&known.target, known.ground) == (&new.target, new.ground),
        _ => false,
    };
    changes.retain(|key, change| !same(key, change));
    untouched(storage, plan, &known, &changes)?;
    let (mut set, mut unset) = (0, 0);
    for (key, change) in &changes {
        let at = mapping_key(&plan.id, key);
        if let Some(mapping) = change {
            storage.tables.crosswalk.put(&at, mapping)?;
            set += 1;
        } else {
            storage.tables.crosswalk.remove(&at)?;
            unset += 1;
        }
    }
    if !changes.is_empty() {
        recorder.record(&Event::CrosswalkChanged {
            set,
            unset,
            name: by.name.clone(),
            why: by.why.clone(),
        })?;
    }
    storage.workspace.ledger().durable()?;
    Ok(changes.len())
}

fn change(
    storage: &Storage,
    plan: &Plan,
    source: &str,
    target: Option<&str>,
) -> Result<(RecordKey, Option<Mapping>), EngineError> {
    let (resource_type, id) = split(source)?;
    if resource_type == "Patient" {
        return Err(not_ready(
            "who a patient is, is decided by conflicts and not by the crosswalk".to_owned(),
            format!("`cutover conflicts {}` lists them; `cutover resolve` decides", plan.id),
        ));
    }
    let key = key_of(storage, plan, resource_type, id)?;
    let Some(target) = target else {
        return Ok((key, None));
    };
    let (target_type, target_id) = split(target)?;
    if target_type != resource_type || target_id.starts_with('?') {
        return Err(not_ready(
            format!(
                "`{}` is no {resource_type} that a {resource_type} can be",
                fhir::safe(target)
            ),
            format!("give it as {resource_type}/id"),
        ));
    }
    let there = storage.index.get(&key.with_id(storage.id_hash(target_id)))?;
    if target_id != id && there.is_none_or(|entry| entry.deleted) {
        return Err(not_ready(
            format!("`{}` is not in tenant `{}`", fhir::safe(target), plan.tenant),
            format!(
                "`cutover store get {} --tenant {}` shows what is there",
                fhir::safe(target),
                plan.tenant
            ),
        ));
    }
    let mapping = Mapping {
        resource_type: resource_type.to_owned(),
        source: id.to_owned(),
        target: target_id.to_owned(),
        ground: Ground::Hand,
        run: None,
    };
    Ok((key, Some(mapping)))
}

/// Fails where rows are stored that would be other ones with these changes.
fn untouched(
    storage: &Arc<Storage>,
    plan: &Plan,
    known: &HashMap<RecordKey, Mapping>,
    changes: &HashMap<RecordKey, Option<Mapping>>,
) -> Result<(), EngineError> {
    let mut keys: HashSet<RecordKey> = changes.keys().copied().collect();
    // Whether a record stands for one or for several decides what becomes of their contents.
    let touched: HashSet<(&String, &String)> = changes
        .iter()
        .flat_map(|(key, change)| known.get(key).into_iter().chain(change))
        .map(|mapping| (&mapping.resource_type, &mapping.target))
        .collect();
    let beside = known
        .iter()
        .filter(|(_, other)| touched.contains(&(&other.resource_type, &other.target)));
    keys.extend(beside.map(|(key, _)| *key));
    let late = engaged(storage, plan, &keys)?;
    if late.is_empty() {
        return Ok(());
    }
    Err(not_ready(
        format!(
            "{} of these records, or references to them, were received already and are stored without this",
            late.len()
        ),
        format!(
            "`cutover rollback {}` takes back what was received; change the crosswalk then, and run again",
            plan.id
        ),
    ))
}

/// Type and id of `Type/id`, or type and search of `Type?search`.
fn split(record: &str) -> Result<(&str, &str), EngineError> {
    let parts = match record.find('?') {
        Some(at) => Some(record.split_at(at)),
        None => record.split_once('/').filter(|(_, id)| fhir::is_id(id)),
    };
    parts.filter(|(name, _)| fhir::is_type_name(name)).ok_or_else(|| {
        not_ready(
            format!("`{}` is no record", fhir::safe(record)),
            "a record is written as Type/id, a conditional reference as Type?search".to_owned(),
        )
    })
}

fn key_of(storage: &Storage, plan: &Plan, resource_type: &str, id: &str) -> Result<RecordKey, EngineError> {
    let tenant = storage.names.tenant(&plan.tenant)?;
    Ok(storage.key(tenant, resource_type, id)?)
}

fn not_ready(what: String, hint: String) -> EngineError {
    EngineError::NotReady { what, hint }
}
