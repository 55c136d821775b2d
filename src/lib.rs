//! `cutover` moves a medical practice's records out of one EHR and into another FHIR store.
//!
//! The rooms, in the order in which they may import each other (downward only):
//!
//! - [`fhir`]: what a resource is. Pure, no I/O.
//! - [`migration`]: what a migration is. Pure.
//! - [`store`]: what is on disk. [`http`]: client, retry, pacer. Side by side.
//! - [`source`]: reading the EHR. [`target`]: writing the destination.
//! - [`engine`]: the jobs; the only owner of tokio tasks.
//! - [`tui`]: the full-screen front end. [`cli`]: the one without a screen. Neither imports the other.
//! - [`sandbox`]: a simulated EHR on loopback; uses `fhir` and `migration` only.

pub mod cli;
pub mod engine;
pub mod fhir;
pub mod http;
pub mod migration;
pub mod sandbox;
pub mod source;
pub mod store;
pub mod target;
pub mod tui;
