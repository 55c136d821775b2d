//! The whole job: a run, and then the delivery of what it brought.

use std::sync::Arc;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::destination::{Delivering, delivered};
use super::error::EngineError;
use super::job::Job;
use super::outcome::{Outcome, RunOptions};
use super::progress::Snapshot;
use super::recorder::Recorder;
use super::run::Pace;
use crate::migration::Plan;
use crate::store::Storage;

/// Does the whole job, and delivers what it brought where that is asked for.
pub(super) async fn whole_job(
    storage: Arc<Storage>,
    plan: Plan,
    recorder: Recorder,
    options: RunOptions,
    cancel: CancellationToken,
    snapshot: watch::Sender<Snapshot>,
    Pace { clock, hurry }: Pace,
) -> Result<Outcome, EngineError> {
    let delivering = Delivering {
        storage: Arc::clone(&storage),
        plan: plan.clone(),
        recorder: recorder.clone(),
        clock: Arc::clone(&clock),
        cancel: cancel.clone(),
        snapshot: snapshot.clone(),
        force: false,
    };
    let job = prepare(storage, plan, recorder, options, cancel, snapshot).await?;
    match Arc::new(Job { clock, hurry, ..job }).work().await? {
        Outcome::Done if options.deliver => delivered(delivering).await,
        other => Ok(other),
    }
}

async fn prepare(
    storage: Arc<Storage>,
    plan: Plan,
    recorder: Recorder,
    options: RunOptions,
    cancel: CancellationToken,
    snapshot: watch::Sender<Snapshot>,
) -> Result<Job, EngineError> {
    let job = tokio::task::spawn_blocking(move || Job::prepare(storage, plan, recorder, options, cancel, snapshot));
    job.await.map_err(|_| EngineError::Stopped)?
}
