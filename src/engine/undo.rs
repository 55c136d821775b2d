//! Undo: decisions taken back, with everything that came of them. The store is then as if they had never been made.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::carry_out::carry_out_pending;
use super::error::EngineError;
use super::recorder::Recorder;
use super::retrace::retrace;
use super::reversal::{complete, note, records};
use super::taken_back::TakenBack;
use super::verify::standing;
use crate::migration::{By, Conflict, Event, Plan, Resolution};
use crate::store::{ConflictRow, Entry, Reversal, RowId, Seed, Storage, migration_key};

/// Which decisions are meant. What a policy decided while rows were taken in is only meant by its id or by `policy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Those on these conflicts.
    Of(Vec<String>),
    /// The latest ones, so many.
    Last(usize),
    /// Those from this entry of the journal on.
    SinceEntry(u64),
    /// Those from this time on.
    SinceTime(jiff::Timestamp),
    /// Those of this person, by login or name; `policy` for those that no person made.
    By(String),
    /// All that a person made.
    All,
}

/// What is to be taken back, worked out and not yet done.
pub struct Planned {
    /// The note of it.
    pub reversal: Reversal,
    /// What it comes to.
    pub taken: TakenBack,
    events: Vec<Event>,
}

/// Takes decisions back, or only says what that would come to.
pub fn undo(
    storage: &Arc<Storage>,
    plan: &Plan,
    recorder: &Recorder,
    which: &Which,
    by: &By,
    force: bool,
    dry_run: bool,
) -> Result<TakenBack, EngineError> {
    carry_out_pending(storage, plan)?;
    let all = conflicts(storage, plan)?;
    let merged = |row: &&ConflictRow| row.conflict.carried_out() == Some(Resolution::Merge);
    if let Some(row) = all.iter().find(merged) {
        return Err(EngineError::NotReady {
            what: format!(
                "decisions of `{}` cannot be taken back one by one: the one on `{}` was to merge",
                plan.id, row.conflict.id
            ),
            hint: format!(
                "`cutover rollback {} --dry-run` says what taking back all of it comes to",
                plan.id
            ),
        });
    }
    let chosen = chosen(&all, which)?;
    if chosen.is_empty() {
        return Ok(TakenBack::default());
    }
    let planned = planned(storage, plan, &all, &chosen, &[], by, force)?;
    if !dry_run {
        planned.begin(storage, plan, recorder)?;
        complete(storage, plan)?;
    }
    Ok(planned.taken)
}

/// Every conflict of a migration.
pub fn conflicts(storage: &Storage, plan: &Plan) -> Result<Vec<ConflictRow>, EngineError> {
    let all = storage.tables.conflicts.scan_prefix(&migration_key(&plan.id, &[]));
    Ok(all.map(|item| item.map(|(_, row)| row)).collect::<Result<_, _>>()?)
}

fn chosen<'a>(all: &'a [ConflictRow], which: &Which) -> Result<Vec<&'a ConflictRow>, EngineError> {
    if let Which::Of(ids) = which {
        let find = |id: &String| {
            let row = all.iter().find(|row| row.conflict.id == *id);
            let row = row.ok_or_else(|| EngineError::UnknownConflict(id.clone()))?;
            if row.conflict.open() {
                return Err(EngineError::NotReady {
                    what: format!("conflict `{id}` is open: there is no decision to take back"),
                    hint: "`cutover conflicts MIGRATION --all` lists what was decided".to_owned(),
                });
            }
            Ok(row)
        };
        return ids
            .iter()
            .collect::<std::collections::BTreeSet<_>>()
            .into_iter()
            .map(find)
            .collect();
    }
    let mut decided: Vec<(u64, &ConflictRow)> = Vec::new();
    for row in all {
        let Some(made) = &row.conflict.decided else { continue };
        let meant = match which {
            Which::By(who) => made.who == *who || made.name.as_ref() == Some(who),
            Which::SinceEntry(seq) => made.seq.is_some_and(|made| made >= *seq),
            Which::SinceTime(time) => {
                made.seq.is_some() && made.when.parse().is_ok_and(|made: jiff::Timestamp| made >= *time)
            }
            Which::Last(_) | Which::All | Which::Of(_) => made.seq.is_some(),
        };
        if meant {
            decided.push((made.seq.unwrap_or(0), row));
        }
    }
    decided.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
    if let Which::Last(count) = which {
        decided.truncate(*count);
    }
    Ok(decided.into_iter().map(|(_, row)| row).collect())
}

/// Works out what taking these decisions, and all rows of these runs, back comes to.
pub fn planned(
    storage: &Arc<Storage>,
    plan: &Plan,
    all: &[ConflictRow],
    chosen: &[&ConflictRow],
    runs: &[u32],
    by: &By,
    force: bool,
) -> Result<Planned, EngineError> {
    let (there, vouched) = (storage.index.count()?, storage.vouched()?);
    if there < vouched {
        return Err(EngineError::NotReady {
            what: format!("the index has {there} records and should have {vouched}"),
            hint: "`cutover doctor --rebuild-index` makes it anew; then take back".to_owned(),
        });
    }
    let order = Order::of(storage, plan)?;
    let built_on = built_on(storage, all, chosen, runs);
    let decided = [chosen, &built_on].concat();
    let mut seeds: Vec<Seed> = decided
        .iter()
        .map(|row| seed(storage, row, &decided, all, &order))
        .collect();
    let found = retrace(storage, plan, &seeds, runs)?;
    let rows: HashSet<RowId> = found.iter().map(|f| f.row).collect();
    let ids: HashSet<&str> = decided.iter().map(|row| row.conflict.id.as_str()).collect();
    let mut taken = TakenBack {
        runs: runs.to_vec(),
        rows: found.len() as u64,
        ..TakenBack::default()
    };
    let mut moved = standing(storage, plan, &found)?;
    let mut events = Vec::new();
    for row in chosen {
        taken.decisions.extend(decision(&row.conflict));
        events.extend(undone(&row.conflict, None, by));
    }
    for row in &built_on {
        taken.dependent.extend(decision(&row.conflict));
        events.extend(undone(&row.conflict, hangs_on(&decided, row), by));
    }
    for row in all {
        let withdrawn = runs.contains(&row.conflict.run);
        if withdrawn || rows.contains(&row.row()) {
            moved.merge(&row.conflict.moved);
        }
        if withdrawn || !rows.contains(&row.row()) || ids.contains(row.conflict.id.as_str()) {
            continue;
        }
        // It was raised by a row that is looked at again; what was written for it is found at its own target.
        seeds.push(Seed {
            source: row.target.clone(),
            target: row.target.clone(),
            run: u32::MAX,
            compartment: None,
            freed: Vec::new(),
            standing: Vec::new(),
        });
        taken.dependent.extend(decision(&row.conflict));
        events.extend(undone(&row.conflict, hangs_on(&decided, row), by));
    }
    let ours = |entry: &Entry| rows.contains(&entry.row) || runs.contains(&entry.row.run);
    if runs.is_empty() {
        let keys = records(&seeds, &found).into_iter().map(Ok);
        taken.count(storage, keys, ours, force)?;
    } else {
        count_all(storage, runs, &records(&seeds, &found), ours, force, &mut taken)?;
    }
    Ok(Planned {
        reversal: Reversal {
            seeds,
            runs: runs.to_vec(),
            force,
            moved,
            ..Reversal::default()
        },
        taken,
        events,
    })
}

/// Counts the effects on what the runs touched and on the records of the decisions taken back with them, each once.
fn count_all(
    storage: &Arc<Storage>,
    runs: &[u32],
    decided: &std::collections::BTreeSet<crate::store::RecordKey>,
    ours: impl Fn(&Entry) -> bool,
    force: bool,
    taken: &mut TakenBack,
) -> Result<(), EngineError> {
    let touched = super::withdraw::touched(storage, runs)?;
    let others = touched.filter(|key| !matches!(key, Ok(key) if decided.contains(key)));
    taken.count(storage, decided.iter().copied().map(Ok).chain(others), ours, force)
}

impl Planned {
    /// Journals it and notes it durably: from here on it will be done.
    pub fn begin(&self, storage: &Storage, plan: &Plan, recorder: &Recorder) -> Result<(), EngineError> {
        let mut journalled = Vec::new();
        for event in &self.events {
            journalled.push(recorder.append(event)?);
        }
        note(storage, plan, &self.reversal)?;
        for event in journalled {
            recorder.publish(event);
        }
        Ok(())
    }

    /// Journals this first.
    #[must_use]
    pub fn after(mut self, event: Event) -> Self {
        self.events.insert(0, event);
        self
    }
}

/// The order in which decisions were made.
struct Order {
    /// The journal's entry with which each run began: what a policy decided, it decided then.
    began: HashMap<u32, u64>,
}

impl Order {
    fn of(storage: &Storage, plan: &Plan) -> Result<Self, EngineError> {
        let mut began = HashMap::new();
        for entry in storage.journal.read(&plan.id, 0) {
            let entry = entry?;
            if let Event::RunStarted { run, .. } = entry.event {
                began.insert(run, entry.seq);
            }
        }
        Ok(Self { began })
    }

    fn place(&self, conflict: &Conflict) -> Option<u64> {
        let made = conflict.decided.as_ref()?;
        made.seq.or_else(|| self.began.get(&conflict.run).copied())
    }
}

/// Where the effects of a decision can be found. About who a patient is, decisions made later may have released what this one had
/// freed in part; what was decided on the same record before any of the `chosen` stands.
fn seed(storage: &Storage, row: &ConflictRow, chosen: &[&ConflictRow], all: &[ConflictRow], order: &Order) -> Seed {
    let conflict = &row.conflict;
    let same =
        |other: &Conflict| (&other.resource_type, &other.source.id) == (&conflict.resource_type, &conflict.source.id);
    let of_record = chosen.iter().filter(|other| same(&other.conflict));
    let first = of_record.filter_map(|other| order.place(&other.conflict)).min();
    let (mut compartment, mut freed, mut standing) = (conflict.run, Vec::new(), Vec::new());
    for other in all
        .iter()
        .filter(|other| same(&other.conflict) && !other.conflict.open())
    {
        if order.place(&other.conflict) < first {
            standing.push(other.row());
            standing.extend(other.also.iter().map(|also| also.row));
        } else if other.conflict.about_identity() && other.conflict.applied {
            compartment = compartment.min(other.conflict.run);
            freed.extend(&other.freed);
        }
    }
    Seed {
        source: source_key(storage, row),
        target: row.target.clone(),
        run: conflict.run,
        compartment: conflict.about_identity().then_some(compartment),
        freed,
        standing,
    }
}

/// Conflicts with patients whom one of these decisions, all of them `chosen`, brought to the destination; those of `runs` go anyway.
fn built_on<'a>(
    storage: &Storage,
    all: &'a [ConflictRow],
    chosen: &[&ConflictRow],
    runs: &[u32],
) -> Vec<&'a ConflictRow> {
    let brings = |row: &ConflictRow| row.conflict.kind.between_two().then(|| source_key(storage, row));
    let mut brought: HashSet<Vec<u8>> = chosen.iter().filter_map(|row| brings(row)).collect();
    let mut left: Vec<&ConflictRow> = all
        .iter()
        .filter(|row| row.conflict.kind.between_two() && !runs.contains(&row.conflict.run))
        .filter(|row| !chosen.iter().any(|other| other.conflict.id == row.conflict.id))
        .collect();
    let mut built_on = Vec::new();
    loop {
        let (found, others): (Vec<_>, Vec<_>) = left.into_iter().partition(|row| brought.contains(&row.target));
        if found.is_empty() {
            return built_on;
        }
        brought.extend(found.iter().filter_map(|row| brings(row)));
        built_on.extend(found);
        left = others;
    }
}

/// The key of the source's record under its own id; it is of the same type as the destination's.
fn source_key(storage: &Storage, row: &ConflictRow) -> Vec<u8> {
    let id = storage.id_hash(&row.conflict.source.id);
    let mut key = row.target.clone();
    key.truncate(4);
    key.extend_from_slice(&id);
    key
}

fn decision(conflict: &Conflict) -> Option<(String, Resolution)> {
    let made = conflict.decided.as_ref()?;
    Some((conflict.id.clone(), made.resolution))
}

fn undone(conflict: &Conflict, because_of: Option<String>, by: &By) -> Option<Event> {
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
fn hangs_on(chosen: &[&ConflictRow], row: &ConflictRow) -> Option<String> {
    let mut others = chosen.iter().filter(|other| other.conflict.id != row.conflict.id);
    let ids = [&row.conflict.source.id, &row.conflict.target.id];
    let same = |other: &&&ConflictRow| ids.contains(&&other.conflict.source.id);
    let about = |other: &&&ConflictRow| other.conflict.about_identity();
    let on = others.clone().find(same).or_else(|| others.find(about));
    on.map(|other| other.conflict.id.clone())
}

#[cfg(test)]
mod tests;
