//! A FHIR server as a second destination: it follows the embedded store, where identity, conflicts, merges and undoing have their place.
//!
//! What the store says now is what the server is to hold; what the ledger says of each record is what it holds as far as we know. A delivery
//! makes the two agree, record by record, so that a second one finds nothing to do, one that was cut off is gone on with, and a rollback of
//! the store is carried over to the server by delivering once more.
//!
//! - `chosen`: which server it is, and how the records stand there. `link`: the session, and what the server can do. `deliver`: the delivery.
//! - `after_run`: a delivery as the end of a run. `work`: what there is to do, type by type. `outgoing`: a record as it is sent. `task`: one record's way, whatever the server answers.
//! - `sender`: batches in flight, as many and as large as the server bears. `settle`: what came of it, made durable.
//! - `agree`: what a person decides of records that the server has otherwise. `likeness`: whether two records say the same.
//! - `circle`: records that are to be removed and refer to each other.
//! - `pull`: the server's own records, read into the store before anything is decided. `proof`: everything read back and compared.

mod after_run;
mod agree;
mod chosen;
mod circle;
mod deliver;
mod likeness;
mod link;
mod outgoing;
mod proof;
mod pull;
mod sender;
mod settle;
mod task;
mod work;

pub use after_run::delivered;
pub use agree::agree;
pub use chosen::{Stand, choose, stand};
pub use deliver::{Delivering, Problem, deliver, problems};
pub use link::{Trial, destination, save_destination, trial};
pub use proof::{Proof, prove};
pub use pull::pull;
