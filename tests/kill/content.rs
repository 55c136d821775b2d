//! Everything a workspace holds that must not depend on how often it was killed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cutover::engine::{recorded_counts, state};
use cutover::fhir;
use cutover::migration::ByType;
use cutover::store::{RecordKey, RowId, Storage, migration_key, run_key};
use cutover::target::EmbeddedStore;

use super::rig::NAME;

#[derive(Default)]
pub struct Content {
    /// Every record with its versions, by type and keyed hash of its id (numbers of types depend on which came first): hash, row, and the canonical hash of what is read back.
    pub records: BTreeMap<(String, [u8; 16]), Vec<String>>,
    /// Every file with its length, lines, hash and counts.
    files: Vec<String>,
    quarantine: Vec<String>,
    conflicts: Vec<String>,
    held: u64,
    counts: ByType,
}

/// Run numbers may differ by a run that a kill cut off before it was journalled.
fn row(row: RowId, run: u32) -> String {
    let whose = if row.run == run { "ours" } else { "theirs" };
    format!("{whose} {}:{}", row.file, row.line)
}

impl Content {
    pub fn of(storage: &Arc<Storage>) -> Self {
        let run = state(storage, NAME).unwrap().run;
        let store = EmbeddedStore::new(Arc::clone(storage));
        let tenant = storage.names.tenant(NAME).unwrap();
        let mut content = Self {
            counts: recorded_counts(storage, NAME).unwrap(),
            held: storage.tables.held.count().unwrap(),
            ..Self::default()
        };
        for (name, number) in storage.names.resource_types() {
            for item in storage.index.scan(&RecordKey::prefix(tenant, number)) {
                let (key, entry) = item.unwrap();
                // A patient that is re-pointed is placed once or twice, depending on whether the other patient was known when it came,
                // and so on when a kill came: the last word of each row counts.
                let mut versions = Vec::new();
                let mut rows = BTreeSet::new();
                let mut next = Some(entry);
                while let Some(entry) = next {
                    let line = store.read(&entry).unwrap();
                    let canonical = fhir::canonical_hash(&line, None).unwrap();
                    next = storage.index.before(&key, entry.version).unwrap();
                    if !rows.insert(entry.row) {
                        continue;
                    }
                    versions.push(format!(
                        "{} {:?} {:?} local {} rewritten {} deleted {} {canonical:x?}",
                        row(entry.row, run),
                        entry.hash,
                        entry.last_updated,
                        entry.local,
                        entry.rewritten,
                        entry.deleted
                    ));
                }
                content.records.insert((name.clone(), key.id()), versions);
            }
        }
        for file in storage.files(run).unwrap() {
            content.files.push(format!(
                "{} {:?} {} bytes {} lines {:?} {:?}",
                file.name, file.state, file.bytes, file.lines, file.blake3, file.counts
            ));
        }
        for item in storage.tables.quarantine.scan_prefix(&run_key(run)) {
            let what = item.unwrap().1.what;
            content
                .quarantine
                .push(format!("{} {} {} {}", what.file, what.line, what.offset, what.code));
        }
        for item in storage.tables.conflicts.scan_prefix(&migration_key(NAME, &[])) {
            let conflict = item.unwrap().1.conflict;
            let moved: Vec<_> = conflict.moved.run(conflict.run).collect();
            content.conflicts.push(format!(
                "{} {:?} {}:{} {:?} applied {} moved {:?}",
                conflict.id,
                conflict.kind,
                conflict.file,
                conflict.line,
                conflict.decided.map(|d| (d.resolution, d.rule, d.who)),
                conflict.applied,
                moved
            ));
        }
        content
    }

    /// Fails on the first difference.
    pub fn assert_same(&self, other: &Self) {
        assert_eq!(self.files, other.files, "files");
        assert_eq!(self.conflicts, other.conflicts, "conflicts");
        assert_eq!(self.quarantine, other.quarantine, "quarantine");
        assert_eq!(self.held, other.held, "held rows");
        assert_eq!(self.counts, other.counts, "counts");
        for (key, versions) in &self.records {
            assert_eq!(Some(versions), other.records.get(key), "{key:?}");
        }
        assert_eq!(self.records.len(), other.records.len(), "records");
        assert!(!self.conflicts.is_empty(), "some patients were in conflict");
    }
}
