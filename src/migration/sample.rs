//! Sample charts: patients drawn for a person to look at, both sides kept together, and what the person said of each.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::verification::Finding;

/// Why a chart is in the sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Drawn {
    /// By lot among all patients: what the sample promises rests on these.
    #[default]
    Lot,
    /// So that somebody of every stratum is looked at.
    Stratum,
    /// The practice named the patient.
    Named,
    /// It was failed before.
    Failed,
}

/// A sampled patient.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamplePatient {
    /// Number in the draw, from 1.
    pub number: u32,
    /// The stratum that it stands for, such as `child` or `many-medications`.
    pub stratum: String,
    /// Why it was drawn.
    #[serde(default)]
    pub drawn: Drawn,
    /// Id of the patient at the source.
    pub id: String,
    /// Keyed hash of that id, hexadecimal: what the journal knows the patient by.
    #[serde(default)]
    pub patient: String,
    /// Keyed hash of what both sides say, hexadecimal: a judgement holds for exactly this.
    #[serde(default)]
    pub content: String,
    /// Records kept of the chart.
    pub records: u32,
    /// Of those, the ones that the store does not give back as the migration should have made them.
    #[serde(default)]
    pub differing: u32,
    /// Records of the chart that are not kept: beyond the number kept of a chart, or too long.
    pub left_out: u32,
}

/// A record of a sampled chart, on both sides.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampleRecord {
    /// The record as received, one JSON line.
    pub source: String,
    /// The same record as the store gives it back; absent where it has none.
    pub target: Option<String>,
    /// Whether the store says what was received, but for ids and what was declared to be changed.
    #[serde(default)]
    pub same: bool,
}

/// What a person says of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChartVerdict {
    /// Both sides say the same to a clinician.
    Passed,
    /// Something is wrong.
    Failed,
    /// Nobody needs to look, or what is wrong is accepted.
    Waived,
}

impl ChartVerdict {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Waived => "waived",
        }
    }
}

/// A judgement of a chart, as the journal has it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// What was said.
    pub verdict: ChartVerdict,
    /// Login name of who judged.
    pub login: String,
    /// The name that the person gave.
    pub name: Option<String>,
    /// Keyed hash of the comment, by which it is kept.
    pub remark: Option<String>,
    /// The comment, once it was looked up. It may be about the patient.
    pub why: Option<String>,
    /// When.
    pub when: Timestamp,
    /// Number of its entry in the journal.
    pub entry: u64,
    /// What both sides said then, as [`SamplePatient::content`].
    pub content: String,
}

impl Judgement {
    /// Who judged, for people.
    pub fn who(&self) -> &str {
        self.name.as_ref().unwrap_or(&self.login)
    }
}

impl std::fmt::Debug for Judgement {
    /// Without the comment: it may be about the patient.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Judgement").field(&self.verdict).finish()
    }
}

/// How a sample chart stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChartState {
    /// Nobody has judged it.
    Unseen,
    /// It was judged, and says something else since.
    Changed,
    /// Judged as it is.
    Judged(ChartVerdict),
}

impl ChartState {
    /// The same in a word or two.
    pub fn words(self) -> &'static str {
        match self {
            Self::Unseen => "to look at",
            Self::Changed => "changed since",
            Self::Judged(verdict) => verdict.name(),
        }
    }
}

/// A sample chart and the latest judgement of its patient.
#[derive(Clone, PartialEq, Eq)]
pub struct Chart {
    /// The patient.
    pub patient: SamplePatient,
    /// The judgement, if there is one, of this content or of another.
    pub judgement: Option<Judgement>,
}

impl std::fmt::Debug for Chart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Chart").field(&self.patient.number).finish()
    }
}

impl Chart {
    /// How it stands.
    pub fn state(&self) -> ChartState {
        match &self.judgement {
            None => ChartState::Unseen,
            Some(judgement) if judgement.content == self.patient.content => ChartState::Judged(judgement.verdict),
            Some(_) => ChartState::Changed,
        }
    }

    /// The finding that a failed chart is, until it is judged otherwise; also while it waits for another look.
    pub fn finding(&self) -> Option<Finding> {
        let failed = self
            .judgement
            .as_ref()
            .is_some_and(|j| j.verdict == ChartVerdict::Failed);
        failed.then(|| Finding {
            code: "failed-chart".to_owned(),
            resource_type: "Patient".to_owned(),
            what: match self.state() {
                ChartState::Changed => format!(
                    "sample chart {} was failed; it has changed since and must be looked at again",
                    self.patient.number
                ),
                _ => format!("sample chart {} was failed", self.patient.number),
            },
            ..Finding::default()
        })
    }
}

/// Sample charts by how they stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ChartTally {
    /// All of them.
    pub drawn: u64,
    /// Judged, and as they should be.
    pub passed: u64,
    /// Judged, and not as they should be; also those that have changed since.
    pub failed: u64,
    /// Done without.
    pub waived: u64,
    /// Judged by nobody as they are.
    pub open: u64,
    /// Patients named by the practice of whom nothing was received.
    pub unknown: u64,
    /// Charts that the latest verification drew and that are not there: a newer one was cut off while it put its own in their place.
    pub lost: u64,
}

impl ChartTally {
    /// Counts charts.
    pub fn of(charts: &[Chart]) -> Self {
        let mut tally = Self {
            drawn: charts.len() as u64,
            ..Self::default()
        };
        for chart in charts {
            match chart.state() {
                _ if chart.finding().is_some() => tally.failed += 1,
                ChartState::Judged(ChartVerdict::Passed) => tally.passed += 1,
                ChartState::Judged(ChartVerdict::Waived) => tally.waived += 1,
                _ => tally.open += 1,
            }
        }
        tally
    }

    /// Whether every chart was passed or waived as it is.
    pub fn settled(&self) -> bool {
        self.passed + self.waived == self.drawn && self.unknown == 0 && self.lost == 0
    }
}
