//! Batches in flight: as many, and as large, as the server bears.
//!
//! More at once after every few answers without trouble, half as many after a 429, a 503 or an answer that took long; half as many entries
//! after a 413. A record is in one batch at a time. The waits are those that the server asks for.
//!
//! Where the server has transactions, what is written goes in them; one that is refused is sent again as a batch, in which each record is by
//! itself: what is wrong with one record is then said of that one, and the others are there.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::super::error::EngineError;
use super::super::progress::{Delivery, Snapshot};
use super::flight::{Back, Way, Went, busy_error, fly, left_to_wait};
use super::link::Link;
use super::queue::{BUNDLE, Coming, Work};
use super::settle::Settler;
use super::task::{Next, Task};
use crate::http::{Attempts, HttpError};
use crate::migration::{Bundling, DeliveryCounts};
use crate::target::remote::Reply;

/// The most batches in flight.
const MOST: usize = 8;
/// Answers without trouble after which one more is sent at once.
const CALM: usize = 4;
/// Transactions refused one after the other after which no more are tried.
const REFUSED: u32 = 4;
/// Times after which a record whose fate stays unknown goes by itself.
const TROUBLED: u8 = 4;
/// An answer that takes longer is one that the server has trouble with.
const LONG: Duration = Duration::from_secs(20);

/// Sends tasks.
pub struct Sender {
    link: Arc<Link>,
    cancel: CancellationToken,
    snapshot: watch::Sender<Snapshot>,
    at_once: usize,
    calm: usize,
    entries: usize,
    bundling: Bundling,
    /// Transactions refused since one was taken.
    refused: u32,
    ready: VecDeque<Task>,
    /// Records that belong in one transaction.
    together: VecDeque<Vec<Task>>,
    flight: JoinSet<Back>,
    attempts: Attempts,
    /// When the last wait was over, by the client's clock.
    waited: Duration,
    progress: Delivery,
    /// What came of the passes before this one.
    before: DeliveryCounts,
    /// Types for which the server takes no ids of ours; their records come again in the next pass.
    pub without_id: BTreeSet<Arc<str>>,
}

impl Sender {
    pub fn new(link: Arc<Link>, cancel: CancellationToken, snapshot: watch::Sender<Snapshot>) -> Self {
        let entries = link.destination.kind.batch();
        let progress = snapshot.borrow().delivery.clone().unwrap_or_default();
        let attempts = Attempts::new(link.session.http().retry());
        let bundling = link.bundling();
        Self {
            link,
            bundling,
            refused: 0,
            cancel,
            snapshot,
            at_once: 2,
            calm: 0,
            entries,
            ready: VecDeque::new(),
            together: VecDeque::new(),
            flight: JoinSet::new(),
            attempts,
            waited: Duration::ZERO,
            before: progress.counts,
            progress,
            without_id: BTreeSet::new(),
        }
    }

    /// Sends everything that comes until nothing comes any more.
    pub async fn run(&mut self, work: &mut Coming, settler: &mut Settler) -> Result<(), EngineError> {
        let mut more = true;
        let mut waiting: Option<oneshot::Sender<()>> = None;
        loop {
            while self.flight.len() < self.at_once && self.enough(waiting.is_some() || !more) {
                self.send();
            }
            if self.flight.is_empty() && self.ready.is_empty() && self.together.is_empty() {
                if let Some(waiting) = waiting.take() {
                    settler.durable()?;
                    // Whoever waited may have gone.
                    let _ = waiting.send(());
                    continue;
                }
                if !more {
                    settler.durable()?;
                    return Ok(());
                }
            }
            let room = more && waiting.is_none() && self.together.is_empty() && !self.full();
            tokio::select! {
                biased;
                Some(back) = self.flight.join_next(), if !self.flight.is_empty() => {
                    let back = back.map_err(|_| EngineError::Stopped)?;
                    self.back(back, settler).await?;
                }
                next = work.next(), if room => match next {
                    Some(Work::Task(task)) => {
                        self.ready.push_back(*task);
                        // A producer that is slower than the server: do not wait for a full batch.
                        if self.flight.is_empty() && work.is_empty() && self.ready.len() * 4 >= self.entries {
                            self.send();
                        }
                    }
                    Some(Work::Together(tasks)) => self.together.push_back(tasks),
                    Some(Work::Wait(done)) => waiting = Some(done),
                    None => more = false,
                },
            }
        }
    }

    /// Whether there is something to send; more of it may come, or not.
    fn enough(&self, all: bool) -> bool {
        !self.together.is_empty() || self.full() || all && !self.ready.is_empty()
    }

    /// Whether there is enough for a bundle.
    fn full(&self) -> bool {
        let bytes = || self.ready.iter().map(|task| task.body.len()).sum::<usize>();
        self.ready.len() >= self.entries || bytes() >= BUNDLE
    }

    /// Puts a bundle into flight.
    fn send(&mut self) {
        if let Some(tasks) = self.together.pop_front() {
            return self.launch(Way::Transaction, tasks, true);
        }
        let Some(first) = self.ready.front() else { return };
        let way = self.way(first);
        let entries = if way == Way::Alone { 1 } else { self.entries };
        let (mut tasks, mut left, mut bytes) = (Vec::new(), VecDeque::new(), 0);
        while tasks.len() < entries
            && let Some(task) = self.ready.pop_front()
        {
            if self.way(&task) != way {
                left.push_back(task);
                continue;
            }
            if bytes + task.body.len() > BUNDLE && !tasks.is_empty() {
                left.push_back(task);
                break;
            }
            bytes += task.body.len();
            tasks.push(task);
        }
        left.append(&mut self.ready);
        self.ready = left;
        self.launch(way, tasks, false);
    }

    fn launch(&mut self, way: Way, tasks: Vec<Task>, together: bool) {
        let entries = self.entries;
        let (link, cancel) = (Arc::clone(&self.link), self.cancel.clone());
        self.flight
            .spawn(async move { fly(&link, way, tasks, together, entries, &cancel).await });
    }

    /// Has tasks sent again, together if they were.
    fn again(&mut self, tasks: Vec<Task>, together: bool) {
        if together && !tasks.is_empty() {
            self.together.push_back(tasks);
        } else {
            self.ready.extend(tasks);
        }
    }

    /// What a record goes in.
    fn way(&self, task: &Task) -> Way {
        let writes = task.writes();
        if writes && self.bundling != Bundling::Batch && !task.apart {
            Way::Transaction
        } else if !self.link.ability.batch {
            Way::Alone
        } else if writes {
            Way::Batch
        } else {
            Way::Reads
        }
    }

    async fn back(&mut self, back: Back, settler: &mut Settler) -> Result<(), EngineError> {
        let Back {
            before,
            mut tasks,
            together,
            requests,
            went,
            took,
            came,
            rest,
        } = back;
        self.progress.requests += requests;
        self.progress.latency = took;
        let mut busy = None;
        for next in before {
            self.follow(next, settler)?;
        }
        match went {
            Went::Answered(replies) => {
                self.attempts.progressed();
                self.refused = 0;
                if self.answered(tasks, &replies, settler)? {
                    busy = Some(busy_error(429, rest));
                } else if took < LONG {
                    self.calmer();
                } else {
                    self.slower();
                }
            }
            Went::Refused => {
                self.attempts.progressed();
                self.refused += 1;
                let gives_up = self.refused >= REFUSED && self.link.ability.batch;
                if gives_up && self.bundling == Bundling::Transaction {
                    self.bundling = Bundling::Batch;
                }
                let apart = tasks.into_iter().map(|task| Task { apart: true, ..task });
                self.ready.extend(apart);
            }
            Went::TooLarge => {
                if tasks.len() == 1 {
                    // One record that is too large alone will be too large again.
                    let reply = Reply {
                        status: 413,
                        ..Reply::default()
                    };
                    for task in tasks {
                        self.follow(task.answered(Some(&reply)), settler)?;
                    }
                } else if together {
                    let rest = tasks.split_off(tasks.len() / 2);
                    self.again(tasks, true);
                    self.again(rest, true);
                } else {
                    self.entries = (tasks.len() / 2).clamp(1, self.entries);
                    self.ready.extend(tasks);
                }
            }
            Went::Busy(error) => {
                self.again(tasks, together);
                busy = Some(error);
            }
            Went::Unknown(error) => {
                let mut open = Vec::new();
                for task in tasks {
                    match task.answered(None) {
                        // One of them may be what the server has trouble with.
                        Next::Later(task) | Next::Again(task) if task.attempts >= TROUBLED => {
                            self.ready.push_back(Task { apart: true, ..task });
                        }
                        Next::Later(task) | Next::Again(task) => open.push(task),
                        next => self.follow(next, settler)?,
                    }
                }
                self.again(open, together);
                busy = Some(error);
            }
            Went::Failed(error) => {
                settler.durable()?;
                return Err(if error.is_cancelled() {
                    EngineError::Cancelled
                } else {
                    EngineError::source(&error, error.hint())
                });
            }
        }
        if let Some(error) = busy.and_then(|error| left_to_wait(error, came, self.waited)) {
            return self.wait(error, settler).await;
        }
        self.show(settler);
        Ok(())
    }

    /// Waits as the server asks, or longer from time to time.
    async fn wait(&mut self, error: HttpError, settler: &Settler) -> Result<(), EngineError> {
        self.slower();
        self.progress.throttled += u64::from(error.status() == Some(429));
        let failed = |error: HttpError| EngineError::source(&error, error.hint());
        let wait = self.attempts.wait(error).map_err(failed)?;
        let link = Arc::clone(&self.link);
        let http = link.session.http();
        // Before the wait, so that whoever looks on knows of it.
        self.progress.until = Timestamp::try_from(http.clock().wall() + wait).ok();
        self.show(settler);
        let waited = http.pause(wait, &self.cancel).await;
        self.waited = http.clock().steady();
        self.progress.until = None;
        self.show(settler);
        waited.map_err(|_| EngineError::Cancelled)
    }

    /// Takes the answers of a batch; true when the server was too busy for some of it.
    fn answered(&mut self, tasks: Vec<Task>, replies: &[Reply], settler: &mut Settler) -> Result<bool, EngineError> {
        let mut throttled = false;
        let mut later = Vec::new();
        let (asked, answered) = (tasks.len(), replies.len());
        for (at, task) in tasks.into_iter().enumerate() {
            // With fewer answers than entries, nobody knows which is whose.
            let reply = replies.get(at).filter(|_| answered == asked);
            throttled |= reply.is_some_and(|reply| matches!(reply.status, 429 | 503));
            match task.answered(reply) {
                Next::Later(task) => later.push(task),
                next => self.follow(next, settler)?,
            }
        }
        self.ready.extend(later);
        Ok(throttled)
    }

    /// Does what follows from an answer.
    fn follow(&mut self, next: Next, settler: &mut Settler) -> Result<(), EngineError> {
        match next {
            Next::Over(came, task, known) => settler.settle(came, &task, known.as_ref()),
            Next::Again(task) | Next::Later(task) => {
                self.ready.push_back(task);
                Ok(())
            }
            Next::WithoutId(task) if self.link.goes_without_id(&task.resource_type) => {
                self.without_id.insert(task.resource_type);
                Ok(())
            }
            Next::WithoutId(task) => self.follow(task.refused(405, "the server takes no ids of ours"), settler),
            Next::Stop(error) => {
                settler.durable()?;
                Err(error)
            }
        }
    }

    fn calmer(&mut self) {
        self.calm += 1;
        if self.calm >= CALM {
            (self.at_once, self.calm) = ((self.at_once + 1).min(MOST), 0);
        }
    }

    fn slower(&mut self) {
        (self.at_once, self.calm) = ((self.at_once / 2).max(1), 0);
    }

    fn show(&mut self, settler: &Settler) {
        self.progress.counts = self.before.and_then(settler.counts);
        self.progress.batch = self.entries;
        self.progress.at_once = self.at_once;
        let progress = self.progress.clone();
        self.snapshot.send_modify(|snapshot| snapshot.delivery = Some(progress));
    }
}
