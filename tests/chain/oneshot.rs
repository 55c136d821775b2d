//! Every fault through the one-shot export: the files end byte for byte as the server holds them, or are named as failed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use cutover::engine::{Credentials, EngineError, Exported, OneShot, Snapshot, export_once};
use cutover::sandbox::Fault;
use tokio_util::sync::CancellationToken;

use crate::bench::{Bench, config, practice};
use crate::clock::Impatient;

pub async fn export(bench: &Bench, into: &Path) -> Result<Exported, EngineError> {
    let shot = OneShot {
        plan: bench.plan.clone(),
        credentials: Credentials::of(bench.storage(), &bench.plan).expect("credentials"),
        scopes: vec!["system/*.read".to_owned()],
        into: into.to_owned(),
        keep_job: false,
        clock: Arc::new(Impatient::new()),
    };
    let (log, _unread) = tokio::sync::mpsc::unbounded_channel();
    let (snapshot, _unwatched) = tokio::sync::watch::channel(Snapshot::default());
    let done = export_once(shot, log, snapshot, CancellationToken::new());
    tokio::time::timeout(Duration::from_secs(100), done)
        .await
        .expect("nothing hangs")
}

/// The folder's data files by name.
pub fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), path))
        .filter(|(name, _)| name.ends_with(".ndjson") && name != "log.ndjson")
        .map(|(name, path)| (name, std::fs::read(path).unwrap()))
        .collect()
}

/// How an export under a fault ends.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// Whole, and every line is one of the source's.
    Whole,
    /// Whole, with lines that are not the source's.
    Odd,
    /// One file failed; the same command completes it once the source behaves.
    OneFailed,
    /// Every file is refused to us.
    Refused,
    /// There is no export; the same command makes one once the source behaves.
    NoExport,
}

async fn strike(fault: &str, end: End) {
    let fault: Fault = fault.parse().expect("a fault");
    let mut config = config(practice()).fault(fault);
    config.gzip = matches!(fault, Fault::GzipCut(_) | Fault::CutOnce);
    let bench = Bench::new(config).await;
    let (here, there) = (bench.dir.path().join("here"), bench.dir.path().join("there"));
    let first = export(&bench, &here).await;
    match end {
        End::Whole | End::Odd => assert_eq!(first.expect("an export").failed, Vec::new()),
        End::NoExport => assert!(first.expect_err("no export").hint().is_some()),
        End::OneFailed => {
            assert_eq!(first.expect("an export").failed.len(), 1);
            assert_eq!(bench.sandbox.stats().deletes, 0);
        }
        End::Refused => {
            let exported = first.expect("an export");
            assert!(exported.files == 0 && exported.failed.iter().all(|(_, why)| why.contains("no token was sent")));
            bench.assert_discreet();
            return;
        }
    }
    bench.sandbox.calm();
    if matches!(end, End::OneFailed | End::NoExport) {
        assert_eq!(export(&bench, &here).await.expect("an export").failed, Vec::new());
        assert_eq!(bench.sandbox.stats().kickoffs, 1);
    }
    // What the server holds, asked for once more when nothing goes wrong.
    assert_eq!(export(&bench, &there).await.expect("an export").failed, Vec::new());
    let (got, held) = (files(&here), files(&there));
    assert_eq!(got.keys().collect::<Vec<_>>(), held.keys().collect::<Vec<_>>());
    for (name, bytes) in &got {
        assert!(bytes == &held[name], "{name} is not what the server holds");
    }
    if end != End::Odd {
        let source: BTreeSet<Vec<u8>> = bench.source().into_values().collect();
        let lines: Vec<&[u8]> = got.values().flat_map(|bytes| bytes.split(|b| *b == b'\n')).collect();
        let lines: Vec<&[u8]> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        assert_eq!(lines.len(), source.len());
        assert!(lines.iter().all(|line| source.contains(*line)));
    }
    bench.assert_discreet();
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
    cut_always: "cut-always" => End::OneFailed;
    gzip_cut_once: "gzip-cut" => End::Whole;
    gzip_cut_always: "gzip-cut:always" => End::OneFailed;
    file_expired_once: "file-expired" => End::Whole;
    file_expired_always: "file-expired:always" => End::OneFailed;
    files_elsewhere: "other-origin" => End::Whole;
    files_elsewhere_that_want_the_token: "other-origin:token" => End::Refused;
    redirected_elsewhere: "redirect-other-origin" => End::Whole;
    malformed_lines: "malformed-lines" => End::Odd;
    empty_lines: "empty-lines" => End::Whole;
    mistyped_lines: "mistyped-lines" => End::Odd;
    oversize_lines: "oversize-lines:3" => End::Odd;
    duplicate_lines: "duplicate-lines" => End::Odd;
    conflicting_duplicate: "conflicting-duplicate" => End::Odd;
    missing_last_updated: "missing-lastupdated" => End::Odd;
    byte_order_mark: "bom-crlf" => End::Odd;
    wrong_counts: "wrong-counts" => End::Whole;
    empty_once: "empty-200" => End::Whole;
    empty_always: "empty-200:always" => End::OneFailed;
    relative_status: "status-relative" => End::Whole;
    quoted_status: "status-quoted" => End::Whole;
    later_manifest: "stu4-manifest" => End::Whole;
    clock_ahead: "clock-skew" => End::Whole;
    clock_behind: "clock-skew:-600" => End::Whole;
    multibyte_split: "multibyte-split" => End::Whole;
    error_file: "error-file" => End::Odd;
}
