//! What is remembered of registering with an EHR: the part of it that no request of ours shows.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// How far a person has come with registering.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Where our public keys are published for the EHR to fetch.
    pub published: Option<String>,
    /// Lines of the preset's checklist that are done, word for word: a line that changes is to be done again.
    pub done: BTreeSet<String>,
}
