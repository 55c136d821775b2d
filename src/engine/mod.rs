//! The engine: jobs on migrations. It never prints and never asks; front ends give commands and see events.
//!
//! - [`start`]: the contract with front ends.
//! - `whole_job`: a run, and the delivery of what it brought.
//! - `job`: a run from kickoff to verification; `export`, `receive`, `attachments`: its parts that talk to the source.
//! - `landing`, `lines`, `row`, `pipeline`, `committer`, `place`: a row's way from the network into the store.
//! - `crosswalk`, `crosswalk_list`, `by_hand`: who is known under another id; `directory`, `matching`, `engaged`: organizations, locations and practitioners who are.
//! - `rebuild`: the index made anew from the landing and the ledger. `program`: programs that transform records.
//! - `cut_off`: notes that a kill left on rows which never became durable.
//! - `cancel_export`: an export taken back at the source before it is ready. `preview`: what transforms would do.
//! - `destination`: a FHIR server that the store's records are delivered to.
//! - `preflight`: everything that an export will need; `oneshot`: an export into a folder, without a migration; `remove`: a migration.
//! - `resolve`, `carry_out`, `merge`, `verify`, `sample`, `tally`: decisions and proof. `findings`: what verification found, shown and repaired.
//! - `living`: a few records read again at the source.
//! - `planning`: making and changing plans. `mint`: a token to look at.
//! - `beside`: conflicts as a person looks at them.
//! - `aside`: rows that were set aside. `amend`: setting them right; `waive`: doing without quarantined rows. `chart`: sample charts judged. `gate`: whether a practice can go over, who signed, and that it has;
//!   `trail`: what the journal says of that.
//! - `report`, `report_text`: the report. `evidence`: the report in every form and a bundle of everything, signed, and their check. `standing`: how a migration stands, gathered for whoever looks.
//! - `wipe`: everything that holds a patient's data destroyed, once a copy is proven.
//! - `forecast`: what decisions would come to; `undo`, `rollback`: taking back. `history` says what happened in which order, `telling` tells it
//!   once more without what is taken back, `told` makes the store what was told, `reversal` does it so that a kill does no harm.

mod amend;
mod aside;
mod attachments;
mod beside;
mod by_hand;
mod cancel_export;
mod carry_out;
mod chart;
mod committer;
mod connect;
mod crosswalk;
mod crosswalk_list;
mod cut_off;
pub mod destination;
mod directory;
mod doctor;
mod engaged;
mod error;
mod evidence;
mod export;
mod file_context;
mod findings;
mod forecast;
mod gate;
mod history;
mod import;
mod job;
pub mod keys;
mod known;
mod landing;
mod lines;
mod living;
mod matching;
mod merge;
mod message;
mod mint;
mod not_given;
mod oneshot;
mod oneshot_attachments;
mod oneshot_file;
mod oneshot_folder;
mod oneshot_log;
mod original;
mod outcome;
mod patient_facts;
mod patients;
mod pipeline;
mod place;
mod planning;
mod preflight;
mod preflight_source;
mod preview;
mod program;
mod progress;
mod rebuild;
mod receive;
mod recorder;
mod remove;
mod replay;
mod report;
mod report_text;
mod resolve;
mod reversal;
mod rollback;
mod row;
mod run;
mod sample;
mod standing;
mod taken_back;
mod tally;
mod telling;
mod told;
mod trail;
mod twin;
mod undo;
mod verified_text;
mod verify;
mod waive;
mod whole_job;
mod wipe;

pub use amend::{Amendment, Line, flaw};
pub use aside::{Aside, Beginning, beginning, quarantine_of};
#[cfg(test)]
pub use beside::alike;
pub use beside::{Beside, Listed, beside, conflicts_of, waiting};
pub use by_hand::change_crosswalk;
pub use chart::{chart_records, charts, find as find_chart, name_patients};
pub use connect::{Credentials, ask, base, connect, http, scopes};
pub use crosswalk_list::{CrosswalkLine, crosswalk_list};
pub use doctor::{Examined, examine, examine_permissions};
pub use error::EngineError;
pub use evidence::{
    CheckError, Checked, Evidence, Form, Statement, Written, check as check_evidence, write as write_evidence,
    write_report,
};
pub use export::request;
pub use findings::{DifferingField, Found, Shown, findings, show_finding};
pub use forecast::{Forecast, forecast};
pub use gate::gate;
pub use import::{Import, import};
pub use job::open_conflicts;
pub use living::living_text;
pub use merge::{Comparison, Proposal, compare};
pub use mint::{Minted, mint};
pub use oneshot::{Exported, OneShot, export_once};
pub use original::original;
pub use outcome::{Outcome, RunOptions};
pub use planning::{PlanField, PlanProblem, change, check, fill_in, furnish, kickoff_preview, prepared, slug};
pub use preflight::{Check, Verdict, preflight};
pub use preview::{Batch, Preview, Sample, preview_landing};
pub use program::trial;
pub use progress::{Delivery, FileProgress, Polling, Snapshot};
pub use rebuild::{Rebuilt, rebuild_index};
pub use recorder::{Recorded, Recorder, state};
pub use remove::remove;
pub use report::{Report, report, report_page};
pub use report_text::{gate_text, report_text, verification_text};
pub use resolve::Choice;
pub use reversal::complete;
pub use run::{Answer, Command, Running, start, start_by};
pub use standing::{Standing, standing, standings};
pub use taken_back::{Effects, TakenBack};
pub use tally::{describe, recorded_counts, run_counts, runs_of};
pub use undo::Which;
pub use wipe::{Copied, ProvenCopy, Wipeable, begin_wipe, wipeable};
