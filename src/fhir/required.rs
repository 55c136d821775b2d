//! The elements that base R4 requires of the types a practice exports (cardinality 1 or more at the top level).
//!
//! Profiles (US Core) require more, and vendors often leave that out; a record without a profile's element is still a
//! record, so only the base counts here. A type that is not listed requires nothing.

/// Type, then its required elements; `[x]` marks a choice of types.
const REQUIRED: &[(&str, &[&str])] = &[
    ("AllergyIntolerance", &["patient"]),
    ("Composition", &["status", "type", "date", "author", "title"]),
    ("Condition", &["subject"]),
    ("Coverage", &["status", "beneficiary", "payor"]),
    ("DiagnosticReport", &["status", "code"]),
    ("DocumentReference", &["status", "content"]),
    ("Encounter", &["status", "class"]),
    ("Immunization", &["status", "vaccineCode", "patient", "occurrence[x]"]),
    ("MedicationDispense", &["status", "medication[x]"]),
    ("MedicationRequest", &["status", "intent", "medication[x]", "subject"]),
    ("MedicationStatement", &["status", "medication[x]", "subject"]),
    ("Observation", &["status", "code"]),
    ("Procedure", &["status", "subject"]),
];

/// The elements a type requires, at most eight; none for a type that is not listed.
pub(super) fn elements(resource_type: &str) -> &'static [&'static str] {
    REQUIRED
        .iter()
        .find(|(name, _)| *name == resource_type)
        .map_or(&[], |(_, elements)| elements)
}

/// Whether a member called `name` gives `element`: the element itself, one of the types of a choice
/// (`medicationReference` for `medication[x]`), or the extensions of a primitive (`_status`).
pub(super) fn gives(name: &str, element: &str) -> bool {
    let name = name.strip_prefix('_').unwrap_or(name);
    if name.as_bytes().first() != element.as_bytes().first() {
        return false;
    }
    match element.strip_suffix("[x]") {
        Some(stem) => name
            .strip_prefix(stem)
            .is_some_and(|kind| kind.starts_with(|c: char| c.is_ascii_uppercase())),
        None => name == element,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_needs_the_name_of_a_type_after_it() {
        assert!(gives("medicationReference", "medication[x]"));
        assert!(gives("_occurrenceDateTime", "occurrence[x]"));
        assert!(!gives("medication", "medication[x]"));
        assert!(!gives("medications", "medication[x]"));
    }

    #[test]
    fn no_type_requires_more_than_a_byte_can_count() {
        assert!(REQUIRED.iter().all(|(_, elements)| elements.len() <= 8));
    }
}
