//! Importing: NDJSON from this machine into the embedded store as the destination's own records.

use std::io::Read;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use super::committer::Committer;
use super::error::EngineError;
use super::landing::{Landing, Mark};
use super::message::Signal;
use super::pipeline::Pipeline;
use super::place::{Placer, hex};
use super::progress::Snapshot;
use super::recorder::Recorder;
use super::row::{FileContext, Pass, RowReader};
use crate::migration::{ByType, ExportFile, FileKind, Plan};
use crate::source::ByteSink;
use crate::store::{FileHasher, RunInfo, Storage, file_key, run_key};

/// One file to import.
pub struct Import {
    /// Its name, for people.
    pub name: String,
    /// The type of its resources; several when absent.
    pub resource_type: Option<String>,
    /// Its bytes, decompressed.
    pub bytes: Box<dyn Read + Send>,
}

/// Imports files, in the order given, for a tenant; a record that is there already is replaced by a new version.
pub async fn import(
    storage: &Arc<Storage>,
    tenant: &str,
    files: impl Iterator<Item = Import>,
    snapshot: watch::Sender<Snapshot>,
) -> Result<ByType, EngineError> {
    let plan = Plan::local(tenant);
    let run = storage.next_run()?;
    let info = RunInfo {
        migration: plan.id.clone(),
        tenant: tenant.to_owned(),
        base_url: None,
        started: jiff::Timestamp::now().to_string(),
        rolled_back: None,
        rules: None,
    };
    storage.tables.runs.put(&run_key(run), &info)?;
    let (events, _unread) = mpsc::unbounded_channel();
    let recorder = Recorder::new(Arc::clone(storage), &plan.id, events);
    let (signals, mut signalled) = mpsc::unbounded_channel();
    let placer = Placer::new(Arc::clone(storage), &plan, None, true)?;
    let committer = Committer::new(
        Arc::clone(storage),
        recorder,
        placer,
        run,
        u64::MAX - 1,
        signals.clone(),
        snapshot,
    )?;
    let tenant_number = storage.names.tenant(tenant)?;
    let pipeline = Pipeline::start(
        committer,
        run,
        || RowReader::new(Arc::clone(storage), tenant_number, None),
        || Ok(storage.block_writer()?),
        &signals,
    )?;
    drop(signals);
    let result = read_all(storage, &pipeline, run, files).await;
    pipeline.stop().await;
    match (result, signalled.try_recv()) {
        (_, Ok(Signal::Broken(error))) | (Err(error), _) => Err(error),
        (Ok(()), _) => super::tally::run_counts(storage, run),
    }
}

async fn read_all(
    storage: &Storage,
    pipeline: &Pipeline,
    run: u32,
    files: impl Iterator<Item = Import>,
) -> Result<(), EngineError> {
    for (number, mut import) in (1..).zip(files) {
        let file = ExportFile {
            resource_type: import.resource_type.clone(),
            ..ExportFile::new(run, number, FileKind::Output, import.name.clone())
        };
        storage.tables.files.put(&file_key(run, number), &file)?;
        pipeline.begin(file).await?;
        let context = FileContext {
            number,
            kind: FileKind::Output,
            resource_type: import.resource_type,
            organized: false,
            patients: Arc::default(),
            max_line: Plan::MAX_LINE as usize,
            pass: Pass::Whole,
        };
        let work = pipeline.work().ok_or(EngineError::Stopped)?;
        let mut landing = Landing::new(Arc::new(context), work, Mark::default(), Plan::MAX_LINE as usize);
        let mut hash = FileHasher::landed();
        loop {
            let mut chunk = vec![0; 256 * 1024];
            let read = tokio::task::block_in_place(|| import.bytes.read(&mut chunk));
            let read = read.map_err(|source| EngineError::File {
                doing: "read",
                path: import.name.clone().into(),
                source,
            })?;
            if read == 0 {
                break;
            }
            chunk.truncate(read);
            hash.update(&chunk);
            landing
                .write(Bytes::from(chunk))
                .await
                .map_err(|_| EngineError::Stopped)?;
        }
        landing
            .finish(hex(&hash.sum()))
            .await
            .map_err(|_| EngineError::Stopped)?;
    }
    pipeline.drain().await?;
    Ok(())
}
