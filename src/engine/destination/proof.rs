//! The proof of a delivery: every record that should be at the server read back from it and compared.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::error::EngineError;
use super::circle::Circles;
use super::deliver::{Delivering, Pass, pass, undelivered};
use super::link::link;
use super::work::Purpose;
use crate::migration::Event;

/// What reading everything back from a server showed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Records read back and compared.
    pub compared: u64,
    /// Records that are not there, or there with something else in them.
    pub wrong: u64,
    /// Records that were never taken, are in conflict, or are still to be removed.
    pub undelivered: u64,
    /// Records that stay as the server has them, as somebody decided.
    #[serde(default)]
    pub kept: u64,
    /// Documents compared inside the record that shows them.
    #[serde(default)]
    pub inside: u64,
    /// The first of what is wrong: type, id at the server, and what.
    pub findings: Vec<(String, String, String)>,
}

impl Proof {
    /// Whether the server holds everything as it should.
    pub fn clean(&self) -> bool {
        self.wrong == 0 && self.undelivered == 0
    }
}

/// Reads everything back from the server and compares.
pub async fn prove(job: Delivering) -> Result<Proof, EngineError> {
    let link = Arc::new(link(&job.storage, &job.plan, Arc::clone(&job.clock), &job.cancel).await?);
    let how = Pass {
        settle_for_less: true,
        purpose: Purpose::Check,
    };
    let came = pass(&job, &link, &BTreeSet::new(), Circles::new(), how).await?;
    let counts = came.settler.counts;
    let proof = Proof {
        compared: counts.total(),
        wrong: counts.conflicts + counts.refused,
        kept: came.passed.kept,
        inside: came.passed.inside,
        undelivered: undelivered(&job.storage, &job.plan.id)? + came.passed.later,
        findings: came.settler.wrong.unwrap_or_default(),
    };
    job.recorder.record(&Event::DeliveryProven {
        compared: proof.compared,
        wrong: proof.wrong + proof.undelivered,
    })?;
    job.snapshot.send_modify(|snapshot| snapshot.delivery = None);
    Ok(proof)
}
