//! Undo: decisions taken back, with everything that came of them. The store is then as if they had never been made.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::carry_out::carry_out_pending;
use super::error::EngineError;
use super::recorder::Recorder;
use super::reversal::Planned;
use super::taken_back::TakenBack;
use crate::migration::{By, Conflict, Plan};
use crate::store::{Reversal, Storage, migration_key};

/// Which decisions are meant. What a policy decided while rows were taken in is only meant by its id or by `policy`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// Those on these conflicts.
    Of(Vec<String>),
    /// The latest ones, so many.
    Last(usize),
    /// Those from this entry of the journal on.
    SinceEntry(u64),
    /// Those from this time on.
    SinceTime(jiff::Timestamp),
    /// Those of this person, by login or name; `policy` for those that no person made.
    By(String),
    /// All that a person made.
    All,
}

/// Takes decisions back, or only says what that would come to.
pub fn undo(
    storage: &Arc<Storage>,
    plan: &Plan,
    recorder: &Recorder,
    which: &Which,
    by: &By,
    force: bool,
    dry_run: bool,
) -> Result<TakenBack, EngineError> {
    carry_out_pending(storage, plan)?;
    let chosen = match which {
        Which::Of(ids) => named(storage, plan, ids)?,
        _ => meant(storage, plan, which)?,
    };
    if chosen.is_empty() {
        return Ok(TakenBack::default());
    }
    let note = Reversal {
        decisions: chosen.iter().map(|conflict| conflict.id.clone()).collect(),
        ..Reversal::default()
    };
    let planned = Planned::of(storage, plan, note, &chosen, by, force)?;
    if dry_run {
        planned.leave()
    } else {
        planned.carry_out(storage, plan, recorder)
    }
}

fn named(storage: &Storage, plan: &Plan, ids: &[String]) -> Result<Vec<Conflict>, EngineError> {
    let find = |id: &String| {
        let row = storage.tables.conflicts.get(&migration_key(&plan.id, id.as_bytes()))?;
        let conflict = row.ok_or_else(|| EngineError::UnknownConflict(id.clone()))?.conflict;
        if conflict.open() {
            return Err(EngineError::NotReady {
                what: format!("conflict `{id}` is open: there is no decision to take back"),
                hint: "`cutover conflicts MIGRATION --all` lists what was decided".to_owned(),
            });
        }
        Ok(conflict)
    };
    ids.iter().collect::<BTreeSet<_>>().into_iter().map(find).collect()
}

/// The decisions that are meant, the latest first.
fn meant(storage: &Storage, plan: &Plan, which: &Which) -> Result<Vec<Conflict>, EngineError> {
    let mut decided: Vec<(u64, Conflict)> = Vec::new();
    for item in storage.tables.conflicts.scan_prefix(&migration_key(&plan.id, &[])) {
        let conflict = item?.1.conflict;
        let Some(made) = &conflict.decided else { continue };
        let meant = match which {
            Which::By(who) => made.who == *who || made.name.as_ref() == Some(who),
            Which::SinceEntry(seq) => made.seq.is_some_and(|made| made >= *seq),
            Which::SinceTime(time) => {
                made.seq.is_some() && made.when.parse().is_ok_and(|made: jiff::Timestamp| made >= *time)
            }
            Which::Last(_) | Which::All | Which::Of(_) => made.seq.is_some(),
        };
        if meant {
            decided.push((made.seq.unwrap_or(0), conflict));
        }
    }
    decided.sort_by_key(|(seq, _)| std::cmp::Reverse(*seq));
    if let Which::Last(count) = which {
        decided.truncate(*count);
    }
    Ok(decided.into_iter().map(|(_, conflict)| conflict).collect())
}

#[cfg(test)]
mod tests;
