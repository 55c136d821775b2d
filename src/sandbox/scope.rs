//! SMART scopes of system clients, in the v1 and v2 syntax.

use super::flavour::{Flavour, ScopeManners};

/// The resource types of FHIR R4 that clinical servers know.
const KNOWN_TYPES: &[&str] = &[
    "Account",
    "AdverseEvent",
    "AllergyIntolerance",
    "Appointment",
    "Basic",
    "Binary",
    "CarePlan",
    "CareTeam",
    "ChargeItem",
    "Claim",
    "ClinicalImpression",
    "Communication",
    "Composition",
    "Condition",
    "Consent",
    "Coverage",
    "DetectedIssue",
    "Device",
    "DeviceRequest",
    "DeviceUseStatement",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "EpisodeOfCare",
    "ExplanationOfBenefit",
    "FamilyMemberHistory",
    "Flag",
    "Goal",
    "Group",
    "HealthcareService",
    "ImagingStudy",
    "Immunization",
    "ImmunizationRecommendation",
    "List",
    "Location",
    "Media",
    "Medication",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationRequest",
    "MedicationStatement",
    "NutritionOrder",
    "Observation",
    "Organization",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "Provenance",
    "Questionnaire",
    "QuestionnaireResponse",
    "RelatedPerson",
    "RiskAssessment",
    "Schedule",
    "ServiceRequest",
    "Slot",
    "Specimen",
    "SupplyDelivery",
    "Task",
    "VisionPrescription",
];

/// The resource types this server knows.
pub(crate) fn known_types() -> &'static [&'static str] {
    KNOWN_TYPES
}

/// Whether a name is a resource type this server knows.
pub(crate) fn is_known_type(name: &str) -> bool {
    KNOWN_TYPES.contains(&name)
}

/// What a token lets its bearer read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grant {
    scopes: Vec<Scope>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Scope {
    text: String,
    resource_type: String,
    /// The interactions by their letters: create, read, update, delete, search.
    letters: String,
}

/// Why scopes were not granted: an OAuth error code and its description.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ScopeError {
    pub code: &'static str,
    pub description: String,
}

impl Grant {
    /// A grant of everything, for a server without authorization.
    pub(crate) fn everything() -> Self {
        Self {
            scopes: parse("system/*.cruds").into_iter().collect(),
        }
    }

    /// Decides on the requested `scope` (space separated) of a client registered for `registered`; `None` is any.
    pub(crate) fn decide(requested: &str, registered: Option<&str>, flavour: &Flavour) -> Result<Self, ScopeError> {
        let manners = flavour.scope_manners;
        let refuse = |description: String| {
            let code = if manners == ScopeManners::InvalidGrant {
                "invalid_grant"
            } else {
                "invalid_scope"
            };
            Err(ScopeError { code, description })
        };
        if requested.trim().is_empty() {
            return Err(ScopeError {
                code: "invalid_request",
                description: "The parameter scope is missing.".into(),
            });
        }
        if let Some(required) = flavour.required_scope {
            let (name, _) = required.rsplit_once('.').unwrap_or((required, ""));
            if !requested
                .split_whitespace()
                .filter_map(parse)
                .any(|scope| scope.letters.contains('r') && scope.text.starts_with(name))
            {
                return refuse(format!("The scope {required} is required in every token request."));
            }
        }
        let allowed: Option<Vec<Scope>> = registered.map(|list| list.split_whitespace().filter_map(parse).collect());
        let mut scopes = Vec::new();
        for text in requested.split_whitespace() {
            let granted = parse(text)
                .filter(|scope| flavour.wildcards || scope.resource_type != "*")
                .filter(|scope| scope.resource_type == "*" || is_known_type(&scope.resource_type))
                .filter(|scope| {
                    allowed
                        .as_ref()
                        .is_none_or(|allowed| allowed.iter().any(|one| one.covers(scope)))
                });
            match granted {
                Some(scope) => scopes.push(scope),
                None if manners == ScopeManners::Narrow => {}
                None => {
                    return refuse(format!("The scope {text} cannot be granted to this client."));
                }
            }
        }
        if scopes.is_empty() {
            return refuse("None of the requested scopes can be granted.".into());
        }
        Ok(Self { scopes })
    }

    /// Whether resources of a type may be read and exported.
    pub(crate) fn may_read(&self, resource_type: &str) -> bool {
        self.may(resource_type, 'r')
    }

    /// Whether an interaction, named by its letter (`c`, `r`, `u`, `d` or `s`), is allowed on a type.
    pub(crate) fn may(&self, resource_type: &str, letter: char) -> bool {
        self.scopes.iter().any(|scope| {
            scope.letters.contains(letter) && (scope.resource_type == "*" || scope.resource_type == resource_type)
        })
    }

    /// The scopes as the token response shows them.
    pub(crate) fn text(&self) -> String {
        self.scopes
            .iter()
            .map(|scope| scope.text.as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

impl Scope {
    fn covers(&self, other: &Self) -> bool {
        (self.resource_type == "*" || self.resource_type == other.resource_type)
            && other.letters.chars().all(|letter| self.letters.contains(letter))
    }
}

/// Reads `system/Type.read`, `system/Type.cruds` and `system/Type.rs?param=value`; letters have to be in order (SMART App Launch, "Scopes").
fn parse(text: &str) -> Option<Scope> {
    let (resource_type, actions) = text.strip_prefix("system/")?.split_once('.')?;
    let actions = actions.split_once('?').map_or(actions, |(actions, _)| actions);
    let letters = match actions {
        "read" => "rs",
        "write" => "cud",
        "*" => "cruds",
        letters => {
            let mut rest = "cruds".chars();
            if letters.is_empty() || !letters.chars().all(|letter| rest.any(|next| next == letter)) {
                return None;
            }
            letters
        }
    };
    let named = resource_type == "*" || resource_type.chars().all(|letter| letter.is_ascii_alphabetic());
    (named && !resource_type.is_empty()).then(|| Scope {
        text: text.to_owned(),
        resource_type: resource_type.to_owned(),
        letters: letters.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::flavour::{ECW, KAREO, SMART};

    #[test]
    fn both_syntaxes_give_reading() {
        for scope in [
            "system/Patient.read",
            "system/Patient.rs",
            "system/Patient.cruds",
            "system/*.read",
            "system/Patient.rs?active=true",
        ] {
            let grant = Grant::decide(scope, None, &SMART).unwrap();
            assert!(grant.may_read("Patient"), "{scope}");
            assert_eq!(grant.text(), scope);
        }
        assert!(
            !Grant::decide("system/Patient.write", None, &SMART)
                .unwrap()
                .may_read("Patient")
        );
        assert!(Grant::decide("system/Patient.sr", None, &SMART).is_err());
        assert!(Grant::decide("patient/Patient.read", None, &SMART).is_err());
    }

    #[test]
    fn letters_and_words_give_writing() {
        let may = |scope: &str, letter: char| Grant::decide(scope, None, &SMART).unwrap().may("Patient", letter);
        assert!(may("system/Patient.cud", 'c') && !may("system/Patient.cud", 'r'));
        assert!(may("system/*.write", 'u') && !may("system/Patient.read", 'u'));
        assert!(may("system/Patient.*", 'd') && may("system/Patient.*", 's'));
        let registered = Some("system/*.read");
        assert!(Grant::decide("system/Patient.write", registered, &SMART).is_err());
    }

    #[test]
    fn a_lenient_server_narrows_and_ecw_answers_invalid_grant() {
        let asked = "system/Group.read system/Patient.read system/Nonsense.read";
        assert_eq!(
            Grant::decide(asked, None, &SMART).unwrap().text(),
            "system/Group.read system/Patient.read"
        );
        assert_eq!(Grant::decide(asked, None, &ECW).unwrap_err().code, "invalid_grant");
        assert_eq!(
            Grant::decide("system/Group.read system/*.read", None, &ECW)
                .unwrap_err()
                .code,
            "invalid_grant"
        );
        let without_group = Grant::decide("system/Patient.read", None, &ECW).unwrap_err();
        assert!(without_group.description.contains("system/Group.read"));
        assert!(Grant::decide("system/Group.rs system/Patient.rs", None, &ECW).is_ok());
    }

    #[test]
    fn only_registered_scopes_are_granted() {
        let error = Grant::decide("system/*.read", Some("system/Patient.read"), &KAREO).unwrap_err();
        assert_eq!(error.code, "invalid_scope");
        assert!(
            Grant::decide("system/Patient.rs", Some("system/*.read"), &KAREO)
                .unwrap()
                .may_read("Patient")
        );
    }
}
