//! Damaged ledgers: everything that was durable is there, or an error says that it is not.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{Seek, SeekFrom, Write};

use super::tests::{Place, Record, contents, key, record};
use super::*;

/// Writes, overwrites and removes over several sessions, so that the log has been cleaned and reused; returns what must be
/// there, all of it durable.
fn churn(place: &Place) -> BTreeMap<u64, Record> {
    let mut expected = BTreeMap::new();
    for session in 0..4_u64 {
        let (ledger, repairs) = place.open().unwrap();
        assert_eq!(repairs, []);
        let table = ledger.table::<Record>("records").unwrap();
        for step in 0..6_000_u64 {
            let number = (step * 7919 + session * 31) % 2_500;
            if step % 5 == 4 {
                table.remove(&key(number)).unwrap();
                expected.remove(&number);
            } else {
                let record = Record {
                    number: step,
                    ..record(number + session)
                };
                table.put(&key(number), &record).unwrap();
                expected.insert(number, record);
            }
        }
        // Some that get a file of their own.
        for number in 10_000..10_003 {
            let record = Record {
                number,
                text: "x".repeat(300_000 + usize::try_from(session).unwrap()),
            };
            table.put(&key(number), &record).unwrap();
            expected.insert(number, record);
        }
        ledger.durable().unwrap();
    }
    expected
}

type Damage = fn(Vec<u8>) -> Vec<u8>;

#[test]
fn a_torn_snapshot_costs_nothing() {
    let place = Place::new();
    let expected = churn(&place);
    let damages: [(&str, Damage); 6] = [
        ("emptied", |_| Vec::new()),
        ("cut to a few bytes", |bytes| bytes[..9].to_vec()),
        ("cut in half", |bytes| bytes[..bytes.len() / 2].to_vec()),
        ("cut by one byte", |bytes| bytes[..bytes.len() - 1].to_vec()),
        ("overwritten", |bytes| bytes.iter().map(|_| 0xA5).collect()),
        ("one bit flipped", |mut bytes| {
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            bytes
        }),
    ];
    for (name, damage) in damages {
        let snapshot = place.snapshots().pop().unwrap();
        fs::write(&snapshot, damage(fs::read(&snapshot).unwrap())).unwrap();
        let (ledger, repairs) = place.open().unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(
            matches!(&repairs[0], Repair::SetAside { file, aside } if *file == snapshot && aside.exists()),
            "{name}"
        );
        assert_eq!(contents(&ledger), expected, "{name}");
        drop(ledger);
        let (ledger, repairs) = place.open().unwrap();
        assert_eq!(
            (repairs, contents(&ledger) == expected),
            (vec![], true),
            "{name}, opened again"
        );
    }
}

#[test]
fn a_half_written_snapshot_beside_a_good_one_costs_nothing() {
    let place = Place::new();
    let expected = churn(&place);
    let half = place.ledger_dir().join("snap.00000000FFFFFFFF.generating");
    for bytes in [Vec::new(), vec![1; 5000], fs::read(&place.snapshots()[0]).unwrap()] {
        fs::write(&half, bytes).unwrap();
        let (ledger, repairs) = place.open().unwrap();
        assert!(matches!(&repairs[..], [Repair::SetAside { file, .. }] if *file == half));
        assert_eq!(contents(&ledger), expected);
    }
}

#[test]
fn a_missing_snapshot_costs_nothing() {
    let place = Place::new();
    let expected = churn(&place);
    // The segment that sled looks for first was reclaimed in the second round, and exists in the first.
    for round in 0..2 {
        for snapshot in place.snapshots() {
            fs::remove_file(snapshot).unwrap();
        }
        let (ledger, repairs) = place.open().unwrap();
        assert_eq!(contents(&ledger), expected, "{round}: {repairs:?}");
    }
}

#[test]
fn a_torn_settings_file_costs_nothing() {
    let place = Place::new();
    let expected = churn(&place);
    let conf = place.ledger_dir().join("conf");
    let good = fs::read(&conf).unwrap();
    for bytes in [
        Vec::new(),
        good[..good.len() - 3].to_vec(),
        vec![0xFF; good.len()],
        vec![0; good.len()],
    ] {
        fs::write(&conf, &bytes).unwrap();
        let (ledger, _) = place.open().unwrap_or_else(|e| panic!("{bytes:?}: {e}"));
        assert_eq!(contents(&ledger), expected);
    }
}

#[test]
fn garbage_after_the_end_of_the_log_costs_nothing() {
    let place = Place::new();
    let expected = churn(&place);
    let db = place.ledger_dir().join("db");
    for (length, byte) in [(1, 0xFF), (100, 0), (5000, 0xA5), (600_000, 0x5A), (1_200_000, 0xFF)] {
        let mut file = OpenOptions::new().append(true).open(&db).unwrap();
        file.write_all(&vec![byte; length]).unwrap();
        let (ledger, _) = place.open().unwrap_or_else(|e| panic!("{length} bytes of {byte}: {e}"));
        assert_eq!(contents(&ledger), expected, "{length} bytes of {byte}");
    }
}

/// Copies a folder and what is in it.
pub(super) fn copy(from: &Path, to: &Path) {
    private::create_folder(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to.join(entry.file_name()));
        } else {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Opens damaged copies of a ledger: either everything durable is there, or the error says that it is not.
fn all_or_an_error(
    place: &Place,
    expected: &BTreeMap<u64, Record>,
    damage: impl Fn(&File, u64, usize),
    times: usize,
) -> usize {
    let kept = place.root.path().join("kept");
    copy(&place.ledger_dir(), &kept);
    let mut errors = 0;
    for time in 0..times {
        fs::remove_dir_all(place.ledger_dir()).unwrap();
        copy(&kept, &place.ledger_dir());
        let db = OpenOptions::new()
            .read(true)
            .write(true)
            .open(place.ledger_dir().join("db"))
            .unwrap();
        damage(&db, db.metadata().unwrap().len(), time);
        match place.open() {
            Ok((ledger, _)) => {
                let table = ledger.table::<Record>("records").unwrap();
                let read: Result<Vec<_>, _> = table.iter().collect();
                match read {
                    Ok(_) => assert_eq!(&contents(&ledger), expected, "loss in silence, damage {time}"),
                    Err(error) => {
                        assert!(
                            matches!(error, LedgerError::Damaged { .. } | LedgerError::File(_)),
                            "{error:?}"
                        );
                        errors += 1;
                    }
                }
            }
            Err(error) => {
                assert!(error.needs_rebuild(), "{error:?}");
                errors += 1;
            }
        }
    }
    errors
}

#[test]
fn a_cut_log_is_never_taken_for_a_whole_one() {
    let place = Place::new();
    let expected = churn(&place);
    let errors = all_or_an_error(
        &place,
        &expected,
        |db, length, time| db.set_len(length * time as u64 / 16).unwrap(),
        16,
    );
    assert!(errors > 0);
}

#[test]
fn a_log_overwritten_in_places_is_never_taken_for_a_whole_one() {
    let place = Place::new();
    let expected = churn(&place);
    let damage = |mut db: &File, length: u64, time: usize| {
        db.seek(SeekFrom::Start(length * time as u64 / 24)).unwrap();
        db.write_all(&[0xA5; 4096]).unwrap();
    };
    let errors = all_or_an_error(&place, &expected, damage, 24);
    assert!(errors > 0);
}

#[test]
fn what_cannot_be_opened_can_be_set_aside() {
    let place = Place::new();
    churn(&place);
    fs::write(place.ledger_dir().join("db"), b"").unwrap();
    let error = place.open().unwrap_err();
    insta::assert_snapshot!(place.text(&error), @r"
    the ledger ~/ledger has lost records: it is at state 0, and state 4 had been written safely
    hint: restore the workspace from a backup if there is one; otherwise the ledger can be set aside and rebuilt: stored resources, their versions and the progress of files come back from landing/ and index/, but settings of migrations, the audit trail, decisions on conflicts and sign-offs are in the ledger alone
    ");
    assert!(error.needs_rebuild());
    let aside = Ledger::set_aside(&place.ledger_dir()).unwrap();
    assert!(aside.join("db").exists() && !place.ledger_dir().exists());
    let (ledger, repairs) = place.open().unwrap();
    assert_eq!((repairs, contents(&ledger)), (vec![], BTreeMap::new()));
    drop(ledger);
    assert_ne!(Ledger::set_aside(&place.ledger_dir()).unwrap(), aside);
}

#[test]
fn what_is_left_of_a_ledger_can_be_copied_out() {
    let place = Place::new();
    let expected = churn(&place);
    // As if a later state had been durable once.
    place.open().unwrap().0.durable().unwrap();
    let witness = place.ledger_dir().join("durable");
    let later = fs::read(&witness).unwrap();
    fs::remove_dir_all(place.ledger_dir()).unwrap();
    assert_eq!(churn(&place), expected);
    fs::write(&witness, later).unwrap();
    assert!(matches!(
        place.open(),
        Err(LedgerError::Lost {
            found: 4,
            durable: 5,
            ..
        })
    ));
    let aside = Ledger::set_aside(&place.ledger_dir()).unwrap();
    assert_eq!(contents(&Ledger::salvage(&aside, &place.vault).unwrap()), expected);
}

#[test]
fn a_damaged_witness_is_rewritten_and_a_missing_one_made() {
    let place = Place::new();
    let expected = churn(&place);
    let witness = place.ledger_dir().join("durable");
    fs::write(&witness, [7; 12]).unwrap();
    assert_eq!(place.open().unwrap().1, [Repair::WitnessRewritten]);
    fs::write(&witness, [7; 4000]).unwrap();
    assert_eq!(place.open().unwrap().1, [Repair::WitnessRewritten]);
    fs::remove_file(&witness).unwrap();
    let (ledger, repairs) = place.open().unwrap();
    assert_eq!((repairs, contents(&ledger) == expected), (vec![], true));
}
