//! Into which blocks what a download delivers is cut.

use proptest::prelude::*;

use super::*;
use crate::engine::patients::PatientMap;

/// What was handed over, once everything was written and finished.
async fn landed(max_line: usize, write: impl AsyncFnOnce(&mut Landing)) -> Vec<RawBlock> {
    let (to, mut work) = mpsc::channel(1024);
    let file = FileContext {
        max_line,
        ..FileContext::of_one(Arc::new(PatientMap::default()))
    };
    let mut landing = Landing::new(Arc::new(file), Conveyor::new(to), Mark::default(), max_line);
    write(&mut landing).await;
    landing.finish(String::new()).await.ok().unwrap();
    let mut blocks = Vec::new();
    while let Some((_, piece)) = work.recv().await {
        match piece {
            Piecework::Block(block) => blocks.push(block),
            Piecework::End(end) => assert_eq!(end.sequence, blocks.len() as u64),
        }
    }
    blocks
}

async fn written(max_line: usize, text: &[u8], chunk: usize) -> Vec<RawBlock> {
    let chunks = async |landing: &mut Landing| {
        for chunk in text.chunks(chunk) {
            landing.write(Bytes::copy_from_slice(chunk)).await.ok().unwrap();
        }
    };
    landed(max_line, chunks).await
}

/// Every block begins where the one before it ends, in bytes and in lines.
fn check(blocks: &[RawBlock], text: &[u8]) {
    let (mut offset, mut line) = (0, 1);
    for (sequence, block) in (0..).zip(blocks) {
        assert_eq!(
            (block.sequence, block.offset, block.first_line),
            (sequence, offset, line)
        );
        assert!(
            block.piece != Piece::Lines
                || offset + block.bytes.len() as u64 == text.len() as u64
                || block.bytes.ends_with(b"\n")
        );
        offset += block.bytes.len() as u64;
        line += block.newlines;
    }
    let all: Vec<u8> = blocks.iter().flat_map(|block| &block.bytes).copied().collect();
    assert!(all == text);
}

fn long(length: usize) -> Vec<u8> {
    let mut line = vec![b'x'; length];
    line.push(b'\n');
    line
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn nothing_is_lost_however_it_comes(lengths in proptest::collection::vec(prop_oneof![0..2000_usize, 200_000..900_000_usize], 0..12), chunk in 1000..700_000_usize) {
        let text: Vec<u8> = lengths.iter().flat_map(|length| long(*length)).collect();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for max_line in [600_000, 1 << 24] {
            let blocks = runtime.block_on(written(max_line, &text, chunk));
            check(&blocks, &text);
            // A line that ends in the part by which it is too long is told so by whoever reads it.
            let longer = |than: usize| lengths.iter().filter(|length| **length > than).count();
            let oversize = blocks.iter().filter(|block| block.piece == Piece::OversizeStart).count();
            prop_assert!((longer(max_line + TARGET_LEN)..=longer(max_line)).contains(&oversize));
        }
    }
}

#[tokio::test]
async fn a_long_line_is_a_block_by_itself() {
    let (long, short) = (long(2 * TARGET_LEN), b"short\n".repeat(100));
    let text = [&short[..], &long, &short, &long].concat();
    let lengths = [short.len(), long.len(), short.len(), long.len()];
    let blocks = written(1 << 24, &text, 16 * 1024).await;
    assert_eq!(
        blocks.iter().map(|block| block.bytes.len()).collect::<Vec<_>>(),
        lengths
    );
    check(&blocks, &text);
    // So it is when it comes as a line.
    let lines = async |landing: &mut Landing| {
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            landing.line(line.to_vec()).await.ok().unwrap();
        }
    };
    let blocks = landed(1 << 24, lines).await;
    assert_eq!(
        blocks.iter().map(|block| block.bytes.len()).collect::<Vec<_>>(),
        lengths
    );
    check(&blocks, &text);
}
