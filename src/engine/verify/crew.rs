//! The landing, read once more by all processors: blocks are handed out in order, and what they come to is taken in in the same order.

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use super::census::Census;
use super::ground::Ground;
use super::reader::{Reader, Sampled};
use crate::engine::error::EngineError;
use crate::migration::VerifiedBlock;
use crate::store::{BlockHeader, BlockKind};

/// Threads that read, at most: each keeps a few blocks in memory.
const MOST: usize = 4;
/// Blocks that wait to be taken in.
const WAITING: usize = 8;
/// A longer block is one large document: nothing further is begun before it was taken in.
const LARGE: u32 = 4 * 1024 * 1024;

/// A block of the landing.
#[derive(Clone, Copy)]
pub struct BlockAt {
    pub segment: u32,
    pub offset: u64,
    pub header: BlockHeader,
}

/// What reading one came to.
pub struct BlockRead {
    pub at: BlockAt,
    /// Its bytes.
    pub bytes: Arc<Vec<u8>>,
    /// What comparing its rows found; of a block that was compared before, nothing.
    pub found: Option<VerifiedBlock>,
    pub sampled: Vec<Sampled>,
    /// Of a large one: whoever waits until it was taken in, so until this is dropped.
    _taken: Option<Sender<()>>,
}

/// The blocks of the landing that hold rows of these files, in order.
pub fn blocks(ground: &Ground<'_>) -> impl Iterator<Item = Result<BlockAt, EngineError>> {
    let segments = &ground.storage.segments;
    let all = segments.ids().into_iter().flat_map(move |segment| {
        let headers = segments.headers(segment);
        headers.map(move |item| item.map(|(offset, header)| (segment, offset, header)))
    });
    all.filter_map(move |item| match item {
        Ok((segment, offset, header)) => {
            let ours = header.kind == BlockKind::Landing && ground.files.contains_key(&(header.run, header.file));
            ours.then_some(Ok(BlockAt {
                segment,
                offset,
                header,
            }))
        }
        Err(error) => Some(Err(error.into())),
    })
}

/// Reads every block, and hands what it came to to `take`, in order; of those in `before` the rows are not compared.
pub fn read_all(
    ground: &Ground<'_>,
    census: &Census,
    drawn: &HashSet<String>,
    before: &HashSet<(u32, u64)>,
    take: &mut dyn FnMut(BlockRead) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(MOST);
    let queue = Mutex::new(blocks(ground).zip(0_u64..));
    let stopped = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let (out, read) = sync_channel(WAITING);
        for _ in 0..threads {
            let (out, queue, stopped) = (out.clone(), &queue, &stopped);
            scope.spawn(move || {
                work(ground, census, drawn, before, &out, stopped, queue);
            });
        }
        drop(out);
        let mut early = BTreeMap::new();
        let mut due = 0;
        let mut result = Ok(());
        for (number, read) in &read {
            early.insert(number, read);
            while let Some(read) = early.remove(&due) {
                due += 1;
                if result.is_ok() {
                    result = read.and_then(&mut *take);
                }
            }
            if result.is_err() {
                stopped.store(true, Ordering::Relaxed);
            }
        }
        result
    })
}

type Numbered = (u64, Result<BlockRead, EngineError>);

fn work(
    ground: &Ground<'_>,
    census: &Census,
    drawn: &HashSet<String>,
    before: &HashSet<(u32, u64)>,
    out: &SyncSender<Numbered>,
    stopped: &AtomicBool,
    queue: &Mutex<impl Iterator<Item = (Result<BlockAt, EngineError>, u64)>>,
) {
    let mut reader = Reader::new(ground, census, drawn);
    while !stopped.load(Ordering::Relaxed) {
        let mut blocks = queue.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((at, number)) = blocks.next() else { return };
        let large = at.as_ref().is_ok_and(|at| at.header.raw_len > LARGE);
        let alone = large.then_some(blocks);
        let (taken, until_taken) = channel();
        let taken = large.then_some(taken);
        let read = || {
            let at = at?;
            let bytes = ground.storage.segments.block(at.segment, at.offset)?;
            let compare = !before.contains(&(at.segment, at.offset));
            let file = &ground.files[&(at.header.run, at.header.file)];
            let (found, sampled) = reader.read(file, &at, &bytes, compare)?;
            Ok(BlockRead {
                at,
                bytes,
                found: compare.then_some(found),
                sampled,
                _taken: taken,
            })
        };
        // Whoever waits for this block must hear of it even if reading it panics, which the hook has reported then.
        let read = catch_unwind(AssertUnwindSafe(read)).unwrap_or(Err(EngineError::Stopped));
        if out.send((number, read)).is_err() {
            return;
        }
        if alone.is_some() {
            // Nothing is ever sent; this ends when the block is dropped.
            let _ = until_taken.recv();
        }
    }
}
