//! From a finished run to a practice that has gone over, command by command.

use cutover::sandbox::SMART;

use crate::rig::{Rig, sandbox, write};

const COMMENT: &str = "asthma resolved in 2019 shows active";

#[test]
#[allow(clippy::too_many_lines)] // One day, from the first step to the last.
fn every_step_to_the_flip() {
    let ehr = sandbox(&SMART, Some("malformed-lines:2"));
    let rig = Rig::with_migration(&ehr.base_url, &["--level", "system"]);
    rig.register(&ehr, None);
    let refused = rig.run(&["run", "lakeside", "--since-last"]);
    assert!(
        refused.contains("not known up to when") && refused.contains("hint:"),
        "{refused}"
    );
    assert_eq!(rig.output(&["run", "lakeside"]).0, 0);
    let (code, gate) = rig.output(&["gate", "lakeside"]);
    assert_eq!(code, 3, "{gate}");
    for line in [
        "! Quarantine empty or waived",
        "! Sample charts passed",
        "! Last changes brought over",
        "+ Every row accounted for",
    ] {
        assert!(gate.contains(line), "{line}: {gate}");
    }
    assert_eq!(rig.output(&["run", "lakeside", "--since-last"]).0, 0);
    set_right(&rig);
    rig.must(&[
        "quarantine",
        "waive",
        "lakeside",
        "--all",
        "--why",
        "empty test lines",
        "--who",
        "Mo",
    ]);
    let refused = rig.run(&["sign-off", "lakeside", "--as", "technical", "--name", "Mo Okafor"]);
    assert!(
        refused.contains("Sample charts passed") && refused.ends_with("[exit 1]"),
        "{refused}"
    );

    let (code, charts) = rig.json(&["sample", "list", "lakeside", "--json"]);
    let charts = charts.as_array().unwrap();
    assert_eq!((code, charts.len()), (3, 5));
    let (_, chart) = rig.output(&["sample", "show", "lakeside", "1"]);
    for section in ["Demographics", "Problems", "Encounters", "= birthDate: "] {
        assert!(chart.contains(section), "{section}: {chart}");
    }
    let silent = rig.run(&["sample", "fail", "lakeside", "1"]);
    assert!(
        silent.contains("without a comment") && silent.ends_with("[exit 1]"),
        "{silent}"
    );
    rig.must(&[
        "sample",
        "fail",
        "lakeside",
        "1",
        "--comment",
        COMMENT,
        "--name",
        "Dr. Mori",
    ]);
    let (_, gate) = rig.output(&["gate", "lakeside"]);
    assert!(gate.contains("! No open finding             1 failed chart"), "{gate}");
    let (_, text) = rig.output(&["report", "lakeside"]);
    assert!(
        text.contains("failed-chart: sample chart 1 was failed") && text.contains("failed by Dr. Mori"),
        "{text}"
    );
    let (_, list) = rig.json(&["sample", "list", "lakeside", "--json"]);
    assert_eq!(list[0]["comment"], COMMENT);
    for chart in 1..=charts.len() {
        rig.must(&["sample", "pass", "lakeside", &chart.to_string()]);
    }
    assert_eq!(rig.output(&["sample", "list", "lakeside"]).0, 0);

    rig.must(&["sign-off", "lakeside", "--as", "technical", "--name", "Mo Okafor"]);
    let same = rig.run(&["sign-off", "lakeside", "--as", "clinical", "--name", "mo okafor"]);
    assert!(same.contains("somebody else"), "{same}");
    rig.must(&[
        "sign-off",
        "lakeside",
        "--as",
        "clinical",
        "--name",
        "Ann Mori",
        "--comment",
        "looked at with the nurse",
    ]);
    let (code, gate) = rig.json(&["gate", "lakeside", "--json"]);
    assert_eq!((code, gate["conditions"].as_array().unwrap().len()), (0, 9));
    let other = rig.run(&["flip", "lakeside", "--confirm", "riverside"]);
    assert!(other.ends_with("[exit 2]"), "{other}");
    rig.must(&["flip", "lakeside", "--confirm", "lakeside"]);
    for closed in [
        &["run", "lakeside"][..],
        &["rollback", "lakeside"],
        &["sample", "fail", "lakeside", "1", "--comment", "late"],
    ] {
        let text = rig.run(closed);
        assert!(text.contains("has gone over") && text.ends_with("[exit 1]"), "{text}");
    }
    let (_, status) = rig.output(&["status"]);
    assert!(status.starts_with("lakeside  gone over"), "{status}");

    // The report tells who answers for it, and not who the patients are.
    let (_, text) = rig.output(&["report", "lakeside"]);
    let (_, json) = rig.output(&["report", "lakeside", "--format", "json"]);
    for told in ["Ann Mori", "Mo Okafor", "empty test lines", "typed from paper"] {
        assert!(text.contains(told) && json.contains(told), "{told}: {text}");
    }
    for chart in charts {
        let patient = chart["patient"].as_str().unwrap();
        assert!(!text.contains(patient) && !json.contains(patient));
    }
    assert!(!json.contains(COMMENT) && !text.contains(COMMENT));
    rig.must(&["flip", "lakeside", "--take-back", "--why", "wrong day"]);
    assert_eq!(rig.output(&["run", "lakeside", "--new"]).0, 0);
}

#[test]
fn past_a_shut_gate_with_a_reason_that_the_report_shows() {
    let ehr = sandbox(&SMART, None);
    let rig = Rig::with_migration(&ehr.base_url, &["--level", "system"]);
    rig.register(&ehr, None);
    assert_eq!(rig.output(&["run", "lakeside"]).0, 0);
    let shut = rig.run(&["flip", "lakeside", "--confirm", "lakeside"]);
    assert!(
        shut.contains("the gate is shut") && shut.contains("--override"),
        "{shut}"
    );
    rig.must(&[
        "flip",
        "lakeside",
        "--confirm",
        "lakeside",
        "--override",
        "the lease ends today",
    ]);
    let (_, text) = rig.output(&["report", "lakeside"]);
    assert!(
        text.contains("\nOVERRIDDEN: the lease ends today\nOVERRIDDEN, missing then: "),
        "{text}"
    );
    let (_, report) = rig.output(&["report", "lakeside", "--format", "json"]);
    let report: serde_json::Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["gate"]["flip"]["overridden"], "the lease ends today");
}

/// Sets one of the quarantined rows right, after trying without what that needs.
fn set_right(rig: &Rig) {
    let (_, rows) = rig.json(&["quarantine", "list", "lakeside", "--json"]);
    let row = &rows[0];
    let name = format!("{}/{}/{}", row["run"], row["file"], row["line"]);
    let file = rig.path("set-right.json");
    let amend = [
        "quarantine",
        "amend",
        "lakeside",
        &name,
        "--with",
        &file,
        "--who",
        "Mo",
        "--why",
    ];
    let refused = |with: &str, why: &str| {
        write(file.as_ref(), with);
        rig.run(&[&amend[..], &[why]].concat())
    };
    let record = serde_json::json!({
        "resourceType": row["resource_type"], "id": "typed-1", "status": "final", "intent": "order", "code": { "text": "typed" },
        "subject": { "reference": "Patient/nobody" }, "patient": { "reference": "Patient/nobody" }, "class": { "code": "AMB" },
        "vaccineCode": { "text": "typed" }, "occurrenceString": "once", "medicationCodeableConcept": { "text": "typed" },
        "content": [{ "attachment": { "title": "typed" } }], "beneficiary": { "reference": "Patient/nobody" }, "payor": [{ "display": "nobody" }],
    });
    let broken = refused("{", "typed from paper");
    assert!(
        broken.contains("cannot be taken in like that") && broken.ends_with("[exit 1]"),
        "{broken}"
    );
    let silent = refused(&record.to_string(), "");
    assert!(
        silent.contains("without a reason") && silent.ends_with("[exit 1]"),
        "{silent}"
    );
    write(file.as_ref(), &serde_json::to_string_pretty(&record).unwrap());
    let (code, done) = rig.output(&[&amend[..], &["typed from paper"]].concat());
    assert_eq!((code, done), (0, format!("{name}: stored\n")));
    let (_, list) = rig.output(&["quarantine", "list", "lakeside"]);
    assert!(list.contains("set right by Mo: typed from paper"), "{list}");
    assert_eq!(rig.output(&["verify", "lakeside"]).0, 0);
}
