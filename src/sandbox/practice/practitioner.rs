//! The people who work at the practice, and where they work.

use super::Practice;
use super::calendar::{DAY, EXPORT};
use super::coding::{Coding, system};
use super::dice::{Dice, nth};
use super::kind::Kind;
use super::line::{Line, Meta};
use super::names::{self, Name};
use super::organization::{FIXED, PRACTICE, npi};

/// Purpose number of a practitioner's name.
const NAME: u64 = 0xD0C;

const SPECIALTIES: [Coding; 6] = [
    Coding::new(system::NUCC, "207Q00000X", "Family Medicine Physician"),
    Coding::new(system::NUCC, "207R00000X", "Internal Medicine Physician"),
    Coding::new(system::NUCC, "208000000X", "Pediatrics Physician"),
    Coding::new(system::NUCC, "363LF0000X", "Family Nurse Practitioner"),
    Coding::new(system::NUCC, "363A00000X", "Physician Assistant"),
    Coding::new(system::NUCC, "207RC0000X", "Cardiovascular Disease Physician"),
];
const DEGREES: [&str; 4] = ["MD", "DO", "NP", "PA-C"];

fn name(practice: &Practice, index: u64) -> Name {
    names::of_practitioner(&mut Dice::at(practice.seed(), NAME, index))
}

/// The name of a practitioner as it stands beside references.
pub(super) fn display(practice: &Practice, index: u64) -> String {
    format!("Dr. {}", name(practice, index).text)
}

fn meta(index: u64, profile: &'static str) -> Meta {
    let ago = i64::try_from(index % 900).unwrap_or(0);
    Meta {
        updated: EXPORT - (10 + ago) * DAY,
        profile: Some(profile),
        security: None,
    }
}

/// The Practitioner at an index.
pub(super) fn practitioner(practice: &Practice, index: u64) -> Vec<u8> {
    let mut line = Line::start(practice, Kind::Practitioner, index, meta(index, "practitioner"));
    let name = name(practice, index);
    line.list("identifier")
        .item()
        .text("system", system::NPI)
        .text("value", &npi(index))
        .close();
    line.item()
        .text("system", "urn:oid:2.16.840.1.113883.19.5.25483.2")
        .text("value", &format!("P{index:04}"))
        .close();
    line.end()
        .literal("active", if index % 17 == 9 { "false" } else { "true" });
    line.list("name")
        .item()
        .text("use", "official")
        .text("text", &name.text)
        .text("family", &name.family)
        .list("given");
    for given in &name.given {
        line.string(given);
    }
    line.end().list("prefix").string("Dr.").end().close().end();
    let phone = format!("(413) 555-01{:02}", index % 100);
    line.list("telecom")
        .item()
        .text("system", "phone")
        .text("value", &phone)
        .text("use", "work")
        .close()
        .end();
    line.list("qualification")
        .item()
        .open("code")
        .text("text", DEGREES[usize::try_from(index % 4).unwrap_or(0)])
        .close()
        .close()
        .end();
    line.finish()
}

/// The `PractitionerRole` at an index: every practitioner has one.
pub(super) fn role(practice: &Practice, index: u64) -> Vec<u8> {
    let mut line = Line::start(
        practice,
        Kind::PractitionerRole,
        index,
        meta(index + 7, "practitionerrole"),
    );
    let site = index % practice.census().count(Kind::Location);
    line.literal("active", "true")
        .period("period", EXPORT - 3_000 * DAY, None);
    line.open("practitioner")
        .refer(Kind::Practitioner, index)
        .text("display", &display(practice, index))
        .close();
    let organization = if index.is_multiple_of(3) {
        PRACTICE
    } else {
        FIXED + site
    };
    line.reference("organization", Kind::Organization, organization);
    line.concepts("specialty", nth(&SPECIALTIES, index));
    line.list("location").item().refer(Kind::Location, site).close().end();
    line.finish()
}
