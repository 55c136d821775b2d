//! Reversals: what is taken back, noted before anything is done, so that a kill in between is made good on restart.

use serde::{Deserialize, Serialize};

/// An undo or a rollback that is not done yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reversal {
    /// Conflicts whose decisions are taken back.
    #[serde(default)]
    pub decisions: Vec<String>,
    /// Runs taken back as a whole.
    #[serde(default)]
    pub runs: Vec<u32>,
}
