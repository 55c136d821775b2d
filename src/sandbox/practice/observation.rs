//! Laboratory results and vital signs.

use super::Practice;
use super::calendar::{DAY, Visit};
use super::census::Place;
use super::code::Code;
use super::dice::nth;
use super::kind::Kind;
use super::line::{Line, Meta};
use super::organization::LABORATORY;

/// A measured quantity with its usual range, as whole numbers of the last decimal.
struct Measure {
    code: Code,
    unit: &'static str,
    low: u32,
    high: u32,
    decimals: u32,
}

const fn measure(
    code: &'static str,
    display: &'static str,
    unit: &'static str,
    low: u32,
    high: u32,
    decimals: u32,
) -> Measure {
    Measure {
        code: Code::loinc(code, display),
        unit,
        low,
        high,
        decimals,
    }
}

/// Three results of each panel, in the order of [`PANELS`].
static RESULTS: [Measure; 27] = [
    measure(
        "2093-3",
        "Cholesterol [Mass/volume] in Serum or Plasma",
        "mg/dL",
        0,
        199,
        0,
    ),
    measure(
        "2571-8",
        "Triglyceride [Mass/volume] in Serum or Plasma",
        "mg/dL",
        0,
        149,
        0,
    ),
    measure(
        "2085-9",
        "Cholesterol in HDL [Mass/volume] in Serum or Plasma",
        "mg/dL",
        40,
        60,
        0,
    ),
    measure(
        "2345-7",
        "Glucose [Mass/volume] in Serum or Plasma",
        "mg/dL",
        70,
        99,
        0,
    ),
    measure(
        "2160-0",
        "Creatinine [Mass/volume] in Serum or Plasma",
        "mg/dL",
        50,
        110,
        2,
    ),
    measure(
        "3094-0",
        "Urea nitrogen [Mass/volume] in Serum or Plasma",
        "mg/dL",
        70,
        200,
        1,
    ),
    measure(
        "2951-2",
        "Sodium [Moles/volume] in Serum or Plasma",
        "mmol/L",
        135,
        145,
        0,
    ),
    measure(
        "2823-3",
        "Potassium [Moles/volume] in Serum or Plasma",
        "mmol/L",
        35,
        51,
        1,
    ),
    measure(
        "2075-0",
        "Chloride [Moles/volume] in Serum or Plasma",
        "mmol/L",
        98,
        107,
        0,
    ),
    measure(
        "718-7",
        "Hemoglobin [Mass/volume] in Blood",
        "g/dL",
        120,
        160,
        1,
    ),
    measure(
        "4544-3",
        "Hematocrit [Volume Fraction] of Blood by Automated count",
        "%",
        360,
        460,
        1,
    ),
    measure(
        "6690-2",
        "Leukocytes [#/volume] in Blood by Automated count",
        "10*3/uL",
        450,
        1100,
        2,
    ),
    measure(
        "1742-6",
        "Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma",
        "U/L",
        7,
        56,
        0,
    ),
    measure(
        "1920-8",
        "Aspartate aminotransferase [Enzymatic activity/volume] in Serum or Plasma",
        "U/L",
        10,
        40,
        0,
    ),
    measure(
        "1975-2",
        "Bilirubin.total [Mass/volume] in Serum or Plasma",
        "mg/dL",
        10,
        120,
        2,
    ),
    measure(
        "3016-3",
        "Thyrotropin [Units/volume] in Serum or Plasma",
        "m[IU]/L",
        400,
        4500,
        3,
    ),
    measure(
        "3024-7",
        "Thyroxine (T4) free [Mass/volume] in Serum or Plasma",
        "ng/dL",
        80,
        180,
        2,
    ),
    measure(
        "33914-3",
        "Glomerular filtration rate/1.73 sq M.predicted",
        "mL/min/{1.73_m2}",
        60,
        120,
        0,
    ),
    measure(
        "4548-4",
        "Hemoglobin A1c/Hemoglobin.total in Blood",
        "%",
        40,
        56,
        1,
    ),
    measure(
        "14959-1",
        "Microalbumin/Creatinine [Mass Ratio] in Urine",
        "mg/g",
        0,
        300,
        1,
    ),
    measure(
        "1988-5",
        "C reactive protein [Mass/volume] in Serum or Plasma",
        "mg/L",
        0,
        500,
        2,
    ),
    measure(
        "5811-5",
        "Specific gravity of Urine by Test strip",
        "{s.g.}",
        1005,
        1030,
        3,
    ),
    measure("5803-2", "pH of Urine by Test strip", "[pH]", 50, 80, 1),
    measure("5778-6", "Color of Urine", "", 0, 0, 0),
    measure(
        "10839-9",
        "Troponin I.cardiac [Mass/volume] in Serum or Plasma",
        "ng/mL",
        0,
        40,
        3,
    ),
    measure(
        "30934-4",
        "Natriuretic peptide B [Mass/volume] in Serum or Plasma",
        "pg/mL",
        0,
        100,
        0,
    ),
    measure(
        "777-3",
        "Platelets [#/volume] in Blood by Automated count",
        "10*3/uL",
        150,
        400,
        0,
    ),
];

const LAB_REPORT: Code = Code::loinc("11502-2", "Laboratory report");
/// The panels that laboratory results come in.
static PANELS: [Code; 9] = [
    Code::loinc("57698-3", "Lipid panel with direct LDL - Serum or Plasma"),
    Code::loinc("51990-0", "Basic metabolic panel - Blood"),
    Code::loinc("24326-1", "Electrolytes 1998 panel - Serum or Plasma"),
    Code::loinc("58410-2", "CBC panel - Blood by Automated count"),
    Code::loinc("24325-3", "Hepatic function 2000 panel - Serum or Plasma"),
    LAB_REPORT,
    LAB_REPORT,
    Code::loinc("24356-8", "Urinalysis complete panel - Urine"),
    LAB_REPORT,
];

static VITALS: [Measure; 7] = [
    measure("8867-4", "Heart rate", "/min", 55, 95, 0),
    measure("9279-1", "Respiratory rate", "/min", 12, 20, 0),
    measure("8310-5", "Body temperature", "Cel", 361, 375, 1),
    measure("29463-7", "Body weight", "kg", 480, 1100, 1),
    measure("8302-2", "Body height", "cm", 1500, 1900, 1),
    measure(
        "39156-5",
        "Body mass index (BMI) [Ratio]",
        "kg/m2",
        185,
        320,
        1,
    ),
    measure(
        "2708-6",
        "Oxygen saturation in Arterial blood",
        "%",
        94,
        100,
        0,
    ),
];
const BLOOD_PRESSURE: Code =
    Code::loinc("85354-9", "Blood pressure panel with all children optional");
const SYSTOLIC: Measure = measure("8480-6", "Systolic blood pressure", "mm[Hg]", 100, 140, 0);
const DIASTOLIC: Measure = measure("8462-4", "Diastolic blood pressure", "mm[Hg]", 60, 90, 0);

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
pub(super) fn panel(patient: u64, nth_report: u64) -> &'static Code {
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

/// A decimal of so many places, with its trailing zeros: they tell the precision, and must survive.
fn decimal(value: u32, decimals: u32) -> String {
    let unit = 10_u32.pow(decimals);
    match usize::try_from(decimals) {
        Ok(width @ 1..) => format!("{}.{:0width$}", value / unit, value % unit),
        _ => value.to_string(),
    }
}

impl Measure {
    /// A value about the usual range, and how it lies to that: `L`, `N` or `H`.
    fn roll(&self, line: &mut Line) -> (u32, &'static str) {
        let width = self.high - self.low;
        let start = self.low.saturating_sub(width / 8);
        let range = u64::from(self.high - start + width / 5);
        let value = start + u32::try_from(line.dice.below(range + 1)).unwrap_or(0);
        let flag = if value < self.low {
            "L"
        } else if value > self.high {
            "H"
        } else {
            "N"
        };
        (value, flag)
    }

    fn spelled(&self, value: u32) -> String {
        // Some analyzers write small numbers with an exponent.
        if self.decimals == 3 && (1..10).contains(&value) {
            format!("{value}E-3")
        } else {
            decimal(value, self.decimals)
        }
    }
}

/// A patient's n-th Observation.
pub(super) fn observation(practice: &Practice, place: Place) -> Vec<u8> {
    let group = place.nth / GROUP;
    let visit = visit(practice, place.patient, group);
    match (place.nth % GROUP).checked_sub(GROUP - RESULTS_OF_GROUP) {
        Some(result) => {
            let panel = panel_number(place.patient, group);
            laboratory(
                practice,
                place,
                visit,
                nth(&RESULTS, panel * RESULTS_OF_GROUP + result),
            )
        }
        None => vital(practice, place, visit),
    }
}

fn begin<'p>(
    practice: &'p Practice,
    place: Place,
    visit: Visit,
    profile: &'static str,
    category: &str,
) -> Line<'p> {
    let index = practice.census().index(Kind::Observation, place);
    let meta = Meta {
        updated: visit.start + DAY,
        profile: Some(profile),
        security: None,
    };
    let mut line = Line::start(practice, Kind::Observation, index, meta);
    if category == "laboratory" && place.patient % 16 == 3 {
        // Counters of some analyzers outgrow 64 bits; the digits must survive.
        line.list("extension").item().text(
            "url",
            "http://example.org/fhir/StructureDefinition/analyzer-sequence",
        );
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
    line.text(
        "system",
        "http://terminology.hl7.org/CodeSystem/observation-category",
    )
    .text("code", category);
    line.close().end().close().end();
    line
}

fn middle(line: &mut Line, place: Place, visit: Visit, code: &Code) {
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
        line.list("referenceRange").item().quantity(
            "low",
            &decimal(measure.low, measure.decimals),
            measure.unit,
        );
        line.quantity(
            "high",
            &decimal(measure.high, measure.decimals),
            measure.unit,
        )
        .close()
        .end();
    }
    if line.dice.one_in(35) {
        line.list("note")
            .item()
            .text(
                "text",
                "Hémolysé; repeat \"STAT\" \u{26A0}\u{FE0F}\r\nRun #2 \\ tray 4",
            )
            .close()
            .end();
    }
    line.finish()
}

fn vital(practice: &Practice, place: Place, visit: Visit) -> Vec<u8> {
    let mut line = begin(practice, place, visit, "vital-signs", "vital-signs");
    if place.nth % GROUP == 0 {
        middle(&mut line, place, visit, &BLOOD_PRESSURE);
        line.list("component");
        for measure in [SYSTOLIC, DIASTOLIC] {
            let (value, _) = measure.roll(&mut line);
            line.item().concept("code", &measure.code);
            line.quantity("valueQuantity", &decimal(value, 0), measure.unit)
                .close();
        }
        line.end();
    } else {
        let measure = nth(&VITALS, place.patient + place.nth / GROUP);
        middle(&mut line, place, visit, &measure.code);
        let (value, _) = measure.roll(&mut line);
        line.quantity(
            "valueQuantity",
            &decimal(value, measure.decimals),
            measure.unit,
        );
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
