//! What became of received rows, counted; the equation that must hold exactly.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The one state in which a received row ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Disposition {
    /// Written to the destination, as a new record or a new version.
    Stored,
    /// The destination already had it, with this content.
    Unchanged,
    /// Not usable; kept aside with its reason.
    Quarantined,
    /// Waits for a patient whose identity a person must decide.
    Held,
    /// Differs from what the destination has; waits for a decision.
    Undecided,
    /// Differs from what the destination has; the destination's version was kept, by a rule or a person.
    Kept,
    /// A request to delete, carried out or set aside by policy.
    Deleted,
}

impl Disposition {
    /// The same in words, of a row.
    pub fn words(self) -> &'static str {
        match self {
            Self::Stored => "stored",
            Self::Unchanged => "the destination has it already",
            Self::Quarantined => "set aside again",
            Self::Held => "waits for its patient",
            Self::Undecided => "waits for a decision",
            Self::Kept => "the destination's version is kept",
            Self::Deleted => "its deletions are carried out",
        }
    }
}

/// Rows of one type, by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Rows received.
    pub rows: u64,
    /// [`Disposition::Stored`].
    pub stored: u64,
    /// [`Disposition::Unchanged`].
    pub unchanged: u64,
    /// [`Disposition::Quarantined`].
    pub quarantined: u64,
    /// [`Disposition::Held`].
    pub held: u64,
    /// [`Disposition::Undecided`].
    pub undecided: u64,
    /// [`Disposition::Kept`].
    pub kept: u64,
    /// [`Disposition::Deleted`].
    pub deleted: u64,
}

impl Counts {
    fn cell(&mut self, disposition: Disposition) -> &mut u64 {
        match disposition {
            Disposition::Stored => &mut self.stored,
            Disposition::Unchanged => &mut self.unchanged,
            Disposition::Quarantined => &mut self.quarantined,
            Disposition::Held => &mut self.held,
            Disposition::Undecided => &mut self.undecided,
            Disposition::Kept => &mut self.kept,
            Disposition::Deleted => &mut self.deleted,
        }
    }

    /// Counts one more received row.
    pub fn add(&mut self, disposition: Disposition) {
        self.rows += 1;
        *self.cell(disposition) += 1;
    }

    /// Adds another's counts to these.
    pub fn merge(&mut self, other: &Self) {
        self.rows += other.rows;
        self.stored += other.stored;
        self.unchanged += other.unchanged;
        self.quarantined += other.quarantined;
        self.held += other.held;
        self.undecided += other.undecided;
        self.kept += other.kept;
        self.deleted += other.deleted;
    }

    /// Whether every received row is in exactly one state.
    pub fn balanced(&self) -> bool {
        self.rows
            == self.stored + self.unchanged + self.quarantined + self.held + self.undecided + self.kept + self.deleted
    }
}

/// How many rows of one type came into a state, or left it, when decisions were carried out or taken back after the rows had been
/// counted.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moves(BTreeMap<Disposition, i64>);

impl Moves {
    /// One more row moved.
    pub fn add(&mut self, from: Disposition, to: Disposition) {
        self.leave(from);
        self.enter(to);
    }

    /// One more row left this state.
    pub fn leave(&mut self, from: Disposition) {
        *self.0.entry(from).or_default() -= 1;
    }

    /// One more row came into this state.
    pub fn enter(&mut self, to: Disposition) {
        *self.0.entry(to).or_default() += 1;
    }

    /// Adds another's moves to these.
    pub fn merge(&mut self, other: &Self) {
        for (disposition, rows) in &other.0 {
            *self.0.entry(*disposition).or_default() += rows;
        }
    }

    /// Moves the rows in `counts`; all moves of a type together, for one may undo what another did.
    pub fn apply(&self, counts: &mut Counts) {
        for (disposition, rows) in &self.0 {
            let cell = counts.cell(*disposition);
            *cell = cell.saturating_add_signed(*rows);
        }
    }
}

/// Moves by run of the rows and by their type.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved(BTreeMap<u32, BTreeMap<String, Moves>>);

impl Moved {
    /// The moves of one run's rows of one type.
    pub fn of(&mut self, run: u32, resource_type: &str) -> &mut Moves {
        self.0
            .entry(run)
            .or_default()
            .entry(resource_type.to_owned())
            .or_default()
    }

    /// The moves of one run's rows by type.
    pub fn run(&self, run: u32) -> impl Iterator<Item = (&String, &Moves)> {
        self.0.get(&run).into_iter().flatten()
    }

    /// Adds another's moves to these.
    pub fn merge(&mut self, other: &Self) {
        for (run, by_type) in &other.0 {
            for (resource_type, moves) in by_type {
                self.of(*run, resource_type).merge(moves);
            }
        }
    }
}

/// Counts by resource type.
pub type ByType = BTreeMap<String, Counts>;

/// The sum over all types.
pub fn total(by_type: &ByType) -> Counts {
    let mut sum = Counts::default();
    for counts in by_type.values() {
        sum.merge(counts);
    }
    sum
}
