//! Prescriptions and what patients say they take; some medications are coded, some contained.

use super::Practice;
use super::calendar::{DAY, EXPORT, Visit, span};
use super::census::Place;
use super::coding::{Coding, system};
use super::kind::Kind;
use super::line::{Line, Meta};

const fn drug(code: &'static str, display: &'static str) -> Coding {
    Coding::new(system::RXNORM, code, display)
}

/// Those from here on are for children too.
const ALSO_CHILDREN: usize = 13;
static DRUGS: [Coding; 20] = [
    drug("314076", "lisinopril 10 MG Oral Tablet"),
    drug(
        "860975",
        "24 HR metformin hydrochloride 500 MG Extended Release Oral Tablet",
    ),
    drug("617310", "atorvastatin 20 MG Oral Tablet"),
    drug("312961", "simvastatin 20 MG Oral Tablet"),
    drug("310798", "hydrochlorothiazide 25 MG Oral Tablet"),
    drug("197361", "amlodipine 5 MG Oral Tablet"),
    drug("866924", "metoprolol tartrate 25 MG Oral Tablet"),
    drug("243670", "aspirin 81 MG Oral Tablet"),
    drug("855332", "warfarin sodium 5 MG Oral Tablet"),
    drug("1650142", "doxycycline hyclate 100 MG Oral Tablet"),
    drug("313988", "furosemide 40 MG Oral Tablet"),
    drug("312941", "sertraline 50 MG Oral Tablet"),
    drug(
        "106892",
        "insulin isophane, human 70 UNT/ML / insulin, regular, human 30 UNT/ML Injectable Suspension [Humulin]",
    ),
    drug("313782", "acetaminophen 325 MG Oral Tablet"),
    drug("310965", "ibuprofen 200 MG Oral Tablet"),
    drug("308182", "amoxicillin 250 MG Oral Capsule"),
    drug("745679", "200 ACTUAT albuterol 0.09 MG/ACTUAT Metered Dose Inhaler"),
    drug(
        "895994",
        "120 ACTUAT fluticasone propionate 0.044 MG/ACTUAT Metered Dose Inhaler",
    ),
    drug("834061", "penicillin V potassium 250 MG Oral Tablet"),
    drug("1014676", "cetirizine hydrochloride 5 MG Oral Tablet"),
];
const DIRECTIONS: [&str; 6] = [
    "Take 1 tablet by mouth daily",
    "Take 1 tablet by mouth twice daily with food",
    "Tome 1 tableta por vía oral cada mañana",
    "Take ½ tablet at bedtime; may repeat ×1",
    "Inhale 2 puffs every 4–6 hours as needed",
    "Take as directed per \"sliding scale\"\n\tBG < 150: none\n\tBG ≥ 150: 2 units",
];

/// A patient's n-th `MedicationRequest`.
pub(super) fn request(practice: &Practice, place: Place) -> Vec<u8> {
    let kind = Kind::MedicationRequest;
    let index = place.index(kind);
    let visit = Visit::behind(practice, kind, place);
    let meta = Meta {
        updated: visit.start + DAY / 3,
        profile: Some("medicationrequest"),
        security: None,
    };
    let mut line = Line::start(practice, kind, index, meta);
    let recent = visit.start > EXPORT - 365 * DAY;
    let status = match line.dice.below(20) {
        0 => "entered-in-error",
        1 => "cancelled",
        2..=4 => "stopped",
        _ if recent => "active",
        _ => "completed",
    };
    let contained = line.dice.one_in(8);
    let drug = *line.dice.pick(visit.suitable(&DRUGS, ALSO_CHILDREN));
    if contained {
        contain(&mut line, &drug);
    }
    line.text("status", status).rarely("intent", 9, "plan", "order");
    line.list("category").item().list("coding").item();
    line.text(
        "system",
        "http://terminology.hl7.org/CodeSystem/medicationrequest-category",
    )
    .text("code", "community");
    line.close().end().close().end();
    if line.dice.one_in(3) {
        line.literal("reportedBoolean", "false");
    }
    medication(&mut line, &drug, contained);
    line.patient("subject", place.patient);
    line.encounter(visit);
    line.instant("authoredOn", visit.start + 900);
    line.open("requester")
        .refer_practitioner(place.patient, place.nth)
        .close();
    if place.count(Kind::Condition) > place.nth && line.dice.one_in(3) {
        let reason = place.index(Kind::Condition);
        line.list("reasonReference")
            .item()
            .refer(Kind::Condition, reason)
            .close()
            .end();
    }
    dosage(&mut line, "dosageInstruction");
    line.open("dispenseRequest").literal("numberOfRepeatsAllowed", "3");
    line.quantity("quantity", "30", "{tbl}")
        .quantity("expectedSupplyDuration", "30.0", "d")
        .close();
    line.finish()
}

/// A patient's n-th `MedicationStatement`.
pub(super) fn statement(practice: &Practice, place: Place) -> Vec<u8> {
    let kind = Kind::MedicationStatement;
    let index = place.index(kind);
    let visit = Visit::behind(practice, kind, place);
    let meta = Meta {
        updated: visit.start + DAY,
        profile: None,
        security: None,
    };
    let mut line = Line::start(practice, kind, index, meta);
    let drug = *line.dice.pick(visit.suitable(&DRUGS, ALSO_CHILDREN));
    line.rarely("status", 4, "stopped", "active");
    medication(&mut line, &drug, false);
    line.patient("subject", place.patient);
    line.open("context").refer(Kind::Encounter, visit.index).close();
    let began = visit.start - (30 + span(&mut line.dice, 300)) * DAY;
    line.period("effectivePeriod", began, None);
    line.instant("dateAsserted", visit.start);
    line.open("informationSource")
        .refer(Kind::Patient, place.patient)
        .close();
    if place.count(Kind::MedicationRequest) > place.nth && line.dice.one_in(2) {
        let order = place.index(Kind::MedicationRequest);
        line.list("basedOn")
            .item()
            .refer(Kind::MedicationRequest, order)
            .close()
            .end();
    }
    dosage(&mut line, "dosage");
    line.finish()
}

fn contain(line: &mut Line, drug: &Coding) {
    line.list("contained")
        .item()
        .text("resourceType", "Medication")
        .text("id", "med1")
        .concept("code", drug);
    line.text("status", "active").close().end();
}

fn medication(line: &mut Line, drug: &Coding, contained: bool) {
    if contained {
        line.open("medicationReference")
            .text("reference", "#med1")
            .text("display", drug.display)
            .close();
    } else {
        line.concept("medicationCodeableConcept", drug);
    }
}

fn dosage(line: &mut Line, key: &str) {
    let directions = *line.dice.pick(&DIRECTIONS);
    line.list(key).item().literal("sequence", "1").text("text", directions);
    line.open("timing")
        .open("repeat")
        .literal("frequency", "1")
        .literal("period", "1.0")
        .text("periodUnit", "d")
        .close()
        .close();
    line.list("doseAndRate").item().quantity(
        "doseQuantity",
        if directions.contains('½') { "0.50" } else { "1" },
        "{tbl}",
    );
    line.close().end().close().end();
}
