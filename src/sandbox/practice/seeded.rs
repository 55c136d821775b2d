//! The practice itself: a seed and a size, from which every resource follows.

use std::ops::Range;

use super::calendar::{Clock, EXPORT, instant};
use super::census::{Census, Place};
use super::dice::Dice;
use super::kind::Kind;
use super::{
    allergy, care, condition, coverage, document, encounter, id, immunization, medication, observation, organization,
    patient, practitioner, procedure, provenance, report,
};
use crate::sandbox::dataset::{Dataset, Group};

/// Purpose number of a patient's home site.
const SITE: u64 = 0x517E;
/// The group of all patients.
const EVERYONE: &str = "all-patients";

/// A synthetic medical practice in which every resource is a function of seed, type and index; it holds no data.
///
/// The same seed always gives the same bytes, and any line is found without making the ones before it. Growing the
/// practice changes which practitioner or site a patient has, but no id, no person and no MRN.
#[derive(Debug, Clone)]
pub struct Practice {
    census: Census,
    seed: u64,
}

impl Practice {
    /// A practice of so many patients (at most [`MAX_PATIENTS`](super::MAX_PATIENTS)).
    pub fn new(patients: u64, seed: u64) -> Self {
        Self {
            census: Census::new(patients),
            seed,
        }
    }

    /// How many patients it has.
    pub fn patients(&self) -> u64 {
        self.census.count(Kind::Patient)
    }

    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    pub(super) fn census(&self) -> &Census {
        &self.census
    }

    pub(super) fn id(&self, kind: Kind, index: u64) -> String {
        id::of(self.seed, kind, index)
    }

    pub(super) fn index(&self, kind: Kind, id: &str) -> Option<u64> {
        id::index(self.seed, kind, id).filter(|&index| index < self.census.count(kind))
    }

    /// The site a patient goes to, as the index of its Location; linked patients share it, so a site can be exported alone.
    pub(super) fn site(&self, patient: u64) -> u64 {
        Dice::at(self.seed, SITE, patient::same_person(patient)).below(self.census.count(Kind::Location))
    }

    /// One of the few practitioners a patient sees.
    pub(super) fn practitioner(&self, patient: u64, which: u64) -> u64 {
        Dice::at(self.seed, SITE + 1 + which % 3, patient).below(self.census.count(Kind::Practitioner))
    }

    fn line(&self, kind: Kind, index: u64) -> Vec<u8> {
        let place = Place::of(kind, index);
        match kind {
            Kind::Organization => organization::organization(self, index),
            Kind::Location => organization::location(self, index),
            Kind::Practitioner => practitioner::practitioner(self, index),
            Kind::PractitionerRole => practitioner::role(self, index),
            Kind::Patient => patient::patient(self, index),
            Kind::Coverage => coverage::coverage(self, place),
            Kind::CareTeam => care::team(self, place),
            Kind::CarePlan => care::plan(self, place),
            Kind::Encounter => encounter::encounter(self, place),
            Kind::Condition => condition::condition(self, place),
            Kind::AllergyIntolerance => allergy::allergy(self, place),
            Kind::MedicationRequest => medication::request(self, place),
            Kind::MedicationStatement => medication::statement(self, place),
            Kind::Observation => observation::observation(self, place),
            Kind::Immunization => immunization::immunization(self, place),
            Kind::Procedure => procedure::procedure(self, place),
            Kind::DiagnosticReport => report::report(self, place),
            Kind::Binary => document::binary(self, place),
            Kind::DocumentReference => document::reference(self, place),
            Kind::Composition => document::composition(self, place),
            Kind::Provenance => provenance::provenance(self, place),
        }
    }
}

impl Dataset for Practice {
    fn types(&self) -> Vec<(String, u64)> {
        Kind::ALL
            .into_iter()
            .map(|kind| (kind.name().to_owned(), self.census.count(kind)))
            .collect()
    }

    fn lines<'a>(&'a self, resource_type: &str, range: Range<u64>) -> Box<dyn Iterator<Item = Vec<u8>> + Send + 'a> {
        let Some(kind) = Kind::named(resource_type) else {
            return Box::new(std::iter::empty());
        };
        let end = range.end.min(self.census.count(kind));
        Box::new((range.start..end).map(move |index| self.line(kind, index)))
    }

    fn read(&self, resource_type: &str, id: &str) -> Option<Vec<u8>> {
        let kind = Kind::named(resource_type)?;
        Some(self.line(kind, self.index(kind, id)?))
    }

    fn groups(&self) -> Vec<Group> {
        let everyone = Group {
            id: EVERYONE.to_owned(),
            name: "All patients".to_owned(),
        };
        let sites = (0..self.census.count(Kind::Location)).map(|site| Group {
            id: format!("site-{}", site + 1),
            name: format!("Patients of {}", organization::site_name(site)),
        });
        std::iter::once(everyone).chain(sites).collect()
    }

    fn in_group(&self, group: &str, patient_id: &str) -> bool {
        let Some(patient) = self.index(Kind::Patient, patient_id) else {
            return false;
        };
        group == EVERYONE || group.strip_prefix("site-") == Some((self.site(patient) + 1).to_string().as_str())
    }

    fn holds_all(&self, group: &str) -> bool {
        group == EVERYONE
    }

    fn transaction_time(&self) -> String {
        instant(EXPORT, Clock::Utc)
    }
}
