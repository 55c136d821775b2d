//! Retracing: the received rows in which a decision can have had effects, found in the landing, which forgets nothing.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::crosswalk::Crosswalk;
use super::error::EngineError;
use super::program::transforms;
use super::row::{RowReader, lines};
use super::tally::runs_of;
use crate::fhir;
use crate::migration::{ExportFile, FileKind, Plan, Transforms};
use crate::store::{BlockKind, Location, Piece, RecordKey, RowId, Seed, Storage, row_key};

/// A row that was found.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// The row.
    pub row: RowId,
    /// Its bytes in the landing.
    pub location: Location,
    /// Key of its record: a patient's under its own id, others as the destination knows them.
    pub key: RecordKey,
    /// Whether it is a Patient.
    pub patient: bool,
}

/// Records and patients looked for, each from a run on.
#[derive(Default)]
struct Wanted {
    records: HashMap<RecordKey, u32>,
    patients: HashMap<[u8; 16], u32>,
    from: u32,
    standing: HashSet<RowId>,
    freed: HashSet<RowId>,
}

impl Wanted {
    fn of(seeds: &[Seed]) -> Self {
        let mut wanted = Self {
            from: u32::MAX,
            ..Self::default()
        };
        for seed in seeds {
            let Some(source) = RecordKey::from_bytes(&seed.source) else {
                continue;
            };
            let since = |run: &mut u32, from: u32| *run = from.min(*run);
            since(wanted.records.entry(source).or_insert(u32::MAX), seed.run);
            since(&mut wanted.from, seed.run);
            wanted.standing.extend(&seed.standing);
            wanted.freed.extend(&seed.freed);
            for row in &seed.freed {
                since(&mut wanted.from, row.run);
            }
            if let Some(run) = seed.compartment {
                since(wanted.patients.entry(source.id()).or_insert(u32::MAX), run);
                since(&mut wanted.from, run);
            }
        }
        wanted
    }
}

/// The rows of a migration in which the decisions `seeds` can have had effects, in the order of the landing; rows of the runs `except`
/// are left out.
pub fn retrace(storage: &Arc<Storage>, plan: &Plan, seeds: &[Seed], except: &[u32]) -> Result<Vec<Found>, EngineError> {
    let wanted = Wanted::of(seeds);
    let mut found = Vec::new();
    if seeds.is_empty() {
        return Ok(found);
    }
    let tenant = storage.names.tenant(&plan.tenant)?;
    let transforms = transforms(storage, plan)?;
    let mut reader = RowReader::new(Arc::clone(storage), tenant, Some(plan.base_url.clone()));
    let crosswalk = Crosswalk::read(storage, &plan.id)?;
    let mut files = HashMap::new();
    let runs: BTreeSet<u32> = runs_of(storage, &plan.id)?
        .into_iter()
        .filter(|run| *run >= wanted.from && !except.contains(run))
        .collect();
    for run in &runs {
        for file in storage.files(*run)? {
            files.insert((*run, file.number), file);
        }
    }
    for segment in storage.segments.ids() {
        for item in storage.segments.headers(segment) {
            let (offset, header) = item?;
            let Some(file) = files.get(&(header.run, header.file)) else {
                continue;
            };
            let records = matches!(file.kind, FileKind::Output | FileKind::Attachments);
            if header.kind != BlockKind::Landing || header.piece != Piece::Lines || !records {
                continue;
            }
            let block = storage.segments.block(segment, offset)?;
            for (line, start, text) in lines(&block, header.first_line, header.source_offset == 0) {
                let row = RowId {
                    run: header.run,
                    file: header.file,
                    line: u32::try_from(line).unwrap_or(u32::MAX),
                };
                let Some((key, patient)) = concerned(&mut reader, &transforms, &wanted, row, text)? else {
                    continue;
                };
                let out = !taken_in(file, header.source_offset, patient)
                    || storage.tables.quarantine.get(&row_key(row))?.is_some();
                if out {
                    continue;
                }
                // Blocks are at most 64 MiB.
                let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
                let key = if patient { key } else { crosswalk.place(storage, key) };
                found.push(Found {
                    row,
                    location: Location {
                        segment,
                        block: offset,
                        start: clamp(start),
                        len: clamp(text.len()),
                    },
                    key,
                    patient,
                });
            }
        }
    }
    Ok(found)
}

/// Whether a row's record was placed yet: of a deferred file, patients come before all others.
pub fn taken_in(file: &ExportFile, block: u64, patient: bool) -> bool {
    file.complete() || !file.deferred || patient || block < file.replayed
}

/// The key of a row's record, and whether it is a Patient, when the row is one of those looked for.
fn concerned(
    reader: &mut RowReader,
    transforms: &Transforms,
    wanted: &Wanted,
    row: RowId,
    text: &[u8],
) -> Result<Option<(RecordKey, bool)>, EngineError> {
    let Ok(scan) = fhir::scan(text) else {
        return Ok(None);
    };
    let key = reader.key(scan.resource_type, scan.id)?;
    let patient = scan.resource_type == "Patient";
    let since = |run: Option<&u32>| run.is_some_and(|run| row.run >= *run);
    let about = |id: [u8; 16]| since(wanted.patients.get(&id));
    let concerned = since(wanted.records.get(&key)) && !wanted.standing.contains(&row)
        || wanted.freed.contains(&row)
        || !patient && !wanted.patients.is_empty() && {
            let changed = transforms.apply(text).unwrap_or_default();
            let text = changed.as_ref().map_or(text, |changed| &changed.line);
            reader.patients_named(text).into_iter().any(about)
        };
    Ok(concerned.then_some((key, patient)))
}
