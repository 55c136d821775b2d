//! Every fault of the simulated EHR, through a whole run: the store ends with what it would hold without the fault, or with exactly the
//! affected rows set aside, or with a failed file named; and what was broken is made good by running again.

use std::collections::BTreeSet;

use cutover::engine::{EngineError, Outcome, RunOptions};
use cutover::fhir;
use cutover::migration::{Counts, Event};
use cutover::sandbox::Fault;

use crate::bench::{Bench, config, differing, practice};

/// What a run under a fault ends with.
#[derive(Clone, Copy)]
enum End {
    /// Everything, as if nothing had been.
    Whole,
    /// Everything; so many rows were there twice.
    Repeated(u64),
    /// Everything but the affected rows, which are in quarantine.
    Quarantined(u64),
    /// One record more than the source has, in quarantine.
    Added,
    /// Everything, but the affected records lack `meta.lastUpdated`.
    Unstamped,
    /// Two versions of each affected record, and nothing that tells which is the right one.
    Undecided(u64),
    /// Files failed and are named; running again once the source behaves completes them.
    Files,
    /// All files are refused to us; they are named.
    Refused,
    /// There is no export; running again once the source behaves makes one.
    NoExport,
}

#[allow(clippy::too_many_lines)] // One case after the other, each a few lines.
async fn strike(fault: &str, end: End) {
    let fault: Fault = fault.parse().expect("a fault");
    let mut config = config(practice()).fault(fault);
    // Ranges and chunk borders are of the identity form; a cut gzip needs the other.
    config.gzip = matches!(fault, Fault::GzipCut(_) | Fault::CutOnce);
    let mut bench = Bench::new(config).await;
    bench.plan.max_line = 1 << 20;
    let all = bench.source().len() as u64;
    match end {
        End::NoExport => {
            let error = bench.try_run(RunOptions::default()).await.expect_err("no export");
            assert!(matches!(error, EngineError::Source(..)), "{error}");
            assert!(error.hint().is_some());
            bench.sandbox.calm();
            bench.done().await;
            faithful(&bench, all, 0);
        }
        End::Files | End::Refused => {
            let Outcome::FilesFailed { files } = bench.run().await else {
                panic!("no file failed")
            };
            for (name, reason) in &files {
                assert!(name.ends_with(".ndjson") && !reason.is_empty());
            }
            let failed: BTreeSet<&String> = files.iter().map(|(name, _)| name).collect();
            assert_eq!(failed.len(), files.len());
            let named = |event: &Event| matches!(event, Event::DownloadError { name, .. } if failed.contains(name));
            assert_eq!(bench.events.iter().filter(|e| named(&e.event)).count(), files.len());
            let (source, stored) = (bench.source(), bench.stored());
            assert!(stored.iter().all(|(name, line)| source.get(name) == Some(line)));
            assert_eq!(
                bench.sandbox.stats().deletes,
                0,
                "the job is kept while something is missing"
            );
            bench.assert_discreet();
            if matches!(end, End::Refused) {
                assert_eq!(files.len(), bench.files().len());
                assert!(files[0].1.contains("no token was sent"), "{}", files[0].1);
            } else {
                assert_eq!(files.len(), 1, "{files:?}");
                let fetched = |bench: &Bench| {
                    let gets = bench.sandbox.stats().files;
                    gets.into_iter()
                        .map(|(name, gets)| (name, gets.len()))
                        .collect::<Vec<_>>()
                };
                let before = fetched(&bench);
                bench.sandbox.calm();
                bench.reopen();
                bench.done().await;
                faithful(&bench, all, 0);
                let again = before
                    .iter()
                    .zip(fetched(&bench))
                    .filter(|(then, now)| *then != now)
                    .count();
                assert_eq!(again, 1, "only what failed is fetched again");
                assert_eq!(bench.sandbox.stats().kickoffs, 1);
            }
        }
        End::Undecided(count) => {
            let outcome = bench.run().await;
            assert_eq!(
                outcome,
                Outcome::NeedsDecision {
                    conflicts: count,
                    held: 0
                }
            );
            let counts = bench.counts();
            assert_eq!(
                (counts.rows, counts.stored, counts.undecided),
                (all + count, all, count)
            );
            let conflicts: BTreeSet<String> = bench
                .conflicts()
                .iter()
                .map(|conflict| format!("{}/{}", conflict.resource_type, conflict.source.id))
                .collect();
            assert_eq!(conflicts, affected(&bench, fault));
            let (source, stored) = (bench.source(), bench.stored());
            assert_eq!(stored.keys().collect::<Vec<_>>(), source.keys().collect::<Vec<_>>());
            let differing: BTreeSet<String> = differing(&source, &stored).into_iter().collect();
            assert!(differing.is_subset(&conflicts), "{differing:?}");
        }
        End::Whole | End::Repeated(_) | End::Quarantined(_) | End::Added | End::Unstamped => {
            bench.done().await;
            match end {
                End::Repeated(rows) => faithful(&bench, all + rows, rows),
                End::Quarantined(rows) => quarantined(&bench, fault, rows),
                End::Added => {
                    bench.assert_faithful();
                    let rejects = bench.quarantine();
                    assert_eq!(rejects.len(), 1);
                    assert_eq!(
                        (rejects[0].0.code.as_str(), bench.counts().quarantined),
                        ("oversize", 1)
                    );
                    assert_eq!(bench.counts().rows, all + 1);
                }
                End::Unstamped => unstamped(&bench, fault),
                _ => faithful(&bench, all, 0),
            }
            let stats = bench.sandbox.stats();
            assert_eq!((stats.kickoffs, stats.deletes, stats.live_jobs), (1, 1, 0));
        }
    }
    digits_survive(&bench, end);
}

/// Everything is there, each row once but for `unchanged` repeated ones.
fn faithful(bench: &Bench, rows: u64, unchanged: u64) {
    bench.assert_faithful();
    let expected = Counts {
        rows,
        stored: rows - unchanged,
        unchanged,
        ..Counts::default()
    };
    assert_eq!(bench.counts(), expected);
}

fn affected(bench: &Bench, fault: Fault) -> BTreeSet<String> {
    let names = bench.sandbox.affected().remove(fault.name()).unwrap_or_default();
    names.into_iter().collect()
}

fn quarantined(bench: &Bench, fault: Fault, rows: u64) {
    let (source, stored) = (bench.source(), bench.stored());
    let affected = affected(bench, fault);
    assert_eq!(affected.len() as u64, rows);
    let missing: BTreeSet<String> = differing(&source, &stored).into_iter().collect();
    assert_eq!(missing, affected);
    let counts = bench.counts();
    let all = source.len() as u64;
    assert_eq!(
        (counts.rows, counts.stored, counts.quarantined),
        (all, all - rows, rows)
    );
    assert_eq!(bench.quarantine().len() as u64, rows);
    bench.assert_discreet();
}

fn unstamped(bench: &Bench, fault: Fault) {
    let (source, stored) = (bench.source(), bench.stored());
    let affected = affected(bench, fault);
    assert_eq!(source.keys().collect::<Vec<_>>(), stored.keys().collect::<Vec<_>>());
    for (name, line) in &stored {
        if affected.contains(name) {
            let mut record: serde_json::Value = serde_json::from_slice(&source[name]).unwrap();
            record["meta"].as_object_mut().unwrap().shift_remove("lastUpdated");
            assert_eq!(serde_json::from_slice::<serde_json::Value>(line).unwrap(), record);
        } else {
            assert_eq!(line, &source[name], "{name}");
        }
    }
}

/// Numbers keep their digits, and scripts their characters.
fn digits_survive(bench: &Bench, end: End) {
    if matches!(end, End::Refused) {
        return;
    }
    let stored = bench.exported();
    let has = |what: &dyn Fn(&str) -> bool| stored.values().any(|line| what(std::str::from_utf8(line).unwrap()));
    assert!(has(&|line| line.contains("1.10")));
    let digits = |line: &str| line.split(|c: char| !c.is_ascii_digit()).any(|run| run.len() >= 20);
    assert!(has(&digits));
    assert!(has(&|line| line.chars().any(|c| c.len_utf8() >= 3)));
    for line in stored.values() {
        assert!(fhir::scan(line).is_ok());
    }
}

macro_rules! faults {
    ($($test:ident: $fault:literal => $end:expr;)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                strike($fault, $end).await;
            }
        )+

        #[test]
        fn every_fault_has_its_test() {
            let tested: BTreeSet<&str> = [$($fault),+].iter().map(|f| f.split(':').next().unwrap_or(f)).collect();
            let all = Fault::all();
            assert_eq!(all.iter().map(Fault::name).collect::<BTreeSet<_>>(), tested);
        }
    };
}

faults! {
    retry_after_as_a_date: "retry-after-date" => End::Whole;
    retry_after_as_an_instant: "retry-after-epoch" => End::Whole;
    retry_after_of_hours: "retry-after-huge" => End::Whole;
    too_many_requests: "burst-429" => End::Whole;
    service_unavailable: "burst-503" => End::Whole;
    transient_status: "status-transient" => End::Whole;
    kickoff_rejected_once: "kickoff-rejected" => End::Whole;
    kickoff_rejected_always: "kickoff-rejected:always" => End::NoExport;
    token_expires: "token-expires" => End::Whole;
    cut_once: "cut-once" => End::Whole;
    cut_always: "cut-always" => End::Files;
    gzip_cut_once: "gzip-cut" => End::Whole;
    gzip_cut_always: "gzip-cut:always" => End::Files;
    file_expired_once: "file-expired" => End::Whole;
    file_expired_always: "file-expired:always" => End::Files;
    files_elsewhere: "other-origin" => End::Whole;
    files_elsewhere_that_want_the_token: "other-origin:token" => End::Refused;
    redirected_elsewhere: "redirect-other-origin" => End::Whole;
    malformed_lines: "malformed-lines" => End::Quarantined(3);
    empty_lines: "empty-lines" => End::Whole;
    mistyped_lines: "mistyped-lines" => End::Quarantined(3);
    oversize_lines: "oversize-lines:3" => End::Added;
    duplicate_lines: "duplicate-lines" => End::Repeated(4);
    conflicting_duplicate: "conflicting-duplicate" => End::Undecided(2);
    missing_last_updated: "missing-lastupdated" => End::Unstamped;
    byte_order_mark: "bom-crlf" => End::Whole;
    wrong_counts: "wrong-counts" => End::Whole;
    empty_once: "empty-200" => End::Whole;
    empty_always: "empty-200:always" => End::Files;
    relative_status: "status-relative" => End::Whole;
    quoted_status: "status-quoted" => End::Whole;
    later_manifest: "stu4-manifest" => End::Whole;
    clock_ahead: "clock-skew" => End::Whole;
    clock_behind: "clock-skew:-600" => End::Whole;
    multibyte_split: "multibyte-split" => End::Whole;
    error_file: "error-file" => End::Whole;
}
