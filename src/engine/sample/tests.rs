use proptest::prelude::*;

use super::*;

fn patient(id: &str, more: &str) -> Vec<u8> {
    format!(r#"{{"resourceType":"Patient","id":"{id}","birthDate":"1984-03-07","gender":"female"{more}}}"#).into_bytes()
}

fn strata() -> Strata {
    let mut strata = Strata::default();
    strata.year = 2026;
    strata
}

/// Number of a patient, why it was drawn, and its stratum.
fn drawn(draw: Draw) -> Vec<(String, Drawn, String)> {
    let charts = draw.into_charts().into_iter().map(|drawing| drawing.patient);
    charts
        .map(|patient| (patient.id, patient.drawn, patient.stratum))
        .collect()
}

#[test]
fn a_patient_stands_for_the_stratum_with_the_highest_risk() {
    let mut strata = strata();
    strata.merged.insert("m".to_owned());
    strata.decided.insert("c".to_owned());
    strata.counted = Some(HashSet::new());
    for at in 0..10 {
        strata.counts("MedicationRequest", &format!("m{at}"), Some("many"));
        strata.counts("Observation", &format!("m{at}"), Some("many"));
        // Brought once more by a later run.
        strata.counts("MedicationRequest", "m0", Some("w"));
        strata.counts("AllergyIntolerance", "a0", Some("w"));
    }
    strata.counts("AllergyIntolerance", "a1", Some("al"));
    strata.counts("AllergyIntolerance", "a2", Some("al"));
    let of = |id: &str, more: &str| strata.of(id, &patient(id, more));
    assert_eq!(of("m", r#","deceasedBoolean":true"#), "merged");
    assert_eq!(of("c", ""), "in-conflict");
    assert_eq!(of("d", r#","deceasedBoolean":true"#), "deceased");
    assert_eq!(of("many", ""), "many-medications");
    assert_eq!(of("al", ""), "several-allergies");
    assert_eq!(of("s", r#","name":[{"family":"林"}]"#), "other-script");
    assert_eq!(of("w", ""), "woman");
    let with = |text: &str| strata.of("x", text.as_bytes());
    assert_eq!(with(r#"{"resourceType":"Patient","id":"x"}"#), "no-birth-date");
    assert_eq!(
        with(r#"{"resourceType":"Patient","id":"x","birthDate":"2020","gender":"male"}"#),
        "boy"
    );
    assert_eq!(
        with(r#"{"resourceType":"Patient","id":"x","birthDate":"1931-01-01"}"#),
        "older-adult"
    );
}

#[test]
fn the_named_and_the_failed_are_drawn_with_somebody_of_every_stratum() {
    let mut draw = Draw::new(1, strata(), ["p7".to_owned(), "gone".to_owned()]);
    for at in 0..5_000 {
        let id = format!("p{at}");
        draw.offer(
            &id,
            &patient(&id, if at == 4_000 { r#","deceasedBoolean":true"# } else { "" }),
            at == 12,
        );
    }
    let (acceptance, unknown) = draw.close();
    assert_eq!((acceptance.charts, acceptance.drawn, unknown), (5_000, 20, 1));
    let drawn = drawn(draw);
    assert_eq!(drawn.len(), 23);
    for (id, why) in [("p7", Drawn::Named), ("p12", Drawn::Failed), ("p4000", Drawn::Stratum)] {
        assert!(
            drawn.iter().any(|(known, drawn, _)| known == id && *drawn == why),
            "{id}"
        );
    }
}

#[test]
fn the_latest_version_of_a_record_stands_for_it() {
    let mut draw = Draw::new(1, strata(), []);
    draw.offer("p", &patient("p", ""), false);
    draw.close();
    assert_eq!(draw.drawn(), ["p".to_owned()].into());
    let long = vec![b'x'; RECORD_LEN + 1];
    for line in [b"one".as_slice(), &long, b"two"] {
        draw.received("o", "Condition", Some("p"), line, [0; 16]);
    }
    let chart = draw.into_charts().remove(0);
    let lines: Vec<_> = chart.records.values().map(|record| record.line.as_deref()).collect();
    assert_eq!((lines, chart.kept), (vec![Some("two")], 1));
}

proptest! {
    #[test]
    fn the_draw_does_not_depend_on_the_order(seed in any::<u64>(), turn in 0_usize..60) {
        let ids: Vec<String> = (0..60).map(|at| format!("p{at}")).collect();
        let draw_in = |ids: &[String]| {
            let mut draw = Draw::new(seed, strata(), []);
            for id in ids {
                draw.offer(id, &patient(id, ""), false);
            }
            draw.close();
            drawn(draw)
        };
        let mut turned = ids.clone();
        turned.rotate_left(turn);
        prop_assert_eq!(draw_in(&ids), draw_in(&turned));
    }
}
