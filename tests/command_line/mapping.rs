//! A consultant's table of who is whom, and the changes that records need on their way.

use std::path::Path;

use cutover::fhir;
use cutover::sandbox::Dataset;
use cutover::sandbox::practice::Practice;

use crate::rig::{Rig, smart, write};

const TRANSFORMS: &str =
    "[[transform]]\nname = 'language'\ntype = 'Organization'\naction = 'set'\npath = 'language'\nvalue = 'en'";

#[test]
fn a_crosswalk_and_transforms_are_given_before_the_run_and_stand_while_it_does() {
    let (ehr, practice) = (smart(), Practice::new(5, 1));
    let rig = Rig::with_migration(&ehr.base_url, &["--level", "system", "--on-conflict", "keep-target"]);
    rig.register(&ehr, None);
    let (theirs, rules, table) = (rig.path("theirs"), rig.path("rules.toml"), rig.path("table.csv"));
    std::fs::create_dir(&theirs).unwrap();
    let line = r#"{"resourceType":"Practitioner","id":"dest-1","name":[{"family":"Theirs"}]}"#;
    write(&Path::new(&theirs).join("Practitioner.ndjson"), line);
    rig.must(&["store", "import", "--tenant", "lakeside", &theirs]);

    write(
        Path::new(&rules),
        "[[transform]]\ntype = 'Organization'\naction = 'shout'\npath = 'name'",
    );
    let said = rig.run(&["migration", "set", "lakeside", "--transforms", &rules]);
    assert!(said.contains("transform `1`") && said.ends_with("[exit 2]"), "{said}");
    write(Path::new(&rules), TRANSFORMS);
    rig.must(&["migration", "set", "lakeside", "--transforms", &rules]);
    previewed(&rig, &practice);

    let id = practice
        .lines("Practitioner", 0..1)
        .next()
        .map(|line| fhir::scan(&line).unwrap().id.to_owned());
    let source = format!("Practitioner/{}", id.unwrap());
    rig.must(&["crosswalk", "set", "lakeside", &source, "Practitioner/dest-1"]);
    let (_, csv) = rig.output(&["crosswalk", "list", "lakeside", "--csv"]);
    assert_eq!(
        csv,
        format!("source,target,by,name,maybe\n{source},Practitioner/dest-1,hand,,\n")
    );
    rig.must(&["crosswalk", "unset", "lakeside", &source]);
    let said = rig.run(&["crosswalk", "set", "lakeside", &source, "Practitioner/dest-2"]);
    assert!(said.contains("not in tenant") && said.ends_with("[exit 1]"), "{said}");
    write(Path::new(&table), "wrong,columns\n1,2\n");
    assert!(
        rig.run(&["crosswalk", "import", "lakeside", &table])
            .ends_with("[exit 2]")
    );
    write(
        Path::new(&table),
        &format!("\u{feff}target,source\n Practitioner/dest-1 ,{source}\n,Practitioner/x\n"),
    );
    rig.must(&["crosswalk", "import", "lakeside", &table]);
    let toml = rig.path("table.toml");
    write(
        Path::new(&toml),
        &format!("[[mapping]]\nsource = '{source}'\ntarget = 'Practitioner/dest-1'"),
    );
    rig.must(&["crosswalk", "import", "lakeside", &toml]);

    rig.must(&["run", "lakeside"]);
    let (_, list) = rig.json(&["crosswalk", "list", "lakeside", "--json"]);
    let mapped = list
        .as_array()
        .unwrap()
        .iter()
        .find(|line| line["source"] == *source)
        .unwrap();
    assert_eq!(
        (&mapped["target"], &mapped["ground"]),
        (&"Practitioner/dest-1".into(), &"hand".into())
    );
    let (_, unmapped) = rig.json(&["crosswalk", "list", "lakeside", "--unmapped", "--json"]);
    assert_eq!(unmapped.as_array().unwrap().len() + 1, list.as_array().unwrap().len());
    let (_, report) = rig.output(&["report", "lakeside"]);
    assert!(
        report.contains("Known here under another id: 1 by hand.") && report.contains("Transform `language` changed "),
        "{report}"
    );
    let (code, stored) = rig.output(&["store", "get", "--tenant", "lakeside", "Practitioner/dest-1"]);
    assert!(code == 0 && stored.contains("Theirs"), "{stored}");
    assert_eq!(rig.output(&["store", "get", "--tenant", "lakeside", &source]).0, 1);

    let said = rig.run(&["crosswalk", "unset", "lakeside", &source]);
    assert!(
        said.contains("cutover rollback lakeside") && said.ends_with("[exit 1]"),
        "{said}"
    );
    let said = rig.run(&["migration", "set", "lakeside", "--transforms", ""]);
    assert!(
        said.contains("cutover rollback lakeside") && said.ends_with("[exit 1]"),
        "{said}"
    );
    rig.must(&["rollback", "lakeside"]);
    rig.must(&["migration", "set", "lakeside", "--transforms", ""]);
    rig.must(&["crosswalk", "unset", "lakeside", &source]);
}

/// Before anything is received, transforms are tried on files.
fn previewed(rig: &Rig, practice: &Practice) {
    let said = rig.run(&["transform", "preview", "lakeside"]);
    assert!(said.contains("--from") && said.ends_with("[exit 1]"), "{said}");
    let organizations = rig.path("Organization.ndjson");
    let lines: Vec<Vec<u8>> = practice.lines("Organization", 0..9).collect();
    std::fs::write(&organizations, lines.join(&b'\n')).unwrap();
    let (code, shown) = rig.output(&[
        "transform",
        "preview",
        "lakeside",
        "--from",
        &organizations,
        "--sample",
        "1",
    ]);
    assert_eq!(code, 0);
    assert!(
        shown.contains("  language\n    + \"en\"") && shown.contains("changed by `language`"),
        "{shown}"
    );
}
