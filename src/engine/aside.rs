//! The rows that were set aside, with what was decided of each.

use super::error::EngineError;
use super::original::original;
use super::tally::runs_of;
use crate::migration::{Amended, Plan, Quarantined, Waived};
use crate::store::{RowId, Storage, row_key, row_of, run_key};

/// A row in quarantine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aside {
    /// The row.
    pub row: RowId,
    /// Where it stood, and why it was set aside.
    pub what: Quarantined,
    /// Who decided to do without it, if anybody did.
    pub waived: Option<Waived>,
    /// Who set it right, if anybody did: then it was taken in.
    pub amended: Option<Amended>,
}

impl Aside {
    /// Whether nobody has decided yet what becomes of it.
    pub fn open(&self) -> bool {
        self.waived.is_none() && self.amended.is_none()
    }
}

/// The rows of a migration that were set aside, waived and amended ones included, in the order in which they came.
pub fn quarantine_of(storage: &Storage, plan: &Plan) -> Result<Vec<Aside>, EngineError> {
    let mut rows = Vec::new();
    for run in runs_of(storage, &plan.id)? {
        for item in storage.tables.quarantine.scan_prefix(&run_key(run)) {
            let (key, found) = item?;
            let Some(row) = row_of(&key) else { continue };
            rows.push(Aside {
                row,
                what: found.what,
                waived: storage.tables.waived.get(&key)?,
                amended: storage.tables.amended.get(&key)?.map(|row| row.amended),
            });
        }
    }
    Ok(rows)
}

/// A line as it was received, for people to look at.
#[derive(Clone, PartialEq, Eq)]
pub struct Beginning {
    /// Its beginning; what is not UTF-8 is replaced.
    pub text: String,
    /// Whether that is all of it.
    pub whole: bool,
}

impl std::fmt::Debug for Beginning {
    /// How long it is: what it says is about a patient.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Beginning").field(&self.text.len()).finish()
    }
}

/// The beginning of a quarantined row as it was received, or as somebody set it right, at most `most` bytes of it.
pub fn beginning(storage: &Storage, row: RowId, most: usize) -> Result<Beginning, EngineError> {
    let Some(found) = storage.tables.quarantine.get(&row_key(row))? else {
        return Err(EngineError::NotReady {
            what: "the row is not in quarantine any more".to_owned(),
            hint: "go back and look again".to_owned(),
        });
    };
    if let Some(right) = storage.tables.amended.get(&row_key(row))? {
        let bytes = storage.segments.read(&right.location)?;
        let text = String::from_utf8_lossy(&bytes[..bytes.len().min(most)]).into_owned();
        return Ok(Beginning {
            text,
            whole: bytes.len() <= most,
        });
    }
    let mut bytes = Vec::new();
    let mut whole = true;
    original(storage, &found, &mut |piece| {
        let room = most.saturating_sub(bytes.len());
        whole = piece.len() <= room;
        bytes.extend_from_slice(&piece[..piece.len().min(room)]);
        whole
    })?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    Ok(Beginning { text, whole })
}
