//! The whole chain, in process: from a simulated EHR, well and badly behaved, into the embedded store.

mod again;
mod baseline;
mod bench;
mod by_hand;
mod clock;
mod crosswalk;
mod deletion;
mod delivery;
mod delivery_access;
mod delivery_faults;
mod destination;
mod documents;
mod edited;
mod every_way;
mod fault;
mod gate;
mod hfs;
mod hfs_content;
mod hfs_destination;
mod hfs_server;
mod identity;
mod living;
mod losses;
mod merging;
mod mutations;
mod oneshot;
mod quarantine;
mod rollback;
#[path = "../kill/said.rs"]
mod said;
mod secrecy;
mod synthea;
mod transform;
mod undo;
mod untyped;
