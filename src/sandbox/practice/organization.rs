//! The practice as an organization, its laboratory, its payers, and its sites.

use super::Practice;
use super::calendar::{DAY, EXPORT, span};
use super::coding::{Coding, system};
use super::dice::nth;
use super::kind::Kind;
use super::line::{Line, Meta};

/// Indexes of the organizations every practice has.
pub(super) const PRACTICE: u64 = 0;
pub(super) const LABORATORY: u64 = 1;
pub(super) const PHARMACY: u64 = 2;
const FIRST_PAYER: u64 = 3;
const PAYERS: u64 = 4;
/// How many organizations there are before those of the sites.
pub(super) const FIXED: u64 = FIRST_PAYER + PAYERS;

const PROVIDER: Coding = Coding::new(
    "http://terminology.hl7.org/CodeSystem/organization-type",
    "prov",
    "Healthcare Provider",
);
const INSURER: Coding = Coding::new(
    "http://terminology.hl7.org/CodeSystem/organization-type",
    "pay",
    "Payer",
);
const DEPARTMENT: Coding = Coding::new(
    "http://terminology.hl7.org/CodeSystem/organization-type",
    "dept",
    "Hospital Department",
);
const CLINIC: Coding = Coding::new(
    "http://terminology.hl7.org/CodeSystem/v3-RoleCode",
    "OF",
    "Outpatient facility",
);
const NAMES: [&str; 7] = [
    "Río Bravo Family & Internal Medicine, P.C.",
    "Meridian Reference Laboratory",
    "Corner Drug \"24h\" Pharmacy",
    "Blue Harbor Health Plan",
    "Granite State Mutual",
    "Medicare",
    "Self Pay",
];
const TOWNS: [&str; 8] = [
    "Riverside",
    "Northgate",
    "Old Mill",
    "Harborview",
    "Cañon",
    "St. Brendan's",
    "Eastfield",
    "Lakeshore",
];

/// The payer that insures a patient, as the index of its Organization.
pub(super) fn payer(which: u64) -> u64 {
    FIRST_PAYER + which % PAYERS
}

/// The name of a site.
pub(super) fn site_name(site: u64) -> String {
    let town = nth(&TOWNS, site);
    match site / TOWNS.len() as u64 {
        0 => format!("{town} Clinic"),
        again => format!("{town} Clinic {}", again + 1),
    }
}

fn meta(line_of: u64, profile: &'static str) -> Meta {
    let ago = i64::try_from(line_of % 500).unwrap_or(0);
    Meta {
        updated: EXPORT - (30 + ago) * DAY,
        profile: Some(profile),
        security: None,
    }
}

/// A National Provider Identifier with a valid check digit; numbers that begin with 9 are never issued.
pub(super) fn npi(index: u64) -> String {
    let body = format!("9{:08}", index % 100_000_000);
    // The Luhn sum over the digits with the prefix 80840, which contributes 24.
    let sum: u32 = body.bytes().rev().enumerate().fold(24, |sum, (place, digit)| {
        let value = u32::from(digit - b'0') * if place % 2 == 0 { 2 } else { 1 };
        sum + value / 10 + value % 10
    });
    format!("{body}{}", (10 - sum % 10) % 10)
}

fn address(line: &mut Line, street: u64) {
    let number = format!("{} Main St", 100 + street);
    line.item().list("line").string(&number).string("Suite 4").end();
    line.text("city", "Springfield")
        .text("state", "MA")
        .text("postalCode", "01103")
        .text("country", "US")
        .close();
}

/// The Organization at an index.
pub(super) fn organization(practice: &Practice, index: u64) -> Vec<u8> {
    let mut line = Line::start(practice, Kind::Organization, index, meta(index, "organization"));
    let site = index.saturating_sub(FIXED);
    let (name, kind) = if index < FIXED {
        let kind = if index >= FIRST_PAYER { &INSURER } else { &PROVIDER };
        ((*nth(&NAMES, index)).to_owned(), kind)
    } else {
        (site_name(site), &DEPARTMENT)
    };
    line.list("identifier")
        .item()
        .text("system", system::NPI)
        .text("value", &npi(70_000_000 + index))
        .close()
        .end();
    line.literal("active", "true")
        .concepts("type", kind)
        .text("name", &name);
    line.list("telecom")
        .item()
        .text("system", "phone")
        .text("value", "(413) 555-0100")
        .text("use", "work")
        .close()
        .end();
    line.list("address");
    address(&mut line, index);
    line.end();
    if index >= FIXED {
        line.reference("partOf", Kind::Organization, PRACTICE);
    }
    line.finish()
}

/// The Location at an index: a site of the practice.
pub(super) fn location(practice: &Practice, index: u64) -> Vec<u8> {
    let mut line = Line::start(practice, Kind::Location, index, meta(index + 40, "location"));
    line.text("status", "active")
        .text("name", &site_name(index))
        .text("mode", "instance")
        .concepts("type", &CLINIC);
    let number = format!("{} Main St", 100 + index);
    line.open("address")
        .list("line")
        .string(&number)
        .end()
        .text("city", "Springfield")
        .text("state", "MA");
    line.text("postalCode", "01103").close();
    let minutes = span(&mut line.dice, 1_000);
    line.open("position")
        .literal("longitude", &format!("-72.5{minutes:03}0"))
        .literal("latitude", "42.1010")
        .close();
    line.reference("managingOrganization", Kind::Organization, FIXED + index);
    line.finish()
}

#[cfg(test)]
mod tests {
    #[test]
    fn npis_have_the_check_digit_of_the_standard() {
        // With the prefix 80840 the whole number passes the Luhn check.
        for index in 0..200 {
            let npi = super::npi(index);
            let digits: Vec<u32> = format!("80840{npi}")
                .chars()
                .rev()
                .map(|c| c.to_digit(10).unwrap())
                .collect();
            let doubled = |(place, digit): (usize, &u32)| {
                if place % 2 == 1 {
                    digit * 2 / 10 + digit * 2 % 10
                } else {
                    *digit
                }
            };
            assert_eq!(digits.iter().enumerate().map(doubled).sum::<u32>() % 10, 0, "{npi}");
        }
    }
}
