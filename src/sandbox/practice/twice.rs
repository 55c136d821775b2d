//! A practice that registered one of its patients twice, as the front desk does: the same person and MRN under another id, with no records
//! of their own yet.

use std::ops::Range;

use super::Practice;
use super::kind::Kind;
use crate::sandbox::dataset::{Dataset, Group};

/// A practice with one patient who is in it twice.
#[derive(Debug, Clone)]
pub struct RegisteredTwice {
    practice: Practice,
    /// Their id, and the second one.
    ids: (String, String),
}

impl RegisteredTwice {
    /// In this practice, the first patient from this index on whom the practice does not itself say to be somebody else, too.
    pub fn new(practice: Practice, from: u64) -> Self {
        let linked = |patient: &u64| {
            let mut line = practice.lines(Kind::Patient.name(), *patient..patient + 1);
            line.any(|line| memchr::memmem::find(&line, b"\"link\"").is_some())
        };
        let patient = (from..practice.patients())
            .find(|patient| !linked(patient))
            .unwrap_or(0);
        let id = practice.id(Kind::Patient, patient);
        let again = format!("{id}-2");
        Self {
            practice,
            ids: (id, again),
        }
    }

    fn again(&self) -> Option<Vec<u8>> {
        let line = self.practice.read(Kind::Patient.name(), &self.ids.0)?;
        Some(
            String::from_utf8(line)
                .ok()?
                .replace(&self.ids.0, &self.ids.1)
                .into_bytes(),
        )
    }
}

impl Dataset for RegisteredTwice {
    fn types(&self) -> Vec<(String, u64)> {
        let mut types = self.practice.types();
        for (_, count) in types.iter_mut().filter(|(name, _)| name == Kind::Patient.name()) {
            *count += 1;
        }
        types
    }

    fn lines<'a>(&'a self, resource_type: &str, range: Range<u64>) -> Box<dyn Iterator<Item = Vec<u8>> + Send + 'a> {
        let there = self.practice.patients();
        let last = resource_type == Kind::Patient.name() && range.contains(&there);
        let again = last.then(|| self.again()).flatten();
        Box::new(self.practice.lines(resource_type, range).chain(again))
    }

    fn read(&self, resource_type: &str, id: &str) -> Option<Vec<u8>> {
        if resource_type == Kind::Patient.name() && id == self.ids.1 {
            return self.again();
        }
        self.practice.read(resource_type, id)
    }

    fn groups(&self) -> Vec<Group> {
        self.practice.groups()
    }

    fn in_group(&self, group: &str, patient_id: &str) -> bool {
        let id = if patient_id == self.ids.1 {
            &self.ids.0
        } else {
            patient_id
        };
        self.practice.in_group(group, id)
    }

    fn holds_all(&self, group: &str) -> bool {
        self.practice.holds_all(group)
    }

    fn transaction_time(&self) -> String {
        self.practice.transaction_time()
    }
}
