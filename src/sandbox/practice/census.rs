//! How many resources of each type there are, and whose is the n-th: arithmetic, so nothing has to be generated or kept.

use super::kind::{Kind, Pattern};

/// Most patients a practice can have; it keeps every index within what an id can carry.
pub const MAX_PATIENTS: u64 = 10_000_000;

/// Whose a resource is, and which of that patient's resources of its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Index of the patient; 0 for what belongs to the practice as a whole.
    pub patient: u64,
    /// Number of the resource among the patient's own of this type, from 0.
    pub nth: u64,
}

/// The sizes of a practice.
#[derive(Debug, Clone)]
pub(super) struct Census {
    patients: u64,
}

/// Resources of the first `patients` patients of a pattern.
fn before(pattern: &Pattern, patients: u64) -> u64 {
    let whole: u64 = pattern.iter().map(|&count| u64::from(count)).sum();
    let part = usize::try_from(patients % 16).unwrap_or(0);
    let rest: u64 = pattern[..part].iter().map(|&count| u64::from(count)).sum();
    patients / 16 * whole + rest
}

impl Census {
    /// The sizes of a practice of so many patients, at most [`MAX_PATIENTS`].
    pub fn new(patients: u64) -> Self {
        Self {
            patients: patients.min(MAX_PATIENTS),
        }
    }

    /// How many resources of a type the practice holds.
    pub fn count(&self, kind: Kind) -> u64 {
        match kind {
            // The practice itself, its laboratory, and its payers come before one organization a site.
            Kind::Organization => super::organization::FIXED + self.count(Kind::Location),
            Kind::Location => 2 + self.patients / 2_000,
            Kind::Practitioner | Kind::PractitionerRole => 4 + self.patients / 250,
            _ => kind.pattern().map_or(0, |pattern| before(pattern, self.patients)),
        }
    }
}

impl Place {
    /// A patient's n-th, of any type.
    pub fn new(patient: u64, nth: u64) -> Self {
        Self { patient, nth }
    }

    /// How many resources of a type the patient of this place has.
    pub fn count(self, kind: Kind) -> u64 {
        let slot = usize::try_from(self.patient % 16).unwrap_or(0);
        kind.pattern().map_or(0, |pattern| u64::from(pattern[slot]))
    }

    /// Index, within a type, of the patient's n-th resource of it.
    pub fn index(self, kind: Kind) -> u64 {
        kind.pattern()
            .map_or(self.nth, |pattern| before(pattern, self.patient) + self.nth)
    }

    /// Whose the resource of a type at `index` is.
    pub fn of(kind: Kind, index: u64) -> Self {
        let Some(pattern) = kind.pattern() else {
            return Self::new(0, index);
        };
        let whole = before(pattern, 16).max(1);
        let mut place = Self::new(index / whole * 16, index % whole);
        for &count in pattern {
            if place.nth < u64::from(count) {
                break;
            }
            place.nth -= u64::from(count);
            place.patient += 1;
        }
        place
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_index_has_one_place_and_back() {
        let census = Census::new(53);
        for kind in Kind::ALL.into_iter().filter(|kind| kind.pattern().is_some()) {
            let mut index = 0;
            for patient in 0..53 {
                for nth in 0..Place::new(patient, 0).count(kind) {
                    let place = Place::new(patient, nth);
                    assert_eq!(Place::of(kind, index), place);
                    assert_eq!(place.index(kind), index);
                    index += 1;
                }
            }
            assert_eq!(census.count(kind), index, "{kind:?}");
        }
    }
}
