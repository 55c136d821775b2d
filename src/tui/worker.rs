//! The worker: does what effects ask for, away from the loop, and tells the model what came of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::ask_source::Asker;
use super::errand::{self, Errand};
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
    jobs: HashMap<String, Job>,
    /// Ends questions to the source.
    questions: CancellationToken,
    /// Reading and changing the store, one thing after the other, in the order in which they were asked for.
    queue: std::sync::mpsc::Sender<Errand>,
}

/// A job at work, as far as the worker holds it.
struct Job {
    cancel: CancellationToken,
    hurry: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Worker {
    /// A worker on a store, that tells what came of it to `out`; needs a runtime's context. Jobs go by `clock`.
    pub fn new(storage: Arc<Storage>, out: UnboundedSender<Msg>, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        let (queue, errands) = std::sync::mpsc::channel::<Errand>();
        let (at, told) = (Arc::clone(&storage), out.clone());
        std::thread::Builder::new().name("store".to_owned()).spawn(move || {
            while let Ok(errand) = errands.recv() {
                let msg = errand::told(errand(&at));
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
            questions: CancellationToken::new(),
            queue,
        })
    }

    /// Does what an effect asks for; those that concern the terminal are not for the worker.
    pub fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::ReadStandings => {
                self.ask(|storage| Ok(Msg::Read(Reply::Standings(engine::standings(storage)?))));
            }
            Effect::ReadPresets => self.ask(|storage| errand::presets(storage)),
            Effect::ReadJournal(id) => self.ask(move |storage| errand::journal(storage, id)),
            Effect::ReadRegistration(id) => self.ask(move |storage| errand::registration(storage, id)),
            Effect::SaveRegistration(id, registration) => {
                self.ask(move |storage| errand::save_registration(storage, id, &registration));
            }
            Effect::Read(what) => self.ask(|storage| Ok(Msg::Read(query::read(storage, what)?))),
            Effect::Add(name) => self.ask(move |storage| errand::add(storage, &name)),
            Effect::Save(plan) => self.ask(move |storage| errand::save(storage, &plan)),
            Effect::SaveSecret(id, secret) => self.ask(move |storage| errand::save_secret(storage, &id, &secret)),
            Effect::Remove(id) => self.ask(move |storage| errand::remove(storage, &id)),
            Effect::NamePatient(plan, id) => self.ask(move |storage| errand::name_patient(storage, *plan, id)),
            Effect::WriteReport(id) => self.ask(move |storage| errand::report(storage, id)),
            Effect::LookWipeable(id, folder) => self.ask(move |storage| errand::wipeable(storage, id, &folder)),
            Effect::BeginWipe(found) => self.ask(move |storage| errand::begin_wipe(storage, &found)),
            Effect::Preview(plan) => self.ask(move |_| Ok(errand::preview(&plan))),
            Effect::MakeKey(plan) => self.key(*plan, None),
            Effect::ImportKey(plan, path) => self.key(*plan, Some(path)),
            Effect::Preflight(plan) => drop(tokio::spawn(self.asker().preflight(*plan))),
            Effect::CheckPublished(plan, url) => drop(tokio::spawn(self.asker().published(*plan, url))),
            Effect::Choose(plan, chosen) => self.ask(move |storage| errand::choose(storage, &plan, &chosen)),
            Effect::Try(plan) => drop(tokio::spawn(self.asker().try_destination(*plan))),
            Effect::Mint(plan) => drop(tokio::spawn(self.asker().mint(*plan))),
            Effect::Start(plan, command) => self.start(*plan, command),
            Effect::Stop(id) => {
                if let Some(job) = self.jobs.get(&id) {
                    job.cancel.cancel();
                }
            }
            Effect::Hurry(id) => {
                if let Some(job) = self.jobs.get(&id) {
                    job.hurry.notify_one();
                }
            }
            Effect::Copy(_) | Effect::Redraw | Effect::Suspend | Effect::Quit | Effect::Wipe(_) => {}
        }
    }

    fn asker(&self) -> Asker {
        Asker {
            storage: Arc::clone(&self.storage),
            out: self.out.clone(),
            clock: Arc::clone(&self.clock),
            cancel: self.questions.clone(),
        }
    }

    /// Makes or imports a key pair beside everything else: it takes seconds.
    fn key(&self, plan: Plan, file: Option<String>) {
        let (storage, out) = (Arc::clone(&self.storage), self.out.clone());
        tokio::task::spawn_blocking(move || {
            let _ = out.send(errand::told(errand::key(&storage, plan, file.as_deref())));
        });
    }

    /// Tells every job to make durable what it has, and waits until all have ended.
    pub async fn end(&mut self) {
        self.questions.cancel();
        for job in self.jobs.values() {
            job.cancel.cancel();
        }
        for (_, job) in self.jobs.drain() {
            // A job that panicked has told of it already.
            let _ = job.task.await;
        }
    }

    fn ask(&self, errand: impl FnOnce(&Arc<Storage>) -> Result<Msg, EngineError> + Send + 'static) {
        // The thread ends only when nobody listens any more.
        let _ = self.queue.send(Box::new(errand));
    }

    fn start(&mut self, plan: Plan, command: Command) {
        let id = plan.id.clone();
        if self.jobs.get(&id).is_some_and(|job| !job.task.is_finished()) {
            let what = format!("a job of {id} is at work already");
            let _ = self.out.send(Msg::Failed(Problem {
                what,
                hint: Some("wait for it, or pause it first".to_owned()),
                wanted: false,
            }));
            return;
        }
        let running = engine::start_by(&self.storage, plan, command, Arc::clone(&self.clock));
        let (cancel, hurry) = (running.cancel.clone(), Arc::clone(&running.hurry));
        let _ = self.out.send(Msg::Job(id.clone(), News::Began));
        let task = tokio::spawn(follow(id.clone(), running, self.out.clone()));
        self.jobs.insert(id, Job { cancel, hurry, task });
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
