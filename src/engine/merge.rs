//! Merging as a person asks for it: the two sides of a conflict beside each other, a first proposal, and the picks that come of it.

use std::sync::Arc;

use super::error::EngineError;
use super::place::{Placer, Sides};
use crate::fhir::{self, DiffError, FieldDifference, MergeError, Picks, Survivorship};
use crate::migration::{Merging, Plan};
use crate::store::{ConflictRow, Entry, RecordKey, Storage, migration_key};

/// A merge that a person asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Proposal {
    /// What makes the first proposal.
    pub survivorship: Survivorship,
    /// What is picked by hand; it goes before what is proposed.
    pub picks: Picks,
}

/// The two sides of a conflict beside each other. It holds a patient's data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comparison {
    /// The fields in which they differ: the source's record is the left one, the destination's the right one.
    pub differences: Vec<FieldDifference>,
    /// What is picked and proposed for them; where nothing is, the destination's side stays.
    pub picks: Picks,
}

impl Proposal {
    /// In words for a report.
    pub(super) fn rule(&self) -> String {
        let way = self.survivorship.name();
        if self.picks.is_empty() {
            format!("merged by {way}")
        } else {
            format!("merged by {way} and by hand")
        }
    }

    /// The picks in the end, after a merge with them was tried.
    pub(super) fn merging(
        &self,
        placer: &Placer,
        plan: &Plan,
        row: &ConflictRow,
        target: &Entry,
    ) -> Result<Merging, EngineError> {
        placer.with_sides(row, target, |sides| {
            let compared = self.compare(sides)?;
            for path in self.picks.keys() {
                if !compared.differences.iter().any(|found| found.path == *path) {
                    return Err(EngineError::NotReady {
                        what: format!("the two records of conflict `{}` do not differ in `{path}`", row.conflict.id),
                        hint: format!("`cutover conflicts show {} {}` lists where they do", plan.id, row.conflict.id),
                    });
                }
            }
            let links = plan.merge_links && row.conflict.resource_type == "Patient" && row.conflict.source.id != row.conflict.target.id;
            if links && !placer.has_room_for_stub(row)? {
                return Err(EngineError::NotReady {
                    what: format!(
                        "the destination has another record under the id of the source's patient, so conflict `{}` cannot leave a linked record",
                        row.conflict.id
                    ),
                    hint: format!("`cutover migration set {} --write-links=false`, then merge them into one", plan.id),
                });
            }
            let merging = Merging {
                survivorship: self.survivorship,
                picks: compared.picks,
                links,
            };
            sides.merged(&merging)?;
            Ok(merging)
        })
    }

    fn compare(&self, sides: &Sides<'_>) -> Result<Comparison, EngineError> {
        let left = sides.left()?;
        let compared = |error: DiffError| EngineError::Merge(MergeError::from(error));
        let differences = fhir::diff(&left, sides.target, sides.base_url).map_err(compared)?;
        let proposed = self.survivorship.propose(&left, sides.target, sides.base_url);
        let mut picks = proposed.map_err(compared)?;
        picks.extend(self.picks.clone());
        Ok(Comparison { differences, picks })
    }
}

/// The two sides of an open conflict as they would be merged now, with what is proposed.
pub fn compare(storage: &Arc<Storage>, plan: &Plan, id: &str, proposal: &Proposal) -> Result<Comparison, EngineError> {
    with_open(storage, plan, id, |sides| proposal.compare(sides))
}

/// Shows the two sides of an open conflict to `see`.
pub(super) fn with_open<T>(
    storage: &Arc<Storage>,
    plan: &Plan,
    id: &str,
    see: impl FnOnce(&Sides<'_>) -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    let key = migration_key(&plan.id, id.as_bytes());
    let row = storage.tables.conflicts.get(&key)?;
    let row = row.ok_or_else(|| EngineError::UnknownConflict(id.to_owned()))?;
    if !row.conflict.open() {
        return Err(EngineError::AlreadyDecided(id.to_owned()));
    }
    if !storage.segments.has(&row.location) {
        return Err(EngineError::NotReady {
            what: format!("conflict `{id}` was cut off while its record was received"),
            hint: format!("`cutover run {}` goes on; look at it then", plan.id),
        });
    }
    let target = RecordKey::from_bytes(&row.target);
    let target = target.map(|key| storage.index.get(&key)).transpose()?.flatten();
    let target = target.ok_or_else(|| EngineError::UnknownConflict(id.to_owned()))?;
    Placer::new(Arc::clone(storage), plan, None, false)?.with_sides(&row, &target, see)
}
