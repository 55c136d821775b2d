//! Forecasts: what a decision or a policy would make of open conflicts, before anything is written.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use super::carry_out::Carrier;
use super::error::EngineError;
use super::resolve::Choice;
use crate::migration::{ConflictKind, Plan, Resolution};
use crate::store::{Storage, migration_key};

/// What would become of conflicts of one type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// The source's content would be written.
    pub keep_source: u64,
    /// The destination's would stay.
    pub keep_target: u64,
    /// Both would stay.
    pub keep_both: u64,
    /// They would stay open.
    pub open: u64,
}

/// What a choice would make of these conflicts, by type; each as the store is now.
pub fn forecast(
    storage: &Arc<Storage>,
    plan: &Plan,
    conflicts: &[String],
    choice: Choice,
) -> Result<BTreeMap<String, Forecast>, EngineError> {
    let mut carrier = Carrier::new(storage, plan)?;
    let mut forecasts: BTreeMap<String, Forecast> = BTreeMap::new();
    for id in conflicts {
        let row = storage.tables.conflicts.get(&migration_key(&plan.id, id.as_bytes()))?;
        let row = row.ok_or_else(|| EngineError::UnknownConflict(id.clone()))?;
        let resolution = match choice {
            Choice::Outright(Resolution::KeepBoth) if row.conflict.kind == ConflictKind::ContentDiffers => None,
            Choice::Outright(resolution) => Some(resolution),
            Choice::By(policy) => carrier.would(&row, policy)?.map(|(resolution, _)| resolution),
        };
        let forecast = forecasts.entry(row.conflict.resource_type).or_default();
        match resolution {
            Some(Resolution::KeepSource) => forecast.keep_source += 1,
            Some(Resolution::KeepTarget) => forecast.keep_target += 1,
            Some(Resolution::KeepBoth) => forecast.keep_both += 1,
            None => forecast.open += 1,
        }
    }
    Ok(forecasts)
}
