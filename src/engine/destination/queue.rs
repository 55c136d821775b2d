//! Work on its way from whoever makes it to whoever sends it. What is on its way, until it is settled what became of it, is not more than a few
//! bundles' worth of bytes, whatever the size of records.

use std::slice;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::super::error::EngineError;
use super::task::Task;

/// Work that waits.
const WAITING: usize = 256;
/// Bytes of records in a bundle.
pub const BUNDLE: usize = 4 * 1024 * 1024;
/// Bytes of records on their way.
const ROOM: usize = 3 * BUNDLE;
/// The room that larger work takes. What waits for more to fill a bundle leaves as much, so that there will always be room.
const LARGE: usize = ROOM - BUNDLE;

/// What a sender is given.
pub enum Work {
    /// A record.
    Task(Box<Task>),
    /// Records that are written in one transaction, or not yet.
    Together(Vec<Task>),
    /// Say when everything before it is over.
    Wait(oneshot::Sender<()>),
}

/// The room that a record takes while it is on its way.
pub type Room = OwnedSemaphorePermit;

/// Where work is put in.
pub struct Out {
    work: mpsc::Sender<Work>,
    room: Arc<Semaphore>,
}

/// Where it comes out.
pub struct Coming {
    work: mpsc::Receiver<Work>,
    room: Arc<Semaphore>,
}

/// The two ends of a queue.
pub fn queue() -> (Out, Coming) {
    let (out, coming) = mpsc::channel(WAITING);
    let room = Arc::new(Semaphore::new(ROOM));
    let out = Out {
        work: out,
        room: Arc::clone(&room),
    };
    (out, Coming { work: coming, room })
}

impl Out {
    /// Waits until there is room for a record of so many bytes, so that a large one is not made while another is on its way; blocking.
    pub fn room(&self, bytes: usize) -> Result<(), EngineError> {
        self.take(bytes).map(drop)
    }

    /// Puts work in, when there is room for it; blocking.
    pub fn put(&self, mut work: Work) -> Result<(), EngineError> {
        let tasks = match &mut work {
            Work::Task(task) => slice::from_mut(&mut **task),
            Work::Together(tasks) => tasks.as_mut_slice(),
            Work::Wait(_) => &mut [],
        };
        let mut room = self.take(bytes(tasks))?;
        for task in tasks {
            let own = task.body.len().min(room.num_permits());
            task.room = room.split(own);
        }
        self.work.blocking_send(work).map_err(|_| EngineError::Stopped)
    }

    fn take(&self, bytes: usize) -> Result<Room, EngineError> {
        let bytes = u32::try_from(bytes.min(LARGE)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(bytes);
        Handle::current().block_on(room).map_err(|_| EngineError::Stopped)
    }
}

impl Coming {
    /// The next work; nothing when no more comes.
    pub async fn next(&mut self) -> Option<Work> {
        self.work.recv().await
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

#[cfg(test)]
mod tests {
    use super::super::task::{Place, tests::task};
    use super::*;

    fn of(bytes: usize) -> Task {
        Task {
            body: vec![b' '; bytes],
            ..task(Place::Id("a".to_owned()))
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn m5_records_on_their_way_take_room_until_they_are_settled() {
        let (out, mut coming) = queue();
        let room = Arc::clone(&coming.room);
        let putting = tokio::task::spawn_blocking(move || {
            for _ in 0..3 {
                out.put(Work::Task(Box::new(of(ROOM + 1))))?;
            }
            out.put(Work::Together(vec![of(BUNDLE), of(BUNDLE / 2), of(BUNDLE)]))?;
            out.put(Work::Together(vec![of(BUNDLE), of(1)]))
        });
        for _ in 0..3 {
            let large = coming.next().await;
            assert!(matches!(&large, Some(Work::Task(_))));
            // While it is sent, what waits to fill a bundle has room, and nothing else.
            assert!(coming.is_empty());
        }
        let Some(Work::Together(mut tasks)) = coming.next().await else {
            panic!("the work after it")
        };
        assert!(coming.is_empty());
        // Each of them has its own.
        tasks.truncate(1);
        let Some(Work::Together(rest)) = coming.next().await else {
            panic!("the work after it")
        };
        assert!(coming.next().await.is_none());
        putting.await.expect("no panic").expect("room");
        assert_eq!(room.available_permits(), ROOM - 2 * BUNDLE - 1);
        drop((tasks, rest));
        assert_eq!(room.available_permits(), ROOM);
    }
}
