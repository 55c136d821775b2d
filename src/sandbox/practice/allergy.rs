//! Allergies: confirmed, refuted, entered in error, and the statement that there are none.

use super::Practice;
use super::calendar::{DAY, Visit};
use super::census::Place;
use super::coding::Coding;
use super::kind::Kind;
use super::line::{Line, Meta};

/// The statement that a patient has no allergy, which is a record like any other and must not be lost.
const NONE_KNOWN: Coding = Coding::snomed("716186003", "No known allergy");
const ALLERGIES: [(Coding, &str); 13] = [
    (Coding::snomed("91936005", "Allergy to penicillin"), "medication"),
    (Coding::snomed("294505008", "Allergy to amoxicillin"), "medication"),
    (Coding::snomed("293586001", "Allergy to aspirin"), "medication"),
    (Coding::snomed("91939003", "Allergy to sulfonamide"), "medication"),
    (Coding::snomed("91935009", "Allergy to peanut"), "food"),
    (Coding::snomed("91934008", "Allergy to nut"), "food"),
    (Coding::snomed("300913006", "Allergy to shellfish"), "food"),
    (Coding::snomed("213020009", "Allergy to egg protein"), "food"),
    (Coding::snomed("300916003", "Latex allergy"), "environment"),
    (Coding::snomed("418689008", "Allergy to grass pollen"), "environment"),
    (Coding::snomed("232350006", "House dust mite allergy"), "environment"),
    (Coding::snomed("232347008", "Allergy to animal dander"), "environment"),
    (Coding::snomed("424213003", "Allergy to bee venom"), "environment"),
];
const REACTIONS: [Coding; 5] = [
    Coding::snomed("247472004", "Hives"),
    Coding::snomed("39579001", "Anaphylaxis"),
    Coding::snomed("271807003", "Eruption of skin"),
    Coding::snomed("422587007", "Nausea"),
    Coding::snomed("41291007", "Angioedema"),
];

/// A patient's n-th `AllergyIntolerance`.
pub(super) fn allergy(practice: &Practice, place: Place) -> Vec<u8> {
    let index = place.index(Kind::AllergyIntolerance);
    let visit = Visit::behind(practice, Kind::AllergyIntolerance, place);
    let meta = Meta {
        updated: visit.start + 2 * DAY,
        profile: Some("allergyintolerance"),
        security: None,
    };
    let mut line = Line::start(practice, Kind::AllergyIntolerance, index, meta);
    let alone = place.count(Kind::AllergyIntolerance) == 1;
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
    line.status("verificationStatus", "allergyintolerance-verification", verification);
    if !none {
        line.text("type", "allergy").list("category").string(category).end();
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
        line.list("reaction").item().concepts("manifestation", &reaction);
        line.text("severity", if roll > 7 { "severe" } else { "mild" })
            .close()
            .end();
    }
    line.finish()
}
