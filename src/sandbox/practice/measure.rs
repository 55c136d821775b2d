//! What is measured: laboratory results in their panels, and vital signs.

use super::coding::Coding;
use super::line::Line;

/// A measured quantity with its usual range, as whole numbers of the last decimal.
pub(super) struct Measure {
    pub code: Coding,
    /// In UCUM; empty for a result in words.
    pub unit: &'static str,
    pub low: u32,
    pub high: u32,
    pub decimals: u32,
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
        code: Coding::loinc(code, display),
        unit,
        low,
        high,
        decimals,
    }
}

/// Three results of each panel, in the order of [`PANELS`].
pub(super) static RESULTS: [Measure; 27] = [
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
    measure("2345-7", "Glucose [Mass/volume] in Serum or Plasma", "mg/dL", 70, 99, 0),
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
    measure("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 120, 160, 1),
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
    measure("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "%", 40, 56, 1),
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

const LAB_REPORT: Coding = Coding::loinc("11502-2", "Laboratory report");
/// The panels that laboratory results come in.
pub(super) static PANELS: [Coding; 9] = [
    Coding::loinc("57698-3", "Lipid panel with direct LDL - Serum or Plasma"),
    Coding::loinc("51990-0", "Basic metabolic panel - Blood"),
    Coding::loinc("24326-1", "Electrolytes 1998 panel - Serum or Plasma"),
    Coding::loinc("58410-2", "CBC panel - Blood by Automated count"),
    Coding::loinc("24325-3", "Hepatic function 2000 panel - Serum or Plasma"),
    LAB_REPORT,
    LAB_REPORT,
    Coding::loinc("24356-8", "Urinalysis complete panel - Urine"),
    LAB_REPORT,
];

/// Vital signs from here on are taken of children too.
pub(super) const ALSO_CHILDREN: usize = 3;
/// Vital signs besides the blood pressure.
pub(super) static VITALS: [Measure; 7] = [
    measure("29463-7", "Body weight", "kg", 480, 1100, 1),
    measure("8302-2", "Body height", "cm", 1500, 1900, 1),
    measure("39156-5", "Body mass index (BMI) [Ratio]", "kg/m2", 185, 320, 1),
    measure("8867-4", "Heart rate", "/min", 55, 95, 0),
    measure("9279-1", "Respiratory rate", "/min", 12, 20, 0),
    measure("8310-5", "Body temperature", "Cel", 361, 375, 1),
    measure("2708-6", "Oxygen saturation in Arterial blood", "%", 94, 100, 0),
];
/// The blood pressure and its two components.
pub(super) const BLOOD_PRESSURE: Coding = Coding::loinc("85354-9", "Blood pressure panel with all children optional");
pub(super) const SYSTOLIC: Measure = measure("8480-6", "Systolic blood pressure", "mm[Hg]", 100, 140, 0);
pub(super) const DIASTOLIC: Measure = measure("8462-4", "Diastolic blood pressure", "mm[Hg]", 60, 90, 0);

/// A decimal of so many places, with its trailing zeros: they tell the precision, and must survive.
pub(super) fn decimal(value: u32, decimals: u32) -> String {
    let unit = 10_u32.pow(decimals);
    match usize::try_from(decimals) {
        Ok(width @ 1..) => format!("{}.{:0width$}", value / unit, value % unit),
        _ => value.to_string(),
    }
}

impl Measure {
    /// A value about the usual range, and how it lies to that: `L`, `N` or `H`.
    pub fn roll(&self, line: &mut Line) -> (u32, &'static str) {
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

    pub fn spelled(&self, value: u32) -> String {
        // Some analyzers write small numbers with an exponent.
        if self.decimals == 3 && (1..10).contains(&value) {
            format!("{value}E-3")
        } else {
            decimal(value, self.decimals)
        }
    }
}
