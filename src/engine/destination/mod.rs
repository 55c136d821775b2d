//! A FHIR server as a second destination: it follows the embedded store, where identity, conflicts, merges and undoing have their place.
//!
//! What the store says now is what the server is to hold; what the ledger says of each record is what it holds as far as we know. A delivery
//! makes the two agree, record by record, so that a second one finds nothing to do, one that was cut off is gone on with, and a rollback of
//! the store is carried over to the server by delivering once more.
//!
//! - `chosen`: which server it is, and how the records stand there. `link`: the session, and what the server can do. `deliver`: the delivery.
//! - `after_run`: a delivery as the end of a run. `work`: what there is to do, type by type; `compartment`: patient by patient. `outgoing`: a record as it is sent, `leads`: where its
//!   references lead there, `inside`: documents that go inside of it. `task`: one record's way, whatever the server answers.
//! - `queue`: work that waits to be sent. `sender`: bundles in flight, as many and as large as the server bears; `flight`: one of them. `settle`: what came of it, made durable.
//! - `hand_off`: files for a server's own import; `bulk_import`: that import, started and watched.
//! - `agree`: what a person decides of records that the server has otherwise. `likeness`: whether two records say the same.
//! - `circle`: records that are to be removed and refer to each other.
//! - `pull`: the server's own records, read into the store before anything is decided. `proof`: everything read back and compared.

mod after_run;
mod agree;
mod bulk_import;
mod chosen;
mod circle;
mod compartment;
mod deliver;
mod flight;
mod hand_off;
mod inside;
mod leads;
mod likeness;
mod link;
mod outgoing;
mod proof;
mod pull;
mod queue;
mod sender;
mod settle;
mod task;
mod work;

pub use after_run::delivered;
pub use agree::agree;
pub use bulk_import::{ImportOptions, Imported, bulk_import};
pub use chosen::{Stand, choose, stand};
pub use deliver::{Delivering, Problem, deliver, problems};
pub use hand_off::HandedFile;
pub use link::{Probed, Trial, destination, save_destination, trial};
pub use proof::{Proof, prove};
pub use pull::pull;
