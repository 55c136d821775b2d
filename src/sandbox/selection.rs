//! Which resources of a dataset an export takes.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::Deserialize;

use super::compartment;
use super::dataset::Dataset;
use super::type_filter::TypeFilter;

/// The conditions of one export on single resources.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// `_since`
    pub since: Option<Timestamp>,
    /// `_until`
    pub until: Option<Timestamp>,
    /// `_typeFilter`; several on one type are alternatives.
    pub filters: Vec<TypeFilter>,
    /// The group, unless it holds every patient.
    pub group: Option<String>,
    /// `patient`; empty is everyone.
    pub patients: BTreeSet<String>,
}

#[derive(Deserialize)]
struct Stamped<'a> {
    #[serde(borrow)]
    meta: Option<Meta<'a>>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, rename = "lastUpdated")]
    last_updated: Option<std::borrow::Cow<'a, str>>,
}

impl Selection {
    /// Whether every resource of a type is taken, so that none has to be looked at.
    pub(crate) fn takes_all(&self, resource_type: &str) -> bool {
        let any_patient =
            (self.group.is_none() && self.patients.is_empty()) || compartment::is_administrative(resource_type);
        any_patient
            && self.since.is_none()
            && self.until.is_none()
            && self.filters.iter().all(|filter| filter.resource_type != resource_type)
    }

    /// Whether one resource is taken.
    pub(crate) fn takes(&self, resource_type: &str, line: &[u8], dataset: &dyn Dataset) -> bool {
        self.in_time(line)
            && self.passes_filters(resource_type, line)
            && self.in_compartment(resource_type, line, dataset)
    }

    /// Resources without `meta.lastUpdated` are taken: the server cannot know, and the IG allows more, never less.
    fn in_time(&self, line: &[u8]) -> bool {
        if self.since.is_none() && self.until.is_none() {
            return true;
        }
        let stamp = serde_json::from_slice::<Stamped>(line)
            .ok()
            .and_then(|stamped| stamped.meta?.last_updated?.parse::<Timestamp>().ok());
        stamp.is_none_or(|at| self.since.is_none_or(|since| at >= since) && self.until.is_none_or(|until| at <= until))
    }

    fn passes_filters(&self, resource_type: &str, line: &[u8]) -> bool {
        let mut filters = self
            .filters
            .iter()
            .filter(|filter| filter.resource_type == resource_type)
            .peekable();
        if filters.peek().is_none() {
            return true;
        }
        serde_json::from_slice(line).is_ok_and(|resource| filters.any(|filter| filter.takes(&resource)))
    }

    fn in_compartment(&self, resource_type: &str, line: &[u8], dataset: &dyn Dataset) -> bool {
        if (self.group.is_none() && self.patients.is_empty()) || compartment::is_administrative(resource_type) {
            return true;
        }
        let patients = compartment::patients(resource_type, line, dataset);
        let wanted = |patient: &String| {
            (self.patients.is_empty() || self.patients.contains(patient))
                && self.group.as_ref().is_none_or(|group| dataset.in_group(group, patient))
        };
        patients.is_empty() || patients.iter().any(wanted)
    }
}
