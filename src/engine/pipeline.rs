//! The pipeline behind the downloads: workers read blocks into rows and seal them, one committer places the rows.
//!
//! Every hand-over is bounded, so a slow disk slows the network and nothing piles up in memory.

use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::{mpsc, oneshot};

use super::committer::Committer;
use super::error::EngineError;
use super::landing::{Conveyor, Piecework};
use super::message::{Message, Place, ReadBlock, Signal};
use super::patients::PatientMap;
use super::row::{RawBlock, RowReader};
use crate::migration::ExportFile;
use crate::store::{BlockHeader, BlockKind, BlockWriter};

/// Threads that read and seal blocks.
const WORKERS: usize = 2;
/// Blocks waiting for a worker, a quarter of a megabyte each.
const WAITING: usize = 6;
/// Blocks waiting for the committer. They are compressed by then, and there must be enough of them for the workers to go on while a
/// checkpoint waits for the disk.
const WAITING_SEALED: usize = 48;

/// A running pipeline; dropping it lets the threads finish what they have.
pub struct Pipeline {
    work: Option<Conveyor>,
    messages: Option<SyncSender<Message>>,
    threads: Vec<JoinHandle<()>>,
}

impl Pipeline {
    /// Starts the threads; `reader` and `blocks` make one of each for a worker.
    pub fn start(
        committer: Committer,
        run: u32,
        mut reader: impl FnMut() -> RowReader,
        mut blocks: impl FnMut() -> Result<BlockWriter, EngineError>,
        signals: &mpsc::UnboundedSender<Signal>,
    ) -> Result<Self, EngineError> {
        let (work, jobs) = mpsc::channel(WAITING);
        let (messages, received) = sync_channel(WAITING_SEALED);
        let jobs = Arc::new(Mutex::new(jobs));
        let mut threads = vec![spawn("commit", move || committer.work(&received))?];
        for _ in 0..WORKERS {
            let worker = Worker {
                run,
                jobs: Arc::clone(&jobs),
                reader: reader(),
                blocks: blocks()?,
                out: messages.clone(),
                signals: signals.clone(),
            };
            threads.push(spawn("read", move || worker.work())?);
        }
        Ok(Self {
            work: Some(Conveyor::new(work)),
            messages: Some(messages),
            threads,
        })
    }

    /// Where a landing sends its blocks.
    pub fn work(&self) -> Option<Conveyor> {
        self.work.clone()
    }

    /// Announces a file, before any of its blocks.
    pub async fn begin(&self, file: ExportFile) -> Result<(), EngineError> {
        self.send(Message::Begin(Box::new(file))).await
    }

    /// Says that a file could not be had; blocks already handed over are placed first.
    pub async fn fail(&self, file: u32, reason: String) -> Result<(), EngineError> {
        self.send(Message::Failed { file, reason }).await
    }

    /// Says that the crosswalk in the ledger has grown.
    pub async fn mapped(&self) -> Result<(), EngineError> {
        self.send(Message::Mapped).await
    }

    /// Waits until everything handed over is durable, and says which patients are not simply themselves by now.
    pub async fn drain(&self) -> Result<Arc<PatientMap>, EngineError> {
        let (done, drained) = oneshot::channel();
        let pieces = self.work.as_ref().map_or(0, Conveyor::sent);
        self.send(Message::Drain { pieces, done }).await?;
        drained.await.map_err(|_| EngineError::Stopped)
    }

    /// Lets the threads finish what they have, makes it durable, and waits for them.
    pub async fn stop(mut self) {
        self.work = None;
        self.messages = None;
        let threads = std::mem::take(&mut self.threads);
        // A panic in a thread was reported by the panic hook; the work itself is as durable as its last checkpoint.
        let _ = tokio::task::spawn_blocking(move || threads.into_iter().for_each(|t| drop(t.join()))).await;
    }

    async fn send(&self, message: Message) -> Result<(), EngineError> {
        let Some(messages) = self.messages.clone() else {
            return Err(EngineError::Stopped);
        };
        let sent = tokio::task::spawn_blocking(move || messages.send(message).is_ok()).await;
        if sent.unwrap_or(false) {
            Ok(())
        } else {
            Err(EngineError::Stopped)
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, EngineError> {
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(work)
        .map_err(EngineError::Thread)
}

struct Worker {
    run: u32,
    jobs: Arc<Mutex<mpsc::Receiver<(u64, Piecework)>>>,
    reader: RowReader,
    blocks: BlockWriter,
    out: SyncSender<Message>,
    signals: mpsc::UnboundedSender<Signal>,
}

impl Worker {
    fn work(mut self) {
        loop {
            let job = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
            let message = match job {
                None => return,
                Some((number, Piecework::End(end))) => Message::End(number, end),
                Some((number, Piecework::Block(block))) => match self.block(&block) {
                    Ok(read) => Message::Block(number, read),
                    Err(error) => {
                        // The receiver is gone when the job was cancelled.
                        let _ = self.signals.send(Signal::Broken(error));
                        return;
                    }
                },
            };
            if self.out.send(message).is_err() {
                return;
            }
        }
    }

    fn block(&mut self, block: &RawBlock) -> Result<ReadBlock, EngineError> {
        let rows = self.reader.read(block)?;
        let header = BlockHeader {
            kind: BlockKind::Landing,
            piece: block.piece,
            run: self.run,
            file: block.file.number,
            first_line: block.first_line,
            source_offset: block.offset,
            raw_len: 0,
            stored_len: 0,
        };
        let place = match block.landed {
            Some((segment, at)) => Place::Landed(segment, at),
            None => Place::New(self.blocks.write(header, &block.bytes).map_err(EngineError::Block)?),
        };
        Ok(ReadBlock {
            file: block.file.number,
            sequence: block.sequence,
            end: block.offset + block.bytes.len() as u64,
            lines: block.first_line - 1 + block.newlines,
            offset: block.offset,
            validator: block.validator.clone(),
            place,
            rows,
        })
    }
}
