//! Files for a server's own import: the records of types of which the server has none, as NDJSON by type, with a manifest, in a folder or with
//! an object store. What the server has anything of is left to a delivery, which looks before it writes; an import does not.

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use object_store::buffered::BufWriter;
use serde::Serialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use super::super::error::EngineError;
use super::super::place::hex;
use super::circle::Circles;
use super::deliver::{Delivering, Pass, working};
use super::link::Link;
use super::queue::{Coming, Work, queue};
use super::task::{Goal, Place, Task};
use super::work::Purpose;
use crate::fhir;
use crate::migration::{Delivered, Standing};
use crate::store::migration_key;
use crate::target::Folder;

/// Bytes after which another file is begun.
const FILE: u64 = 256 * 1024 * 1024;
/// Name of the manifest, which is written last: without it nothing here is whole.
const MANIFEST: &str = "manifest.json";

/// One file of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HandedFile {
    /// The type of its records.
    pub resource_type: String,
    /// Its name in the folder.
    pub name: String,
    /// Its records.
    pub records: u64,
    /// Its bytes.
    pub bytes: u64,
    /// SHA-256 of them, hexadecimal.
    pub sha256: String,
}

/// A file that is being written.
struct Writing {
    file: HandedFile,
    hash: Context,
    out: BufWriter,
}

/// Writes the files of these types, and the manifest.
pub(super) async fn hand_off(
    job: &Delivering,
    link: &Arc<Link>,
    types: &BTreeSet<String>,
    folder: &Folder,
) -> Result<Vec<HandedFile>, EngineError> {
    let (out, mut work) = queue();
    let stop = job.cancel.child_token();
    let how = Pass {
        settle_for_less: false,
        purpose: Purpose::HandOff,
    };
    let worker = working(job, link, types, Circles::new(), how, out, stop.clone());
    let written = written(job, folder, &mut work).await;
    stop.cancel();
    drop(work);
    let passed = worker.await.map_err(|_| EngineError::Stopped)?;
    let files = written?;
    passed?;
    if job.cancel.is_cancelled() {
        return Err(EngineError::Cancelled);
    }
    job.storage.deliveries.durable()?;
    let manifest = manifest(&files, folder.url());
    folder.put(MANIFEST, manifest.to_string()).await?;
    Ok(files)
}

async fn written(job: &Delivering, folder: &Folder, work: &mut Coming) -> Result<Vec<HandedFile>, EngineError> {
    let (mut files, mut open): (Vec<HandedFile>, Option<Writing>) = (Vec::new(), None);
    let mut records = 0;
    while let Some(next) = work.next().await {
        match next {
            Work::Task(task) => {
                let Some((id, line)) = line(&task) else { continue };
                note(job, &task, id)?;
                if open.as_ref().is_some_and(|writing| writing.file.bytes >= FILE) {
                    files.extend(close(folder, open.take()).await?);
                }
                let writing = open.get_or_insert_with(|| begin(folder, &task.resource_type, &files));
                let sent = writing.out.write_all(&line).await;
                sent.map_err(|error| folder.failed(error))?;
                writing.hash.update(&line);
                writing.file.bytes += line.len() as u64;
                writing.file.records += 1;
                records += 1;
                if records % 1000 == 0 {
                    let text = format!("{records} records written");
                    job.snapshot.send_modify(|snapshot| snapshot.importing = Some(text));
                }
            }
            Work::Together(_) => return Err(EngineError::Stopped),
            // Another type comes.
            Work::Wait(done) => {
                files.extend(close(folder, open.take()).await?);
                // Whoever waited may have gone.
                let _ = done.send(());
            }
        }
    }
    Ok(files)
}

/// Notes that a record is on its way, so that what is at the server later is compared with it, and can be taken back.
fn note(job: &Delivering, task: &Task, id: String) -> Result<(), EngineError> {
    let known = Delivered {
        id,
        version: None,
        content: task.content.clone(),
        made_from: task.made_from.clone(),
        complete: false,
        created: true,
        state: Standing::HandedOff,
    };
    let at = migration_key(&job.plan.id, task.key.as_bytes());
    Ok(job.storage.deliveries.put(&at, &known)?)
}

/// Id and line of a record that the server has nothing of.
fn line(task: &Task) -> Option<(String, Vec<u8>)> {
    let handed_off = |known: &Delivered| known.state == Standing::HandedOff;
    let new = task.goal == Goal::Write && !task.servers_own && task.known.as_ref().is_none_or(handed_off);
    let Place::Id(id) = &task.place else { return None };
    if !new {
        return None;
    }
    // A record that stands on several lines would be several records.
    let mut line = Vec::with_capacity(task.body.len() + id.len() + 16);
    fhir::push_with_id(&mut line, &task.body, id);
    for byte in line.iter_mut().filter(|byte| matches!(byte, b'\n' | b'\r')) {
        *byte = b' ';
    }
    line.push(b'\n');
    Some((id.clone(), line))
}

fn begin(folder: &Folder, resource_type: &str, files: &[HandedFile]) -> Writing {
    let number = 1 + files.iter().filter(|file| file.resource_type == resource_type).count();
    let name = format!("{resource_type}.{number}.ndjson");
    Writing {
        out: folder.file(&name),
        hash: Context::new(&SHA256),
        file: HandedFile {
            resource_type: resource_type.to_owned(),
            name,
            records: 0,
            bytes: 0,
            sha256: String::new(),
        },
    }
}

async fn close(folder: &Folder, writing: Option<Writing>) -> Result<Option<HandedFile>, EngineError> {
    let Some(mut writing) = writing else { return Ok(None) };
    writing.out.shutdown().await.map_err(|error| folder.failed(error))?;
    let sha256 = hex(writing.hash.finish().as_ref());
    Ok(Some(HandedFile { sha256, ..writing.file }))
}

/// As a Bulk Data manifest (Bulk Data Access IG, section "complete status"), with hashes as an extension.
fn manifest(files: &[HandedFile], url: &str) -> Value {
    let output: Vec<Value> = files
        .iter()
        .map(|file| {
            json!({ "type": file.resource_type, "url": format!("{url}/{}", file.name), "count": file.records,
                "extension": { "https://cutover.dev/fhir/sha256": file.sha256 } })
        })
        .collect();
    json!({
        "transactionTime": jiff::Timestamp::now().to_string(),
        "request": "cutover destination import",
        "requiresAccessToken": false,
        "output": output,
        "error": [],
    })
}
