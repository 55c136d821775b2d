//! Grades, and the rules that stand above the score.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::comparison::{Element, Level};
use super::weigh::Levels;

/// How sure it is that two patients are one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// They are not, or nothing says that they are.
    None,
    /// They may be.
    Possible,
    /// They very likely are; still, a person decides.
    Probable,
    /// A number that is given to one person only agrees, and nothing speaks against it.
    Certain,
}

/// Score in tenths of a bit from which demographics make it probable: one pair in some hundred million of different people has it.
const PROBABLE: i32 = 250;
/// Score in tenths of a bit from which it is worth asking.
const POSSIBLE: i32 = 190;

impl Grade {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Possible => "possible",
            Self::Probable => "probable",
            Self::Certain => "certain",
        }
    }

    /// The grade of a pair: what the score gives, but within what the numbers, and what speaks against it, allow.
    pub(super) fn of(levels: &Levels, score: i32) -> Self {
        let level = |element: Element| levels[element as usize].0;
        let is = |element, wanted| level(element) == wanted;
        let differs = |element| is(element, Level::Different);
        let date = level(Element::BirthDate);
        let number = is(Element::Mrn, Level::Same) || is(Element::Ssn, Level::Same) && date == Level::Same;
        // What one person cannot be both of. Twins differ in the given name only, father and son in the birth date or suffix.
        let two = [Element::Given, Element::BirthDate, Element::Suffix, Element::BirthOrder]
            .into_iter()
            .any(differs);
        let doubtful = differs(Element::Sex) || differs(Element::Ssn);
        let named = level(Element::Given) > Level::Part;
        if number {
            let whole = matches!(date, Level::Same | Level::Missing | Level::Part);
            let known = named && (date == Level::Same || level(Element::Family) > Level::Part);
            return match () {
                () if two || doubtful => Self::Possible,
                () if known && whole => Self::Certain,
                () if named || date == Level::Same => Self::Probable,
                () => Self::Possible,
            };
        }
        let ssn = is(Element::Ssn, Level::Same);
        if two {
            // Of one of the two the number may be right, and the rest a slip; not when name and birth date both are another's.
            let other = differs(Element::Given) && differs(Element::BirthDate);
            return if ssn && !other && score >= POSSIBLE {
                Self::Possible
            } else {
                Self::None
            };
        }
        let dated = date > Level::Different || ssn;
        match score {
            PROBABLE.. if named && dated && !is(Element::Family, Level::Missing) && !doubtful => Self::Probable,
            POSSIBLE.. => Self::Possible,
            _ => Self::None,
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
