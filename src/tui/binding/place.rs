//! The places in which keys work.

use crate::migration::Step;

/// Where a key works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// On the home screen.
    Home,
    /// On every step of a migration.
    Steps,
    /// On one step.
    Step(Step),
    /// In the log.
    Log,
    /// In the list of conflicts.
    Conflicts,
    /// On one conflict.
    Conflict,
    /// In the list of quarantined rows.
    Quarantine,
    /// Where its records are merged.
    Merge,
    /// In the list of findings.
    Findings,
    /// In the list of sample charts.
    Charts,
    /// On one of them.
    Chart,
    /// On the destination.
    Destination,
    /// In an editor.
    Edit,
    /// In lists and forms.
    Lists,
    /// On every screen, while nothing stands over it.
    Screens,
    /// In a question.
    Question,
    /// In help and other text that stands over the screen.
    Text,
    /// In the list of commands.
    Commands,
    /// While a list is narrowed.
    Filter,
    /// In a list to choose from.
    Choose,
    /// Where a line is asked for.
    Ask,
    /// While a field is typed.
    Editing,
    /// Everywhere, always.
    Everywhere,
}
