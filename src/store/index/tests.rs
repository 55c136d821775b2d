use super::super::sealer::Sealer;
use super::*;
use crate::store::{Location, RowId};

fn entry(number: u32) -> Entry {
    Entry {
        location: Location {
            segment: 1,
            block: 0,
            start: number,
            len: 1,
        },
        hash: [0; 16],
        row: RowId {
            run: 1,
            file: 1,
            line: number,
        },
        last_updated: None,
        version: 2,
        local: false,
        rewritten: false,
        merged: false,
        deleted: false,
    }
}

#[test]
fn so_many_patients_in_all_versions_are_flushed_whichever_keyspace_holds_most() {
    let dir = tempfile::tempdir().unwrap();
    let segments = Segments::new(dir.path(), Sealer::new(&[5; 32]), std::collections::HashMap::new());
    let index = Index::open(&dir.path().join("index"), Arc::new(segments)).unwrap();
    let mut pending = Pending::default();
    let written = (0..240_000_u32).map(|number| {
        let mut id = [0; 16];
        id[..4].copy_from_slice(&number.wrapping_mul(2_654_435_761).to_be_bytes());
        let key = RecordKey::new(1, 1, id);
        // First records and MRNs together, then MRNs alone, then former versions.
        if number < 120_000 {
            pending.put(key, entry(number), None);
        }
        if number < 180_000 {
            pending.put_mrn(id, key);
        } else {
            pending.put(
                key,
                entry(number),
                Some(Entry {
                    version: 1,
                    ..entry(number)
                }),
            );
        }
        if number % 15_000 == 14_999 {
            index.commit(&mut pending).unwrap();
        }
    });
    assert_eq!(written.count(), 240_000);
    assert_eq!(index.records.len().unwrap(), 180_000);
    assert_eq!(index.mrns.len().unwrap(), 180_000);
    assert_eq!(index.history.len().unwrap(), 60_000);
}
