//! The report as one page of HTML that needs nothing else: no script, no request, drawings inline, and made for paper as well.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::{Report, section, verified};
use crate::fhir::safe;
use crate::migration::figure::count;
use crate::migration::{Flip, Gate};

const STYLE: &str = include_str!("style.css");
/// Nothing is loaded and nothing runs, whatever stands in the text.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// A report as a page of HTML.
pub fn report_page(report: &Report) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                title { "Migration report: " (safe(&report.name)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (head(report))
                (section::gate(report))
                (section::rows(report))
                (verified::verification(report))
                (section::charts(report))
                (section::decisions(report))
                (section::waivers(report))
                (section::changes(report))
                (section::files(report))
                (foot(report))
            }
        }
    };
    let mut page = page.into_string();
    page.push('\n');
    page
}

fn head(report: &Report) -> Markup {
    let (class, stand) = stand(&report.gate);
    html! {
        header {
            h1 { (safe(&report.name)) }
            p.quiet {
                "Migration report, from " code { (safe(&report.source)) }
                @if let Some(as_of) = report.as_of { ", as of " (as_of.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()) }
            }
            p class={ "stand " (class) } { (stand) }
        }
        @if let Some(Flip { overridden: Some(why), missing, .. }) = &report.gate.flip {
            div.alarm role="alert" {
                p { strong { "OVERRIDDEN" } ": the practice went over though the gate was shut." }
                p { "Reason given: " (safe(why)) }
                p { "Missing then:" }
                ul { @for what in missing { li { (safe(what)) } } }
            }
        }
        @if report.with_phi {
            div.alarm { p { strong { "CONTAINS PATIENTS' DATA" } ": ids of sample patients and comments on their charts." } }
        }
        div.figures {
            div { b { (count(report.total.rows)) } "rows received" }
            div { b { (count(report.total.stored + report.total.unchanged)) } "rows in the new store" }
            div { b { (count(report.total.quarantined)) } "set aside" }
            @if let Some(verified) = &report.verification {
                div { b { (count(verified.compared)) } "records compared" }
                div { b { (count(verified.total_findings)) } "findings" }
            }
            div { b { (count(report.conflicts.iter().sum())) } "conflicts" }
        }
    }
}

/// How the migration stands, in a few words.
fn stand(gate: &Gate) -> (&'static str, String) {
    match &gate.flip {
        Some(flip) => {
            let class = if flip.overridden.is_some() { "bad" } else { "good" };
            let when = flip.when.strftime("%Y-%m-%d %H:%M UTC");
            (class, format!("The practice went over on {when}"))
        }
        None if gate.is_open() => ("good", "Everything is so: the practice can go over".to_owned()),
        None => ("wait", "Not ready: the gate is shut".to_owned()),
    }
}

fn foot(report: &Report) -> Markup {
    html! {
        h2 { "Where this can be checked" }
        p {
            "The journal has " (count(report.journal.seq)) " entries, each of which holds the hash of the one before it. It was checked "
            "from its beginning; the hash of the last is"
        }
        p { code { (report.journal.hash) } }
        @match &report.key {
            Some(key) => {
                p { "This page is signed as a whole, by the key with the thumbprint" }
                p { code { (key) } }
                p {
                    code { "cutover report --check FILE" }
                    " verifies that on any machine, without a network. Whose key it is no program can tell: compare the thumbprint with "
                    "the one that you were given."
                }
            }
            None => p.wait { "This page is not signed: the migration has no key pair." }
        }
        footer { p.quiet { "Not moved by this program: scheduling rules, billing rules, payer contracts." } }
    }
}
