//! Lines that are no use: each set aside with file, line, offset and reason, its bytes kept, and the rest goes on.

use std::sync::Arc;

use cutover::engine::{self, Answer, Aside, Command, EngineError, Line, Outcome, beginning, quarantine_of};
use cutover::fhir;
use cutover::migration::{By, Disposition};
use cutover::sandbox::Dataset;

use crate::bench::{Bench, Records, config, differing, practice};
use crate::edited::Edited;

const MAX_LINE: usize = 600_000;

/// A Condition of this id, padded to `len` bytes.
fn padded(id: &str, len: usize) -> Vec<u8> {
    let head = format!(
        "{{\"resourceType\":\"Condition\",\"id\":\"{id}\",\"subject\":{{\"reference\":\"Patient/x\"}},\"note\":[{{\"text\":\""
    );
    let tail = "\"}]}";
    let mut line = head.into_bytes();
    line.resize(len - tail.len(), b'x');
    line.extend_from_slice(tail.as_bytes());
    line
}

fn bad_lines() -> Vec<(&'static str, Vec<u8>)> {
    let text = |line: &str| line.as_bytes().to_vec();
    vec![
        ("malformed", text(r#"{"resourceType":"Condition","id":"a","#)),
        ("not an object", text(r#"["Condition"]"#)),
        ("without a type", text(r#"{"id":"a","subject":{}}"#)),
        (
            "without an id",
            text(r#"{"resourceType":"Condition","subject":{"reference":"Patient/x"}}"#),
        ),
        (
            "with a bad id",
            text(r#"{"resourceType":"Condition","id":"no good","subject":{"reference":"Patient/x"}}"#),
        ),
        (
            "of another type",
            text(r#"{"resourceType":"Basic","id":"b1","code":{"text":"x"}}"#),
        ),
        ("without its subject", text(r#"{"resourceType":"Condition","id":"c1"}"#)),
        (
            "not UTF-8",
            b"{\"resourceType\":\"Condition\",\"id\":\"d1\",\"x\":\"\xff\xfe\"}".to_vec(),
        ),
        ("a little too long", padded("long1", MAX_LINE + 1)),
        ("several blocks long", padded("long2", MAX_LINE * 3)),
    ]
}

/// The practice, with the bad lines spread among its Conditions, and one that is exactly as long as allowed.
fn odd() -> Arc<dyn Dataset> {
    let bad = bad_lines();
    Arc::new(Edited::new(practice(), move |name, at, line| {
        if name != "Condition" {
            return vec![line];
        }
        match at.checked_sub(3).filter(|at| at % 2 == 0).map(|at| at / 2) {
            Some(nth) if nth < bad.len() => vec![bad[nth].1.clone(), line],
            Some(nth) if nth == bad.len() => vec![padded("just-fits", MAX_LINE), line],
            _ => vec![line],
        }
    }))
}

async fn bench() -> Bench {
    let mut bench = Bench::new(config(odd())).await;
    bench.plan.max_line = u32::try_from(MAX_LINE).unwrap();
    bench
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_bad_line_is_set_aside_and_can_be_read_again() {
    let mut bench = bench().await;
    bench.done().await;
    let expected = bad_lines();
    let rows = bench.quarantine();
    assert_eq!(rows.len(), expected.len());
    for ((what, bytes), (name, line)) in rows.iter().zip(&expected) {
        // Of an oversize line only the part that was looked at is given; all of it stays in the landing.
        assert!(line.starts_with(bytes) && !bytes.is_empty(), "{name}");
        assert_eq!(what.len, bytes.len() as u64, "{name}");
        assert!(what.code == "oversize" || bytes == line, "{name}: {}", what.code);
        assert_eq!(what.code == "oversize", name.contains("long"), "{name}: {}", what.code);
        assert!(!what.reason.is_empty() && !what.reason.contains("no good"), "{name}");
        assert!(what.file_name.starts_with("Condition."), "{name}");
        assert_eq!(what.resource_type, "Condition");
        assert_place(&bench, what, line);
    }
    let stored = bench.stored();
    assert!(stored.contains_key("Condition/just-fits"));
    assert!(!stored.keys().any(|name| name.contains("long")));
    let counts = bench.counts();
    let rows: u64 = bench.dataset.types().iter().map(|(_, count)| count).sum();
    assert_eq!((counts.rows, counts.quarantined), (rows, expected.len() as u64));
    assert_eq!(counts.stored, rows - counts.quarantined);
}

/// Line and offset say where the line is in the file as the server sent it.
fn assert_place(bench: &Bench, what: &cutover::migration::Quarantined, line: &[u8]) {
    let number: u64 = what.file_name.split('.').nth(1).unwrap().parse().unwrap();
    let start = (number - 1) * 400;
    let (mut offset, mut at) = (0, 0);
    for sent in bench.dataset.lines("Condition", start..start + 400) {
        let sent = match String::from_utf8(sent) {
            Ok(text) => text.replace("{base}", &bench.sandbox.base_url).into_bytes(),
            Err(error) => error.into_bytes(),
        };
        at += 1;
        if at == what.line {
            assert_eq!((sent.as_slice() == line, what.offset), (true, offset));
            return;
        }
        offset += sent.len() as u64 + 1;
    }
    panic!("line {} is beyond {}", what.line, what.file_name);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_rejects_pause_the_run_until_more_are_allowed() {
    let mut bench = bench().await;
    bench.plan.max_rejects = 4;
    bench.plan.parallel = 1;
    let Outcome::Rejected { rejects, allowed: 4 } = bench.run().await else {
        panic!("not paused")
    };
    assert!(rejects > 4);
    bench.reopen();
    let complete: Vec<String> = bench
        .files()
        .iter()
        .filter(|f| f.complete())
        .map(|f| f.name.clone())
        .collect();
    assert!(!complete.is_empty() && complete.len() < bench.files().len());
    // Nobody allowed more: it stays paused and asks the source for nothing.
    let before = bench.sandbox.stats().files;
    assert!(matches!(bench.run().await, Outcome::Rejected { allowed: 4, .. }));
    assert_eq!(bench.sandbox.stats().files, before);
    bench.plan.max_rejects = 1000;
    bench.done().await;
    let stats = bench.sandbox.stats();
    assert_eq!(stats.kickoffs, 1);
    for name in complete {
        assert_eq!(stats.files[&name], before[&name], "{name} is not fetched again");
    }
    let rows: u64 = bench.dataset.types().iter().map(|(_, count)| count).sum();
    let counts = bench.counts();
    assert_eq!((counts.rows, counts.quarantined), (rows, bad_lines().len() as u64));
    assert_eq!(counts.stored, bench.stored().len() as u64);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blank_lines_and_carriage_returns_are_no_rows() {
    let dataset = Edited::new(practice(), |name, at, mut line| {
        if name == "Condition" && at % 5 == 0 {
            line.extend_from_slice(b"  \r");
            vec![Vec::new(), b"\r".to_vec(), line]
        } else {
            vec![line]
        }
    });
    let mut bench = Bench::new(config(Arc::new(dataset))).await;
    bench.done().await;
    assert!(bench.quarantine().is_empty());
    let stored = bench.stored();
    let all: u64 = practice().types().iter().map(|(_, count)| count).sum();
    assert_eq!((stored.len() as u64, bench.counts().rows), (all, all));
    assert!(
        stored
            .values()
            .all(|line| fhir::scan(line).is_ok() && line.ends_with(b"}"))
    );
}

/// The practice with some lines that came without their end: a patient's and a problem of theirs.
fn cut_off() -> Arc<dyn Dataset> {
    Arc::new(Edited::new(practice(), |name, at, mut line| {
        if (name == "Patient" && at == 2) || (name == "Condition" && at == 5) {
            line.pop();
        }
        vec![line]
    }))
}

fn by(why: Option<&str>) -> By {
    By {
        login: "tester".to_owned(),
        name: Some("Mo Okafor".to_owned()),
        why: why.map(str::to_owned),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_are_set_right_are_taken_in_as_if_they_had_come_so() {
    let mut whole = Bench::new(config(practice())).await;
    whole.done().await;
    let mut bench = Bench::new(config(cut_off())).await;
    bench.done().await;
    let rows = quarantine_of(bench.storage(), &bench.plan).unwrap();
    assert_eq!(rows.len(), 2);
    let amend = |rows: &[Aside], end: &str, why: Option<&str>| {
        let text = |aside: &Aside| beginning(bench.storage(), aside.row, usize::MAX).unwrap().text + end;
        let rows = rows.iter().map(|aside| (aside.row, Line::new(&text(aside)))).collect();
        Command::Amend { rows, who: by(why) }
    };
    let why = Some("the file was cut off; the EHR shows the same record whole");
    let refused = [
        amend(&rows, "", why),
        amend(&rows, "}", None),
        amend(&rows, "}", Some(" ")),
    ];
    let done = amend(&rows, "}", why);
    let before = bench.hash();
    for command in refused {
        let error = bench.command(command).await.unwrap_err();
        assert!(
            matches!(error, EngineError::NotReady { .. }) && error.hint().is_some(),
            "{error}"
        );
        assert_eq!(bench.hash(), before);
    }
    let Answer::Amended(amendment) = bench.command(done).await.unwrap() else {
        panic!("not amended")
    };
    let expected: Vec<_> = rows.iter().map(|aside| (aside.row, Disposition::Stored)).collect();
    assert_eq!((amendment.rows, amendment.dependent.len()), (expected, 0));
    let base = |bench: &Bench, records: Records| -> Records {
        let text = |line: Vec<u8>| {
            String::from_utf8(line)
                .unwrap()
                .replace(&bench.sandbox.base_url, "{base}")
        };
        records
            .into_iter()
            .map(|(name, line)| (name, text(line).into_bytes()))
            .collect()
    };
    for _ in 0..2 {
        assert_eq!(
            differing(&base(&bench, bench.stored()), &base(&whole, whole.stored())),
            Vec::<String>::new()
        );
        assert_eq!(bench.counts(), whole.counts());
        assert!(bench.verify().await.clean());
        // The history is told once more.
        bench.rebuild();
    }
    let rows = quarantine_of(bench.storage(), &bench.plan).unwrap();
    assert!(
        rows.iter()
            .all(|aside| !aside.open() && aside.amended.as_ref().unwrap().by == by(why))
    );
    let report = engine::report(bench.storage(), &bench.plan, false).unwrap();
    assert_eq!((report.amended.len(), report.quarantine.len()), (2, 0));
    assert_eq!(bench.quarantine().len(), 2, "what was received stays as it was");
    // It is taken back with its run, and comes again with the next one.
    bench.rollback(None, false, false).await;
    assert!(bench.stored().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_too_long_to_be_taken_in_can_be_set_right() {
    let mut bench = bench().await;
    bench.done().await;
    let rows = quarantine_of(bench.storage(), &bench.plan).unwrap();
    let long: Vec<&Aside> = rows.iter().filter(|aside| aside.what.code == "oversize").collect();
    let short = |aside: &&Aside| {
        let id = format!("short-{}", aside.row.line);
        (aside.row, Line::new(std::str::from_utf8(&padded(&id, 200)).unwrap()))
    };
    let amend = Command::Amend {
        rows: long.iter().map(short).collect(),
        who: by(Some("the picture in it is in the chart as a document")),
    };
    let stored = bench.counts().stored;
    bench.command(amend).await.unwrap();
    assert_eq!(bench.counts().stored, stored + 2);
    assert!(bench.stored().keys().any(|name| name.starts_with("Condition/short-")));
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
}
