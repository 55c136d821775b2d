//! Allergies: confirmed, refuted, entered in error, and the statement that there are none.

use super::Practice;
use super::calendar::{DAY, Visit};
use super::census::Place;
use super::code::Code;
use super::kind::Kind;
use super::line::{Line, Meta};

/// The statement that a patient has no allergy, which is a record like any other and must not be lost.
const NONE_KNOWN: Code = Code::snomed("716186003", "No known allergy");
const ALLERGIES: [(Code, &str); 13] = [
    (
        Code::snomed("91936005", "Allergy to penicillin"),
        "medication",
    ),
    (
        Code::snomed("294505008", "Allergy to amoxicillin"),
        "medication",
    ),
    (
        Code::snomed("293586001", "Allergy to aspirin"),
        "medication",
    ),
    (
        Code::snomed("91939003", "Allergy to sulfonamide"),
        "medication",
    ),
    (Code::snomed("91935009", "Allergy to peanut"), "food"),
    (Code::snomed("91934008", "Allergy to nut"), "food"),
    (Code::snomed("300913006", "Allergy to shellfish"), "food"),
    (Code::snomed("213020009", "Allergy to egg protein"), "food"),
    (Code::snomed("300916003", "Latex allergy"), "environment"),
    (
        Code::snomed("418689008", "Allergy to grass pollen"),
        "environment",
    ),
    (
        Code::snomed("232350006", "House dust mite allergy"),
        "environment",
    ),
    (
        Code::snomed("232347008", "Allergy to animal dander"),
        "environment",
    ),
    (
        Code::snomed("424213003", "Allergy to bee venom"),
        "environment",
    ),
];
const REACTIONS: [Code; 5] = [
    Code::snomed("247472004", "Hives"),
    Code::snomed("39579001", "Anaphylaxis"),
    Code::snomed("271807003", "Eruption of skin"),
    Code::snomed("422587007", "Nausea"),
    Code::snomed("41291007", "Angioedema"),
];

/// A patient's n-th `AllergyIntolerance`.
pub(super) fn allergy(practice: &Practice, place: Place) -> Vec<u8> {
    let index = practice.census().index(Kind::AllergyIntolerance, place);
    let visit = Visit::behind(practice, Kind::AllergyIntolerance, place);
    let meta = Meta {
        updated: visit.start + 2 * DAY,
        profile: Some("allergyintolerance"),
        security: None,
    };
    let mut line = Line::start(practice, Kind::AllergyIntolerance, index, meta);
    let alone = practice
        .census()
        .count_of(Kind::AllergyIntolerance, place.patient)
        == 1;
    let none = alone && line.dice.one_in(2);
    let (code, category) = if none {
        (NONE_KNOWN, "")
    } else {
        *line.dice.pick(&ALLERGIES)
    };
    let roll = line.dice.below(10);
    let (clinical, verification) = match roll {
        _ if none => (Some("active"), "confirmed"),
        0 => (Some("inactive"), "refuted"),
        // Rule ait-2: what was entered in error has no clinical status.
        1 => (None, "entered-in-error"),
        2 => (Some("resolved"), "confirmed"),
        3 => (Some("active"), "unconfirmed"),
        _ => (Some("active"), "confirmed"),
    };
    if let Some(clinical) = clinical {
        line.status("clinicalStatus", "allergyintolerance-clinical", clinical);
    }
    line.status(
        "verificationStatus",
        "allergyintolerance-verification",
        verification,
    );
    if !none {
        line.text("type", "allergy")
            .list("category")
            .string(category)
            .end();
        line.text("criticality", if roll > 7 { "high" } else { "low" });
    }
    line.concept("code", &code);
    line.patient("patient", place.patient);
    if line.dice.one_in(4) {
        line.encounter(visit);
    }
    line.instant("recordedDate", visit.start + 300);
    line.open("recorder")
        .refer_practitioner(place.patient, place.nth)
        .close();
    if !none && !line.dice.one_in(4) {
        let reaction = *line.dice.pick(&REACTIONS);
        line.list("reaction")
            .item()
            .concepts("manifestation", &reaction);
        line.text("severity", if roll > 7 { "severe" } else { "mild" })
            .close()
            .end();
    }
    line.finish()
}
