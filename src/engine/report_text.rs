//! The report as text, for people.

use std::fmt::Write;

use super::living::living_text;
use super::report::{Report, ReportedRow};
use crate::fhir;
use crate::migration::{Counts, FileState, Gate, Verification};
use crate::store::ChainHead;

/// A report as text, 80 columns wide where it can be.
pub fn report_text(report: &Report) -> String {
    let mut out = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(
        out,
        "{}  (from {})\n",
        fhir::safe(&report.name),
        fhir::safe(&report.source)
    );
    if report.with_phi {
        out.push_str("CONTAINS PATIENTS' DATA: ids of sample patients and comments on their charts.\n\n");
    }
    counts(&mut out, report);
    let balanced = if report.balanced {
        "Every row is accounted for."
    } else {
        "THE ROWS DO NOT ADD UP."
    };
    let _ = writeln!(out, "\n{balanced}");
    quarantined(&mut out, report);
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
        if let Some(expected) = file.promised() {
            let _ = writeln!(
                out,
                "File {}: the manifest promised {expected} rows, {} came.",
                file.name, file.rows
            );
        }
    }
    let done = [("Set right", &report.amended), ("Waived", &report.waived)];
    for (done, row) in done
        .iter()
        .flat_map(|(done, rows)| rows.iter().map(move |row| (done, row)))
    {
        let ReportedRow {
            row, code, who, why, ..
        } = row;
        let _ = writeln!(
            out,
            "{done}: row {row} ({code}) by {}: {}",
            fhir::safe(who),
            fhir::safe(why)
        );
    }
    verified(&mut out, report);
    charts(&mut out, report);
    let _ = write!(out, "\nThe gate\n{}", gate_text(&report.gate));
    for signed in &report.signed {
        let _ = writeln!(
            out,
            "Signed ({}) by {} for the journal up to entry {}:\n  {}",
            signed.capacity.name(),
            fhir::safe(&signed.name),
            signed.head.entry,
            fhir::safe(&signed.head.hash)
        );
    }
    let ChainHead { seq, hash } = &report.journal;
    let _ = writeln!(
        out,
        "\nThe journal has {seq} entries, each with the hash of the one before it. Hash of the last:\n  {hash}"
    );
    if let Some(key) = &report.key {
        let _ = writeln!(out, "Signed by the key with the thumbprint\n  {key}");
    } else {
        out.push_str("Not signed: the migration has no key pair.\n");
    }
    out.push_str("\nNot moved by this program: scheduling rules, billing rules, payer contracts.\n");
    out
}

/// What the latest verification found, and the last look at the source.
fn verified(out: &mut String, report: &Report) {
    let Some(found) = &report.verification else {
        out.push_str("Not verified yet.\n");
        return;
    };
    out.push_str(&verification_text(found));
    if let Some(living) = &found.living {
        out.push_str(&living_text(living, report.level));
    }
}

/// What a verification found, as text.
pub fn verification_text(v: &Verification) -> String {
    let mut out = String::new();
    let _ = writeln!(
        out,
        "Verified {}.\nRecords read back and compared: {}; findings: {}.",
        v.when, v.compared, v.total_findings
    );
    super::verified_text::states(&mut out, v);
    let dangling: Vec<String> = v.dangling.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
    let dangling = if dangling.is_empty() {
        "all lead somewhere".to_owned()
    } else {
        dangling.join(", ")
    };
    let _ = writeln!(out, "References: {} followed; {dangling}.", v.references);
    let _ = writeln!(
        out,
        "Sample: {} patients drawn with seed {}; {}.",
        v.samples,
        v.seed,
        v.acceptance.words()
    );
    if v.unknown_patients > 0 {
        let _ = writeln!(
            out,
            "Named patients of whom nothing was received: {}.",
            v.unknown_patients
        );
    }
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
    out
}

/// The sample charts: how each stands, by number and stratum.
fn charts(out: &mut String, report: &Report) {
    for chart in &report.charts {
        let by = chart
            .judged
            .as_ref()
            .map_or_else(String::new, |(who, _)| format!(" by {}", fhir::safe(who)));
        let _ = writeln!(
            out,
            "  chart {:>3}  {:<18} {}{by}",
            chart.chart, chart.stratum, chart.state
        );
        if let Some(patient) = &chart.patient {
            let comment = chart.comment.as_deref().unwrap_or_default();
            let _ = writeln!(out, "             {}  {}", fhir::safe(patient), fhir::safe(comment));
        }
    }
    for finding in &report.failed_charts {
        let _ = writeln!(out, "  {}: {}", finding.code, finding.what);
    }
}

/// The gate as text: a line for each condition, and the flip.
pub fn gate_text(gate: &Gate) -> String {
    let mut out = String::new();
    for condition in &gate.conditions {
        let sign = if condition.met { "+" } else { "!" };
        // Writing to a String does not fail.
        let _ = writeln!(
            out,
            "  {sign} {:<28}{}",
            condition.requirement.words(),
            fhir::safe(&condition.why)
        );
    }
    if let Some(flip) = &gate.flip {
        let when = flip.when.strftime("%Y-%m-%d %H:%M UTC");
        let _ = writeln!(
            out,
            "\nThe practice went over on {when}, recorded by {}.",
            fhir::safe(&flip.who)
        );
        if let Some(why) = &flip.overridden {
            let _ = writeln!(out, "OVERRIDDEN: {}", fhir::safe(why));
            for missing in &flip.missing {
                let _ = writeln!(out, "OVERRIDDEN, missing then: {}", fhir::safe(missing));
            }
        }
    }
    out
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

fn quarantined(out: &mut String, report: &Report) {
    if report.quarantine.is_empty() {
        return;
    }
    let reasons = report.quarantine.iter().map(|(code, n)| format!("{n} {code}"));
    let _ = writeln!(out, "Quarantined: {}.", reasons.collect::<Vec<_>>().join(", "));
}
