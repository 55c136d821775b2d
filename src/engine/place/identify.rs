//! Identifying: whom of the destination's patients an arriving one may be, who is new there under its own id.

use std::cmp::Ordering;

use super::meeting::{Meeting, contradictions, id_of};
use super::{Known, Placer};
use crate::engine::error::EngineError;
use crate::engine::known;
use crate::engine::patient_facts::PatientFacts;
use crate::engine::row::Record;
use crate::fhir::{Comparison, Element, Grade, Level, compare};
use crate::migration::ConflictKind;
use crate::store::{Entry, Location, RecordKey, RowId, Writer};

/// How alike two of one source's own people must be for a question.
const WITHIN: Grade = Grade::Probable;
/// The most patients who are looked at again for one who arrives.
const MOST: usize = 8;

impl Placer {
    /// The patient of the destination whom an arriving one meets: by MRN, else the one most like it.
    pub(super) fn whom(
        &mut self,
        writer: &mut Writer,
        row: RowId,
        place: Location,
        record: &Record,
        facts: &PatientFacts,
    ) -> Result<Option<Meeting>, EngineError> {
        // The destination's own people know who is who.
        if facts.replaced || self.local {
            return Ok(None);
        }
        if let Some((key, target)) = self.same_mrn(writer, facts, record.key)? {
            return Ok(Some(self.person_met(writer, place, facts, key, target)?));
        }
        self.most_like(writer, row, place, record, facts)
    }

    /// Takes note of a patient as the source knows them, for those that come after.
    pub(super) fn acquaint(&mut self, record: &Record, key: RecordKey) {
        if let Some(facts) = record.patient.as_ref().filter(|facts| !facts.replaced)
            && let Some(known) = &mut self.known
        {
            known.add(key, &facts.traits);
        }
    }

    /// Lets go of the patients whom the destination knows; they are read again for the next one who arrives.
    pub fn forget_known(&mut self) {
        self.known = None;
    }

    /// Takes note of a patient who was merged, for those that come after.
    pub(super) fn acquaint_merged(
        &mut self,
        writer: &mut Writer,
        record: &Record,
        entry: &Entry,
        key: RecordKey,
    ) -> Result<(), EngineError> {
        if record.patient.is_some()
            && let Some(known) = &mut self.known
            && let Some(traits) = known::traits(&writer.read(&entry.location)?, entry, &self.systems)
        {
            known.add(key, &traits);
        }
        Ok(())
    }

    fn most_like(
        &mut self,
        writer: &mut Writer,
        row: RowId,
        place: Location,
        record: &Record,
        facts: &PatientFacts,
    ) -> Result<Option<Meeting>, EngineError> {
        if self.known.is_none() {
            self.known = Some(Known::read(&self.storage, writer, self.tenant, &self.systems)?);
        }
        let found = self
            .known
            .as_ref()
            .map(|known| known.like(&facts.traits))
            .unwrap_or_default();
        let mut best: Option<Meeting> = None;
        for (key, comparison) in found.into_iter().take(MOST) {
            let linked = facts.links.contains(&key.id());
            if key == record.key || linked || self.patients.apart.contains(&(record.key.id(), key)) {
                continue;
            }
            // Reading both sides costs more than everything else: what could not be asked about is not read.
            if comparison.grade < WITHIN && self.within(writer, key)? {
                continue;
            }
            let Some(meeting) = self.still_there(writer, place, facts, key)? else {
                continue;
            };
            // A question that was asked before stays the same question, though somebody more alike may have come since.
            if self.conflict(row, record, &meeting)?.1.is_some() {
                return Ok(Some(meeting));
            }
            let surer = |best: &Meeting| match sureness(best).cmp(&sureness(&meeting)) {
                Ordering::Less => true,
                Ordering::Equal => self.met.get(&row) == Some(&meeting.target_key),
                Ordering::Greater => false,
            };
            if best.as_ref().is_none_or(surer) {
                best = Some(meeting);
            }
        }
        Ok(best)
    }

    /// A meeting with a patient as they are now, if they are there and still like the one who arrives.
    fn still_there(
        &mut self,
        writer: &mut Writer,
        place: Location,
        facts: &PatientFacts,
        key: RecordKey,
    ) -> Result<Option<Meeting>, EngineError> {
        let target = writer.pending.get(&self.storage.index, &key)?;
        let Some(target) = target.filter(|target| !target.deleted) else {
            return Ok(None);
        };
        let meeting = self.person_met(writer, place, facts, key, target)?;
        let grade = meeting.comparison.as_ref().map_or(Grade::None, |found| found.grade);
        let alike = if meeting.kind == ConflictKind::DuplicateInSource {
            // The source keeps them apart, and knows its people better than we do: only what speaks for one person throughout is asked.
            grade >= WITHIN && meeting.contradictions.is_empty()
        } else {
            grade > Grade::None
        };
        Ok(alike.then_some(meeting))
    }

    /// Whether a patient of the destination came from the source that is being received.
    fn within(&mut self, writer: &Writer, key: RecordKey) -> Result<bool, EngineError> {
        match writer.pending.get(&self.storage.index, &key)? {
            Some(target) => self.same_source(&target),
            None => Ok(false),
        }
    }

    fn same_source(&mut self, target: &Entry) -> Result<bool, EngineError> {
        Ok(!target.local && !self.foreign(target)?)
    }

    fn person_met(
        &mut self,
        writer: &mut Writer,
        place: Location,
        facts: &PatientFacts,
        target_key: RecordKey,
        target: Entry,
    ) -> Result<Meeting, EngineError> {
        let source_line = self.transforms.of_landed(writer.read(&place)?);
        let target_line = writer.read(&target.location)?;
        let theirs = known::traits(&target_line, &target, &self.systems);
        let comparison = theirs.map(|theirs| compare(&theirs, &facts.traits));
        let within = self.same_source(&target)?;
        let number = comparison
            .as_ref()
            .is_none_or(|found| found.level(Element::Mrn) == Level::Same);
        let certain = comparison.as_ref().is_some_and(|found| found.grade == Grade::Certain);
        Ok(Meeting {
            source_id: id_of(&source_line),
            target_id: id_of(&target_line),
            contradictions: contradictions(&source_line, &target_line),
            kind: match () {
                // Two records of one source are two until a person says otherwise, or the source does (`Patient.link`).
                () if within => ConflictKind::DuplicateInSource,
                () if number => ConflictKind::MrnInUse,
                () => ConflictKind::SamePerson,
            },
            settled: certain && !within,
            comparison,
            source_line,
            target_key,
            target,
        })
    }

    fn same_mrn(
        &self,
        writer: &Writer,
        facts: &PatientFacts,
        own: RecordKey,
    ) -> Result<Option<(RecordKey, Entry)>, EngineError> {
        for mrn in &facts.mrns {
            for key in writer.pending.patients_with(&self.storage.index, mrn)? {
                if key == own || self.patients.apart.contains(&(own.id(), key)) {
                    continue;
                }
                if let Some(entry) = writer.pending.get(&self.storage.index, &key)?
                    && !entry.deleted
                {
                    return Ok(Some((key, entry)));
                }
            }
        }
        Ok(None)
    }
}

fn sureness(meeting: &Meeting) -> Option<(Grade, i32)> {
    meeting
        .comparison
        .as_ref()
        .map(|found: &Comparison| (found.grade, found.score))
}
