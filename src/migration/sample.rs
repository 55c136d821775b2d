//! Sample patients: a seeded, stratified draw of charts for a person to look at, both sides kept together.

use serde::{Deserialize, Serialize};

/// A sampled patient's chart on both sides.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamplePatient {
    /// Number in the draw, from 1.
    pub number: u32,
    /// The stratum that it stands for, such as `child` or `many-records`.
    pub stratum: String,
    /// Id of the patient at the source.
    pub id: String,
    /// The records as received, one JSON line each, patient first.
    pub source: Vec<String>,
    /// The same records as the store gives them back; empty where it has none.
    pub target: Vec<String>,
}
