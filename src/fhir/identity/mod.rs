//! Who a Patient is, and whether two of them are one person.
//!
//! - [`person`] reads what a Patient says of itself; [`contradicts`] names what two of them cannot both be.
//! - [`Traits`] is that in comparable form; [`compare`] weighs two of them element by element into a [`Comparison`] with its [`Grade`].
//! - [`Roster`] finds, among many people, the few that are worth comparing.

mod address;
mod birth_date;
mod common_names;
mod comparison;
mod contact;
mod contradiction;
mod fold;
mod grade;
mod name;
mod name_level;
mod nicknames;
mod number;
mod person;
mod roster;
mod sharing;
mod traits;
mod weigh;

#[cfg(test)]
mod pairs;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod sketch;

pub use comparison::{Comparison, Element, Level, Part};
pub use contradiction::{Contradiction, contradicts};
pub use fold::normalized;
pub use grade::Grade;
pub use person::{Address, Person, PersonError, PersonName, person};
pub use roster::Roster;
pub use traits::Traits;
pub use weigh::compare;
