use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::store::{Secret, Vault, create_key_file};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
enum Event {
    ExportStarted { url: String },
    PatientsDecided(u32),
}

fn event(number: u64) -> Event {
    if number.is_multiple_of(3) {
        Event::ExportStarted {
            url: format!("https://ehr.example/{number}"),
        }
    } else {
        Event::PatientsDecided(u32::try_from(number).unwrap())
    }
}

fn ledger(root: &Path) -> Ledger {
    let (keys, secret) = (root.join("keys"), Secret::KeyFile(root.join("key")));
    let vault = if Vault::exists(&keys) {
        Vault::open(&keys, &secret).unwrap()
    } else {
        create_key_file(&root.join("key")).unwrap();
        Vault::create(&keys, &secret).unwrap()
    };
    Ledger::open(&root.join("ledger"), &vault).unwrap().0
}

fn journal(ledger: &Ledger) -> Journal<Event> {
    Journal::open(ledger, "alice").unwrap()
}

fn events(journal: &Journal<Event>, migration: &str, from: u64) -> Vec<(u64, Event)> {
    journal
        .read(migration, from)
        .map(|entry| entry.map(|entry| (entry.seq, entry.event)).unwrap())
        .collect()
}

#[test]
fn events_come_back_in_order_across_processes_and_migrations() {
    let root = tempfile::tempdir().unwrap();
    let began = Timestamp::now();
    for session in 0..3 {
        let ledger = ledger(root.path());
        let journal = journal(&ledger);
        for number in 1..=4 {
            assert_eq!(journal.append("clinic", &event(number)).unwrap(), session * 4 + number);
        }
        assert_eq!(journal.append("clinic-2", &event(session)).unwrap(), session + 1);
        ledger.durable().unwrap();
    }
    let ledger = ledger(root.path());
    let journal = journal(&ledger);
    let expected: Vec<_> = (1..=12).map(|seq| (seq, event((seq - 1) % 4 + 1))).collect();
    assert_eq!(events(&journal, "clinic", 0), expected);
    assert_eq!(events(&journal, "clinic", 11), expected[10..]);
    assert_eq!(events(&journal, "clinic", 13), []);
    assert_eq!(events(&journal, "nobody", 0), []);
    assert_eq!(journal.verify_chain("clinic").unwrap().seq, 12);
    assert_eq!(journal.verify_chain("clinic-2").unwrap().seq, 3);
    assert_eq!(journal.verify_chain("nobody").unwrap(), ChainHead::start());
    let entry = journal.read("clinic", 12).next().unwrap().unwrap();
    assert_eq!((entry.who.as_str(), entry.migration.as_str()), ("alice", "clinic"));
    assert!(entry.at >= began && entry.at <= Timestamp::now());
}

#[test]
fn numbers_from_many_threads_have_no_gaps() {
    let root = tempfile::tempdir().unwrap();
    let ledger = ledger(root.path());
    let journal = journal(&ledger);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for number in 0..100 {
                    journal.append("m", &event(number)).unwrap();
                }
            });
        }
    });
    assert_eq!(journal.verify_chain("m").unwrap().seq, 400);
}

/// A journal of `length` entries and its raw table, for changing what lies there.
fn written(root: &Path, length: u64) -> (Ledger, Journal<Event>, [u8; 16]) {
    let ledger = ledger(root);
    let journal = journal(&ledger);
    for number in 1..=length {
        journal.append("m", &event(number)).unwrap();
    }
    let chain = journal.chain("m");
    (ledger, journal, chain)
}

fn json_of(journal: &Journal<Event>, chain: &[u8; 16], seq: u64) -> Vec<u8> {
    journal.stored(chain, seq).next().unwrap().unwrap().1
}

#[test]
fn a_removed_entry_is_noticed_wherever_it_was() {
    for removed in 1..=5 {
        let root = tempfile::tempdir().unwrap();
        let (ledger, journal, chain) = written(root.path(), 5);
        journal.entries.remove(&entry_key(&chain, removed)).unwrap();
        let error = journal.verify_chain("m").unwrap_err();
        assert!(
            matches!(error, JournalError::Broken { seq, .. } if seq == removed),
            "{error}"
        );
        // Appending must not paper over it either.
        drop(journal);
        let reopened = super::tests::journal(&ledger);
        match reopened.append("m", &event(1)) {
            Ok(_) => assert!(removed < 5 && reopened.verify_chain("m").is_err()),
            Err(error) => assert!(matches!(error, JournalError::Broken { seq: 5, .. }), "{error}"),
        }
    }
}

#[test]
fn the_error_names_the_migration_and_the_entry() {
    let root = tempfile::tempdir().unwrap();
    let (_ledger, journal, chain) = written(root.path(), 3);
    journal.entries.remove(&entry_key(&chain, 2)).unwrap();
    let error = journal.verify_chain("m").unwrap_err();
    insta::assert_snapshot!(format!("{error}\nhint: {}", error.hint().unwrap()), @r"
    the audit trail of migration m is broken at entry 2: it is missing
    hint: somebody or something changed the workspace from outside; do not sign this migration off, and compare with a backup
    ");
}

#[test]
fn a_process_that_ended_between_entry_and_head_breaks_nothing() {
    let root = tempfile::tempdir().unwrap();
    let (ledger, journal, chain) = written(root.path(), 4);
    let kept = journal.heads.get(&chain).unwrap().unwrap();
    journal.append("m", &event(5)).unwrap();
    journal.heads.put(&chain, &kept).unwrap();
    drop(journal);
    let journal = super::tests::journal(&ledger);
    assert_eq!(journal.verify_chain("m").unwrap().seq, 5);
    assert_eq!(journal.append("m", &event(6)).unwrap(), 6);
    assert_eq!(journal.verify_chain("m").unwrap().seq, 6);
}

#[test]
fn nothing_about_a_migration_is_readable_in_the_keys() {
    let root = tempfile::tempdir().unwrap();
    let (_ledger, journal, _) = written(root.path(), 1);
    journal.append("Dr. Zoë Kühn", &event(1)).unwrap();
    for stored in journal
        .entries
        .range_json((std::ops::Bound::Unbounded, std::ops::Bound::Unbounded))
    {
        let (key, _) = stored.unwrap();
        assert_eq!(key.len(), 24);
        assert!(memchr::memmem::find(&key, b"Dr.").is_none());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Somebody who holds the key rewrites history: an entry is altered, two are swapped, or one is put in twice.
    #[test]
    fn rewritten_history_is_noticed(
        length in 2..12_u64,
        at in any::<prop::sample::Index>(),
        other in any::<prop::sample::Index>(),
        how in 0..4,
    ) {
        let root = tempfile::tempdir().unwrap();
        let (_ledger, journal, chain) = written(root.path(), length);
        prop_assert_eq!(journal.verify_chain("m").unwrap().seq, length);
        let at = at.index(usize::try_from(length).unwrap()) as u64 + 1;
        let other = other.index(usize::try_from(length).unwrap()) as u64 + 1;
        prop_assume!(how == 0 || at != other);
        let (mine, theirs) = (json_of(&journal, &chain, at), json_of(&journal, &chain, other));
        let (at_key, other_key) = (entry_key(&chain, at), entry_key(&chain, other));
        match how {
            0 => {
                let mut entry: Entry<Event> = decode(&mine).unwrap();
                entry.who = "mallory".to_owned();
                journal.entries.put_json(&at_key, &serde_json::to_vec(&entry).unwrap()).unwrap();
            }
            1 => {
                journal.entries.put_json(&at_key, &theirs).unwrap();
                journal.entries.put_json(&other_key, &mine).unwrap();
            }
            2 => journal.entries.put_json(&at_key, &theirs).unwrap(),
            _ => {
                let mut entry: Entry<Event> = decode(&theirs).unwrap();
                entry.seq = at;
                journal.entries.put_json(&at_key, &serde_json::to_vec(&entry).unwrap()).unwrap();
            }
        }
        let verified = journal.verify_chain("m");
        prop_assert!(matches!(verified, Err(JournalError::Broken { .. })), "{:?}", verified);
    }
}
