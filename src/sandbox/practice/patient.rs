//! Patients: identifiers, US Core demographics, and the few who were registered twice.

use super::Practice;
use super::calendar::{DAY, EXPORT, Life, YEAR, span};
use super::coding::{Coding, RESTRICTED, system};
use super::dice::{Dice, Shuffle, nth};
use super::kind::Kind;
use super::line::{Line, Meta};
use super::names::{self, Name};
use super::organization::PRACTICE;

/// The system of the practice's medical record numbers.
pub const MRN_SYSTEM: &str = "urn:oid:2.16.840.1.113883.19.5.25483";
/// Medical record numbers of the system the practice used before.
const OLD_MRN_SYSTEM: &str = "urn:oid:2.16.840.1.113883.19.5.99";
/// Purpose numbers of this file's dice.
const PERSON: u64 = 0xBA7;
const MRN: u64 = 0xBA8;

pub(super) const MR: Coding = Coding::new(system::IDENTIFIER_TYPE, "MR", "Medical record number");
const SS: Coding = Coding::new(system::IDENTIFIER_TYPE, "SS", "Social Security number");
const DL: Coding = Coding::new(system::IDENTIFIER_TYPE, "DL", "Driver's license number");

const RACES: [Coding; 5] = [
    Coding::new(system::RACE, "2106-3", "White"),
    Coding::new(system::RACE, "2054-5", "Black or African American"),
    Coding::new(system::RACE, "2028-9", "Asian"),
    Coding::new(system::RACE, "1002-5", "American Indian or Alaska Native"),
    Coding::new(system::RACE, "2076-8", "Native Hawaiian or Other Pacific Islander"),
];
const ETHNICITIES: [Coding; 2] = [
    Coding::new(system::RACE, "2186-5", "Not Hispanic or Latino"),
    Coding::new(system::RACE, "2135-2", "Hispanic or Latino"),
];
const MARITAL: &str = "v3-MaritalStatus";
const NICKNAMES: [&str; 6] = ["Bobby", "Sunny \u{1F33B}", "Peg", "\"Doc\"", "小明", "T.J."];
const STREETS: [&str; 10] = [
    "Maple Ave",
    "Oak St",
    "Elm Dr",
    "2nd St",
    "Río Grande Blvd",
    "Martin Luther King Jr Blvd",
    "Cañon Rd",
    "Lake Shore Dr",
    "O'Farrell St",
    "Old Mill Ln",
];
const CITIES: [(&str, &str, &str); 8] = [
    ("Springfield", "MA", "01103"),
    ("Worcester", "MA", "01602"),
    ("Cañon City", "CO", "81212"),
    ("San José", "CA", "95112"),
    ("Coeur d'Alene", "ID", "83814"),
    ("St. Paul", "MN", "55101"),
    ("Española", "NM", "87532"),
    ("Holyoke", "MA", "01040"),
];

/// What the practice knows about a person; two registrations of one person share it.
pub(super) struct Person {
    pub woman: bool,
    pub name: Name,
    pub life: Life,
    pub phone: String,
    /// Street, then city, state and postal code.
    pub street: String,
    pub city: (&'static str, &'static str, &'static str),
}

impl Person {
    /// The person behind a patient.
    pub fn of(practice: &Practice, patient: u64) -> Self {
        let who = same_person(patient);
        let mut dice = Dice::at(practice.seed(), PERSON, who);
        let woman = dice.one_in(2);
        Self {
            woman,
            name: names::of_patient(practice, who, &mut dice, woman),
            life: Life::of(practice, who),
            phone: format!("({}) 555-01{:02}", 201 + dice.below(700), dice.below(100)),
            street: format!("{} {}", 1 + dice.below(9_800), dice.pick(&STREETS)),
            city: *dice.pick(&CITIES),
        }
    }

    /// The administrative gender.
    pub fn gender(&self) -> &'static str {
        if self.woman { "female" } else { "male" }
    }
}

/// The patient whose life and name a patient has: someone else for the few that were registered twice.
pub(super) fn same_person(patient: u64) -> u64 {
    if patient % 50 == 33 { patient - 1 } else { patient }
}

/// The medical record number of a patient: eight digits, leading zeros included, each number given once.
pub(super) fn mrn(practice: &Practice, patient: u64) -> String {
    format!(
        "{:08}",
        Shuffle::new(practice.seed(), MRN, 12).forward(u128::from(patient))
    )
}

/// When the record of a patient was last changed, in seconds since 1970.
pub(super) fn updated(practice: &Practice, patient: u64) -> i64 {
    let ago = span(&mut Dice::at(practice.seed(), MRN + 1, patient), 700);
    EXPORT - 2 * DAY - ago * DAY - ago * 61
}

/// The Patient at an index.
pub(super) fn patient(practice: &Practice, index: u64) -> Vec<u8> {
    let person = Person::of(practice, index);
    let meta = Meta {
        updated: updated(practice, index),
        profile: Some("patient"),
        security: (index % 60 == 7).then_some(&RESTRICTED),
    };
    let mut line = Line::start(practice, Kind::Patient, index, meta);
    if line.dice.one_in(20) {
        line.narrative(
            "Registered at the front desk.",
            Kind::Practitioner,
            practice.practitioner(index, 0),
        );
    }
    extensions(&mut line, &person, index);
    identifiers(&mut line, index);
    line.literal("active", if same_person(index) == index { "true" } else { "false" });
    all_names(&mut line, &person, index);
    contacts(&mut line, &person, index);
    line.text("gender", person.gender()).date("birthDate", person.life.born);
    match person.life.died {
        // The day is not always known.
        Some(_) if index % 80 == 78 => line.literal("deceasedBoolean", "true"),
        Some(died) => line.instant("deceasedDateTime", died),
        None if line.dice.one_in(4) => line.literal("deceasedBoolean", "false"),
        None => &mut line,
    };
    if person.life.born < EXPORT - 18 * YEAR {
        let status = *line.dice.pick(&["M", "S", "D", "W", "UNK"]);
        line.status("maritalStatus", MARITAL, status);
    } else if line.dice.one_in(10) {
        line.literal("multipleBirthInteger", "2");
    }
    let (tag, language) = names::culture_of(practice, index).language;
    line.list("communication")
        .item()
        .concept("language", &Coding::new("urn:ietf:bcp:47", tag, language));
    line.literal("preferred", "true").close().end();
    line.list("generalPractitioner")
        .item()
        .refer_practitioner(index, 0)
        .close()
        .end();
    line.reference("managingOrganization", Kind::Organization, PRACTICE);
    links(&mut line, index);
    line.finish()
}

fn extensions(line: &mut Line, person: &Person, index: u64) {
    const US_CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core";
    let race = *line.dice.pick(&RACES);
    let ethnicity = *line.dice.pick(&ETHNICITIES);
    line.list("extension");
    for (name, code) in [("race", race), ("ethnicity", ethnicity)] {
        line.item().list("extension");
        line.item()
            .text("url", "ombCategory")
            .open("valueCoding")
            .text("system", code.system)
            .text("code", code.code);
        line.text("display", code.display).close().close();
        line.item()
            .text("url", "text")
            .text("valueString", code.display)
            .close();
        line.end().text("url", &format!("{US_CORE}-{name}")).close();
    }
    line.item()
        .text("url", &format!("{US_CORE}-birthsex"))
        .text("valueCode", if person.woman { "F" } else { "M" })
        .close();
    if index % 16 == 4 {
        // A reference where only a walk over every extension finds it.
        line.item().text(
            "url",
            "http://hl7.org/fhir/StructureDefinition/patient-preferredPharmacy",
        );
        line.reference("valueReference", Kind::Organization, super::organization::PHARMACY)
            .close();
    }
    line.end();
}

fn identifiers(line: &mut Line, index: u64) {
    let practice = line.practice();
    line.list("identifier");
    line.identifier(&MR, MRN_SYSTEM, &mrn(practice, index))
        .text("use", "usual");
    if line.dice.one_in(4) {
        line.open("assigner").refer(Kind::Organization, PRACTICE).close();
    }
    line.close();
    if index % 20 == 11 {
        let old = format!("W{}", 40_000 + index);
        line.identifier(&MR, OLD_MRN_SYSTEM, &old).text("use", "old");
        line.open("period").text("end", "2017-06-30").close().close();
    }
    if !line.dice.one_in(3) {
        // Numbers that begin with 9 are never issued.
        let ssn = format!(
            "9{:02}-{:02}-{:04}",
            line.dice.below(100),
            10 + line.dice.below(60),
            line.dice.below(10_000)
        );
        line.identifier(&SS, system::SSN, &ssn).close();
    }
    if line.dice.one_in(3) {
        let licence = format!("S{:08}", line.dice.below(100_000_000));
        line.identifier(&DL, "urn:oid:2.16.840.1.113883.4.3.25", &licence)
            .close();
    }
    line.end();
}

fn one_name(line: &mut Line, usage: &str, name: &Name) {
    line.item()
        .text("use", usage)
        .text("text", &name.text)
        .text("family", &name.family)
        .list("given");
    for given in &name.given {
        line.string(given);
    }
    line.end().close();
}

fn all_names(line: &mut Line, person: &Person, index: u64) {
    let registered_again = same_person(index) != index;
    line.list("name");
    if registered_again {
        // The second registration wrote the first given name only.
        let mut short = person.name.clone();
        short.given.truncate(1);
        one_name(line, "official", &short);
    } else {
        one_name(line, "official", &person.name);
    }
    if person.woman && index % 6 == 1 {
        let maiden = Name {
            family: "Kowalczyk-Maïs".to_owned(),
            ..person.name.clone()
        };
        one_name(line, "old", &maiden);
    }
    if index % 9 == 2 {
        let nickname = nth(&NICKNAMES, index / 9);
        line.item()
            .text("use", "nickname")
            .list("given")
            .string(nickname)
            .end()
            .close();
    }
    line.end();
}

fn contacts(line: &mut Line, person: &Person, index: u64) {
    line.list("telecom");
    line.item()
        .text("system", "phone")
        .text("value", &person.phone)
        .text("use", "home")
        .close();
    if line.dice.one_in(2) {
        let email = format!("patient{}@example.org", mrn(line.practice(), index));
        line.item()
            .text("system", "email")
            .text("value", &email)
            .literal("rank", "1")
            .close();
    }
    if line.dice.one_in(3) {
        let mobile = format!("+1-{}-555-01{:02}", 201 + line.dice.below(700), line.dice.below(100));
        line.item()
            .text("system", "phone")
            .text("value", &mobile)
            .text("use", "mobile")
            .close();
    }
    let (city, state, postal_code) = person.city;
    line.end()
        .list("address")
        .item()
        .text("use", "home")
        .list("line")
        .string(&person.street);
    if line.dice.one_in(5) {
        let unit = format!("Apt #{}", 1 + line.dice.below(90));
        line.string(&unit);
    }
    line.end()
        .text("city", city)
        .text("state", state)
        .text("postalCode", postal_code)
        .text("country", "US");
    line.close().end();
}

/// A person registered twice: the second record is closed and points at the first, which points back.
fn links(line: &mut Line, index: u64) {
    let practice = line.practice();
    let survivor = same_person(index);
    let duplicate = index + 1;
    let (other, kind) = if survivor != index {
        (survivor, "replaced-by")
    } else if duplicate < practice.patients() && same_person(duplicate) == index {
        (duplicate, "replaces")
    } else {
        return;
    };
    line.list("link")
        .item()
        .reference("other", Kind::Patient, other)
        .text("type", kind)
        .close()
        .end();
}
