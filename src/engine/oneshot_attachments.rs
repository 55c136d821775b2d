//! The documents of a one-shot export: those that its records point at by URL, fetched one by one as Binary resources into one file.

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::attachments::WITH_ATTACHMENTS;
use super::error::EngineError;
use super::oneshot_folder::{ExportFolder, failed, open_part};
use super::oneshot_log::access;
use super::place::hex;
use crate::fhir::{self, Kind};
use crate::migration::{ExportFile, FileKind};
use crate::source::{Access, Session, fetch_attachment};

/// The file they go into.
pub const NAME: &str = "Binary.attachments.ndjson";

/// The largest document that is fetched, in bytes of its FHIR JSON.
const LIMIT: usize = 64 * 1024 * 1024;

struct Wanted {
    url: String,
    id: String,
    access: Access,
}

/// Fetches every document of the EHR's own that is named and did not come along; what could not be had is noted in the folder.
pub async fn attachments(
    folder: &Arc<ExportFolder>,
    session: &Session,
    files: &[ExportFile],
    cancel: &CancellationToken,
) -> Result<(), EngineError> {
    if folder.whole(NAME) {
        return Ok(());
    }
    let base = session.base().to_string();
    let wanted = tokio::task::block_in_place(|| wanted(folder, files, &base))?;
    if wanted.is_empty() {
        return Ok(());
    }
    let part = folder.at(&format!("{NAME}.part"));
    let (mut out, seen, mut lines) = tokio::task::block_in_place(|| begun(folder))?;
    let mut missed: Vec<String> = Vec::new();
    for document in wanted.iter().filter(|document| !seen.contains(&document.id)) {
        if cancel.is_cancelled() {
            return Err(EngineError::Cancelled);
        }
        match fetch_attachment(session, &document.url, document.access, LIMIT, cancel).await {
            Ok(binary) if binary.id == document.id => {
                out.write_all(&binary.line).map_err(|e| failed("write", &part, e))?;
                lines += 1;
            }
            Ok(_) => missed.push("the EHR gave another document than the one asked for".to_owned()),
            Err(_) if cancel.is_cancelled() => return Err(EngineError::Cancelled),
            Err(error) => missed.push(error.to_string()),
        }
    }
    out.sync_all().map_err(|e| failed("write", &part, e))?;
    if let Some(first) = missed.first() {
        let reason = format!(
            "{} of {} documents could not be had; the first: {first}",
            missed.len(),
            wanted.len()
        );
        return folder.change_file(NAME, |known| known.failed = Some(reason));
    }
    drop(out);
    let path = folder.at(NAME);
    let bytes = std::fs::metadata(&part).map_err(|e| failed("read", &part, e))?.len();
    let sum = tokio::task::block_in_place(|| open_part(&part, bytes))?.hasher.sum();
    std::fs::rename(&part, &path).map_err(|e| failed("rename", &part, e))?;
    folder.change_file(NAME, |known| {
        known.bytes = bytes;
        known.lines = lines;
        known.sha256 = Some(hex(&sum));
        known.failed = None;
    })
}

/// The file as an interrupted run left it, cut to whole lines, with the ids of the documents in it and their number.
fn begun(folder: &ExportFolder) -> Result<(File, HashSet<String>, u64), EngineError> {
    let part = folder.at(&format!("{NAME}.part"));
    let mut ids = HashSet::new();
    let mut whole = 0;
    let mut lines = 0;
    if part.exists() {
        read_lines(&part, &mut |line| {
            if let Some(id) = line
                .strip_suffix(b"\n")
                .and_then(|line| fhir::scan(line).ok())
                .map(|scan| scan.id.to_owned())
            {
                ids.insert(id);
                lines += 1;
                whole += line.len() as u64;
            }
        })?;
    }
    let file = open_part(&part, whole)?.file;
    Ok((file, ids, lines))
}

fn wanted(folder: &ExportFolder, files: &[ExportFile], base: &str) -> Result<Vec<Wanted>, EngineError> {
    let mut seen = HashSet::new();
    let received = |file: &&ExportFile| file.kind == FileKind::Output && folder.whole(&file.name);
    // Documents may come as resources of the export itself, in any file that can hold them.
    for file in files.iter().filter(received) {
        if file.resource_type.as_deref().is_none_or(|name| name == "Binary") {
            read_lines(&folder.at(&file.name), &mut |line| {
                if let Ok(scan) = fhir::scan(line.trim_ascii_end())
                    && scan.resource_type == "Binary"
                {
                    seen.insert(scan.id.to_owned());
                }
            })?;
        }
    }
    let mut wanted = Vec::new();
    for file in files.iter().filter(received) {
        if !file
            .resource_type
            .as_deref()
            .is_none_or(|name| WITH_ATTACHMENTS.contains(&name))
        {
            continue;
        }
        read_lines(&folder.at(&file.name), &mut |line| {
            for found in fhir::attachment_urls(line.trim_ascii_end()) {
                // Only the EHR's own documents: what lies elsewhere is not ours to fetch, and stays a link.
                if let Kind::Local {
                    resource_type: "Binary",
                    id,
                    ..
                } = fhir::classify(&found.text, Some(base))
                    && seen.insert(id.to_owned())
                {
                    wanted.push(Wanted {
                        url: found.text.to_string(),
                        id: id.to_owned(),
                        access: access(file),
                    });
                }
            }
        })?;
    }
    Ok(wanted)
}

/// Gives each line with its line feed; one that is longer than a document may be is given in pieces, which are no records.
fn read_lines(path: &std::path::Path, each: &mut dyn FnMut(&[u8])) -> Result<(), EngineError> {
    use std::io::Read;
    let io = |e| failed("read", path, e);
    let mut lines = BufReader::with_capacity(1 << 18, File::open(path).map_err(io)?);
    let mut line = Vec::new();
    loop {
        line.clear();
        let most = (LIMIT * 2) as u64;
        if lines.by_ref().take(most).read_until(b'\n', &mut line).map_err(io)? == 0 {
            return Ok(());
        }
        each(&line);
    }
}
