//! The whole chain, in process: from a simulated EHR, well and badly behaved, into the embedded store.

/// As in the program, and a tenth faster.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

mod again;
mod baseline;
mod bench;
mod by_hand;
mod clock;
mod crosswalk;
mod deletion;
mod delivery;
mod delivery_access;
mod delivery_compartment;
mod delivery_faults;
mod delivery_import;
mod delivery_inside;
mod delivery_references;
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
