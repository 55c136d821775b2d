//! The whole chain, in process: from a simulated EHR, well and badly behaved, into the embedded store.

mod again;
mod baseline;
mod bench;
mod by_hand;
mod clock;
mod crosswalk;
mod deletion;
mod delivery;
mod destination;
mod documents;
mod edited;
mod every_way;
mod fault;
mod gate;
mod hfs;
mod identity;
mod merging;
mod oneshot;
mod quarantine;
mod rollback;
mod secrecy;
mod synthea;
mod transform;
mod undo;
mod untyped;
