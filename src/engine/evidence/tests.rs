use std::fmt::Write;
use std::sync::OnceLock;

use jiff::Timestamp;
use proptest::prelude::*;

use super::bundle::{JOURNAL, PARTS, SUMS};
use super::check::check;
use super::error::CheckError;
use super::signature::{Form, sha256, signed};
use crate::migration::{Capacity, Event, Head, Trail};
use crate::source::{KeyAlgorithm, PrivateKey};
use crate::store::{ChainHead, JournalEntry};

/// The parts of an archive, by name.
type Parts = Vec<(&'static str, Vec<u8>)>;

fn key() -> &'static PrivateKey {
    static KEY: OnceLock<PrivateKey> = OnceLock::new();
    KEY.get_or_init(|| PrivateKey::generate(KeyAlgorithm::Es384).unwrap())
}

fn thumbprint() -> String {
    key().public().kid.clone()
}

/// The journal of a migration, with a sign-off for whatever stands before it.
fn journal(events: &[Event]) -> (Vec<Vec<u8>>, ChainHead, Trail) {
    let mut head = ChainHead::start();
    let mut entries = Vec::new();
    let mut trail = Trail::default();
    for event in events {
        let mut event = event.clone();
        if let Event::SignedOff { head: signed, .. } = &mut event
            && signed.hash.is_empty()
        {
            *signed = Head {
                entry: head.seq,
                hash: head.hash.clone(),
            };
        }
        let entry = JournalEntry {
            migration: "lakeside".to_owned(),
            seq: head.seq + 1,
            at: Timestamp::UNIX_EPOCH,
            who: "mo".to_owned(),
            previous: head.hash.clone(),
            event,
        };
        let json = serde_json::to_vec(&entry).unwrap();
        trail.apply(entry.seq, entry.at, &entry.who, &entry.event);
        head = ChainHead::of(entry.seq, &json);
        entries.push(json);
    }
    (entries, head, trail)
}

fn events() -> Vec<Event> {
    vec![
        Event::KeyCreated { kid: thumbprint() },
        Event::RunStarted { run: 1, since: None },
        Event::Verified {
            compared: 9,
            findings: 0,
        },
        sign_off(String::new()),
        Event::Flipped {
            name: None,
            overridden: Some("closing day".to_owned()),
            missing: vec!["Clinical sign-off: missing".to_owned()],
        },
    ]
}

fn sign_off(hash: String) -> Event {
    Event::SignedOff {
        capacity: Capacity::Technical,
        name: "Mo Okafor".to_owned(),
        why: None,
        head: Head { entry: 0, hash },
    }
}

/// The body of a report as JSON, as far as the check looks at it.
fn json(entries: &[Vec<u8>], trail: &Trail) -> Vec<u8> {
    let said: Vec<_> = trail.signed.values().collect();
    let mut body = format!(
        "{{\"signed\":{},\"gate\":{{\"flip\":{}}},\n\"entries\":[\n",
        serde_json::to_string(&said).unwrap(),
        serde_json::to_string(&trail.flip).unwrap()
    )
    .into_bytes();
    body.extend(entries.join(&b",\n"[..]));
    body.extend(b"\n],\n");
    body
}

fn sign(form: Form, body: &[u8], head: &ChainHead) -> Vec<u8> {
    signed(form, body.to_vec(), "lakeside", head, Some(key())).unwrap()
}

fn reported(events: &[Event]) -> Vec<u8> {
    let (entries, head, trail) = journal(events);
    sign(Form::Json, &json(&entries, &trail), &head)
}

/// An archive with these parts, whatever they are.
fn archive(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, bytes) in parts {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        archive.append_data(&mut header, name, bytes.as_slice()).unwrap();
    }
    zstd::encode_all(archive.into_inner().unwrap().as_slice(), 1).unwrap()
}

/// The parts of a bundle that holds.
fn parts() -> (Parts, ChainHead) {
    let (entries, head, trail) = journal(&events());
    let part = |name| match name {
        "report.txt" => sign(Form::Text, b"lakeside\n", &head),
        "report.html" => sign(Form::Html, b"<!DOCTYPE html>\n", &head),
        "report.json" => sign(Form::Json, &json(&entries, &trail), &head),
        JOURNAL => [entries.join(&b'\n'), vec![b'\n']].concat(),
        _ => b"something\n".to_vec(),
    };
    let parts = PARTS.into_iter().filter(|name| *name != SUMS);
    (summed(parts.map(|name| (name, part(name))).collect()), head)
}

fn summed(mut parts: Parts) -> Parts {
    parts.retain(|(name, _)| *name != SUMS);
    let mut sums = String::new();
    for (name, bytes) in &parts {
        writeln!(sums, "{}  {name}", sha256(bytes)).unwrap();
    }
    parts.push((SUMS, sums.into_bytes()));
    parts
}

fn bundled(parts: &[(&str, Vec<u8>)], head: &ChainHead) -> Vec<u8> {
    sign(Form::Bundle, &archive(parts), head)
}

fn all() -> [(Form, Vec<u8>); 4] {
    let (parts, head) = parts();
    let bytes = |name: &str| parts.iter().find(|(part, _)| *part == name).unwrap().1.clone();
    [
        (Form::Text, bytes("report.txt")),
        (Form::Html, bytes("report.html")),
        (Form::Json, bytes("report.json")),
        (Form::Bundle, bundled(&parts, &head)),
    ]
}

#[test]
fn each_form_holds_and_says_whose_key_it_is() {
    for (form, whole) in all() {
        let checked = check(&whole, Some(&thumbprint())).unwrap();
        assert_eq!((checked.statement.form, &checked.key), (form, &thumbprint()));
        assert_eq!(checked.statement.migration, "lakeside");
        let journal = matches!(form, Form::Json | Form::Bundle);
        assert_eq!(checked.journal.is_some(), journal);
        if let Some(journal) = checked.journal {
            assert_eq!((journal.key_entry, journal.signed.len()), (1, 1));
            assert_eq!(journal.flip.unwrap().overridden.as_deref(), Some("closing day"));
        }
    }
}

#[test]
fn every_single_byte_is_under_the_signature() {
    for (form, whole) in all() {
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            assert!(check(&changed, None).is_err(), "{form:?}, byte {at} of {}", whole.len());
        }
        for cut in 1..whole.len().min(300) {
            assert!(
                check(&whole[..whole.len() - cut], None).is_err(),
                "{form:?} without {cut}"
            );
        }
        for added in [&b"\n"[..], b" ", b"x", b"-->\n"] {
            assert!(check(&[&whole, added].concat(), None).is_err());
            assert!(check(&[added, &whole].concat(), None).is_err());
        }
    }
}

proptest! {
    /// Whoever has the key can sign a journal that was changed: its own end, which others were told of, gives that away.
    #[test]
    fn a_journal_that_was_changed_and_signed_again_does_not_come_to_its_end(entry in 0..5_usize, at in 0..10_000_usize, bit in 0..8_u8) {
        let (mut entries, head, trail) = journal(&events());
        let at = at % entries[entry].len();
        entries[entry][at] ^= 1 << bit;
        let forged = sign(Form::Json, &json(&entries, &trail), &head);
        prop_assert!(check(&forged, None).is_err());
    }
}

#[test]
fn each_way_to_fail_has_its_words() {
    let (entries, head, trail) = journal(&events());
    let other = PrivateKey::generate(KeyAlgorithm::Es384).unwrap();
    let good = reported(&events());
    let replaced = |from: &str, to: &str| {
        let text = String::from_utf8(good.clone()).unwrap();
        assert!(text.contains(from));
        text.replacen(from, to, 1).into_bytes()
    };
    let line = |at: usize| String::from_utf8(entries[at].clone()).unwrap();
    let resigned = |entries: &[Vec<u8>], trail: &Trail| sign(Form::Json, &json(entries, trail), &head);
    let without = |at: usize| {
        let mut entries = entries.clone();
        entries.remove(at);
        entries
    };
    let (parts, _) = parts();
    let repacked = |change: &dyn Fn(&mut Parts)| {
        let mut parts = parts.clone();
        change(&mut parts);
        bundled(&parts, &head)
    };
    let unknown = line(1).replace("run_started", "run_dreamt_of").into_bytes();
    let unknown_head = ChainHead::of(2, &unknown);
    let unknown = [entries[0].clone(), unknown];
    let none = signed(Form::Html, b"<!DOCTYPE html>\n".to_vec(), "lakeside", &head, None).unwrap();
    let by_other = signed(Form::Json, json(&entries, &trail), "lakeside", &head, Some(&other)).unwrap();
    let (half, _) = good.split_at(good.len() / 2);
    let wrong_sign_off = [&events()[..3], &[sign_off("ab".repeat(32))]].concat();
    let (mut unsaid, mut unflipped) = (trail.clone(), trail.clone());
    unsaid.signed.clear();
    unflipped.flip = None;
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("a letter", b"Dear practice,\nall is well.\n".to_vec()),
        ("half of it", half.to_vec()),
        ("never signed", none),
        ("a word changed", replaced("closing day", "closing bay")),
        (
            "another signature",
            replaced("\"signature\":\"ey", "\"signature\":\"eX"),
        ),
        ("a signature with another end", {
            let mut changed = good.clone();
            let at = changed.len() - 20;
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            changed
        }),
        ("a token as a signature", {
            let body = json(&entries, &trail);
            [&body, &b"\"signature\":\"eyJhbGciOiJFUzM4NCJ9.e30.AAAA\"}\n"[..]].concat()
        }),
        ("by a stranger", by_other),
        ("an entry left out", resigned(&without(2), &trail)),
        ("the last entry left out", resigned(&without(4), &trail)),
        (
            "an entry of a later version",
            sign(Form::Json, &json(&unknown, &Trail::default()), &unknown_head),
        ),
        ("a sign-off for another journal", reported(&wrong_sign_off)),
        ("a signature not told of", resigned(&entries, &unsaid)),
        ("an override not told of", resigned(&entries, &unflipped)),
        ("no JSON", sign(Form::Json, b"{\n", &head)),
        (
            "no archive",
            sign(Form::Bundle, &zstd::encode_all(&b"nothing"[..], 1).unwrap(), &head),
        ),
        ("a part missing", repacked(&|parts| drop(parts.remove(5)))),
        (
            "a part added",
            repacked(&|parts| parts.push(("notes.txt", b"psst".to_vec()))),
        ),
        ("a part exchanged", repacked(&|parts| parts[6].1 = b"{}\n".to_vec())),
        (
            "a report of another day",
            repacked(&|parts| {
                parts[1].1 = sign(Form::Text, b"lakeside\n", &ChainHead::start());
                *parts = summed(std::mem::take(parts));
            }),
        ),
    ];
    let mut told = String::new();
    for (name, whole) in cases {
        let error = check(&whole, None).expect_err(name);
        let hint = error.hint().unwrap();
        writeln!(told, "{name}\n  error: {error}\n  hint: {hint}").unwrap();
    }
    let error = check(&good, Some("another")).unwrap_err();
    assert!(matches!(&error, CheckError::OtherKey { found } if *found == thumbprint()));
    let error_text = error.to_string().replace(&thumbprint(), "[KEY]");
    let hint = error.hint().unwrap();
    writeln!(
        told,
        "not the key that was asked for\n  error: {error_text}\n  hint: {hint}"
    )
    .unwrap();
    insta::assert_snapshot!(told);
}
