//! Engaged records: those that received rows already are, or refer to, so that it is too late to take them for somebody else.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::error::EngineError;
use super::history::taken_in;
use super::program::transforms;
use super::reversal::left_out;
use super::row::{RowReader, lines};
use super::tally::runs_of;
use crate::fhir;
use crate::migration::{FileKind, Plan};
use crate::store::{BlockKind, Piece, RecordKey, RowId, Storage};

/// Which of `keys` the rows that a migration has taken in are or refer to.
pub fn engaged(
    storage: &Arc<Storage>,
    plan: &Plan,
    keys: &HashSet<RecordKey>,
) -> Result<HashSet<RecordKey>, EngineError> {
    let mut files = HashMap::new();
    for run in runs_of(storage, &plan.id)? {
        for file in storage.files(run)? {
            // One that equals a former file has none but its rows.
            if matches!(file.kind, FileKind::Output | FileKind::Attachments) && file.same_as.is_none() {
                files.insert((run, file.number), file);
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
    let transforms = transforms(storage, plan)?;
    // Most references are to types of which nobody is looked for.
    let types: HashSet<u16> = keys.iter().map(RecordKey::resource_type).collect();
    let names = storage.names.resource_types().into_iter();
    let names: HashMap<String, u16> = names.filter(|(_, number)| types.contains(number)).collect();
    let amended = left_out(storage, &plan.tenant)?.amended;
    for segment in storage.segments.ids() {
        for item in storage.segments.headers(segment) {
            let (offset, header) = item?;
            let wanted = header.kind == BlockKind::Landing && header.piece == Piece::Lines;
            let Some(file) = files.get(&(header.run, header.file)).filter(|_| wanted) else {
                continue;
            };
            let block = storage.segments.block(segment, offset)?;
            for (line, _, text) in lines(&block, header.first_line, header.source_offset == 0) {
                let row = RowId {
                    run: header.run,
                    file: header.file,
                    line: u32::try_from(line).unwrap_or(u32::MAX),
                };
                let right = amended
                    .get(&row)
                    .map(|bytes| storage.segments.read(bytes))
                    .transpose()?;
                let text = right.as_deref().unwrap_or(text);
                let Ok(scan) = fhir::scan(text) else { continue };
                if !taken_in(file, header.source_offset, scan.resource_type == "Patient") {
                    continue;
                }
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
