use std::collections::BTreeMap;
use std::ops::Bound::{Excluded, Included, Unbounded};

use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::store::{Secret, create_key_file};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) number: u64,
    pub(super) text: String,
}

pub(super) fn record(number: u64) -> Record {
    Record {
        number,
        text: format!("Zoë Kühn {number}").repeat(usize::try_from(number % 7).unwrap()),
    }
}

pub(super) fn key(number: u64) -> [u8; 8] {
    number.to_be_bytes()
}

/// A folder with a vault in it, where ledgers can be opened again and again.
pub(super) struct Place {
    pub(super) root: tempfile::TempDir,
    pub(super) vault: Vault,
}

impl Place {
    pub(super) fn new() -> Place {
        let root = tempfile::tempdir().unwrap();
        let key_file = root.path().join("key");
        create_key_file(&key_file).unwrap();
        let vault = Vault::create(&root.path().join("keys"), &Secret::KeyFile(key_file)).unwrap();
        Place { root, vault }
    }

    pub(super) fn ledger_dir(&self) -> PathBuf {
        self.root.path().join("ledger")
    }

    pub(super) fn open(&self) -> Result<(Ledger, Vec<Repair>), LedgerError> {
        Ledger::open(&self.ledger_dir(), &self.vault)
    }

    pub(super) fn text(&self, error: &LedgerError) -> String {
        format!("{error}\nhint: {}", error.hint().unwrap()).replace(self.root.path().to_str().unwrap(), "~")
    }

    pub(super) fn snapshots(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.ledger_dir())
            .unwrap()
            .map(|entry| entry.unwrap().path());
        entries
            .filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("snap."))
            .collect()
    }
}

pub(super) fn contents(ledger: &Ledger) -> BTreeMap<u64, Record> {
    let table = ledger.table::<Record>("records").unwrap();
    let read = table.iter().map(|entry| {
        let (key, record) = entry.unwrap();
        (u64::from_be_bytes(key.try_into().unwrap()), record)
    });
    read.collect()
}

#[test]
fn records_come_back_in_the_order_of_their_keys() {
    let place = Place::new();
    let (ledger, _) = place.open().unwrap();
    let table = ledger.table::<Record>("records").unwrap();
    for number in [5, 300, 1, 70_000, 256] {
        table.put(&key(number), &record(number)).unwrap();
    }
    table.put(&key(5), &record(6)).unwrap();
    assert!(table.remove(&key(1)).unwrap());
    assert!(!table.remove(&key(1)).unwrap());

    let numbers = |entries: Vec<Result<(Vec<u8>, Record), LedgerError>>| -> Vec<u64> {
        entries.into_iter().map(|entry| entry.unwrap().1.number).collect()
    };
    assert_eq!(numbers(table.iter().collect()), [6, 256, 300, 70_000]);
    assert_eq!(numbers(table.iter().rev().collect()), [70_000, 300, 256, 6]);
    assert_eq!(numbers(table.scan_prefix(&key(0)[..6]).collect()), [6, 256, 300]);
    assert_eq!(
        numbers(table.range((Excluded(&key(5)), Included(&key(300)))).collect()),
        [256, 300]
    );
    assert_eq!(
        numbers(table.range((Included(&key(300)), Unbounded)).collect()),
        [300, 70_000]
    );
    assert_eq!(
        numbers(table.range((Included(&key(300)), Excluded(&key(2)))).collect()),
        [0; 0]
    );
    assert_eq!(table.first().unwrap().unwrap().1.number, 6);
    assert_eq!(table.last().unwrap().unwrap().0, key(70_000));
    assert_eq!(
        (table.count().unwrap(), table.count_prefix(&key(0)[..7]).unwrap()),
        (4, 1)
    );
    assert_eq!(table.get(&key(300)).unwrap(), Some(record(300)));
    assert_eq!(table.get(&key(2)).unwrap(), None);
    assert!(table.contains(&key(300)).unwrap() && !table.contains(&key(2)).unwrap());
}

#[test]
fn updates_from_many_threads_are_all_counted() {
    let place = Place::new();
    let (ledger, _) = place.open().unwrap();
    let table = ledger.table::<u64>("counters").unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..250 {
                    table.update(b"n", |n| Some(n.unwrap_or(0) + 1)).unwrap();
                }
            });
        }
    });
    assert_eq!(table.get(b"n").unwrap(), Some(1000));
    assert_eq!(table.update(b"n", |_| None).unwrap(), None);
    assert!(!table.contains(b"n").unwrap());
}

#[test]
fn nothing_readable_lies_on_disk_and_a_moved_record_is_noticed() {
    let place = Place::new();
    let (ledger, _) = place.open().unwrap();
    let table = ledger.table::<Record>("records").unwrap();
    let secret = Record {
        number: 1,
        text: "MRN 4711 Zoë".repeat(20_000),
    };
    table.put(b"a", &secret).unwrap();
    table.put(b"b", &record(3)).unwrap();
    ledger.durable().unwrap();

    // What somebody with write access, but no key, could do.
    let tree = |name| ledger.handle.call(|db| db.open_tree(name)).unwrap();
    let raw = tree("records");
    let (a, b) = (raw.get(b"a").unwrap().unwrap(), raw.get(b"b").unwrap().unwrap());
    raw.insert(b"a", b).unwrap();
    tree("others").insert(b"a", a).unwrap();
    insta::assert_snapshot!(place.text(&table.get(b"a").unwrap_err()), @r"
    a record of the ledger's table records fails its authenticity check
    hint: restore the workspace from a backup, or use the version of cutover that last wrote it
    ");
    assert!(ledger.table::<Record>("others").unwrap().get(b"a").is_err());
    let other_shape = ledger.table::<u64>("records").unwrap();
    insta::assert_snapshot!(place.text(&other_shape.get(b"b").unwrap_err()), @r"
    a record of the ledger's table records has another shape than this version reads
    hint: restore the workspace from a backup, or use the version of cutover that last wrote it
    ");
    drop((ledger, table, raw, other_shape));

    let mut stack = vec![place.ledger_dir()];
    while let Some(dir) = stack.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                stack.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                for needle in ["4711", "Zoë"] {
                    assert_eq!(
                        memchr::memmem::find(&bytes, needle.as_bytes()),
                        None,
                        "{needle} in {path:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn after_a_failed_write_the_ledger_takes_nothing_more_and_does_not_hang() {
    let place = Place::new();
    let (ledger, _) = place.open().unwrap();
    let table = ledger.table::<Record>("records").unwrap();
    table.put(&key(1), &record(1)).unwrap();
    ledger.durable().unwrap();
    ledger.handle.stop(std::io::ErrorKind::StorageFull);
    insta::assert_snapshot!(place.text(&table.put(&key(2), &record(2)).unwrap_err()), @r"
    the disk is full: ~/ledger could not be written
    hint: free some space on the disk that holds ~, then run the same command again; it continues where it stopped
    ");
    for error in [table.get(&key(1)).unwrap_err(), ledger.durable().unwrap_err()] {
        assert!(
            matches!(error, LedgerError::File(FileError::DiskFull { .. })),
            "{error:?}"
        );
    }
    drop((table, ledger));
    // Until this process ends, nobody can take the half-written state for a good one.
    assert!(matches!(place.open(), Err(LedgerError::InUse { .. })));
}

#[test]
fn the_wrong_vault_reads_nothing() {
    let place = Place::new();
    place.open().unwrap().0.durable().unwrap();
    let other = Place::new();
    assert!(matches!(
        Ledger::open(&place.ledger_dir(), &other.vault),
        Err(LedgerError::Record { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_reopened_ledger_holds_what_was_put(steps in prop::collection::vec((0..40_u64, any::<bool>(), "\\PC{0,60}"), 1..120)) {
        let place = Place::new();
        let mut expected = BTreeMap::new();
        for half in steps.chunks(60) {
            let (ledger, _) = place.open().unwrap();
            let table = ledger.table::<Record>("records").unwrap();
            for (number, keep, text) in half {
                if *keep {
                    let record = Record { number: *number, text: text.clone() };
                    table.put(&key(*number), &record).unwrap();
                    expected.insert(*number, record);
                } else {
                    prop_assert_eq!(table.remove(&key(*number)).unwrap(), expected.remove(number).is_some());
                }
            }
            ledger.durable().unwrap();
            prop_assert_eq!(&contents(&ledger), &expected);
        }
        prop_assert_eq!(&contents(&place.open().unwrap().0), &expected);
    }
}
