//! The export: kickoff, polling, and the manifest into the ledger. The status URL is in the ledger before anything else happens.

use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::error::EngineError;
use super::job::Job;
use crate::fhir;
use crate::http::HttpError;
use crate::migration::{Event, ExportFile, ExportLevel, FileKind, Plan};
use crate::source::{
    self, KickoffError, KickoffReply, KickoffRequest, Level, Manifest, PageWalk, PollReply, Schedule, Session,
    poll_once,
};
use crate::store::{file_key, run_key};

/// How often a kickoff is sent again after the EHR said that it is busy, and until when.
const MOST_PUT_OFFS: u32 = 5;

/// The kickoff that a plan asks for.
pub fn request(plan: &Plan) -> Result<KickoffRequest, EngineError> {
    let level =
        match plan.level {
            ExportLevel::System => Level::System,
            ExportLevel::Patient => Level::Patient,
            ExportLevel::Group => Level::Group(plan.group.clone().ok_or_else(|| {
                EngineError::NotReady {
                    what: "the export is at group level, but no group is known".to_owned(),
                    hint: "add the Group id that the practice sees in its EHR: `cutover migration set NAME --group ID`"
                        .to_owned(),
                }
            })?),
        };
    Ok(KickoffRequest {
        method: plan.method,
        types: plan.types.clone(),
        since: plan.since.clone(),
        until: plan.until.clone(),
        type_filters: plan.type_filters.clone(),
        elements: plan.elements.clone(),
        patients: plan.patients.clone(),
        include_associated_data: plan.include_associated_data.clone(),
        organize_output_by: plan.organize_output_by.clone(),
        allow_partial_manifests: plan.allow_partial_manifests,
        lenient: plan.lenient,
        repeat: plan.repeat,
        ..KickoffRequest::new(level)
    })
}

/// A request with what may tell about patients left out.
fn shown(request: &KickoffRequest) -> KickoffRequest {
    let filter = |text: &String| text.split_once('?').map_or(text.as_str(), |(name, _)| name).to_owned() + "?left-out";
    KickoffRequest {
        patients: request.patients.iter().map(|_| "left-out".to_owned()).take(1).collect(),
        type_filters: request.type_filters.iter().map(filter).collect(),
        ..request.clone()
    }
}

/// Kicks the export off and journals its status URL.
pub async fn kick_off(job: &Job, session: &Session) -> Result<(), EngineError> {
    let request = request(&job.plan)?;
    // The request may name patients, and filters may hold what is searched for: the plan has them, the journal does not.
    job.recorder.record(&Event::KickoffSent {
        request: shown(&request).preview(session),
    })?;
    let reply = send(&request, session, &job.cancel, |progress| {
        job.recorder.record(&Event::StatusProgress { progress })
    })
    .await?;
    job.recorder.record(&Event::Kickoff {
        status_url: reply.status_url.to_string(),
        separate_status: reply.separate_status,
    })
}

/// Sends a kickoff; an EHR that is busy and says when it will have time is asked again then, and `told` why we wait.
pub async fn send(
    request: &KickoffRequest,
    session: &Session,
    cancel: &CancellationToken,
    mut told: impl FnMut(String) -> Result<(), EngineError>,
) -> Result<KickoffReply, EngineError> {
    let mut put_off = 0;
    loop {
        let error = match request.send(session, cancel).await {
            Ok(reply) => return Ok(reply),
            Err(error) => error,
        };
        // Not for ever, and nobody waits here for hours.
        let KickoffError::Busy {
            retry_after: Some(wait),
            ..
        } = &error
        else {
            return Err(EngineError::source(&error, error.hint()));
        };
        if put_off == MOST_PUT_OFFS || *wait > session.http().retry().longest_asked {
            return Err(EngineError::source(&error, error.hint()));
        }
        put_off += 1;
        told(error.to_string())?;
        pause(session, *wait, cancel).await?;
    }
}

/// Polls until the export is ready, and puts its manifest and files into the ledger.
pub async fn await_manifest(job: &Job, session: &Session) -> Result<(), EngineError> {
    let state = job.recorder.state()?;
    let status_url = state
        .status_url
        .as_deref()
        .and_then(|u| Url::parse(u).ok())
        .ok_or_else(|| EngineError::NotReady {
            what: "the export's status URL is not known".to_owned(),
            hint: "begin anew with `cutover run NAME --new`".to_owned(),
        })?;
    let told = |polled: Polled| {
        job.show_polling(session, &polled);
        match polled.words {
            Some(progress) => job.recorder.record(&Event::StatusProgress { progress }),
            None => Ok(()),
        }
    };
    let from = (&status_url, state.separate_status);
    let pages = pages(session, from, &job.schedule, &job.hurry, &job.cancel, told).await?;
    let tables = &job.storage.tables;
    let files = files(job.run, &pages);
    // A kill before the manifest was journalled may have left those of another answer.
    let old: Vec<Vec<u8>> = tables
        .files
        .scan_prefix(&run_key(job.run))
        .map(|item| item.map(|(key, _)| key))
        .collect::<Result<_, _>>()?;
    for key in old {
        tables.files.remove(&key)?;
    }
    for file in &files {
        tables.files.put(&file_key(job.run, file.number), file)?;
    }
    let raw: Vec<&str> = pages.iter().map(|p| p.raw.as_str()).collect();
    job.storage.put_manifest(job.run, &raw.join("\n"))?;
    let event = Event::StatusComplete {
        transaction_time: pages.iter().find_map(|p| p.transaction_time.clone()),
        files: u32::try_from(files.len()).unwrap_or(u32::MAX),
        organized: pages.iter().any(|p| p.organized_by.is_some()),
        notes: pages
            .iter()
            .flat_map(|p| p.notes.iter().map(ToString::to_string))
            .collect(),
    };
    job.recorder.record(&event)
}

/// What one status request told, and what follows.
pub struct Polled {
    /// The source's words on its progress, where they are new.
    pub words: Option<String>,
    /// How long the source asked us to wait.
    pub asked: Option<Duration>,
    /// How long we wait; nothing when there is no use in asking again.
    pub wait: Option<Duration>,
}

/// All pages of the manifest, polled for until they are there: from the status URL, and whether that tells the job's state apart from
/// that of the request. `hurry` ends a wait, `told` hears of every request.
pub async fn pages(
    session: &Session,
    (status_url, separate_status): (&Url, bool),
    schedule: &Schedule,
    hurry: &Notify,
    cancel: &CancellationToken,
    mut told: impl FnMut(Polled) -> Result<(), EngineError>,
) -> Result<Vec<Manifest>, EngineError> {
    let mut pages: Vec<Manifest> = Vec::new();
    let mut walk = PageWalk::from(status_url.clone());
    let mut at = status_url.clone();
    loop {
        let mut schedule = schedule.clone();
        let mut last = None;
        let page = loop {
            let reply = poll_once(session, &at, separate_status, cancel)
                .await
                .map_err(|e| EngineError::source(&e, e.hint()))?;
            let (words, asked) = match &reply {
                PollReply::InProgress {
                    progress, retry_after, ..
                } => (progress.clone(), *retry_after),
                PollReply::Throttled { retry_after } | PollReply::Transient { retry_after, .. } => (None, *retry_after),
                PollReply::Complete(_) | PollReply::Gone { .. } | PollReply::Failed { .. } => (None, None),
            };
            let new = words.filter(|words| last.as_ref() != Some(words));
            let wait = schedule.next(&reply, jitter());
            told(Polled {
                words: new.as_ref().map(|words| fhir::safe(words).into_owned()),
                asked,
                wait,
            })?;
            last = new.or(last);
            let Some(wait) = wait else {
                break settled(reply)?;
            };
            tokio::select! {
                waited = pause(session, wait, cancel) => waited?,
                () = hurry.notified() => {}
            }
        };
        let next = walk.after(&page).map_err(|e| EngineError::source(&e, e.hint()))?;
        pages.push(page);
        match next {
            Some(url) => at = url,
            None => return Ok(pages),
        }
    }
}

fn settled(reply: PollReply) -> Result<Manifest, EngineError> {
    let failed = |what: String, hint: &str| Err(EngineError::Source(what, Some(hint.to_owned())));
    match reply {
        PollReply::Complete(manifest) => Ok(*manifest),
        PollReply::Gone { words } => failed(
            format!("the EHR does not know the export any more{}", said(&words)),
            "it has expired or was deleted; begin a new one with `cutover run NAME --new`",
        ),
        PollReply::Failed { status, words } => failed(
            format!("the EHR says that the export has failed ({status}){}", said(&words)),
            "show the EHR's operators this message; then begin a new one with `cutover run NAME --new`",
        ),
        PollReply::Transient { reason, .. } => failed(
            format!("the export's status cannot be had: {reason}"),
            "run the same command again later: it goes on polling",
        ),
        PollReply::InProgress { .. } | PollReply::Throttled { .. } => failed(
            "the EHR keeps putting us off".to_owned(),
            "run the same command again later: it goes on polling",
        ),
    }
}

fn said(words: &str) -> String {
    if words.is_empty() {
        String::new()
    } else {
        format!(": {}", fhir::safe(words))
    }
}

async fn pause(session: &Session, wait: Duration, cancel: &CancellationToken) -> Result<(), EngineError> {
    match session.http().pause(wait, cancel).await {
        Ok(()) => Ok(()),
        Err(HttpError::Cancelled) => Err(EngineError::Cancelled),
        Err(error) => Err(EngineError::source(&error, error.hint())),
    }
}

/// A number in [0, 1) that differs from one call to the next; nothing but politeness depends on it.
fn jitter() -> f64 {
    let nanos = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |d| d.subsec_nanos());
    f64::from(nanos % 1_000_000) / 1_000_000.0
}

/// The files of a manifest, numbered in its order.
pub fn files(run: u32, pages: &[Manifest]) -> Vec<ExportFile> {
    let mut files = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut per_type = std::collections::HashMap::new();
    for output in pages.iter().flat_map(|p| &p.files) {
        if !seen.insert(output.url.clone()) {
            continue;
        }
        let kind = match output.kind {
            source::FileKind::Output => FileKind::Output,
            source::FileKind::Deleted => FileKind::Deleted,
            source::FileKind::Outcome => FileKind::Outcome,
        };
        let stem = match (kind, &output.resource_type) {
            (FileKind::Output, Some(resource_type)) => resource_type.clone(),
            (FileKind::Output, None) => "Resources".to_owned(),
            (FileKind::Deleted, _) => "deleted".to_owned(),
            (FileKind::Outcome | FileKind::Attachments, _) => "outcome".to_owned(),
        };
        let count = per_type.entry(stem.clone()).or_insert(0);
        *count += 1;
        let number = u32::try_from(files.len() + 1).unwrap_or(u32::MAX);
        files.push(ExportFile {
            url: output.url.to_string(),
            resource_type: (kind == FileKind::Output)
                .then(|| output.resource_type.clone())
                .flatten(),
            expected: output.count,
            needs_token: match output.access {
                source::Access::Token => Some(true),
                source::Access::NoToken => Some(false),
                source::Access::Unknown => None,
            },
            // Types mixed in one file: patients may stand anywhere in it.
            deferred: kind == FileKind::Output && output.resource_type.is_none(),
            ..ExportFile::new(run, number, kind, format!("{stem}.{count:03}.ndjson"))
        });
    }
    files
}

/// The tier of organizations, locations and practitioners.
pub const DIRECTORY_TIER: u8 = 1;

/// The tiers in which files are taken in: what others point at first, deletions last.
pub fn tier(file: &ExportFile) -> u8 {
    match (file.kind, file.resource_type.as_deref()) {
        (FileKind::Outcome, _) => 0,
        (FileKind::Output, Some("Organization" | "Location" | "Practitioner" | "PractitionerRole")) => DIRECTORY_TIER,
        // Types mixed in one file: patients may stand anywhere in it.
        (FileKind::Output, Some("Patient") | None) => 2,
        (FileKind::Output, Some(_)) => 3,
        (FileKind::Deleted, _) => 4,
        (FileKind::Attachments, _) => 5,
    }
}
