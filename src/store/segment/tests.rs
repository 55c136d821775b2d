//! What readers see of segments after a crash: exactly the bytes that were made durable.

use super::super::block::{BlockKind, BlockWriter, Piece};
use super::*;

fn sealer() -> Sealer {
    Sealer::new(&[3; 32])
}

fn block(raw: &[u8]) -> Vec<u8> {
    let header = BlockHeader {
        kind: BlockKind::Landing,
        piece: Piece::Lines,
        run: 1,
        file: 1,
        first_line: 1,
        source_offset: 0,
        raw_len: 0,
        stored_len: 0,
    };
    BlockWriter::new(sealer()).unwrap().write(header, raw).unwrap()
}

fn place(segment: u32, block: u64, len: usize) -> Location {
    Location {
        segment,
        block,
        start: 0,
        len: u32::try_from(len).unwrap(),
    }
}

/// A folder with one segment of two blocks, of which only the first is durable; its length.
fn cut_off(dir: &Path) -> u64 {
    let segments = Segments::new(dir, sealer(), HashMap::new());
    let mut writer = segments.create().unwrap();
    writer.append(&block(b"durable")).unwrap();
    let durable = writer.len();
    writer.append(&block(b"not durable")).unwrap();
    writer.sync().unwrap();
    assert_eq!(writer.id(), 1);
    durable
}

#[test]
fn what_lies_behind_the_durable_length_does_not_exist() {
    let dir = tempfile::tempdir().unwrap();
    let durable = cut_off(dir.path());
    let mut file = OpenOptions::new()
        .append(true)
        .open(dir.path().join("00000001.seg"))
        .unwrap();
    file.write_all(&[0xA5; 1000]).unwrap();

    let segments = Segments::new(dir.path(), sealer(), HashMap::from([(1, durable)]));
    segments.check_lengths().unwrap();
    assert_eq!(segments.ids(), [1]);
    assert_eq!(segments.read(&place(1, 0, 7)).unwrap(), b"durable");
    assert!(!segments.has(&place(1, durable, 11)));
    assert!(matches!(
        segments.read(&place(1, durable, 11)),
        Err(SegmentError::Absent { .. })
    ));
    let headers: Vec<u64> = segments.headers(1).map(|item| item.unwrap().0).collect();
    assert_eq!(headers, [0]);
}

#[test]
fn a_segment_that_lost_durable_bytes_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let durable = cut_off(dir.path());
    let path = dir.path().join("00000001.seg");
    File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(durable - 1)
        .unwrap();
    let segments = Segments::new(dir.path(), sealer(), HashMap::from([(1, durable)]));
    match segments.check_lengths() {
        Err(SegmentError::Short { found, expected, .. }) => assert_eq!((found, expected), (durable - 1, durable)),
        other => panic!("{other:?}"),
    }
    std::fs::remove_file(&path).unwrap();
    assert!(segments.check_lengths().is_err(), "a missing one as well");
}

#[test]
fn a_segment_is_never_written_by_two_processes() {
    let dir = tempfile::tempdir().unwrap();
    let durable = cut_off(dir.path());
    let before = std::fs::read(dir.path().join("00000001.seg")).unwrap();
    let segments = Segments::new(dir.path(), sealer(), HashMap::from([(1, durable)]));
    let mut writer = segments.create().unwrap();
    assert_eq!(writer.id(), 2, "not the one that was cut off");
    writer.append(&block(b"more")).unwrap();
    assert_eq!(std::fs::read(dir.path().join("00000001.seg")).unwrap(), before);
    // A segment whose file is gone is not begun again either: old index entries may still point into it.
    let segments = Segments::new(dir.path(), sealer(), HashMap::from([(9, 100)]));
    assert_eq!(segments.create().unwrap().id(), 10);
}

#[test]
fn a_writer_reads_its_own_blocks_before_they_are_durable() {
    let dir = tempfile::tempdir().unwrap();
    let segments = Segments::new(dir.path(), sealer(), HashMap::new());
    let mut writer = segments.create().unwrap();
    writer.append(&block(b"fresh")).unwrap();
    assert!(segments.read(&place(1, 0, 5)).is_err());
    segments.wrote(writer.id(), writer.len());
    assert_eq!(segments.read(&place(1, 0, 5)).unwrap(), b"fresh");
    assert!(!segments.has(&place(1, 0, 5)), "others do not see it yet");
    assert!(segments.ids().is_empty());
}

#[test]
fn a_long_line_is_read_as_it_is_and_pushes_nothing_out_of_memory() {
    let dir = tempfile::tempdir().unwrap();
    let segments = Segments::new(dir.path(), sealer(), HashMap::new());
    let mut writer = segments.create().unwrap();
    let mut lines = vec![b'x'; CACHED_BYTES];
    lines.extend_from_slice(b"\nshort\n");
    writer.append(&block(&lines)).unwrap();
    writer.sync().unwrap();
    segments.seal(1, writer.len());
    assert_eq!(
        segments.read(&place(1, 0, CACHED_BYTES)).unwrap(),
        lines[..CACHED_BYTES]
    );
    assert!(segments.cache.lock().unwrap().is_empty());
    let short = Location {
        start: u32::try_from(CACHED_BYTES + 1).unwrap(),
        ..place(1, 0, 5)
    };
    assert_eq!(segments.read(&short).unwrap(), b"short");
    let beyond = segments.read(&place(1, 0, lines.len() + 1));
    assert!(matches!(beyond, Err(SegmentError::Block { .. })));
}
