//! Carrying out what is taken back: noted first, told without it, and told again from the start after a kill.

use std::collections::HashSet;
use std::sync::Arc;

use super::error::EngineError;
use super::history::LeftOut;
use super::program;
use super::recorder::{Recorded, Recorder};
use super::taken_back::{Compared, TakenBack};
use super::tally::{recorded_counts, runs_of};
use super::telling::tell;
use super::told::Told;
use crate::migration::{By, Conflict, Disposition, Event, Plan, Resolution, total};
use crate::store::{ConflictRow, Reversal, RowId, Storage, migration_key, row_key, row_of, run_key};

/// What is to be taken back, worked out and not yet done.
pub struct Planned {
    /// What it comes to.
    pub taken: TakenBack,
    note: Reversal,
    overruled: HashSet<RowId>,
    events: Vec<Event>,
    told: Told,
}

impl Planned {
    /// Works out what it comes to when these decisions, and all rows of these runs, are left out; with `force` what the destination's own
    /// users made of the records since is left out too. `named` are those of the decisions that are told of.
    pub fn of(
        storage: &Arc<Storage>,
        plan: &Plan,
        note: Reversal,
        named: &[Conflict],
        by: &By,
        force: bool,
    ) -> Result<Self, EngineError> {
        let mut left_out = left_out(storage, &plan.tenant)?;
        left_out.add(&plan.id, &note);
        let tell = |left_out: &LeftOut| tell(storage, &plan.tenant, Some(plan), left_out, &mut |_| {});
        let mut told = tell(&left_out)?;
        let Compared {
            mut effects,
            edited,
            edits,
        } = Compared::of(storage, &told)?;
        let overruled = if force { edits } else { HashSet::new() };
        if !overruled.is_empty() {
            told.aside.end()?;
            left_out.rows.extend(&overruled);
            told = tell(&left_out)?;
            effects = Compared::of(storage, &told)?.effects;
        }
        let counts = total(&recorded_counts(storage, &plan.id)?);
        let mut taken = TakenBack {
            runs: note.runs.clone(),
            rows: told.waiting(&plan.id)?.saturating_sub(counts.held + counts.undecided),
            effects,
            edited,
            ..TakenBack::default()
        };
        let mut events = Vec::new();
        for conflict in named {
            taken.decisions.extend(decision(conflict));
            events.extend(undone(conflict, None, by));
        }
        for ConflictRow { conflict, .. } in told.groundless.iter().filter(|row| row.conflict.migration == plan.id) {
            taken.dependent.extend(decision(conflict));
            events.extend(undone(conflict, hangs_on(named, conflict), by));
        }
        Ok(Self {
            taken,
            note,
            overruled,
            events,
            told,
        })
    }

    /// Journals this first.
    #[must_use]
    pub fn after(mut self, event: Event) -> Self {
        self.events.insert(0, event);
        self
    }

    /// What became of the rows that are set right.
    pub fn amended(&self) -> Vec<(RowId, Disposition)> {
        let became = |row: &RowId| self.told.amended.get(row).map(|now| (*row, *now));
        self.note.amended.iter().filter_map(|(row, _)| became(row)).collect()
    }

    /// Does it: journalled and noted durably, then done.
    pub fn carry_out(self, storage: &Arc<Storage>, plan: &Plan, recorder: &Recorder) -> Result<TakenBack, EngineError> {
        let mut journalled: Vec<Recorded> = Vec::new();
        for event in &self.events {
            journalled.push(recorder.append(event)?);
        }
        for row in &self.overruled {
            storage.tables.overruled.put(&row_key(*row), &())?;
        }
        storage.tables.reversals.put(plan.id.as_bytes(), &self.note)?;
        storage.workspace.ledger().durable()?;
        for event in journalled {
            recorder.publish(event);
        }
        take_over(storage, self.told)?;
        Ok(self.taken)
    }

    /// Leaves everything as it is.
    pub fn leave(self) -> Result<TakenBack, EngineError> {
        self.told.aside.end()?;
        Ok(self.taken)
    }
}

/// Completes whatever of this migration was to be taken back and is not yet.
pub fn complete(storage: &Arc<Storage>, plan: &Plan) -> Result<(), EngineError> {
    if storage.tables.reversals.contains(plan.id.as_bytes())? {
        // What has nothing to stand on was journalled with the note.
        tell_anew(storage, &plan.tenant, Some(plan), &mut |_| Ok(()), &mut |_| {})?;
    }
    Ok(())
}

/// Tells everything of a tenant anew, without what was taken back, and makes the store so; `groundless` hears before that of decisions
/// that have nothing to stand on.
pub fn tell_anew(
    storage: &Arc<Storage>,
    tenant: &str,
    known: Option<&Plan>,
    groundless: &mut dyn FnMut(&Conflict) -> Result<(), EngineError>,
    progress: &mut dyn FnMut(u64),
) -> Result<(), EngineError> {
    let left_out = left_out(storage, tenant)?;
    let told = tell(storage, tenant, known, &left_out, progress)?;
    for row in &told.groundless {
        groundless(&row.conflict)?;
    }
    take_over(storage, told)
}

/// Makes the store what was told, and forgets the notes of it.
fn take_over(storage: &Arc<Storage>, told: Told) -> Result<(), EngineError> {
    told.take_over(storage)?;
    let tables = &storage.tables;
    for migration in &told.migrations {
        let Some(note) = tables.reversals.get(migration.as_bytes())? else {
            continue;
        };
        for (row, amended) in &note.amended {
            tables.amended.put(&row_key(*row), amended)?;
            // What nobody needs to do without.
            tables.waived.remove(&row_key(*row))?;
        }
        withdraw(storage, migration, &note.runs)?;
        tables.reversals.remove(migration.as_bytes())?;
    }
    storage.workspace.ledger().durable()?;
    Ok(told.aside.end()?)
}

/// Marks runs as taken back. Their landing stays, and so does the journal.
fn withdraw(storage: &Storage, migration: &str, runs: &[u32]) -> Result<(), EngineError> {
    let Some(first) = runs.first() else { return Ok(()) };
    let tables = &storage.tables;
    // It spoke of records that are no longer there.
    tables.verifications.remove(migration.as_bytes())?;
    let prefix = migration_key(migration, &[]);
    for item in tables.samples.scan_prefix(&prefix) {
        tables.samples.remove(&item?.0)?;
    }
    for item in tables.sample_records.scan_prefix(&prefix) {
        tables.sample_records.remove(&item?.0)?;
    }
    let now = jiff::Timestamp::now().to_string();
    for run in runs {
        let mut progress = storage.settle(*run)?;
        progress.added = 0;
        progress.tails.clear();
        progress.files.clear();
        tables.progress.put(&run_key(*run), &progress)?;
        tables.runs.update(&run_key(*run), |info| {
            info.map(|mut info| {
                info.rolled_back.get_or_insert_with(|| now.clone());
                info
            })
        })?;
    }
    if runs_of(storage, migration)?.is_empty() {
        // A program may have been mended since.
        program::forget(storage, migration)?;
    }
    storage.journal.append(migration, &Event::RolledBack { run: *first })?;
    Ok(())
}

/// What is noted to be left out of a tenant's history, and what of it was set right.
pub fn left_out(storage: &Storage, tenant: &str) -> Result<LeftOut, EngineError> {
    let mut left_out = LeftOut::default();
    for item in storage.tables.amended.iter() {
        let (key, row) = item?;
        left_out.amended.extend(row_of(&key).map(|id| (id, row.location)));
    }
    for item in storage.tables.reversals.iter() {
        let (migration, note) = item?;
        let plan = storage.tables.migrations.get(&migration)?;
        if let (Ok(migration), true) = (
            String::from_utf8(migration),
            plan.is_none_or(|plan| plan.tenant == tenant),
        ) {
            left_out.add(&migration, &note);
        }
    }
    for item in storage.tables.overruled.iter() {
        left_out.rows.extend(row_of(&item?.0));
    }
    Ok(left_out)
}

impl LeftOut {
    /// Leaves this out as well.
    fn add(&mut self, migration: &str, note: &Reversal) {
        let key = |id: &String| migration_key(migration, id.as_bytes());
        self.decisions.extend(note.decisions.iter().map(key));
        self.runs.extend(&note.runs);
        self.amended
            .extend(note.amended.iter().map(|(row, amended)| (*row, amended.location)));
    }
}

fn decision(conflict: &Conflict) -> Option<(String, Resolution)> {
    let made = conflict.decided.as_ref()?;
    Some((conflict.id.clone(), made.resolution))
}

/// The event of a decision that is taken back.
pub fn undone(conflict: &Conflict, because_of: Option<String>, by: &By) -> Option<Event> {
    let made = conflict.decided.as_ref()?;
    Some(Event::DecisionUndone {
        conflict: conflict.id.clone(),
        resolution: made.resolution,
        because_of,
        name: by.name.clone(),
        why: by.why.clone(),
        before: made.after.clone(),
        after: made.before.clone(),
    })
}

/// The decision that another was built on: the one about the same record, or that brought the other one, else any of those about a patient.
fn hangs_on(taken_back: &[Conflict], conflict: &Conflict) -> Option<String> {
    let ids = [&conflict.source.id, &conflict.target.id];
    let same = taken_back.iter().find(|other| ids.contains(&&other.source.id));
    let on = same.or_else(|| taken_back.iter().find(|other| other.about_identity()));
    on.map(|other| other.id.clone())
}
