//! Faults in lines, and in the files around them.

use cutover::sandbox::Fault;
use serde_json::Value;

use crate::clinic::EVERYTHING;
use crate::rig::{Rig, config, name};

const EXPORT: &str = "$export";

/// All lines of all files as bytes, without checking counts.
async fn raw_lines(rig: &Rig) -> Vec<Vec<u8>> {
    let (token, manifest) = rig.export(EXPORT).await;
    let files = rig.files(&manifest, &token).await;
    let split = |bytes: Vec<u8>| {
        bytes
            .split(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect::<Vec<_>>()
    };
    files
        .into_iter()
        .flat_map(|(_, bytes)| split(bytes.unwrap()).into_iter().rev().skip(1))
        .collect()
}

#[tokio::test]
async fn broken_lines_are_as_many_as_announced() {
    let rig = Rig::with("malformed-lines:3").await;
    let lines = raw_lines(&rig).await;
    assert_eq!(
        lines
            .iter()
            .filter(|line| serde_json::from_slice::<Value>(line).is_err())
            .count(),
        3
    );
    assert_eq!(rig.server.affected()["malformed-lines"].len(), 3);
    let rig = Rig::with("empty-lines:4").await;
    let lines = raw_lines(&rig).await;
    assert_eq!(
        (lines.iter().filter(|line| line.is_empty()).count(), lines.len() as u64),
        (4, EVERYTHING + 4)
    );
    let rig = Rig::with("mistyped-lines:2").await;
    assert_eq!(
        rig.names(EXPORT)
            .await
            .iter()
            .filter(|name| name.starts_with("Basic/"))
            .count(),
        2
    );
    let rig = Rig::with("missing-lastupdated:50").await;
    assert!(rig.lines(EXPORT).await.iter().all(|line| !line.contains("lastUpdated")));
}

#[tokio::test]
async fn the_same_seed_strikes_the_same_resources_however_files_are_cut() {
    let mut struck = Vec::new();
    for lines_per_file in [1, 6, 1000] {
        let rig = Rig::start(config().lines_per_file(lines_per_file).fault(Fault::MistypedLines(3))).await;
        raw_lines(&rig).await;
        struck.push(rig.server.affected());
    }
    assert_eq!(struck[0], struck[1]);
    assert_eq!(struck[1], struck[2]);
}

#[tokio::test]
async fn duplicates_occur_twice_in_the_same_and_in_another_file() {
    let rig = Rig::with("duplicate-lines:4").await;
    let lines = rig.lines(EXPORT).await;
    assert_eq!(lines.len() as u64, EVERYTHING + 4);
    let mut distinct = lines.clone();
    distinct.sort();
    distinct.dedup();
    assert_eq!(distinct.len() as u64, EVERYTHING, "copies are exact");
    let rig = Rig::with("conflicting-duplicate:2").await;
    let mut lines = rig.lines(EXPORT).await;
    lines.sort();
    lines.dedup();
    assert_eq!(lines.len() as u64, EVERYTHING + 2, "content differs");
    let mut names: Vec<String> = lines.iter().map(|line| name(line)).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len() as u64, EVERYTHING, "ids do not");
}

#[tokio::test]
async fn an_oversize_line_is_as_large_as_asked() {
    let rig = Rig::with("oversize-lines:2").await;
    let lines = rig.lines(EXPORT).await;
    assert_eq!(lines.iter().filter(|line| line.len() > 2 << 20).count(), 1);
}

#[tokio::test]
async fn counts_may_be_wrong() {
    let rig = Rig::with("wrong-counts").await;
    let (token, manifest) = rig.export(EXPORT).await;
    for (entry, bytes) in rig.files(&manifest, &token).await {
        assert_eq!(
            entry["count"],
            String::from_utf8(bytes.unwrap()).unwrap().lines().count() + 1
        );
    }
}

#[tokio::test]
async fn files_may_come_from_windows() {
    let rig = Rig::with("bom-crlf").await;
    let (token, manifest) = rig.export(EXPORT).await;
    for (_, bytes) in rig.files(&manifest, &token).await {
        let text = String::from_utf8(bytes.unwrap()).unwrap();
        assert!(text.starts_with('\u{feff}') && text.ends_with("\r\n"));
        assert_eq!(text.matches("\r\n").count(), text.matches('\n').count());
    }
}
