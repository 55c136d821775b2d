//! Reversals: what was taken back, noted before anything is done, so that a kill in between is made good on restart.

use serde::{Deserialize, Serialize};

use super::entry::RowId;
use crate::migration::Moved;

/// A decision that is taken back: which rows its effects may be found in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seed {
    /// Key of the source's record.
    pub source: Vec<u8>,
    /// Key of the destination's record.
    pub target: Vec<u8>,
    /// The first run whose rows of that record the decision may have touched.
    pub run: u32,
    /// The first run of whose rows about that patient the decision may have released some; absent when it was not about who a
    /// patient is.
    pub compartment: Option<u32>,
    /// Rows of former runs about that patient that it may have released.
    pub freed: Vec<RowId>,
    /// Rows of that record on which something else was decided before, and stands.
    pub standing: Vec<RowId>,
}

/// One undo or rollback.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversal {
    /// Decisions taken back; forgotten when it is done.
    pub seeds: Vec<Seed>,
    /// Runs taken back as a whole.
    pub runs: Vec<u32>,
    /// Whether edits made at the destination since are taken back as well.
    pub force: bool,
    /// How counts moved since the rows were taken in; until it is done, only what left its state.
    pub moved: Moved,
    /// Records that the index has more, or fewer, since.
    pub added: i64,
    /// Whether all of it is done.
    pub done: bool,
}
