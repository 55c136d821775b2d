//! The crosswalk by hand: set before a run, used by it, refused where it would come too late.

use std::sync::Arc;

use cutover::engine::{EngineError, Recorder, change_crosswalk, crosswalk_list};
use cutover::fhir;
use cutover::migration::Policy;
use cutover::sandbox::Dataset;

use crate::bench::{Bench, NAME, config, import, practice};

pub fn change(bench: &Bench, lines: &[(&str, Option<&str>)]) -> Result<usize, EngineError> {
    let (events, _unread) = tokio::sync::mpsc::unbounded_channel();
    let recorder = Recorder::new(Arc::clone(bench.storage()), NAME, events);
    let lines: Vec<_> = lines
        .iter()
        .map(|(source, target)| ((*source).to_owned(), target.map(ToOwned::to_owned)))
        .collect();
    change_crosswalk(
        bench.storage(),
        &bench.plan,
        &recorder,
        &lines,
        &"test".to_owned().into(),
    )
}

fn ids(resource_type: &str, count: u64) -> Vec<String> {
    let lines = practice();
    let lines = lines.lines(resource_type, 0..count);
    lines
        .map(|line| format!("{resource_type}/{}", fhir::scan(&line).unwrap().id))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_mapped_by_hand_is_led_and_what_is_stored_is_not_touched() {
    let mut bench = Bench::new(config(practice())).await;
    bench.plan.on_conflict = Policy::KeepTarget;
    let theirs = |id: &str| {
        format!(r#"{{"resourceType":"Practitioner","id":"{id}","name":[{{"family":"Theirs"}}]}}"#).into_bytes()
    };
    bench
        .import(vec![import("Practitioner", &[theirs("one"), theirs("both")])])
        .await;
    let before = bench.hash();
    let sources = ids("Practitioner", 4);
    let [one, two, three, itself] = &sources[..] else {
        panic!("too few")
    };
    let organization = &ids("Organization", 1)[0];
    for (source, target) in [
        ("Practitioner/x", "Practitioner/nobody"),
        ("Practitioner/x", "Organization/one"),
        ("Patient/x", "Patient/one"),
        ("Practitioner/x y", "Practitioner/one"),
    ] {
        let refused = change(&bench, &[(one, Some("Practitioner/one")), (source, Some(target))]);
        assert!(matches!(refused, Err(EngineError::NotReady { .. })), "{source}");
    }
    assert!(
        crosswalk_list(bench.storage(), &bench.plan).unwrap().is_empty(),
        "all or nothing"
    );
    let lines = [
        (one.as_str(), Some("Practitioner/one")),
        (two, Some("Practitioner/both")),
        (three, Some("Practitioner/both")),
        (itself, Some(itself.as_str())),
        ("Practitioner/gone", Some("Practitioner/one")),
    ];
    assert_eq!(change(&bench, &lines).unwrap(), 5);
    assert_eq!(change(&bench, &lines).unwrap(), 0);
    assert_eq!(change(&bench, &[("Practitioner/gone", None)]).unwrap(), 1);
    bench.done().await;
    let stored = bench.stored();
    for source in [one, two, three] {
        assert!(!stored.contains_key(source));
        let text = format!("\"{source}\"");
        assert!(
            !stored
                .values()
                .any(|line| String::from_utf8_lossy(line).contains(&text))
        );
    }
    assert!(stored.contains_key(itself));
    assert_eq!(
        stored["Practitioner/both"],
        theirs("both"),
        "of several, the destination's stays"
    );
    let (index, after) = (bench.index(), bench.hash());
    bench.done().await;
    assert_eq!(bench.index(), index);
    bench.rebuild();
    assert_eq!(bench.hash(), after);

    // Too late for all of these, and not for somebody who has not come yet.
    for late in [
        (one.as_str(), None),
        (one, Some("Practitioner/both")),
        (itself, Some("Practitioner/one")),
        (organization, Some(organization.as_str())),
        ("Practitioner/gone", Some("Practitioner/both")),
    ] {
        let refused = change(&bench, &[late]);
        let Err(EngineError::NotReady { hint, .. }) = refused else {
            panic!("{late:?}: {refused:?}")
        };
        assert!(hint.contains("rollback"), "{hint}");
    }
    let last = format!("Practitioner/{}", "somebody");
    assert_eq!(change(&bench, &[(&last, Some(&last))]).unwrap(), 1);
    bench.rollback(None, false, false).await;
    assert_eq!(bench.hash(), before);
    let mapped = crosswalk_list(bench.storage(), &bench.plan).unwrap();
    assert_eq!(
        mapped.iter().filter(|line| line.ground == Some("hand")).count(),
        5,
        "what was said stays"
    );
    bench.done().await;
    assert_eq!(bench.hash(), after);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_says_who_is_not_mapped_and_who_they_may_be() {
    let mut bench = Bench::new(config(practice())).await;
    bench.plan.on_conflict = Policy::KeepTarget;
    let line = practice().lines("Practitioner", 0..1).next().unwrap();
    let mut namesake: serde_json::Value = serde_json::from_slice(&line).unwrap();
    namesake["id"] = "namesake".into();
    namesake["identifier"] = serde_json::json!([]);
    let known = fhir::replace_id(&practice().lines("Practitioner", 1..2).next().unwrap(), "known").unwrap();
    bench
        .import(vec![import(
            "Practitioner",
            &[namesake.to_string().into_bytes(), known],
        )])
        .await;
    bench.done().await;
    let list = crosswalk_list(bench.storage(), &bench.plan).unwrap();
    let [first, second] = &ids("Practitioner", 2)[..] else {
        panic!("too few")
    };
    let of = |source: &String| list.iter().find(|line| line.source == *source).unwrap();
    assert_eq!(
        (of(first).target.as_deref(), &of(first).likely[..], of(first).doubt),
        (None, &["Practitioner/namesake".to_owned()][..], Some("same name"))
    );
    assert_eq!(
        (of(second).target.as_deref(), of(second).ground),
        (Some("Practitioner/known"), Some("npi"))
    );
    assert!(of(second).name.is_some());
    let everybody: u64 = practice()
        .types()
        .iter()
        .filter(|(name, _)| ["Organization", "Location", "Practitioner"].contains(&name.as_str()))
        .map(|(_, count)| count)
        .sum();
    assert_eq!(list.len() as u64, everybody);
}
