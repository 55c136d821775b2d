//! What was compared before and need not be compared again: by a verification that was cut off, or by the last one where only what changed
//! is asked for.

use std::collections::{BTreeMap, HashSet};

use super::crew::blocks;
use super::ground::Ground;
use crate::engine::error::EngineError;
use crate::migration::{Event, VerifyMark};
use crate::store::{RecordKey, RowId, block_key, block_of, migration_key};

/// What of the migration is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Extent {
    /// Everything.
    #[default]
    All,
    /// What is new, what has changed since the last verification, and what did not agree or had to wait then.
    Changed,
}

/// Segment and offset of the blocks whose rows are not compared again; whatever else is known of blocks is forgotten. Takes note that a
/// verification has begun.
pub fn begin(ground: &Ground<'_>, extent: Extent) -> Result<HashSet<(u32, u64)>, EngineError> {
    let (storage, migration) = (ground.storage, &ground.plan.id);
    let tables = &storage.tables;
    let last = tables.verifying.get(migration.as_bytes())?;
    let (entry, told) = since(ground, last.as_ref().map_or(0, |mark| mark.entry))?;
    let segment = storage.segments.ids().last().copied().unwrap_or_default();
    let mut before = HashSet::new();
    let kept = match &last {
        // Cut off, and nothing has happened in between.
        Some(mark) if !mark.complete => told == Told::Nothing && mark.segment == segment,
        Some(_) => extent == Extent::Changed && told != Told::Retold,
        None => false,
    };
    if let Some(mark) = last.filter(|_| kept) {
        let changed = if mark.complete {
            changed(ground, mark.segment)?
        } else {
            HashSet::new()
        };
        for item in tables.verified.scan_prefix(&migration_key(migration, &[])) {
            let (key, block) = item?;
            let Some(at) = block_of(&key) else { continue };
            if at != EXTRAS && !changed.contains(&at) && (!mark.complete || block.settled()) {
                before.insert(at);
            }
        }
    }
    for item in tables.verified.scan_prefix(&migration_key(migration, &[])) {
        let key = item?.0;
        if block_of(&key).is_none_or(|at| !before.contains(&at)) {
            tables.verified.remove(&key)?;
        }
    }
    let mark = VerifyMark {
        entry,
        segment,
        complete: false,
    };
    tables.verifying.put(migration.as_bytes(), &mark)?;
    storage.workspace.ledger().durable()?;
    Ok(before)
}

/// Takes note that the verification came to its end.
pub fn complete(ground: &Ground<'_>) -> Result<(), EngineError> {
    let (table, key) = (&ground.storage.tables.verifying, ground.plan.id.as_bytes());
    if let Some(mark) = table.get(key)? {
        table.put(key, &VerifyMark { complete: true, ..mark })?;
    }
    Ok(())
}

/// What the journal says of the store since an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Told {
    /// Nothing that matters.
    Nothing,
    /// Something was received or decided: where it changed records, the index says so.
    More,
    /// What happened was told anew: any record may be another one.
    Retold,
}

/// The journal's last entry, and what it says since the one of this number.
fn since(ground: &Ground<'_>, entry: u64) -> Result<(u64, Told), EngineError> {
    let (mut last, mut told) = (entry, Told::Nothing);
    for item in ground.storage.journal.read(&ground.plan.id, 0) {
        let item = item?;
        last = last.max(item.seq);
        if item.seq <= entry {
            continue;
        }
        told = told.max(match item.event {
            Event::DecisionUndone { .. }
            | Event::RollbackBegun { .. }
            | Event::RolledBack { .. }
            | Event::CrosswalkChanged { .. }
            | Event::MigrationChanged { .. }
            | Event::MigrationRemoved {} => Told::Retold,
            Event::Verified { .. }
            | Event::TokenGranted { .. }
            | Event::JobDeleted {}
            | Event::JobKept { .. }
            | Event::RunCompleted { .. }
            | Event::RunFailed { .. }
            | Event::ChartJudged { .. }
            | Event::SignedOff { .. } => Told::Nothing,
            _ => Told::More,
        });
    }
    Ok((last, told))
}

/// Blocks with rows whose records have other entries than when the newest segment was this one.
fn changed(ground: &Ground<'_>, segment: u32) -> Result<HashSet<(u32, u64)>, EngineError> {
    let places = Places::of(ground)?;
    let index = &ground.storage.index;
    let mut changed = HashSet::new();
    let mut add = |row: RowId| changed.extend(places.of_row(row));
    for item in index.scan(&ground.tenant.to_be_bytes()) {
        let (key, entry): (RecordKey, _) = item?;
        if entry.location.segment <= segment {
            continue;
        }
        add(entry.row);
        let mut version = entry;
        // The rows that spoke for the record before.
        while let Some(older) = index.before(&key, version.version)? {
            add(older.row);
            version = older;
        }
    }
    Ok(changed)
}

/// Where the lines of files are: by run and file, the number of the first line of each block with the block's place.
pub struct Places(BTreeMap<(u32, u32), Vec<FirstLine>>);

/// The number of a block's first line, and its segment and offset.
type FirstLine = (u64, (u32, u64));

impl Places {
    /// The places of all blocks of the migration.
    pub fn of(ground: &Ground<'_>) -> Result<Self, EngineError> {
        let mut places: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for at in blocks(ground) {
            let at = at?;
            let of: &mut Vec<_> = places.entry((at.header.run, at.header.file)).or_default();
            of.push((at.header.first_line, (at.segment, at.offset)));
        }
        for of in places.values_mut() {
            of.sort_unstable();
        }
        Ok(Self(places))
    }

    /// The block that holds a row.
    pub fn of_row(&self, row: RowId) -> Option<(u32, u64)> {
        let of = self.0.get(&(row.run, row.file))?;
        let after = of.partition_point(|(first, _)| *first <= u64::from(row.line));
        of.get(after.checked_sub(1)?).map(|(_, at)| *at)
    }
}

/// Where what no block explains is kept, as if it were one behind all others.
pub const EXTRAS: (u32, u64) = (u32::MAX, 0);

/// The key of what is known of a block.
pub fn key(ground: &Ground<'_>, (segment, offset): (u32, u64)) -> Vec<u8> {
    block_key(&ground.plan.id, segment, offset)
}
