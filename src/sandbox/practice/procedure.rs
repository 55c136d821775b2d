//! Procedures, done and not done.

use super::Practice;
use super::calendar::{DAY, Visit};
use super::census::Place;
use super::code::Code;
use super::kind::Kind;
use super::line::{Line, Meta};

static PROCEDURES: [Code; 12] = [
    Code::snomed("430193006", "Medication reconciliation"),
    Code::snomed("73761001", "Colonoscopy"),
    Code::snomed("71651007", "Mammography"),
    Code::snomed("399208008", "Plain X-ray of chest"),
    Code::snomed("29303009", "Electrocardiographic procedure"),
    Code::snomed("127783003", "Spirometry"),
    Code::snomed("171207006", "Depression screening"),
    Code::snomed("288086009", "Suture open wound"),
    Code::snomed("274474001", "Bone immobilization"),
    Code::snomed("76601001", "Intramuscular injection"),
    Code::snomed("40701008", "Echocardiography"),
    Code::snomed("80146002", "Excision of appendix"),
];

/// A patient's n-th Procedure.
pub(super) fn procedure(practice: &Practice, place: Place) -> Vec<u8> {
    let index = practice.census().index(Kind::Procedure, place);
    let visit = Visit::behind(practice, Kind::Procedure, place);
    let meta = Meta {
        updated: visit.start + DAY,
        profile: Some("procedure"),
        security: None,
    };
    let mut line = Line::start(practice, Kind::Procedure, index, meta);
    let done = !line.dice.one_in(20);
    let code = *line.dice.pick(&PROCEDURES);
    if line.dice.one_in(25) {
        line.narrative(code.display, Kind::Encounter, visit.index);
    }
    line.text("status", if done { "completed" } else { "not-done" })
        .concept("code", &code);
    line.patient("subject", place.patient);
    line.encounter(visit);
    if done {
        line.period(
            "performedPeriod",
            visit.start + 600,
            Some(visit.start + 2_400),
        );
    }
    line.list("performer")
        .item()
        .open("actor")
        .refer_practitioner(place.patient, place.nth)
        .close()
        .close()
        .end();
    line.reference("location", Kind::Location, practice.site(place.patient));
    if practice.census().count_of(Kind::Condition, place.patient) > place.nth && line.dice.one_in(3)
    {
        let reason = practice.index_of(Kind::Condition, place.patient, place.nth);
        line.list("reasonReference")
            .item()
            .refer(Kind::Condition, reason)
            .close()
            .end();
    }
    line.finish()
}
