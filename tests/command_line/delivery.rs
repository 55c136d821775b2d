//! A FHIR server as the destination, from the command line.

use cutover::sandbox::destination::{Destination, DestinationConfig, HAPI};
use cutover::sandbox::practice::Practice;
use cutover::sandbox::{SMART, Sandbox, SandboxConfig};
use serde_json::{Value, json};

use crate::rig::Rig;

#[test]
fn a_practice_is_delivered_and_what_somebody_changed_there_is_settled_by_name() {
    let ehr = Sandbox::launch(SandboxConfig::new(std::sync::Arc::new(Practice::new(3, 7))).flavour(&SMART)).unwrap();
    let server = Destination::launch(DestinationConfig::new(&HAPI)).unwrap();
    let rig = Rig::with_migration(&ehr.base_url, &["--level", "system"]);
    rig.register(&ehr, None);
    rig.must(&["run", "lakeside"]);
    rig.must(&[
        "destination",
        "set",
        "lakeside",
        "--kind",
        "hapi",
        "--base-url",
        &server.base_url,
    ]);
    let wrong = rig.run(&["destination", "set", "lakeside", "--bundles", "heap"]);
    assert!(
        wrong.contains("batch, transaction") && wrong.ends_with("[exit 2]"),
        "{wrong}"
    );
    let (_, shown) = rig.output(&["destination", "show", "lakeside"]);
    assert!(shown.contains("bundles               transaction"), "{shown}");
    rig.must(&["destination", "check", "lakeside"]);
    assert_eq!(server.content().records.len(), 0, "what was written to try is gone");
    rig.must(&["destination", "deliver", "lakeside"]);
    rig.must(&["destination", "verify", "lakeside"]);

    // Somebody corrects two records at the server; they are not taken away by a rollback without a word.
    let there = server.content().records;
    let mut names = there.keys().filter(|name| name.starts_with("Immunization/"));
    let (first, second) = (names.next().unwrap(), names.next().unwrap());
    for name in [first, second] {
        let mut record = there[name].clone();
        record["note"] = json!([{ "text": "corrected here" }]);
        assert!(server.edit(&record));
    }
    rig.must(&["rollback", "lakeside"]);
    let said = rig.run(&["destination", "deliver", "lakeside"]);
    assert!(
        said.contains("2 are in conflict") && said.ends_with("[exit 4]"),
        "{said}"
    );
    let (_, problems) = rig.json(&["destination", "problems", "lakeside", "--json"]);
    let problems = problems.as_array().unwrap();
    let conflicts: Vec<&Value> = problems
        .iter()
        .filter(|problem| problem["state"] == "conflict")
        .collect();
    assert_eq!(conflicts.len(), 2);
    assert!(
        conflicts
            .iter()
            .all(|problem| problem["reason"] == "it was changed at the destination since")
    );
    // Whom they are of and what else they refer to stays with them, as it was.
    let left = server.content().records;
    assert_eq!(left.len(), problems.len());
    for (name, record) in left.iter().filter(|(name, _)| ![first, second].contains(name)) {
        assert_eq!(record, &there[name]);
    }

    let nobody = rig.run(&[
        "destination",
        "settle",
        "lakeside",
        "Immunization/nobody",
        "--keep",
        "server",
    ]);
    assert!(
        nobody.contains("is in no conflict") && nobody.ends_with("[exit 1]"),
        "{nobody}"
    );
    let neither = rig.run(&["destination", "settle", "lakeside", first, "--keep", "both"]);
    assert!(neither.contains("store, server"), "{neither}");
    rig.must(&[
        "destination",
        "settle",
        "lakeside",
        first,
        "--keep",
        "server",
        "--who",
        "Ruth",
    ]);
    rig.must(&["destination", "settle", "lakeside", "--all", "--keep", "store"]);
    let said = rig.run(&["destination", "deliver", "lakeside"]);
    assert!(said.contains("0 are in conflict"), "{said}");
    let left = server.content().records;
    assert_eq!(
        left.keys()
            .filter(|name| name.starts_with("Immunization/"))
            .collect::<Vec<_>>(),
        [first]
    );
    let (_, listed) = rig.output(&["destination", "problems", "lakeside"]);
    assert!(
        listed.contains("the server's stays") && listed.contains("so decided by Ruth"),
        "{listed}"
    );
}
