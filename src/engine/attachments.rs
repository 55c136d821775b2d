//! Attachments: documents that records point at by URL and that the export did not bring along, fetched one by one as Binary resources
//! and landed like a file of the export.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::committer::Committer;
use super::error::EngineError;
use super::job::Job;
use super::landing::Landing;
use super::message::Signal;
use super::not_given::{self, Notes, Said, note};
use super::patients::PatientMap;
use super::pipeline::Pipeline;
use super::place::{Placer, hex};
use super::program::transforms;
use super::replay::resume_at;
use super::row::{FileContext, Pass, RowReader, lines};
use crate::fhir::{self, Kind};
use crate::migration::{ExportFile, FileKind, FileState};
use crate::source::{Access, NotGiven, Session, fetch_attachment};
use crate::store::{MAX_RAW_LEN, Piece, Storage, TARGET_LEN, file_key};

/// The largest document that is fetched, in bytes of its FHIR JSON: 28 MiB of content. On its whole way there is never more than twice that
/// in memory of it, so that it stays within 128 MB whatever else is there.
pub const LIMIT: usize = 28 * 1024 * 1024 / 3 * 4 + 64 * 1024;
const _: () = assert!(LIMIT + TARGET_LEN < MAX_RAW_LEN);
/// Bytes of documents that may wait to be landed while further ones are fetched.
const UNLANDED: usize = 8 * 1024 * 1024;

/// Types whose records name documents.
pub const WITH_ATTACHMENTS: [&str; 6] = [
    "DocumentReference",
    "DiagnosticReport",
    "Media",
    "Patient",
    "Practitioner",
    "Consent",
];

/// Fetches every document of the source's own that is named and not there.
pub async fn receive(job: &Arc<Job>, session: &Session) -> Result<(), EngineError> {
    let at = Arc::clone(job);
    let wanted = tokio::task::spawn_blocking(move || wanted(&at.storage, &at))
        .await
        .map_err(|_| EngineError::Stopped)??;
    let begun = |file: &ExportFile| file.kind == FileKind::Attachments && !file.complete();
    if !wanted.is_empty() || job.storage.files(job.run)?.iter().any(begun) {
        fetch(job, session, &wanted).await?;
    }
    let at = Arc::clone(job);
    tokio::task::spawn_blocking(move || not_given::close(&at))
        .await
        .map_err(|_| EngineError::Stopped)?
}

/// Fetches these into the file of the run that is for them.
async fn fetch(job: &Arc<Job>, session: &Session, wanted: &[Wanted]) -> Result<(), EngineError> {
    let mut file = slot(job)?;
    file.state = FileState::Pending;
    job.storage.tables.files.put(&file_key(job.run, file.number), &file)?;

    let (signals, mut signalled) = mpsc::unbounded_channel();
    let placer = Placer::new(Arc::clone(&job.storage), &job.plan, None, false)?;
    let patients: Arc<PatientMap> = Arc::clone(&placer.patients);
    let committer = Committer::new(
        Arc::clone(&job.storage),
        job.recorder.clone(),
        placer,
        job.run,
        u64::MAX - 1,
        signals.clone(),
        job.snapshot.clone(),
    )?;
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
    let result = tokio::select! {
        result = fetch_all(job, session, &pipeline, &file, patients, wanted) => result,
        Some(Signal::Broken(error)) = signalled.recv() => Err(error),
    };
    pipeline.stop().await;
    let missing = match (result, signalled.try_recv()) {
        (_, Ok(Signal::Broken(error))) => return Err(error),
        (result, _) => result?,
    };
    if let Some(reason) = missing {
        fail(job, file.number, reason)?;
    }
    Ok(())
}

/// Notes that a file is there as far as it could be had.
fn fail(job: &Job, number: u32, reason: String) -> Result<(), EngineError> {
    let storage = &job.storage;
    storage.settle(job.run)?;
    if let Some(mut file) = storage.tables.files.get(&file_key(job.run, number))? {
        file.state = FileState::Failed { reason };
        storage.tables.files.put(&file_key(job.run, number), &file)?;
        storage.workspace.ledger().durable()?;
    }
    Ok(())
}

/// Fetches and lands the documents; says in a sentence which could not be had.
async fn fetch_all(
    job: &Arc<Job>,
    session: &Session,
    pipeline: &Pipeline,
    file: &ExportFile,
    patients: Arc<PatientMap>,
    wanted: &[Wanted],
) -> Result<Option<String>, EngineError> {
    let (storage, at) = (Arc::clone(&job.storage), file.clone());
    let (mark, mut hasher) = tokio::task::spawn_blocking(move || resume_at(&storage, &at))
        .await
        .map_err(|_| EngineError::Stopped)??;
    pipeline.begin(file.clone()).await?;
    let context = FileContext {
        number: file.number,
        kind: FileKind::Attachments,
        resource_type: Some("Binary".to_owned()),
        organized: false,
        patients,
        max_line: LIMIT * 2,
        pass: Pass::Whole,
    };
    let work = pipeline.work().ok_or(EngineError::Stopped)?;
    let mut landing = Landing::new(Arc::new(context), work, mark, LIMIT * 2);
    let mut failed: Vec<String> = Vec::new();
    let mut unlanded = 0;
    for document in wanted {
        if job.cancel.is_cancelled() {
            return Err(EngineError::Cancelled);
        }
        let line = match fetch_attachment(session, &document.url, document.access, LIMIT, &job.cancel).await {
            Ok(binary) if binary.id == document.id => Ok(binary.line),
            Ok(_) => Err(Some(NotGiven::another())),
            Err(_) if job.cancel.is_cancelled() => return Err(EngineError::Cancelled),
            Err(error) => {
                let not_given = error.not_given();
                if not_given.is_none() && !document.noted {
                    failed.push(error.to_string());
                }
                Err(not_given)
            }
        };
        let line = match line {
            Ok(line) => line,
            Err(Some(why)) if !document.noted => note(document, &why),
            Err(_) => continue,
        };
        hasher.update(&line);
        unlanded += line.len();
        landing.line(line).await.map_err(|_| EngineError::Stopped)?;
        if unlanded > UNLANDED {
            pipeline.drain().await?;
            unlanded = 0;
        }
    }
    landing
        .finish(hex(&hasher.sum()))
        .await
        .map_err(|_| EngineError::Stopped)?;
    pipeline.drain().await?;
    Ok(failed.first().map(|first| {
        format!(
            "{} of {} documents could not be had; the first: {first}",
            failed.len(),
            wanted.len()
        )
    }))
}

/// A document that is to be asked for.
pub struct Wanted {
    pub url: String,
    pub id: String,
    pub access: Access,
    /// The record that shows it.
    pub shown_by: String,
    /// A former run was not given it either, which waits in quarantine: it is asked for once more, and nothing depends on the answer.
    pub noted: bool,
}

/// Documents that the records of this run name, landed in it or before, and the store does not have; without those that a person has decided of.
fn wanted(storage: &Storage, job: &Job) -> Result<Vec<Wanted>, EngineError> {
    let tenant = storage.names.tenant(&job.plan.tenant)?;
    let files = storage.files(job.run)?;
    let mut seen = held(storage, tenant)?;
    let mut wanted = Vec::new();
    for (id, said) in Notes::of(storage, &job.plan)?.said(job.run) {
        let there = storage.index.get(&storage.key(tenant, "Binary", id)?)?.is_some();
        if let Said::Again(document) = said
            && !there
            && !seen.contains(id)
        {
            wanted.push(*document);
        }
        seen.insert(id.to_owned());
    }
    for segment in storage.segments.ids() {
        for item in storage.segments.headers(segment) {
            let (offset, header) = item?;
            let file = files.iter().find(|f| {
                (header.run, header.file) == f.origin()
                    && f.kind == FileKind::Output
                    && f.resource_type.as_deref().is_none_or(|t| WITH_ATTACHMENTS.contains(&t))
            });
            let Some(file) = file.filter(|_| header.piece == Piece::Lines) else {
                continue;
            };
            let access = match file.needs_token {
                Some(true) => Access::Token,
                Some(false) => Access::NoToken,
                None => Access::Unknown,
            };
            let block = storage.segments.block(segment, offset)?;
            for (_, _, text) in lines(&block, header.first_line, header.source_offset == 0) {
                for found in fhir::attachment_urls(text) {
                    // Only the EHR's own documents: what lies elsewhere is not ours to fetch, and stays a link.
                    let Kind::Local {
                        resource_type: "Binary",
                        id,
                        ..
                    } = fhir::classify(&found.text, Some(&job.plan.base_url))
                    else {
                        continue;
                    };
                    let key = storage.key(tenant, "Binary", id)?;
                    if storage.index.get(&key)?.is_none() && seen.insert(id.to_owned()) {
                        let holder = fhir::scan(text).map(|scan| format!("{}/{}", scan.resource_type, scan.id));
                        wanted.push(Wanted {
                            url: found.text.to_string(),
                            id: id.to_owned(),
                            access,
                            shown_by: holder.unwrap_or_default(),
                            noted: false,
                        });
                    }
                }
            }
        }
    }
    Ok(wanted)
}

/// Ids of documents that are landed and wait for their patient.
fn held(storage: &Storage, tenant: u16) -> Result<HashSet<String>, EngineError> {
    let mut ids = HashSet::new();
    for item in storage.tables.held.scan_prefix(&tenant.to_be_bytes()) {
        let line = storage.segments.read(&item?.1.location)?;
        if let Ok(scan) = fhir::scan(&line)
            && scan.resource_type == "Binary"
        {
            ids.insert(scan.id.to_owned());
        }
    }
    Ok(ids)
}

/// The file of this run that attachments land in.
fn slot(job: &Job) -> Result<ExportFile, EngineError> {
    let files = job.storage.files(job.run)?;
    if let Some(file) = files.iter().find(|f| f.kind == FileKind::Attachments) {
        return Ok(file.clone());
    }
    let number = files.iter().map(|f| f.number).max().unwrap_or(0) + 1;
    Ok(ExportFile {
        resource_type: Some("Binary".to_owned()),
        ..ExportFile::new(job.run, number, FileKind::Attachments, "attachments.ndjson".to_owned())
    })
}
