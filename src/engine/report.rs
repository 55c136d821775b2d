//! The report: what became of every row and who answers for it, without any of the rows' content.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::chart::charts_by;
use super::error::EngineError;
use super::gate::facts;
use super::recorder::state;
use super::report_text::report_text;
use super::tally::{recorded_counts, runs_of};
use super::trail::trail;
use crate::migration::{
    By, ByType, Chart, Counts, Drawn, ExportFile, Finding, Gate, Plan, Quarantined, SignOff, State, Transforms,
    Verification, total,
};
use crate::store::{Storage, migration_key, replace_file, run_key};

/// Everything that a report says.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The migration's short name.
    pub migration: String,
    /// The practice's name.
    pub name: String,
    /// The source.
    pub source: String,
    /// Where it stands.
    pub state: State,
    /// What became of the rows, by type, decisions since included.
    pub counts: ByType,
    /// The sum over all types.
    pub total: Counts,
    /// Whether every row is in exactly one state.
    pub balanced: bool,
    /// Files of all runs.
    pub files: Vec<ExportFile>,
    /// Quarantined rows by reason.
    pub quarantine: BTreeMap<String, u64>,
    /// Conflicts: open, decided by policy, decided by a person.
    pub conflicts: [u64; 3],
    /// Records of the source that the destination knows under another id, by why.
    pub crosswalk: BTreeMap<String, u64>,
    /// Records that each transform changed, in the order in which they are done.
    pub transforms: Vec<(String, u64)>,
    /// Issues that the source reported about its own export, by severity.
    pub issues: BTreeMap<String, u64>,
    /// The latest verification.
    pub verification: Option<Verification>,
    /// Findings that failed sample charts are.
    pub failed_charts: Vec<Finding>,
    /// Sample charts: of whom they are stays in the workspace.
    pub charts: Vec<ReportedChart>,
    /// Quarantined rows that somebody set right, with who and why: they were taken in as changed.
    pub amended: Vec<ReportedRow>,
    /// Quarantined rows that somebody waived, likewise.
    pub waived: Vec<ReportedRow>,
    /// What must be so before the practice goes over, and what of it is.
    pub gate: Gate,
    /// Who signed, stale signatures too.
    pub signed: Vec<SignOff>,
}

/// A sample chart without whose it is and without what was said of it.
#[derive(Debug, Serialize)]
pub struct ReportedChart {
    /// Its number.
    pub chart: u32,
    /// What the patient stands for.
    pub stratum: String,
    /// Why it was drawn.
    pub drawn: Drawn,
    /// Records of it, and those that differ.
    pub records: (u32, u32),
    /// How it stands.
    pub state: &'static str,
    /// Who judged it, and when.
    pub judged: Option<(String, jiff::Timestamp)>,
}

impl ReportedChart {
    fn of(chart: &Chart) -> Self {
        let patient = &chart.patient;
        Self {
            chart: patient.number,
            stratum: patient.stratum.clone(),
            drawn: patient.drawn,
            records: (patient.records + patient.left_out, patient.differing),
            state: chart.state().words(),
            judged: chart
                .judgement
                .as_ref()
                .map(|judgement| (judgement.who().to_owned(), judgement.when)),
        }
    }
}

/// A quarantined row of which somebody decided what becomes of it.
#[derive(Debug, Serialize)]
pub struct ReportedRow {
    /// The row, as run/file/line.
    pub row: String,
    /// Why it was set aside.
    pub code: String,
    /// Who decided.
    pub who: String,
    /// Why.
    pub why: String,
    /// When, RFC 3339.
    pub when: String,
}

impl ReportedRow {
    fn of(row: &Quarantined, by: &By, when: &str) -> Self {
        Self {
            row: format!("{}/{}/{}", row.run, row.file, row.line),
            code: row.code.clone(),
            who: by.name.clone().unwrap_or_else(|| by.login.clone()),
            why: by.why.clone().unwrap_or_default(),
            when: when.to_owned(),
        }
    }
}

/// Gathers the report of a migration.
pub fn report(storage: &Storage, plan: &Plan) -> Result<Report, EngineError> {
    let counts = recorded_counts(storage, &plan.id)?;
    let total = total(&counts);
    let mut files = Vec::new();
    let mut quarantine = BTreeMap::new();
    let mut issues = BTreeMap::new();
    let (mut amended, mut waived) = (Vec::new(), Vec::new());
    for run in runs_of(storage, &plan.id)? {
        for file in storage.files(run)? {
            for (severity, count) in &file.issues {
                *issues.entry(severity.clone()).or_insert(0) += count;
            }
            files.push(file);
        }
        for item in storage.tables.quarantine.scan_prefix(&run_key(run)) {
            let (key, row) = item?;
            if let Some(found) = storage.tables.amended.get(&key)? {
                amended.push(ReportedRow::of(&row.what, &found.amended.by, &found.amended.when));
                continue;
            }
            if let Some(found) = storage.tables.waived.get(&key)? {
                waived.push(ReportedRow::of(&row.what, &found.by, &found.when));
            }
            *quarantine.entry(row.what.code).or_insert(0) += 1;
        }
    }
    let mut crosswalk = BTreeMap::new();
    for item in storage.tables.crosswalk.scan_prefix(&migration_key(&plan.id, &[])) {
        *crosswalk.entry(item?.1.ground.name().to_owned()).or_insert(0) += 1;
    }
    let mut conflicts = [0; 3];
    for item in storage.tables.conflicts.scan_prefix(&migration_key(&plan.id, &[])) {
        let kind = match item?.1.conflict.decided {
            None => 0,
            Some(decided) if decided.who == "policy" => 1,
            Some(_) => 2,
        };
        conflicts[kind] += 1;
    }
    let trail = trail(storage, &plan.id)?;
    let charts = charts_by(storage, plan, &trail)?;
    let signed = trail.signed.values().cloned().collect();
    let state = state(storage, &plan.id)?;
    Ok(Report {
        gate: Gate::of(&facts(storage, plan, state.clone(), trail)?),
        signed,
        failed_charts: charts.iter().filter_map(Chart::finding).collect(),
        charts: charts.iter().map(ReportedChart::of).collect(),
        amended,
        waived,
        migration: plan.id.clone(),
        name: plan.name.clone(),
        source: plan.base_url.clone(),
        state,
        balanced: counts.values().all(Counts::balanced),
        counts,
        total,
        quarantine,
        conflicts,
        crosswalk,
        transforms: transforms(plan, &files)?,
        issues,
        files,
        verification: storage.tables.verifications.get(plan.id.as_bytes())?,
    })
}

/// How many records each transform changed.
fn transforms(plan: &Plan, files: &[ExportFile]) -> Result<Vec<(String, u64)>, EngineError> {
    let ready = Transforms::new(&plan.transforms)?;
    let changed = |place: u16| files.iter().filter_map(|file| file.transformed.get(&place)).sum();
    Ok((0..)
        .zip(ready.names())
        .map(|(place, name)| (name.to_owned(), changed(place)))
        .collect())
}

/// Writes the report of a migration into the workspace's folder of reports, as text and as JSON; gives the path of the text.
pub fn write_report(storage: &Storage, plan: &Plan) -> Result<PathBuf, EngineError> {
    let report = report(storage, plan)?;
    let day = jiff::Timestamp::now().strftime("%Y-%m-%d-%H%M%S");
    let path = storage.workspace.reports_dir().join(format!("{}-{day}.txt", plan.id));
    let json = serde_json::to_vec(&report).unwrap_or_default();
    for (path, bytes) in [
        (&path, report_text(&report).as_bytes()),
        (&path.with_extension("json"), &json),
    ] {
        replace_file(path, bytes).map_err(|error| EngineError::source(&error, error.hint()))?;
    }
    Ok(path)
}
