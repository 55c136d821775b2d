//! The sections of the page.

use maud::{Markup, html};

use super::{Report, figure};
use crate::fhir::safe;
use crate::migration::figure::{count, several};
use crate::migration::{Capacity, Counts, FileState, SignOff};

/// What must be so before the practice goes over, each with its evidence, and who answers for it.
pub fn gate(report: &Report) -> Markup {
    html! {
        section {
            h2 { "The gate" }
            table {
                thead { tr { th.sign {} th { "Condition" } th { "Evidence" } } }
                tbody {
                    @for condition in &report.gate.conditions {
                        tr {
                            @if condition.met { td.sign.good { "✓" } } @else { td.sign.bad { "✗" } }
                            td { (condition.requirement.words()) }
                            td { (safe(&condition.why)) }
                        }
                    }
                }
            }
            @if !report.signed.is_empty() {
                table {
                    thead { tr { th { "Signed" } th { "By" } th { "When" } th { "For the journal up to" } } }
                    tbody { @for signed in &report.signed { (signature(signed)) } }
                }
            }
            @if let Some(flip) = &report.gate.flip {
                p { "That the practice went over was recorded by " (safe(&flip.who)) ", " (flip.when.strftime("%Y-%m-%d %H:%M UTC").to_string()) "." }
            }
        }
    }
}

fn signature(signed: &SignOff) -> Markup {
    html! {
        tr {
            td {
                @match signed.capacity { Capacity::Technical => "for the data", Capacity::Clinical => "for the care" }
                @if let Some(stale) = &signed.stale { " " span.bad { "no longer holds: given before " (safe(stale)) } }
            }
            td {
                (safe(&signed.name)) span.quiet { " (login " (safe(&signed.login)) ")" }
                @if let Some(why) = &signed.why { br; (safe(why)) }
            }
            td { (signed.when.strftime("%Y-%m-%d %H:%M UTC").to_string()) }
            td { "entry " (signed.head.entry) br; code { (safe(&signed.head.hash)) } }
        }
    }
}

/// What became of the rows, by type and state.
pub fn rows(report: &Report) -> Markup {
    let used: Vec<&figure::Part> = figure::PARTS
        .iter()
        .filter(|part| part.name == "stored" || (part.of)(&report.total) > 0)
        .collect();
    let line = |name: &str, counts: &Counts| {
        html! {
            td { (safe(name)) }
            td.n { (count(counts.rows)) }
            @for part in &used { td.n { (count((part.of)(counts))) } }
        }
    };
    html! {
        section {
            h2 { "What became of every row" }
            @if report.balanced {
                p.good { "Every row is accounted for: each is in exactly one column." }
            } @else {
                p.bad { "The rows do not add up." }
            }
            (figure::rows(&report.counts, &report.total))
            table {
                thead { tr { th { "Type" } th.n { "rows" } @for part in &used { th.n { (part.name) } } } }
                tbody {
                    @for (name, counts) in &report.counts { tr { (line(name, counts)) } }
                    tr.sum { (line("Total", &report.total)) }
                }
            }
        }
    }
}

/// The sample charts, and what looking at them says.
pub fn charts(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Sample charts" }
            @if let Some(found) = &report.verification {
                p { (several(u64::from(found.samples), "patient")) " drawn with seed " (found.seed) "; " (found.acceptance.words()) "." }
                @if found.unknown_patients > 0 {
                    p.bad { "Named patients of whom nothing was received: " (found.unknown_patients) "." }
                }
            }
            @if !report.charts.is_empty() {
                (figure::charts(report))
                table {
                    thead {
                        tr {
                            th { "Chart" } th { "Stands for" } th.n { "Records" } th.n { "Differing" } th { "State" } th { "Judged by" }
                            @if report.with_phi { th { "Patient, comment" } }
                        }
                    }
                    tbody {
                        @for chart in &report.charts {
                            tr {
                                td { (chart.chart) }
                                td { (safe(&chart.stratum)) }
                                td.n { (count(u64::from(chart.records.0))) }
                                td.n { (count(u64::from(chart.records.1))) }
                                td class=(match chart.state { "passed" | "waived" => "good", "failed" => "bad", _ => "wait" }) { (chart.state) }
                                td {
                                    @if let Some((who, when)) = &chart.judged {
                                        (safe(who)) ", " (when.strftime("%Y-%m-%d %H:%M UTC").to_string())
                                    }
                                }
                                @if report.with_phi {
                                    td {
                                        code { (safe(chart.patient.as_deref().unwrap_or_default())) }
                                        @if let Some(comment) = &chart.comment { br; (safe(comment)) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
            @for finding in &report.failed_charts { p.bad { (safe(&finding.what)) } }
        }
    }
}

/// Who decided what on conflicts.
pub fn decisions(report: &Report) -> Markup {
    let [open, policy, person] = report.conflicts;
    html! {
        section {
            h2 { "Conflicts and decisions" }
            p { (count(open)) " open, " (count(policy)) " decided by policy, " (count(person)) " by a person." }
            @if !report.decisions.is_empty() {
                table {
                    thead { tr { th { "In question" } th { "Decision" } th { "By" } th.n { "Conflicts" } } }
                    tbody {
                        @for alike in &report.decisions {
                            tr {
                                td { (alike.kind.words()) }
                                @match alike.decision {
                                    Some(decision) => td { (decision.name()) }
                                    None => td.bad { "open" }
                                }
                                td { (safe(&alike.who)) }
                                td.n { (count(alike.count)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What was set aside, and who decided to do without it.
pub fn waivers(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Quarantine and waivers" }
            @if report.quarantine.is_empty() {
                p { "No row was set aside." }
            } @else {
                p { "Set aside: " (listed(report.quarantine.iter())) "." }
            }
            @if !report.waived.is_empty() {
                table {
                    thead { tr { th { "Row" } th { "Set aside as" } th { "Done without by" } th { "Because" } } }
                    tbody {
                        @for waived in &report.waived {
                            tr {
                                td.keep { (safe(&waived.row)) }
                                td { (safe(&waived.code)) }
                                td { (safe(&waived.who)) br; span.quiet { (safe(&waived.when)) } }
                                td { (safe(&waived.why)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What the migration changed on purpose, and what the source said of its own export.
pub fn changes(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Changed on purpose" }
            @if report.crosswalk.is_empty() {
                p { "Nobody of the source's is known at the destination under another id." }
            } @else {
                p { "Known at the destination under another id: " (listed(report.crosswalk.iter())) "." }
            }
            @for (name, changed) in &report.transforms {
                p { "Transform " code { (safe(name)) } " changed " (several(*changed, "record")) "." }
            }
            @if !report.issues.is_empty() {
                p { "The source reported about its own export: " (listed(report.issues.iter())) "." }
            }
        }
    }
}

/// Every file received, with its hash.
pub fn files(report: &Report) -> Markup {
    html! {
        section {
            h2 { "Files received" }
            @for (run, hash) in &report.manifests { p { "Manifest of run " (run) ": SHA-256 " code { (hash) } } }
            table {
                thead { tr { th { "Run" } th { "File" } th.n { "Rows" } th.n { "Bytes" } th { "BLAKE3" } } }
                tbody {
                    @for file in &report.files {
                        tr {
                            td { (file.run) }
                            td {
                                (safe(&file.name))
                                @match &file.state {
                                    FileState::Failed { reason } => { br; span.bad { "could not be had: " (safe(reason)) } }
                                    FileState::Pending => { br; span.wait { "not whole" } }
                                    FileState::Complete => {}
                                }
                                @if let Some(expected) = file.promised() {
                                    br; span.wait { (count(expected)) " rows were promised" }
                                }
                            }
                            td.n { (count(file.rows)) }
                            td.n { (count(file.bytes)) }
                            td { code { (file.blake3.as_deref().unwrap_or("-")) } }
                        }
                    }
                }
            }
        }
    }
}

/// Names with their numbers, such as `2 not-json, 1 no-id`.
pub fn listed<'a>(counts: impl Iterator<Item = (&'a String, &'a u64)>) -> String {
    let texts: Vec<String> = counts
        .map(|(name, n)| format!("{} {}", count(*n), safe(name)))
        .collect();
    texts.join(", ")
}
