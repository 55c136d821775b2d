//! The gate of a migration: its facts gathered, signed off, passed, and passed back.

use super::chart::charts_by;
use super::error::EngineError;
use super::recorder::{Recorder, state};
use super::tally::{recorded_counts, runs_of};
use super::trail::trail;
use crate::migration::{
    By, Capacity, ChartTally, Counts, Event, Gate, GateFacts, Head, Plan, State, Trail, same_person, total,
};
use crate::store::{Storage, migration_key, run_key};

/// How the gate of a migration stands.
pub fn gate(storage: &Storage, plan: &Plan) -> Result<Gate, EngineError> {
    let facts = facts(storage, plan, state(storage, &plan.id)?, trail(storage, &plan.id)?)?;
    Ok(Gate::of(&facts))
}

/// What the gate is told from, where state and trail are known.
pub fn facts(storage: &Storage, plan: &Plan, state: State, trail: Trail) -> Result<GateFacts, EngineError> {
    let counts = recorded_counts(storage, &plan.id)?;
    let mut conflicts = (0, 0);
    for item in storage.tables.conflicts.scan_prefix(&migration_key(&plan.id, &[])) {
        conflicts.0 += u64::from(item?.1.conflict.open());
        conflicts.1 += 1;
    }
    let mut quarantine = (0, 0);
    for run in runs_of(storage, &plan.id)? {
        let amended = storage.tables.amended.count_prefix(&run_key(run))?;
        quarantine.0 += storage
            .tables
            .quarantine
            .count_prefix(&run_key(run))?
            .saturating_sub(amended);
        quarantine.1 += storage.tables.waived.count_prefix(&run_key(run))?;
    }
    let verification = storage.tables.verifications.get(plan.id.as_bytes())?;
    let mut charts = ChartTally::of(&charts_by(storage, plan, &trail)?);
    if let Some(found) = verification {
        charts.unknown = found.unknown_patients;
        charts.lost = u64::from(found.samples).saturating_sub(charts.drawn);
    }
    Ok(GateFacts {
        state,
        trail,
        balanced: counts.values().all(Counts::balanced),
        counts: total(&counts),
        conflicts,
        quarantine,
        charts,
        until: plan.until.is_some(),
    })
}

/// Signs off in a capacity; refused while anything before it is missing, and from somebody who has given the other signature.
pub fn sign_off(
    storage: &Storage,
    plan: &Plan,
    recorder: &Recorder,
    capacity: Capacity,
    by: &By,
) -> Result<(), EngineError> {
    let name = by.name.as_deref().map(str::trim).unwrap_or_default();
    if name.is_empty() {
        return Err(EngineError::NotReady {
            what: "a sign-off has a name".to_owned(),
            hint: "give the name of who answers for it".to_owned(),
        });
    }
    let trail = trail(storage, &plan.id)?;
    let facts = facts(storage, plan, state(storage, &plan.id)?, trail)?;
    let gate = Gate::of(&facts);
    if let Some(first) = gate.before(capacity.into()) {
        return Err(EngineError::NotReady {
            what: format!(
                "the {} sign-off cannot be given yet: {}: {}",
                capacity.name(),
                first.requirement.words(),
                first.why
            ),
            hint: format!("`cutover gate {}` says what is missing", plan.id),
        });
    }
    let other = facts
        .trail
        .signed
        .values()
        .find(|signed| signed.capacity != capacity && signed.stale.is_none());
    if let Some(other) = other.filter(|other| same_person(&other.name, name)) {
        return Err(EngineError::NotReady {
            what: format!(
                "{name} gave the {} sign-off: somebody else has to give this one",
                other.capacity.name()
            ),
            hint: "two people answer for a migration".to_owned(),
        });
    }
    // Nobody signs for a journal that somebody has tampered with.
    let end = storage.journal.verify_chain(&plan.id)?;
    recorder.record(&Event::SignedOff {
        capacity,
        name: name.to_owned(),
        why: by.why.clone(),
        head: Head {
            entry: end.seq,
            hash: end.hash,
        },
    })
}

/// Records that the practice has gone over: through the open gate, or past a shut one with a reason.
pub fn flip(
    storage: &Storage,
    plan: &Plan,
    recorder: &Recorder,
    overriding: Option<&str>,
    by: &By,
) -> Result<(), EngineError> {
    let gate = gate(storage, plan)?;
    if gate.flip.is_some() {
        return Err(EngineError::NotReady {
            what: format!("`{}` has gone over already", plan.id),
            hint: format!("`cutover flip {} --take-back --why TEXT` takes that back", plan.id),
        });
    }
    if runs_of(storage, &plan.id)?.is_empty() {
        return Err(EngineError::NotReady {
            what: format!("nothing of `{}` was moved", plan.id),
            hint: format!("`cutover run {}` begins", plan.id),
        });
    }
    let missing: Vec<String> = gate
        .unmet()
        .map(|condition| format!("{}: {}", condition.requirement.words(), condition.why))
        .collect();
    let overriding = overriding.map(str::trim).filter(|why| !why.is_empty());
    if let (Some(first), None) = (missing.first(), overriding) {
        return Err(EngineError::NotReady {
            what: format!("the gate is shut: {first}"),
            hint: format!(
                "`cutover gate {}` says everything that is missing; `--override REASON` goes past it, on record",
                plan.id
            ),
        });
    }
    storage.journal.verify_chain(&plan.id)?;
    recorder.record(&Event::Flipped {
        name: by.name.clone(),
        overridden: overriding.filter(|_| !missing.is_empty()).map(str::to_owned),
        missing,
    })
}

/// Takes it back that the practice has gone over, so that work on the migration can go on.
pub fn take_flip_back(storage: &Storage, plan: &Plan, recorder: &Recorder, by: &By) -> Result<(), EngineError> {
    let why = by.why.as_deref().map(str::trim).unwrap_or_default();
    let flipped = state(storage, &plan.id)?.flipped;
    if !flipped || why.is_empty() {
        let what = if flipped {
            "a flip is not taken back without a reason"
        } else {
            "there is no flip to take back"
        };
        return Err(EngineError::NotReady {
            what: what.to_owned(),
            hint: format!("`cutover gate {}` says how it stands", plan.id),
        });
    }
    recorder.record(&Event::FlipTakenBack {
        name: by.name.clone(),
        why: why.to_owned(),
    })
}

/// Refuses what would change a migration whose practice has gone over.
pub fn still_open(storage: &Storage, plan: &Plan) -> Result<(), EngineError> {
    if !state(storage, &plan.id)?.flipped {
        return Ok(());
    }
    Err(EngineError::NotReady {
        what: format!(
            "the practice of `{}` has gone over: nothing is changed any more",
            plan.id
        ),
        hint: format!(
            "people work with the new system now; `cutover flip {} --take-back --why TEXT` says that they do not",
            plan.id
        ),
    })
}
