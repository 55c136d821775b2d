//! What was told: how it differs from the store, and making the store so.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::error::EngineError;
use crate::migration::{ByType, Conflict, Counts, Disposition, Moved, total};
use crate::store::{
    Aside, ConflictRow, Entry, Progress, RecordKey, RowId, Storage, Table, file_key, migration_key, run_key,
};

/// Records that are written together.
const TOGETHER: usize = 10_000;

/// A tenant's history as it was told, in a store aside.
pub struct Told {
    /// The store aside.
    pub aside: Aside,
    /// Number of the tenant.
    pub tenant: u16,
    /// Every migration of the tenant.
    pub migrations: BTreeSet<String>,
    /// The runs that were told.
    pub runs: BTreeSet<u32>,
    /// What became of the rows of each file, by run and number.
    pub counts: BTreeMap<(u32, u32), ByType>,
    /// Records that each run added.
    pub added: BTreeMap<u32, u64>,
    /// What became of rows that were set right, as they were placed.
    pub amended: HashMap<RowId, Disposition>,
    /// Conflicts as the store has them whose decisions have nothing to stand on any more.
    pub groundless: Vec<ConflictRow>,
}

impl Told {
    /// How many rows of a migration's runs wait or are in question.
    pub fn waiting(&self, migration: &str) -> Result<u64, EngineError> {
        let storage = &self.aside.storage;
        let mut moved = Moved::default();
        for item in storage.tables.conflicts.scan_prefix(&migration_key(migration, &[])) {
            moved.merge(&item?.1.conflict.moved);
        }
        let mut sum = Counts::default();
        for run in &self.runs {
            let info = storage.tables.runs.get(&run_key(*run))?;
            if info.is_none_or(|info| info.migration != migration) {
                continue;
            }
            let mut by_type = ByType::new();
            for counts in self
                .counts
                .range((*run, 0)..=(*run, u32::MAX))
                .map(|(_, counts)| counts)
            {
                for (resource_type, counts) in counts {
                    by_type.entry(resource_type.clone()).or_default().merge(counts);
                }
            }
            for (resource_type, moves) in moved.run(*run) {
                moves.apply(by_type.entry(resource_type.clone()).or_default());
            }
            sum.merge(&total(&by_type));
        }
        Ok(sum.held + sum.undecided)
    }

    /// Hands on every record whose versions (the newest first) are others in the store than were told.
    pub fn differences(
        &self,
        storage: &Storage,
        mut each: impl FnMut(RecordKey, Vec<Entry>, Vec<Entry>) -> Result<(), EngineError>,
    ) -> Result<(), EngineError> {
        let prefix = self.tenant.to_be_bytes();
        let (here, there) = (&storage.index, &self.aside.storage.index);
        let (mut old, mut new) = (here.scan(&prefix).peekable(), there.scan(&prefix).peekable());
        loop {
            // Where one of them ends for an error, nothing may be concluded from that.
            if matches!(old.peek(), Some(Err(_))) {
                old.next().transpose()?;
            }
            if matches!(new.peek(), Some(Err(_))) {
                new.next().transpose()?;
            }
            let at = |item: Option<&Result<(RecordKey, Entry), _>>| match item {
                Some(Ok((key, entry))) => Some((*key, *entry)),
                _ => None,
            };
            let (was, is) = (at(old.peek()), at(new.peek()));
            let key = match (was, is) {
                (None, None) => break,
                (Some((key, _)), None) | (None, Some((key, _))) => key,
                (Some((a, _)), Some((b, _))) => a.min(b),
            };
            let was = old.next_if(|_| was.is_some_and(|(at, _)| at == key)).transpose()?;
            let is = new.next_if(|_| is.is_some_and(|(at, _)| at == key)).transpose()?;
            let simple = |entry: &Option<(RecordKey, Entry)>| entry.is_none_or(|(_, entry)| entry.version == 1);
            if was == is && simple(&was) {
                continue;
            }
            let (was, is) = (here.versions(&key)?, there.versions(&key)?);
            if was != is {
                each(key, was, is)?;
            }
        }
        Ok(())
    }

    /// Makes the store what was told. It may be cut off anywhere: telling the same again and this from its start complete it.
    pub fn take_over(&self, storage: &Arc<Storage>) -> Result<(), EngineError> {
        // Entries that point at bytes which are not durable would be absent.
        storage.put_tails(&self.aside.tails()?)?;
        storage.workspace.ledger().durable()?;
        let mut records = Vec::new();
        self.differences(storage, |key, _, is| {
            records.push((key, is));
            if records.len() == TOGETHER {
                storage.index.rewrite(&records)?;
                records.clear();
            }
            Ok(())
        })?;
        storage.index.rewrite(&records)?;
        let mrns = self.aside.storage.index.mrns_of(self.tenant)?;
        storage.index.rewrite_mrns(self.tenant, &mrns)?;
        self.ledger(storage)?;
        Ok(storage.workspace.ledger().durable()?)
    }

    fn ledger(&self, storage: &Storage) -> Result<(), EngineError> {
        let (here, there) = (&storage.tables, &self.aside.storage.tables);
        for migration in &self.migrations {
            let prefix = migration_key(migration, &[]);
            replace(&here.conflicts, &there.conflicts, &prefix, |row, was| {
                again(&mut row.conflict, &was.conflict);
            })?;
            replace(&here.crosswalk, &there.crosswalk, &prefix, |_, _| {})?;
            replace(&here.links, &there.links, &prefix, |_, _| {})?;
        }
        replace(&here.held, &there.held, &self.tenant.to_be_bytes(), |_, _| {})?;
        for run in &self.runs {
            let told = |file: u32| self.counts.get(&(*run, file)).cloned().unwrap_or_default();
            let files = storage.files(*run)?.into_iter();
            // The rows of a file that equals a former one are told with that.
            for mut file in files.filter(|file| file.same_as.is_none()) {
                if file.counts != told(file.number) {
                    file.counts = told(file.number);
                    here.files.put(&file_key(*run, file.number), &file)?;
                }
            }
            let key = run_key(*run);
            let added = self.added.get(run).copied().unwrap_or(0);
            let before = here.progress.get(&key)?;
            let mut now = before.clone().unwrap_or_else(Progress::default);
            for file in now.files.iter_mut().filter(|file| file.same_as.is_none()) {
                file.counts = told(file.number);
            }
            now.added = added;
            if before.as_ref() != Some(&now) {
                here.progress.put(&key, &now)?;
            }
        }
        Ok(())
    }
}

/// Keeps from before what telling cannot know.
fn again(now: &mut Conflict, was: &Conflict) {
    if let (Some(now), Some(was)) = (&mut now.decided, &was.decided)
        && now.seq.is_none()
        && (now.resolution, &now.rule) == (was.resolution, &was.rule)
    {
        now.when.clone_from(&was.when);
    }
}

/// Makes one table what the other is below a prefix, writing only what differs; `keep` is shown both where there are both.
fn replace<T: serde::Serialize + serde::de::DeserializeOwned + PartialEq>(
    here: &Table<T>,
    there: &Table<T>,
    prefix: &[u8],
    keep: impl Fn(&mut T, &T),
) -> Result<(), EngineError> {
    for item in here.scan_prefix(prefix) {
        let key = item?.0;
        if !there.contains(&key)? {
            here.remove(&key)?;
        }
    }
    for item in there.scan_prefix(prefix) {
        let (key, mut now) = item?;
        let was = here.get(&key)?;
        if let Some(was) = &was {
            keep(&mut now, was);
        }
        if was.as_ref() != Some(&now) {
            here.put(&key, &now)?;
        }
    }
    Ok(())
}
