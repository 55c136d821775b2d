//! What the model is told (messages) and what it asks for (effects).

use super::input::Input;
use crate::engine::{Answer, Beside, Command, EngineError, Listed, Recorded, Snapshot, Standing};
use crate::migration::Plan;
use crate::store::JournalEntry;

/// Something happened.
#[derive(Debug)]
pub enum Msg {
    /// Somebody pressed a key or pasted, or the terminal changed.
    Input(Input),
    /// A second has passed while something counts down.
    Second,
    /// A list that was asked for has been read.
    Read(Reply),
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
    /// The journal of a migration.
    Journal(String, Vec<JournalEntry<crate::migration::Event>>),
    /// The conflicts of a migration.
    Conflicts(String, Vec<Listed>),
    /// The records of a conflict, by its id; why not, if they cannot be read.
    Beside(String, Result<Beside, Problem>),
}

/// Why something cannot be done, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What happened, in a sentence.
    pub what: String,
    /// What to do.
    pub hint: Option<String>,
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        Self {
            what: error.to_string(),
            hint: error.hint(),
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
    /// Read something that a screen shows.
    Read(Query),
    /// Give the engine a command on a migration.
    Start(Box<Plan>, Command),
    /// Have a migration's job make durable what it has, and end.
    Stop(String),
    /// Remove a migration that brought nothing here.
    Remove(String),
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
}
