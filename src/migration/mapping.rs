//! A mapping: a record of the source that the destination knows under another id.

use serde::{Deserialize, Serialize};

/// Why a record of the source is taken for one of the destination's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ground {
    /// A decision about who a patient is.
    Decision,
    /// The same National Provider Identifier.
    Npi,
    /// The same identifier in the same system.
    Identifier,
    /// The same name within the same organization.
    Name,
    /// A person said so.
    Hand,
}

impl Ground {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Npi => "npi",
            Self::Identifier => "identifier",
            Self::Name => "name",
            Self::Hand => "hand",
        }
    }
}

/// A line of the crosswalk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mapping {
    /// Type of both records.
    pub resource_type: String,
    /// Id of the source's record; of a conditional reference its search, with the question mark.
    pub source: String,
    /// Id of the destination's record; the source's own where somebody said that it is nobody else's.
    pub target: String,
    /// Why.
    pub ground: Ground,
    /// The run whose records led to it; a mapping by hand is of none.
    pub run: Option<u32>,
}

impl Mapping {
    /// Whether it says that the record is simply itself.
    pub fn to_itself(&self) -> bool {
        self.source == self.target
    }
}
