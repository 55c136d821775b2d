//! The index under many entries.

use std::collections::HashMap;

use super::*;
use crate::store::{Location, RowId, Sealer};

#[test]
fn records_history_and_mrns_grow_together_and_nobody_waits_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let segments = Arc::new(Segments::new(
        dir.path(),
        Sealer::new(&[5; 32]),
        HashMap::from([(1, 1)]),
    ));
    let index = Index::open(&dir.path().join("index"), segments).unwrap();
    let mut pending = Pending::default();
    let first = Entry {
        location: Location {
            segment: 1,
            ..Location::default()
        },
        hash: [1; 16],
        row: RowId {
            run: 1,
            file: 1,
            line: 1,
        },
        last_updated: Some(1),
        version: 1,
        local: true,
        rewritten: false,
        merged: false,
        deleted: false,
    };
    // All three together are over the limit before the first would be flushed for its own size, were that the same for each.
    for number in 0..130_000_u128 {
        let id = number.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes();
        let key = RecordKey::new(1, 1, id);
        pending.put(key, first, None);
        pending.put(key, Entry { version: 2, ..first }, Some(first));
        pending.put_mrn(id, key);
        if number % 10_000 == 0 {
            index.commit(&mut pending).unwrap();
        }
    }
    index.commit(&mut pending).unwrap();
    assert_eq!(index.count().unwrap(), 130_000);
    assert_eq!(index.mrns_of(1).unwrap().len(), 130_000);
}
