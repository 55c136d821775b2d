//! The contract with front ends: a command goes in, events and snapshots come out, and in the end an outcome.

use std::sync::Arc;

use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::amend::{Amendment, Line, amend};
use super::cancel_export::cancel_export;
use super::carry_out::carry_out_pending;
use super::chart::judge;
use super::destination::{Delivering, ImportOptions, Imported, Proof, agree, bulk_import, deliver, prove, pull};
use super::error::EngineError;
use super::findings::{Found, repair};
use super::gate::{flip, sign_off, still_open, take_flip_back};
use super::job::Job;
use super::living;
use super::outcome::{Outcome, RunOptions};
use super::progress::Snapshot;
use super::recorder::{Recorded, Recorder};
use super::resolve::{self, Choice};
use super::rollback::rollback;
use super::taken_back::TakenBack;
use super::undo::{Which, undo};
use super::verify::Extent;
use super::waive::waive;
use super::whole_job::whole_job;
use crate::http::{Clock, SystemClock};
use crate::migration::{By, ByType, Capacity, ChartVerdict, DeliveryCounts, Keep, Plan, Resolution, Verification};
use crate::store::{RowId, Storage};

/// What a front end asks for, on one migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Do the whole job, or go on with it.
    Run(RunOptions),
    /// Cancel the export that the source prepares.
    CancelExport,
    /// Compare the store with the landing, or go on with that.
    Verify,
    /// Read the own records of the server that is delivered to.
    Pull,
    /// Make files of what the migration's server has nothing of, and have it import them.
    Import(ImportOptions),
    /// Make the server hold what the store has.
    Deliver {
        /// Also over what was edited or removed there since.
        force: bool,
    },
    /// Read everything back from the server and compare.
    Prove,
    /// Settle conflicts between the store and the server delivered to.
    Agree {
        /// Which, as `Type/id`; all where it is empty.
        records: Vec<String>,
        /// Whose records stay.
        keep: Keep,
        /// Who decides.
        who: By,
    },
    /// The same of what is new, has changed, or did not agree or had to wait the last time.
    VerifyChanged,
    /// Read a few patients again at the source, beside the latest verification.
    LookAtSource,
    /// Take the record of a finding in once more.
    Repair {
        /// Number of the finding.
        finding: u64,
        /// Who does.
        who: By,
    },
    /// Decide conflicts.
    Resolve {
        /// Their ids.
        conflicts: Vec<String>,
        /// The decision.
        choice: Choice,
        /// Who decides.
        who: By,
    },
    /// Set quarantined rows right and take them in.
    Amend {
        /// Which, and how each is to read.
        rows: Vec<(RowId, Line)>,
        /// Who decides, and why.
        who: By,
    },
    /// Do without quarantined rows.
    Waive {
        /// Which.
        rows: Vec<RowId>,
        /// Who decides, and why.
        who: By,
    },
    /// Judge a sample chart.
    Judge {
        /// Its number.
        chart: u32,
        /// What it said when it was looked at, as [`SamplePatient::content`](crate::migration::SamplePatient::content).
        content: String,
        /// What is said of it.
        verdict: ChartVerdict,
        /// Who judges, and the comment.
        who: By,
    },
    /// Sign off.
    SignOff {
        /// In which capacity.
        capacity: Capacity,
        /// Who signs, by name.
        who: By,
    },
    /// Record that the practice has gone over.
    Flip {
        /// Why, though the gate is shut.
        overriding: Option<String>,
        /// Who does.
        who: By,
    },
    /// Take that back.
    TakeFlipBack {
        /// Who does, and why.
        who: By,
    },
    /// Take decisions back.
    Undo {
        /// Which.
        which: Which,
        /// Who does.
        who: By,
        /// Also where the destination's own users edited since.
        force: bool,
        /// Only say what it would come to.
        dry_run: bool,
    },
    /// Take runs back.
    Rollback {
        /// The first of them; all when absent.
        from: Option<u32>,
        /// Who does.
        who: By,
        /// Also where the destination's own users edited since.
        force: bool,
        /// Only say what it would come to.
        dry_run: bool,
    },
}

/// What came of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Of [`Command::Run`].
    Run(Outcome),
    /// Of [`Command::CancelExport`].
    Cancelled,
    /// Of [`Command::Verify`].
    Verified(Box<Verification>),
    /// Of [`Command::Pull`]: what came of the records.
    Pulled(ByType),
    /// Of [`Command::Import`].
    Imported(Box<Imported>),
    /// Of [`Command::Deliver`].
    Delivered(DeliveryCounts),
    /// Of [`Command::Prove`].
    Proven(Box<Proof>),
    /// Of [`Command::Resolve`]: what was decided, by conflict; nothing where the policy could not tell.
    Resolved(Vec<(String, Option<Resolution>)>),
    /// Of [`Command::Repair`].
    Repaired(Box<Found>),
    /// Of [`Command::Amend`].
    Amended(Amendment),
    /// Of [`Command::Waive`]: how many rows were not waived before.
    Waived(u64),
    /// Of commands whose event says everything.
    Recorded,
    /// Of [`Command::Undo`] and [`Command::Rollback`].
    TakenBack(Box<TakenBack>),
}

/// A command at work.
pub struct Running {
    /// Events, each after it was journalled.
    pub events: mpsc::UnboundedReceiver<Recorded>,
    /// Latest counters.
    pub snapshot: watch::Receiver<Snapshot>,
    /// Stops the job: it makes durable what it has and ends.
    pub cancel: CancellationToken,
    /// Has the export's status asked for now, and not when the wait is over.
    pub hurry: Arc<Notify>,
    /// The outcome.
    pub answer: oneshot::Receiver<Result<Answer, EngineError>>,
}

/// Starts a command on a migration, on the runtime in whose context this is called.
pub fn start(storage: &Arc<Storage>, plan: Plan, command: Command) -> Running {
    start_by(storage, plan, command, Arc::new(SystemClock::default()))
}

/// The same, with waits and times by this clock: a rehearsal need not sleep through a server's `Retry-After`.
pub fn start_by(storage: &Arc<Storage>, plan: Plan, command: Command, clock: Arc<dyn Clock>) -> Running {
    let (events_in, events) = mpsc::unbounded_channel();
    let (snapshot_in, snapshot) = watch::channel(Snapshot::default());
    let (answer_in, answer) = oneshot::channel();
    let cancel = CancellationToken::new();
    let hurry = Arc::new(Notify::new());
    let recorder = Recorder::new(Arc::clone(storage), &plan.id, events_in);
    let work = work(
        Arc::clone(storage),
        plan,
        command,
        recorder,
        cancel.clone(),
        snapshot_in,
        Pace {
            clock,
            hurry: Arc::clone(&hurry),
        },
    );
    tokio::spawn(async move {
        let result = work.await;
        // A front end that has gone away can read the outcome in the journal.
        let _ = answer_in.send(result);
    });
    Running {
        events,
        snapshot,
        cancel,
        hurry,
        answer,
    }
}

/// What a job's waits go by.
pub(super) struct Pace {
    pub(super) clock: Arc<dyn Clock>,
    pub(super) hurry: Arc<Notify>,
}

async fn work(
    storage: Arc<Storage>,
    plan: Plan,
    command: Command,
    recorder: Recorder,
    cancel: CancellationToken,
    snapshot: watch::Sender<Snapshot>,
    Pace { clock, hurry }: Pace,
) -> Result<Answer, EngineError> {
    if !matches!(
        command,
        Command::Verify
            | Command::VerifyChanged
            | Command::LookAtSource
            | Command::Prove
            | Command::TakeFlipBack { .. }
    ) {
        still_open(&storage, &plan)?;
    }
    match command {
        Command::Run(options) => {
            let pace = Pace { clock, hurry };
            let outcome = whole_job(storage, plan, recorder, options, cancel, snapshot, pace).await?;
            Ok(Answer::Run(outcome))
        }
        Command::CancelExport => {
            cancel_export(&storage, &plan, &recorder, clock, &cancel).await?;
            Ok(Answer::Cancelled)
        }
        Command::Verify | Command::VerifyChanged => {
            let extent = match command {
                Command::VerifyChanged => Extent::Changed,
                _ => Extent::All,
            };
            let job =
                tokio::task::spawn_blocking(move || Job::prepare_verify(storage, plan, recorder, cancel, snapshot));
            let job = Arc::new(job.await.map_err(|_| EngineError::Stopped)??);
            Ok(Answer::Verified(Box::new(job.verify(extent).await?)))
        }
        Command::Pull | Command::Import(_) | Command::Deliver { .. } | Command::Prove => {
            let force = matches!(command, Command::Deliver { force: true });
            let delivering = Delivering {
                storage,
                plan,
                recorder,
                clock,
                cancel,
                snapshot,
                force,
            };
            with_server(delivering, command).await
        }
        Command::Resolve { conflicts, choice, who } => tokio::task::spawn_blocking(move || {
            carry_out_pending(&storage, &plan)?;
            resolve::resolve(&storage, &plan, &recorder, conflicts, &choice, &who).map(Answer::Resolved)
        })
        .await
        .map_err(|_| EngineError::Stopped)?,
        Command::LookAtSource => {
            let found = living::look(&storage, &plan, &recorder, clock, &cancel).await?;
            Ok(Answer::Verified(Box::new(found)))
        }
        Command::Repair { finding, who } => tokio::task::spawn_blocking(move || {
            let found = repair(&storage, &plan, &recorder, finding, &who)?;
            Ok(Answer::Repaired(Box::new(found)))
        })
        .await
        .map_err(|_| EngineError::Stopped)?,
        Command::Amend { rows, who } => {
            tokio::task::spawn_blocking(move || amend(&storage, &plan, &recorder, &rows, &who).map(Answer::Amended))
                .await
                .map_err(|_| EngineError::Stopped)?
        }
        Command::Waive { .. }
        | Command::Agree { .. }
        | Command::Judge { .. }
        | Command::SignOff { .. }
        | Command::Flip { .. }
        | Command::TakeFlipBack { .. } => {
            tokio::task::spawn_blocking(move || record(&storage, &plan, &recorder, &command))
                .await
                .map_err(|_| EngineError::Stopped)?
        }
        Command::Undo {
            which,
            who,
            force,
            dry_run,
        } => tokio::task::spawn_blocking(move || {
            let taken = undo(&storage, &plan, &recorder, &which, &who, force, dry_run)?;
            Ok(Answer::TakenBack(Box::new(taken)))
        })
        .await
        .map_err(|_| EngineError::Stopped)?,
        Command::Rollback {
            from,
            who,
            force,
            dry_run,
        } => tokio::task::spawn_blocking(move || {
            let taken = rollback(&storage, &plan, &recorder, from, &who, force, dry_run)?;
            Ok(Answer::TakenBack(Box::new(taken)))
        })
        .await
        .map_err(|_| EngineError::Stopped)?,
    }
}

/// Does what a command says that is about the server delivered to.
async fn with_server(delivering: Delivering, command: Command) -> Result<Answer, EngineError> {
    Ok(match command {
        Command::Pull => Answer::Pulled(pull(delivering).await?),
        Command::Import(options) => Answer::Imported(Box::new(bulk_import(delivering, options).await?)),
        Command::Prove => Answer::Proven(Box::new(prove(delivering).await?)),
        _ => Answer::Delivered(deliver(delivering).await?),
    })
}

/// Does what a command says that only puts something on record.
fn record(storage: &Arc<Storage>, plan: &Plan, recorder: &Recorder, command: &Command) -> Result<Answer, EngineError> {
    match command {
        Command::Waive { rows, who } => return waive(storage, plan, recorder, rows, who).map(Answer::Waived),
        Command::Agree { records, keep, who } => agree(storage, plan, recorder, records, *keep, who)?,
        Command::Judge {
            chart,
            content,
            verdict,
            who,
        } => {
            judge(storage, plan, recorder, *chart, content, *verdict, who)?;
        }
        Command::SignOff { capacity, who } => sign_off(storage, plan, recorder, *capacity, who)?,
        Command::Flip { overriding, who } => flip(storage, plan, recorder, overriding.as_deref(), who)?,
        Command::TakeFlipBack { who } => take_flip_back(storage, plan, recorder, who)?,
        _ => return Err(EngineError::Stopped),
    }
    Ok(Answer::Recorded)
}
