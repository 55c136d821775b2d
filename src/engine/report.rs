//! The report: what became of every row and who answers for it, without any of the rows' content.

mod figure;
mod page;
mod section;
mod verified;

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use jiff::Timestamp;
use serde::Serialize;

pub use page::report_page;

use super::chart::charts_by;
use super::error::EngineError;
use super::gate::facts;
use super::keys;
use super::place::hex;
use super::recorder::state;
use super::tally::{recorded_counts, runs_of};
use super::trail::trail;
use crate::migration::{
    By, ByType, Chart, ConflictKind, Counts, Drawn, ExportFile, ExportLevel, FileKind, FileState, Finding, Gate, Plan,
    Quarantined, Resolution, SignOff, State, Transforms, Verification, total,
};
use crate::store::{ChainHead, JournalEntry, Storage, migration_key, run_key};

/// Everything that a report says.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The migration's short name.
    pub migration: String,
    /// The practice's name.
    pub name: String,
    /// The source.
    pub source: String,
    /// Of whom the records were asked for.
    pub level: ExportLevel,
    /// When the last thing happened that it tells of; what is reported does not depend on when somebody asks.
    pub as_of: Option<Timestamp>,
    /// The end of the journal, which was checked from its beginning.
    pub journal: ChainHead,
    /// Thumbprint of the key that signs it; absent where the migration has no key pair.
    pub key: Option<String>,
    /// Whether it says whose the charts are and what was said of them.
    pub with_phi: bool,
    /// Where it stands.
    pub state: State,
    /// What became of the rows, by type, decisions since included.
    pub counts: ByType,
    /// The sum over all types.
    pub total: Counts,
    /// Whether every row is in exactly one state.
    pub balanced: bool,
    /// SHA-256 of the manifest of each run, hexadecimal.
    pub manifests: BTreeMap<u32, String>,
    /// Files of all runs.
    pub files: Vec<ReportedFile>,
    /// Quarantined rows by reason.
    pub quarantine: BTreeMap<String, u64>,
    /// Conflicts: open, decided by policy, decided by a person.
    pub conflicts: [u64; 3],
    /// The decisions on them, those that are alike together.
    pub decisions: Vec<ReportedDecisions>,
    /// Records of the source that the destination knows under another id, by why.
    pub crosswalk: BTreeMap<String, u64>,
    /// Records that each transform changed, in the order in which they are done.
    pub transforms: Vec<(String, u64)>,
    /// Issues that the source reported about its own export, by severity.
    pub issues: BTreeMap<String, u64>,
    /// What the latest verification found, by class.
    pub findings: BTreeMap<String, u64>,
    /// The latest verification.
    pub verification: Option<Verification>,
    /// Findings that failed sample charts are.
    pub failed_charts: Vec<Finding>,
    /// Sample charts.
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

/// A file of an export, without its address, which may let anyone fetch it.
#[derive(Debug, Serialize)]
pub struct ReportedFile {
    /// The run.
    pub run: u32,
    /// Number within the run.
    pub number: u32,
    /// What it holds.
    pub kind: FileKind,
    /// Its name.
    pub name: String,
    /// Rows that the manifest promised, if it did.
    pub expected: Option<u64>,
    /// Rows received.
    pub rows: u64,
    /// Bytes, after decompression.
    pub bytes: u64,
    /// How far it has come.
    pub state: FileState,
    /// BLAKE3 of all its bytes, hexadecimal.
    pub blake3: Option<String>,
    /// Run and number of the file that it equals.
    pub same_as: Option<(u32, u32)>,
}

impl ReportedFile {
    /// How many rows the manifest promised, where others came.
    pub fn promised(&self) -> Option<u64> {
        let whole = self.state == FileState::Complete && self.kind == FileKind::Output;
        self.expected.filter(|n| whole && *n != self.rows)
    }
}

impl From<&ExportFile> for ReportedFile {
    fn from(file: &ExportFile) -> Self {
        Self {
            run: file.run,
            number: file.number,
            kind: file.kind,
            name: file.name.clone(),
            expected: file.expected,
            rows: file.rows(),
            bytes: file.bytes,
            state: file.state.clone(),
            blake3: file.blake3.clone(),
            same_as: file.same_as,
        }
    }
}

/// Decisions of one kind by one person, or by a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportedDecisions {
    /// What was in question.
    pub kind: ConflictKind,
    /// What was decided; absent while it is open.
    pub decision: Option<Resolution>,
    /// Who decided: a name, a login name, or `policy`.
    pub who: String,
    /// Whether that was a policy.
    pub by_policy: bool,
    /// How many.
    pub count: u64,
}

/// A sample chart. Whose it is and what was said of it is told only when asked for.
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
    pub judged: Option<(String, Timestamp)>,
    /// Id of the patient at the source, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
    /// The comment, where asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

impl ReportedChart {
    fn of(chart: &Chart, with_phi: bool) -> Self {
        let patient = &chart.patient;
        let comment = chart.judgement.as_ref().and_then(|judgement| judgement.why.clone());
        Self {
            patient: with_phi.then(|| patient.id.clone()),
            comment: comment.filter(|_| with_phi),
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

/// Gathers the report of a migration. Refuses where the journal is not as it was written.
pub fn report(storage: &Storage, plan: &Plan, with_phi: bool) -> Result<Report, EngineError> {
    let journal = storage.journal.verify_chain(&plan.id)?;
    let last = storage.journal.read(&plan.id, journal.seq).next().transpose()?;
    let counts = recorded_counts(storage, &plan.id)?;
    let total = total(&counts);
    let mut files = Vec::new();
    let mut manifests = BTreeMap::new();
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
        if let Some(pages) = storage.manifest(run)? {
            manifests.insert(run, hex(digest(&SHA256, &pages).as_ref()));
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
    let decisions = decisions(storage, plan)?;
    let trail = trail(storage, &plan.id)?;
    let charts = charts_by(storage, plan, &trail)?;
    let signed = trail.signed.values().cloned().collect();
    let state = state(storage, &plan.id)?;
    let verification = storage.tables.verifications.get(plan.id.as_bytes())?;
    Ok(Report {
        gate: Gate::of(&facts(storage, plan, state.clone(), trail)?),
        signed,
        failed_charts: charts.iter().filter_map(Chart::finding).collect(),
        charts: charts.iter().map(|chart| ReportedChart::of(chart, with_phi)).collect(),
        amended,
        waived,
        migration: plan.id.clone(),
        name: plan.name.clone(),
        source: plan.base_url.clone(),
        level: plan.level,
        as_of: last.map(|entry: JournalEntry<_>| entry.at),
        journal,
        key: keys::thumbprint(storage, plan)?,
        with_phi,
        state,
        balanced: counts.values().all(Counts::balanced),
        counts,
        total,
        quarantine,
        conflicts: sorts(&decisions),
        decisions,
        crosswalk,
        transforms: transforms(plan, &files)?,
        issues,
        manifests,
        files: files.iter().map(ReportedFile::from).collect(),
        findings: verification.as_ref().map(Verification::by_class).unwrap_or_default(),
        verification,
    })
}

/// Who decided what on how many conflicts.
fn decisions(storage: &Storage, plan: &Plan) -> Result<Vec<ReportedDecisions>, EngineError> {
    let mut all: BTreeMap<(&str, &str, bool, String), ReportedDecisions> = BTreeMap::new();
    for item in storage.tables.conflicts.scan_prefix(&migration_key(&plan.id, &[])) {
        let conflict = item?.1.conflict;
        let by_policy = conflict.decided.as_ref().is_some_and(|decided| decided.who == "policy");
        let (decision, who) = match conflict.decided {
            None => (None, String::new()),
            Some(decided) => (Some(decided.resolution), decided.name.unwrap_or(decided.who)),
        };
        let key = (
            conflict.kind.words(),
            decision.map_or("", Resolution::name),
            by_policy,
            who.clone(),
        );
        let alike = all.entry(key).or_insert(ReportedDecisions {
            kind: conflict.kind,
            decision,
            who,
            by_policy,
            count: 0,
        });
        alike.count += 1;
    }
    Ok(all.into_values().collect())
}

/// How many are open, decided by policy, and decided by a person.
fn sorts(decisions: &[ReportedDecisions]) -> [u64; 3] {
    let mut sorts = [0; 3];
    for alike in decisions {
        let sort = match alike.decision {
            None => 0,
            Some(_) if alike.by_policy => 1,
            Some(_) => 2,
        };
        sorts[sort] += alike.count;
    }
    sorts
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
