//! Procedures, done and not done.

use super::Practice;
use super::calendar::{DAY, Visit};
use super::census::Place;
use super::coding::Coding;
use super::kind::Kind;
use super::line::{Line, Meta};

/// Those from here on are for children too.
const ALSO_CHILDREN: usize = 3;
static PROCEDURES: [Coding; 12] = [
    Coding::snomed("73761001", "Colonoscopy"),
    Coding::snomed("171207006", "Depression screening"),
    Coding::snomed("40701008", "Echocardiography"),
    Coding::snomed("430193006", "Medication reconciliation"),
    Coding::snomed("45036003", "Ultrasonography of abdomen"),
    Coding::snomed("399208008", "Plain X-ray of chest"),
    Coding::snomed("29303009", "Electrocardiographic procedure"),
    Coding::snomed("127783003", "Spirometry"),
    Coding::snomed("288086009", "Suture open wound"),
    Coding::snomed("274474001", "Bone immobilization"),
    Coding::snomed("76601001", "Intramuscular injection"),
    Coding::snomed("80146002", "Excision of appendix"),
];

/// A patient's n-th Procedure.
pub(super) fn procedure(practice: &Practice, place: Place) -> Vec<u8> {
    let index = place.index(Kind::Procedure);
    let visit = Visit::behind(practice, Kind::Procedure, place);
    let meta = Meta {
        updated: visit.start + DAY,
        profile: Some("procedure"),
        security: None,
    };
    let mut line = Line::start(practice, Kind::Procedure, index, meta);
    let done = !line.dice.one_in(20);
    let code = *line.dice.pick(visit.suitable(&PROCEDURES, ALSO_CHILDREN));
    if line.dice.one_in(25) {
        line.narrative(code.display, Kind::Encounter, visit.index);
    }
    line.text("status", if done { "completed" } else { "not-done" })
        .concept("code", &code);
    line.patient("subject", place.patient);
    line.encounter(visit);
    if done {
        line.period("performedPeriod", visit.start + 600, Some(visit.start + 2_400));
    }
    line.list("performer")
        .item()
        .open("actor")
        .refer_practitioner(place.patient, place.nth)
        .close()
        .close()
        .end();
    line.reference("location", Kind::Location, practice.site(place.patient));
    if place.count(Kind::Condition) > place.nth && line.dice.one_in(3) {
        let reason = place.index(Kind::Condition);
        line.list("reasonReference")
            .item()
            .refer(Kind::Condition, reason)
            .close()
            .end();
    }
    line.finish()
}
