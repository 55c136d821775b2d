//! What is chosen for a run, and how it ended.

/// What is chosen for one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// Begin a new export even if the last one is not finished.
    pub new: bool,
    /// Ask only for what has changed since the last export.
    pub since_last: bool,
    /// Then deliver to the migration's server, if it has one.
    pub deliver: bool,
}

impl RunOptions {
    /// A new export, whatever became of the last one.
    pub fn anew() -> Self {
        Self {
            new: true,
            ..Self::default()
        }
    }

    /// What has changed since the last export.
    pub fn since_last() -> Self {
        Self {
            since_last: true,
            ..Self::default()
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Everything is accounted for and decided.
    Done,
    /// Conflicts wait for a person.
    NeedsDecision {
        /// How many.
        conflicts: u64,
        /// Rows that wait for them.
        held: u64,
    },
    /// More rows were rejected than the plan allows.
    Rejected {
        /// How many.
        rejects: u64,
        /// How many the plan allows.
        allowed: u64,
    },
    /// The store does not agree with the landing.
    Mismatch {
        /// Findings.
        findings: u64,
    },
    /// The embedded store is done; the server that the records are delivered to is not.
    Undelivered {
        /// Why not, or what of it.
        reason: String,
    },
    /// Files could not be had.
    FilesFailed {
        /// Name and reason of each.
        files: Vec<(String, String)>,
    },
}
