//! Sample charts: drawn from the landing, gathered while it is read, and laid beside what the store gives back.

use std::collections::HashSet;
use std::sync::Arc;

use super::crew::blocks;
use super::ground::Ground;
use super::reader::row_id;
use super::{Check, SEED};
use crate::engine::error::EngineError;
use crate::engine::place::hex;
use crate::engine::row::lines;
use crate::engine::sample::{Draw, Drawing, Strata};
use crate::engine::tally::runs_of;
use crate::engine::trail::trail;
use crate::fhir;
use crate::migration::{ChartVerdict, FileKind, Plan, SampleRecord};
use crate::store::{Piece, Storage, migration_key, run_key};

/// A draw for a migration: what the ledger knows of its patients' strata, and whom the practice names.
pub fn draw(storage: &Arc<Storage>, plan: &Plan, tenant: u16) -> Result<Draw, EngineError> {
    let mut strata = Strata::default();
    let runs = runs_of(storage, &plan.id)?;
    strata.counted = (runs.len() > 1).then(HashSet::new);
    if let Some(first) = runs.first() {
        let started = storage.tables.runs.get(&run_key(*first))?.map(|info| info.started);
        // The same on every day, so that the same patients are drawn.
        let year = started.and_then(|started| started.get(..4)?.parse().ok());
        strata.year = year.unwrap_or_default();
    }
    for item in storage.tables.conflicts.scan_prefix(&migration_key(&plan.id, &[])) {
        let conflict = item?.1.conflict;
        if conflict.resource_type != "Patient" {
            continue;
        }
        let own = storage.key(tenant, "Patient", &conflict.source.id)?;
        let joined = storage
            .tables
            .crosswalk
            .get(&crate::engine::crosswalk::mapping_key(&plan.id, &own))?;
        let set = if joined.is_some() {
            &mut strata.merged
        } else {
            &mut strata.decided
        };
        set.insert(conflict.source.id);
    }
    let named = plan.chart_patients.iter();
    let named = named.map(|id| id.strip_prefix("Patient/").unwrap_or(id).to_owned());
    Ok(Draw::new(SEED, strata, named))
}

impl Check<'_> {
    /// Draws the sample from the patients in the landing: first what tells their strata is read, then they themselves.
    pub(super) fn draw(&mut self, stop: &dyn Fn() -> bool) -> Result<(), EngineError> {
        let judgements = trail(self.ground.storage, &self.ground.plan.id)?.judgements;
        let failed = |id: &str, storage: &Storage| {
            let judgement = judgements.get(&hex(&storage.id_hash(id)));
            judgement.is_some_and(|judgement| judgement.verdict == ChartVerdict::Failed)
        };
        self.files_of(&Strata::TYPES, stop, &mut |draw, scan, _| {
            if Strata::TYPES.contains(&scan.resource_type) {
                draw.counts(scan.resource_type, scan.id, scan.patient);
            }
        })?;
        let storage = Arc::clone(self.ground.storage);
        self.files_of(&["Patient"], stop, &mut |draw, scan, text| {
            if scan.resource_type == "Patient" {
                let failed = !judgements.is_empty() && failed(scan.id, &storage);
                draw.offer(scan.id, text, failed);
            }
        })?;
        (self.result.acceptance, self.result.unknown_patients) = self.sample.close();
        Ok(())
    }

    /// Reads the records of every file that has some of these types, or may have.
    fn files_of(
        &mut self,
        types: &[&str],
        stop: &dyn Fn() -> bool,
        each: &mut dyn FnMut(&mut Draw, &fhir::Scan<'_>, &[u8]),
    ) -> Result<(), EngineError> {
        let segments = &self.ground.storage.segments;
        for at in blocks(self.ground) {
            let at = at?;
            let file = &self.ground.files[&(at.header.run, at.header.file)];
            let own = file.resource_type.as_deref();
            let meant = file.kind == FileKind::Output && own.is_none_or(|own| types.contains(&own));
            if !meant || at.header.piece != Piece::Lines {
                continue;
            }
            if stop() {
                return Err(EngineError::Cancelled);
            }
            let block = segments.block(at.segment, at.offset)?;
            for (line, _, text) in lines(&block, at.header.first_line, at.header.source_offset == 0) {
                let right = self.ground.right(row_id(file, line))?;
                let text = right.as_deref().unwrap_or(text);
                if let Ok(scan) = fhir::scan(text) {
                    each(&mut self.sample, &scan, text);
                }
            }
        }
        Ok(())
    }

    /// Lays every drawn chart beside what the store gives back, and puts both sides into the ledger in the place of former ones.
    pub(super) fn charts(&mut self) -> Result<(), EngineError> {
        let tables = &self.ground.storage.tables;
        let prefix = migration_key(&self.ground.plan.id, &[]);
        for item in tables.sample_records.scan_prefix(&prefix) {
            tables.sample_records.remove(&item?.0)?;
        }
        for item in tables.samples.scan_prefix(&prefix) {
            tables.samples.remove(&item?.0)?;
        }
        let none = Draw::new(SEED, Strata::default(), []);
        for drawing in std::mem::replace(&mut self.sample, none).into_charts() {
            self.result.samples += 1;
            *self.result.strata.entry(drawing.patient.stratum.clone()).or_default() += 1;
            self.chart(drawing)?;
        }
        Ok(())
    }

    fn chart(&self, drawing: Drawing) -> Result<(), EngineError> {
        let tables = &self.ground.storage.tables;
        let mut patient = drawing.patient;
        let number = patient.number.to_be_bytes();
        let patient_hash = self.ground.storage.id_hash(&patient.id);
        let mut said = patient_hash.to_vec();
        for ((resource_type, id), received) in drawing.records {
            let own = self.ground.storage.key(self.ground.tenant, &resource_type, &id)?;
            let key = self.ground.patients.crosswalk.place(self.ground.storage, own);
            let target = match self.ground.storage.index.get(&key)?.filter(|entry| !entry.deleted) {
                Some(entry) => Some(self.ground.store.read(&entry)?),
                None => None,
            };
            said.extend(received.said);
            said.extend(target.as_deref().map_or([0; 16], |target| self.ground.said(target)));
            let Some(source) = received.line else {
                patient.left_out += 1;
                continue;
            };
            let same = target
                .as_deref()
                .is_some_and(|target| self.ground.same(source.as_bytes(), target));
            let target = target.map(|target| String::from_utf8_lossy(&target).into_owned());
            let key = [&number[..], &patient.records.to_be_bytes()].concat();
            let record = SampleRecord { source, target, same };
            tables
                .sample_records
                .put(&migration_key(&self.ground.plan.id, &key), &record)?;
            patient.records += 1;
            patient.differing += u32::from(!same);
        }
        patient.patient = hex(&patient_hash);
        patient.content = hex(&self.ground.storage.content_hash(&said));
        tables
            .samples
            .put(&migration_key(&self.ground.plan.id, &number), &patient)?;
        Ok(())
    }
}

impl Ground<'_> {
    /// Whether a stored record is what the migration makes of a received one.
    fn same(&self, source: &[u8], target: &[u8]) -> bool {
        let changed = self.transforms.apply(source).unwrap_or_default();
        let source = changed.as_ref().map_or(source, |changed| &changed.line);
        let expected = self.patients.repoint(self.storage, source, self.base());
        let expected = fhir::canonical_hash(expected.as_deref().unwrap_or(source), self.base());
        matches!((expected, fhir::canonical_hash(target, self.base())), (Ok(a), Ok(b)) if a == b)
    }

    /// Keyed hash of what a record says; of its bytes where that cannot be told.
    pub(super) fn said(&self, record: &[u8]) -> [u8; 16] {
        match fhir::canonical_hash(record, self.base()) {
            Ok(said) => self.storage.content_hash(&said),
            Err(_) => self.storage.content_hash(record),
        }
    }
}
