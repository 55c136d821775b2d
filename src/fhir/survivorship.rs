//! First proposals for a merge.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::diff::{DiffError, Difference, FieldDifference, diff};
use super::instant;
use super::merge::is_modifier;
use super::pick::{Pick, Picks};
use super::scan::scan;

/// Which side a field survives from, as a first proposal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Survivorship {
    /// The right record stays as it is and gains what it says nothing of; a list gains items only if it has none, but numbers by which
    /// the other record is known are never left behind.
    #[default]
    FillBlanks,
    /// As with blanks, and lists gain the other record's items.
    Union,
    /// What both say comes from the record with the later `meta.lastUpdated`, the right one if that cannot be told; lists gain items.
    Newest,
}

/// A text that names no [`Survivorship`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no way to propose a merge")]
pub struct UnknownSurvivorship {
    given: String,
}

impl Survivorship {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::FillBlanks, Self::Union, Self::Newest];

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::FillBlanks => "fill-blanks",
            Self::Union => "union",
            Self::Newest => "newest",
        }
    }

    /// Picks for every field in which two records differ, but for `modifierExtension`, which a person must decide, and `text`, which
    /// follows the other fields. `meta.security` is never left behind.
    pub fn propose(self, left: &[u8], right: &[u8], source_base: Option<&str>) -> Result<Picks, DiffError> {
        let differences = diff(left, right, source_base)?;
        let stamps = scan(left)?.last_updated.zip(scan(right)?.last_updated);
        let newer = stamps.and_then(|(left, right)| instant::compare(left, right));
        let differing = if self == Self::Newest && newer == Some(Ordering::Greater) {
            Pick::Left
        } else {
            Pick::Right
        };
        let mut picks = Picks::new();
        for found in differences {
            if is_modifier(&found.path) || found.path == "text" {
                continue;
            }
            let pick = match found.difference {
                Difference::OnlyRight => Pick::Right,
                Difference::OnlyLeft if self == Self::FillBlanks && found.item && !fills(&found) => Pick::Right,
                Difference::OnlyLeft => Pick::Left,
                Difference::Differs
                    if found.item && !found.same_thing && (self != Self::FillBlanks || number(&found)) =>
                {
                    Pick::Both
                }
                Difference::Differs | Difference::Order => differing.clone(),
            };
            picks.insert(found.path, pick);
        }
        Ok(picks)
    }
}

/// Whether an item of the left list fills a blank: the right record has no such list; or leaving it out would open a closed record, or
/// have a record that others know by a number not be found by it.
fn fills(found: &FieldDifference) -> bool {
    found.fills_blank || number(found) || found.path.starts_with("meta.security")
}

/// Whether it is one of the numbers of a record.
fn number(found: &FieldDifference) -> bool {
    found.path.starts_with("identifier[")
}

impl fmt::Display for Survivorship {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Survivorship {
    type Err = UnknownSurvivorship;

    fn from_str(text: &str) -> Result<Self, UnknownSurvivorship> {
        let named = Self::ALL.into_iter().find(|way| way.name() == text);
        named.ok_or_else(|| UnknownSurvivorship { given: text.to_owned() })
    }
}

impl UnknownSurvivorship {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(format!(
            "use one of {}",
            Survivorship::ALL.map(Survivorship::name).join(", ")
        ))
    }
}
