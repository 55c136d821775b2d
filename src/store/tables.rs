//! The ledger's tables and their keys. Nothing in a key tells who a patient is.

use serde::{Deserialize, Serialize};

use super::checkpoint::Tail;
use super::entry::RowId;
use super::ledger::Ledger;
use super::reversal::Reversal;
use super::segment::Location;
use super::table::Table;
use crate::migration::{
    Amended, Conflict, Destination, ExportFile, Mapping, Output, Plan, Quarantined, Registration, Rules, SamplePatient,
    SampleRecord, Secrets, Verification, VerifiedBlock, VerifyMark, Waived,
};

/// What a run was started with; but for its end it never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunInfo {
    /// The migration.
    pub migration: String,
    /// The tenant that its records belong to.
    pub tenant: String,
    /// The source's FHIR base URL; absent for the destination's own records.
    pub base_url: Option<String>,
    /// When it began, RFC 3339.
    pub started: String,
    /// When it was taken back, RFC 3339; its landing stays.
    #[serde(default)]
    pub rolled_back: Option<String>,
    /// The rules by which its rows are placed, whatever the plan says later; absent in runs of former versions.
    #[serde(default)]
    pub rules: Option<Rules>,
}

/// How far a run is: the ONE record of a checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Durable lengths of the segments being written.
    pub tails: Vec<Tail>,
    /// Files as of this checkpoint, before whatever the table of files says of them: those begun, and those that ended with it.
    pub files: Vec<ExportFile>,
    /// Records added to the index by what was received so far.
    pub added: u64,
}

/// A row that waits for its patient: where it is, not a copy of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRow {
    /// The row.
    pub row: RowId,
    /// Its bytes in the landing.
    pub location: Location,
}

/// Where a quarantined row's bytes are, with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantinedRow {
    /// What and why.
    pub what: Quarantined,
    /// Its bytes in the landing.
    pub location: Location,
}

/// A quarantined row as a person set it right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AmendedRow {
    /// Who did, and why.
    pub amended: Amended,
    /// The bytes that stand for those received.
    pub location: Location,
}

/// A patient that refers to another patient.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    /// Key of the one that refers.
    pub from: Vec<u8>,
    /// The row that says so.
    pub row: RowId,
    /// Its bytes in the landing.
    pub location: Location,
}

/// A conflict with where the received bytes are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictRow {
    /// The conflict.
    pub conflict: Conflict,
    /// The received record's bytes.
    pub location: Location,
    /// The destination record's key in the index.
    pub target: Vec<u8>,
    /// Further rows with the very same content that met the same record while the conflict was open.
    pub also: Vec<HeldRow>,
    /// A person took a decision on it back: no policy decides it.
    #[serde(default)]
    pub asked: bool,
    /// Records added to the index when a person's decision was carried out.
    pub added: u64,
}

impl ConflictRow {
    /// The row that met the destination's record.
    pub fn row(&self) -> RowId {
        RowId {
            run: self.conflict.run,
            file: self.conflict.file,
            line: self.conflict.line,
        }
    }
}

/// All tables.
#[derive(Clone)]
pub struct Tables {
    /// Migrations by id.
    pub migrations: Table<Plan>,
    /// Secrets of a migration's source, by migration id.
    pub secrets: Table<Secrets>,
    /// How far registering has come, by migration id.
    pub registrations: Table<Registration>,
    /// Runs by number.
    pub runs: Table<RunInfo>,
    /// Files by run and number.
    pub files: Table<ExportFile>,
    /// Progress by run.
    pub progress: Table<Progress>,
    /// Durable lengths of segments that nobody writes any more.
    pub segments: Table<u64>,
    /// Quarantined rows by run, file and line.
    pub quarantine: Table<QuarantinedRow>,
    /// Quarantined rows that somebody waived, likewise.
    pub waived: Table<Waived>,
    /// Quarantined rows that somebody set right, likewise.
    pub amended: Table<AmendedRow>,
    /// What programs made of records, by migration, place of the transform and keyed hash of the record.
    pub outputs: Table<Output>,
    /// Held rows by patient, run, file and line.
    pub held: Table<HeldRow>,
    /// Conflicts by migration and id.
    pub conflicts: Table<ConflictRow>,
    /// Source record to destination record: by migration, number of the type and keyed hash of the source's id.
    pub crosswalk: Table<Mapping>,
    /// Patients that refer to other patients: by migration, keyed hash of the id referred to, and key of the one that refers.
    pub links: Table<Link>,
    /// What is being taken back and not done yet, by migration.
    pub reversals: Table<Reversal>,
    /// Rows of the destination's own that were taken back by force, by row.
    pub overruled: Table<()>,
    /// Numbers of tenants and types in index keys.
    pub names: Table<u16>,
    /// The server that a migration's records are delivered to, by migration id.
    pub destinations: Table<Destination>,
    /// The latest verification by migration.
    pub verifications: Table<Verification>,
    /// Comments on patients' charts, by migration and the keyed hash that the journal has of them.
    pub remarks: Table<String>,
    /// The verification that was begun last, by migration.
    pub verifying: Table<VerifyMark>,
    /// What it found, by migration, segment and offset of the block.
    pub verified: Table<VerifiedBlock>,
    /// Sample patients by migration and number.
    pub samples: Table<SamplePatient>,
    /// Their records by migration, number of the patient and number of the record.
    pub sample_records: Table<SampleRecord>,
}

impl Tables {
    /// Opens all tables of a ledger.
    pub fn open(ledger: &Ledger) -> Result<Self, super::ledger::LedgerError> {
        Ok(Self {
            migrations: ledger.table("migrations")?,
            secrets: ledger.table("secrets")?,
            registrations: ledger.table("registrations")?,
            runs: ledger.table("runs")?,
            files: ledger.table("files")?,
            progress: ledger.table("progress")?,
            segments: ledger.table("segments")?,
            quarantine: ledger.table("quarantine")?,
            waived: ledger.table("waived")?,
            amended: ledger.table("amended")?,
            outputs: ledger.table("outputs")?,
            held: ledger.table("held")?,
            conflicts: ledger.table("conflicts")?,
            crosswalk: ledger.table("crosswalk")?,
            links: ledger.table("links")?,
            reversals: ledger.table("reversals")?,
            overruled: ledger.table("overruled")?,
            names: ledger.table("names")?,
            destinations: ledger.table("destinations")?,
            verifications: ledger.table("verifications")?,
            remarks: ledger.table("remarks")?,
            verifying: ledger.table("verifying")?,
            verified: ledger.table("verified")?,
            samples: ledger.table("samples")?,
            sample_records: ledger.table("sample_records")?,
        })
    }
}

/// Key of a run.
pub fn run_key(run: u32) -> [u8; 4] {
    run.to_be_bytes()
}

/// Key of a file of a run.
pub fn file_key(run: u32, file: u32) -> [u8; 8] {
    let mut key = [0; 8];
    key[..4].copy_from_slice(&run.to_be_bytes());
    key[4..].copy_from_slice(&file.to_be_bytes());
    key
}

/// Key of a row.
pub fn row_key(row: RowId) -> [u8; 12] {
    let mut key = [0; 12];
    key[..8].copy_from_slice(&file_key(row.run, row.file));
    key[8..].copy_from_slice(&row.line.to_be_bytes());
    key
}

/// The row of such a key, if it is one.
pub fn row_of(key: &[u8]) -> Option<RowId> {
    let part = |at: usize| key.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
    let (run, file, line) = (part(0)?, part(4)?, part(8)?);
    (key.len() == 12).then_some(RowId { run, file, line })
}

/// Key of a held row: tenant, keyed hash of the patient's id, row.
pub fn held_key(tenant: u16, patient: &[u8; 16], row: RowId) -> Vec<u8> {
    [&tenant.to_be_bytes()[..], patient, &row_key(row)].concat()
}

/// Key of a block of a migration: its place in the landing.
pub fn block_key(migration: &str, segment: u32, offset: u64) -> Vec<u8> {
    migration_key(migration, &[&segment.to_be_bytes()[..], &offset.to_be_bytes()].concat())
}

/// Segment and offset of such a key, if it is one.
pub fn block_of(key: &[u8]) -> Option<(u32, u64)> {
    let at = key.len().checked_sub(12)?;
    let (segment, offset) = key[at..].split_at(4);
    Some((
        u32::from_be_bytes(segment.try_into().ok()?),
        u64::from_be_bytes(offset.try_into().ok()?),
    ))
}

/// Key of something of a migration: its id, a zero byte, the rest.
pub fn migration_key(migration: &str, rest: &[u8]) -> Vec<u8> {
    [migration.as_bytes(), &[0], rest].concat()
}
