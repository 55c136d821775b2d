//! The engine: jobs on migrations. It never prints and never asks; front ends give commands and see events.
//!
//! - [`start`]: the contract with front ends.
//! - `job`: a run from kickoff to verification; `export`, `receive`, `attachments`: its parts that talk to the source.
//! - `landing`, `row`, `pipeline`, `committer`, `place`: a row's way from the network into the store.
//! - `rebuild`: the index made anew from the landing and the ledger.
//! - `cut_off`: notes that a kill left on rows which never became durable.
//! - `preflight`: everything that an export will need; `oneshot`: an export into a folder, without a migration; `remove`: a migration.
//! - `resolve`, `carry_out`, `merge`, `verify`, `sample`, `tally`: decisions and proof.
//! - `beside`: conflicts as a person looks at them.
//! - `waive`: doing without quarantined rows.
//! - `standing`: how a migration stands, gathered for whoever looks.
//! - `forecast`: what decisions would come to; `undo`, `rollback`: taking back. `reversal` carries it out, `retrace` finds the rows concerned, `cut` takes versions out of a
//!   record's history, `withdraw` takes back whole runs.

mod attachments;
mod beside;
mod carry_out;
mod committer;
mod connect;
mod cut;
mod cut_off;
mod doctor;
mod error;
mod export;
mod file_context;
mod forecast;
mod import;
mod job;
pub mod keys;
mod known;
mod landing;
mod merge;
mod message;
mod oneshot;
mod oneshot_attachments;
mod oneshot_file;
mod oneshot_folder;
mod oneshot_log;
mod original;
mod patient_facts;
mod patients;
mod pipeline;
mod place;
mod preflight;
mod preflight_source;
mod progress;
mod rebuild;
mod receive;
mod recorder;
mod remove;
mod replay;
mod resolve;
mod retrace;
mod reversal;
mod rollback;
mod row;
mod run;
mod sample;
mod standing;
mod taken_back;
mod tally;
mod twin;
mod undo;
mod verify;
mod waive;
mod withdraw;

#[cfg(test)]
pub use beside::alike;
pub use beside::{Beside, Listed, beside, conflicts_of, waiting};
pub use connect::{Credentials, ask, base, connect, http, scopes};
pub use doctor::{Examined, examine, examine_permissions};
pub use error::EngineError;
pub use export::request;
pub use forecast::{Forecast, forecast};
pub use import::{Import, import};
pub use job::{Outcome, RunOptions, open_conflicts};
pub use merge::{Comparison, Proposal, compare};
pub use oneshot::{Exported, OneShot, export_once};
pub use original::original;
pub use preflight::{Check, Verdict, preflight};
pub use progress::{FileProgress, Snapshot};
pub use rebuild::{Rebuilt, rebuild_index};
pub use recorder::{Recorded, Recorder, state};
pub use remove::remove;
pub use resolve::Choice;
pub use reversal::complete;
pub use run::{Answer, Command, Running, start, start_by};
pub use standing::{Standing, standing, standings};
pub use taken_back::{Effects, TakenBack};
pub use tally::{describe, recorded_counts, run_counts, runs_of};
pub use undo::Which;
