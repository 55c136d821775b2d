//! What can stop a job.

use crate::store::{CheckpointError, DeliveriesError, IndexError, JournalError, LedgerError, SegmentError};
use crate::target::FolderError;

/// Why a job stopped.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Something could not be read from or made durable in the workspace.
    #[error(transparent)]
    Store(#[from] CheckpointError),
    /// The journal.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A block could not be made.
    #[error("cannot make a block: {0}")]
    Block(std::io::Error),
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// A record that was fine when it was received cannot be read any more.
    #[error("a stored record cannot be read: {0}")]
    Reject(crate::fhir::Reject),
    /// A program of the migration's transforms.
    #[error(transparent)]
    Program(#[from] crate::migration::NoProgram),
    /// The source.
    #[error("{0}")]
    Source(String, Option<String>),
    /// The pipeline stopped; its own error says why.
    #[error("the job was stopped")]
    Stopped,
    /// The job was cancelled, by a person or a signal.
    #[error("interrupted; everything received so far is safe")]
    Cancelled,
    /// No migration of that name.
    #[error("there is no migration `{id}`{}", suggestion(.known))]
    UnknownMigration {
        /// What was asked for.
        id: String,
        /// Those that exist.
        known: Vec<String>,
    },
    /// The migration lacks something.
    #[error("{what}")]
    NotReady {
        /// What is missing, in a sentence.
        what: String,
        /// What to do.
        hint: String,
    },
    /// The last run is over but for what a person must decide.
    #[error("{conflicts} conflicts of `{migration}` wait for a decision")]
    Waiting {
        /// How many.
        conflicts: u64,
        /// The migration.
        migration: String,
    },
    /// No such conflict.
    #[error("there is no conflict `{0}` in this migration")]
    UnknownConflict(String),
    /// The conflict was decided before.
    #[error("conflict `{0}` was decided already")]
    AlreadyDecided(String),
    /// The two records of a conflict cannot be merged as asked.
    #[error(transparent)]
    Merge(#[from] crate::fhir::MergeError),
    /// The transforms of the migration.
    #[error(transparent)]
    Transforms(#[from] crate::migration::TransformsError),
    /// A file outside the workspace.
    #[error("cannot {doing} {path}: {source}")]
    File {
        /// What was tried, such as `read`.
        doing: &'static str,
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

fn suggestion(known: &[String]) -> String {
    if known.is_empty() {
        "; none was added yet".to_owned()
    } else {
        format!("; there is {}", known.join(", "))
    }
}

impl EngineError {
    /// An error of the source, by its text.
    pub fn source(error: &dyn std::error::Error, hint: Option<String>) -> Self {
        Self::Source(error.to_string(), hint)
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Store(error) => error.hint(),
            Self::Merge(error) => error.hint(),
            Self::Journal(error) => error.hint(),
            Self::Transforms(error) => error.hint(),
            Self::Source(_, hint) => hint.clone(),
            Self::NotReady { hint, .. } => Some(hint.clone()),
            Self::UnknownMigration { .. } => {
                Some("`cutover migration list` shows them; `cutover migration add` makes one".to_owned())
            }
            Self::Waiting { migration, .. } => Some(format!(
                "`cutover conflicts {migration}` shows them, `cutover resolve` decides them; `cutover run {migration} --new` exports anew all the same"
            )),
            Self::UnknownConflict(_) | Self::AlreadyDecided(_) => {
                Some("`cutover conflicts MIGRATION` lists what is open".to_owned())
            }
            Self::Program(_) => Some(
                "check that the program is there and may be run, then run again: it goes on where it stopped"
                    .to_owned(),
            ),
            Self::Cancelled => Some("run the same command again: it goes on where it stopped".to_owned()),
            Self::File { .. } | Self::Block(_) | Self::Thread(_) | Self::Reject(_) | Self::Stopped => None,
        }
    }
}

impl From<LedgerError> for EngineError {
    fn from(error: LedgerError) -> Self {
        Self::Store(error.into())
    }
}

impl From<FolderError> for EngineError {
    fn from(error: FolderError) -> Self {
        Self::NotReady {
            what: error.to_string(),
            hint: error.hint(),
        }
    }
}

impl From<DeliveriesError> for EngineError {
    fn from(error: DeliveriesError) -> Self {
        Self::Store(error.into())
    }
}

impl From<IndexError> for EngineError {
    fn from(error: IndexError) -> Self {
        Self::Store(error.into())
    }
}

impl From<SegmentError> for EngineError {
    fn from(error: SegmentError) -> Self {
        Self::Store(error.into())
    }
}
