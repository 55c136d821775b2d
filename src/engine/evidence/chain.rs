//! The journal as evidence: given out entry by entry as it is stored, and followed from its beginning by whoever gets it.

use serde_json::Value;

use super::error::CheckError;
use crate::engine::error::EngineError;
use crate::migration::{Event, Plan, Trail};
use crate::store::{ChainHead, JournalEntry, Storage};

/// The entries of a migration's journal as they are stored, up to an end.
pub fn entries(storage: &Storage, plan: &Plan, end: &ChainHead) -> Result<Vec<Vec<u8>>, EngineError> {
    let mut entries = Vec::new();
    for json in storage.journal.stored_json(&plan.id) {
        let json = json?;
        if entries.len() as u64 == end.seq {
            break;
        }
        if !known_whole(&json) {
            return Err(EngineError::NotReady {
                what: format!(
                    "entry {} of the journal of `{}` holds something that this version does not know, and so cannot say whether it is a patient's",
                    entries.len() + 1,
                    plan.id
                ),
                hint: "make the report with the version of cutover that wrote the entry, or a later one".to_owned(),
            });
        }
        entries.push(json);
    }
    Ok(entries)
}

/// Whether an entry holds nothing but what an event of this version holds, which is no patient's data.
fn known_whole(json: &[u8]) -> bool {
    let Ok(entry) = serde_json::from_slice::<JournalEntry<Event>>(json) else {
        return false;
    };
    let (Ok(stored), Ok(known)) = (serde_json::from_slice(json), serde_json::to_value(&entry)) else {
        return false;
    };
    within(&stored, &known)
}

/// Whether everything in one value is in the other as well.
fn within(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => part
            .iter()
            .all(|(name, value)| whole.get(name).is_some_and(|other| within(value, other))),
        _ => part == whole,
    }
}

/// What the entries of a journal say, once each follows from the one before it.
#[derive(Debug, Default)]
pub struct Followed {
    /// Sign-offs, judgements and the flip.
    pub trail: Trail,
    /// Thumbprints of the keys that were made, with the entries that say so.
    pub keys: Vec<(u64, String)>,
}

/// Follows a journal from its beginning to an end that is known.
pub fn follow<'a>(
    migration: &str,
    entries: impl Iterator<Item = &'a [u8]>,
    end: &ChainHead,
) -> Result<Followed, CheckError> {
    let mut followed = Followed::default();
    let mut head = ChainHead::start();
    for json in entries {
        let seq = head.seq + 1;
        let (next, _) = head
            .follow::<serde::de::IgnoredAny>(migration, json)
            .map_err(|what| CheckError::Broken { seq, what })?;
        let entry: JournalEntry<Event> = serde_json::from_slice(json).map_err(|_| CheckError::Newer(seq))?;
        if let Event::SignedOff { head: signed, .. } = &entry.event
            && (signed.entry, &signed.hash) != (head.seq, &head.hash)
        {
            return Err(CheckError::OtherSignOff(seq));
        }
        if let Event::KeyCreated { kid } = &entry.event {
            followed.keys.push((seq, kid.clone()));
        }
        followed.trail.apply(seq, entry.at, &entry.who, &entry.event);
        head = next;
    }
    if head != *end {
        return Err(CheckError::OtherEnd);
    }
    Ok(followed)
}
