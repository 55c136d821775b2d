//! The resource types of the practice: how many of each a patient has, and what their ids look like.

/// How an EHR writes the ids of a type; all styles occur side by side in real exports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IdStyle {
    /// `0f8b1c3e-...`, 36 characters.
    Uuid,
    /// Digits only, which some servers refuse as a client-assigned id.
    Numeric,
    /// `25483.C-7312894`: the account, a letter, a number.
    Dotted,
    /// 22 letters and digits in which case matters.
    Mixed,
    /// 64 hexadecimal digits, the longest id FHIR allows.
    Long,
}

/// A resource type the practice holds; declared in dependency order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    Organization,
    Location,
    Practitioner,
    PractitionerRole,
    Patient,
    Coverage,
    CareTeam,
    Encounter,
    Condition,
    AllergyIntolerance,
    MedicationRequest,
    MedicationStatement,
    Observation,
    Immunization,
    Procedure,
    DiagnosticReport,
    CarePlan,
    Binary,
    DocumentReference,
    Composition,
    Provenance,
}

/// How many resources of a type each of sixteen neighbouring patients has; the pattern then repeats.
pub(super) type Pattern = [u8; 16];

impl Kind {
    /// Every type, in dependency order.
    pub const ALL: [Self; 21] = [
        Self::Organization,
        Self::Location,
        Self::Practitioner,
        Self::PractitionerRole,
        Self::Patient,
        Self::Coverage,
        Self::CareTeam,
        Self::Encounter,
        Self::Condition,
        Self::AllergyIntolerance,
        Self::MedicationRequest,
        Self::MedicationStatement,
        Self::Observation,
        Self::Immunization,
        Self::Procedure,
        Self::DiagnosticReport,
        Self::CarePlan,
        Self::Binary,
        Self::DocumentReference,
        Self::Composition,
        Self::Provenance,
    ];

    /// The `resourceType`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Organization => "Organization",
            Self::Location => "Location",
            Self::Practitioner => "Practitioner",
            Self::PractitionerRole => "PractitionerRole",
            Self::Patient => "Patient",
            Self::Coverage => "Coverage",
            Self::CareTeam => "CareTeam",
            Self::Encounter => "Encounter",
            Self::Condition => "Condition",
            Self::AllergyIntolerance => "AllergyIntolerance",
            Self::MedicationRequest => "MedicationRequest",
            Self::MedicationStatement => "MedicationStatement",
            Self::Observation => "Observation",
            Self::Immunization => "Immunization",
            Self::Procedure => "Procedure",
            Self::DiagnosticReport => "DiagnosticReport",
            Self::CarePlan => "CarePlan",
            Self::Binary => "Binary",
            Self::DocumentReference => "DocumentReference",
            Self::Composition => "Composition",
            Self::Provenance => "Provenance",
        }
    }

    /// The type of this name, if the practice holds it.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What the ids of this type look like.
    pub const fn id_style(self) -> IdStyle {
        match self {
            Self::Patient | Self::Encounter | Self::Observation | Self::DocumentReference | Self::Provenance => {
                IdStyle::Uuid
            }
            Self::Organization | Self::Location | Self::Practitioner | Self::Immunization | Self::Procedure => {
                IdStyle::Numeric
            }
            Self::PractitionerRole | Self::Coverage | Self::CareTeam | Self::Condition | Self::AllergyIntolerance => {
                IdStyle::Dotted
            }
            Self::MedicationRequest
            | Self::MedicationStatement
            | Self::DiagnosticReport
            | Self::CarePlan
            | Self::Composition => IdStyle::Mixed,
            Self::Binary => IdStyle::Long,
        }
    }

    /// How many each patient has, or `None` for the types that belong to the practice as a whole.
    ///
    /// Other rooms of the practice rely on three relations that hold slot by slot: every patient has an encounter;
    /// compositions <= binaries <= document references; and six observations or more stand behind every diagnostic report.
    pub const fn pattern(self) -> Option<&'static Pattern> {
        Some(match self {
            Self::Organization | Self::Location | Self::Practitioner | Self::PractitionerRole => {
                return None;
            }
            Self::Patient | Self::CareTeam => &[1; 16],
            Self::Coverage => &[1, 1, 1, 2, 1, 1, 1, 2, 1, 1, 0, 1, 1, 1, 2, 1],
            Self::Encounter => &[4, 9, 7, 12, 3, 8, 6, 15, 5, 10, 2, 8, 11, 7, 9, 12],
            Self::Condition => &[3, 6, 4, 8, 2, 5, 5, 9, 3, 6, 1, 5, 7, 4, 6, 6],
            Self::AllergyIntolerance => &[1, 2, 1, 3, 1, 1, 2, 2, 1, 2, 1, 4, 1, 2, 1, 3],
            Self::MedicationRequest => &[4, 8, 5, 10, 1, 6, 4, 12, 3, 7, 2, 6, 9, 5, 8, 6],
            Self::MedicationStatement => &[1, 2, 0, 3, 1, 2, 1, 4, 0, 2, 1, 3, 2, 2, 3, 5],
            Self::Observation => &[20, 44, 36, 60, 15, 40, 30, 75, 25, 50, 12, 40, 55, 35, 48, 55],
            Self::Immunization => &[5, 6, 4, 8, 9, 6, 3, 7, 5, 8, 4, 6, 7, 5, 6, 7],
            Self::Procedure => &[1, 3, 2, 6, 1, 3, 2, 7, 2, 4, 0, 3, 5, 2, 3, 4],
            Self::DiagnosticReport => &[2, 4, 3, 6, 1, 4, 3, 8, 2, 5, 1, 4, 6, 3, 5, 7],
            Self::CarePlan | Self::Composition => &[0, 1, 0, 1, 0, 1, 0, 2, 0, 1, 0, 0, 1, 0, 1, 0],
            Self::Binary => &[1, 1, 0, 2, 0, 1, 1, 3, 0, 1, 0, 1, 2, 1, 1, 1],
            Self::DocumentReference => &[1, 2, 1, 4, 1, 2, 2, 5, 1, 2, 1, 2, 3, 1, 2, 2],
            Self::Provenance => &[2, 4, 2, 5, 1, 3, 3, 6, 2, 4, 1, 3, 5, 2, 3, 2],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_listed_in_the_order_of_their_declaration() {
        for (place, kind) in Kind::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, place);
            assert_eq!(Kind::named(kind.name()), Some(kind));
        }
    }

    #[test]
    fn patterns_keep_the_relations_other_files_rely_on() {
        let of = |kind: Kind| *kind.pattern().unwrap();
        for slot in 0..16 {
            assert!(of(Kind::Encounter)[slot] > 0);
            assert!(of(Kind::Composition)[slot] <= of(Kind::Binary)[slot]);
            assert!(of(Kind::Binary)[slot] <= of(Kind::DocumentReference)[slot]);
            assert!(of(Kind::DiagnosticReport)[slot] * 6 <= of(Kind::Observation)[slot]);
        }
    }
}
