//! What programs of the consultant's own make of records.

use serde::{Deserialize, Serialize};

/// What a program made of a record.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Output {
    /// It left it as it was.
    Same,
    /// This line.
    Line(String),
    /// Nothing: why, in a sentence without content.
    Nothing(String),
}

/// A program that cannot be run at all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{program} cannot be run: {why}")]
pub struct NoProgram {
    /// The program.
    pub program: String,
    /// Why not.
    pub why: String,
}

/// Runs the programs of a migration's transforms, and remembers what they made.
pub trait Outside: std::fmt::Debug + Send + Sync {
    /// Runs the program of the transform at this place on these records, unless it was run on them before.
    fn run(&self, place: u16, command: &[String], records: Vec<String>) -> Result<(), NoProgram>;

    /// What it made of a record; `None` where it was not run on it.
    fn made(&self, place: u16, record: &str) -> Option<Output>;
}
