//! The workspace: its lock, its passphrase, its disk, and names that are not there.

use std::io::ErrorKind;
use std::path::Path;

use cutover::cli::Failure;
use cutover::store::{FileError, Secret, Workspace, create_key_file};

use crate::rig::{Rig, digits_after, write};

#[test]
fn a_wrong_passphrase() {
    let rig = Rig::new();
    let (right, wrong) = (rig.path("right"), rig.path("wrong"));
    write(Path::new(&right), "correct horse battery staple\n");
    write(Path::new(&wrong), "Tr0ub4dor&3\n");
    let add = [
        "migration",
        "add",
        "lakeside",
        "--preset",
        "smart",
        "--base-url",
        "https://ehr.example/fhir",
    ];
    let made = rig.bare(&[&["--passphrase-file", &right][..], &add[..]].concat());
    assert!(made.ends_with("[exit 0]"), "{made}");
    insta::assert_snapshot!(rig.bare(&["--passphrase-file", &wrong, "migration", "list"]));
}

#[test]
fn a_workspace_that_another_process_has_open() {
    let rig = Rig::new();
    let key = rig.folder.path().join("key");
    create_key_file(&key).unwrap();
    let path = rig.folder.path().join("workspace");
    let held = Workspace::create(&path, &Secret::KeyFile(key), "run").unwrap();
    let since = |text: String| {
        let text = digits_after(&text, &["process ", "kill: ", "with: kill "], "[PID]");
        let holder = Workspace::holder(&path).unwrap().unwrap();
        let text = text.replace(&format!("{:.0}", holder.since), "[TIME]");
        text.replace(&format!(" on {}", holder.host.unwrap_or_default()), " on [HOST]")
    };
    insta::assert_snapshot!(since(rig.run(&["migration", "list"])));
    assert!(
        rig.bare(&["status"]).ends_with("[exit 0]"),
        "the status is told without a secret"
    );
    drop(held);
}

#[test]
fn a_full_disk() {
    let full = std::io::Error::from(ErrorKind::StorageFull);
    let error = FileError::new("write", Path::new("/home/ann/cutover/landing/00000001.seg"), full);
    insta::assert_snapshot!(Failure::from(error).text());
}

#[test]
fn names_that_are_not_there() {
    let rig = Rig::with_migration("https://ehr.example/fhir", &[]);
    insta::assert_snapshot!("unknown_migration", rig.run(&["run", "lakeshore"]));
    insta::assert_snapshot!(
        "unknown_preset",
        rig.run(&["migration", "add", "other", "--preset", "eclinicalwork"])
    );
    insta::assert_snapshot!("unknown_tenant", rig.run(&["store", "count", "--tenant", "lakeside"]));
    insta::assert_snapshot!(
        "unknown_conflict",
        rig.run(&["resolve", "lakeside", "c1", "--as", "keep-source"])
    );
    insta::assert_snapshot!("unknown_row", rig.run(&["quarantine", "show", "lakeside", "1/2/3"]));
    insta::assert_snapshot!(
        "duplicate",
        rig.run(&["migration", "add", "lakeside", "--base-url", "https://ehr.example"])
    );
    insta::assert_snapshot!("no_workspace", Rig::new().bare(&["status"]));
}

#[test]
fn values_that_cannot_be() {
    let rig = Rig::new();
    for (name, options) in [
        ("plain_http", &["--base-url", "http://ehr.example/fhir"][..]),
        ("no_practice", &["--preset", "eclinicalworks"][..]),
        (
            "not_an_instant",
            &["--base-url", "https://ehr.example/fhir", "--since", "2026-01-31"][..],
        ),
        (
            "credentials_in_url",
            &["--base-url", "https://ann:secret@ehr.example/fhir"][..],
        ),
    ] {
        let said = rig.run(&[&["migration", "add", "lakeside"][..], options].concat());
        assert!(!said.contains("secret@"), "{said}");
        insta::assert_snapshot!(name, said);
    }
    assert!(
        !rig.folder.path().join("workspace").exists(),
        "nothing is made for a plan that cannot be"
    );
}
