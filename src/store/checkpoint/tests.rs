//! Crashes between the steps of a checkpoint: afterwards every reader sees the state before it or the state after it.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::super::entry::{Entry, RecordKey, RowId};
use super::super::sealer::Sealer;
use super::*;

/// What the one record of a checkpoint says: the durable lengths, and how many records there are.
#[derive(Default, Clone)]
struct Record {
    sealed: HashMap<u32, u64>,
    added: u64,
}

/// A store that can be dropped at any moment and opened again; `record` stands for the ledger.
struct Store {
    segments: Arc<Segments>,
    index: Arc<Index>,
    writer: Writer,
}

impl Store {
    fn open(dir: &Path, record: &Record) -> Self {
        let sealer = Sealer::new(&[5; 32]);
        let landing: PathBuf = dir.join("landing");
        std::fs::create_dir_all(&landing).unwrap();
        let segments = Arc::new(Segments::new(&landing, sealer.clone(), record.sealed.clone()));
        segments.check_lengths().unwrap();
        let index = Arc::new(Index::open(&dir.join("index"), Arc::clone(&segments)).unwrap());
        let blocks = BlockWriter::new(sealer).unwrap();
        let writer = Writer::new(Arc::clone(&segments), Arc::clone(&index), blocks, 1, Pending::default());
        Self {
            segments,
            index,
            writer,
        }
    }

    /// Puts a new version of a record: as landed, or as a record that the migration changed.
    fn put(&mut self, number: u8, content: u32, changed: bool) {
        let line = content.to_string().into_bytes();
        let location = if changed {
            self.writer.change(&line).unwrap()
        } else {
            let header = BlockHeader {
                kind: BlockKind::Landing,
                piece: Piece::Lines,
                run: 1,
                file: 1,
                first_line: 1,
                source_offset: 0,
                raw_len: 0,
                stored_len: 0,
            };
            let block = BlockWriter::new(Sealer::new(&[5; 32]))
                .unwrap()
                .write(header, &line)
                .unwrap();
            let (segment, block) = self.writer.append(&block).unwrap();
            Location {
                segment,
                block,
                start: 0,
                len: u32::try_from(line.len()).unwrap(),
            }
        };
        let key = key(number);
        let present = self.writer.pending.get(&self.index, &key).unwrap();
        let entry = Entry {
            location,
            hash: [0; 16],
            row: RowId {
                run: 1,
                file: 1,
                line: content,
            },
            last_updated: None,
            version: present.map_or(1, |p| p.version + 1),
            local: false,
            rewritten: changed,
            merged: false,
            deleted: false,
        };
        self.writer.pending.put(key, entry, present);
    }

    fn checkpoint(&mut self, record: &mut Record) {
        let added = self.writer.pending.added();
        self.writer
            .checkpoint(|tails| -> Result<(), CheckpointError> {
                for tail in tails {
                    record.sealed.insert(tail.segment, tail.len);
                }
                record.added += added;
                Ok(())
            })
            .unwrap();
    }

    /// Comes as far as the index and no further.
    fn checkpoint_without_record(&mut self) {
        let cut = self
            .writer
            .checkpoint(|_| -> Result<(), CheckpointError> { Err(std::io::Error::other("killed").into()) });
        assert!(cut.is_err());
    }

    /// All versions of every record, newest first, as readers see them.
    fn seen(&self) -> BTreeMap<u8, Vec<String>> {
        let mut seen = BTreeMap::new();
        for number in 0..6 {
            let mut next = self.index.get(&key(number)).unwrap();
            let mut versions = Vec::new();
            while let Some(entry) = next {
                let line = self.segments.read(&entry.location).unwrap();
                versions.push(String::from_utf8(line).unwrap());
                next = self.index.before(&key(number), entry.version).unwrap();
            }
            if !versions.is_empty() {
                seen.insert(number, versions);
            }
        }
        seen
    }
}

fn key(number: u8) -> RecordKey {
    RecordKey::new(1, 1, [number; 16])
}

/// Where a process is killed.
#[derive(Debug, Clone, Copy)]
enum Killed {
    BeforeTheCheckpoint,
    AfterTheIndex,
    AfterTheRecord,
}

fn life() -> impl Strategy<Value = (Vec<(u8, bool)>, Killed)> {
    let puts = proptest::collection::vec((0..6_u8, any::<bool>()), 1..8);
    let killed = prop_oneof![
        Just(Killed::BeforeTheCheckpoint),
        Just(Killed::AfterTheIndex),
        Just(Killed::AfterTheRecord)
    ];
    (puts, killed)
}

proptest! {
    // Each case opens a database several times.
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn readers_see_the_last_record_and_nothing_else(lives in proptest::collection::vec(life(), 1..7)) {
        let dir = tempfile::tempdir().unwrap();
        let mut record = Record::default();
        let mut model: BTreeMap<u8, Vec<String>> = BTreeMap::new();
        let mut content = 0;
        for (puts, killed) in lives {
            let mut store = Store::open(dir.path(), &record);
            let mut after = model.clone();
            for (number, changed) in puts {
                content += 1;
                store.put(number, content, changed);
                after.entry(number).or_default().insert(0, content.to_string());
            }
            prop_assert_eq!(&store.seen(), &model, "nothing is seen before its checkpoint");
            match killed {
                Killed::BeforeTheCheckpoint => {}
                Killed::AfterTheIndex => store.checkpoint_without_record(),
                Killed::AfterTheRecord => {
                    store.checkpoint(&mut record);
                    model = after;
                    prop_assert_eq!(&store.seen(), &model);
                }
            }
            drop(store);
            let store = Store::open(dir.path(), &record);
            prop_assert_eq!(&store.seen(), &model, "{:?}", killed);
            prop_assert_eq!(store.index.count().unwrap(), record.added);
            prop_assert_eq!(store.index.count().unwrap(), model.len() as u64);
        }
    }
}

#[test]
fn a_patient_is_found_by_mrn_once_it_is_committed_and_by_its_writer_before() {
    let dir = tempfile::tempdir().unwrap();
    let mut record = Record::default();
    let mut store = Store::open(dir.path(), &record);
    store.put(1, 1, false);
    store.writer.pending.put_mrn([9; 16], key(1));
    assert!(store.index.patients_with(&[9; 16]).unwrap().is_empty());
    let pending = &store.writer.pending;
    assert_eq!(pending.patients_with(&store.index, &[9; 16]).unwrap(), [key(1)]);
    store.checkpoint(&mut record);
    drop(store);
    let store = Store::open(dir.path(), &record);
    assert_eq!(store.index.patients_with(&[9; 16]).unwrap(), [key(1)]);
    assert!(store.index.patients_with(&[8; 16]).unwrap().is_empty());
}

#[test]
fn a_changed_record_can_be_read_by_its_writer_before_its_block_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Store::open(dir.path(), &Record::default());
    let first = store.writer.change(b"first").unwrap();
    let large = vec![b'x'; TARGET_LEN];
    let second = store.writer.change(&large).unwrap();
    assert_eq!(store.writer.read(&first).unwrap(), b"first");
    assert_eq!(store.writer.read(&second).unwrap(), large);
}
