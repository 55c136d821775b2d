//! Engaged records: those that received rows already are, or refer to, so that it is too late to take them for somebody else.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::error::EngineError;
use super::row::{RowReader, lines};
use super::tally::runs_of;
use crate::fhir;
use crate::migration::{ExportFile, FileKind, Plan, Transforms};
use crate::store::{BlockKind, Piece, RecordKey, Storage};

/// Which of `keys` the landed rows of a migration are or refer to; files of which nothing was taken in yet are told by `waits`.
pub fn engaged(
    storage: &Arc<Storage>,
    plan: &Plan,
    keys: &HashSet<RecordKey>,
    waits: impl Fn(&ExportFile) -> bool,
) -> Result<HashSet<RecordKey>, EngineError> {
    let mut files = HashSet::new();
    for run in runs_of(storage, &plan.id)? {
        for file in storage.files(run)? {
            let records = matches!(file.kind, FileKind::Output | FileKind::Attachments);
            if records && !waits(&file) {
                files.insert(file.origin());
            }
        }
    }
    let mut found = HashSet::new();
    if keys.is_empty() || files.is_empty() {
        return Ok(found);
    }
    let tenant = storage.names.tenant(&plan.tenant)?;
    let base = Some(plan.base_url.as_str());
    let mut reader = RowReader::new(Arc::clone(storage), tenant, Some(plan.base_url.clone()));
    let transforms = Transforms::new(&plan.transforms)?;
    // Most references are to types of which nobody is looked for.
    let types: HashSet<u16> = keys.iter().map(RecordKey::resource_type).collect();
    let names = storage.names.resource_types().into_iter();
    let names: HashMap<String, u16> = names.filter(|(_, number)| types.contains(number)).collect();
    for segment in storage.segments.ids() {
        for item in storage.segments.headers(segment) {
            let (offset, header) = item?;
            let wanted = header.kind == BlockKind::Landing && header.piece == Piece::Lines;
            if !wanted || !files.contains(&(header.run, header.file)) {
                continue;
            }
            let block = storage.segments.block(segment, offset)?;
            for (_, _, text) in lines(&block, header.first_line, header.source_offset == 0) {
                let Ok(scan) = fhir::scan(text) else { continue };
                let own = reader.key(scan.resource_type, scan.id)?;
                found.extend(keys.get(&own));
                let changed = transforms.apply(text).unwrap_or_default();
                let text = changed.as_ref().map_or(text, |changed| &changed.line);
                fhir::rewrite(text, base, |resource_type, id| {
                    let number = names.get(resource_type)?;
                    let key = RecordKey::new(tenant, *number, storage.id_hash(id));
                    found.extend(keys.get(&key));
                    None
                });
            }
        }
        if found.len() == keys.len() {
            break;
        }
    }
    Ok(found)
}
