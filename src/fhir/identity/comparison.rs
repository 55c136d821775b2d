//! What a comparison of two people says: how each element agrees, what that weighs, and the grade.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::grade::Grade;

/// What two people are compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Element {
    /// Medical record number, with its system.
    Mrn,
    /// Social security number.
    Ssn,
    /// Family name, current or former.
    Family,
    /// First of the given names.
    Given,
    /// The other given names.
    Middle,
    /// `Jr.`, `Sr.`, `III`.
    Suffix,
    /// Date of birth.
    BirthDate,
    /// Which of twins or triplets.
    BirthOrder,
    /// Administrative gender.
    Sex,
    /// Telephone number.
    Phone,
    /// E-mail address.
    Email,
    /// Postal address.
    Address,
}

/// How an element agrees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// One of the two does not say, or what they say cannot be compared.
    Missing,
    /// Nothing in common.
    Different,
    /// One is a part of the other, or an initial of it.
    Part,
    /// They sound or look alike, or one digit or letter differs.
    Close,
    /// Two parts have changed places: family and given name, day and month.
    Swapped,
    /// One is short for the other, as Bill is for William.
    Nickname,
    /// The same.
    Same,
}

/// One element's share of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The element.
    pub element: Element,
    /// How it agrees.
    pub level: Level,
    /// What that is worth, in tenths of a bit: a hundred times more often seen in one person than in two is 66.
    pub weight: i32,
}

/// Two people compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// How sure it is that they are one person.
    pub grade: Grade,
    /// The sum of the weights, in tenths of a bit.
    pub score: i32,
    /// Its parts, in the order of [`Element`]; an element that one of the two does not say has none.
    pub parts: Vec<Part>,
}

impl Comparison {
    /// What it comes to and what speaks for it and against it, in sentences.
    pub fn words(&self) -> String {
        let list = |wanted: &dyn Fn(&&Part) -> bool| {
            let parts = self.parts.iter().filter(wanted);
            parts
                .map(|part| format!("{} {}", part.element, part.level))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let mut words = match self.grade {
            Grade::None => "Nothing says that they are the same person.",
            Grade::Possible => "They may be the same person.",
            Grade::Probable => "They are very likely the same person.",
            Grade::Certain => "By all that is known they are the same person.",
        }
        .to_owned();
        for (head, parts) in [
            (" For it: ", list(&|part| part.weight > 0)),
            (" Against it: ", list(&|part| part.weight < 0)),
        ] {
            if !parts.is_empty() {
                words.push_str(head);
                words.push_str(&parts);
                words.push('.');
            }
        }
        words
    }

    /// How an element agrees.
    pub fn level(&self, element: Element) -> Level {
        let part = self.parts.iter().find(|part| part.element == element);
        part.map_or(Level::Missing, |part| part.level)
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Mrn => "MRN",
            Self::Ssn => "SSN",
            Self::Family => "family name",
            Self::Given => "given name",
            Self::Middle => "middle name",
            Self::Suffix => "suffix",
            Self::BirthDate => "birth date",
            Self::BirthOrder => "birth order",
            Self::Sex => "sex",
            Self::Phone => "phone",
            Self::Email => "e-mail",
            Self::Address => "address",
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Missing => "not known",
            Self::Different => "different",
            Self::Part => "in part",
            Self::Close => "nearly the same",
            Self::Swapped => "swapped",
            Self::Nickname => "a short form",
            Self::Same => "the same",
        })
    }
}

/// An element, how it agrees, and its weight in bits, such as `phone the same +7.0`.
impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, bits) = (if self.weight < 0 { '-' } else { '+' }, self.weight.abs());
        write!(f, "{} {} {sign}{}.{}", self.element, self.level, bits / 10, bits % 10)
    }
}
