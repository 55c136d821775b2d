//! Coded concepts and the systems they come from.

/// Names that LOINC, SNOMED CT and the other terminologies go by in FHIR.
pub(super) mod system {
    pub const SNOMED: &str = "http://snomed.info/sct";
    pub const ICD10: &str = "http://hl7.org/fhir/sid/icd-10-cm";
    pub const LOINC: &str = "http://loinc.org";
    pub const RXNORM: &str = "http://www.nlm.nih.gov/research/umls/rxnorm";
    pub const CVX: &str = "http://hl7.org/fhir/sid/cvx";
    pub const UCUM: &str = "http://unitsofmeasure.org";
    pub const NPI: &str = "http://hl7.org/fhir/sid/us-npi";
    pub const SSN: &str = "http://hl7.org/fhir/sid/us-ssn";
    pub const IDENTIFIER_TYPE: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";
    pub const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    pub const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
    pub const NUCC: &str = "http://nucc.org/provider-taxonomy";
    pub const RACE: &str = "urn:oid:2.16.840.1.113883.6.238";
}

/// A code of a system with the words for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coding {
    pub system: &'static str,
    pub code: &'static str,
    pub display: &'static str,
}

impl Coding {
    /// A code of any system.
    pub const fn new(system: &'static str, code: &'static str, display: &'static str) -> Self {
        Self { system, code, display }
    }

    /// A SNOMED CT concept.
    pub const fn snomed(code: &'static str, display: &'static str) -> Self {
        Self::new(system::SNOMED, code, display)
    }

    /// A LOINC term.
    pub const fn loinc(code: &'static str, display: &'static str) -> Self {
        Self::new(system::LOINC, code, display)
    }
}

/// Labels for `meta.security`.
pub(super) const RESTRICTED: Coding = Coding::new(system::CONFIDENTIALITY, "R", "restricted");
pub(super) const ALCOHOL: Coding = Coding::new(system::ACT_CODE, "ETH", "substance abuse information sensitivity");
pub(super) const PSYCHIATRY: Coding =
    Coding::new(system::ACT_CODE, "PSY", "psychiatry disorder information sensitivity");
