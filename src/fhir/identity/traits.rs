//! People in comparable form, as small as that can be: many are in memory at once.

use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::address::Place;
use super::birth_date::BirthDate;
use super::name::Name;
use super::person::Person;

/// A person in the form in which people are compared. Its `Debug` prints counts only.
#[derive(Serialize, Deserialize)]
pub struct Traits {
    /// Hashes of system and value.
    pub(super) mrns: Box<[u64]>,
    pub(super) ssns: Box<[u32]>,
    pub(super) names: Box<[Name]>,
    pub(super) birth_date: Option<BirthDate>,
    pub(super) generation: Option<u8>,
    pub(super) birth_order: Option<u8>,
    pub(super) sex: Option<Sex>,
    /// Digits.
    pub(super) phones: Box<[u64]>,
    /// Hashes.
    pub(super) emails: Box<[u64]>,
    pub(super) places: Box<[Place]>,
}

/// Administrative gender, where it says something.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Sex {
    Female,
    Male,
}

impl Traits {
    /// What of a person can be compared.
    pub fn of(person: &Person) -> Self {
        let read: Vec<_> = person.names.iter().map(Name::read).collect();
        let generation = read.iter().find_map(|(_, marks)| marks.generation);
        let named_order = read.iter().find_map(|(_, marks)| marks.birth_order);
        let stated_order = person.birth_order.and_then(|order| u8::try_from(order).ok());
        Self {
            mrns: hashes(
                person
                    .mrns
                    .iter()
                    .map(|(system, value)| format!("{system}\n{}", value.trim())),
            ),
            ssns: person.ssns.iter().filter_map(|ssn| ssn.parse().ok()).collect(),
            names: read.into_iter().filter_map(|(name, _)| name).collect(),
            birth_date: person.birth_date.as_deref().and_then(BirthDate::read),
            generation,
            birth_order: stated_order.filter(|order| *order > 0).or(named_order),
            sex: match person.gender.as_deref().map(str::to_ascii_lowercase).as_deref() {
                Some("female") => Some(Sex::Female),
                Some("male") => Some(Sex::Male),
                _ => None,
            },
            phones: person
                .phones
                .iter()
                .filter_map(|phone| phone.get(1..)?.parse().ok())
                .collect(),
            emails: hashes(person.emails.iter().cloned()),
            places: person.addresses.iter().filter_map(Place::read).collect(),
        }
    }
}

impl fmt::Debug for Traits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traits")
            .field("mrns", &self.mrns.len())
            .field("names", &self.names.len())
            .finish_non_exhaustive()
    }
}

fn hashes(texts: impl Iterator<Item = String>) -> Box<[u64]> {
    texts.map(|text| xxh3_64(text.as_bytes())).collect()
}
