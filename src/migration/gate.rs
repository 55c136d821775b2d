//! The gate: what must be so before a practice leaves its old system, and what of it is. Pure: facts in, conditions out.

use jiff::Timestamp;
use serde::Serialize;

use super::counts::Counts;
use super::figure::several;
use super::sample::ChartTally;
use super::sign_off::{Capacity, Flip};
use super::state::{Stage, State};
use super::trail::Trail;

/// Something that must be so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Requirement {
    /// Every row that was received is in one state, and was verified so since the last change.
    RowsAccounted,
    /// The latest verification found nothing, and no sample chart is failed.
    NoFinding,
    /// Every conflict is decided.
    ConflictsDecided,
    /// No row waits.
    NothingHeld,
    /// Every quarantined row is waived.
    QuarantineSettled,
    /// Every sample chart is passed or waived.
    ChartsPassed,
    /// What changed at the source since the first export was brought over.
    LastChanges,
    /// Somebody answers for the data.
    TechnicalSignOff,
    /// Somebody else answers for the care.
    ClinicalSignOff,
}

impl Requirement {
    /// The same in words.
    pub fn words(self) -> &'static str {
        match self {
            Self::RowsAccounted => "Every row accounted for",
            Self::NoFinding => "No open finding",
            Self::ConflictsDecided => "Conflicts decided",
            Self::NothingHeld => "Nothing held",
            Self::QuarantineSettled => "Quarantine empty or waived",
            Self::ChartsPassed => "Sample charts passed",
            Self::LastChanges => "Last changes brought over",
            Self::TechnicalSignOff => "Technical sign-off",
            Self::ClinicalSignOff => "Clinical sign-off",
        }
    }

    /// Whether it is told from what was moved, and so can be met by work; the others are signatures.
    pub fn is_work(self) -> bool {
        self < Self::TechnicalSignOff
    }
}

impl From<Capacity> for Requirement {
    fn from(capacity: Capacity) -> Self {
        match capacity {
            Capacity::Technical => Self::TechnicalSignOff,
            Capacity::Clinical => Self::ClinicalSignOff,
        }
    }
}

/// Something that must be so, and whether it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// What.
    pub requirement: Requirement,
    /// Whether it is so.
    pub met: bool,
    /// The evidence, or the reason why not.
    pub why: String,
}

/// The gate as it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Gate {
    /// The conditions, in the order in which they are met.
    pub conditions: Vec<Condition>,
    /// That the practice has gone over, if it has.
    pub flip: Option<Flip>,
}

/// What the gate is told from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GateFacts {
    /// Where the migration stands.
    pub state: State,
    /// The journal, as far as it matters here.
    pub trail: Trail,
    /// What became of the rows.
    pub counts: Counts,
    /// Whether every type's rows are in exactly one state.
    pub balanced: bool,
    /// Conflicts that are open, and all.
    pub conflicts: (u64, u64),
    /// Quarantined rows, and those of them that are waived.
    pub quarantine: (u64, u64),
    /// The sample charts.
    pub charts: ChartTally,
    /// The plan asks only for what had changed up to an instant.
    pub until: bool,
}

impl Gate {
    /// The gate, told from the facts.
    pub fn of(facts: &GateFacts) -> Self {
        let told = [
            (Requirement::RowsAccounted, rows(facts)),
            (Requirement::NoFinding, findings(facts)),
            (Requirement::ConflictsDecided, conflicts(facts)),
            (Requirement::NothingHeld, held(facts)),
            (Requirement::QuarantineSettled, quarantine(facts)),
            (Requirement::ChartsPassed, charts(facts)),
            (Requirement::LastChanges, last_changes(facts)),
            (Requirement::TechnicalSignOff, signed(facts, Capacity::Technical)),
            (Requirement::ClinicalSignOff, signed(facts, Capacity::Clinical)),
        ];
        let conditions = told.into_iter().map(|(requirement, told)| Condition {
            requirement,
            met: told.is_ok(),
            why: told.unwrap_or_else(|why| why),
        });
        Self {
            conditions: conditions.collect(),
            flip: facts.trail.flip.clone(),
        }
    }

    /// Whether every condition is met.
    pub fn is_open(&self) -> bool {
        self.conditions.iter().all(|condition| condition.met) && !self.conditions.is_empty()
    }

    /// What is not so.
    pub fn unmet(&self) -> impl Iterator<Item = &Condition> {
        self.conditions.iter().filter(|condition| !condition.met)
    }

    /// The first thing that is not so before this one.
    pub fn before(&self, requirement: Requirement) -> Option<&Condition> {
        self.unmet().find(|condition| condition.requirement < requirement)
    }

    /// Whether one condition is met.
    pub fn met(&self, requirement: Requirement) -> bool {
        let mut all = self.conditions.iter();
        all.any(|condition| condition.requirement == requirement && condition.met)
    }
}

/// Evidence, or the reason why not.
type Told = Result<String, String>;

fn rows(facts: &GateFacts) -> Told {
    let (state, trail) = (&facts.state, &facts.trail);
    match state.stage {
        Stage::New | Stage::RolledBack | Stage::Cancelled if facts.counts.rows == 0 => {
            return Err("nothing was received".to_owned());
        }
        Stage::Completed | Stage::RolledBack | Stage::Cancelled => {}
        _ => return Err(format!("run {} is not over", state.run)),
    }
    if !facts.balanced {
        return Err("the rows do not add up".to_owned());
    }
    if !trail.verified_since() {
        return Err(match &trail.changed {
            Some((_, what)) if trail.verified.is_some() => format!("not verified since {what}"),
            _ => "not verified yet".to_owned(),
        });
    }
    Ok(several(facts.counts.rows, "row"))
}

fn findings(facts: &GateFacts) -> Told {
    let Some(verified) = &facts.trail.verified else {
        return Err("not verified yet".to_owned());
    };
    let failed = facts.charts.failed;
    match (verified.findings, failed) {
        (0, 0) => Ok(format!("{} compared", several(verified.compared, "record"))),
        (0, failed) => Err(several(failed, "failed chart")),
        (findings, 0) => Err(several(findings, "finding")),
        (findings, failed) => Err(format!(
            "{} and {}",
            several(findings, "finding"),
            several(failed, "failed chart")
        )),
    }
}

fn conflicts(facts: &GateFacts) -> Told {
    match facts.conflicts {
        (0, 0) => Ok("there were none".to_owned()),
        (0, all) => Ok(format!("{all} of {all}")),
        (open, all) => Err(format!("{open} of {all} are open")),
    }
}

fn held(facts: &GateFacts) -> Told {
    match facts.counts.held + facts.counts.undecided {
        0 => Ok("no row waits".to_owned()),
        1 => Err("1 row waits for a decision".to_owned()),
        waiting => Err(format!("{waiting} rows wait for a decision")),
    }
}

fn quarantine(facts: &GateFacts) -> Told {
    match facts.quarantine {
        (0, _) => Ok("empty".to_owned()),
        (all, waived) if waived >= all => Ok(format!("{all}, all waived")),
        (all, waived) => Err(format!("{} of {} not waived", all - waived, several(all, "row"))),
    }
}

fn charts(facts: &GateFacts) -> Told {
    let tally = &facts.charts;
    if facts.trail.verified.is_none() {
        return Err("not drawn yet: a verification draws them".to_owned());
    }
    let seen = format!("{} of {}", tally.passed + tally.waived, tally.drawn);
    if tally.lost > 0 {
        return Err("a verification was cut off while it drew them: verify again".to_owned());
    }
    if tally.unknown > 0 {
        return Err(format!(
            "{seen}; nothing was received of {}",
            several(tally.unknown, "named patient")
        ));
    }
    match (tally.failed, tally.open) {
        (0, 0) if tally.drawn == 0 => Ok("there are no patients".to_owned()),
        (0, 0) if tally.waived > 0 => Ok(format!("{seen}, {} of them waived", tally.waived)),
        (0, 0) => Ok(seen),
        (0, open) => Err(format!("{seen}; {open} to look at")),
        (failed, 0) => Err(format!("{seen}; {failed} failed")),
        (failed, open) => Err(format!("{seen}; {failed} failed, {open} to look at")),
    }
}

fn last_changes(facts: &GateFacts) -> Told {
    if facts.until {
        return Err("the plan leaves out what changed after an instant (until)".to_owned());
    }
    match (facts.trail.last_changes(), facts.trail.brought.is_empty()) {
        (Some(run), _) => Ok(format!(
            "{} of {}, {}",
            if run.since.is_some() {
                "delta"
            } else {
                "a further export"
            },
            day(run.at),
            several(run.rows, "row")
        )),
        (None, true) => Err("nothing was brought over yet".to_owned()),
        (None, false) => Err("nothing was asked for since the first export".to_owned()),
    }
}

fn signed(facts: &GateFacts, capacity: Capacity) -> Told {
    let Some(signed) = facts.trail.signed.get(&capacity) else {
        return Err("missing".to_owned());
    };
    let by = format!("{}, {}", signed.name, day(signed.when));
    match &signed.stale {
        Some(what) => Err(format!("{by}: given before {what}")),
        None => Ok(by),
    }
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests;
