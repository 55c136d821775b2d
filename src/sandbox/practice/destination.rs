//! A destination that is already in use: patients the practice knows too, with records of their own.

use std::ops::Range;

use super::Practice;
use super::calendar::{Clock, DAY, EXPORT, YEAR, instant};
use super::coding::Coding;
use super::dice::Dice;
use super::kind::Kind;
use super::line::{Line, Meta};
use super::names;
use super::patient::{MR, MRN_SYSTEM, Person, mrn, updated};
use crate::sandbox::dataset::{Dataset, Group};

/// Purpose numbers of this file's dice.
const ID: u64 = 0xDE57;
const STRANGER: u64 = 0xDE58;
/// The system of the destination's own record numbers.
const OWN_SYSTEM: &str = "urn:oid:2.16.840.1.113883.19.5.77";
/// The only group.
const EVERYONE: &str = "all-patients";

/// How many patients a destination shares with the practice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DestinationMix {
    /// The same person, with small differences; half of them changed later than the practice's record, half earlier.
    pub agreeing: u64,
    /// Another person under the same medical record number.
    pub contradicting: u64,
    /// The same person under a number of the destination's own, so that only the rest says who it is.
    pub unnumbered: u64,
}

/// A resource as the destination holds it.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub id: String,
    pub line: Vec<u8>,
}

/// The records of a destination already in use; small, and held in memory.
#[derive(Debug, Clone)]
pub struct Destination {
    /// By type, in dependency order.
    pub(super) records: Vec<(Kind, Vec<Record>)>,
}

impl Practice {
    /// Records that a destination already in use would hold: patients with MRNs of this practice under other ids, and a
    /// condition and an observation of each. No more patients than the practice has; agreeing ones come first, unnumbered ones last.
    pub fn destination(&self, mix: DestinationMix) -> Destination {
        let agreeing = mix.agreeing.min(self.patients());
        let numbered = agreeing + mix.contradicting.min(self.patients() - agreeing);
        let shared = numbered + mix.unnumbered.min(self.patients() - numbered);
        let place = |nth: u64| nth * (self.patients() / shared.max(1)).max(1);
        let mut destination = Destination {
            records: [Kind::Patient, Kind::Condition, Kind::Observation]
                .map(|kind| (kind, Vec::new()))
                .into(),
        };
        for nth in 0..shared {
            let theirs = Theirs {
                practice: self,
                patient: place(nth),
                agrees: nth < agreeing || nth >= numbered,
                numbered: nth < numbered,
                newer: nth % 2 == 0,
            };
            for (kind, records) in &mut destination.records {
                records.push(Record {
                    id: theirs.id(*kind),
                    line: theirs.line(*kind),
                });
            }
        }
        destination
    }
}

/// What the destination knows about one patient.
struct Theirs<'p> {
    practice: &'p Practice,
    /// Index of the practice's patient with the same medical record number.
    patient: u64,
    agrees: bool,
    /// Under the practice's number.
    numbered: bool,
    newer: bool,
}

impl Theirs<'_> {
    fn id(&self, kind: Kind) -> String {
        let mut dice = Dice::at(self.practice.seed(), ID + kind as u64, self.patient);
        format!("dest-{:016x}", dice.next())
    }

    fn updated(&self) -> i64 {
        if self.newer {
            EXPORT - DAY / 2
        } else {
            updated(self.practice, self.patient) - YEAR
        }
    }

    fn line(&self, kind: Kind) -> Vec<u8> {
        let meta = Meta {
            updated: self.updated(),
            profile: None,
            security: None,
        };
        let mut line = Line::with_id(self.practice, kind, self.patient, &self.id(kind), meta);
        match kind {
            Kind::Condition => {
                line.status("clinicalStatus", "condition-clinical", "active");
                line.status("verificationStatus", "condition-ver-status", "confirmed");
                line.concept("code", &Coding::snomed("59621000", "Essential hypertension"));
                self.subject(&mut line);
                line.instant("recordedDate", self.updated());
            }
            Kind::Observation => {
                line.text("status", "final")
                    .concept("code", &Coding::loinc("8867-4", "Heart rate"));
                self.subject(&mut line);
                line.instant("effectiveDateTime", self.updated())
                    .quantity("valueQuantity", "71.0", "/min");
            }
            _ => self.demographics(&mut line),
        }
        line.finish()
    }

    fn subject(&self, line: &mut Line) {
        let address = format!("Patient/{}", self.id(Kind::Patient));
        line.open("subject").text("reference", &address).close();
    }

    fn demographics(&self, line: &mut Line) {
        let person = if self.agrees {
            Person::of(self.practice, self.patient)
        } else {
            self.stranger()
        };
        let number = mrn(self.practice, self.patient);
        let (system, number) = if self.numbered {
            (MRN_SYSTEM, number)
        } else {
            (OWN_SYSTEM, format!("N{number}"))
        };
        line.list("identifier").identifier(&MR, system, &number).close().end();
        line.literal("active", "true");
        line.list("name")
            .item()
            .text("use", "official")
            .text("family", &person.name.family)
            .list("given");
        for given in &person.name.given {
            line.string(given);
        }
        line.end().close().end();
        // They moved, or got another telephone.
        let moved = self.agrees && self.patient.is_multiple_of(3);
        let phone = if moved { person.phone.as_str() } else { "(413) 555-0142" };
        line.list("telecom")
            .item()
            .text("system", "phone")
            .text("value", phone)
            .text("use", "home")
            .close()
            .end();
        line.text("gender", person.gender()).date("birthDate", person.life.born);
        let street = if moved {
            "77 Elsewhere Rd"
        } else {
            person.street.as_str()
        };
        let (city, state, postal_code) = person.city;
        line.list("address").item().list("line").string(street).end();
        line.text("city", city)
            .text("state", state)
            .text("postalCode", postal_code)
            .close()
            .end();
    }

    /// Somebody else altogether: another name, another day of birth, another gender.
    fn stranger(&self) -> Person {
        let mut person = Person::of(self.practice, self.patient);
        let mut dice = Dice::at(self.practice.seed(), STRANGER, self.patient);
        person.woman = !person.woman;
        let former = person.name.family.clone();
        person.name = names::of_practitioner(&mut dice);
        if person.name.family == former {
            "Otherwise".clone_into(&mut person.name.family);
        }
        person.life.born -= 4_001 * DAY;
        person.life.died = None;
        person
    }
}

impl Destination {
    fn records(&self, resource_type: &str) -> &[Record] {
        self.records
            .iter()
            .find(|(kind, _)| kind.name() == resource_type)
            .map_or(&[], |(_, records)| records)
    }
}

impl Dataset for Destination {
    fn types(&self) -> Vec<(String, u64)> {
        self.records
            .iter()
            .map(|(kind, records)| (kind.name().to_owned(), records.len() as u64))
            .collect()
    }

    fn lines<'a>(&'a self, resource_type: &str, range: Range<u64>) -> Box<dyn Iterator<Item = Vec<u8>> + Send + 'a> {
        let start = usize::try_from(range.start).unwrap_or(usize::MAX);
        let count = usize::try_from(range.end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        Box::new(
            self.records(resource_type)
                .iter()
                .skip(start)
                .take(count)
                .map(|record| record.line.clone()),
        )
    }

    fn read(&self, resource_type: &str, id: &str) -> Option<Vec<u8>> {
        self.records(resource_type)
            .iter()
            .find(|record| record.id == id)
            .map(|record| record.line.clone())
    }

    fn groups(&self) -> Vec<Group> {
        vec![Group {
            id: EVERYONE.to_owned(),
            name: "All patients".to_owned(),
        }]
    }

    fn in_group(&self, group: &str, patient_id: &str) -> bool {
        group == EVERYONE && self.read(Kind::Patient.name(), patient_id).is_some()
    }

    fn holds_all(&self, group: &str) -> bool {
        group == EVERYONE
    }

    fn transaction_time(&self) -> String {
        instant(EXPORT, Clock::Utc)
    }
}
