//! Why evidence does not hold.

use super::signature::Form;
use crate::source::StatementError;

/// Why a report or a bundle cannot be relied on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// It is nothing that this program signs.
    #[error("this is no report of this program, or its end was cut off")]
    Foreign,
    /// The signature is not where it has to be.
    #[error("the {} does not end as it was written", .0.words())]
    CutOff(Form),
    /// It was never signed.
    #[error("the {} is not signed", .0.words())]
    Unsigned(Form),
    /// The signature cannot be relied on.
    #[error(transparent)]
    Signature(#[from] StatementError),
    /// The signature is good, and belongs to something else.
    #[error("the {} is not what was signed: it was changed afterwards", .0.words())]
    Changed(Form),
    /// The key is not the one that was asked for.
    #[error("it is signed by another key: {found}")]
    OtherKey {
        /// The thumbprint of the key that signed it.
        found: String,
    },
    /// A part has not the form that it should have.
    #[error("{part} cannot be read: {why}")]
    Unreadable {
        /// The part.
        part: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// The journal was altered before it was signed.
    #[error("the journal is broken at entry {seq}: {what}")]
    Broken {
        /// The first entry that is not as it should be.
        seq: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// An entry is one that this version does not know.
    #[error("entry {0} of the journal is of a kind that this version does not know")]
    Newer(u64),
    /// The journal does not end where the signature says.
    #[error("the journal does not end where the signature says that it does")]
    OtherEnd,
    /// The journal tells of other keys.
    #[error("the journal does not know the key that signed this")]
    ForeignKey,
    /// Somebody signed for another journal than this one.
    #[error("the sign-off in entry {0} was given for another journal than this one")]
    OtherSignOff(u64),
    /// The report says something else than the journal.
    #[error("the report and the journal do not agree on {0}")]
    Disagree(&'static str),
    /// A part of the bundle is missing.
    #[error("the bundle lacks {0}")]
    Lacks(&'static str),
    /// A part of the bundle is there and should not be.
    #[error("there is something in the bundle that was not put there: part {0}")]
    Added(usize),
    /// A part of the bundle is not the one that belongs to the others.
    #[error("{0} in the bundle is not the one that belongs to the rest")]
    OtherPart(&'static str),
}

impl CheckError {
    /// What the person can do about it.
    pub fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Foreign => {
                "give a file that `cutover report` wrote, as it was written: copied as text it may have lost or gained line ends"
            }
            Self::CutOff(Form::Json) => {
                "it was cut off, or written anew by another program (also one that only changes spaces); get the file as it was written"
            }
            Self::CutOff(_) => "it was cut off or added to; get the file as it was written",
            Self::Unsigned(_) => {
                "the migration had no key pair: `cutover keys new NAME` makes one, and what is reported after that is signed"
            }
            Self::Signature(_) | Self::Changed(_) => {
                "do not rely on it; get it again from whoever has the workspace, and compare"
            }
            Self::OtherKey { .. } => {
                "compare the thumbprint that you were given with whoever gave it to you; if it is right, do not rely on this file"
            }
            Self::Newer(_) => "check it with the version of cutover that wrote it, or a later one",
            Self::Unreadable { .. } | Self::Lacks(_) | Self::Added(_) | Self::OtherPart(_) => {
                "the signature is good, so it was signed like this: do not rely on it, and ask whoever signed it"
            }
            Self::ForeignKey => {
                "somebody signed it with a key that is not the migration's: do not rely on it, and get it from whoever has the workspace"
            }
            Self::Broken { .. } | Self::OtherEnd | Self::OtherSignOff(_) | Self::Disagree(_) => {
                "the signature is good, so whoever has the key signed a journal that was tampered with: do not rely on it"
            }
        };
        Some(text.to_owned())
    }
}
