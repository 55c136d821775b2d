//! Laboratory results and vital signs.

use super::Practice;
use super::calendar::{DAY, Visit};
use super::census::Place;
use super::coding::Coding;
use super::dice::nth;
use super::kind::Kind;
use super::line::{Line, Meta};
use super::measure::{ALSO_CHILDREN, BLOOD_PRESSURE, DIASTOLIC, Measure, PANELS, RESULTS, SYSTOLIC, VITALS, decimal};
use super::organization::LABORATORY;

/// Of five observations two are vital signs and three are the results of one laboratory report.
const GROUP: u64 = 5;
const RESULTS_OF_GROUP: u64 = 3;

/// Numbers, within their patient, of the observations a patient's n-th diagnostic report is about.
pub(super) fn results_of_report(nth: u64) -> [u64; 3] {
    let first = nth * GROUP + (GROUP - RESULTS_OF_GROUP);
    [first, first + 1, first + 2]
}

fn panel_number(patient: u64, group: u64) -> u64 {
    (patient + group) % PANELS.len() as u64
}

/// The panel of a patient's n-th diagnostic report.
pub(super) fn panel(patient: u64, nth_report: u64) -> &'static Coding {
    nth(&PANELS, panel_number(patient, nth_report))
}

/// The visit at which a group of observations was made; vital signs and results of one group belong together.
pub(super) fn visit(practice: &Practice, patient: u64, group: u64) -> Visit {
    Visit::behind(
        practice,
        Kind::Observation,
        Place {
            patient,
            nth: group * GROUP,
        },
    )
}

/// A patient's n-th Observation.
pub(super) fn observation(practice: &Practice, place: Place) -> Vec<u8> {
    let group = place.nth / GROUP;
    let visit = visit(practice, place.patient, group);
    match (place.nth % GROUP).checked_sub(GROUP - RESULTS_OF_GROUP) {
        Some(result) => {
            let panel = panel_number(place.patient, group);
            laboratory(practice, place, visit, nth(&RESULTS, panel * RESULTS_OF_GROUP + result))
        }
        None => vital(practice, place, visit),
    }
}

fn begin<'p>(practice: &'p Practice, place: Place, visit: Visit, profile: &'static str, category: &str) -> Line<'p> {
    let index = place.index(Kind::Observation);
    let meta = Meta {
        updated: visit.start + DAY,
        profile: Some(profile),
        security: None,
    };
    let mut line = Line::start(practice, Kind::Observation, index, meta);
    if category == "laboratory" && place.patient % 16 == 3 {
        // Counters of some analyzers outgrow 64 bits; the digits must survive.
        line.list("extension")
            .item()
            .text("url", "http://example.org/fhir/StructureDefinition/analyzer-sequence");
        let sequence = format!("98765432109{:09}", index % 1_000_000_000);
        line.literal("valueDecimal", &sequence).close().end();
    }
    let status = match line.dice.below(60) {
        0 => "entered-in-error",
        1 => "preliminary",
        2 => "amended",
        3 => "corrected",
        _ => "final",
    };
    line.text("status", status)
        .list("category")
        .item()
        .list("coding")
        .item();
    line.text("system", "http://terminology.hl7.org/CodeSystem/observation-category")
        .text("code", category);
    line.close().end().close().end();
    line
}

fn middle(line: &mut Line, place: Place, visit: Visit, code: &Coding) {
    line.concept("code", code);
    line.patient("subject", place.patient);
    line.encounter(visit);
    line.instant("effectiveDateTime", visit.start + 1_200);
}

fn laboratory(practice: &Practice, place: Place, visit: Visit, measure: &Measure) -> Vec<u8> {
    let mut line = begin(practice, place, visit, "observation-lab", "laboratory");
    if line.dice.one_in(60) {
        line.narrative(measure.code.display, Kind::Encounter, visit.index);
    }
    middle(&mut line, place, visit, &measure.code);
    line.instant("issued", visit.start + DAY);
    line.list("performer")
        .item()
        .refer(Kind::Organization, LABORATORY)
        .close()
        .end();
    if measure.unit.is_empty() {
        let color = *line.dice.pick(&["Yellow", "Straw", "Amber", "Jaune pâle"]);
        line.text("valueString", color);
    } else if line.dice.one_in(70) {
        line.status("dataAbsentReason", "data-absent-reason", "error");
    } else {
        let (value, flag) = measure.roll(&mut line);
        line.quantity("valueQuantity", &measure.spelled(value), measure.unit);
        line.list("interpretation").item().list("coding").item();
        line.text(
            "system",
            "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
        )
        .text("code", flag);
        line.close().end().close().end();
        line.list("referenceRange")
            .item()
            .quantity("low", &decimal(measure.low, measure.decimals), measure.unit);
        line.quantity("high", &decimal(measure.high, measure.decimals), measure.unit)
            .close()
            .end();
    }
    if line.dice.one_in(35) {
        line.list("note")
            .item()
            .text("text", "Hémolysé; repeat \"STAT\" \u{26A0}\u{FE0F}\r\nRun #2 \\ tray 4")
            .close()
            .end();
    }
    line.finish()
}

fn vital(practice: &Practice, place: Place, visit: Visit) -> Vec<u8> {
    let mut line = begin(practice, place, visit, "vital-signs", "vital-signs");
    if place.nth.is_multiple_of(GROUP) {
        middle(&mut line, place, visit, &BLOOD_PRESSURE);
        line.list("component");
        for measure in [SYSTOLIC, DIASTOLIC] {
            let (value, _) = measure.roll(&mut line);
            line.item().concept("code", &measure.code);
            line.quantity("valueQuantity", &decimal(value, 0), measure.unit).close();
        }
        line.end();
    } else {
        let measure = nth(
            visit.suitable(&VITALS, ALSO_CHILDREN),
            place.patient + place.nth / GROUP,
        );
        middle(&mut line, place, visit, &measure.code);
        let (value, _) = measure.roll(&mut line);
        line.quantity("valueQuantity", &decimal(value, measure.decimals), measure.unit);
    }
    if line.dice.one_in(2) {
        line.list("performer")
            .item()
            .refer_practitioner(place.patient, place.nth)
            .close()
            .end();
    }
    line.finish()
}
