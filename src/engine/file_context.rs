//! What the workers must know of a file whose rows they read.

use std::sync::Arc;

use super::patients::PatientMap;
use crate::migration::FileKind;

/// Which rows of a file are taken in this time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// All.
    Whole,
    /// The first time through a file of mixed types: patients, and what is not usable.
    Patients,
    /// The second time: the records that may be about those patients.
    Rest,
}

/// What the workers must know of a file.
pub struct FileContext {
    /// Number within the run.
    pub number: u32,
    /// What it holds.
    pub kind: FileKind,
    /// The type of its resources, when the manifest says so.
    pub resource_type: Option<String>,
    /// Whether the server put `Parameters` header lines between groups of resources (`organizeOutputBy`).
    pub organized: bool,
    /// Patients whose records must be held or re-pointed; frozen while the file is read.
    pub patients: Arc<PatientMap>,
    /// Longest line in bytes that is read as a record.
    pub max_line: usize,
    /// Which of its rows are taken in.
    pub pass: Pass,
}

impl FileContext {
    /// For a record of the landing that is looked at once more, by itself, as these patients now stand.
    pub fn of_one(patients: Arc<PatientMap>) -> Self {
        Self {
            number: 0,
            kind: FileKind::Output,
            resource_type: None,
            organized: false,
            patients,
            max_line: usize::MAX,
            pass: Pass::Whole,
        }
    }
}
