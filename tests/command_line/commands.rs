//! A consultant's day: every command on one migration, in order.

use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use cutover::sandbox::{RunningSandbox, SMART};

use crate::rig::{Rig, sandbox, smart, write};

#[test]
fn every_step_of_a_migration() {
    let ehr = sandbox(&SMART, Some("malformed-lines:2"));
    let rig = Rig::with_migration(&ehr.base_url, &["--level", "system", "--on-conflict", "newer-wins"]);
    let (code, report) = rig.json(&["preflight", "lakeside", "--json"]);
    assert_eq!((code, &report["ready"]), (1, &false.into()), "nobody knows us yet");
    rig.register(&ehr, None);
    let (code, report) = rig.json(&["preflight", "lakeside", "--json"]);
    assert_eq!((code, &report["ready"]), (0, &true.into()), "{report}");
    let names: Vec<&str> = report["checks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    for name in [
        "TLS",
        "discovery",
        "clock",
        "key",
        "token",
        "scopes",
        "export",
        "types",
        "disk space",
        "store",
    ] {
        assert!(names.contains(&name), "{name}");
    }

    let (code, events) = rig.output(&["run", "lakeside"]);
    assert_eq!(code, 0, "{events}");
    for line in events.lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(event["event"].is_string() && event["seq"].is_u64());
    }
    let (_, status) = rig.json(&["status", "--json"]);
    assert_eq!(status["migrations"][0]["state"]["stage"], "completed");

    let (_, rows) = rig.json(&["quarantine", "list", "lakeside", "--json"]);
    let rows = rows.as_array().unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let place = format!("{}/{}/{}", row["run"], row["file"], row["line"]);
        let (code, bytes) = rig.output(&["quarantine", "show", "lakeside", &place]);
        assert_eq!(
            (code, bytes.len() as u64),
            (0, row["len"].as_u64().unwrap() + 1),
            "the line and a line feed"
        );
    }

    let place = format!("{}/{}/{}", rows[0]["run"], rows[0]["file"], rows[0]["line"]);
    let waive = |row: &str, why: &str| rig.run(&["quarantine", "waive", "lakeside", row, "--why", why, "--who", "Ann"]);
    let said = waive("9/9/9", "a slip");
    assert!(
        said.contains("is not in quarantine") && said.ends_with("[exit 1]"),
        "{said}"
    );
    let said = waive(&place, " ");
    assert!(
        said.contains("without a reason") && said.ends_with("[exit 1]"),
        "{said}"
    );
    for (why, count) in [("a line of the test", "1 waived.\n"), ("once more", "0 waived.\n")] {
        let args = ["quarantine", "waive", "lakeside", &place, "--why", why];
        assert_eq!(rig.output(&args), (0, count.to_owned()));
    }
    let (_, listed) = rig.json(&["quarantine", "list", "lakeside", "--json"]);
    let waived: Vec<_> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["waived"]["by"]["why"])
        .collect();
    assert_eq!(
        waived,
        [&serde_json::json!("a line of the test"), &serde_json::Value::Null]
    );

    assert_eq!(rig.json(&["verify", "lakeside", "--json"]).1["total_findings"], 0);
    assert_eq!(rig.json(&["doctor", "--json"]).0, 0);
    assert_eq!(rig.json(&["conflicts", "lakeside", "--json"]).1, serde_json::json!([]));
    let said = rig.run(&["migration", "remove", "lakeside"]);
    assert!(said.contains("rows here") && said.ends_with("[exit 1]"), "{said}");
}

#[test]
fn what_is_exported_from_the_store_can_be_loaded_into_another_tenant() {
    let ehr = smart();
    let rig = Rig::with_migration(&ehr.base_url, &["--level", "system"]);
    rig.register(&ehr, None);
    rig.must(&["run", "lakeside"]);
    let (folder, gzipped) = (rig.path("out"), rig.path("gz"));
    rig.must(&["store", "export", "--tenant", "lakeside", "--as-received", &folder]);
    std::fs::create_dir(&gzipped).unwrap();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let name = format!("{}.gz", entry.file_name().to_str().unwrap());
        let mut out = Vec::new();
        let bytes = std::fs::read(entry.path()).unwrap();
        flate2::read::GzEncoder::new(&bytes[..], flate2::Compression::fast())
            .read_to_end(&mut out)
            .unwrap();
        std::fs::write(Path::new(&gzipped).join(name), out).unwrap();
    }
    rig.must(&["store", "import", "--tenant", "other", &gzipped]);
    let counts = |tenant| rig.json(&["store", "count", "--tenant", tenant, "--json"]).1;
    assert_eq!(counts("other"), counts("lakeside"));
    assert!(
        rig.run(&["store", "export", "--tenant", "lakeside", &folder])
            .ends_with("[exit 1]"),
        "nothing is overwritten"
    );
}

/// A migration `second` into a practice that knows its five patients with other birth dates, and the conflicts that it stopped at.
fn with_conflicts() -> (RunningSandbox, Rig, Vec<String>) {
    let ehr = smart();
    let rig = Rig::with_migration(&ehr.base_url, &["--level", "system", "--tenant", "clinic"]);
    rig.register(&ehr, None);
    // The destination knows the same patients, with another birth date.
    let first = rig.path("first");
    rig.must(&["migration", "set", "lakeside", "--tenant", "spare"]);
    rig.must(&["run", "lakeside"]);
    rig.must(&[
        "store",
        "export",
        "--tenant",
        "spare",
        "--type",
        "Patient",
        "--as-received",
        &first,
    ]);
    let file = Path::new(&first).join("Patient.ndjson");
    let mut changed = String::new();
    for line in std::fs::read_to_string(&file).unwrap().lines() {
        let mut patient: serde_json::Value = serde_json::from_str(line).unwrap();
        patient["birthDate"] = "1901-01-01".into();
        changed.push_str(&patient.to_string());
        changed.push('\n');
    }
    write(&file, &changed);
    rig.must(&["store", "import", "--tenant", "clinic", &first]);
    rig.must(&[
        "migration",
        "add",
        "second",
        "--base-url",
        &ehr.base_url,
        "--level",
        "system",
        "--tenant",
        "clinic",
        "--algorithm",
        "ES384",
        "--client-id",
        "known2",
    ]);
    rig.must(&["keys", "new", "second"]);
    rig.register_as(&ehr, "second", "known2", None);

    assert_eq!(rig.output(&["run", "second"]).0, 3, "the plan says: ask");
    let (_, open) = rig.json(&["conflicts", "second", "--json"]);
    let ids: Vec<String> = open
        .as_array()
        .unwrap()
        .iter()
        .map(|c| c["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids.len(), 5);
    (ehr, rig, ids)
}

#[test]
fn conflicts_are_listed_and_decided() {
    let (_ehr, rig, ids) = with_conflicts();
    let (_, open) = rig.json(&["conflicts", "second", "--json"]);
    assert!(
        open.as_array()
            .unwrap()
            .iter()
            .any(|c| c["held_rows"].as_u64() > Some(0)),
        "their charts wait"
    );
    assert!(
        rig.run(&["resolve", "second", &ids[0], "--as", "keep-everything"])
            .ends_with("[exit 2]")
    );
    assert!(
        rig.run(&["resolve", "second", &ids[0], "nobody", "--as", "keep-source"])
            .ends_with("[exit 2]")
    );
    assert_eq!(
        rig.json(&["conflicts", "second", "--json"]).1.as_array().unwrap().len(),
        5,
        "nothing by halves"
    );

    let (code, said) = rig.json(&["resolve", "second", &ids[0], "--as", "keep-target", "--json"]);
    assert_eq!((code, &said["open"]), (3, &4.into()));
    let (code, said) = rig.json(&["resolve", "second", "--all", "--as", "keep-source", "--json"]);
    assert_eq!((code, &said["open"]), (0, &0.into()));
    assert_eq!(rig.json(&["verify", "second", "--json"]).0, 0);
}

#[test]
fn both_sides_of_a_conflict_are_shown_and_merged() {
    let (_ehr, rig, ids) = with_conflicts();
    let (_, shown) = rig.json(&["conflicts", "show", "second", &ids[0], "--json"]);
    let field = &shown["fields"][0];
    assert_eq!(
        (&field["path"], &field["pick"]),
        (&"birthDate".into(), &"right".into()),
        "{shown}"
    );
    assert_eq!(field["right"], "1901-01-01");
    let merge = ["resolve", "second", &ids[0], "--as", "merge", "--json"];
    assert!(
        rig.run(&[&merge[..], &["--pick", "birthDate=neither"]].concat())
            .ends_with("[exit 2]")
    );
    assert!(
        rig.run(&[&merge[..], &["--pick", "birthday=left"]].concat())
            .ends_with("[exit 1]")
    );
    let odd = [
        "resolve",
        "second",
        &ids[0],
        "--as",
        "keep-source",
        "--pick",
        "birthDate=left",
    ];
    assert!(rig.run(&odd).ends_with("[exit 2]"));
    let (code, said) = rig.json(&[&merge[..], &["--edit", "birthDate=\"1902-02-02\""]].concat());
    assert_eq!((code, &said["open"]), (3, &4.into()));
    rig.must(&[
        "store",
        "export",
        "--tenant",
        "clinic",
        "--type",
        "Patient",
        &rig.path("merged"),
    ]);
    let merged = std::fs::read_to_string(Path::new(&rig.path("merged")).join("Patient.ndjson")).unwrap();
    assert_eq!(merged.matches("1902-02-02").count(), 1);
    assert_eq!(rig.json(&["verify", "second", "--json"]).0, 0);
}

#[test]
fn a_migration_without_rows_can_be_removed_and_added_again() {
    let rig = Rig::with_migration("https://ehr.example/fhir", &[]);
    let keys = rig.folder.path().join("workspace/keys");
    assert!(keys.join("lakeside.key").exists());
    rig.must(&["migration", "remove", "lakeside"]);
    assert!(!keys.join("lakeside.key").exists() && !keys.join("lakeside.jwks.json").exists());
    assert_eq!(rig.json(&["migration", "list", "--json"]).1, serde_json::json!([]));
    rig.must(&["migration", "add", "lakeside", "--base-url", "https://ehr.example/fhir"]);
    assert!(
        rig.run(&["keys", "show", "lakeside"]).ends_with("[exit 1]"),
        "the key went with it"
    );
    assert_eq!(rig.json(&["doctor", "--json"]).0, 0, "the audit trail goes on unbroken");
}

#[test]
fn a_typed_value_goes_before_the_preset_and_an_empty_one_takes_it_away() {
    let rig = Rig::new();
    let add = [
        "migration",
        "add",
        "ecw",
        "--preset",
        "eclinicalworks",
        "--practice",
        "FACGCD",
        "--since",
        "2026-01-01T00:00:00Z",
    ];
    rig.must(&add);
    let plan = |rig: &Rig| rig.json(&["migration", "show", "ecw", "--json"]).1;
    let first = plan(&rig);
    assert_eq!(first["base_url"], "https://fhir4.eclinicalworks.com/fhir/r4/FACGCD");
    assert_eq!(
        (&first["level"], &first["requests_per_minute"]),
        (&"group".into(), &250.into())
    );
    rig.must(&[
        "migration",
        "set",
        "ecw",
        "--since",
        "",
        "--types",
        "Patient,Condition",
        "--requests-per-minute",
        "60",
    ]);
    let second = plan(&rig);
    assert!(second["since"].is_null());
    assert_eq!(second["types"], serde_json::json!(["Patient", "Condition"]));
    assert_eq!(
        (&second["requests_per_minute"], &second["base_url"]),
        (&60.into(), &first["base_url"])
    );
}

#[test]
fn damage_is_found_and_named() {
    let ehr = smart();
    let rig = Rig::with_migration(&ehr.base_url, &["--level", "system"]);
    rig.register(&ehr, None);
    rig.must(&["run", "lakeside"]);
    let landing = rig.folder.path().join("workspace/landing");
    let segment = std::fs::read_dir(&landing)
        .unwrap()
        .map(|e| e.unwrap().path())
        .find(|p| p.extension().is_some_and(|e| e == "seg"))
        .unwrap();
    let mut bytes = std::fs::read(&segment).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&segment, &bytes).unwrap();
    std::fs::set_permissions(&segment, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, found) = rig.json(&["doctor", "--json"]);
    let damaged: Vec<&str> = found["examined"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["sound"] == false)
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert_eq!((code, damaged), (1, vec!["permissions", "landing"]), "{found}");
}

#[test]
fn a_reader_who_goes_away_is_no_error() {
    let rig = Rig::with_migration("https://ehr.example/fhir", &[]);
    let key = rig.path("key");
    let mut child = rig
        .command(&["--key-file", &key, "migration", "show", "lakeside"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn the_wizard_says_that_it_needs_a_terminal() {
    let rig = Rig::new();
    for args in [&[][..], &["demo"]] {
        let said = rig.bare(args);
        assert!(said.contains("needs a terminal") && said.contains("hint:"), "{said}");
        assert!(said.ends_with("[exit 1]"), "{said}");
    }
}
