//! Why two records cannot be merged as picked.

use super::canonical::CanonicalError;
use super::diff::DiffError;
use super::json::Flaw;
use super::reject::Reject;

/// Why two records cannot be merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// They cannot be compared.
    #[error(transparent)]
    Diff(#[from] DiffError),
    /// Both sides of what can be there only once were picked.
    #[error("`{path}` is no item of a list, so not both sides can stay")]
    NotBoth {
        /// Path of the field.
        path: String,
    },
    /// A modifier extension can turn what a record says into its opposite, so it is never taken or left without a word.
    #[error("`{path}` can change what the rest of the record means and must be decided")]
    Modifier {
        /// Path of the field.
        path: String,
    },
    /// The narrative says more than the elements and would be wrong beside a mixture of both sides.
    #[error("the narrative (`text`) says more than the elements do and must be decided")]
    NarrativeSaysMore,
    /// An edit that FHIR R4 does not allow.
    #[error("the edit of `{path}` cannot be taken: {why}")]
    Edited {
        /// Path of the field.
        path: String,
        /// Why, in words without content.
        why: &'static str,
    },
    /// What is picked refers to a contained resource that its own record does not have, and in the merged one would refer to another.
    #[error("`{path}` refers to a contained resource that its record does not have, and would now refer to another")]
    Misled {
        /// Path of the field.
        path: String,
    },
    /// The merged record would be none.
    #[error("the merged record is not sound: {0}")]
    Unsound(Reject),
}

impl MergeError {
    pub(super) fn edited(path: &str, why: &'static str) -> Self {
        Self::Edited {
            path: path.to_owned(),
            why,
        }
    }

    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Diff(error) => error.hint(),
            Self::NotBoth { .. } => Some("pick one side, or edit it".to_owned()),
            Self::Misled { .. } => Some("pick the other side, or edit it".to_owned()),
            Self::Modifier { path } => Some(format!("pick a side for `{path}`, after a look at both records")),
            Self::NarrativeSaysMore => Some("pick a side for `text`, or edit it".to_owned()),
            Self::Edited { .. } => Some("give it as JSON in the form in which the two sides are shown".to_owned()),
            Self::Unsound(reject) => reject.hint(),
        }
    }
}

impl From<CanonicalError> for MergeError {
    fn from(error: CanonicalError) -> Self {
        Self::Diff(error.into())
    }
}

impl From<Flaw> for MergeError {
    fn from(flaw: Flaw) -> Self {
        CanonicalError::from(flaw).into()
    }
}
