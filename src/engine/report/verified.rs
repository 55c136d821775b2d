//! What the latest verification found: records by state, findings by class, the patients' lists, and what reading again at the source
//! showed.

use maud::{Markup, html};

use super::section::listed;
use super::{Report, figure};
use crate::fhir::safe;
use crate::migration::figure::{count, several};
use crate::migration::{ExportLevel, Living, RecordState, States, Verification};

/// Findings told with their place.
const FINDINGS: usize = 100;

/// What the latest verification found, by class.
pub fn verification(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Verification" }
            @match &report.verification {
                None => p.wait { "Not verified yet." }
                Some(found) => (verified(report, found))
            }
        }
    }
}

fn verified(report: &Report, found: &Verification) -> Markup {
    let mut classes: Vec<(String, u64)> = report.findings.iter().map(|(class, n)| (class.clone(), *n)).collect();
    let told: u64 = report.findings.values().sum();
    if told < found.total_findings {
        classes.push(("not told apart".to_owned(), found.total_findings - told));
    }
    html! {
        p {
            "On " (safe(&found.when)) " " (several(found.compared, "record")) " were read back and compared with what was received; "
            (several(found.references, "reference")) " were followed."
        }
        @if !found.dangling.is_empty() {
            p { "References that lead nowhere: " (listed(found.dangling.iter())) "." }
        }
        @if found.total_findings == 0 {
            p.good { "Nothing was found: the new store says what was received." }
        } @else {
            p.bad { (several(found.total_findings, "finding")) "." }
            (figure::findings(&classes))
            table {
                thead { tr { th { "Class" } th { "Type" } th { "File and line" } th { "What" } } }
                tbody {
                    @for finding in found.findings.iter().take(FINDINGS) {
                        tr {
                            td { (safe(&finding.code)) }
                            td { (safe(&finding.resource_type)) }
                            td { (safe(&finding.file)) @if finding.line > 0 { " line " (finding.line) } }
                            td { (safe(&finding.what)) }
                        }
                    }
                }
            }
            @if found.findings.len() > FINDINGS { p.quiet { "The first " (FINDINGS) " of them." } }
        }
        (states(found))
        (lists(found))
        @if let Some(found) = &found.living { (living(found, report.level)) }
    }
}

/// Every record in the one state in which it ended, by type.
fn states(found: &Verification) -> Markup {
    let all = found.all_states();
    let used: Vec<RecordState> = RecordState::ALL
        .into_iter()
        .filter(|state| *state == RecordState::Validated || all.of(*state) > 0)
        .collect();
    let line = |name: &str, states: &States| {
        html! {
            td { (safe(name)) }
            td.n { (count(states.sum())) }
            @for state in &used { td.n { (count(states.of(*state))) } }
        }
    };
    html! {
        @if !found.states.is_empty() {
            h3 { "Every record in one state" }
            table {
                thead { tr { th { "Type" } th.n { "records" } @for state in &used { th.n { (state.name()) } } } }
                tbody {
                    @for (name, states) in &found.states { tr { (line(name, states)) } }
                    tr.sum { (line("Total", &all)) }
                }
            }
        }
    }
}

/// The lists that a clinician goes by, compared for every patient.
fn lists(found: &Verification) -> Markup {
    let lists = &found.lists;
    html! {
        @if lists.patients > 0 {
            h3 { "Allergies, medications, problems and identity of every patient" }
            @if lists.differing.is_empty() {
                p.good { "Compared as lists for " (several(lists.patients, "patient")) ": the same for all of them." }
            } @else {
                p.bad { "Compared as lists for " (several(lists.patients, "patient")) ". They say something else at the destination:" }
                table {
                    thead { tr { th { "List" } th.n { "Patients" } } }
                    tbody { @for (list, patients) in &lists.differing { tr { td { (list.name()) } td.n { (count(*patients)) } } } }
                }
            }
        }
    }
}

/// A few patients read again at the source, for what the export itself left out.
fn living(living: &Living, level: ExportLevel) -> Markup {
    let counts: Vec<_> = living
        .counts
        .iter()
        .filter(|(_, (source, received))| source != received)
        .collect();
    html! {
        h3 { "Read again at the source" }
        p {
            "On " (safe(&living.when)) " " (several(living.patients, "patient")) ", drawn with seed " (living.seed) ", with "
            (several(living.records, "record")) " in " (several(living.requests, "request")) "."
            @if living.changed_since > 0 {
                " " (several(living.changed_since, "record")) " changed there since the export: the next run brings them."
            }
        }
        @if living.clean() {
            p.good { "The export left out nothing of what was looked at." }
        } @else {
            p.bad { "The export left out, or brought otherwise: " (listed(living.left_out.iter())) "." }
        }
        @if !living.counts.is_empty() && counts.is_empty() {
            p { "Of " (several(living.counts.len() as u64, "type")) " the source says it has as many records as were received." }
        }
        @if !counts.is_empty() {
            table {
                thead { tr { th { "Type" } th.n { "At the source" } th.n { "Received" } } }
                tbody {
                    @for (name, (source, received)) in &counts {
                        tr { td { (safe(name)) } td.n { (count(*source)) } td.n { (count(*received)) } }
                    }
                }
            }
        }
        @if !counts.is_empty() && level != ExportLevel::System {
            p.quiet { "The source counts everybody's records, and the export was not of everybody." }
        }
        @for kind in &living.not_offered { p.quiet { "Not offered by the source: " (safe(kind)) "." } }
    }
}
