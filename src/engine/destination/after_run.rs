//! After a run: what it brought goes to the server as well.

use super::super::error::EngineError;
use super::super::outcome::Outcome;
use super::deliver::{Delivering, deliver};
use super::link::destination;

/// Delivers what a run brought, where the migration has a server. That it cannot be had, or does not take something, leaves the store as
/// it is.
pub async fn delivered(delivering: Delivering) -> Result<Outcome, EngineError> {
    if destination(&delivering.storage, &delivering.plan.id)?.is_none() {
        return Ok(Outcome::Done);
    }
    match deliver(delivering).await {
        Ok(counts) if counts.clean() => Ok(Outcome::Done),
        Ok(counts) => Ok(Outcome::Undelivered {
            reason: format!(
                "{} records were refused there and {} are in conflict",
                counts.refused, counts.conflicts
            ),
        }),
        Err(EngineError::Cancelled) => Err(EngineError::Cancelled),
        Err(error) => Ok(Outcome::Undelivered {
            reason: error.to_string(),
        }),
    }
}
