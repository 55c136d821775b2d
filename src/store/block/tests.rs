//! What a block gives back, and what it refuses.

use proptest::prelude::*;

use super::*;

fn header() -> BlockHeader {
    BlockHeader {
        kind: BlockKind::Landing,
        piece: Piece::OversizeRest,
        run: 7,
        file: 1_000_003,
        first_line: 5_000_000_000,
        source_offset: u64::MAX - 1,
        raw_len: 0,
        stored_len: 0,
    }
}

fn sealed(raw: &[u8]) -> (Vec<u8>, Sealer) {
    let sealer = Sealer::new(&[7; 32]);
    let block = BlockWriter::new(sealer.clone()).unwrap().write(header(), raw).unwrap();
    (block, sealer)
}

proptest! {
    #[test]
    fn a_block_gives_back_what_it_was_given(raw in proptest::collection::vec(any::<u8>(), 0..5000), changed in any::<bool>(), piece in 0..3_usize) {
        let sealer = Sealer::new(&[9; 32]);
        let mut writer = BlockWriter::new(sealer.clone()).unwrap();
        let kind = if changed { BlockKind::Changed } else { BlockKind::Landing };
        let piece = [Piece::Lines, Piece::OversizeStart, Piece::OversizeRest][piece];
        let block = writer.write(BlockHeader { kind, piece, ..header() }, &raw).unwrap();
        let stored_len = u32::try_from(block.len() - HEADER_LEN).unwrap();
        let (found, lines) = open(block, &sealer).unwrap();
        prop_assert_eq!(&lines, &raw);
        let raw_len = u32::try_from(raw.len()).unwrap();
        prop_assert_eq!(found, BlockHeader { kind, piece, raw_len, stored_len, ..header() });
    }
}

#[test]
fn every_flipped_bit_is_noticed() {
    let (block, sealer) = sealed(br#"{"resourceType":"Patient","id":"a","name":[{"family":"Nobody"}]}"#);
    for at in 0..block.len() {
        for bit in 0..8 {
            let mut altered = block.clone();
            altered[at] ^= 1 << bit;
            assert!(open(altered, &sealer).is_err(), "bit {bit} of byte {at}");
        }
    }
}

#[test]
fn a_block_that_is_cut_or_longer_is_refused() {
    let (block, sealer) = sealed(b"one line\nanother line\n");
    for len in 0..block.len() {
        assert!(open(block[..len].to_vec(), &sealer).is_err(), "cut at {len}");
    }
    let mut longer = block.clone();
    longer.push(0);
    assert!(open(longer, &sealer).is_err());
}

#[test]
fn another_workspaces_block_does_not_open() {
    let (block, _) = sealed(b"one line\n");
    assert!(matches!(open(block, &Sealer::new(&[8; 32])), Err(BlockError::Sealed)));
}

#[test]
fn a_block_says_nothing_of_what_it_holds() {
    let (block, _) = sealed(b"Wilhelmina Featherstonehaugh");
    assert!(memchr::memmem::find(&block, b"Wilhelmina").is_none());
}

/// What is too long to be compressed is sealed as well as anything else.
#[test]
fn a_document_is_kept_as_it_is_and_sealed() {
    let raw: Vec<u8> = b"Wilhelmina ".iter().copied().cycle().take(PACKED_UP_TO + 1).collect();
    let (block, sealer) = sealed(&raw);
    assert_eq!(block.len(), HEADER_LEN + raw.len() + TAG_LEN);
    assert!(memchr::memmem::find(&block, b"Wilhelmina").is_none());
    let (_, lines) = open(block.clone(), &sealer).unwrap();
    assert!(lines == raw);
    for at in [7, HEADER_LEN, block.len() - 1] {
        let mut altered = block.clone();
        altered[at] ^= 1;
        assert!(open(altered, &sealer).is_err(), "byte {at}");
    }
    let packed = BlockWriter::new(sealer).unwrap().write(header(), &raw[1..]).unwrap();
    assert!(packed.len() < raw.len() / 2);
}
