//! Diagnostic reports over laboratory results.

use super::Practice;
use super::calendar::DAY;
use super::census::Place;
use super::kind::Kind;
use super::line::{Line, Meta};
use super::observation::{panel, results_of_report, visit};
use super::organization::LABORATORY;

/// A patient's n-th `DiagnosticReport`.
pub(super) fn report(practice: &Practice, place: Place) -> Vec<u8> {
    let index = place.index(Kind::DiagnosticReport);
    let visit = visit(practice, place.patient, place.nth);
    let panel = panel(place.patient, place.nth);
    let meta = Meta {
        updated: visit.start + DAY,
        profile: Some("diagnosticreport-lab"),
        security: None,
    };
    let mut line = Line::start(practice, Kind::DiagnosticReport, index, meta);
    if line.dice.one_in(15) {
        line.narrative(panel.display, Kind::Patient, place.patient);
    }
    let number = format!("LAB-{index:09}");
    line.list("identifier")
        .item()
        .text("system", "urn:oid:2.16.840.1.113883.19.5.25483.6")
        .text("value", &number);
    line.close().end().rarely("status", 30, "preliminary", "final");
    line.list("category").item().list("coding").item();
    line.text("system", "http://terminology.hl7.org/CodeSystem/v2-0074")
        .text("code", "LAB")
        .close()
        .end()
        .close()
        .end();
    line.concept("code", panel);
    line.patient("subject", place.patient);
    line.encounter(visit);
    line.instant("effectiveDateTime", visit.start + 1_200)
        .instant("issued", visit.start + DAY);
    line.list("performer").item();
    if line.dice.one_in(6) {
        // A reference by identifier alone, which nobody can follow and nobody may drop.
        line.text("type", "Organization")
            .open("identifier")
            .text("system", "urn:oid:2.16.840.1.113883.4.7");
        line.text("value", "22D0000000")
            .close()
            .text("display", "Outside laboratory");
    } else {
        line.refer(Kind::Organization, LABORATORY);
    }
    line.close().end().list("result");
    for nth in results_of_report(place.nth) {
        line.item()
            .refer(
                Kind::Observation,
                Place::new(place.patient, nth).index(Kind::Observation),
            )
            .close();
    }
    line.end();
    if line.dice.one_in(5) {
        line.text(
            "conclusion",
            "Within expected limits. Répéter dans 3 mois.\nReviewed \u{2714}",
        );
    }
    line.finish()
}
