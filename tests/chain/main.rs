//! The whole chain, in process: from a simulated EHR, well and badly behaved, into the embedded store.

mod again;
mod baseline;
mod bench;
mod clock;
mod deletion;
mod destination;
mod edited;
mod fault;
mod identity;
mod oneshot;
mod quarantine;
mod secrecy;
mod synthea;
mod untyped;
