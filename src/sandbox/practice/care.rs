//! Who looks after a patient, and what they mean to do.

use super::Practice;
use super::calendar::{DAY, EXPORT, Visit};
use super::census::Place;
use super::coding::Coding;
use super::condition;
use super::kind::Kind;
use super::line::{Line, Meta};
use super::organization::PRACTICE;

const PHYSICIAN: Coding = Coding::snomed("17561000", "Cardiologist");
const PRIMARY: Coding = Coding::snomed("446050000", "Primary care physician");
const PATIENT: Coding = Coding::snomed("116154003", "Patient");
const ASSESS: Coding = Coding::new(
    "http://hl7.org/fhir/us/core/CodeSystem/careplan-category",
    "assess-plan",
    "Assessment and Plan of Treatment",
);

/// A patient's `CareTeam`.
pub(super) fn team(practice: &Practice, place: Place) -> Vec<u8> {
    let index = place.index(Kind::CareTeam);
    let meta = Meta {
        updated: EXPORT - 90 * DAY,
        profile: Some("careteam"),
        security: None,
    };
    let mut line = Line::start(practice, Kind::CareTeam, index, meta);
    line.text("status", "active").text("name", "Care team");
    line.patient("subject", place.patient);
    line.list("participant");
    for (which, role) in [(0, &PRIMARY), (1, &PHYSICIAN)] {
        line.item()
            .concepts("role", role)
            .open("member")
            .refer_practitioner(place.patient, which)
            .close()
            .close();
    }
    line.item()
        .concepts("role", &PATIENT)
        .reference("member", Kind::Patient, place.patient)
        .close()
        .end();
    line.list("managingOrganization")
        .item()
        .refer(Kind::Organization, PRACTICE)
        .close()
        .end();
    line.finish()
}

/// A patient's n-th `CarePlan`.
pub(super) fn plan(practice: &Practice, place: Place) -> Vec<u8> {
    let index = place.index(Kind::CarePlan);
    let visit = Visit::behind(practice, Kind::CarePlan, place);
    let problem = condition::code(practice, place);
    let meta = Meta {
        updated: visit.start + DAY,
        profile: Some("careplan"),
        security: None,
    };
    let mut line = Line::start(practice, Kind::CarePlan, index, meta);
    let words = format!(
        "Plan for {}: diet & exercise, follow up in < 3 months.",
        problem.display
    );
    line.narrative(&words, Kind::Condition, place.index(Kind::Condition));
    line.text("status", "active")
        .text("intent", "plan")
        .concepts("category", &ASSESS)
        .text("title", "Plan of care");
    line.patient("subject", place.patient);
    line.encounter(visit);
    line.period("period", visit.start, None);
    line.list("careTeam")
        .item()
        .refer(Kind::CareTeam, Place::new(place.patient, 0).index(Kind::CareTeam))
        .close()
        .end();
    line.list("addresses").item();
    line.refer(Kind::Condition, place.index(Kind::Condition)).close().end();
    line.finish()
}
