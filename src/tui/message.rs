//! What the model is told (messages) and what it asks for (effects).

use super::input::Input;
use super::screen::register::KeyPair;
use crate::engine::destination::{Stand, Trial};
use crate::engine::{
    Answer, Aside, Beginning, Beside, Check, Command, DifferingField, EngineError, Listed, Minted, Recorded, Snapshot,
    Standing, Wipeable, Written,
};
use crate::http::Secret;
use crate::migration::{Chart, ChartRow, Destination, Plan, Preset, Registration, Verification};
use crate::source::JwksFinding;
use crate::store::{JournalEntry, RowId, Wiped};

/// Something happened.
#[derive(Debug)]
pub enum Msg {
    /// Somebody pressed a key or pasted, or the terminal changed.
    Input(Input),
    /// A second has passed while something counts down.
    Second,
    /// A list that was asked for has been read.
    Read(Reply),
    /// A change is in the ledger.
    Saved,
    /// Something that was asked for has been done: what, in a sentence.
    Done(String),
    /// Something that was asked for cannot be done.
    Failed(Problem),
    /// A job of a migration tells something.
    Job(String, News),
    /// A part of the program panicked, at this place.
    Panicked(String),
}

/// What a job tells.
#[derive(Debug)]
pub enum News {
    /// It began.
    Began,
    /// Something happened; it is in the journal.
    Event(Box<Recorded>),
    /// Latest counters.
    Snapshot(Box<Snapshot>),
    /// It is over.
    Ended(Box<Result<Answer, Problem>>),
}

/// Something that was read.
#[derive(Debug)]
pub enum Reply {
    /// How every migration stands.
    Standings(Vec<Standing>),
    /// Every preset.
    Presets(Vec<Preset>),
    /// How far registering with a migration's EHR has come, and its key pair.
    Registration(String, Registration, Option<KeyPair>),
    /// One thing that a test of a migration's connection looked at.
    Check(String, Box<Check>),
    /// The test is over.
    Checked(String),
    /// What was found where a migration's keys are published.
    Published(String, Vec<JwksFinding>),
    /// What came of asking for a token.
    Minted(String, Box<Result<Option<Minted>, Problem>>),
    /// The kickoff of a migration, as it will be sent, or what it lacks.
    Preview(String, Result<String, String>),
    /// A migration was added.
    Added(String),
    /// The journal of a migration.
    Journal(String, Vec<JournalEntry<crate::migration::Event>>),
    /// The conflicts of a migration.
    Conflicts(String, Vec<Listed>),
    /// The quarantined rows of a migration.
    Quarantine(String, Vec<Aside>),
    /// The beginning of a quarantined row as it was received; why not, if it cannot be read.
    Original(RowId, Result<Beginning, Problem>),
    /// The records of a conflict, by its id; why not, if they cannot be read.
    Beside(String, Result<Beside, Problem>),
    /// The latest verification of a migration and its sample charts.
    Verified(String, Box<Option<Verification>>, Vec<Chart>),
    /// The record of a finding, by its number: field by field, with the record's name; why not, if it cannot be read.
    Finding(u64, Result<(String, Vec<DifferingField>), Problem>),
    /// The rows of a sample chart by its number, with what it said then; why not, if they cannot be read.
    Chart(u32, String, Result<Vec<ChartRow>, Problem>),
    /// The FHIR server of a migration, if it has one, and how the records stand there.
    Destination(String, Box<Option<Stand>>),
    /// What came of trying it.
    Tried(String, Box<Result<Trial, Problem>>),
    /// The evidence of a migration was written.
    Written(String, Written),
    /// What wiping the workspace would destroy: that of this migration.
    Wipeable(String, Wipeable),
    /// The wipe is on record, and the evidence is written; only the destruction is left.
    WipeBegun(Wiped),
}

/// Why something cannot be done, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What happened, in a sentence.
    pub what: String,
    /// What to do.
    pub hint: Option<String>,
    /// Somebody wanted it so.
    pub wanted: bool,
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        Self {
            what: error.to_string(),
            hint: error.hint(),
            wanted: matches!(error, EngineError::Cancelled),
        }
    }
}

/// Something to be done outside the model. The loop does what concerns the terminal, the worker everything else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Read how every migration stands.
    ReadStandings,
    /// Read the journal of a migration.
    ReadJournal(String),
    /// Read every preset.
    ReadPresets,
    /// Read how far registering has come.
    ReadRegistration(String),
    /// Remember how far registering has come.
    SaveRegistration(String, Registration),
    /// Add a migration for a practice of this name.
    Add(String),
    /// Put a changed plan into the ledger.
    Save(Box<Plan>),
    /// Seal a client secret.
    SaveSecret(String, Secret),
    /// Make a key pair.
    MakeKey(Box<Plan>),
    /// Take the private key in this file.
    ImportKey(Box<Plan>, String),
    /// Look at everything that an export needs.
    Preflight(Box<Plan>),
    /// Look at the key set that is published here as the EHR will.
    CheckPublished(Box<Plan>, String),
    /// Ask for a token.
    Mint(Box<Plan>),
    /// Make a FHIR server the destination, or change what is known of it.
    Choose(Box<Plan>, Box<Destination>),
    /// Ask the destination what it can do, and write one record to try.
    Try(Box<Plan>),
    /// Make the kickoff as it would be sent.
    Preview(Box<Plan>),
    /// Ask for the export's status now.
    Hurry(String),
    /// Read something that a screen shows.
    Read(Query),
    /// Give the engine a command on a migration.
    Start(Box<Plan>, Command),
    /// Have a migration's job make durable what it has, and end.
    Stop(String),
    /// Remove a migration that brought nothing here.
    Remove(String),
    /// Have a patient's chart looked at as well.
    NamePatient(Box<Plan>, String),
    /// Write the evidence of a migration to files.
    WriteReport(String),
    /// Look whether the workspace of a migration can be wiped, with a copy of what is stored in this folder.
    LookWipeable(String, String),
    /// Put a wipe on record, and write the evidence.
    BeginWipe(Box<Wipeable>),
    /// Leave the terminal, and destroy everything but the evidence.
    Wipe(Wiped),
    /// Put text into the terminal's clipboard.
    Copy(String),
    /// Draw everything anew.
    Redraw,
    /// Let the shell have the terminal for a while.
    Suspend,
    /// End, when every job has made durable what it has.
    Quit,
}

/// What a screen wants to read, of a migration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Query {
    /// Its conflicts.
    Conflicts(String),
    /// The two records of a conflict.
    Beside(String, String),
    /// Its quarantined rows.
    Quarantine(String),
    /// One of them, as it was received.
    Original(String, RowId),
    /// What was verified, and the sample charts.
    Verified(String),
    /// A finding on a record, by its number, with both sides.
    Finding(String, u64),
    /// A sample chart, by its number.
    Chart(String, u32),
    /// The FHIR server that the records are delivered to, and how they stand there.
    Destination(String),
}
