//! How a migration stands: what the plan, the journal and the ledger say of it, gathered for whoever looks at it.

use jiff::Timestamp;

use super::error::EngineError;
use super::gate::facts;
use super::keys;
use super::progress::Snapshot;
use super::tally::recorded_counts;
use crate::migration::{
    AuthMethod, ByType, ChartTally, Counts, Event, ExportFile, ExportLevel, Gate, Plan, Preset, Readiness, Requirement,
    State, Trail, total,
};
use crate::store::Storage;

/// How a migration stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// The plan.
    pub plan: Plan,
    /// The name of the source's product, for people.
    pub vendor: String,
    /// The fold of its journal.
    pub state: State,
    /// What became of its rows, over all types.
    pub counts: Counts,
    /// The same by type.
    pub by_type: ByType,
    /// Files of the latest run.
    pub files: Snapshot,
    /// When the latest run's export was asked for, if it was.
    pub kicked_off: Option<Timestamp>,
    /// Conflicts that wait for a decision.
    pub conflicts: u64,
    /// What must be so before the practice goes over, and what of it is.
    pub gate: Gate,
    /// The sample charts.
    pub charts: ChartTally,
    /// The instant up to which the source's changes were brought over, if it is known.
    pub covered: Option<String>,
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
            charts: self.charts.failed + self.charts.open + self.charts.unknown + self.charts.lost,
            unverified: !self.gate.met(Requirement::RowsAccounted),
            unmet: self.gate.unmet().next().map(|condition| condition.requirement.words()),
            flipped: self.state.flipped,
        }
    }
}

/// How one migration stands.
pub fn standing(storage: &Storage, plan: Plan) -> Result<Standing, EngineError> {
    let mut state = State::default();
    let mut trail = Trail::default();
    let (mut last, mut kicked_off) = (None, None);
    for entry in storage.journal.read(&plan.id, 0) {
        let entry = entry?;
        state.apply(&entry.event);
        trail.apply(entry.seq, entry.at, &entry.who, &entry.event);
        match entry.event {
            Event::Kickoff { .. } => kicked_off = Some(entry.at),
            Event::RunStarted { .. } => kicked_off = None,
            _ => {}
        }
        last = Some((entry.at, entry.event));
    }
    let verification = storage.tables.verifications.get(plan.id.as_bytes())?;
    let secrets = storage.tables.secrets.get(plan.id.as_bytes())?;
    let by_type = recorded_counts(storage, &plan.id)?;
    let mut files = Snapshot::default();
    if state.run > 0 {
        let (ended, waiting) = storage.files(state.run)?.into_iter().partition(ExportFile::complete);
        files.update(ended, waiting);
    }
    let facts = facts(storage, &plan, state.clone(), trail)?;
    let preset = Preset::load(&plan.preset, Some(&storage.workspace.presets_dir()));
    Ok(Standing {
        // A preset that is gone takes nothing from the migration but its name.
        vendor: preset.map_or_else(|_| plan.preset.clone(), |preset| preset.label),
        counts: total(&by_type),
        by_type,
        files,
        kicked_off,
        conflicts: facts.conflicts.0,
        gate: Gate::of(&facts),
        charts: facts.charts,
        covered: facts.trail.covered().map(str::to_owned),
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
