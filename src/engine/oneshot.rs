//! A one-shot export: an EHR's records into a folder of plain NDJSON, without a workspace and without a migration.
//!
//! The same command goes on where it stopped: the status URL is on disk before anything else happens, files get their names when they
//! are whole, and the job is deleted at the source only when everything came.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::{Mutex, Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::connect::{Credentials, base, http_by, open_session};
use super::error::EngineError;
use super::oneshot_attachments::{NAME, attachments};
use super::oneshot_file::PartFile;
use super::oneshot_folder::ExportFolder;
use super::oneshot_log::{access, page_name, parameters, shown};
use super::progress::Snapshot;
use super::{export, export::request};
use crate::http::{Clock, redact_url};
use crate::migration::{ExportFile, FileKind, Plan};
use crate::source::{
    Deletion, Discovered, DownloadError, ItemType, KickoffRequest, LogEvent, LogItem, Manifest, OutputFile, Schedule,
    Session, delete_job, fetch,
};

/// What to export, and into which folder.
pub struct OneShot {
    /// Source and request.
    pub plan: Plan,
    /// What the source wants to see.
    pub credentials: Credentials,
    /// Scopes to ask for.
    pub scopes: Vec<String>,
    /// The folder.
    pub into: PathBuf,
    /// Whether the job stays at the source.
    pub keep_job: bool,
    /// What waits and time stamps of requests go by.
    pub clock: Arc<dyn Clock>,
}

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exported {
    /// Whole files.
    pub files: u64,
    /// Decoded bytes in them.
    pub bytes: u64,
    /// Lines in them.
    pub lines: u64,
    /// Files that could not be had, with the reason.
    pub failed: Vec<(String, String)>,
    /// Whether everything had been there before.
    pub was_complete: bool,
    /// Why the job was left at the source, if it was not asked to be.
    pub job_kept: Option<String>,
}

struct Run {
    folder: Arc<ExportFolder>,
    session: Session,
    plan: Plan,
    pages: Mutex<Option<Vec<ExportFile>>>,
    snapshot: watch::Sender<Snapshot>,
    cancel: CancellationToken,
}

/// Exports; log items go into the folder's log and to `out`. Needs a runtime with several threads.
pub async fn export_once(
    shot: OneShot,
    out: mpsc::UnboundedSender<LogItem>,
    snapshot: watch::Sender<Snapshot>,
    cancel: CancellationToken,
) -> Result<Exported, EngineError> {
    let kickoff = request(&shot.plan)?;
    // The request without its token does not depend on who asks.
    let http = http_by(&shot.plan, shot.clock)?;
    let preview = kickoff.preview(&Session::new(http.clone(), base(&shot.plan)?, None));
    let id = format!("{}-{}", shot.plan.id, jiff::Timestamp::now().as_millisecond());
    let folder = Arc::new(ExportFolder::open(&shot.into, &shot.plan.base_url, &preview, id, out)?);
    if folder.state().complete {
        return Ok(Exported {
            was_complete: true,
            ..counted(&folder)
        });
    }
    let (session, discovered) = open_session(http, &shot.plan, shot.credentials, shot.scopes, &cancel).await?;
    let run = Arc::new(Run {
        folder,
        session,
        plan: shot.plan,
        pages: Mutex::new(None),
        snapshot,
        cancel,
    });
    if run.folder.state().status_url.is_none() {
        run.kick_off(&kickoff, discovered.as_ref()).await?;
    }
    let files = run.manifest().await?;
    Run::download(&run, &files).await?;
    attachments(&run.folder, &run.session, &files, &run.cancel).await?;
    run.folder.write_sums()?;
    run.end(shot.keep_job).await
}

fn counted(folder: &ExportFolder) -> Exported {
    let mut exported = Exported::default();
    for (name, file) in folder.state().files {
        if let Some(reason) = file.failed {
            exported.failed.push((name, reason));
        } else if file.sha256.is_some() {
            exported.files += 1;
            exported.bytes += file.bytes;
            exported.lines += file.lines;
        }
    }
    exported
}

impl Run {
    async fn kick_off(&self, kickoff: &KickoffRequest, found: Option<&Discovered>) -> Result<(), EngineError> {
        let capability = found.and_then(|found| found.capability.as_ref());
        let kicked_off = |error: Option<String>| LogEvent::Kickoff {
            export_url: redact_url(&self.session.at("$export")),
            error_code: None,
            error_body: error.map(Value::String),
            software_name: capability.and_then(|c| c.software.clone()),
            software_version: None,
            fhir_version: capability.and_then(|c| c.fhir_version.clone()),
            request_parameters: parameters(&self.plan),
            response_headers: None,
        };
        let sent = export::send(kickoff, &self.session, &self.cancel, |progress| {
            self.progressed(progress)
        });
        let reply = match sent.await {
            Ok(reply) => reply,
            Err(error) => {
                self.folder.log(kicked_off(Some(error.to_string())))?;
                return Err(error);
            }
        };
        self.folder.change(|state| {
            state.status_url = Some(reply.status_url.to_string());
            state.separate_status = reply.separate_status;
            state.kicked_off = Some(jiff::Timestamp::now().to_string());
        })?;
        self.folder.log(kicked_off(None))
    }

    fn progressed(&self, progress: String) -> Result<(), EngineError> {
        self.folder.log(LogEvent::StatusProgress {
            body: None,
            progress: Some(progress),
            retry_after: None,
        })
    }

    /// The files of the manifest: polled for, and if the job is gone, as it was when it was last read.
    async fn manifest(&self) -> Result<Vec<ExportFile>, EngineError> {
        let known = self.folder.state().pages;
        let pages = match self.poll(true).await {
            Err(EngineError::Cancelled) => return Err(EngineError::Cancelled),
            Err(error) if known == 0 => {
                let message = error.to_string();
                let (body, code) = (None, None);
                self.folder.log(LogEvent::StatusError { body, code, message })?;
                return Err(error);
            }
            Err(_) => self.saved(known)?,
            Ok(pages) => pages,
        };
        for (number, page) in (1..).zip(&pages) {
            self.folder.write(&page_name(number), page.raw.as_bytes())?;
        }
        self.folder.change(|state| state.pages = pages.len())?;
        let transaction_time = pages.iter().find_map(|page| page.transaction_time.clone());
        let files = export::files(0, &pages);
        let count = |kind| files.iter().filter(|file| file.kind == kind).count() as u64;
        self.folder.log(LogEvent::StatusComplete {
            transaction_time: transaction_time.clone(),
        })?;
        self.folder.log(LogEvent::ManifestComplete {
            transaction_time,
            total_output_file_count: count(FileKind::Output),
            total_deleted_file_count: count(FileKind::Deleted),
            total_error_file_count: count(FileKind::Outcome),
            total_manifests: pages.len() as u64,
        })?;
        Ok(files)
    }

    async fn poll(&self, told: bool) -> Result<Vec<Manifest>, EngineError> {
        let state = self.folder.state();
        let url = state.status_url.as_deref().and_then(|url| Url::parse(url).ok());
        let url = url.ok_or(EngineError::Stopped)?;
        let (floor, ceiling) = (self.plan.poll_floor_s, self.plan.poll_ceiling_s);
        let schedule = Schedule::new(Duration::from_secs(floor), Duration::from_secs(ceiling));
        let progressed = |polled: export::Polled| match polled.words {
            Some(progress) if told => self.progressed(progress),
            _ => Ok(()),
        };
        let from = (&url, state.separate_status);
        export::pages(&self.session, from, &schedule, &Notify::new(), &self.cancel, progressed).await
    }

    fn saved(&self, pages: usize) -> Result<Vec<Manifest>, EngineError> {
        let state = self.folder.state();
        let url = state.status_url.as_deref().and_then(|url| Url::parse(url).ok());
        let from = url.ok_or(EngineError::Stopped)?;
        let mut saved = Vec::new();
        for number in 1..=pages {
            let path = self.folder.at(&page_name(number));
            let raw = std::fs::read(&path).map_err(|e| super::oneshot_folder::failed("read", &path, e))?;
            let page = Manifest::parse(&raw, &|address| self.session.resolve(&from, address));
            saved.push(page.map_err(|e| EngineError::source(&e, e.hint()))?);
        }
        Ok(saved)
    }

    async fn download(run: &Arc<Self>, files: &[ExportFile]) -> Result<(), EngineError> {
        let mut waiting: Vec<ExportFile> = files.iter().filter(|f| !run.folder.whole(&f.name)).cloned().collect();
        // The longest last, for they are taken from the end.
        waiting.sort_by_key(|file| file.expected.unwrap_or(0));
        let mut running = JoinSet::new();
        loop {
            while running.len() < run.plan.parallel.max(1)
                && let Some(file) = waiting.pop()
            {
                running.spawn(Arc::clone(run).file(file));
            }
            match running.join_next().await {
                // What is being received makes durable what it has before it is left.
                Some(Ok(Err(error))) => {
                    run.cancel.cancel();
                    while running.join_next().await.is_some() {}
                    return Err(error);
                }
                Some(Ok(Ok(()))) => {}
                Some(Err(_)) => return Err(EngineError::Stopped),
                None => return Ok(()),
            }
        }
    }

    /// Fetches one file; that it could not be had is noted in the folder, and only what stops everything is an error.
    async fn file(self: Arc<Self>, mut file: ExportFile) -> Result<(), EngineError> {
        let mut refreshed = false;
        loop {
            let error = match self.attempt(&file).await? {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            if let (DownloadError::Expired { .. }, false) = (&error, refreshed)
                && let Some(fresh) = self.refreshed(&file).await?
            {
                refreshed = true;
                file = fresh;
                continue;
            }
            let reason = error.to_string();
            self.folder.log(LogEvent::DownloadError {
                file_url: shown(&file),
                body: None,
                code: None,
                message: reason.clone(),
            })?;
            return self.folder.change_file(&file.name, |known| known.failed = Some(reason));
        }
    }

    async fn attempt(&self, file: &ExportFile) -> Result<Result<(), DownloadError>, EngineError> {
        let Ok(url) = Url::parse(&file.url) else {
            let url = String::new();
            return Ok(Err(DownloadError::Expired { url, status: 0 }));
        };
        self.folder.log(LogEvent::DownloadRequest {
            file_url: redact_url(&url),
            item_type: match file.kind {
                FileKind::Deleted => ItemType::Deleted,
                FileKind::Outcome => ItemType::Error,
                FileKind::Output | FileKind::Attachments => ItemType::Output,
            },
            resource_type: file.resource_type.clone(),
        })?;
        let output = OutputFile {
            url,
            kind: crate::source::FileKind::Output,
            resource_type: file.resource_type.clone(),
            count: file.expected,
            file_size: None,
            continues_in: None,
            access: access(file),
        };
        let (mut part, from) = PartFile::open(&self.folder, file, &self.snapshot)?;
        match fetch(&self.session, &output, from, &mut part, &self.cancel).await {
            Ok(fetched) => {
                let lines = tokio::task::block_in_place(|| part.finish(&fetched))?;
                self.folder.log(LogEvent::DownloadComplete {
                    file_url: shown(file),
                    resource_count: Some(lines),
                    file_size: fetched.bytes,
                })?;
                Ok(Ok(()))
            }
            Err(error) => {
                if let Some(broken) = part.broken.take() {
                    return Err(broken);
                }
                tokio::task::block_in_place(|| part.make_durable())?;
                if self.cancel.is_cancelled() {
                    return Err(EngineError::Cancelled);
                }
                Ok(Err(error))
            }
        }
    }

    /// The file as the manifest has it now: links expire, and the server may give new ones. Asked for once in a run.
    async fn refreshed(&self, file: &ExportFile) -> Result<Option<ExportFile>, EngineError> {
        let mut pages = self.pages.lock().await;
        if pages.is_none() {
            *pages = Some(match self.poll(false).await {
                Ok(fresh) => export::files(0, &fresh),
                Err(EngineError::Cancelled) => return Err(EngineError::Cancelled),
                // The manifest is gone as well: the file's own error says what to do.
                Err(_) => Vec::new(),
            });
        }
        let fresh = pages
            .iter()
            .flatten()
            .find(|f| f.name == file.name && f.kind == file.kind);
        Ok(fresh.cloned())
    }

    async fn end(&self, keep_job: bool) -> Result<Exported, EngineError> {
        let mut exported = counted(&self.folder);
        let state = self.folder.state();
        let began = state
            .kicked_off
            .as_deref()
            .and_then(|when| when.parse::<jiff::Timestamp>().ok());
        let took = began.map_or(0, |began| {
            jiff::Timestamp::now().as_millisecond() - began.as_millisecond()
        });
        self.folder.log(LogEvent::ExportComplete {
            files: exported.files,
            resources: exported.lines,
            bytes: exported.bytes,
            attachments: state.files.get(NAME).map_or(0, |file| file.lines),
            duration: u64::try_from(took).unwrap_or(0),
        })?;
        if !exported.failed.is_empty() {
            exported.job_kept = Some("not everything came".to_owned());
            return Ok(exported);
        }
        self.folder.change(|state| state.complete = true)?;
        if !keep_job
            && let Some(url) = state.status_url.as_deref().and_then(|url| Url::parse(url).ok())
            && let Deletion::Failed { reason } = delete_job(&self.session, &url, &self.cancel).await
        {
            exported.job_kept = Some(reason);
        }
        Ok(exported)
    }
}
