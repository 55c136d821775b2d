//! How a command ends when it does not end well: a sentence, a hint, an exit code.

use crate::engine::EngineError;
use crate::migration::PresetError;
use crate::store::{CheckpointError, FileError, IndexError, JournalError, LedgerError, WorkspaceError};

/// Exit codes.
pub mod code {
    /// Everything done.
    pub const DONE: u8 = 0;
    /// Failed.
    pub const FAILED: u8 = 1;
    /// The command line cannot be followed.
    pub const USAGE: u8 = 2;
    /// A person must decide.
    pub const WAITING: u8 = 3;
    /// Finished, with rejects or mismatches over the threshold.
    pub const REJECTS: u8 = 4;
}

/// A command's failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What happened, in a sentence.
    pub what: String,
    /// What to do.
    pub hint: Option<String>,
    /// The exit code.
    pub code: u8,
}

impl Failure {
    /// A failure while doing what was asked.
    pub fn failed(what: &str, hint: Option<String>) -> Self {
        Self {
            what: what.to_owned(),
            hint,
            code: code::FAILED,
        }
    }

    /// A command line that cannot be followed.
    pub fn usage(what: &str, hint: &str) -> Self {
        Self {
            what: what.to_owned(),
            hint: Some(hint.to_owned()),
            code: code::USAGE,
        }
    }

    /// The text for standard error: one sentence and, after a blank line, what to do.
    pub fn text(&self) -> String {
        match &self.hint {
            Some(hint) => format!("error: {}\n\nhint: {hint}", self.what),
            None => format!("error: {}", self.what),
        }
    }
}

impl From<EngineError> for Failure {
    fn from(error: EngineError) -> Self {
        let code = match &error {
            EngineError::UnknownMigration { .. } | EngineError::UnknownConflict(_) => code::USAGE,
            EngineError::Waiting { .. } => code::WAITING,
            _ => code::FAILED,
        };
        Self {
            what: error.to_string(),
            hint: error.hint(),
            code,
        }
    }
}

impl From<PresetError> for Failure {
    fn from(error: PresetError) -> Self {
        let code = match &error {
            PresetError::Unreadable { .. } | PresetError::Invalid { .. } => code::FAILED,
            _ => code::USAGE,
        };
        let hint = match &error {
            PresetError::NoPractice { .. } => error
                .hint()
                .map(|hint| format!("{hint}, and give it as --practice CODE")),
            _ => error.hint(),
        };
        let what = error.to_string();
        Self { what, hint, code }
    }
}

macro_rules! fails {
    ($($error:ty),+ $(,)?) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::failed(&error.to_string(), error.hint())
            }
        }
    )+};
}

fails!(
    CheckpointError,
    FileError,
    IndexError,
    JournalError,
    LedgerError,
    WorkspaceError,
    crate::sandbox::FaultError,
    crate::sandbox::FolderError,
    crate::sandbox::SandboxError,
    crate::migration::RulesError,
    crate::source::KeyError,
);
