//! Work on its way from whoever makes it to whoever sends it: not more than a few bundles' worth of bytes, whatever the size of records.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::super::error::EngineError;
use super::task::Task;

/// Work that waits.
const WAITING: usize = 256;
/// Bytes of records that wait.
const BYTES: u32 = 8 * 1024 * 1024;

/// What a sender is given.
pub enum Work {
    /// A record.
    Task(Box<Task>),
    /// Records that are written in one transaction, or not yet.
    Together(Vec<Task>),
    /// Say when everything before it is over.
    Wait(oneshot::Sender<()>),
}

/// Where work is put in.
pub struct Out {
    work: mpsc::Sender<(Work, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
}

/// Where it comes out.
pub struct Coming {
    work: mpsc::Receiver<(Work, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
}

/// The two ends of a queue.
pub fn queue() -> (Out, Coming) {
    let (out, coming) = mpsc::channel(WAITING);
    let room = Arc::new(Semaphore::new(BYTES as usize));
    let out = Out {
        work: out,
        room: Arc::clone(&room),
    };
    (out, Coming { work: coming, room })
}

impl Out {
    /// Puts work in, when there is room for it; blocking.
    pub fn put(&self, work: Work) -> Result<(), EngineError> {
        let bytes = match &work {
            Work::Task(task) => task.body.len(),
            Work::Together(tasks) => bytes(tasks),
            Work::Wait(_) => 0,
        };
        let bytes = u32::try_from(bytes).unwrap_or(BYTES).min(BYTES);
        let room = Arc::clone(&self.room).acquire_many_owned(bytes);
        let room = Handle::current().block_on(room).map_err(|_| EngineError::Stopped)?;
        self.work.blocking_send((work, room)).map_err(|_| EngineError::Stopped)
    }
}

impl Coming {
    /// The next work; nothing when no more comes.
    pub async fn next(&mut self) -> Option<Work> {
        self.work.recv().await.map(|(work, _)| work)
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.work.is_empty()
    }
}

impl Drop for Coming {
    fn drop(&mut self) {
        // Whoever waits for room waits for nobody.
        self.room.close();
    }
}

/// The bytes of records.
pub fn bytes(tasks: &[Task]) -> usize {
    tasks.iter().map(|task| task.body.len()).sum()
}
