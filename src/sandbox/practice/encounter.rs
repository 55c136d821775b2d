//! Visits.

use super::Practice;
use super::calendar::{DAY, Visit, span};
use super::census::Place;
use super::coding::{Coding, system};
use super::kind::Kind;
use super::line::{Line, Meta};
use super::organization::PRACTICE;

const AMBULATORY: Coding = Coding::new(system::ACT_CODE, "AMB", "ambulatory");
const VIRTUAL: Coding = Coding::new(system::ACT_CODE, "VR", "virtual");
const EMERGENCY: Coding = Coding::new(system::ACT_CODE, "EMER", "emergency");
const INPATIENT: Coding = Coding::new(system::ACT_CODE, "IMP", "inpatient encounter");
const CLASSES: [&Coding; 8] = [
    &AMBULATORY,
    &AMBULATORY,
    &AMBULATORY,
    &AMBULATORY,
    &AMBULATORY,
    &VIRTUAL,
    &EMERGENCY,
    &INPATIENT,
];
const KINDS: [Coding; 3] = [
    Coding::snomed("185349003", "Encounter for check up"),
    Coding::snomed("390906007", "Follow-up encounter"),
    Coding::snomed("185345009", "Encounter for symptom"),
];
const WELL_CHILD: Coding = Coding::snomed("410620009", "Well child visit");
const WELL_ADULT: Coding = Coding::snomed("162673000", "General examination of patient");
const PERFORMER: Coding = Coding::new(
    "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
    "PPRF",
    "primary performer",
);

/// A patient's n-th Encounter.
pub(super) fn encounter(practice: &Practice, place: Place) -> Vec<u8> {
    let visit = Visit::nth(practice, place);
    let meta = Meta {
        updated: visit.start + DAY / 2,
        profile: Some("encounter"),
        security: None,
    };
    let mut line = Line::start(practice, Kind::Encounter, visit.index, meta);
    let class = **line.dice.pick(&CLASSES);
    let stay = if class.code == "IMP" {
        DAY / 2
    } else {
        900 + span(&mut line.dice, 6) * 600
    };
    let cancelled = line.dice.one_in(40);
    let number = format!("{:010}", visit.index);
    line.list("identifier")
        .item()
        .text("system", "urn:oid:2.16.840.1.113883.19.5.25483.8")
        .text("value", &number);
    line.close()
        .end()
        .text("status", if cancelled { "cancelled" } else { "finished" });
    line.open("class")
        .text("system", class.system)
        .text("code", class.code)
        .text("display", class.display)
        .close();
    let kind = match line.dice.pick(&KINDS) {
        kind if !line.dice.one_in(3) => *kind,
        _ if visit.child => WELL_CHILD,
        _ => WELL_ADULT,
    };
    line.concepts("type", &kind);
    line.patient("subject", place.patient);
    line.list("participant")
        .item()
        .concepts("type", &PERFORMER)
        .open("individual");
    line.refer_practitioner(place.patient, place.nth).close().close().end();
    line.period("period", visit.start, Some(visit.start + stay));
    if !cancelled && place.count(Kind::Condition) > place.nth && line.dice.one_in(3) {
        let reason = place.index(Kind::Condition);
        line.list("reasonReference")
            .item()
            .refer(Kind::Condition, reason)
            .close()
            .end();
    }
    if class.code == "IMP" {
        line.open("hospitalization")
            .status("dischargeDisposition", "discharge-disposition", "home")
            .close();
    }
    line.list("location")
        .item()
        .reference("location", Kind::Location, practice.site(place.patient))
        .close()
        .end();
    line.reference("serviceProvider", Kind::Organization, PRACTICE);
    line.finish()
}
