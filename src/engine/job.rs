//! A job: one migration's run, from kickoff to verification, going on wherever it stopped.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::attachments;
use super::carry_out::carry_out_pending;
use super::connect::{connect_by, http_by};
use super::error::EngineError;
use super::export::{self, Polled};
use super::outcome::{Outcome, RunOptions};
use super::progress::Snapshot;
use super::receive::{Received, receive};
use super::recorder::Recorder;
use super::tally::{recorded_counts, rejects, run_counts};
use super::trail::trail;
use super::verify::{Extent, verify};
use crate::http::{Clock, SystemClock};
use crate::migration::{Event, FileKind, FileState, Plan, Stage, Verification, total};
use crate::source::{Deletion, Schedule, Session, delete_job};
use crate::store::{RunInfo, Storage, migration_key, run_key};

/// One run of a migration.
pub struct Job {
    /// The open store.
    pub storage: Arc<Storage>,
    /// The migration's plan.
    pub plan: Plan,
    /// Journals and publishes events.
    pub recorder: Recorder,
    /// The run.
    pub run: u32,
    /// Cancelled by a person or a signal: the job makes durable what it has and stops.
    pub cancel: CancellationToken,
    /// Cancelled with `cancel`, and when the intake stops for a reason of its own.
    pub cancel_downloads: CancellationToken,
    /// When to poll.
    pub schedule: Schedule,
    /// Latest counters.
    pub snapshot: watch::Sender<Snapshot>,
    /// What the conversation with the source goes by.
    pub clock: Arc<dyn Clock>,
    /// Ends the wait for the next status request.
    pub hurry: Arc<Notify>,
}

impl Job {
    /// Prepares the migration's unfinished run, or a new one.
    pub fn prepare(
        storage: Arc<Storage>,
        mut plan: Plan,
        recorder: Recorder,
        options: RunOptions,
        cancel: CancellationToken,
        snapshot: watch::Sender<Snapshot>,
    ) -> Result<Self, EngineError> {
        carry_out_pending(&storage, &plan)?;
        let state = recorder.state()?;
        let open = open_conflicts(&storage, &plan)?;
        if !state.unfinished() && open > 0 && !options.new {
            return Err(EngineError::Waiting {
                conflicts: open,
                migration: plan.id,
            });
        }
        let run = if state.unfinished() && !options.new {
            if options.since_last && state.since.is_none() {
                return Err(EngineError::NotReady {
                    what: format!(
                        "run {} is not over, and what changes since is asked for after it",
                        state.run
                    ),
                    hint: format!("`cutover run {}` goes on with it", plan.id),
                });
            }
            plan.since = state.since;
            state.run
        } else {
            let since = if options.since_last {
                Some(covered(&storage, &plan)?)
            } else {
                plan.since.clone()
            };
            plan.since.clone_from(&since);
            begin(&storage, &plan, &recorder, since)?
        };
        let rules = storage.tables.runs.get(&run_key(run))?.and_then(|info| info.rules);
        let plan = match rules {
            // A run goes on by the rules with which it began.
            Some(rules) => plan.under(rules),
            None => plan,
        };
        Ok(Self::of(storage, plan, recorder, run, cancel, snapshot))
    }

    /// Prepares a verification of what is there.
    pub fn prepare_verify(
        storage: Arc<Storage>,
        plan: Plan,
        recorder: Recorder,
        cancel: CancellationToken,
        snapshot: watch::Sender<Snapshot>,
    ) -> Result<Self, EngineError> {
        carry_out_pending(&storage, &plan)?;
        let run = recorder.state()?.run;
        Ok(Self::of(storage, plan, recorder, run, cancel, snapshot))
    }

    fn of(
        storage: Arc<Storage>,
        plan: Plan,
        recorder: Recorder,
        run: u32,
        cancel: CancellationToken,
        snapshot: watch::Sender<Snapshot>,
    ) -> Self {
        let cancel_downloads = cancel.child_token();
        let schedule = Schedule::new(
            Duration::from_secs(plan.poll_floor_s),
            Duration::from_secs(plan.poll_ceiling_s),
        );
        Self {
            storage,
            plan,
            recorder,
            run,
            cancel,
            cancel_downloads,
            schedule,
            snapshot,
            clock: Arc::new(SystemClock::default()),
            hurry: Arc::default(),
        }
    }

    /// Shows a front end how asking for the export's status goes.
    pub fn show_polling(&self, session: &Session, polled: &Polled) {
        let now = session.http().clock().wall();
        let stamp = |time: SystemTime| Timestamp::try_from(time).ok();
        let budget = session.http().remaining(session.base());
        let token = session.tokens().and_then(|tokens| tokens.time_left());
        self.snapshot.send_modify(|snapshot| {
            let polling = snapshot.polling.get_or_insert_default();
            polling.polls += 1;
            polling.last = stamp(now);
            polling.next = polled.wait.and_then(|wait| stamp(now + wait));
            polling.asked = polled.asked;
            snapshot.budget = budget;
            snapshot.token_until = token.and_then(|left| stamp(now + left));
        });
    }

    /// Does everything that is still to be done.
    pub async fn work(self: &Arc<Self>) -> Result<Outcome, EngineError> {
        let result = self.stages().await;
        if let Err(error) = &result
            && !matches!(error, EngineError::Cancelled)
        {
            self.recorder.record(&Event::RunFailed {
                reason: error.to_string(),
            })?;
        }
        result
    }

    async fn stages(self: &Arc<Self>) -> Result<Outcome, EngineError> {
        let state = self.recorder.state()?;
        let http = http_by(&self.plan, Arc::clone(&self.clock))?;
        let session = connect_by(http, &self.storage, &self.plan, &self.cancel).await?;
        if state.stage < Stage::Ingested {
            self.token(&session).await?;
        }
        if state.stage < Stage::Exporting {
            export::kick_off(self, &session).await?;
        }
        if state.stage < Stage::Ingesting {
            export::await_manifest(self, &session).await?;
        }
        if state.stage < Stage::Ingested
            && let Some(stopped) = self.ingest(&session).await?
        {
            return Ok(stopped);
        }
        let verification = self.verify(Extent::All).await?;
        if state.stage < Stage::Completed {
            self.delete(&session).await?;
            self.recorder.record(&Event::RunCompleted { run: self.run })?;
        }
        self.outcome(&verification)
    }

    async fn token(&self, session: &Session) -> Result<(), EngineError> {
        let Some(tokens) = session.tokens() else {
            return Ok(());
        };
        tokens
            .bearer(&self.cancel)
            .await
            .map_err(|e| EngineError::source(&e, e.hint()))?;
        let granted = tokens.granted_scope().unwrap_or_default();
        self.recorder.record(&Event::TokenGranted {
            scopes: granted.split_whitespace().map(ToOwned::to_owned).collect(),
            missing: tokens.not_granted(),
        })
    }

    async fn ingest(self: &Arc<Self>, session: &Session) -> Result<Option<Outcome>, EngineError> {
        if let Received::TooManyRejects(rejects) = receive(self, session).await? {
            let allowed = self.plan.max_rejects;
            self.recorder.record(&Event::RunPaused { rejects, allowed })?;
            return Ok(Some(Outcome::Rejected { rejects, allowed }));
        }
        let mut files = self.storage.files(self.run)?;
        if files.iter().all(|f| f.complete() || !f.with_patients()) {
            attachments::receive(self, session).await?;
            files = self.storage.files(self.run)?;
        }
        let failed: Vec<(String, String)> = files
            .iter()
            .filter_map(|f| match &f.state {
                FileState::Failed { reason } => Some((f.name.clone(), reason.clone())),
                FileState::Pending | FileState::Complete => None,
            })
            .collect();
        let rows = files
            .iter()
            .filter(|f| f.kind != FileKind::Outcome)
            .map(crate::migration::ExportFile::rows)
            .sum();
        self.recorder.record(&Event::ExportComplete {
            files: u32::try_from(files.iter().filter(|f| f.landed()).count()).unwrap_or(u32::MAX),
            failed: u32::try_from(failed.len()).unwrap_or(u32::MAX),
            bytes: files.iter().map(|f| f.bytes).sum(),
            rows,
        })?;
        if !failed.is_empty() {
            let names: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
            let reason = format!(
                "{} of {} files could not be had: {}",
                failed.len(),
                files.len(),
                names.join(", ")
            );
            self.recorder.record(&Event::RunFailed { reason })?;
            return Ok(Some(Outcome::FilesFailed { files: failed }));
        }
        self.recorder.record(&Event::IngestCompleted {
            counts: run_counts(&self.storage, self.run)?,
        })?;
        Ok(None)
    }

    /// Verifies the migration on a thread of its own and journals the result.
    pub async fn verify(self: &Arc<Self>, extent: Extent) -> Result<Verification, EngineError> {
        let job = Arc::clone(self);
        let verification = tokio::task::spawn_blocking(move || {
            let cancel = job.cancel.clone();
            let mut shown = 0;
            let mut progress = |read, of| {
                if read >= shown {
                    job.snapshot
                        .send_modify(|snapshot| snapshot.verifying = Some((read, of)));
                    shown = read + of / 500;
                }
            };
            verify(&job.storage, &job.plan, extent, &mut progress, &move || {
                cancel.is_cancelled()
            })
        })
        .await
        .map_err(|_| EngineError::Stopped)??;
        self.snapshot.send_modify(|snapshot| snapshot.verifying = None);
        self.recorder.record(&Event::Verified {
            compared: verification.compared,
            findings: verification.total_findings,
        })?;
        Ok(verification)
    }

    /// Deletes the job at the source: everything is landed and durable.
    async fn delete(&self, session: &Session) -> Result<(), EngineError> {
        let Some(status_url) = self.recorder.state()?.status_url.and_then(|u| url::Url::parse(&u).ok()) else {
            return Ok(());
        };
        match delete_job(session, &status_url, &self.cancel).await {
            Deletion::Deleted | Deletion::AlreadyGone => self.recorder.record(&Event::JobDeleted {}),
            Deletion::Failed { reason } => self.recorder.record(&Event::JobKept { reason }),
        }
    }

    fn outcome(&self, verification: &Verification) -> Result<Outcome, EngineError> {
        if !verification.clean() {
            return Ok(Outcome::Mismatch {
                findings: verification.total_findings,
            });
        }
        let open = open_conflicts(&self.storage, &self.plan)?;
        let counts = total(&recorded_counts(&self.storage, &self.plan.id)?);
        if open > 0 {
            return Ok(Outcome::NeedsDecision {
                conflicts: open,
                held: counts.held,
            });
        }
        let rejects = rejects(&self.storage, self.run)?;
        if rejects > self.plan.max_rejects {
            return Ok(Outcome::Rejected {
                rejects,
                allowed: self.plan.max_rejects,
            });
        }
        Ok(Outcome::Done)
    }
}

/// How many conflicts of a migration wait for a decision.
pub fn open_conflicts(storage: &Storage, plan: &Plan) -> Result<u64, EngineError> {
    let mut open = 0;
    for item in storage.tables.conflicts.scan_prefix(&migration_key(&plan.id, &[])) {
        open += u64::from(item?.1.conflict.open());
    }
    Ok(open)
}

/// The instant up to which everything was brought over.
fn covered(storage: &Storage, plan: &Plan) -> Result<String, EngineError> {
    trail(storage, &plan.id)?
        .covered()
        .map(str::to_owned)
        .ok_or_else(|| EngineError::NotReady {
            what: format!("it is not known up to when the changes of `{}` were brought over", plan.id),
            hint: format!(
                "no export of what the plan asks for is complete, or the EHR did not say when it was made: `cutover run {} --new` \
                 exports everything",
                plan.id
            ),
        })
}

fn begin(storage: &Storage, plan: &Plan, recorder: &Recorder, since: Option<String>) -> Result<u32, EngineError> {
    let run = storage.next_run()?;
    let info = RunInfo {
        migration: plan.id.clone(),
        tenant: plan.tenant.clone(),
        base_url: Some(plan.base_url.clone()),
        started: jiff::Timestamp::now().to_string(),
        rolled_back: None,
        rules: Some(plan.rules()),
    };
    storage.tables.runs.put(&run_key(run), &info)?;
    recorder.record(&Event::RunStarted { run, since })?;
    Ok(run)
}
