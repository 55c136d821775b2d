//! Verification: everything that was received against everything that the store gives back.
//!
//! The landing is read once more, block by block. Each file's bytes must have the hash that was computed while they arrived. Each row's
//! disposition is worked out again from ledger and index, and each stored record is read back through the store and compared.

mod charts;
mod record;
mod whole;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::error::EngineError;
use super::history::taken_in;
use super::patients::{PatientMap, patients};
use super::program::transforms;
use super::row::{is_header, lines};
use super::sample::Draw;
use super::tally::runs_of;
use crate::fhir::{self};
use crate::migration::{
    ByType, Disposition, ExportFile, FileKind, Finding, Merging, Plan, Resolution, Transforms, Verification,
};
use crate::store::{FileHasher, Location, Piece, RowId, Storage, migration_key, row_of, run_key};
use crate::target::EmbeddedStore;

/// Seed of the sample draw; the same patients are drawn every time, so a second look is a look at the same charts.
pub const SEED: u64 = 8841;

/// References remembered as leading somewhere; beyond that they are forgotten and looked up again.
const SOUND_REFERENCES: usize = 1 << 16;

/// Verifies all runs of a migration; `progress` is told how many bytes of how many were read.
pub fn verify(
    storage: &Arc<Storage>,
    plan: &Plan,
    progress: &mut dyn FnMut(u64, u64),
    stop: &dyn Fn() -> bool,
) -> Result<Verification, EngineError> {
    let mut check = Check::new(storage, plan)?;
    check.draw(stop)?;
    check.landing(progress, stop)?;
    check.files()?;
    check.finish()
}

struct Check<'a> {
    storage: &'a Arc<Storage>,
    store: EmbeddedStore,
    plan: &'a Plan,
    tenant: u16,
    files: HashMap<(u32, u32), FileCheck>,
    patients: PatientMap,
    held: HashSet<RowId>,
    quarantined: HashMap<RowId, String>,
    /// Rows that a person set right: where the bytes are that stand for those received.
    amended: HashMap<RowId, Location>,
    /// Rows that wait for a decision.
    undecided: HashSet<RowId>,
    /// By hash of the received bytes: a decision holds for exactly this content, from the run on in which the conflict arose.
    decided: HashMap<String, (u32, Resolution)>,
    /// How the record that a row put there was merged.
    merged: HashMap<RowId, Merging>,
    transforms: Transforms,
    types: HashMap<String, bool>,
    /// Hashes of references that lead somewhere: most point at the same patients and visits.
    sound: HashSet<u128>,
    sample: Draw,
    result: Verification,
}

struct FileCheck {
    file: ExportFile,
    /// Where the block begins whose rows are looked at.
    block: u64,
    at: u64,
    hash: FileHasher,
    counts: ByType,
}

impl FileCheck {
    /// The row on a line of the file.
    fn row(&self, line: u64) -> RowId {
        RowId {
            run: self.file.run,
            file: self.file.number,
            line: u32::try_from(line).unwrap_or(u32::MAX),
        }
    }
}

impl<'a> Check<'a> {
    fn new(storage: &'a Arc<Storage>, plan: &'a Plan) -> Result<Self, EngineError> {
        let mut files = HashMap::new();
        let mut quarantined = HashMap::new();
        let mut amended = HashMap::new();
        for run in runs_of(storage, &plan.id)? {
            for item in storage.tables.quarantine.scan_prefix(&run_key(run)) {
                let (key, row) = item?;
                let Some(row_id) = row_of(&key) else { continue };
                if let Some(right) = storage.tables.amended.get(&key)? {
                    amended.insert(row_id, right.location);
                } else {
                    quarantined.insert(row_id, row.what.resource_type);
                }
            }
            for file in storage.files(run)? {
                files.insert(
                    (run, file.number),
                    FileCheck {
                        file,
                        block: 0,
                        at: 0,
                        hash: FileHasher::landed(),
                        counts: ByType::new(),
                    },
                );
            }
        }
        let tenant = storage.names.tenant(&plan.tenant)?;
        let mut held = HashSet::new();
        for item in storage.tables.held.scan_prefix(&tenant.to_be_bytes()) {
            held.insert(item?.1.row);
        }
        let mut decided = HashMap::new();
        let mut merged = HashMap::new();
        let mut undecided = HashSet::new();
        for item in storage.tables.conflicts.scan_prefix(&migration_key(&plan.id, &[])) {
            let mut row = item?.1;
            let row_id = row.row();
            if let Some(merging) = row.conflict.decided.as_mut().and_then(|decided| decided.merging.take()) {
                merged.insert(row_id, merging);
            }
            if let Some(resolution) = row.conflict.carried_out() {
                decided.insert(row.conflict.source_hash, (row.conflict.run, resolution));
            } else {
                undecided.insert(row_id);
                undecided.extend(row.also.iter().map(|other| other.row));
            }
        }
        Ok(Self {
            storage,
            store: EmbeddedStore::new(Arc::clone(storage)),
            plan,
            tenant,
            files,
            patients: patients(storage, plan)?,
            held,
            quarantined,
            amended,
            decided,
            merged,
            undecided,
            transforms: transforms(storage, plan)?,
            types: HashMap::new(),
            sound: HashSet::new(),
            sample: charts::draw(storage, plan, tenant)?,
            result: Verification {
                when: jiff::Timestamp::now().to_string(),
                seed: SEED,
                ..Verification::default()
            },
        })
    }

    fn landing(&mut self, progress: &mut dyn FnMut(u64, u64), stop: &dyn Fn() -> bool) -> Result<(), EngineError> {
        let segments = Arc::clone(&self.storage.segments);
        let landed = self.files.values().filter(|f| f.file.same_as.is_none());
        let total: u64 = landed.map(|f| f.file.bytes).sum();
        let mut read = 0;
        for segment in segments.ids() {
            for item in segments.headers(segment) {
                let (offset, header) = item?;
                let Some(mut check) = self.files.remove(&(header.run, header.file)) else {
                    continue;
                };
                if stop() {
                    return Err(EngineError::Cancelled);
                }
                let block = segments.block(segment, offset)?;
                if header.source_offset != check.at {
                    self.find(
                        &check.file,
                        "landing-gap",
                        header.first_line,
                        "bytes of the file are missing in the landing or there twice".to_owned(),
                    );
                }
                check.block = header.source_offset;
                check.at = header.source_offset + block.len() as u64;
                check.hash.update(&block);
                match header.piece {
                    Piece::Lines => {
                        for (line, _, text) in lines(&block, header.first_line, header.source_offset == 0) {
                            self.row(&mut check, line, text)?;
                        }
                    }
                    Piece::OversizeStart => self.oversize(&mut check, header.first_line)?,
                    Piece::OversizeRest => {}
                }
                read += block.len() as u64;
                progress(read, total);
                self.files.insert((header.run, header.file), check);
            }
        }
        Ok(())
    }

    fn row(&mut self, check: &mut FileCheck, line: u64, text: &[u8]) -> Result<(), EngineError> {
        let row = check.row(line);
        let right = self.right(row)?;
        let text = right.as_deref().unwrap_or(text);
        match check.file.kind {
            FileKind::Outcome => return Ok(()),
            FileKind::Deleted => {
                match fhir::deletions(text, Some(&self.plan.base_url)) {
                    Ok(deletions) => {
                        for (resource_type, _) in deletions.records {
                            check.counts.entry(resource_type).or_default().add(Disposition::Deleted);
                        }
                    }
                    Err(_) => self.reject(check, line, Some("Bundle")),
                }
                return Ok(());
            }
            FileKind::Output | FileKind::Attachments => {}
        }
        if self.quarantined.contains_key(&row) {
            self.reject(check, line, None);
            return Ok(());
        }
        let scan = match fhir::scan(text) {
            Ok(scan)
                if check
                    .file
                    .resource_type
                    .as_deref()
                    .is_none_or(|t| t == scan.resource_type) =>
            {
                scan
            }
            Err(_) if is_header(text) => return Ok(()),
            _ => {
                self.reject(check, line, None);
                return Ok(());
            }
        };
        if !taken_in(&check.file, check.block, scan.resource_type == "Patient") {
            return Ok(());
        }
        self.sampled(&scan, text);
        let disposition = self.disposition(check, line, &scan, row, text)?;
        check
            .counts
            .entry(scan.resource_type.to_owned())
            .or_default()
            .add(disposition);
        Ok(())
    }

    /// A row of which only the beginning was looked at.
    fn oversize(&mut self, check: &mut FileCheck, line: u64) -> Result<(), EngineError> {
        let row = check.row(line);
        if self.amended.contains_key(&row) {
            return self.row(check, line, &[]);
        }
        self.reject(check, line, None);
        Ok(())
    }

    /// The bytes that stand for those received, of a row that a person set right.
    fn right(&self, row: RowId) -> Result<Option<Vec<u8>>, EngineError> {
        if self.amended.is_empty() {
            return Ok(None);
        }
        let bytes = self.amended.get(&row).map(|bytes| self.storage.segments.read(bytes));
        Ok(bytes.transpose()?)
    }

    /// Counts a row that is not usable, and checks that it was set aside.
    fn reject(&mut self, check: &mut FileCheck, line: u64, resource_type: Option<&str>) {
        let row = check.row(line);
        let kept = self.quarantined.get(&row).cloned();
        if kept.is_none() {
            self.find(
                &check.file,
                "not-quarantined",
                line,
                "a line that is not usable was not set aside".to_owned(),
            );
        }
        let resource_type = kept
            .or_else(|| resource_type.map(ToOwned::to_owned))
            .or_else(|| check.file.resource_type.clone())
            .unwrap_or_else(|| "unknown".to_owned());
        check
            .counts
            .entry(resource_type)
            .or_default()
            .add(Disposition::Quarantined);
    }

    fn find(&mut self, file: &ExportFile, code: &str, line: u64, what: String) {
        self.result.find(Finding {
            code: code.to_owned(),
            resource_type: file.resource_type.clone().unwrap_or_default(),
            run: file.run,
            file: file.name.clone(),
            line,
            what,
        });
    }
}
