//! Carrying out decisions: on the conflict's own row, and on every row that waited for its patient.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::cut_off::forget_cut_off;
use super::error::EngineError;
use super::merge::Proposal;
use super::patients::patients;
use super::place::{Placer, mark};
use super::program::transforms;
use super::reversal::complete;
use super::row::{FileContext, Record, RowReader};
use super::tally::runs_of;
use crate::fhir;
use crate::migration::{Decided, Disposition, Merging, Plan, Policy, Resolution};
use crate::store::{ConflictRow, Entry, HeldRow, Location, RecordKey, RowId, Storage, Writer, migration_key, run_key};

/// Decisions that are carried out between two checkpoints when many were cut off.
const TOGETHER: usize = 128;

/// A conflict, and the destination's patient that its decision takes the source's for, unless it is somebody new.
type Who = (String, Option<Vec<u8>>);

/// Carries out decisions of one migration that are on record; what it did is durable, and noted as done, with the next checkpoint.
pub struct Carrier {
    storage: Arc<Storage>,
    migration: String,
    tenant: u16,
    placer: Placer,
    reader: RowReader,
    writer: Writer,
    /// Conflicts that keep a patient's records back, by patient.
    waiting: HashMap<[u8; 16], HashSet<String>>,
    /// Who a patient is by the decisions made so far, by patient: the conflict, and the destination's patient unless it is none.
    known: HashMap<[u8; 16], Vec<Who>>,
    done: Vec<ConflictRow>,
    released: Vec<Vec<u8>>,
}

impl Carrier {
    /// A carrier of a migration's decisions; what they release is placed by the rules of this plan.
    pub fn new(storage: &Arc<Storage>, plan: &Plan) -> Result<Self, EngineError> {
        let tenant = storage.names.tenant(&plan.tenant)?;
        let mut waiting: HashMap<_, HashSet<_>> = HashMap::new();
        let mut known: HashMap<_, Vec<_>> = HashMap::new();
        let mut run = 0;
        for item in storage.tables.conflicts.scan_prefix(&migration_key(&plan.id, &[])) {
            let row = item?.1;
            run = run.max(row.conflict.run);
            if let Some(who) = who(&row, None) {
                let patient = storage.id_hash(&row.conflict.source.id);
                known.entry(patient).or_default().push(who);
            }
            let conflict = row.conflict;
            if conflict.about_identity() && !conflict.applied {
                let patient = storage.id_hash(&conflict.source.id);
                waiting.entry(patient).or_default().insert(conflict.id);
            }
        }
        Ok(Self {
            storage: Arc::clone(storage),
            migration: plan.id.clone(),
            tenant,
            placer: Placer::new(Arc::clone(storage), plan, None, false)?,
            reader: RowReader::new(Arc::clone(storage), tenant, Some(plan.base_url.clone()))
                .mapping(&plan.mrn_systems)
                .transforming(&Arc::new(transforms(storage, plan)?)),
            writer: storage.writer(run)?,
            waiting,
            known,
            done: Vec::new(),
            released: Vec::new(),
        })
    }

    /// What a policy says of a conflict; `None` when it leaves it to a person.
    pub fn would(&mut self, row: &ConflictRow, policy: Policy) -> Result<Option<(Resolution, String)>, EngineError> {
        self.placer.would(&self.writer, row, policy)
    }

    /// The destination's side of a conflict.
    pub fn target_of(&self, row: &ConflictRow) -> Result<Entry, EngineError> {
        self.placer.target_of(&self.writer, row)
    }

    /// How the two records of a conflict are merged, after the merge was tried.
    pub fn merging(&self, proposal: &Proposal, plan: &Plan, row: &ConflictRow) -> Result<Merging, EngineError> {
        proposal.merging(&self.placer, plan, row, &self.target_of(row)?)
    }

    /// The conflict whose decision says otherwise of who a patient is than this one would.
    pub fn contradicted(&self, row: &ConflictRow, resolution: Resolution) -> Option<String> {
        let (_, whom) = who(row, Some(resolution))?;
        let known = self.known.get(&self.storage.id_hash(&row.conflict.source.id))?;
        let other = known.iter().find(|(_, other)| *other != whom)?;
        Some(other.0.clone())
    }

    /// Carries out the decision on one conflict.
    pub fn carry_out(&mut self, mut row: ConflictRow) -> Result<(), EngineError> {
        let Some(resolution) = row.conflict.decided.as_ref().map(|d| d.resolution) else {
            return Ok(());
        };
        if let Some(who) = who(&row, None) {
            let patient = self.storage.id_hash(&row.conflict.source.id);
            self.known.entry(patient).or_default().push(who);
        }
        let id = row.row();
        let record = self.record(&row.location)?;
        let now = self
            .placer
            .decided(&mut self.writer, id, row.location, &record, &row, resolution)?;
        let resource_type = row.conflict.resource_type.clone();
        let moved = |row: &mut ConflictRow, of: RowId, from, to| {
            if from != to {
                row.conflict.moved.of(of.run, &resource_type).add(from, to);
            }
        };
        moved(&mut row, id, Disposition::Undecided, now);
        for other in std::mem::take(&mut row.also) {
            // Where the first of them did not come into the store, neither does the same content once more.
            let now = match now {
                Disposition::Kept => Disposition::Kept,
                _ => Disposition::Unchanged,
            };
            moved(&mut row, other.row, Disposition::Undecided, now);
            row.also.push(other);
        }
        // Under this key, what stays of a patient that was merged into another may be new.
        let mut touched = HashMap::from([(record.key, vec![id])]);
        if self.frees(&row) {
            self.release_all(&mut row, &mut touched)?;
        }
        let after = self.placer.target_of(&self.writer, &row)?;
        if let Some(decided) = &mut row.conflict.decided {
            decided.after = Some(mark(&after));
        }
        row.conflict.applied = true;
        row.added = 0;
        for (record, rows) in touched {
            row.added += u64::from(self.first_row(&record)?.is_some_and(|first| rows.contains(&first)));
        }
        self.done.push(row);
        Ok(())
    }

    /// The same for decisions that were carried out before: no policy decides the conflicts in `asked`.
    #[must_use]
    pub fn once_more(self, asked: &Arc<HashMap<Vec<u8>, u32>>) -> Self {
        Self {
            placer: self.placer.once_more(Arc::clone(asked), Arc::default()),
            ..self
        }
    }

    /// Carries out a decision on an open conflict once more, after it was met again; false where it has nothing to stand on any more:
    /// where the destination's side is not what whoever decided saw, or the decision does not fit the others.
    pub fn repeat(&mut self, mut row: ConflictRow, made: Decided) -> Result<bool, EngineError> {
        let Some(target) = self.placer.target_now(&self.writer, &row)? else {
            return Ok(false);
        };
        let now = mark(&target);
        let seen = made.before.as_ref();
        if seen.is_some_and(|seen| seen.hash != now.hash) || self.contradicted(&row, made.resolution).is_some() {
            return Ok(false);
        }
        if let Some(merging) = &made.merging
            && !self.placer.can_merge(&mut self.writer, &row, &target, merging)?
        {
            return Ok(false);
        }
        row.conflict.decided = Some(Decided {
            before: Some(now),
            after: None,
            ..made
        });
        let key = migration_key(&self.migration, row.conflict.id.as_bytes());
        self.storage.tables.conflicts.put(&key, &row)?;
        self.carry_out(row)?;
        Ok(true)
    }

    /// Makes durable what was carried out since the last checkpoint.
    pub fn checkpoint(&mut self) -> Result<(), EngineError> {
        let (storage, done, released) = (&self.storage, &mut self.done, &mut self.released);
        let migration = &self.migration;
        self.writer.checkpoint(|tails| -> Result<(), EngineError> {
            storage.put_tails(tails)?;
            storage.workspace.ledger().durable()?;
            // From here on everything that was released is in the store; until the conflicts say so, it would be done again, with the
            // same outcome.
            for row in done.drain(..) {
                let key = migration_key(migration, row.conflict.id.as_bytes());
                storage.tables.conflicts.put(&key, &row)?;
            }
            for key in released.drain(..) {
                storage.tables.held.remove(&key)?;
            }
            Ok(storage.workspace.ledger().durable()?)
        })
    }

    /// Whether nothing else puts the conflict's patient in question.
    fn frees(&mut self, row: &ConflictRow) -> bool {
        let patient = self.storage.id_hash(&row.conflict.source.id);
        row.conflict.about_identity()
            && self.waiting.get_mut(&patient).is_none_or(|waiting| {
                waiting.remove(&row.conflict.id);
                waiting.is_empty()
            })
    }

    /// Places every row that waited for the conflict's patient.
    fn release_all(
        &mut self,
        row: &mut ConflictRow,
        touched: &mut HashMap<RecordKey, Vec<RowId>>,
    ) -> Result<(), EngineError> {
        let patient = self.storage.id_hash(&row.conflict.source.id);
        Arc::make_mut(&mut self.placer.patients).undecided.remove(&patient);
        let prefix = [&self.tenant.to_be_bytes()[..], &patient].concat();
        for item in self.storage.tables.held.scan_prefix(&prefix) {
            let (key, held) = item?;
            let (to, now) = self.release(&held)?;
            touched.entry(to).or_default().push(held.row);
            if now != Disposition::Held {
                let resource_type = self.placer.type_name(to.resource_type());
                let moves = row.conflict.moved.of(held.row.run, &resource_type);
                moves.add(Disposition::Held, now);
            }
            self.released.push(key);
        }
        Ok(())
    }

    /// Places a held row now that its patient is decided, and says under which key; it may wait for another patient still.
    fn release(&mut self, held: &HeldRow) -> Result<(RecordKey, Disposition), EngineError> {
        let record = self.record(&held.location)?;
        let key = self.placer.target_key(&record);
        // Bytes as landed are durable already, so entries that point at them outlive a kill before the decision was noted as carried
        // out.
        let mut version = self.writer.pending.get(&self.storage.index, &key)?;
        while let Some(entry) = version {
            if entry.row == held.row {
                return Ok((key, Disposition::Stored));
            }
            version = self.writer.pending.before(&self.storage.index, &key, entry.version)?;
        }
        let placed = self.placer.place(&mut self.writer, held.row, held.location, &record)?;
        Ok((key, placed))
    }

    fn record(&mut self, location: &Location) -> Result<Record, EngineError> {
        let line = self.storage.segments.read(location)?;
        let scan = fhir::scan(&line).map_err(EngineError::Reject)?;
        let context = FileContext::of_one(Arc::clone(&self.placer.patients));
        Ok(self.reader.record(&context, &line, &scan)?)
    }

    /// The row that brought a record into the store first, what is pending included.
    fn first_row(&self, key: &RecordKey) -> Result<Option<RowId>, EngineError> {
        let pending = &self.writer.pending;
        let mut first = pending.get(&self.storage.index, key)?;
        if first.is_some_and(|entry| entry.version > 1) {
            first = pending.before(&self.storage.index, key, 2)?.or(first);
        }
        Ok(first.map(|entry| entry.row))
    }
}

/// The plan by the rules of its last run: what is decided, and what that releases, does not depend on when the plan was changed.
pub fn by_last_run(storage: &Storage, plan: &Plan) -> Result<Plan, EngineError> {
    let Some(run) = runs_of(storage, &plan.id)?.pop() else {
        return Ok(plan.clone());
    };
    let rules = storage.tables.runs.get(&run_key(run))?.and_then(|info| info.rules);
    Ok(match rules {
        Some(rules) => plan.clone().under(rules),
        None => plan.clone(),
    })
}

/// Does what was decided, or was to be taken back, and then cut off.
pub fn carry_out_pending(storage: &Arc<Storage>, plan: &Plan) -> Result<u64, EngineError> {
    complete(storage, plan)?;
    forget_cut_off(storage, plan)?;
    let undecided = patients(storage, plan)?.undecided;
    let tenant = storage.names.tenant(&plan.tenant)?;
    let mut cut_off = Vec::new();
    for item in storage.tables.conflicts.scan_prefix(&migration_key(&plan.id, &[])) {
        let row = item?.1;
        if !row.conflict.open() && !row.conflict.applied {
            cut_off.push(row);
        } else if row.conflict.applied && row.conflict.about_identity() {
            let patient = storage.id_hash(&row.conflict.source.id);
            if undecided.contains(&patient) {
                continue;
            }
            // What it held is in the store; a kill kept the notes of it from being removed.
            let prefix = [&tenant.to_be_bytes()[..], &patient].concat();
            let left: Vec<Vec<u8>> = storage
                .tables
                .held
                .scan_prefix(&prefix)
                .map(|item| item.map(|(key, _)| key))
                .collect::<Result<_, _>>()?;
            for key in left {
                storage.tables.held.remove(&key)?;
            }
        }
    }
    let done = cut_off.len() as u64;
    if cut_off.is_empty() {
        return Ok(0);
    }
    // In the order in which they were decided.
    cut_off.sort_by_key(order);
    let mut carrier = Carrier::new(storage, &by_last_run(storage, plan)?)?;
    for (at, row) in (1..).zip(cut_off) {
        carrier.carry_out(row)?;
        if at % TOGETHER == 0 {
            carrier.checkpoint()?;
        }
    }
    carrier.checkpoint()?;
    Ok(done)
}

/// Whom a decision, or this one if it were made, takes the source's patient for: a patient of the destination, or somebody new.
fn who(row: &ConflictRow, resolution: Option<Resolution>) -> Option<Who> {
    let conflict = &row.conflict;
    let resolution = resolution.or(conflict.decided.as_ref().map(|made| made.resolution))?;
    let whom = (resolution != Resolution::KeepBoth).then(|| row.target.clone());
    conflict.kind.between_two().then(|| (conflict.id.clone(), whom))
}

fn order(row: &ConflictRow) -> Option<u64> {
    row.conflict.decided.as_ref().and_then(|decided| decided.seq)
}
