//! What a verification says of records and lists, as text.

use std::fmt::Write;

use crate::fhir::ClinicalList;
use crate::migration::{RecordState, Verification};

/// Records by state, findings by class, and the patients' lists.
pub fn states(out: &mut String, v: &Verification) {
    let all = v.all_states();
    let there = RecordState::ALL.into_iter().filter(|state| all.of(*state) > 0);
    let parts: Vec<String> = there
        .map(|state| format!("{} {}", all.of(state), state.name()))
        .collect();
    if !parts.is_empty() {
        let _ = writeln!(out, "Records: {}.", parts.join(", "));
    }
    if v.compared_before > 0 {
        let _ = writeln!(
            out,
            "Of those, {} were compared before and have not changed since.",
            v.compared_before
        );
    }
    for (resource_type, states) in &v.states {
        let wrong = [RecordState::Mismatched, RecordState::Missing, RecordState::Extra];
        let there = wrong.into_iter().filter(|state| states.of(*state) > 0);
        let parts: Vec<String> = there
            .map(|state| format!("{} {}", states.of(state), state.name()))
            .collect();
        if !parts.is_empty() {
            let _ = writeln!(out, "  {resource_type}: {}", parts.join(", "));
        }
    }
    let lists: Vec<String> = ClinicalList::ALL
        .into_iter()
        .map(|list| {
            format!(
                "{} {}",
                v.lists.differing.get(&list).copied().unwrap_or_default(),
                list.name()
            )
        })
        .collect();
    if v.lists.patients > 0 {
        let _ = writeln!(
            out,
            "Patients whose lists were compared: {}; otherwise at the destination: {}.",
            v.lists.patients,
            lists.join(", ")
        );
    }
    for (code, number) in &v.codes {
        let _ = writeln!(out, "  {number} {code}");
    }
}
