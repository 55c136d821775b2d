//! For tests: conflicts, and two records beside each other.

use crate::engine::{Beside, Listed};
use crate::fhir::{self, Comparison, Element, Grade, Level, Part};
use crate::migration::{Conflict, ConflictKind, Decided, Moved, Resolution, Side};
use crate::tui::model::Model;
use crate::tui::screen::Screen;

/// An open conflict with this number.
pub fn conflict(number: u32, kind: ConflictKind, held: u64) -> Listed {
    let side = |id: &str| Side {
        id: format!("{id}{number}"),
        last_updated: Some("2026-11-18T09:12:00Z".to_owned()),
    };
    let part = |element, level, weight| Part { element, level, weight };
    let comparison = Comparison {
        grade: Grade::Probable,
        score: 312,
        parts: vec![
            part(Element::BirthDate, Level::Same, 120),
            part(Element::Sex, Level::Same, 10),
            part(Element::Phone, Level::Different, -15),
        ],
    };
    Listed {
        conflict: Conflict {
            id: format!("c{number:05}"),
            migration: "lakeside".to_owned(),
            run: 1,
            file: 1,
            line: number,
            kind,
            resource_type: "Patient".to_owned(),
            contradictions: Vec::new(),
            comparison: kind.between_two().then_some(comparison),
            source: side("s"),
            target: side("t"),
            source_hash: "00".to_owned(),
            decided: None,
            applied: false,
            moved: Moved::default(),
        },
        held,
    }
}

/// The same, decided by hand.
pub fn decided(mut row: Listed, resolution: Resolution) -> Listed {
    row.conflict.decided = Some(Decided {
        resolution,
        merging: None,
        policy: None,
        rule: "chosen by hand".to_owned(),
        who: "ann".to_owned(),
        name: None,
        why: None,
        when: "2026-11-20T10:00:00Z".to_owned(),
        landed: None,
        seq: Some(9),
        before: None,
        after: None,
    });
    row.conflict.applied = true;
    row.held = 0;
    row
}

/// The list of conflicts of an open migration.
pub fn model(rows: Vec<Listed>) -> Model {
    let mut model = super::model();
    model.open = Some("lakeside".to_owned());
    model.screen = Screen::Conflicts;
    model.conflicts.take(rows);
    model
}

/// Two records beside each other.
pub fn beside(left: &str, right: &str) -> Beside {
    let differences = fhir::diff(left.as_bytes(), right.as_bytes(), None).unwrap();
    let alike = crate::engine::alike(right.as_bytes(), &differences);
    Beside {
        left: left.as_bytes().to_vec(),
        right: right.as_bytes().to_vec(),
        base_url: None,
        differences,
        alike,
    }
}

/// One conflict, looked at.
pub fn looked_at(row: Listed, left: &str, right: &str) -> Model {
    let id = row.conflict.id.clone();
    let mut model = model(vec![row]);
    let effects = super::super::screen::enter(&mut model, Screen::Conflict);
    assert_eq!(effects.len(), 1);
    model.conflict.take(&id, Ok(beside(left, right)));
    model
}

/// A patient as the EHR has her.
pub const LAN: &str = r#"{"resourceType":"Patient","id":"a","name":[{"family":"Nguyễn","given":["Thị","Lan"]}],"birthDate":"1984-03-07",
"gender":"female","telecom":[{"system":"phone","use":"home","value":"913-555-2003"}],"address":[{"line":["2222 Home St"],"city":"Lawrence"}]}"#;
/// The same as the destination has her.
pub const LAN_HERE: &str = r#"{"resourceType":"Patient","id":"b","name":[{"family":"Nguyen","given":["Lan","T."]}],"birthDate":"1984-03-07",
"gender":"female","telecom":[{"system":"phone","use":"mobile","value":"913-555-8841"}],"language":"vi"}"#;

/// Both beside each other.
pub fn lan() -> Model {
    looked_at(conflict(1, ConflictKind::MrnInUse, 312), LAN, LAN_HERE)
}
