//! Events: the facts of a migration, in the past tense. They are journalled before anyone sees them, and folding them gives back where
//! the migration stands.
//!
//! During export their names are those of the SMART Bulk Data export log.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::conflict::{Mark, Resolution};
use super::counts::ByType;
use super::delivered::Keep;
use super::delivery::{DeliveryCounts, DeliveryPlan};
use super::sample::ChartVerdict;
use super::sign_off::{Capacity, Head};

/// Something that happened in a migration. Holds neither PHI nor secrets: it is printed and reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A person added the migration.
    MigrationAdded {
        /// The preset chosen.
        preset: String,
        /// The source's FHIR base URL.
        base_url: String,
    },
    /// A person changed the migration's plan.
    MigrationChanged {
        /// Names of the fields that changed.
        fields: Vec<String>,
    },
    /// A person removed the migration, for which nothing had been received. What follows belongs to a new one of the same name.
    MigrationRemoved {},
    /// A key pair was made or imported.
    KeyCreated {
        /// Key id (RFC 7638 thumbprint).
        kid: String,
    },
    /// A run began.
    RunStarted {
        /// Its number.
        run: u32,
        /// It asks only for what has changed since.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        since: Option<String>,
    },
    /// The source accepted our credentials.
    TokenGranted {
        /// Granted scopes.
        scopes: Vec<String>,
        /// Requested scopes that were not granted.
        missing: Vec<String>,
    },
    /// The kickoff is about to be sent; what follows says whether it was answered.
    KickoffSent {
        /// The request as sent, without the token and what names patients.
        request: String,
    },
    /// The source accepted the export and named its status URL.
    Kickoff {
        /// Where to ask how far it is.
        status_url: String,
        /// Whether the job's state is told apart from that of the request (`separate-export-status`).
        separate_status: bool,
    },
    /// The source said how far it is.
    StatusProgress {
        /// The server's own words.
        progress: String,
    },
    /// The export is ready; its manifest and files are in the ledger.
    StatusComplete {
        /// The manifest's `transactionTime`, verbatim.
        transaction_time: Option<String>,
        /// How many files it lists.
        files: u32,
        /// Whether header lines stand between groups of records (`organizeOutputBy`).
        organized: bool,
        /// What was odd about it.
        notes: Vec<String>,
    },
    /// Links had expired and the manifest was fetched again.
    ManifestRefreshed {},
    /// A file is being fetched.
    DownloadRequest {
        /// Its number.
        file: u32,
        /// Its name.
        name: String,
        /// The byte from which it goes on.
        from: u64,
    },
    /// A file is complete and durable.
    DownloadComplete {
        /// Its number.
        file: u32,
        /// Its name.
        name: String,
        /// Bytes, after decompression.
        bytes: u64,
        /// Rows.
        rows: u64,
        /// BLAKE3 of all bytes, hexadecimal.
        blake3: String,
        /// How many rows the manifest promised, if that differs.
        promised: Option<u64>,
    },
    /// A file could not be had.
    DownloadError {
        /// Its number.
        file: u32,
        /// Its name.
        name: String,
        /// Why, in a sentence.
        reason: String,
    },
    /// All files that could be had are durable.
    ExportComplete {
        /// Files complete.
        files: u32,
        /// Files that failed.
        failed: u32,
        /// Bytes, after decompression.
        bytes: u64,
        /// Rows of the output and deleted files.
        rows: u64,
    },
    /// Every row has its disposition.
    IngestCompleted {
        /// What became of the rows.
        counts: ByType,
    },
    /// More rows were rejected than the plan allows.
    RunPaused {
        /// How many.
        rejects: u64,
        /// How many the plan allows.
        allowed: u64,
    },
    /// Somebody decided a conflict.
    ConflictResolved {
        /// The conflict.
        conflict: String,
        /// The decision.
        resolution: Resolution,
        /// The rule that decided.
        rule: String,
        /// The name that the person gave.
        #[serde(default)]
        name: Option<String>,
        /// Why, in the person's words.
        #[serde(default)]
        why: Option<String>,
        /// The destination's record at that time.
        #[serde(default)]
        before: Option<Mark>,
    },
    /// Somebody took a decision back; its conflict is open again.
    DecisionUndone {
        /// The conflict.
        conflict: String,
        /// What had been decided.
        resolution: Resolution,
        /// The decision that it had been built on, when that one was taken back.
        because_of: Option<String>,
        /// The name that the person gave.
        name: Option<String>,
        /// Why, in the person's words.
        why: Option<String>,
        /// The destination's record after the decision.
        before: Option<Mark>,
        /// The destination's record before the decision, which it is given back.
        after: Option<Mark>,
    },
    /// Somebody changed the crosswalk by hand.
    CrosswalkChanged {
        /// Records mapped.
        set: u32,
        /// Mappings taken away.
        unset: u32,
        /// The name that the person gave.
        name: Option<String>,
        /// Why, in the person's words.
        why: Option<String>,
    },
    /// Somebody began to take runs back.
    RollbackBegun {
        /// The first run taken back; every later one of the migration goes with it.
        run: u32,
        /// Whether edits made at the destination since are taken back as well.
        force: bool,
        /// The name that the person gave.
        name: Option<String>,
        /// Why, in the person's words.
        why: Option<String>,
    },
    /// Runs were taken back: the store is as it was before them.
    RolledBack {
        /// The first run taken back.
        run: u32,
    },
    /// Somebody set a quarantined row right, and it was taken in as it reads now.
    RowAmended {
        /// The row, as run/file/line.
        row: String,
        /// The name that the person gave.
        name: Option<String>,
        /// Why, in the person's words.
        why: Option<String>,
    },
    /// Somebody decided to do without a quarantined row.
    RowWaived {
        /// The row, as run/file/line.
        row: String,
        /// The name that the person gave.
        name: Option<String>,
        /// Why, in the person's words.
        why: Option<String>,
    },
    /// Somebody had the record of a finding taken in once more.
    RecordRepaired {
        /// Its type.
        resource_type: String,
        /// The run that received it.
        run: u32,
        /// The file within that run.
        file: u32,
        /// The line in the file, from 1.
        line: u32,
        /// What was found.
        code: String,
        /// The name that the person gave.
        name: Option<String>,
        /// Why, in the person's words.
        why: Option<String>,
    },
    /// Somebody judged a sample chart.
    ChartJudged {
        /// Its number in the draw.
        chart: u32,
        /// What was said of it.
        verdict: ChartVerdict,
        /// Keyed hash of the patient's id, hexadecimal.
        patient: String,
        /// Keyed hash of what both sides said, hexadecimal.
        content: String,
        /// The name that the person gave.
        name: Option<String>,
        /// Keyed hash of the comment, hexadecimal. The comment may be about the patient and is kept apart, so that the journal can be
        /// given to others whole.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remark: Option<String>,
    },
    /// Somebody answers for the migration.
    SignedOff {
        /// In which capacity.
        capacity: Capacity,
        /// The name that the person gave.
        name: String,
        /// The comment.
        why: Option<String>,
        /// The end of the journal before it.
        head: Head,
    },
    /// The practice has gone over.
    Flipped {
        /// The name that the person gave.
        name: Option<String>,
        /// Why, if the gate was shut.
        overridden: Option<String>,
        /// What was missing then.
        missing: Vec<String>,
    },
    /// Somebody took it back that the practice has gone over.
    FlipTakenBack {
        /// The name that the person gave.
        name: Option<String>,
        /// Why.
        why: String,
    },
    /// Somebody is about to destroy everything here that holds a patient's data; a copy of what is stored was seen to be whole.
    WipeBegun {
        /// What each tenant's store, and the copy of it, says: a hash, hexadecimal.
        stored: BTreeMap<String, String>,
        /// The name that the person gave.
        name: Option<String>,
    },
    /// The store was compared with the landing.
    Verified {
        /// Records read back and compared.
        compared: u64,
        /// What did not agree.
        findings: u64,
    },
    /// The destination's own records were read into the store.
    DestinationRead {
        /// What came of them.
        counts: ByType,
    },
    /// A delivery to a server began.
    DeliveryBegun {
        /// Its FHIR base URL.
        base_url: String,
        /// Its software, as it says.
        software: String,
        /// How records are written to it; absent in journals of before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<DeliveryPlan>,
    },
    /// Files were made for a server's own import.
    HandedOff {
        /// Files.
        files: u64,
        /// Records in them.
        records: u64,
    },
    /// A server began to import them.
    ImportBegun {
        /// Records in the files.
        records: u64,
    },
    /// That import is over.
    ImportEnded {
        /// Records imported, where the server says.
        imported: Option<u64>,
        /// What the server says went wrong, by number.
        errors: u64,
    },
    /// A person said that an import is to be watched no longer: it is over, or never began.
    ImportForgotten {},
    /// The server holds what it takes.
    DeliveryEnded {
        /// What came of the records.
        counts: DeliveryCounts,
        /// Requests that it took; absent in journals of before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        requests: Option<u64>,
    },
    /// A delivery stopped on an error; delivering again goes on from there.
    DeliveryFailed {
        /// The error, in a sentence.
        reason: String,
    },
    /// Somebody settled a conflict between the store and the server.
    DestinationAgreed {
        /// The record's type.
        resource_type: String,
        /// The first digits of the keyed hash of its id.
        record: String,
        /// Whose record stays.
        keep: Keep,
        /// The name that the person gave.
        name: Option<String>,
        /// Why, in the person's words.
        why: Option<String>,
    },
    /// Everything was read back from the server and compared.
    DeliveryProven {
        /// Records compared.
        compared: u64,
        /// Records that are not there as they should be.
        wrong: u64,
    },
    /// The job was deleted at the source.
    JobDeleted {},
    /// A person cancelled the export at the source before it was ready; the next run begins a new one.
    ExportCancelled {},
    /// The job could not be deleted at the source, or was kept because something is missing.
    JobKept {
        /// Why.
        reason: String,
    },
    /// The run is over.
    RunCompleted {
        /// Its number.
        run: u32,
    },
    /// The run stopped on an error; running again goes on from there.
    RunFailed {
        /// The error, in a sentence.
        reason: String,
    },
}

impl Event {
    /// Its name in the journal, such as `download_complete`.
    pub fn name(&self) -> String {
        match serde_json::to_value(self) {
            Ok(value) => value["event"].as_str().unwrap_or_default().to_owned(),
            Err(_) => String::new(),
        }
    }
}
