//! Sample patients: a seeded, stratified draw of charts for a person to look at, both sides kept together.

use serde::{Deserialize, Serialize};

/// A sampled patient.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamplePatient {
    /// Number in the draw, from 1.
    pub number: u32,
    /// The stratum that it stands for, such as `child` or `older-adult`.
    pub stratum: String,
    /// Id of the patient at the source.
    pub id: String,
    /// Records kept of the chart.
    pub records: u32,
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
}
