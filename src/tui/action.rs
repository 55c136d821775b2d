//! What a key can mean.

use super::list::Move;
use crate::migration::{ChartVerdict, Step};

/// Something that a person can do with one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Move in the list or form.
    Go(Move),
    /// Open what is chosen.
    Open,
    /// Go back to where we came from; leave whatever is open.
    Back,
    /// To a step of the open migration.
    Step(Step),
    /// To the step before this one.
    StepBefore,
    /// To the step after this one.
    StepAfter,
    /// The log of the migration.
    Log,
    /// Add a migration.
    New,
    /// Test what is here: the connection, the published keys, the credentials.
    Test,
    /// Make a key pair.
    MakeKey,
    /// Take a private key from a file.
    ImportKey,
    /// Copy the JWK Set.
    CopyKeys,
    /// Tick what is chosen, or take the tick away.
    Tick,
    /// Tick all, or take all ticks away.
    TickAll,
    /// Show the assertion, or the scopes again.
    Decode,
    /// Ask for the export's status now.
    PollNow,
    /// Cancel the export at the source.
    CancelExport,
    /// Copy the job's address.
    CopyAddress,
    /// Keep what was typed and go to the next field.
    KeepNext,
    /// Run the migration, or go on with it.
    Run,
    /// Stop the job; it goes on later where it stopped.
    Pause,
    /// Remove the migration.
    Remove,
    /// All keys that work here.
    Help,
    /// Every action, by name.
    Commands,
    /// Narrow the list.
    Filter,
    /// Mask names, dates of birth and identifiers, or show them.
    Privacy,
    /// Draw everything anew.
    Redraw,
    /// Let the shell have the terminal for a while.
    Suspend,
    /// End the program.
    Quit,
    /// The conflicts of the migration.
    Conflicts,
    /// The rows that were set aside.
    Quarantine,
    /// Do without the row.
    Waive,
    /// Decide the conflict.
    Decide(Decide),
    /// Decide all alike in the same way.
    Alike,
    /// Take the decision back.
    Undo,
    /// To the next one that waits for a person.
    Next,
    /// Merge the two records.
    Merge,
    /// Pick the source's side of a field.
    PickLeft,
    /// Pick the destination's side of a field.
    PickRight,
    /// Pick both sides of a field.
    PickBoth,
    /// Another first proposal.
    Preset,
    /// Forget what was picked by hand.
    Reset,
    /// Edit the field.
    Edit,
    /// Have what is stored verified again.
    VerifyAgain,
    /// The same of what is new, has changed, or did not agree.
    VerifyChanged,
    /// Have the record of a finding taken in once more.
    Repair,
    /// The sample charts.
    Charts,
    /// The FHIR server that the records are delivered to.
    Destination,
    /// Say whose record stays where the store and the destination differ.
    Settle,
    /// To the next row in which both sides differ.
    NextDifference,
    /// Judge the chart.
    Judge(ChartVerdict),
    /// Answer for the migration.
    SignOff,
    /// Write the evidence to files.
    Report,
    /// Destroy everything but the evidence.
    Wipe,
    /// Bring over what has changed since the last export.
    LastChanges,
    /// The practice has gone over, or has not after all.
    Flip,
    /// Yes: in a question, or to what was typed.
    Yes,
}

/// How a conflict can be decided with one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decide {
    /// The later of the two wins.
    Newer,
    /// The earlier of the two wins.
    Older,
    /// The source's record is written.
    Source,
    /// The destination's record stays.
    Target,
    /// They are not the same: both stay.
    Both,
}
