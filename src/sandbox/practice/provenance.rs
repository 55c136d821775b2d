//! Who recorded what.

use super::Practice;
use super::calendar::{DAY, Visit};
use super::census::Place;
use super::dice::nth;
use super::kind::Kind;
use super::line::{Line, Meta};
use super::organization::PRACTICE;

/// What a Provenance may be about, besides the patient.
const TARGETS: [Kind; 6] = [
    Kind::Condition,
    Kind::MedicationRequest,
    Kind::Observation,
    Kind::DocumentReference,
    Kind::Composition,
    Kind::AllergyIntolerance,
];

/// A patient's n-th Provenance; its targets are the resource it is about and the patient.
pub(super) fn provenance(practice: &Practice, place: Place) -> Vec<u8> {
    let index = place.index(Kind::Provenance);
    let visit = Visit::behind(practice, Kind::Provenance, place);
    let meta = Meta {
        updated: visit.start + DAY,
        profile: Some("provenance"),
        security: None,
    };
    let mut line = Line::start(practice, Kind::Provenance, index, meta);
    line.list("target");
    let kind = *nth(&TARGETS, place.nth + place.patient);
    if place.count(kind) > place.nth {
        let target = place.index(kind);
        line.item();
        if line.dice.one_in(3) {
            line.refer_version(kind, target);
        } else {
            line.refer(kind, target);
        }
        line.close();
    }
    line.item().refer(Kind::Patient, place.patient).close().end();
    line.instant("recorded", visit.start + DAY);
    line.status("activity", "v3-DataOperation", "CREATE");
    line.list("agent")
        .item()
        .status("type", "provenance-participant-type", "author");
    line.open("who").refer_practitioner(place.patient, place.nth).close();
    line.reference("onBehalfOf", Kind::Organization, PRACTICE).close().end();
    line.finish()
}
