//! Receiving: the files of an export, tier by tier, several at a time, each from where it stopped.

use std::sync::Arc;

use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinSet;
use url::Url;

use super::committer::Committer;
use super::error::EngineError;
use super::export::{self, DIRECTORY_TIER, tier};
use super::job::Job;
use super::landing::Landing;
use super::matching::{has_directory, match_directory};
use super::message::Signal;
use super::patients::PatientMap;
use super::pipeline::Pipeline;
use super::place::{Placer, hex};
use super::program::transforms;
use super::replay::{replay, resume_at};
use super::row::{FileContext, Pass, RowReader};
use super::tally::rejects;
use super::twin::Twins;
use crate::migration::{Event, ExportFile, FileKind, FileState};
use crate::source::{self, Access, DownloadError, OutputFile, ResumePoint, Session, fetch};
use crate::store::file_key;

/// How receiving ended.
pub enum Received {
    /// Every file that could be had is durable.
    All,
    /// More rows were rejected than the plan allows.
    TooManyRejects(u64),
}

/// What all downloads of a run share.
pub struct Intake {
    job: Arc<Job>,
    session: Session,
    pipeline: Pipeline,
    organized: bool,
    /// The destination has a directory of its own: that of the source is landed whole before any of it is taken in.
    matching: bool,
    refreshed: Mutex<Option<Vec<ExportFile>>>,
    twins: Twins,
}

/// Receives all files of a run that are not complete.
pub async fn receive(job: &Arc<Job>, session: &Session) -> Result<Received, EngineError> {
    let rejects = rejects(&job.storage, job.run)?;
    if rejects > job.plan.max_rejects {
        // It paused for this before, and nobody has allowed more since.
        return Ok(Received::TooManyRejects(rejects));
    }
    let state = job.recorder.state()?;
    let (signals, mut signalled) = mpsc::unbounded_channel();
    let placer = Placer::new(
        Arc::clone(&job.storage),
        &job.plan,
        state.transaction_time.clone(),
        false,
    )?;
    let patients = Arc::clone(&placer.patients);
    let committer = Committer::new(
        Arc::clone(&job.storage),
        job.recorder.clone(),
        placer,
        job.run,
        job.plan.max_rejects,
        signals.clone(),
        job.snapshot.clone(),
    )?;
    // Files that nobody has begun count for the time that is left.
    let (ended, waiting) = job.storage.files(job.run)?.into_iter().partition(ExportFile::complete);
    job.snapshot.send_modify(|snapshot| snapshot.update(ended, waiting));
    let tenant = job.storage.names.tenant(&job.plan.tenant)?;
    let transforms = Arc::new(transforms(&job.storage, &job.plan)?);
    let pipeline = Pipeline::start(
        committer,
        job.run,
        || {
            RowReader::new(Arc::clone(&job.storage), tenant, Some(job.plan.base_url.clone()))
                .mapping(&job.plan.mrn_systems)
                .transforming(&transforms)
        },
        || Ok(job.storage.block_writer()?),
        &signals,
    )?;
    drop(signals);
    let (at, known) = (Arc::clone(job), Arc::clone(&patients));
    let twins = tokio::task::spawn_blocking(move || Twins::of(&at.storage, &at.plan, at.run, known));
    let twins = twins.await.map_err(|_| EngineError::Stopped)??;
    let at = Arc::clone(job);
    let matching = tokio::task::spawn_blocking(move || has_directory(&at.storage, &at.plan));
    let matching = matching.await.map_err(|_| EngineError::Stopped)??;
    let intake = Arc::new(Intake {
        job: Arc::clone(job),
        session: session.clone(),
        pipeline,
        organized: state.organized,
        matching,
        refreshed: Mutex::new(None),
        twins,
    });
    let mut running = JoinSet::new();
    let result = tokio::select! {
        result = Intake::tiers(&intake, &mut running, patients) => result.map(|()| Received::All),
        signal = signalled.recv() => match signal {
            Some(Signal::TooManyRejects(rejects)) => Ok(Received::TooManyRejects(rejects)),
            Some(Signal::Broken(error)) => Err(error),
            None => Err(EngineError::Stopped),
        },
    };
    // Whatever happened, what was handed over is made durable before anything else.
    job.cancel_downloads.cancel();
    // Downloads hold on to the intake until they are gone.
    running.shutdown().await;
    if let Some(intake) = Arc::into_inner(intake) {
        intake.pipeline.stop().await;
    }
    match (result, signalled.try_recv()) {
        (Err(EngineError::Stopped), Ok(Signal::Broken(error))) => Err(error),
        (result, _) => result,
    }
}

impl Intake {
    async fn tiers(
        intake: &Arc<Self>,
        running: &mut JoinSet<Result<(), EngineError>>,
        mut patients: Arc<PatientMap>,
    ) -> Result<(), EngineError> {
        let mut files: Vec<ExportFile> = intake.job.storage.files(intake.job.run)?;
        files.retain(|f| !f.complete() && f.kind != FileKind::Attachments);
        let mut missing = false;
        for now in 0..=4 {
            let mut waiting: Vec<ExportFile> = files.iter().filter(|f| tier(f) == now).cloned().collect();
            if waiting.is_empty() {
                continue;
            }
            // The longest first, so that no worker is left alone with it at the end.
            waiting.sort_by_key(|f| std::cmp::Reverse(f.expected.unwrap_or(0)));
            let mut waiting = waiting.into_iter();
            loop {
                while running.len() < intake.job.plan.parallel.max(1)
                    && let Some(file) = waiting.next()
                {
                    running.spawn(Arc::clone(intake).file(file, Arc::clone(&patients), missing));
                }
                match running.join_next().await {
                    Some(Ok(result)) => result?,
                    Some(Err(_)) => return Err(EngineError::Stopped),
                    None => break,
                }
            }
            patients = intake.pipeline.drain().await?;
            let mut known = intake.job.storage.files(intake.job.run)?;
            // Who a record is about may stand in a file that could not be had: then it waits in the landing.
            missing = known.iter().any(|f| tier(f) <= now && f.with_patients() && !f.landed());
            if now == DIRECTORY_TIER && intake.matching {
                if known.iter().any(|f| tier(f) == now && !f.landed()) {
                    // Everybody refers to the directory, patients too: nothing can be taken in before it is known who they are.
                    return Ok(());
                }
                let at = Arc::clone(&intake.job);
                let matched = tokio::task::spawn_blocking(move || match_directory(&at.storage, &at.plan, at.run));
                if matched.await.map_err(|_| EngineError::Stopped)?? {
                    intake.pipeline.mapped().await?;
                    patients = intake.pipeline.drain().await?;
                }
            }
            known.retain(|f| tier(f) == now && f.landed() && !f.complete());
            for file in known.into_iter().filter(|_| !missing) {
                // The landing is on this machine: one after the other is as fast as all at once.
                Arc::clone(intake).rest(file, Arc::clone(&patients)).await?;
                patients = intake.pipeline.drain().await?;
            }
        }
        Ok(())
    }

    /// Receives a file; it can only be landed when somebody is missing whom its records may be about, or has to be matched first.
    async fn file(
        self: Arc<Self>,
        mut file: ExportFile,
        patients: Arc<PatientMap>,
        missing: bool,
    ) -> Result<(), EngineError> {
        if file.landed() {
            return Ok(());
        }
        let first = missing || self.matching && tier(&file) == DIRECTORY_TIER;
        file.deferred |= first && file.bytes == 0 && file.kind == FileKind::Output;
        file.state = FileState::Pending;
        let mut refreshed = false;
        loop {
            match self.attempt(&file, &patients).await? {
                Ok(()) => return Ok(()),
                Err(DownloadError::Expired { .. }) if !refreshed => {
                    refreshed = true;
                    if let Some(fresh) = self.refresh(&file).await? {
                        file.url = fresh.url;
                        file.needs_token = fresh.needs_token;
                        self.job
                            .storage
                            .tables
                            .files
                            .put(&file_key(file.run, file.number), &file)?;
                    }
                    // What was handed over so far must be durable before the file goes on from there.
                    self.pipeline.drain().await?;
                    if let Some(known) = self
                        .job
                        .storage
                        .files(file.run)?
                        .into_iter()
                        .find(|f| f.number == file.number)
                    {
                        file = ExportFile {
                            url: file.url,
                            needs_token: file.needs_token,
                            state: FileState::Pending,
                            ..known
                        };
                    }
                }
                Err(error) => {
                    return self.pipeline.fail(file.number, error.to_string()).await;
                }
            }
        }
    }

    /// One download from where the file stands; the inner error is the file's own, the outer one the run's.
    async fn attempt(
        &self,
        file: &ExportFile,
        patients: &Arc<PatientMap>,
    ) -> Result<Result<(), DownloadError>, EngineError> {
        let Ok(url) = Url::parse(&file.url) else {
            self.pipeline.begin(file.clone()).await?;
            return Ok(Err(DownloadError::Expired {
                url: String::new(),
                status: 0,
            }));
        };
        let (storage, at) = (Arc::clone(&self.job.storage), file.clone());
        let (mark, hasher) = tokio::task::spawn_blocking(move || resume_at(&storage, &at))
            .await
            .map_err(|_| EngineError::Stopped)??;
        self.job.recorder.record_soon(&Event::DownloadRequest {
            file: file.number,
            name: file.name.clone(),
            from: mark.offset,
        })?;
        self.pipeline.begin(file.clone()).await?;
        let pass = if file.deferred { Pass::Patients } else { Pass::Whole };
        let context = self.context(file, patients, pass);
        let Some(work) = self.pipeline.work() else {
            return Err(EngineError::Stopped);
        };
        let twin = self.twins.find(file, patients);
        let mut landing = Landing::new(context, work, mark, self.job.plan.max_line as usize).beside(twin);
        let from = ResumePoint {
            offset: mark.offset,
            hasher,
            validator: file.validator.clone().filter(|_| mark.offset > 0),
        };
        let output = OutputFile {
            url,
            kind: source::FileKind::Output,
            resource_type: file.resource_type.clone(),
            count: file.expected,
            file_size: None,
            continues_in: None,
            access: match file.needs_token {
                Some(true) => Access::Token,
                Some(false) => Access::NoToken,
                None => Access::Unknown,
            },
        };
        match fetch(&self.session, &output, from, &mut landing, &self.job.cancel_downloads).await {
            Ok(fetched) => {
                landing
                    .finish(hex(&fetched.hash))
                    .await
                    .map_err(|_| EngineError::Stopped)?;
                Ok(Ok(()))
            }
            Err(_) if self.job.cancel_downloads.is_cancelled() => Err(EngineError::Cancelled),
            Err(error) => landing.failed.take().map_or(Ok(Err(error)), Err),
        }
    }

    fn context(&self, file: &ExportFile, patients: &Arc<PatientMap>, pass: Pass) -> Arc<FileContext> {
        Arc::new(FileContext {
            number: file.number,
            kind: file.kind,
            resource_type: file.resource_type.clone(),
            organized: self.organized,
            patients: Arc::clone(patients),
            max_line: self.job.plan.max_line as usize,
            pass,
        })
    }

    /// Takes in, from its landing, what a file of mixed types holds besides patients.
    async fn rest(self: Arc<Self>, file: ExportFile, patients: Arc<PatientMap>) -> Result<(), EngineError> {
        self.pipeline.begin(file.clone()).await?;
        let context = self.context(&file, &patients, Pass::Rest);
        let work = self.pipeline.work().ok_or(EngineError::Stopped)?;
        replay(&self.job.storage, &file, context, &work).await
    }

    /// The file as a freshly fetched manifest has it: links expire, and the server may give new ones.
    async fn refresh(&self, file: &ExportFile) -> Result<Option<ExportFile>, EngineError> {
        let mut refreshed = self.refreshed.lock().await;
        if refreshed.is_none() {
            let state = self.job.recorder.state()?;
            let Some(status_url) = state.status_url.as_deref().and_then(|u| Url::parse(u).ok()) else {
                return Ok(None);
            };
            let cancel = &self.job.cancel_downloads;
            let from = (&status_url, state.separate_status);
            let (schedule, hurry) = (&self.job.schedule, &self.job.hurry);
            let pages = export::pages(&self.session, from, schedule, hurry, cancel, |_| Ok(())).await;
            let files = match pages {
                Ok(pages) => export::files(self.job.run, &pages),
                Err(EngineError::Cancelled) => return Err(EngineError::Cancelled),
                // The manifest is gone as well: the file's own error says what to do.
                Err(_) => Vec::new(),
            };
            self.job.recorder.record(&Event::ManifestRefreshed {})?;
            *refreshed = Some(files);
        }
        let same =
            |f: &&ExportFile| (f.number, f.kind, &f.resource_type) == (file.number, file.kind, &file.resource_type);
        Ok(refreshed.as_ref().and_then(|files| files.iter().find(same)).cloned())
    }
}
