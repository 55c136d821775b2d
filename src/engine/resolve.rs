//! Resolving: a person's decisions on conflicts, recorded first, then carried out on each conflict's own row and on everything it held.

use std::sync::Arc;

use super::carry_out::{Carrier, by_last_run};
use super::error::EngineError;
use super::merge::Proposal;
use super::place::mark;
use super::recorder::{Recorded, Recorder};
use crate::migration::{By, Conflict, Decided, Event, Plan, Policy, Resolution};
use crate::store::{ConflictRow, Storage, migration_key};

/// Decisions carried out between two checkpoints.
const TOGETHER: usize = 128;

/// What a person asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice {
    /// A side, or both.
    Outright(Resolution),
    /// Whatever this policy says for the two records.
    By(Policy),
    /// One record made of both.
    Merge(Proposal),
}

impl Choice {
    /// Whether a conflict can be decided so: two versions of one record cannot both stay.
    pub fn suits(&self, conflict: &Conflict) -> bool {
        *self != Self::Outright(Resolution::KeepBoth) || conflict.kind.between_two()
    }

    /// Whether it can be decided so together with others, without a look: nobody merges people in bulk who contradict each other.
    pub fn suits_unseen(&self, conflict: &Conflict) -> bool {
        self.suits(conflict) && (!matches!(self, Self::Merge(_)) || conflict.contradictions.is_empty())
    }
}

/// Decides conflicts and carries the decisions out; gives back what was decided of each, `None` where the policy asked for cannot tell.
pub fn resolve(
    storage: &Arc<Storage>,
    plan: &Plan,
    recorder: &Recorder,
    ids: Vec<String>,
    choice: &Choice,
    by: &By,
) -> Result<Vec<(String, Option<Resolution>)>, EngineError> {
    let mut session = Session {
        storage,
        plan,
        recorder,
        carrier: Carrier::new(storage, &by_last_run(storage, plan)?)?,
        landed: storage.segments.ids().last().copied(),
        events: Vec::new(),
        rows: Vec::new(),
    };
    let mut decided = Vec::new();
    for id in ids {
        let resolution = session.decide(&id, choice, by)?;
        decided.push((id, resolution));
    }
    session.carry_out()?;
    Ok(decided)
}

struct Session<'a> {
    storage: &'a Arc<Storage>,
    plan: &'a Plan,
    recorder: &'a Recorder,
    carrier: Carrier,
    landed: Option<u32>,
    /// Decisions that are recorded but neither durable nor carried out, with their events.
    rows: Vec<ConflictRow>,
    events: Vec<Recorded>,
}

impl Session<'_> {
    fn decide(&mut self, id: &str, choice: &Choice, by: &By) -> Result<Option<Resolution>, EngineError> {
        let row =
            match open(self.storage, self.plan, id).and_then(|row| decidable(self.storage, self.plan, row, choice)) {
                Ok(row) => row,
                Err(error) => {
                    // What was asked for before it stands.
                    self.carry_out()?;
                    return Err(error);
                }
            };
        let meets =
            |other: &ConflictRow| other.target == row.target || other.conflict.source.id == row.conflict.source.id;
        if self.rows.len() >= TOGETHER || self.rows.iter().any(meets) {
            self.carry_out()?;
        }
        let mut merging = None;
        let (resolution, policy, rule) = match choice {
            Choice::Outright(resolution) => (*resolution, None, "chosen by hand".to_owned()),
            Choice::By(policy) => match self.carrier.would(&row, *policy)? {
                Some((resolution, rule)) => (resolution, Some(*policy), rule),
                None => return Ok(None),
            },
            Choice::Merge(proposal) => match self.carrier.merging(proposal, self.plan, &row) {
                Ok(made) => {
                    merging = Some(made);
                    (Resolution::Merge, None, proposal.rule())
                }
                Err(error) => {
                    self.carry_out()?;
                    return Err(error);
                }
            },
        };
        if let Some(other) = self.carrier.contradicted(&row, resolution) {
            if policy.is_some() {
                return Ok(None);
            }
            self.carry_out()?;
            return Err(EngineError::NotReady {
                what: format!(
                    "conflict `{id}` cannot be decided so: the decision on `{other}` says who this patient is"
                ),
                hint: format!(
                    "decide it alike, or take that decision back: cutover undo {} {other}",
                    self.plan.id
                ),
            });
        }
        let before = mark(&self.carrier.target_of(&row)?);
        let event = self.recorder.append(&Event::ConflictResolved {
            conflict: id.to_owned(),
            resolution,
            rule: rule.clone(),
            name: by.name.clone(),
            why: by.why.clone(),
            before: Some(before.clone()),
        })?;
        let decided = Decided {
            resolution,
            merging,
            policy,
            rule,
            who: by.login.clone(),
            name: by.name.clone(),
            why: by.why.clone(),
            when: event.at.clone(),
            seq: Some(event.seq),
            landed: self.landed,
            before: Some(before),
            after: None,
        };
        self.events.push(event);
        let mut row = row;
        row.conflict.decided = Some(decided);
        let key = migration_key(&self.plan.id, id.as_bytes());
        self.storage.tables.conflicts.put(&key, &row)?;
        self.rows.push(row);
        Ok(Some(resolution))
    }

    /// Makes durable what was decided, tells of it, and carries it out.
    fn carry_out(&mut self) -> Result<(), EngineError> {
        if self.rows.is_empty() {
            return Ok(());
        }
        self.storage.workspace.ledger().durable()?;
        for event in self.events.drain(..) {
            self.recorder.publish(event);
        }
        for row in self.rows.drain(..) {
            self.carrier.carry_out(row)?;
        }
        self.carrier.checkpoint()
    }
}

fn open(storage: &Storage, plan: &Plan, id: &str) -> Result<ConflictRow, EngineError> {
    let row = storage.tables.conflicts.get(&migration_key(&plan.id, id.as_bytes()))?;
    let row = row.ok_or_else(|| EngineError::UnknownConflict(id.to_owned()))?;
    if row.conflict.open() {
        Ok(row)
    } else {
        Err(EngineError::AlreadyDecided(id.to_owned()))
    }
}

fn decidable(storage: &Storage, plan: &Plan, row: ConflictRow, choice: &Choice) -> Result<ConflictRow, EngineError> {
    if !choice.suits(&row.conflict) {
        return Err(EngineError::NotReady {
            what: "two versions of one record cannot both be kept: they have the same id".to_owned(),
            hint: "decide it `--as keep-source`, `--as keep-target` or `--as merge`".to_owned(),
        });
    }
    if !storage.segments.has(&row.location) {
        return Err(EngineError::NotReady {
            what: format!(
                "conflict `{}` was cut off while its record was received",
                row.conflict.id
            ),
            hint: format!("`cutover run {}` goes on; decide then", plan.id),
        });
    }
    Ok(row)
}
