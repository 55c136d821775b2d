//! The directory of a destination already in use: the practice itself, its sites and some of its practitioners, under other ids.

use super::Practice;
use super::destination::{Destination, Record};
use super::dice::Dice;
use super::kind::Kind;
use super::organization::{FIXED, PRACTICE};
use crate::fhir;
use crate::sandbox::dataset::Dataset;

/// Purpose number of this file's dice.
const ID: u64 = 0xDE60;

impl Practice {
    /// What a destination in use would know of the people who work here: so many practitioners, every third of them with another
    /// telephone, the practice, its sites and the organizations of those; numbers and names are the same, ids are not.
    pub fn staff(&self, practitioners: u64) -> Destination {
        let sites = self.census().count(Kind::Location);
        let organizations = std::iter::once(PRACTICE).chain((0..sites).map(|site| FIXED + site));
        let staff = practitioners.min(self.census().count(Kind::Practitioner));
        Destination {
            records: vec![
                (
                    Kind::Organization,
                    self.under_other_ids(Kind::Organization, organizations),
                ),
                (Kind::Location, self.under_other_ids(Kind::Location, 0..sites)),
                (Kind::Practitioner, self.under_other_ids(Kind::Practitioner, 0..staff)),
            ],
        }
    }

    fn under_other_ids(&self, kind: Kind, indexes: impl Iterator<Item = u64>) -> Vec<Record> {
        let record = |index| {
            let line = self.lines(kind.name(), index..index + 1).next()?;
            let id = self.other_id(kind, index);
            let line = fhir::replace_id(&line, &id).ok()?;
            let other = |resource_type: &str, id: &str| {
                let kind = Kind::named(resource_type)?;
                let index = self.index(kind, id)?;
                Some(format!("{resource_type}/{}", self.other_id(kind, index)))
            };
            let line = fhir::rewrite(&line, Some("{base}"), other).unwrap_or(line);
            let line = String::from_utf8(line).ok()?;
            let line = if kind == Kind::Practitioner && index % 3 == 0 {
                line.replace("(413) 555-01", "(413) 555-77")
            } else {
                line
            };
            Some(Record {
                id,
                line: line.into_bytes(),
            })
        };
        indexes.filter_map(record).collect()
    }

    fn other_id(&self, kind: Kind, index: u64) -> String {
        let mut dice = Dice::at(self.seed(), ID + kind as u64, index);
        format!("dest-{:016x}", dice.next())
    }
}
