//! Sign-offs and the flip: who answers for the migration, and that the practice has gone over.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// In which capacity somebody signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Capacity {
    /// For the data: everything arrived and was compared.
    Technical,
    /// For the care: charts were looked at and can be worked with.
    Clinical,
}

impl Capacity {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Technical => "technical",
            Self::Clinical => "clinical",
        }
    }
}

/// A capacity in which nobody can sign.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("sign-offs are technical or clinical")]
pub struct UnknownCapacity;

impl std::str::FromStr for Capacity {
    type Err = UnknownCapacity;

    fn from_str(text: &str) -> Result<Self, UnknownCapacity> {
        match text {
            "technical" => Ok(Self::Technical),
            "clinical" => Ok(Self::Clinical),
            _ => Err(UnknownCapacity),
        }
    }
}

/// A sign-off, as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SignOff {
    /// In which capacity.
    pub capacity: Capacity,
    /// The name that the person gave.
    pub name: String,
    /// Login name.
    pub login: String,
    /// The comment.
    pub why: Option<String>,
    /// When.
    pub when: Timestamp,
    /// Number of its entry in the journal.
    pub entry: u64,
    /// The last entry before it, and its hash: all that it was given for.
    pub head: Head,
    /// What has happened since that it was not given for.
    pub stale: Option<String>,
}

/// An end of the journal, as a sign-off holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Number of the last entry.
    pub entry: u64,
    /// SHA-256 of that entry, hexadecimal.
    pub hash: String,
}

/// That the practice has gone over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Flip {
    /// The name that the person gave, or the login name.
    pub who: String,
    /// When.
    pub when: Timestamp,
    /// Why it was done though the gate was shut.
    pub overridden: Option<String>,
    /// What was missing then.
    pub missing: Vec<String>,
}

/// Whether two names are one person's, however they are written.
pub fn same_person(one: &str, other: &str) -> bool {
    let folded = |name: &str| -> Vec<String> {
        let words = name
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty());
        let mut words: Vec<String> = words.map(str::to_lowercase).collect();
        words.sort();
        words
    };
    folded(one) == folded(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_is_known_however_the_name_is_written() {
        assert!(same_person("Dr. Ann Mori", " mori, ANN  dr"));
        assert!(!same_person("Ann Mori", "Anna Mori"));
        assert!(!same_person("林志明", "林志"));
    }
}
