use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::*;

fn observation(number: u64) -> String {
    format!(r#"{{"resourceType":"Observation","id":"o{number}","status":"final","valueString":"é{number}"}}"#)
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// 3000 observations in a plain file, 10 in a gzipped one, 2 patients in an untidy one, and things to be ignored.
fn folder() -> (tempfile::TempDir, Folder) {
    let dir = tempfile::tempdir().unwrap();
    let lines = |range: Range<u64>| range.map(|number| observation(number) + "\n").collect::<String>();
    std::fs::write(dir.path().join("Observation.1.ndjson"), lines(0..3000)).unwrap();
    std::fs::write(dir.path().join("Observation.2.ndjson.gz"), gzip(&lines(3000..3010))).unwrap();
    let untidy =
        "\u{feff}{\"resourceType\":\"Patient\",\"id\":\"a\"}\r\n\n  \n{\"id\":\"b\",\"resourceType\":\"Patient\"}";
    std::fs::write(dir.path().join("people.jsonl"), untidy).unwrap();
    std::fs::write(dir.path().join("manifest.json"), "{}").unwrap();
    std::fs::write(dir.path().join("Empty.ndjson"), "\n\n").unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    (dir, folder)
}

fn lines(folder: &Folder, resource_type: &str, range: Range<u64>) -> Vec<String> {
    folder
        .lines(resource_type, range)
        .map(|line| String::from_utf8(line).unwrap())
        .collect()
}

#[test]
fn types_come_in_dependency_order_with_their_counts() {
    let (_dir, folder) = folder();
    assert_eq!(
        folder.types(),
        [("Patient".to_owned(), 2), ("Observation".to_owned(), 3010)]
    );
}

#[test]
fn any_range_of_lines_is_found_across_files() {
    let (_dir, folder) = folder();
    for range in [0..1, 1023..1026, 2047..2050, 2998..3003, 3009..3010, 3010..4000] {
        let expected: Vec<String> = range.clone().filter(|number| *number < 3010).map(observation).collect();
        assert_eq!(lines(&folder, "Observation", range.clone()), expected, "{range:?}");
    }
    assert_eq!(
        lines(&folder, "Patient", 0..2),
        [
            r#"{"resourceType":"Patient","id":"a"}"#,
            r#"{"id":"b","resourceType":"Patient"}"#
        ]
    );
}

#[test]
fn only_tidy_plain_files_are_served_as_they_are() {
    let (_dir, folder) = folder();
    let extents = folder.on_disk("Observation", 1000..2500).unwrap();
    assert_eq!(extents.len(), 1);
    let bytes = std::fs::read(&extents[0].path).unwrap();
    let part = &bytes[usize::try_from(extents[0].bytes.start).unwrap()..usize::try_from(extents[0].bytes.end).unwrap()];
    let expected: String = (1000..2500).map(|number| observation(number) + "\n").collect();
    assert_eq!(part, expected.as_bytes());
    assert_eq!(folder.on_disk("Observation", 2990..3005), None, "part of it is gzipped");
    assert_eq!(
        folder.on_disk("Patient", 0..2),
        None,
        "blank lines, CR, a byte order mark"
    );
}

#[test]
fn resources_are_read_by_their_own_id() {
    let (_dir, folder) = folder();
    assert_eq!(
        folder.read("Observation", "o3009"),
        Some(observation(3009).into_bytes())
    );
    assert_eq!(folder.read("Observation", "o301"), Some(observation(301).into_bytes()));
    assert_eq!(folder.read("Observation", "a"), None);
    assert!(folder.read("Patient", "b").is_some());
}

#[test]
fn what_cannot_be_served_is_named() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(Folder::open(dir.path()), Err(FolderError::Empty(_))));
    assert!(matches!(
        Folder::open(&dir.path().join("missing")),
        Err(FolderError::Read { .. })
    ));
    std::fs::write(dir.path().join("x.ndjson"), "hello\n").unwrap();
    let error = Folder::open(dir.path()).unwrap_err();
    assert!(error.to_string().contains("x.ndjson"));
    assert!(error.hint().is_some());
}
