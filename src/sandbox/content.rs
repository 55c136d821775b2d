//! The bytes of a file of an export.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use memchr::memmem;
use serde_json::json;

use super::compartment;
use super::dataset::Extent;
use super::edit::{self, Edit};
use super::ehr::Ehr;
use super::fault::Fault;
use super::job::Job;
use super::plan::File;

/// Size of the pieces handed to the network.
const PIECE: usize = 256 * 1024;

/// Takes pieces of a file in order, and may stop.
pub(crate) type Sink<'a> = dyn FnMut(Vec<u8>) -> ControlFlow<()> + 'a;

/// Replaces the placeholder for the server's base URL.
pub(crate) fn with_base(line: Vec<u8>, base_url: &str) -> Vec<u8> {
    const PLACEHOLDER: &[u8] = b"{base}";
    let mut places = memmem::find_iter(&line, PLACEHOLDER).peekable();
    if places.peek().is_none() {
        return line;
    }
    let mut replaced = Vec::with_capacity(line.len() + 4 * base_url.len());
    let mut end = 0;
    for place in places {
        replaced.extend_from_slice(&line[end..place]);
        replaced.extend_from_slice(base_url.as_bytes());
        end = place + PLACEHOLDER.len();
    }
    replaced.extend_from_slice(&line[end..]);
    replaced
}

/// The resources of a file as selected, before any edit, with these ordinals.
pub(crate) fn resources(ehr: &Ehr, job: &Job, file: &File, ordinals: &BTreeSet<u64>) -> BTreeMap<u64, Vec<u8>> {
    let mut found = BTreeMap::new();
    let Some(last) = ordinals.last() else {
        return found;
    };
    for (ordinal, line) in (0..).zip(selected(ehr, job, file)) {
        if ordinals.contains(&ordinal) {
            found.insert(ordinal, line);
        }
        if ordinal == *last {
            break;
        }
    }
    found
}

fn selected<'a>(ehr: &'a Ehr, job: &'a Job, file: &'a File) -> impl Iterator<Item = Vec<u8>> + 'a {
    let selection = &job.kickoff.selection;
    let all = selection.takes_all(&file.resource_type);
    let dataset = &*ehr.config.dataset;
    dataset
        .lines(&file.resource_type, file.source.clone())
        .filter(move |line| all || selection.takes(&file.resource_type, line, dataset))
        .map(|line| with_base(line, &ehr.base_url))
        .map(|line| {
            if job.kickoff.elements.is_empty() {
                line
            } else {
                edit::subset(line, &file.resource_type, &job.kickoff.elements)
            }
        })
}

/// Where a file lies on disk, when nothing in it has to be changed.
fn extents(ehr: &Ehr, job: &Job, file: &File) -> Option<Vec<Extent>> {
    let kickoff = &job.kickoff;
    let as_it_is =
        kickoff.elements.is_empty() && !kickoff.by_patient && file.edits.is_empty() && file.appended.is_empty();
    if !as_it_is || ehr.config.has(Fault::BomCrlf) || !kickoff.selection.takes_all(&file.resource_type) {
        return None;
    }
    ehr.config.dataset.on_disk(&file.resource_type, file.source.clone())
}

/// The size of a file in bytes. Blocking; makes the whole file unless it lies on disk.
pub(crate) fn size(ehr: &Ehr, job: &Job, file: &File) -> u64 {
    *file.size.get_or_init(|| {
        if let Some(extents) = extents(ehr, job, file) {
            return extents.iter().map(|extent| extent.bytes.end - extent.bytes.start).sum();
        }
        let mut size = 0;
        let _ = made(ehr, job, file, &mut |piece| {
            size += piece.len() as u64;
            ControlFlow::Continue(())
        });
        size
    })
}

/// The size, when it is known or cheap to learn. Blocking.
pub(crate) fn cheap_size(ehr: &Ehr, job: &Job, file: &File) -> Option<u64> {
    file.size
        .get()
        .copied()
        .or_else(|| extents(ehr, job, file).map(|_| size(ehr, job, file)))
}

/// Hands a file from byte `from` on to `sink`. Blocking. Break when the sink stopped or the disk failed.
pub(crate) fn write(ehr: &Ehr, job: &Job, file: &File, from: u64, sink: &mut Sink) -> ControlFlow<()> {
    if let Some(extents) = extents(ehr, job, file) {
        return copied(&extents, from, sink);
    }
    let mut skip = from;
    made(ehr, job, file, &mut |mut piece| {
        let skipped = skip.min(piece.len() as u64);
        skip -= skipped;
        if skipped > 0 {
            piece.drain(..usize::try_from(skipped).unwrap_or(usize::MAX));
        }
        if piece.is_empty() {
            ControlFlow::Continue(())
        } else {
            sink(piece)
        }
    })
}

fn copied(extents: &[Extent], from: u64, sink: &mut Sink) -> ControlFlow<()> {
    let mut skip = from;
    for extent in extents {
        let length = extent.bytes.end - extent.bytes.start;
        let skipped = skip.min(length);
        skip -= skipped;
        let Ok(mut source) = std::fs::File::open(&extent.path) else {
            return ControlFlow::Break(());
        };
        if source.seek(SeekFrom::Start(extent.bytes.start + skipped)).is_err() {
            return ControlFlow::Break(());
        }
        let mut left = length - skipped;
        while left > 0 {
            let mut piece = Vec::with_capacity(PIECE);
            match source.by_ref().take(left.min(PIECE as u64)).read_to_end(&mut piece) {
                Ok(0) | Err(_) => return ControlFlow::Break(()),
                Ok(read) => left -= read as u64,
            }
            sink(piece)?;
        }
    }
    ControlFlow::Continue(())
}

/// Makes a file line by line.
fn made(ehr: &Ehr, job: &Job, file: &File, sink: &mut Sink) -> ControlFlow<()> {
    let bom_crlf = ehr.config.has(Fault::BomCrlf);
    let end_of_line: &[u8] = if bom_crlf { b"\r\n" } else { b"\n" };
    let mut piece: Vec<u8> = Vec::with_capacity(PIECE + PIECE / 8);
    if bom_crlf {
        piece.extend_from_slice("\u{feff}".as_bytes());
    }
    let mut patient = None;
    for (ordinal, line) in (0..).zip(selected(ehr, job, file)) {
        if job.kickoff.by_patient {
            let about = compartment::patients(&file.resource_type, &line, &*ehr.config.dataset)
                .into_iter()
                .next();
            if let Some(id) = about.as_ref().filter(|_| about != patient) {
                piece.extend_from_slice(header(id).as_bytes());
                piece.extend_from_slice(end_of_line);
            }
            patient = about;
        }
        let edits = file.edits.get(&ordinal).map(Vec::as_slice).unwrap_or_default();
        if edits.contains(&Edit::BlankBefore) {
            piece.extend_from_slice(end_of_line);
        }
        if let Some(line) = edits.iter().try_fold(line, |line, edit| edit.apply(line)) {
            piece.extend_from_slice(&line);
            piece.extend_from_slice(end_of_line);
        }
        if piece.len() >= PIECE {
            sink(std::mem::replace(&mut piece, Vec::with_capacity(PIECE + PIECE / 8)))?;
        }
    }
    for line in &file.appended {
        piece.extend_from_slice(line);
        piece.extend_from_slice(end_of_line);
    }
    if piece.is_empty() {
        ControlFlow::Continue(())
    } else {
        sink(piece)
    }
}

/// The header line of a block (Bulk Data IG, "organizeOutputBy").
fn header(patient: &str) -> String {
    json!({ "resourceType": "Parameters", "parameter": [{ "name": "header", "valueReference": { "reference": format!("Patient/{patient}") } }] })
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_is_put_in_wherever_it_is_missing() {
        let replaced = with_base(b"[\"{base}/A/1\",\"{bass}\",\"{base}\"]".to_vec(), "http://h/fhir");
        assert_eq!(replaced, b"[\"http://h/fhir/A/1\",\"{bass}\",\"http://h/fhir\"]");
        assert_eq!(with_base(b"{}".to_vec(), "x"), b"{}");
    }

    #[test]
    fn extents_are_read_from_any_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        std::fs::write(&path, b"0123456789").unwrap();
        let extents = [
            Extent {
                path: path.clone(),
                bytes: 1..4,
            },
            Extent { path, bytes: 6..10 },
        ];
        let read = |from| {
            let mut all = Vec::new();
            let _ = copied(&extents, from, &mut |piece| {
                all.extend(piece);
                ControlFlow::Continue(())
            });
            String::from_utf8(all).unwrap()
        };
        assert_eq!(
            [read(0), read(2), read(3), read(5), read(7)],
            ["1236789", "36789", "6789", "89", ""]
        );
    }
}
