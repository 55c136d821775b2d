//! Which of two versions of one record stays, and by which rule.
//!
//! A server stamps `meta.lastUpdated` when it is written to, so the stamp of a version that this program wrote says
//! nothing about the record; then the source's stamp recorded at that time stands in for it. A target version that
//! someone else made after ours is an edit: alone it stays, and against a change at the source a person decides.
//! Otherwise the first of these that tells decides: `lastUpdated`, the date of the content, the time of the export, the
//! status.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use super::policy::Policy;
use crate::fhir::{ClinicalDate, ENTERED_IN_ERROR, clinical_date, compare_status, instant, scan, status};

/// What one version of a record says about how recent and how whole it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Version {
    /// `meta.lastUpdated`, an instant.
    pub last_updated: Option<String>,
    /// The date of its content.
    pub clinical_date: Option<ClinicalDate>,
    /// Its status.
    pub status: Option<String>,
    /// Whether elements were left out of it.
    pub subsetted: bool,
    /// `transactionTime` of the export it is from, an instant; None for what was never exported.
    pub transaction_time: Option<String>,
}

/// The version at the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetVersion {
    /// What it says.
    pub version: Version,
    /// Who made it.
    pub origin: Origin,
}

/// Who made the version at the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Others; this program never wrote the record.
    Theirs,
    /// This program.
    Ours {
        /// The source's `lastUpdated` then.
        recorded: Option<String>,
    },
    /// Others, after this program wrote the record.
    EditedSince {
        /// The source's `lastUpdated` when this program wrote it.
        recorded: Option<String>,
    },
}

/// Whose version stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Winner {
    /// The source's: the target is updated.
    Source,
    /// The target's: nothing is written.
    Target,
    /// A person has to say; until then the target's stays.
    Undecided,
}

/// The rule that decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The policy alone.
    Policy,
    /// A version with elements left out never replaces a whole one.
    Subsetted,
    /// Only the target was changed since this program wrote it.
    TargetEdited,
    /// Source and target were both changed since this program wrote it.
    BothChanged,
    /// The source withdrew the record.
    EnteredInError,
    /// `meta.lastUpdated`.
    LastUpdated,
    /// The date of the content.
    ClinicalDate,
    /// The time of the export.
    TransactionTime,
    /// What is settled goes before what is preliminary.
    Status,
    /// No rule tells.
    Nothing,
}

/// Who wins, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// Whose version stays.
    pub winner: Winner,
    /// The rule that decided.
    pub rule: Rule,
}

impl Version {
    /// Reads it from a record; None when the line is no record.
    pub fn read(line: &[u8], transaction_time: Option<&str>) -> Option<Self> {
        let found = scan(line).ok()?;
        Some(Self {
            last_updated: found.last_updated.map(str::to_owned),
            clinical_date: clinical_date(found.resource_type, line),
            status: status(line),
            subsetted: found.subsetted,
            transaction_time: transaction_time.map(str::to_owned),
        })
    }
}

impl Rule {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Policy => "policy",
            Self::Subsetted => "subsetted",
            Self::TargetEdited => "target-edited",
            Self::BothChanged => "both-changed",
            Self::EnteredInError => "entered-in-error",
            Self::LastUpdated => "last-updated",
            Self::ClinicalDate => "clinical-date",
            Self::TransactionTime => "transaction-time",
            Self::Status => "status",
            Self::Nothing => "nothing",
        }
    }
}

/// Decides between two versions of one record whose contents differ.
pub fn decide(policy: Policy, source: &Version, target: &TargetVersion) -> Decision {
    let decision = |winner, rule| Decision { winner, rule };
    if policy == Policy::Ask {
        return decision(Winner::Undecided, Rule::Policy);
    }
    if source.subsetted && !target.version.subsetted {
        return decision(Winner::Target, Rule::Subsetted);
    }
    match policy {
        Policy::KeepSource => return decision(Winner::Source, Rule::Policy),
        Policy::KeepTarget => return decision(Winner::Target, Rule::Policy),
        _ if target.version.subsetted && !source.subsetted => {
            return decision(Winner::Source, Rule::Subsetted);
        }
        Policy::NewerWins => {
            if let Some(decided) = edited(source, target).or_else(|| withdrawn(source, target)) {
                return decided;
            }
        }
        Policy::OlderWins | Policy::Ask => {}
    }
    by_age(policy, source, target)
}

/// When someone else changed what this program wrote. Where it cannot be told that the source stayed the same, it is
/// taken to have changed, so that no edit is lost.
fn edited(source: &Version, target: &TargetVersion) -> Option<Decision> {
    let Origin::EditedSince { recorded } = &target.origin else {
        return None;
    };
    Some(match instants(source.last_updated.as_ref(), recorded.as_ref()) {
        Some(Ordering::Equal | Ordering::Less) => Decision {
            winner: Winner::Target,
            rule: Rule::TargetEdited,
        },
        _ => Decision {
            winner: Winner::Undecided,
            rule: Rule::BothChanged,
        },
    })
}

fn instants(a: Option<&String>, b: Option<&String>) -> Option<Ordering> {
    instant::compare(a?, b?)
}

/// When the source says that the record should never have been, and the target does not.
fn withdrawn(source: &Version, target: &TargetVersion) -> Option<Decision> {
    let is_error = |version: &Version| version.status.as_deref() == Some(ENTERED_IN_ERROR);
    (is_error(source) && !is_error(&target.version)).then_some(Decision {
        winner: Winner::Source,
        rule: Rule::EnteredInError,
    })
}

fn by_age(policy: Policy, source: &Version, target: &TargetVersion) -> Decision {
    let there = &target.version;
    let stamp = match &target.origin {
        Origin::Ours { recorded } => recorded.as_ref(),
        Origin::Theirs | Origin::EditedSince { .. } => there.last_updated.as_ref(),
    };
    let dates = source.clinical_date.as_ref().zip(there.clinical_date.as_ref());
    let ages = [
        (Rule::LastUpdated, instants(source.last_updated.as_ref(), stamp)),
        (Rule::ClinicalDate, dates.and_then(|(a, b)| a.compare(b))),
        (
            Rule::TransactionTime,
            instants(source.transaction_time.as_ref(), there.transaction_time.as_ref()),
        ),
    ];
    for (rule, order) in ages {
        let winner = match order {
            Some(Ordering::Greater) if policy == Policy::OlderWins => Winner::Target,
            Some(Ordering::Less) if policy == Policy::OlderWins => Winner::Source,
            Some(Ordering::Greater) => Winner::Source,
            Some(Ordering::Less) => Winner::Target,
            Some(Ordering::Equal) | None => continue,
        };
        return Decision { winner, rule };
    }
    let statuses = source.status.as_deref().zip(there.status.as_deref());
    match statuses.and_then(|(a, b)| compare_status(a, b)) {
        Some(Ordering::Greater) => Decision {
            winner: Winner::Source,
            rule: Rule::Status,
        },
        Some(Ordering::Less) => Decision {
            winner: Winner::Target,
            rule: Rule::Status,
        },
        _ => Decision {
            winner: Winner::Undecided,
            rule: Rule::Nothing,
        },
    }
}

#[cfg(test)]
mod tests;
