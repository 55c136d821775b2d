//! How a migration stands: what the plan, the journal and the ledger say of it, gathered for whoever looks at it.

use jiff::Timestamp;

use super::error::EngineError;
use super::job::open_conflicts;
use super::keys;
use super::tally::recorded_counts;
use crate::migration::{AuthMethod, Counts, Event, ExportLevel, Plan, Readiness, State, total};
use crate::store::Storage;

/// How a migration stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The plan.
    pub plan: Plan,
    /// The fold of its journal.
    pub state: State,
    /// What became of its rows, over all types.
    pub counts: Counts,
    /// Conflicts that wait for a decision.
    pub conflicts: u64,
    /// Findings of the latest verification, if there was one.
    pub findings: Option<u64>,
    /// Whether there is a key pair.
    pub key: bool,
    /// Whether there is a client secret.
    pub secret: bool,
    /// What happened last, and when.
    pub last: Option<(Timestamp, Event)>,
}

impl Standing {
    /// What the steps are told from.
    pub fn readiness(&self) -> Readiness {
        let plan = &self.plan;
        let open = plan.auth == AuthMethod::None;
        Readiness {
            address: !plan.base_url.is_empty(),
            credentials: match plan.auth {
                AuthMethod::None => true,
                AuthMethod::PrivateKeyJwt => self.key,
                AuthMethod::ClientSecretBasic | AuthMethod::ClientSecretPost => self.secret,
            },
            client_id: open || plan.client_id.is_some(),
            group: plan.level != ExportLevel::Group || plan.group.is_some(),
            token: open || self.state.let_in,
            stage: self.state.stage,
            stopped: self.state.stopped.clone(),
            conflicts: self.conflicts,
            findings: self.findings.unwrap_or(0),
        }
    }
}

/// How one migration stands.
pub fn standing(storage: &Storage, plan: Plan) -> Result<Standing, EngineError> {
    let mut state = State::default();
    let mut last = None;
    for entry in storage.journal.read(&plan.id, 0) {
        let entry = entry?;
        state.apply(&entry.event);
        last = Some((entry.at, entry.event));
    }
    let verification = storage.tables.verifications.get(plan.id.as_bytes())?;
    let secrets = storage.tables.secrets.get(plan.id.as_bytes())?;
    Ok(Standing {
        counts: total(&recorded_counts(storage, &plan.id)?),
        conflicts: open_conflicts(storage, &plan)?,
        findings: verification.map(|verification| verification.total_findings),
        key: keys::exists(storage, &plan.id),
        secret: secrets.is_some_and(|secrets| secrets.client_secret.is_some()),
        state,
        last,
        plan,
    })
}

/// How every migration stands, by name.
pub fn standings(storage: &Storage) -> Result<Vec<Standing>, EngineError> {
    let mut standings = Vec::new();
    for item in storage.tables.migrations.iter() {
        standings.push(standing(storage, item?.1)?);
    }
    Ok(standings)
}
