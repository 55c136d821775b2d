//! Weighing: which of two versions a policy or a person lets stand.

use super::Placer;
use super::meeting::Meeting;
use crate::engine::error::EngineError;
use crate::engine::row::Record;
use crate::fhir;
use crate::migration::{
    Decided, Decision, Disposition, Origin, Policy, Resolution, TargetVersion, Version, Winner, decide,
};
use crate::store::{ConflictRow, Entry, Location, RecordKey, RowId, Writer};

impl Placer {
    /// What a policy says of a conflict; `None` when it leaves it to a person.
    pub fn would(
        &mut self,
        writer: &Writer,
        row: &ConflictRow,
        policy: Policy,
    ) -> Result<Option<(Resolution, String)>, EngineError> {
        if row.conflict.kind.asks_who() {
            // Whether two people are one is never decided by a date.
            return Ok(None);
        }
        let target = self.target_of(writer, row)?;
        let source_line = self.transforms.of_landed(self.storage.segments.read(&row.location)?);
        let target_line = self.storage.segments.read(&target.location)?;
        let key =
            RecordKey::from_bytes(&row.target).ok_or_else(|| EngineError::UnknownConflict(row.conflict.id.clone()))?;
        let first_met = row.conflict.kind.between_two();
        let decision = self.weigh(policy, &source_line, &target_line, &key, &target, first_met)?;
        let resolution = match decision.winner {
            Winner::Source => Resolution::KeepSource,
            Winner::Target => Resolution::KeepTarget,
            Winner::Undecided => return Ok(None),
        };
        Ok(Some((resolution, decision.rule.name().to_owned())))
    }

    /// Carries out a person's decision on a conflict and says what became of its row.
    pub fn decided(
        &mut self,
        writer: &mut Writer,
        id: RowId,
        place: Location,
        record: &Record,
        row: &ConflictRow,
        resolution: Resolution,
    ) -> Result<Disposition, EngineError> {
        let target = self.target_of(writer, row)?;
        if target.row == id {
            // Carried out before, and cut off before that was noted.
            return Ok(Disposition::Stored);
        }
        let meeting = Meeting {
            source_id: row.conflict.source.id.clone(),
            source_line: self.transforms.of_landed(writer.read(&place)?),
            target_key: RecordKey::from_bytes(&row.target).unwrap_or(record.key),
            target,
            target_id: row.conflict.target.id.clone(),
            contradictions: Vec::new(),
            kind: row.conflict.kind,
            comparison: None,
            settled: true,
        };
        self.carry_out(writer, id, place, record, &meeting, resolution)
    }

    /// The destination's side of a conflict, what is pending included.
    pub fn target_of(&self, writer: &Writer, row: &ConflictRow) -> Result<Entry, EngineError> {
        let target = self.target_now(writer, row)?;
        target.ok_or_else(|| EngineError::UnknownConflict(row.conflict.id.clone()))
    }

    /// The same, if it is there.
    pub fn target_now(&self, writer: &Writer, row: &ConflictRow) -> Result<Option<Entry>, EngineError> {
        let key = RecordKey::from_bytes(&row.target);
        let get = |key| writer.pending.get(&self.storage.index, &key);
        Ok(key.map(get).transpose()?.flatten())
    }

    pub(super) fn by_policy(
        &mut self,
        writer: &mut Writer,
        record: &Record,
        meeting: &Meeting,
    ) -> Result<Option<Decided>, EngineError> {
        // Whether two people are one is never decided by a date.
        if !meeting.contradictions.is_empty() || !meeting.settled {
            return Ok(None);
        }
        let policy = self.policies.get(&record.key.resource_type()).copied();
        let policy = policy.unwrap_or(self.policy);
        let decision = self.decision(writer, record, meeting, policy)?;
        let resolution = match decision.winner {
            // Only a person undoes what a person put together.
            Winner::Source if meeting.target.merged => return Ok(None),
            Winner::Source => Resolution::KeepSource,
            Winner::Target => Resolution::KeepTarget,
            Winner::Undecided => return Ok(None),
        };
        Ok(Some(Decided {
            resolution,
            merging: None,
            policy: Some(policy),
            rule: decision.rule.name().to_owned(),
            who: "policy".to_owned(),
            name: None,
            why: None,
            when: jiff::Timestamp::now().to_string(),
            seq: None,
            landed: None,
            before: None,
            after: None,
        }))
    }

    pub(super) fn decision(
        &mut self,
        writer: &mut Writer,
        record: &Record,
        meeting: &Meeting,
        policy: Policy,
    ) -> Result<Decision, EngineError> {
        let target_line = writer.read(&meeting.target.location)?;
        let known = self.patients.crosswalk.get(&record.key).is_some() && !self.foreign(&meeting.target)?;
        let first_met = meeting.target_key != record.key && !known;
        self.weigh(
            policy,
            &meeting.source_line,
            &target_line,
            &meeting.target_key,
            &meeting.target,
            first_met,
        )
    }

    /// What a policy says of two versions; `first_met` when it is not yet known that they are one record.
    pub(super) fn weigh(
        &self,
        policy: Policy,
        source_line: &[u8],
        target_line: &[u8],
        key: &RecordKey,
        target: &Entry,
        first_met: bool,
    ) -> Result<Decision, EngineError> {
        let source = Version::read(source_line, self.transaction_time.as_deref()).unwrap_or_default();
        let version = Version::read(target_line, None).unwrap_or_default();
        let recorded = |entry: &Entry| entry.last_updated.and_then(fhir::instant::from_micros);
        let origin = if first_met {
            Origin::Theirs
        } else if target.merged {
            Origin::EditedSince {
                recorded: recorded(target),
            }
        } else if target.local {
            match self
                .storage
                .index
                .before(key, target.version)?
                .filter(|before| !before.local)
            {
                Some(before) => Origin::EditedSince {
                    recorded: recorded(&before),
                },
                None => Origin::Theirs,
            }
        } else {
            Origin::Ours {
                recorded: recorded(target),
            }
        };
        Ok(decide(policy, &source, &TargetVersion { version, origin }))
    }

    /// Whether the destination's version is one that this migration wrote.
    pub(super) fn ours(&mut self, record: &Record, meeting: &Meeting) -> Result<bool, EngineError> {
        let target = &meeting.target;
        if target.local || target.merged {
            return Ok(false);
        }
        let known = self.patients.crosswalk.get(&record.key).is_some();
        Ok(meeting.target_key == record.key || known && !self.foreign(target)?)
    }

    /// Whether a record came from another source than this migration's.
    pub(super) fn foreign(&mut self, entry: &Entry) -> Result<bool, EngineError> {
        if entry.local || self.local {
            return Ok(false);
        }
        let run = entry.row.run;
        let source = if let Some(source) = self.sources.get(&run) {
            source.clone()
        } else {
            let info = self.storage.tables.runs.get(&crate::store::run_key(run))?;
            let source = info.and_then(|i| i.base_url);
            self.sources.insert(run, source.clone());
            source
        };
        Ok(source != self.base_url)
    }
}
