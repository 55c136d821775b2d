//! The parts of a bundle that are tables: decisions, findings, rows set aside, files received, the crosswalk.

use serde::Serialize;

use crate::engine::crosswalk::mappings;
use crate::engine::directory::DIRECTORY;
use crate::engine::error::EngineError;
use crate::engine::place::hex;
use crate::engine::tally::runs_of;
use crate::migration::{ConflictKind, Plan, Policy, Resolution, Side};
use crate::store::{Storage, migration_key, run_key};

/// A conflict and what was decided, without the records.
#[derive(Serialize)]
struct Settled {
    conflict: String,
    kind: ConflictKind,
    resource_type: String,
    row: String,
    contradictions: Vec<String>,
    decision: Option<Resolution>,
    rule: Option<String>,
    policy: Option<Policy>,
    who: Option<String>,
    name: Option<String>,
    why: Option<String>,
    when: Option<String>,
    entry: Option<u64>,
    applied: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<Side>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Side>,
}

/// Every conflict of a migration with its decision, one a line.
pub fn decisions(storage: &Storage, plan: &Plan, with_phi: bool) -> Result<Vec<u8>, EngineError> {
    let mut lines = Vec::new();
    for item in storage.tables.conflicts.scan_prefix(&migration_key(&plan.id, &[])) {
        let conflict = item?.1.conflict;
        let decided = conflict.decided.as_ref();
        let line = Settled {
            row: format!("{}/{}/{}", conflict.run, conflict.file, conflict.line),
            decision: decided.map(|d| d.resolution),
            rule: decided.map(|d| d.rule.clone()),
            policy: decided.and_then(|d| d.policy),
            who: decided.map(|d| d.who.clone()),
            name: decided.and_then(|d| d.name.clone()),
            why: decided.and_then(|d| d.why.clone()),
            when: decided.map(|d| d.when.clone()),
            entry: decided.and_then(|d| d.seq),
            conflict: conflict.id,
            kind: conflict.kind,
            resource_type: conflict.resource_type,
            contradictions: conflict.contradictions,
            applied: conflict.applied,
            source: with_phi.then_some(conflict.source),
            target: with_phi.then_some(conflict.target),
        };
        push(&mut lines, &line)?;
    }
    Ok(lines)
}

/// Every row that was set aside, without its bytes, one a line.
pub fn quarantine(storage: &Storage, plan: &Plan) -> Result<Vec<u8>, EngineError> {
    #[derive(Serialize)]
    struct Row {
        #[serde(flatten)]
        what: crate::migration::Quarantined,
        waived: Option<crate::migration::Waived>,
    }
    let mut lines = Vec::new();
    for run in runs_of(storage, &plan.id)? {
        for item in storage.tables.quarantine.scan_prefix(&run_key(run)) {
            let (key, row) = item?;
            let waived = storage.tables.waived.get(&key)?;
            push(&mut lines, &Row { what: row.what, waived })?;
        }
    }
    Ok(lines)
}

/// The crosswalk as a spreadsheet keeps it. Ids of what is not in the directory belong to patients, and stand there as keyed hashes that
/// are the same wherever the same id is meant, unless they are asked for.
pub fn crosswalk(storage: &Storage, plan: &Plan, with_phi: bool) -> Result<Vec<u8>, EngineError> {
    let hasher = storage.workspace.vault().hasher("ids in evidence");
    let mut all = mappings(storage, &plan.id)?;
    all.sort_by(|a, b| (&a.resource_type, &a.source).cmp(&(&b.resource_type, &b.source)));
    let mut out = csv::Writer::from_writer(Vec::new());
    let failed = |error: csv::Error| EngineError::source(&error, None);
    out.write_record(["source", "destination", "by"]).map_err(failed)?;
    for mapping in all {
        let open = with_phi || DIRECTORY.contains(&mapping.resource_type.as_str());
        let shown = |id: &str| match id {
            _ if open && id.starts_with('?') => format!("{}{id}", mapping.resource_type),
            _ if open => format!("{}/{id}", mapping.resource_type),
            _ => format!("{}/#{}", mapping.resource_type, hex(&hasher.hash(&[id.as_bytes()]))),
        };
        out.write_record([&shown(&mapping.source), &shown(&mapping.target), mapping.ground.name()])
            .map_err(failed)?;
    }
    out.into_inner().map_err(|error| failed(error.into_error().into()))
}

/// Things of a list as JSON, one a line.
pub fn lines<T: Serialize>(all: &[T]) -> Result<Vec<u8>, EngineError> {
    let mut lines = Vec::new();
    for one in all {
        push(&mut lines, one)?;
    }
    Ok(lines)
}

fn push(lines: &mut Vec<u8>, line: &impl Serialize) -> Result<(), EngineError> {
    serde_json::to_writer(&mut *lines, line).map_err(|error| EngineError::source(&error, None))?;
    lines.push(b'\n');
    Ok(())
}
