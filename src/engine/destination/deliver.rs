//! A delivery: passes over the store until the server holds what it can.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::super::error::EngineError;
use super::super::progress::Snapshot;
use super::super::recorder::Recorder;
use super::circle::{Circles, circles};
use super::link::{Link, link};
use super::outgoing::Maker;
use super::queue::{Out, queue};
use super::sender::Sender;
use super::settle::Settler;
use super::work::{Passed, Purpose, Worker};
use crate::fhir;
use crate::http::Clock;
use crate::migration::{DeliveryCounts, Event, Plan, Standing};
use crate::store::{RecordKey, Storage, migration_key};
use crate::target::EmbeddedStore;

/// What a delivery goes by.
pub struct Delivering {
    /// The open store.
    pub storage: Arc<Storage>,
    /// The migration's plan.
    pub plan: Plan,
    /// Journals and publishes events.
    pub recorder: Recorder,
    /// What waits go by.
    pub clock: Arc<dyn Clock>,
    /// Cancelled by a person or a signal: what was answered is noted, and the rest is done next time.
    pub cancel: CancellationToken,
    /// Latest counters.
    pub snapshot: watch::Sender<Snapshot>,
    /// Also over what was edited or removed at the destination since.
    pub force: bool,
}

/// A record that is not at the server as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Which record it is.
    #[serde(skip)]
    pub key: Vec<u8>,
    /// Its type.
    pub resource_type: String,
    /// Its id in the store; that at the server where the store has it no more.
    pub id: String,
    /// How it stands.
    #[serde(flatten)]
    pub standing: Standing,
}

/// Makes the server hold what the store has.
pub async fn deliver(job: Delivering) -> Result<DeliveryCounts, EngineError> {
    let link = link(&job.storage, &job.plan, Arc::clone(&job.clock), &job.cancel).await?;
    if link.destination.importing.is_some() {
        return Err(EngineError::NotReady {
            what: "the server is importing files, and both would write the same records".to_owned(),
            hint: format!("`cutover destination import {}` waits until it is over", job.plan.id),
        });
    }
    job.recorder.record(&Event::DeliveryBegun {
        base_url: link.destination.base_url.clone(),
        software: link.ability.software.clone(),
        plan: Some(link.plan(&job.storage)),
    })?;
    let result = passes(&job, link).await;
    match &result {
        Ok(counts) => job.recorder.record(&Event::DeliveryEnded {
            counts: *counts,
            requests: job
                .snapshot
                .borrow()
                .delivery
                .as_ref()
                .map(|delivery| delivery.requests),
        })?,
        Err(EngineError::Cancelled) => {}
        Err(error) => job.recorder.record(&Event::DeliveryFailed {
            reason: error.to_string(),
        })?,
    }
    job.snapshot.send_modify(|snapshot| snapshot.delivery = None);
    result
}

async fn passes(job: &Delivering, link: Link) -> Result<DeliveryCounts, EngineError> {
    let mut empty = BTreeSet::new();
    for (name, _) in job.storage.names.resource_types() {
        if link.strategy(&name).is_ok() && link.count(&name, &job.cancel).await? == Some(0) {
            empty.insert(name);
        }
    }
    let mut link = link;
    link.destination.begun.extend(empty.iter().cloned());
    let mut link = settle_strategies(job, link)?;
    let mut all = DeliveryCounts::default();
    let mut settle_for_less = false;
    let mut unchanged = None;
    loop {
        let how = Pass {
            settle_for_less,
            purpose: Purpose::Deliver,
        };
        let circles = if settle_for_less {
            circles(job, &link).await?
        } else {
            Circles::new()
        };
        let shared = Arc::new(link);
        let Came {
            settler: Settler { counts, cut, moved, .. },
            passed,
            without_id,
        } = pass(job, &shared, &empty, circles, how).await?;
        link = Link::clone(&shared);
        // Later passes come to what the first one wrote.
        unchanged.get_or_insert(passed.unchanged);
        for name in &without_id {
            if let Ok(strategy) = link.ability.without_ids(name) {
                link.destination.strategies.insert(name.to_string(), strategy);
            }
        }
        save(job, &link)?;
        all = all.and_then(DeliveryCounts {
            created: counts.created,
            updated: counts.updated,
            found: counts.found,
            removed: counts.removed,
            ..DeliveryCounts::default()
        });
        let left = undelivered(&job.storage, &job.plan.id)?;
        let open = passed.later > 0 || passed.incomplete > 0 || left > 0;
        // What was written in this pass may be what others waited for. Records that refer to each other in a circle wait for ever, or are
        // refused: then somebody has to be the first.
        if !without_id.is_empty() || cut > 0 || open && (moved || !settle_for_less) {
            // What references were taken out of can be removed now.
            settle_for_less = !moved && without_id.is_empty();
            continue;
        }
        all.unchanged = unchanged.unwrap_or_default();
        for item in job.storage.deliveries.scan_prefix(&migration_key(&job.plan.id, &[])) {
            match item?.1.state {
                Standing::Delivered | Standing::Inside { .. } | Standing::HandedOff | Standing::Agreed { .. } => {}
                Standing::Refused { .. } => all.refused += 1,
                Standing::Conflict { .. } => all.conflicts += 1,
            }
        }
        (all.kept, all.inside) = (passed.kept, passed.inside);
        link.destination.begun.clear();
        save(job, &link)?;
        return Ok(all);
    }
}

/// How many records are not at the server as they should be.
pub fn undelivered(storage: &Storage, migration: &str) -> Result<u64, EngineError> {
    let mut left = 0;
    for item in storage.deliveries.scan_prefix(&migration_key(migration, &[])) {
        left += u64::from(item?.1.open());
    }
    Ok(left)
}

/// The records that are not at the server as they should be, and those of which somebody decided that they need not.
pub fn problems(storage: &Arc<Storage>, plan: &Plan) -> Result<Vec<Problem>, EngineError> {
    let store = EmbeddedStore::new(Arc::clone(storage));
    let names = storage.names.resource_types();
    let mut found = Vec::new();
    for item in storage.deliveries.scan_prefix(&migration_key(&plan.id, &[])) {
        let (at, known) = item?;
        let key = at.get(at.len().saturating_sub(20)..).and_then(RecordKey::from_bytes);
        let fine = matches!(
            known.state,
            Standing::Delivered | Standing::Inside { .. } | Standing::HandedOff
        );
        let (Some(key), false) = (key, fine) else {
            continue;
        };
        let name = names.iter().find(|(_, number)| *number == key.resource_type());
        let line = storage.index.get(&key)?.map(|entry| store.read(&entry)).transpose()?;
        let id = line.and_then(|line| fhir::scan(&line).ok().map(|scan| scan.id.to_owned()));
        found.push(Problem {
            key: key.as_bytes().to_vec(),
            resource_type: name.map(|(name, _)| name.clone()).unwrap_or_default(),
            id: id.unwrap_or(known.id),
            standing: known.state,
        });
    }
    Ok(found)
}

/// How each type is written is settled before its first record is sent, and durable: records are never looked for in another way than they
/// were written.
pub(super) fn settle_strategies(job: &Delivering, mut link: Link) -> Result<Link, EngineError> {
    for (name, _) in job.storage.names.resource_types() {
        if let Ok(strategy) = link.strategy(&name) {
            link.destination.strategies.insert(name, strategy);
        }
    }
    save(job, &link)?;
    Ok(link)
}

pub(super) fn save(job: &Delivering, link: &Link) -> Result<(), EngineError> {
    job.storage
        .tables
        .destinations
        .put(job.plan.id.as_bytes(), &link.destination)?;
    Ok(job.storage.workspace.ledger().durable()?)
}

/// What a pass over the store is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pass {
    pub settle_for_less: bool,
    pub purpose: Purpose,
}

/// Makes the work of a pass, on a thread of its own.
pub(super) fn working(
    job: &Delivering,
    link: &Arc<Link>,
    empty: &BTreeSet<String>,
    circles: Circles,
    how: Pass,
    out: Out,
    cancel: CancellationToken,
) -> JoinHandle<Result<Passed, EngineError>> {
    let (storage, plan, link) = (Arc::clone(&job.storage), job.plan.clone(), Arc::clone(link));
    let (empty, force) = (empty.clone(), job.force);
    tokio::task::spawn_blocking(move || {
        let store = EmbeddedStore::new(Arc::clone(&storage));
        let maker = Maker {
            storage: &storage,
            store: &store,
            plan: &plan,
            link: &link,
            tenant: storage.names.tenant(&plan.tenant)?,
            settle_for_less: how.settle_for_less,
            together: None,
            empty,
        };
        let mut worker = Worker {
            maker,
            out,
            cancel,
            circles,
            force,
            purpose: how.purpose,
            passed: Passed::default(),
        };
        worker.pass()?;
        Ok(worker.passed)
    })
}

/// What came of a pass.
pub(super) struct Came {
    pub settler: Settler,
    pub passed: Passed,
    /// Types for which the server takes no ids of ours.
    pub without_id: BTreeSet<Arc<str>>,
}

pub(super) async fn pass(
    job: &Delivering,
    link: &Arc<Link>,
    empty: &BTreeSet<String>,
    circles: Circles,
    how: Pass,
) -> Result<Came, EngineError> {
    let (out, mut work) = queue();
    let stop = job.cancel.child_token();
    let worker = working(job, link, empty, circles, how, out, stop.clone());
    let mut settler = Settler::new(Arc::clone(&job.storage), &job.plan.id);
    settler.wrong = (how.purpose == Purpose::Check).then(Vec::new);
    let mut sender = Sender::new(Arc::clone(link), stop.clone(), job.snapshot.clone());
    let sent = sender.run(&mut work, &mut settler).await;
    stop.cancel();
    drop(work);
    let passed = worker.await.map_err(|_| EngineError::Stopped)?;
    sent?;
    if job.cancel.is_cancelled() {
        return Err(EngineError::Cancelled);
    }
    Ok(Came {
        settler,
        passed: passed?,
        without_id: sender.without_id,
    })
}
