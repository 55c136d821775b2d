//! Cutting versions out of a record's history: what is left, and what that means for the record.

use crate::store::{Entry, RowId};

/// What cutting does to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It was created by what is cut: it goes.
    Removed,
    /// It gets its former version back.
    Restored,
    /// It had been deleted and comes back.
    BroughtBack,
    /// It was edited at the destination since: it stays as it is, and only its history is cut.
    Edited,
    /// What is cut was replaced by something that stays.
    Replaced,
}

/// What is left of a record's versions, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The versions that stay.
    pub kept: Vec<Entry>,
    /// What that does to the record.
    pub effect: Effect,
    /// Rows of the destination's own whose versions were cut as well.
    pub overruled: Vec<RowId>,
}

/// Cuts the versions that are `ours` out of `versions` (the newest first); with `force`, edits made on top of them as well. `None` when
/// nothing of it is ours.
pub fn cut(versions: &[Entry], ours: impl Fn(&Entry) -> bool, force: bool) -> Option<Cut> {
    let current = versions.first()?;
    let lowest = versions.iter().filter(|entry| ours(entry)).map(|e| e.version).min()?;
    let edit = |entry: &Entry| force && entry.local && entry.version > lowest;
    let edits = versions.iter().filter(|entry| !ours(entry) && edit(entry));
    let overruled: Vec<RowId> = edits.map(|entry| entry.row).collect();
    let mut kept: Vec<Entry> = versions
        .iter()
        .filter(|entry| !ours(entry) && !edit(entry))
        .copied()
        .collect();
    // What would be deleted is not there any more.
    while kept.last().is_some_and(|oldest| oldest.deleted) {
        kept.pop();
    }
    let effect = match kept.first() {
        Some(now) if now == current && now.local => Effect::Edited,
        Some(now) if now == current => Effect::Replaced,
        Some(now) if current.deleted && !now.deleted => Effect::BroughtBack,
        Some(now) if !now.deleted => Effect::Restored,
        Some(_) | None => Effect::Removed,
    };
    Some(Cut {
        kept,
        effect,
        overruled,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Location;
    use proptest::prelude::*;

    fn entry(version: u32, run: u32, local: bool, deleted: bool) -> Entry {
        Entry {
            location: Location {
                segment: 1,
                block: 0,
                start: version,
                len: 1,
            },
            hash: [0; 16],
            row: RowId {
                run,
                file: 1,
                line: version,
            },
            last_updated: None,
            version,
            local,
            rewritten: false,
            deleted,
        }
    }

    /// Versions from the oldest to the newest, as (run, deleted); run 0 is the destination's own.
    fn versions(of: &[(u32, bool)]) -> Vec<Entry> {
        let oldest_first = (1..)
            .zip(of)
            .map(|(v, (run, deleted))| entry(v, *run, *run == 0, *deleted));
        let mut all: Vec<Entry> = oldest_first.collect();
        all.reverse();
        all
    }

    fn effect(of: &[(u32, bool)], force: bool) -> Option<(Effect, Vec<u32>)> {
        let cut = cut(&versions(of), |entry| entry.row.run == 7, force)?;
        Some((cut.effect, cut.kept.iter().map(|e| e.version).collect()))
    }

    #[test]
    fn every_kind_of_record_comes_to_what_it_was() {
        let (ours, theirs) = ((7, false), (0, false));
        assert_eq!(effect(&[theirs], false), None);
        assert_eq!(effect(&[ours], false), Some((Effect::Removed, vec![])));
        assert_eq!(effect(&[theirs, ours], false), Some((Effect::Restored, vec![1])));
        assert_eq!(
            effect(&[(3, false), (7, true)], false),
            Some((Effect::BroughtBack, vec![1]))
        );
        assert_eq!(effect(&[ours, theirs], false), Some((Effect::Edited, vec![2])));
        assert_eq!(effect(&[ours, theirs], true), Some((Effect::Removed, vec![])));
        assert_eq!(effect(&[theirs, ours, theirs], true), Some((Effect::Restored, vec![1])));
        assert_eq!(effect(&[ours, (8, true)], false), Some((Effect::Removed, vec![])));
        assert_eq!(effect(&[ours, (8, false)], false), Some((Effect::Replaced, vec![2])));
    }

    proptest! {
        #[test]
        fn nothing_of_ours_is_left_nothing_of_others_is_lost_and_a_second_cut_finds_nothing(
            of in proptest::collection::vec((0_u32..3, any::<bool>()), 1..8), force in any::<bool>(),
        ) {
            let all = versions(&of);
            let ours = |entry: &Entry| entry.row.run == 1;
            let Some(done) = cut(&all, ours, force) else {
                prop_assert!(!all.iter().any(ours));
                return Ok(());
            };
            prop_assert!(!done.kept.iter().any(ours));
            prop_assert!(done.kept.is_empty() || cut(&done.kept, ours, force).is_none());
            prop_assert!(done.kept.last().is_none_or(|oldest| !oldest.deleted));
            for entry in all.iter().filter(|e| !ours(e) && !e.deleted) {
                let overruled = done.overruled.contains(&entry.row);
                prop_assert!(force || !overruled);
                prop_assert!(overruled != done.kept.contains(entry));
            }
        }
    }
}
