//! The worker: does what effects ask for, away from the loop, and tells the model what came of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::message::{Effect, Msg, News, Problem, Reply};
use super::query;
use crate::engine::{self, Command, EngineError, Running};
use crate::http::Clock;
use crate::migration::Plan;
use crate::store::Storage;

/// How often counters are passed on: often enough to be seen moving, seldom enough for a slow line.
const COUNTERS: Duration = Duration::from_millis(500);

/// Does what effects ask for.
pub struct Worker {
    storage: Arc<Storage>,
    out: UnboundedSender<Msg>,
    clock: Arc<dyn Clock>,
    jobs: HashMap<String, (CancellationToken, JoinHandle<()>)>,
    /// Reading and changing the store, one thing after the other, in the order in which they were asked for.
    queue: std::sync::mpsc::Sender<Errand>,
}

type Errand = Box<dyn FnOnce(&Arc<Storage>) -> Result<Msg, EngineError> + Send>;

impl Worker {
    /// A worker on a store, that tells what came of it to `out`; needs a runtime's context. Jobs go by `clock`.
    pub fn new(storage: Arc<Storage>, out: UnboundedSender<Msg>, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        let (queue, errands) = std::sync::mpsc::channel::<Errand>();
        let (at, told) = (Arc::clone(&storage), out.clone());
        std::thread::Builder::new().name("store".to_owned()).spawn(move || {
            while let Ok(errand) = errands.recv() {
                let msg = errand(&at).unwrap_or_else(|error| Msg::Failed(error.into()));
                if told.send(msg).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self {
            storage,
            out,
            clock,
            jobs: HashMap::new(),
            queue,
        })
    }

    /// Does what an effect asks for; those that concern the terminal are not for the worker.
    pub fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::ReadStandings => {
                self.ask(|storage| Ok(Msg::Read(Reply::Standings(engine::standings(storage)?))));
            }
            Effect::ReadJournal(id) => self.ask(move |storage| {
                let entries = storage.journal.read(&id, 0).collect::<Result<_, _>>()?;
                Ok(Msg::Read(Reply::Journal(id, entries)))
            }),
            Effect::Remove(id) => self.ask(move |storage| {
                let plan = storage.tables.migrations.get(id.as_bytes())?;
                let known = Vec::new();
                let plan = plan.ok_or_else(|| EngineError::UnknownMigration { id: id.clone(), known })?;
                engine::remove(storage, &plan)?;
                Ok(Msg::Done(format!("{id} was removed")))
            }),
            Effect::Read(what) => self.ask(|storage| Ok(Msg::Read(query::read(storage, what)?))),
            Effect::Start(plan, command) => self.start(*plan, command),
            Effect::Stop(id) => {
                if let Some((cancel, _)) = self.jobs.get(&id) {
                    cancel.cancel();
                }
            }
            Effect::Copy(_) | Effect::Redraw | Effect::Suspend | Effect::Quit => {}
        }
    }

    /// Tells every job to make durable what it has, and waits until all have ended.
    pub async fn end(&mut self) {
        for (cancel, _) in self.jobs.values() {
            cancel.cancel();
        }
        for (_, (_, job)) in self.jobs.drain() {
            // A job that panicked has told of it already.
            let _ = job.await;
        }
    }

    fn ask(&self, errand: impl FnOnce(&Arc<Storage>) -> Result<Msg, EngineError> + Send + 'static) {
        // The thread ends only when nobody listens any more.
        let _ = self.queue.send(Box::new(errand));
    }

    fn start(&mut self, plan: Plan, command: Command) {
        let id = plan.id.clone();
        if self.jobs.get(&id).is_some_and(|(_, job)| !job.is_finished()) {
            let what = format!("a job of {id} is at work already");
            let _ = self.out.send(Msg::Failed(Problem {
                what,
                hint: Some("wait for it, or pause it first".to_owned()),
            }));
            return;
        }
        let running = engine::start_by(&self.storage, plan, command, Arc::clone(&self.clock));
        let cancel = running.cancel.clone();
        let _ = self.out.send(Msg::Job(id.clone(), News::Began));
        let job = tokio::spawn(follow(id.clone(), running, self.out.clone()));
        self.jobs.insert(id, (cancel, job));
    }
}

/// Passes on what a job tells until it is over: every event, and the counters now and then.
async fn follow(id: String, running: Running, out: UnboundedSender<Msg>) {
    let Running {
        mut events,
        mut snapshot,
        answer,
        ..
    } = running;
    let tell = |news| {
        // Without a front end the journal still has it.
        let _ = out.send(Msg::Job(id.clone(), news));
    };
    let mut tick = tokio::time::interval(COUNTERS);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Some(event) => tell(News::Event(Box::new(event))),
                None => break,
            },
            _ = tick.tick() => {
                if snapshot.has_changed().unwrap_or(false) {
                    tell(News::Snapshot(Box::new(snapshot.borrow_and_update().clone())));
                }
            }
        }
    }
    let result = answer.await.map_err(|_| EngineError::Stopped).and_then(|answer| answer);
    tell(News::Ended(Box::new(result.map_err(Problem::from))));
}
