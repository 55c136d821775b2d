//! Resolving: a person's decision on a conflict, recorded first, then carried out on the conflict's own row and on everything it held.

use std::collections::HashMap;
use std::sync::Arc;

use super::cut_off::forget_cut_off;
use super::error::EngineError;
use super::patients::patients;
use super::place::Placer;
use super::recorder::Recorder;
use super::row::{FileContext, Pass, RowReader};
use crate::fhir;
use crate::migration::{Decided, Disposition, Event, FileKind, Plan, Policy, Resolution};
use crate::store::{ConflictRow, HeldRow, RecordKey, RowId, Storage, Writer, migration_key};

/// What a person asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// A side, or both.
    Outright(Resolution),
    /// Whatever this policy says for the two records.
    By(Policy),
}

/// Decides one conflict and carries the decision out; gives back what was decided, `None` when the policy asked for cannot tell.
pub fn resolve(
    storage: &Arc<Storage>,
    plan: &Plan,
    recorder: &Recorder,
    id: &str,
    choice: Choice,
    who: &str,
) -> Result<Option<Resolution>, EngineError> {
    let key = migration_key(&plan.id, id.as_bytes());
    let row = storage
        .tables
        .conflicts
        .get(&key)?
        .ok_or_else(|| EngineError::UnknownConflict(id.to_owned()))?;
    if !row.conflict.open() {
        return Err(EngineError::AlreadyDecided(id.to_owned()));
    }
    if choice == Choice::Outright(Resolution::KeepBoth) && !row.conflict.kind.between_two() {
        return Err(EngineError::NotReady {
            what: "two versions of one record cannot both be kept: they have the same id".to_owned(),
            hint: "decide it `--as keep-source` or `--as keep-target`".to_owned(),
        });
    }
    if !storage.segments.has(&row.location) {
        return Err(EngineError::NotReady {
            what: format!("conflict `{id}` was cut off while its record was received"),
            hint: format!("`cutover run {}` goes on; decide then", plan.id),
        });
    }
    let mut placer = Placer::new(Arc::clone(storage), plan, None, false)?;
    let (resolution, policy, rule) = match choice {
        Choice::Outright(resolution) => (resolution, None, "chosen by hand".to_owned()),
        Choice::By(policy) => match placer.would(&row, policy)? {
            Some((resolution, rule)) => (resolution, Some(policy), rule),
            None => return Ok(None),
        },
    };
    let decided = Decided {
        resolution,
        policy,
        rule: rule.clone(),
        who: who.to_owned(),
        when: jiff::Timestamp::now().to_string(),
    };
    let mut row = row;
    row.conflict.decided = Some(decided);
    storage.tables.conflicts.put(&key, &row)?;
    recorder.record(&Event::ConflictResolved {
        conflict: id.to_owned(),
        resolution,
        rule,
    })?;
    carry_out(storage, plan, row)?;
    Ok(Some(resolution))
}

/// Carries out decisions that were recorded and then cut off.
pub fn carry_out_pending(storage: &Arc<Storage>, plan: &Plan) -> Result<u64, EngineError> {
    forget_cut_off(storage, plan)?;
    let undecided = patients(storage, plan)?.undecided;
    let mut done = 0;
    let rows: Vec<ConflictRow> = storage
        .tables
        .conflicts
        .scan_prefix(&migration_key(&plan.id, &[]))
        .map(|item| item.map(|(_, row)| row))
        .collect::<Result<_, _>>()?;
    for row in rows {
        if !row.conflict.open() && !row.conflict.applied {
            carry_out(storage, plan, row)?;
            done += 1;
        } else if row.conflict.applied && row.conflict.about_identity() {
            let patient = storage.id_hash(&row.conflict.source.id);
            if undecided.contains(&patient) {
                continue;
            }
            // What it held is in the store; a kill kept the notes of it from being removed.
            let tenant = storage.names.tenant(&plan.tenant)?;
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
    Ok(done)
}

fn carry_out(storage: &Arc<Storage>, plan: &Plan, mut row: ConflictRow) -> Result<(), EngineError> {
    let Some(resolution) = row.conflict.decided.as_ref().map(|d| d.resolution) else {
        return Ok(());
    };
    let tenant = storage.names.tenant(&plan.tenant)?;
    let mut writer = storage.writer(row.conflict.run)?;
    let mut placer = Placer::new(Arc::clone(storage), plan, None, false)?;
    let mut reader =
        RowReader::new(Arc::clone(storage), tenant, Some(plan.base_url.clone())).mapping(&plan.mrn_systems);
    let patient = storage.id_hash(&row.conflict.source.id);
    let frees = row.conflict.about_identity() && !in_question_elsewhere(storage, plan, &row)?;

    let id = row.row();
    let line = storage.segments.read(&row.location)?;
    let scan = fhir::scan(&line).map_err(EngineError::Reject)?;
    let record = reader.record(&context(&placer), &line, &scan)?;
    let now = placer.decided(&mut writer, id, row.location, &record, &row, resolution)?;
    if now != Disposition::Undecided {
        let moved = row.conflict.moved.entry(row.conflict.resource_type.clone());
        moved.or_default().add(Disposition::Undecided, now);
    }
    for _ in &row.also {
        let now = match resolution {
            Resolution::KeepTarget => Disposition::Kept,
            Resolution::KeepSource | Resolution::KeepBoth => Disposition::Unchanged,
        };
        let moved = row.conflict.moved.entry(row.conflict.resource_type.clone());
        moved.or_default().add(Disposition::Undecided, now);
    }
    let mut touched = HashMap::from([(record.key, vec![id])]);

    let mut released = Vec::new();
    if frees {
        placer.patients.undecided.remove(&patient);
        let mut prefix = tenant.to_be_bytes().to_vec();
        prefix.extend_from_slice(&patient);
        for item in storage.tables.held.scan_prefix(&prefix) {
            let (key, held) = item?;
            let (to, now) = release(storage, &mut placer, &mut reader, &mut writer, &held)?;
            touched.entry(to).or_default().push(held.row);
            if now != Disposition::Held {
                row.conflict
                    .moved
                    .entry(now_type(storage, &held)?)
                    .or_default()
                    .add(Disposition::Held, now);
            }
            released.push(key);
        }
    }

    row.conflict.applied = true;
    row.added = 0;
    for (record, rows) in touched {
        row.added += u64::from(first_row(storage, &writer, &record)?.is_some_and(|first| rows.contains(&first)));
    }
    let key = migration_key(&plan.id, row.conflict.id.as_bytes());
    writer.checkpoint(|tails| -> Result<(), EngineError> {
        storage.put_tails(tails)?;
        storage.workspace.ledger().durable()?;
        // From here on everything that was released is in the store; until the conflict says so, it would be done again, with the same
        // outcome.
        storage.tables.conflicts.put(&key, &row)?;
        for key in &released {
            storage.tables.held.remove(key)?;
        }
        Ok(storage.workspace.ledger().durable()?)
    })
}

/// Places a held row now that its patient is decided, and says under which key; it may wait for another patient still.
fn release(
    storage: &Arc<Storage>,
    placer: &mut Placer,
    reader: &mut RowReader,
    writer: &mut Writer,
    held: &HeldRow,
) -> Result<(RecordKey, Disposition), EngineError> {
    let line = storage.segments.read(&held.location)?;
    let scan = fhir::scan(&line).map_err(EngineError::Reject)?;
    let record = reader.record(&context(placer), &line, &scan)?;
    let key = record.key;
    // Bytes as landed are durable already, so entries that point at them outlive a kill before the decision was noted as carried out.
    let mut version = writer.pending.get(&storage.index, &key)?;
    while let Some(entry) = version {
        if entry.row == held.row {
            return Ok((key, Disposition::Stored));
        }
        version = writer.pending.before(&storage.index, &key, entry.version)?;
    }
    Ok((key, placer.place(writer, held.row, held.location, &record)?))
}

/// The row that brought a record into the store first, what is pending included.
fn first_row(storage: &Storage, writer: &Writer, key: &RecordKey) -> Result<Option<RowId>, EngineError> {
    let mut first = writer.pending.get(&storage.index, key)?;
    if first.is_some_and(|entry| entry.version > 1) {
        first = writer.pending.before(&storage.index, key, 2)?;
    }
    Ok(first.map(|entry| entry.row))
}

/// Whether another conflict puts the same patient in question.
fn in_question_elsewhere(storage: &Storage, plan: &Plan, row: &ConflictRow) -> Result<bool, EngineError> {
    for item in storage.tables.conflicts.scan_prefix(&migration_key(&plan.id, &[])) {
        let other = item?.1.conflict;
        if other.about_identity()
            && !other.applied
            && other.id != row.conflict.id
            && other.source.id == row.conflict.source.id
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn context(placer: &Placer) -> FileContext {
    FileContext {
        number: 0,
        kind: FileKind::Output,
        resource_type: None,
        organized: false,
        patients: Arc::new(placer.patients.clone()),
        max_line: usize::MAX,
        pass: Pass::Whole,
    }
}

fn now_type(storage: &Storage, held: &HeldRow) -> Result<String, EngineError> {
    let line = storage.segments.read(&held.location)?;
    Ok(fhir::scan(&line).map_err(EngineError::Reject)?.resource_type.to_owned())
}
