//! In what two people who share a number cannot be one person.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::fold::normalized;
use super::person::Person;

/// A way in which two people who share a number cannot be one person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Contradiction {
    /// Born on different days.
    BirthDate,
    /// Of different gender.
    Gender,
    /// No name in common.
    Name,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BirthDate => "different birth dates",
            Self::Gender => "different genders",
            Self::Name => "no name in common",
        })
    }
}

/// In what `a` and `b` contradict each other; what one of them does not say contradicts nothing.
///
/// Birth dates contradict when neither is a part of the other (`1970` fits `1970-05-01`), genders when both are known
/// and differ, and names when of family and given names those that both have are all different, compared without case,
/// accents, spaces and punctuation.
pub fn contradicts(a: &Person, b: &Person) -> Vec<Contradiction> {
    let mut found = Vec::new();
    if let (Some(a), Some(b)) = (&a.birth_date, &b.birth_date)
        && !is_part_of(a, b)
        && !is_part_of(b, a)
    {
        found.push(Contradiction::BirthDate);
    }
    if let (Some(a), Some(b)) = (known_gender(a), known_gender(b))
        && !a.eq_ignore_ascii_case(b)
    {
        found.push(Contradiction::Gender);
    }
    let parts = [
        shared(a.family().cloned(), b.family().cloned()),
        shared(split(a), split(b)),
    ];
    if parts.contains(&Some(false)) && !parts.contains(&Some(true)) {
        found.push(Contradiction::Name);
    }
    found
}

/// Whether two lists of names have one in common; None when one of them has none.
fn shared(a: impl Iterator<Item = String>, b: impl Iterator<Item = String>) -> Option<bool> {
    let known = |name: &String| !name.is_empty();
    let a: Vec<String> = a.map(|name| normalized(&name)).filter(known).collect();
    let b: Vec<String> = b.map(|name| normalized(&name)).filter(known).collect();
    (!a.is_empty() && !b.is_empty()).then(|| a.iter().any(|name| b.contains(name)))
}

/// Given names one by one, since `Mary Ann` may be one name here and two there.
fn split(person: &Person) -> impl Iterator<Item = String> {
    let words = person.given().flat_map(|name| name.split_whitespace());
    words.map(str::to_owned)
}

fn is_part_of(date: &str, longer: &str) -> bool {
    longer
        .strip_prefix(date)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

fn known_gender(person: &Person) -> Option<&str> {
    person
        .gender
        .as_deref()
        .filter(|gender| !gender.eq_ignore_ascii_case("unknown"))
}

#[cfg(test)]
mod tests;
