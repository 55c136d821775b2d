//! A conflict: a received record that the destination has already, with other content or as somebody who may be the same person.

use serde::{Deserialize, Serialize};

use super::counts::Moved;
use super::policy::Policy;
use crate::fhir::{Comparison, Picks, Survivorship};

/// Why a person, or a policy, must decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConflictKind {
    /// The MRN of an incoming patient belongs to another patient at the destination.
    MrnInUse,
    /// The destination has this record with other content.
    ContentDiffers,
    /// The destination has a patient who may be the incoming one, by SSN or by demographics.
    SamePerson,
    /// The source has sent a patient who may be the incoming one, under another id.
    DuplicateInSource,
}

impl ConflictKind {
    /// Whether it is between two records, so that both can be kept; otherwise it is between two versions of one.
    pub fn between_two(self) -> bool {
        self != Self::ContentDiffers
    }

    /// Whether it asks if two people are one, which is never decided by a date.
    pub fn asks_who(self) -> bool {
        matches!(self, Self::SamePerson | Self::DuplicateInSource)
    }

    /// Why it is one, in a sentence without its end.
    pub fn words(self) -> &'static str {
        match self {
            Self::MrnInUse => "the MRN belongs to another patient at the destination",
            Self::ContentDiffers => "the destination has this record with other content",
            Self::SamePerson => "the destination may have this patient under another id",
            Self::DuplicateInSource => "the source may have this patient twice",
        }
    }

    /// The same in two or three words.
    pub fn short(self) -> &'static str {
        match self {
            Self::MrnInUse => "MRN in use",
            Self::ContentDiffers => "other content",
            Self::SamePerson => "maybe the same person",
            Self::DuplicateInSource => "maybe twice at source",
        }
    }
}

/// What was decided, or could be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resolution {
    /// The source's content is written.
    KeepSource,
    /// The destination's content stays.
    KeepTarget,
    /// Not the same: both stay, each under its own id.
    KeepBoth,
    /// One record is made of both, field by field.
    Merge,
}

impl Resolution {
    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::KeepSource => "keep-source",
            Self::KeepTarget => "keep-target",
            Self::KeepBoth => "keep-both",
            Self::Merge => "merge",
        }
    }
}

/// How two records were merged: the source's is the left one, the destination's the right one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merging {
    /// What made the first proposal.
    pub survivorship: Survivorship,
    /// What was picked in the end, by the path of the field; what is not here is the destination's.
    pub picks: Picks,
    /// Of two patients the source's stays as well, inactive, and each says which one replaces the other.
    pub links: bool,
}

/// Who decides, or takes a decision back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct By {
    /// Login name.
    pub login: String,
    /// The name that the person gave, where several share a login.
    pub name: Option<String>,
    /// Why, in the person's words.
    pub why: Option<String>,
}

impl From<String> for By {
    fn from(login: String) -> Self {
        Self {
            login,
            ..Self::default()
        }
    }
}

/// A version of a record, without any of its content.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Its number at the destination.
    pub version: u32,
    /// Keyed hash of its bytes as received, hexadecimal.
    pub hash: String,
}

/// A decision on a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decided {
    /// What was decided.
    pub resolution: Resolution,
    /// How the two were merged, if they were.
    #[serde(default)]
    pub merging: Option<Merging>,
    /// The policy or command that led to it, if it was not chosen outright.
    pub policy: Option<Policy>,
    /// The rule that decided, in words a report can print.
    pub rule: String,
    /// Login name of who decided, or `policy`.
    pub who: String,
    /// The name that the person gave.
    #[serde(default)]
    pub name: Option<String>,
    /// Why, in the person's words.
    #[serde(default)]
    pub why: Option<String>,
    /// When, RFC 3339.
    pub when: String,
    /// Number of its entry in the journal; absent for what a policy decided while rows were taken in.
    #[serde(default)]
    pub seq: Option<u64>,
    /// The last segment of the landing when it was made: what was received later is in later ones. Absent where `seq` is, and in
    /// decisions of former versions.
    #[serde(default)]
    pub landed: Option<u32>,
    /// The destination's record when it was decided.
    #[serde(default)]
    pub before: Option<Mark>,
    /// The destination's record once it was carried out.
    #[serde(default)]
    pub after: Option<Mark>,
}

/// One side of a conflict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// Logical id of the record.
    pub id: String,
    /// `meta.lastUpdated` as stated, if any.
    pub last_updated: Option<String>,
}

/// A conflict between a received row and the destination.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Short id, the same every time the same two records meet with the same content of the received one.
    pub id: String,
    /// The migration.
    pub migration: String,
    /// The run that met it last.
    pub run: u32,
    /// The file within that run.
    pub file: u32,
    /// The line within that file.
    pub line: u32,
    /// Why it is one.
    pub kind: ConflictKind,
    /// The records' type.
    pub resource_type: String,
    /// What contradicts, in words without any content; empty when nothing does.
    pub contradictions: Vec<String>,
    /// For two patients who were not known to be one: how alike they are.
    #[serde(default)]
    pub comparison: Option<Comparison>,
    /// The received record.
    pub source: Side,
    /// The destination's record.
    pub target: Side,
    /// Hash of the received bytes, hexadecimal: a decision holds for exactly this content.
    pub source_hash: String,
    /// What was decided, once it was.
    pub decided: Option<Decided>,
    /// Whether the decision was carried out.
    pub applied: bool,
    /// How counts moved when it was carried out; nothing where the rows were counted with the decision known.
    pub moved: Moved,
}

impl Conflict {
    /// Whether it is in question who the patient is, so that everything about them must wait.
    pub fn about_identity(&self) -> bool {
        self.resource_type == "Patient" && (self.kind.between_two() || !self.contradictions.is_empty())
    }

    /// What was decided and carried out.
    pub fn carried_out(&self) -> Option<Resolution> {
        self.decided
            .as_ref()
            .filter(|_| self.applied)
            .map(|decided| decided.resolution)
    }

    /// Whether another conflict is like this one, so that a person may decide it in the same way without a look: the same kind between
    /// records of the same type, with the same contradictions and equally sure.
    pub fn alike(&self, other: &Self) -> bool {
        let grade = |conflict: &Self| conflict.comparison.as_ref().map(|found| found.grade);
        self.kind == other.kind
            && self.resource_type == other.resource_type
            && self.contradictions == other.contradictions
            && grade(self) == grade(other)
    }

    /// Whether somebody still has to decide.
    pub fn open(&self) -> bool {
        self.decided.is_none()
    }
}
