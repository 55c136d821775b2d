//! What has become of certain rows, as a verification would say.

use std::sync::Arc;

use super::Check;
use crate::engine::error::EngineError;
use crate::engine::retrace::Found;
use crate::fhir;
use crate::migration::{Moved, Plan};
use crate::store::Storage;

/// The states that these rows leave when they are taken back.
pub fn standing(storage: &Arc<Storage>, plan: &Plan, found: &[Found]) -> Result<Moved, EngineError> {
    let mut check = Check::new(storage, plan)?;
    let mut leaving = Moved::default();
    for row in found {
        let text = storage.segments.read(&row.location)?;
        let scan = fhir::scan(&text).map_err(EngineError::Reject)?;
        let Some(file) = check.files.remove(&(row.row.run, row.row.file)) else {
            continue;
        };
        let now = check.disposition(&file, u64::from(row.row.line), &scan, row.row, &text)?;
        check.files.insert((row.row.run, row.row.file), file);
        leaving.of(row.row.run, scan.resource_type).leave(now);
    }
    Ok(leaving)
}
