//! `report`: what became of every row, as text or JSON, without any of the rows' content.

use std::fmt::Write;

use serde::Serialize;

use super::args::{ReportArgs, WorkspaceArgs};
use super::failure::{Failure, code};
use super::{open, output};
use crate::engine::{EngineError, recorded_counts, runs_of, state};
use crate::migration::{ByType, Counts, ExportFile, FileKind, FileState, Plan, State, Transforms, Verification, total};
use crate::store::{Storage, migration_key, run_key};

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
    pub quarantine: std::collections::BTreeMap<String, u64>,
    /// Conflicts: open, decided by policy, decided by a person.
    pub conflicts: [u64; 3],
    /// Records of the source that the destination knows under another id, by why.
    pub crosswalk: std::collections::BTreeMap<String, u64>,
    /// Records that each transform changed, in the order in which they are done.
    pub transforms: Vec<(String, u64)>,
    /// Issues that the source reported about its own export, by severity.
    pub issues: std::collections::BTreeMap<String, u64>,
    /// The latest verification.
    pub verification: Option<Verification>,
}

/// Prints a report.
pub fn report(workspace: &WorkspaceArgs, args: &ReportArgs) -> Result<u8, Failure> {
    let storage = open::open(workspace, "report")?;
    let plan = open::plan(&storage, &args.migration)?;
    match args.format.as_str() {
        "json" => output::say(&json(&storage, &plan)?),
        _ => output::print(&text(&storage, &plan)?),
    }
    Ok(code::DONE)
}

/// Gathers a report.
pub fn gather(storage: &Storage, plan: &Plan) -> Result<Report, Failure> {
    let counts = recorded_counts(storage, &plan.id)?;
    let total = total(&counts);
    let mut files = Vec::new();
    let mut quarantine = std::collections::BTreeMap::new();
    let mut issues = std::collections::BTreeMap::new();
    for run in runs_of(storage, &plan.id)? {
        for file in storage.files(run)? {
            for (severity, count) in &file.issues {
                *issues.entry(severity.clone()).or_insert(0) += count;
            }
            files.push(file);
        }
        for item in storage.tables.quarantine.scan_prefix(&run_key(run)) {
            *quarantine.entry(item?.1.what.code).or_insert(0) += 1;
        }
    }
    let mut crosswalk = std::collections::BTreeMap::new();
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
    Ok(Report {
        migration: plan.id.clone(),
        name: plan.name.clone(),
        source: plan.base_url.clone(),
        state: state(storage, &plan.id)?,
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
fn transforms(plan: &Plan, files: &[ExportFile]) -> Result<Vec<(String, u64)>, Failure> {
    let ready = Transforms::new(&plan.transforms).map_err(EngineError::from)?;
    let changed = |place: u16| files.iter().filter_map(|file| file.transformed.get(&place)).sum();
    Ok((0..)
        .zip(ready.names())
        .map(|(place, name)| (name.to_owned(), changed(place)))
        .collect())
}

/// A report as one JSON document.
pub fn json(storage: &Storage, plan: &Plan) -> Result<String, Failure> {
    let report = gather(storage, plan)?;
    serde_json::to_string(&report).map_err(|e| Failure::failed(&format!("cannot write the report: {e}"), None))
}

/// A report as text, 80 columns wide where it can be.
pub fn text(storage: &Storage, plan: &Plan) -> Result<String, Failure> {
    let report = gather(storage, plan)?;
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(out, "{}  (from {})\n", report.name, report.source);
    counts(&mut out, &report);
    let balanced = if report.balanced {
        "Every row is accounted for."
    } else {
        "THE ROWS DO NOT ADD UP."
    };
    let _ = writeln!(out, "\n{balanced}");
    if !report.quarantine.is_empty() {
        let reasons: Vec<String> = report
            .quarantine
            .iter()
            .map(|(code, n)| format!("{n} {code}"))
            .collect();
        let _ = writeln!(out, "Quarantined: {}.", reasons.join(", "));
    }
    let [open, policy, person] = report.conflicts;
    let _ = writeln!(
        out,
        "Conflicts: {open} open, {policy} decided by policy, {person} by a person."
    );
    if !report.crosswalk.is_empty() {
        let grounds: Vec<String> = report
            .crosswalk
            .iter()
            .map(|(ground, n)| format!("{n} by {ground}"))
            .collect();
        let _ = writeln!(out, "Known here under another id: {}.", grounds.join(", "));
    }
    for (name, changed) in &report.transforms {
        let _ = writeln!(out, "Transform `{name}` changed {changed} records.");
    }
    if !report.issues.is_empty() {
        let issues: Vec<String> = report
            .issues
            .iter()
            .map(|(severity, n)| format!("{n} {severity}"))
            .collect();
        let _ = writeln!(out, "The source reported about its export: {}.", issues.join(", "));
    }
    for file in &report.files {
        if let FileState::Failed { reason } = &file.state {
            let _ = writeln!(out, "File {} could not be had: {reason}", file.name);
        }
        if let Some(expected) = file
            .expected
            .filter(|n| file.complete() && *n != file.rows() && file.kind == FileKind::Output)
        {
            let _ = writeln!(
                out,
                "File {}: the manifest promised {expected} rows, {} came.",
                file.name,
                file.rows()
            );
        }
    }
    match &report.verification {
        None => out.push_str("Not verified yet.\n"),
        Some(v) => verification(&mut out, v),
    }
    out.push_str("Not moved by this program: scheduling rules, billing rules, payer contracts.\n");
    Ok(out)
}

/// What a verification found, as text.
pub fn verification(out: &mut String, v: &Verification) {
    let _ = writeln!(
        out,
        "Verified {}.\nRecords read back and compared: {}; findings: {}.",
        v.when, v.compared, v.total_findings
    );
    let dangling: Vec<String> = v.dangling.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    let dangling = if dangling.is_empty() {
        "all lead somewhere".to_owned()
    } else {
        dangling.join(", ")
    };
    let _ = writeln!(out, "References: {} followed; {dangling}.", v.references);
    let _ = writeln!(out, "Sample: {} patients drawn with seed {}.", v.samples, v.seed);
    for finding in v.findings.iter().take(20) {
        let place = if finding.line > 0 {
            format!("{} line {}", finding.file, finding.line)
        } else {
            finding.file.clone()
        };
        let _ = writeln!(out, "  {} {place}: {}", finding.code, finding.what);
    }
    if v.total_findings > 20 {
        let _ = writeln!(out, "  ... and {} more", v.total_findings - 20);
    }
}

/// The table of rows by type; columns with nothing in them are left out, so that the others fit on a screen.
fn counts(out: &mut String, report: &Report) {
    let cells = |c: &Counts| {
        [
            c.rows,
            c.stored,
            c.unchanged,
            c.quarantined,
            c.held,
            c.undecided,
            c.kept,
            c.deleted,
        ]
    };
    let names = [
        "rows",
        "stored",
        "unchanged",
        "quarantined",
        "held",
        "undecided",
        "kept",
        "deleted",
    ];
    let total = cells(&report.total);
    let shown: Vec<usize> = (0..names.len()).filter(|&at| at < 2 || total[at] > 0).collect();
    let widths = names.map(|name| name.len().max(7) + 2);
    let mut line = |name: &str, texts: &[String]| {
        let _ = write!(out, "{name:<24}");
        for &at in &shown {
            let _ = write!(out, "{:>width$}", texts[at], width = widths[at]);
        }
        let _ = writeln!(out);
    };
    line("Type", &names.map(str::to_owned));
    for (resource_type, counts) in &report.counts {
        line(resource_type, &cells(counts).map(|n| n.to_string()));
    }
    line("Total", &total.map(|n| n.to_string()));
    let left_out: Vec<&str> = (0..names.len())
        .filter(|at| !shown.contains(at))
        .map(|at| names[at])
        .collect();
    if !left_out.is_empty() {
        let _ = writeln!(out, "None {}.", left_out.join(", "));
    }
}
