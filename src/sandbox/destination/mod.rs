//! A simulated FHIR R4 server on loopback that is written to, in memory, with the manners of several vendors and faults on demand.
//!
//! A request passes `handle` (tokens, allowances, faults that strike it as a whole) and becomes a `request` that names an interaction:
//!
//! - `write` looks its conditions up and then does it, `read` answers what changes nothing, `bundle` works off many;
//! - `world` is what they work on: `records` with all versions, and the names given so far.
//!
//! Vendors differ by `manners`, what goes wrong is in `fault`, when it strikes is in `trouble`.

mod answer;
mod asked;
mod bundle;
mod capability;
mod config;
mod content;
mod fault;
mod handle;
mod import;
mod in_flight;
mod manners;
mod meta;
mod read;
mod records;
mod reference;
mod request;
mod search;
mod server;
mod site;
mod throttle;
mod trouble;
mod wire;
mod world;
mod write;

pub use config::DestinationConfig;
pub use content::{Content, DestinationStats};
pub use fault::{Every, WriteFault};
pub use import::ImportManners;
pub use manners::{
    ClientIds, DEMOGRAPHICS, EntryManners, GENERIC, GOOGLE, HAPI, MEDPLUM, Manners, Minimal, ServerIds, THROTTLED,
};
pub use server::{Destination, RunningDestination};
