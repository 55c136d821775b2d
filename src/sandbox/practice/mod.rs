//! A seeded synthetic practice of any size, made line by line and never held.
//!
//! Every resource is a function of (seed, type, index). What makes that work:
//!
//! - `dice`: randomness without state, and a shuffle that can be undone; `id`: ids that carry their index.
//! - `kind`: the types; `census`: how many there are of each, and whose is the n-th, by a pattern over sixteen patients.
//! - `calendar`: lives, visits, and how instants are written; `names`, `coding`: people's names, coded concepts.
//! - `line`: compact JSON in the habits of several EHRs; `element`: the FHIR data types on it.
//! - one file per family of resources, and `seeded` with the practice itself.
//!
//! The data is meant to be hard on a reader in the ways real exports are: see the tests for the list. In every line the
//! text `{base}` stands for the server's own base URL. Where a line names its patient: `subject`, `patient`,
//! `beneficiary`, `securityContext` (Binary), or the last `target` (Provenance). No person, number or address is real.

mod allergy;
mod calendar;
mod care;
mod census;
mod coding;
mod condition;
mod coverage;
mod destination;
mod dice;
mod document;
mod element;
mod encounter;
mod id;
mod immunization;
mod kind;
mod line;
mod measure;
mod medication;
mod names;
mod observation;
mod organization;
mod patient;
mod practitioner;
mod procedure;
mod provenance;
mod report;
mod seeded;
mod staff;
mod twice;

#[cfg(test)]
mod tests;

pub use census::MAX_PATIENTS;
pub use destination::{Destination, DestinationMix};
pub use patient::MRN_SYSTEM;
pub use seeded::Practice;
pub use twice::RegisteredTwice;
