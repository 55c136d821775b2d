//! What somebody picked for each field of two records.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// What is picked for a field.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pick {
    /// What the left record says; nothing if it says nothing.
    Left,
    /// What the right record says; nothing if it says nothing.
    Right,
    /// Both, for an item of a list, or where only one record says something.
    Both,
    /// This, as JSON in the form in which a [`FieldDifference`](super::FieldDifference) gives the sides.
    Edited(String),
}

/// Picks by the path of the field.
pub type Picks = BTreeMap<String, Pick>;

impl Pick {
    /// The pick of this name; an edit has none.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "left" => Some(Self::Left),
            "right" => Some(Self::Right),
            "both" => Some(Self::Both),
            _ => None,
        }
    }

    /// Its stable name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
            Self::Both => "both",
            Self::Edited(_) => "edited",
        }
    }
}

impl fmt::Debug for Pick {
    /// The name only: an edit holds what a person typed about a patient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
