//! Entries between their commit and their table.

use std::collections::BTreeMap;

use proptest::prelude::*;

use crate::store::index::{Index, Pending};
use crate::store::{Entry, Location, RecordKey, RowId, Sealer, Segments};
use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

fn open(dir: &Path, layer: usize) -> Index {
    let sealed = HashMap::from([(1, 1)]);
    let segments = Segments::new(dir, Sealer::new(&[5; 32]), sealed);
    Index::open_with(&dir.join("index"), Arc::new(segments), layer).unwrap()
}

fn key(number: u32) -> RecordKey {
    let spread = u128::from(number).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    RecordKey::new(1, 1, spread.to_be_bytes())
}

fn entry(version: u32) -> Entry {
    Entry {
        location: Location {
            segment: 1,
            ..Location::default()
        },
        hash: [1; 16],
        row: RowId {
            run: 1,
            file: 1,
            line: version,
        },
        last_updated: None,
        version,
        local: false,
        rewritten: false,
        merged: false,
        deleted: false,
    }
}

#[derive(Debug, Clone)]
enum Step {
    Commit(Vec<u32>),
    Rewrite(Vec<u32>),
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    let keys = || prop::collection::vec(0..40_u32, 0..20);
    prop_oneof![
        6 => keys().prop_map(Step::Commit),
        1 => keys().prop_map(Step::Rewrite),
        2 => Just(Step::Reopen),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_commit_is_there_whatever_is_in_a_table_and_however_often_it_is_opened_again(
        steps in prop::collection::vec(step(), 1..30), layer in 0..3_000_usize,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut index = open(dir.path(), layer);
        let mut model: BTreeMap<RecordKey, u32> = BTreeMap::new();
        for step in steps {
            match step {
                Step::Commit(numbers) => {
                    let mut pending = Pending::default();
                    for number in numbers {
                        let version = model.entry(key(number)).and_modify(|v| *v += 1).or_insert(1);
                        let replaced = (*version > 1).then(|| entry(*version - 1));
                        pending.put(key(number), entry(*version), replaced);
                    }
                    index.commit(&mut pending).unwrap();
                }
                Step::Rewrite(mut numbers) => {
                    numbers.sort_unstable();
                    numbers.dedup();
                    let records: Vec<_> = numbers.iter().map(|number| (key(*number), vec![entry(1)])).collect();
                    index.rewrite(&records).unwrap();
                    model.extend(numbers.iter().map(|number| (key(*number), 1)));
                }
                Step::Reopen => {
                    drop(index);
                    index = open(dir.path(), layer);
                }
            }
            for number in 0..40 {
                let found = index.get(&key(number)).unwrap().map(|entry| entry.version);
                prop_assert_eq!(found, model.get(&key(number)).copied());
                let versions: Vec<u32> = index.versions(&key(number)).unwrap().iter().map(|e| e.version).collect();
                let expected: Vec<u32> = (1..=found.unwrap_or(0)).rev().collect();
                prop_assert_eq!(versions, expected);
            }
        }
        let scanned: BTreeMap<RecordKey, u32> = index.scan(&[]).map(|item| item.map(|(k, e)| (k, e.version)).unwrap()).collect();
        prop_assert_eq!(scanned, model);
    }
}

/// An index with three commits of ten records each, as a kill leaves it: in a log.
fn killed(dir: &Path) -> std::path::PathBuf {
    let index = open(dir, usize::MAX);
    for commit in 0..3 {
        let mut pending = Pending::default();
        for number in commit * 10..commit * 10 + 10 {
            pending.put(key(number), entry(1), None);
        }
        index.commit(&mut pending).unwrap();
    }
    dir.join("index/recent/0.log")
}

#[test]
fn a_log_that_a_kill_cut_off_anywhere_gives_back_every_whole_commit() {
    let dir = tempfile::tempdir().unwrap();
    let log = fs::read(killed(dir.path())).unwrap();
    for len in 0..=log.len() {
        let runs = super::runs_of(&log[..len]).unwrap();
        assert_eq!(runs.len(), len * 3 / log.len(), "{len} of {}", log.len());
    }
}

#[test]
fn a_torn_end_is_left_out_and_the_rest_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let path = killed(dir.path());
    let mut log = fs::read(&path).unwrap();
    let last = log.len() - 1;
    log[last] ^= 1;
    fs::write(&path, &log).unwrap();
    assert_eq!(open(dir.path(), usize::MAX).count().unwrap(), 20);
    assert!(!path.exists());
}

#[test]
fn damage_before_the_end_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = killed(dir.path());
    let mut log = fs::read(&path).unwrap();
    log[20] ^= 1;
    fs::write(&path, &log).unwrap();
    let sealed = HashMap::from([(1, 1)]);
    let segments = Segments::new(dir.path(), Sealer::new(&[5; 32]), sealed);
    let error = Index::open(&dir.path().join("index"), Arc::new(segments))
        .err()
        .unwrap();
    assert!(error.hint().unwrap().contains("--rebuild-index"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), log, "what is damaged stays to be looked at");
}
