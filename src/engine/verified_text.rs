//! What a verification says of records and lists, as text.

use std::fmt::Write;

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
    let differing = v.lists.differing.iter();
    let differing: Vec<String> = differing
        .map(|(list, patients)| format!("{} for {patients}", list.name()))
        .collect();
    if v.lists.patients > 0 {
        let how = if differing.is_empty() {
            "the same for all of them".to_owned()
        } else {
            format!("otherwise at the destination: {}", differing.join(", "))
        };
        let _ = writeln!(out, "Lists of {} patients: {how}.", v.lists.patients);
    }
    for (code, number) in &v.codes {
        let _ = writeln!(out, "  {number} {code}");
    }
}
