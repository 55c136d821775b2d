//! Reversals: what is taken back or set right, noted before anything is done, so that a kill in between is made good on restart.

use serde::{Deserialize, Serialize};

use super::entry::RowId;
use super::tables::AmendedRow;

/// An undo, a rollback or an amendment that is not done yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversal {
    /// Conflicts whose decisions are taken back.
    #[serde(default)]
    pub decisions: Vec<String>,
    /// Runs taken back as a whole.
    #[serde(default)]
    pub runs: Vec<u32>,
    /// Quarantined rows that are set right.
    #[serde(default)]
    pub amended: Vec<(RowId, AmendedRow)>,
}
