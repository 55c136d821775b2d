//! Verification: everything that was received against everything that the store gives back.
//!
//! The landing is read once more, block by block. Each file's bytes must have the hash that was computed while they arrived. Each row's
//! disposition is worked out again from ledger and index, and each stored record is read back through the store and compared.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use aws_lc_rs::digest;

use super::error::EngineError;
use super::patients::{PatientMap, patients};
use super::place::hex;
use super::row::{is_header, lines};
use super::sample::{Draw, SAMPLE_SIZE};
use super::tally::{describe, recorded_counts, runs_of};
use crate::fhir::{self, Kind};
use crate::migration::{ByType, Disposition, ExportFile, FileKind, Finding, Plan, Resolution, Verification};
use crate::store::{Entry, Piece, RecordKey, RowId, Storage, migration_key, row_of, run_key};
use crate::target::EmbeddedStore;

/// Seed of the sample draw; the same patients are drawn every time, so a second look is a look at the same charts.
pub const SEED: u64 = 8841;

/// References remembered as leading somewhere; beyond that they are forgotten and looked up again.
const SOUND_REFERENCES: usize = 1 << 17;

/// Verifies all runs of a migration; `progress` is told how many bytes of how many were read.
pub fn verify(
    storage: &Arc<Storage>,
    plan: &Plan,
    progress: &mut dyn FnMut(u64, u64),
    stop: &dyn Fn() -> bool,
) -> Result<Verification, EngineError> {
    let mut check = Check::new(storage, plan)?;
    check.draw(progress, stop)?;
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
    /// By hash of the received bytes: a decision holds for exactly this content, whichever row brings it.
    decided: HashMap<String, Option<Resolution>>,
    types: HashMap<String, bool>,
    /// Hashes of references that lead somewhere: most point at the same patients and visits.
    sound: HashSet<u128>,
    sample: Draw,
    result: Verification,
}

struct FileCheck {
    file: ExportFile,
    at: u64,
    hash: digest::Context,
    counts: ByType,
}

impl<'a> Check<'a> {
    fn new(storage: &'a Arc<Storage>, plan: &'a Plan) -> Result<Self, EngineError> {
        let mut files = HashMap::new();
        let mut quarantined = HashMap::new();
        for run in runs_of(storage, &plan.id)? {
            for item in storage.tables.quarantine.scan_prefix(&run_key(run)) {
                let (key, row) = item?;
                if let Some(row_id) = row_of(&key) {
                    quarantined.insert(row_id, row.what.resource_type);
                }
            }
            for file in storage.files(run)? {
                files.insert(
                    (run, file.number),
                    FileCheck {
                        file,
                        at: 0,
                        hash: digest::Context::new(&digest::SHA256),
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
        for item in storage.tables.conflicts.scan_prefix(&migration_key(&plan.id, &[])) {
            let conflict = item?.1.conflict;
            let resolution = conflict.decided.filter(|_| conflict.applied).map(|d| d.resolution);
            decided.insert(conflict.source_hash, resolution);
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
            decided,
            types: HashMap::new(),
            sound: HashSet::new(),
            sample: Draw::new(SEED),
            result: Verification {
                when: jiff::Timestamp::now().to_string(),
                seed: SEED,
                ..Verification::default()
            },
        })
    }

    /// Draws the sample from the patients in the landing.
    fn draw(&mut self, _progress: &mut dyn FnMut(u64, u64), stop: &dyn Fn() -> bool) -> Result<(), EngineError> {
        for segment in self.storage.segments.ids() {
            for item in self.storage.segments.headers(segment) {
                let (offset, header) = item?;
                let patients = self.files.get(&(header.run, header.file)).is_some_and(|f| {
                    f.file.kind == FileKind::Output && f.file.resource_type.as_deref().is_none_or(|t| t == "Patient")
                });
                if !patients || header.piece != Piece::Lines {
                    continue;
                }
                if stop() {
                    return Err(EngineError::Cancelled);
                }
                let block = self.storage.segments.block(segment, offset)?;
                for (_, _, text) in lines(&block, header.first_line, header.source_offset == 0) {
                    if let Ok(scan) = fhir::scan(text)
                        && scan.resource_type == "Patient"
                    {
                        self.sample.offer(scan.id, text);
                    }
                }
            }
        }
        self.sample.close(SAMPLE_SIZE);
        Ok(())
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
                check.at = header.source_offset + block.len() as u64;
                check.hash.update(&block);
                match header.piece {
                    Piece::Lines => {
                        for (line, _, text) in lines(&block, header.first_line, header.source_offset == 0) {
                            self.row(&mut check, line, text)?;
                        }
                    }
                    Piece::OversizeStart => self.reject(&mut check, header.first_line, None)?,
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
        let row = RowId {
            run: check.file.run,
            file: check.file.number,
            line: u32::try_from(line).unwrap_or(u32::MAX),
        };
        match check.file.kind {
            FileKind::Outcome => return Ok(()),
            FileKind::Deleted => {
                match fhir::deletions(text, Some(&self.plan.base_url)) {
                    Ok(deletions) => {
                        for (resource_type, _) in deletions.records {
                            check.counts.entry(resource_type).or_default().add(Disposition::Deleted);
                        }
                    }
                    Err(_) => self.reject(check, line, Some("Bundle"))?,
                }
                return Ok(());
            }
            FileKind::Output | FileKind::Attachments => {}
        }
        if self.quarantined.contains_key(&row) {
            return self.reject(check, line, None);
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
            _ => return self.reject(check, line, None),
        };
        self.sample.received(scan.id, scan.resource_type, scan.patient, text);
        let disposition = self.disposition(check, line, &scan, row, text)?;
        check
            .counts
            .entry(scan.resource_type.to_owned())
            .or_default()
            .add(disposition);
        Ok(())
    }

    fn disposition(
        &mut self,
        check: &FileCheck,
        line: u64,
        scan: &fhir::Scan<'_>,
        row: RowId,
        text: &[u8],
    ) -> Result<Disposition, EngineError> {
        if self.held.contains(&row) {
            return Ok(Disposition::Held);
        }
        let own = self.storage.key(self.tenant, scan.resource_type, scan.id)?;
        let key = self.target_key(scan, own)?;
        let hash = self.storage.content_hash(text);
        let decided = if self.decided.is_empty() {
            None
        } else {
            self.decided.get(&hex(&hash)).copied()
        };
        match decided {
            Some(None) => return Ok(Disposition::Undecided),
            Some(Some(Resolution::KeepTarget)) => return Ok(Disposition::Kept),
            Some(Some(Resolution::KeepSource | Resolution::KeepBoth)) | None => {}
        }
        let Some(entry) = self.storage.index.get(&key)? else {
            self.find(
                &check.file,
                "missing",
                line,
                format!("the {} is not in the store", scan.resource_type),
            );
            return Ok(Disposition::Stored);
        };
        if let Some(version) = self.version_of(&key, entry, row)? {
            if !entry.deleted && version == entry {
                self.compare(check, line, scan, &entry, text)?;
                self.references(text)?;
            }
            return Ok(Disposition::Stored);
        }
        if entry.hash == hash || self.was_there(&key, entry, hash)? {
            return Ok(Disposition::Unchanged);
        }
        let base = Some(self.plan.base_url.as_str());
        let stored = self.storage.bytes(&entry)?;
        if matches!((fhir::canonical_hash(text, base), fhir::canonical_hash(&stored, base)), (Ok(a), Ok(b)) if a == b) {
            return Ok(Disposition::Unchanged);
        }
        self.find(
            &check.file,
            "content-differs",
            line,
            format!(
                "the store has the {} with other content, and no decision explains it",
                scan.resource_type
            ),
        );
        Ok(Disposition::Stored)
    }

    /// The version of a record that a row put there.
    fn version_of(&self, key: &RecordKey, current: Entry, row: RowId) -> Result<Option<Entry>, EngineError> {
        let mut version = current;
        loop {
            if version.row == row {
                return Ok(Some(version));
            }
            match self.storage.index.before(key, version.version)? {
                Some(older) => version = older,
                None => return Ok(None),
            }
        }
    }

    /// Whether some version of a record had this content.
    fn was_there(&self, key: &RecordKey, current: Entry, hash: [u8; 16]) -> Result<bool, EngineError> {
        let mut version = current;
        while let Some(older) = self.storage.index.before(key, version.version)? {
            if older.hash == hash {
                return Ok(true);
            }
            version = older;
        }
        Ok(false)
    }

    fn target_key(&self, scan: &fhir::Scan<'_>, own: RecordKey) -> Result<RecordKey, EngineError> {
        if scan.resource_type == "Patient"
            && let Some(target) = self.patients.crosswalk.get(&own.id())
        {
            return Ok(self.storage.key(self.tenant, "Patient", target)?);
        }
        Ok(own)
    }

    /// Reads a stored record back and compares it with the row that it came from.
    fn compare(
        &mut self,
        check: &FileCheck,
        line: u64,
        scan: &fhir::Scan<'_>,
        entry: &Entry,
        text: &[u8],
    ) -> Result<(), EngineError> {
        let read = self.store.read(entry)?;
        self.sample.stored(scan.id, scan.resource_type, scan.patient, &read);
        self.result.compared += 1;
        let base = Some(self.plan.base_url.as_str());
        // Byte for byte but for what the migration adds is the strongest equality there is.
        if !entry.rewritten && fhir::unstamp(&read, &self.plan.tenant, base) == text {
            return Ok(());
        }
        let crosswalk = |resource_type: &str, id: &str| {
            let target = self
                .patients
                .crosswalk
                .get(&self.storage.id_hash(id))
                .filter(|_| resource_type == "Patient")?;
            Some(format!("Patient/{target}"))
        };
        let expected = fhir::rewrite(text, base, crosswalk).unwrap_or_else(|| text.to_vec());
        let same = matches!((fhir::canonical_hash(&expected, base), fhir::canonical_hash(&read, base)), (Ok(a), Ok(b)) if a == b);
        if !same {
            self.find(
                &check.file,
                "content-differs",
                line,
                format!(
                    "the {} read back from the store differs from what was received",
                    scan.resource_type
                ),
            );
        }
        Ok(())
    }

    fn references(&mut self, text: &[u8]) -> Result<(), EngineError> {
        for found in fhir::references(text) {
            self.result.references += 1;
            let hash = xxhash_rust::xxh3::xxh3_128(found.text.as_bytes());
            if self.sound.contains(&hash) {
                continue;
            }
            let kind = match fhir::classify(&found.text, Some(&self.plan.base_url)) {
                Kind::Contained => continue,
                Kind::Local { resource_type, id, .. } => {
                    if self.leads_somewhere(resource_type, id)? {
                        if self.sound.len() >= SOUND_REFERENCES {
                            self.sound.clear();
                        }
                        self.sound.insert(hash);
                        continue;
                    }
                    if self.type_is_there(resource_type)? {
                        "id-not-exported"
                    } else {
                        "type-not-exported"
                    }
                }
                Kind::Urn => "urn",
                Kind::Conditional => "conditional",
                Kind::External => "external",
                Kind::Malformed => "malformed",
            };
            *self.result.dangling.entry(kind.to_owned()).or_default() += 1;
        }
        Ok(())
    }

    fn leads_somewhere(&self, resource_type: &str, id: &str) -> Result<bool, EngineError> {
        let id_hash = self.storage.id_hash(id);
        let key = match self
            .patients
            .crosswalk
            .get(&id_hash)
            .filter(|_| resource_type == "Patient")
        {
            Some(target) => self.storage.key(self.tenant, resource_type, target)?,
            None => self.storage.key(self.tenant, resource_type, id)?,
        };
        Ok(self.storage.index.get(&key)?.is_some_and(|e| !e.deleted))
    }

    fn type_is_there(&mut self, resource_type: &str) -> Result<bool, EngineError> {
        if let Some(known) = self.types.get(resource_type) {
            return Ok(*known);
        }
        let number = self.storage.names.resource_type(resource_type)?;
        let there = self
            .storage
            .index
            .scan(&RecordKey::prefix(self.tenant, number))
            .next()
            .is_some();
        self.types.insert(resource_type.to_owned(), there);
        Ok(there)
    }

    /// Counts a row that is not usable, and checks that it was set aside.
    fn reject(&mut self, check: &mut FileCheck, line: u64, resource_type: Option<&str>) -> Result<(), EngineError> {
        let row = RowId {
            run: check.file.run,
            file: check.file.number,
            line: u32::try_from(line).unwrap_or(u32::MAX),
        };
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
        Ok(())
    }

    /// Compares each file as a whole with what was recorded of it.
    fn files(&mut self) -> Result<(), EngineError> {
        let mut files: Vec<_> = std::mem::take(&mut self.files).into_values().collect();
        files.sort_by_key(|f| (f.file.run, f.file.number));
        let landed: HashMap<(u32, u32), Option<String>> = files
            .iter()
            .filter(|f| f.file.same_as.is_none())
            .map(|f| ((f.file.run, f.file.number), f.file.sha256.clone()))
            .collect();
        for check in files {
            let file = check.file;
            if let Some(origin) = file.same_as {
                // Compared byte for byte when it came; the rows themselves are verified where they are landed.
                if landed.get(&origin) != Some(&file.sha256) {
                    self.find(
                        &file,
                        "landing-short",
                        0,
                        "the file that it equals is not landed".to_owned(),
                    );
                }
                for (resource_type, counts) in &file.counts {
                    let sum = self.result.counts.entry(resource_type.clone()).or_default();
                    sum.merge(counts);
                }
                continue;
            }
            if check.at != file.bytes {
                self.find(
                    &file,
                    "landing-short",
                    0,
                    format!("the landing has {} of {} bytes", check.at, file.bytes),
                );
            }
            if let Some(expected) = &file.sha256
                && *expected != hex(check.hash.finish().as_ref())
            {
                self.find(
                    &file,
                    "landing-altered",
                    0,
                    "the landed bytes do not have the hash they had when they were received".to_owned(),
                );
            }
            for (resource_type, counts) in &check.counts {
                self.result
                    .counts
                    .entry(resource_type.clone())
                    .or_default()
                    .merge(counts);
            }
        }
        let mut recorded = recorded_counts(self.storage, &self.plan.id)?;
        recorded.retain(|_, counts| counts.rows > 0);
        let differing: Vec<String> = recorded
            .keys()
            .chain(self.result.counts.keys())
            .filter(|t| recorded.get(*t) != self.result.counts.get(*t))
            .cloned()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        for resource_type in differing {
            self.result.find(Finding {
                code: "counts-differ".to_owned(),
                run: 0,
                file: String::new(),
                line: 0,
                what: format!(
                    "the counts kept while {resource_type} was taken in differ from those found now: {} against {}",
                    describe(recorded.get(&resource_type)),
                    describe(self.result.counts.get(&resource_type)),
                ),
                resource_type,
            });
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Verification, EngineError> {
        let tables = &self.storage.tables;
        let prefix = migration_key(&self.plan.id, &[]);
        let old: Vec<Vec<u8>> = tables
            .sample_records
            .scan_prefix(&prefix)
            .map(|item| item.map(|(key, _)| key))
            .collect::<Result<_, _>>()?;
        for key in old {
            tables.sample_records.remove(&key)?;
        }
        for (patient, records) in self.sample.into_charts() {
            self.result.samples += 1;
            let number = patient.number.to_be_bytes();
            for (at, record) in (0_u32..).zip(&records) {
                let key = [&number[..], &at.to_be_bytes()].concat();
                tables.sample_records.put(&migration_key(&self.plan.id, &key), record)?;
            }
            tables.samples.put(&migration_key(&self.plan.id, &number), &patient)?;
        }
        tables.verifications.put(self.plan.id.as_bytes(), &self.result)?;
        self.storage.workspace.ledger().durable()?;
        Ok(self.result)
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
