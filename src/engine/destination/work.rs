//! What there is to do: the store's records against what the ledger knows of the server, type by type.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::super::error::EngineError;
use super::circle::Circles;
use super::compartment::by_patient;
use super::inside::{Within, without};
use super::outgoing::{Made, Maker};
use super::queue::{Out, Work};
use super::task::{Goal, Place, Step, Task};
use crate::migration::{Bundling, Delivered, Keep, Standing, write_order};
use crate::store::{Entry, RecordKey, Storage, migration_key};

/// Entries looked at together, so that each block of the landing is opened once for all of them.
const TOGETHER: usize = 1 << 16;

/// What a pass over the store is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Everything is sent that the server has not as it should.
    Deliver,
    /// Nothing is written: everything that should be there is looked at.
    Check,
    /// Files are made of what the server has nothing of, type by type.
    HandOff,
}

/// What one pass found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Passed {
    /// Records that need no request.
    pub unchanged: u64,
    /// Records that wait for others that they refer to; in a check, those that are there and are to be removed.
    pub later: u64,
    /// Records that were sent without all their references.
    pub incomplete: u64,
    /// Records that stay as the server has them, as somebody decided.
    pub kept: u64,
    /// Documents that are inside a record that shows them.
    pub inside: u64,
}

/// Makes the work of a pass and hands it on; blocking.
pub struct Worker<'a> {
    pub maker: Maker<'a>,
    pub out: Out,
    pub cancel: CancellationToken,
    pub force: bool,
    /// What is to be removed and is referred to in a circle.
    pub circles: Circles,
    pub purpose: Purpose,
    pub passed: Passed,
}

impl Worker<'_> {
    /// One pass over everything: what is there to be written, then what is there to be removed.
    pub fn pass(&mut self) -> Result<(), EngineError> {
        let mut types = self.maker.storage.names.resource_types();
        types.sort_by_key(|(name, _)| (write_order(name), name.clone()));
        let only = self.maker.link.destination.kind.only();
        let mut written = types.clone();
        written.retain(|(name, _)| {
            let handed = self.purpose != Purpose::HandOff || self.maker.empty.contains(name);
            handed && only.is_none_or(|types| types.contains(&name.as_str()))
        });
        let by_patient = match self.maker.link.bundling() {
            Bundling::Patient if self.purpose == Purpose::Deliver && !self.maker.settle_for_less => {
                by_patient(self, &written)
            }
            _ => Vec::new(),
        };
        let mut settled = HashMap::new();
        if !by_patient.is_empty() {
            // What is of no patient comes first, for what is leads to it; then what is left of it, record by record.
            let (first, rest) = written.into_iter().partition(|of_type| {
                !by_patient.contains(of_type) && write_order(&of_type.0) < write_order("Provenance")
            });
            written = rest;
            self.write_all(&first, &settled)?;
            settled = self.compartments(&by_patient)?;
        }
        self.write_all(&written, &settled)?;
        if self.purpose == Purpose::HandOff {
            return Ok(());
        }
        if self.purpose == Purpose::Check {
            for (_, number) in &types {
                for item in self.gone(*number) {
                    let (.., known) = item?;
                    let stays = matches!(known.state, Standing::Agreed { keep: Keep::Server, .. });
                    self.passed.kept += u64::from(stays);
                    self.passed.later += u64::from(!stays && !known.open() && known.is_there() && known.created);
                }
            }
            return Ok(());
        }
        for (name, number) in types.iter().rev() {
            self.remove(name, *number)?;
            self.wait()?;
        }
        Ok(())
    }

    /// Writes types; of some it is known how many records were `settled` before others went with their patient in this pass.
    fn write_all(&mut self, types: &[(String, u16)], settled: &HashMap<u16, u64>) -> Result<(), EngineError> {
        for (name, number) in types {
            let before = self.passed.unchanged;
            self.write(name, *number)?;
            self.wait()?;
            if let Some(settled) = settled.get(number) {
                self.passed.unchanged = self.passed.unchanged.min(before + settled);
            }
        }
        Ok(())
    }

    fn gone(&self, number: u16) -> impl Iterator<Item = Result<(Vec<u8>, RecordKey, Delivered), EngineError>> + use<> {
        gone(self.maker.storage, &self.maker.plan.id, self.maker.tenant, number)
    }

    fn write(&mut self, name: &str, number: u16) -> Result<(), EngineError> {
        let name: Arc<str> = Arc::from(name);
        let prefix = RecordKey::prefix(self.maker.tenant, number);
        let storage = Arc::clone(self.maker.storage);
        let mut entries = storage.index.scan(&prefix);
        loop {
            let mut some: Vec<(RecordKey, Entry, Option<Box<Delivered>>)> = Vec::new();
            let mut over = true;
            for item in entries.by_ref() {
                let (key, entry) = item?;
                if entry.deleted {
                    continue;
                }
                let known = self.maker.known(&key)?;
                match &known {
                    // The server's own, which nothing here changed.
                    None if entry.local => continue,
                    Some(known) if known.kept(&self.maker.made_from(&entry)) => {
                        self.passed.kept += 1;
                        continue;
                    }
                    Some(known)
                        if self.purpose != Purpose::Check
                            && known.settled()
                            && known.complete
                            && known.made_from == self.maker.made_from(&entry) =>
                    {
                        self.passed.unchanged += 1;
                        continue;
                    }
                    Some(known) if known.inside() => {
                        if !self.held(&key, Some(&entry), known)? {
                            some.push((key, entry, None));
                        }
                    }
                    _ => some.push((key, entry, known.map(Box::new))),
                }
                if some.len() == TOGETHER {
                    over = false;
                    break;
                }
            }
            some.sort_unstable_by_key(|(_, entry, _)| entry.location);
            for (key, entry, known) in some {
                if self.cancel.is_cancelled() {
                    return Err(EngineError::Cancelled);
                }
                self.one(&name, key, &entry, known.map(|known| *known))?;
            }
            if over {
                return Ok(());
            }
        }
    }

    fn one(
        &mut self,
        name: &Arc<str>,
        key: RecordKey,
        entry: &Entry,
        known: Option<Delivered>,
    ) -> Result<(), EngineError> {
        let named = known.as_ref().is_some_and(Delivered::open);
        self.out.room(entry.location.len as usize)?;
        match self
            .maker
            .make(name, key, entry, known, self.purpose == Purpose::Check)?
        {
            Made::Task(task) => {
                self.passed.incomplete += u64::from(!task.complete);
                let task = self.begun(*task);
                self.send(task)
            }
            Made::Later => {
                self.passed.later += 1;
                Ok(())
            }
            Made::There => {
                self.passed.unchanged += 1;
                Ok(())
            }
            Made::Complete(known) => {
                self.passed.unchanged += 1;
                let at = migration_key(&self.maker.plan.id, key.as_bytes());
                Ok(self.maker.storage.deliveries.put(&at, &known)?)
            }
            Made::Not(_) if self.purpose == Purpose::Check => {
                self.passed.later += u64::from(!named);
                Ok(())
            }
            Made::Not(_) if self.purpose == Purpose::HandOff => Ok(()),
            Made::Not(reason) => self.not(key, reason),
        }
    }

    /// A task with its first step.
    pub(super) fn begun(&self, mut task: Task) -> Task {
        task.force = self.force;
        if self.purpose == Purpose::Check {
            task.goal = Goal::Check;
        } else if task.exists && task.version.is_some()
            || task.known.is_none() && !task.servers_own && self.maker.empty.contains(&*task.resource_type)
        {
            // The version that is asked for, or that there is none at all, is as good as a look.
            task.step = Step::Act;
        }
        task
    }

    /// Whether a document is still in a record that it was put into; records that hold another one in its name are made anew.
    fn held(&mut self, key: &RecordKey, entry: Option<&Entry>, known: &Delivered) -> Result<bool, EngineError> {
        let (within, stale) = self.maker.within(key, entry, known)?;
        let passed = &mut self.passed;
        match within {
            Within::Held if self.purpose != Purpose::Check || stale.is_empty() => passed.inside += 1,
            Within::Kept if self.purpose != Purpose::Check || stale.is_empty() => passed.kept += 1,
            _ => passed.later += 1,
        }
        if self.purpose == Purpose::Check {
            return Ok(true);
        }
        for holder in &stale {
            self.maker.make_anew(holder)?;
        }
        let at = migration_key(&self.maker.plan.id, key.as_bytes());
        if within == Within::Nowhere {
            self.maker.storage.deliveries.remove(&at)?;
        } else if !stale.is_empty() {
            // Those that take it in again say so; they may have been come to already.
            self.passed.incomplete += 1;
            self.maker.storage.deliveries.put(&at, &without(known, &stale))?;
        }
        Ok(within != Within::Nowhere)
    }

    /// Notes that a record cannot be sent at all.
    fn not(&mut self, key: RecordKey, reason: String) -> Result<(), EngineError> {
        let at = migration_key(&self.maker.plan.id, key.as_bytes());
        let table = &self.maker.storage.deliveries;
        let state = Standing::Refused { status: 0, reason };
        let known = Delivered::not_done(table.get(&at)?, state);
        Ok(table.put(&at, &known)?)
    }

    /// What the server has of us and the store has no more.
    fn remove(&mut self, name: &str, number: u16) -> Result<(), EngineError> {
        let name: Arc<str> = Arc::from(name);
        let storage = Arc::clone(self.maker.storage);
        let removes = self.maker.link.destination.kind.only().is_none();
        for item in self.gone(number) {
            let (at, key, known) = item?;
            if self.cancel.is_cancelled() {
                return Err(EngineError::Cancelled);
            }
            if matches!(&known.state, Standing::Agreed { keep: Keep::Server, .. }) {
                self.passed.kept += 1;
                continue;
            }
            if known.inside() {
                self.held(&key, None, &known)?;
                continue;
            }
            if !known.is_there() || !known.created {
                // Nothing of ours is there.
                storage.deliveries.remove(&at)?;
                continue;
            }
            if !removes {
                let reason = "this kind of server removes nothing".to_owned();
                let state = Standing::Refused { status: 0, reason };
                let known = Delivered::not_done(Some(known), state);
                storage.deliveries.put(&at, &known)?;
                continue;
            }
            let circle = self.circles.get(&format!("{name}/{}", known.id)).cloned();
            self.send(Task {
                key,
                resource_type: Arc::clone(&name),
                body: Vec::new(),
                content: String::new(),
                made_from: String::new(),
                complete: true,
                goal: if circle.is_some() { Goal::Cut } else { Goal::Remove },
                place: Place::Id(known.id.clone()),
                anew: None,
                exists: true,
                version: match &known.state {
                    Standing::Agreed { version, .. } => version.clone(),
                    _ => known.version.clone(),
                },
                servers_own: false,
                agreed: false,
                known: Some(known),
                step: Step::Look,
                attempts: 0,
                waited: 0,
                apart: false,
                going: circle.unwrap_or_default(),
                wrote: None,
                force: self.force,
                inside: Vec::new(),
                room: None,
            })?;
        }
        Ok(())
    }

    fn send(&self, task: Task) -> Result<(), EngineError> {
        self.out.put(Work::Task(Box::new(task)))
    }

    /// Waits until everything that was handed on is over.
    pub(super) fn wait(&self) -> Result<(), EngineError> {
        let (done, over) = oneshot::channel();
        self.out.put(Work::Wait(done))?;
        over.blocking_recv().map_err(|_| EngineError::Stopped)
    }
}

/// What the ledger knows of records of a type that the store has no more.
pub fn gone(
    storage: &Arc<Storage>,
    migration: &str,
    tenant: u16,
    number: u16,
) -> impl Iterator<Item = Result<(Vec<u8>, RecordKey, Delivered), EngineError>> + use<> {
    let storage = Arc::clone(storage);
    let rows = storage
        .deliveries
        .scan_prefix(&migration_key(migration, &RecordKey::prefix(tenant, number)));
    rows.filter_map(move |item| {
        let (at, known) = match item {
            Ok(row) => row,
            Err(error) => return Some(Err(error.into())),
        };
        let key = at.get(at.len().saturating_sub(20)..).and_then(RecordKey::from_bytes)?;
        match storage.index.get(&key) {
            Ok(entry) if entry.as_ref().is_some_and(|entry| !entry.deleted) => None,
            Ok(_) => Some(Ok((at, key, known))),
            Err(error) => Some(Err(error.into())),
        }
    })
}
