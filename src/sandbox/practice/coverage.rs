//! Insurance.

use super::Practice;
use super::calendar::{DAY, EXPORT, span};
use super::census::Place;
use super::coding::{Coding, system};
use super::kind::Kind;
use super::line::{Line, Meta};
use super::organization::payer;

const MEMBER: Coding = Coding::new(system::IDENTIFIER_TYPE, "MB", "Member Number");

/// A patient's n-th Coverage.
pub(super) fn coverage(practice: &Practice, place: Place) -> Vec<u8> {
    let index = place.index(Kind::Coverage);
    let meta = Meta {
        updated: EXPORT - 40 * DAY,
        profile: Some("coverage"),
        security: None,
    };
    let mut line = Line::start(practice, Kind::Coverage, index, meta);
    let member = format!("{:03}-{:06}", line.dice.below(1_000), line.dice.below(1_000_000));
    line.list("identifier")
        .identifier(&MEMBER, "urn:oid:2.16.840.1.113883.19.5.77", &member)
        .close()
        .end();
    line.text("status", if place.nth == 0 { "active" } else { "cancelled" });
    line.text("subscriberId", &member);
    line.patient("beneficiary", place.patient);
    line.status("relationship", "subscriber-relationship", "self");
    let start = EXPORT - (200 + span(&mut line.dice, 1_500)) * DAY;
    line.open("period").date("start", start);
    if place.nth > 0 {
        line.date("end", start + 190 * DAY);
    }
    line.close();
    line.list("payor")
        .item()
        .refer(Kind::Organization, payer(place.patient + place.nth))
        .close()
        .end();
    line.list("class")
        .item()
        .status("type", "coverage-class", "plan")
        .text("value", "GOLD-2025")
        .close()
        .end();
    line.finish()
}
