//! `export`: an EHR's files in a folder, whole, in the end, whatever happens on the way.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use cutover::sandbox::{Flavour, RunningSandbox, SMART, SandboxConfig};

use crate::rig::{Rig, digits_after, sandbox_with, smart};

fn open(config: SandboxConfig) -> SandboxConfig {
    SandboxConfig { open: true, ..config }
}

fn open_ehr(flavour: &'static Flavour, fault: Option<&str>) -> RunningSandbox {
    sandbox_with(flavour, fault, open)
}

fn export(rig: &Rig, ehr: &RunningSandbox, into: &Path) -> String {
    let into = into.display().to_string();
    rig.bare(&[
        "export",
        "once",
        "--into",
        &into,
        "--base-url",
        &ehr.base_url,
        "--auth",
        "none",
        "--level",
        "system",
        "--keep-job",
    ])
}

/// The files, without the port that absolute references name.
fn settled(folder: &Path) -> Vec<(String, String)> {
    let text = |bytes| digits_after(&String::from_utf8(bytes).unwrap(), &["127.0.0.1:"], "");
    ndjson(folder)
        .into_iter()
        .map(|(name, bytes)| (name, text(bytes)))
        .collect()
}

fn ndjson(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "ndjson") && !path.ends_with("log.ndjson"))
        .map(|path| {
            (
                path.file_name().unwrap().to_str().unwrap().to_owned(),
                std::fs::read(&path).unwrap(),
            )
        })
        .collect();
    files.sort();
    files
}

fn undisturbed(rig: &Rig) -> Vec<(String, String)> {
    let folder = rig.folder.path().join("undisturbed");
    let said = export(rig, &open_ehr(&SMART, None), &folder);
    assert!(said.ends_with("[exit 0]"), "{said}");
    settled(&folder)
}

#[test]
fn files_hashes_manifest_and_log_are_there_and_private() {
    let rig = Rig::new();
    let ehr = open_ehr(&SMART, None);
    let folder = rig.folder.path().join("out");
    let said = export(&rig, &ehr, &folder);
    assert!(
        said.contains("NOT be sealed") && said.contains("NOT sealed") && said.ends_with("[exit 0]"),
        "{said}"
    );
    for entry in std::fs::read_dir(&folder).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{:?}",
            entry.path()
        );
    }
    let sums = std::fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    let files = ndjson(&folder);
    assert_eq!(sums.lines().count(), files.len());
    for (name, bytes) in &files {
        let hash = digest(&SHA256, bytes);
        let hash = hash
            .as_ref()
            .iter()
            .fold(String::new(), |hash, byte| hash + &format!("{byte:02x}"));
        assert!(sums.contains(&format!("{hash}  {name}")), "{name}");
    }
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    assert!(manifest["output"].is_array());
    let log = std::fs::read_to_string(folder.join("log.ndjson")).unwrap();
    let events: Vec<String> = log
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["eventId"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(
        (events[0].as_str(), events.last().unwrap().as_str()),
        ("kickoff", "export_complete")
    );
    let again = export(&rig, &ehr, &folder);
    assert!(
        again.contains("exported before") && again.ends_with("[exit 0]"),
        "{again}"
    );
    assert_eq!(ehr.stats().kickoffs, 1);
}

#[test]
fn a_file_that_is_always_cut_off_is_named_and_the_rest_comes() {
    let rig = Rig::new();
    let whole = undisturbed(&rig);
    let folder = rig.folder.path().join("out");
    let said = export(&rig, &open_ehr(&SMART, Some("file-expired:always")), &folder);
    assert!(
        said.contains("could not be had") && said.ends_with("[exit 1]"),
        "{said}"
    );
    let files = settled(&folder);
    assert_eq!(files.len(), whole.len() - 1);
    for file in &files {
        assert!(whole.contains(file), "{} is as the server has it", file.0);
    }
}

#[test]
fn an_interrupted_export_goes_on_without_asking_again() {
    let rig = Rig::new();
    let whole = undisturbed(&rig);
    let ehr = open_ehr(&SMART, None);
    let folder = rig.folder.path().join("out");
    assert!(export(&rig, &ehr, &folder).ends_with("[exit 0]"));
    // As a kill in the middle leaves it: one file cut at what was durable, with bytes behind it that were not.
    let state_path = folder.join("export.json");
    let mut state: serde_json::Value = serde_json::from_slice(&std::fs::read(&state_path).unwrap()).unwrap();
    assert!(!state.to_string().contains("http://127.0.0.1") || state["files"].to_string().find("http").is_none());
    let name = whole.iter().find(|(_, bytes)| bytes.len() > 1000).unwrap().0.clone();
    let part: PathBuf = folder.join(format!("{name}.part"));
    std::fs::rename(folder.join(&name), &part).unwrap();
    let mut bytes = std::fs::read(&part).unwrap();
    bytes.truncate(500);
    bytes.extend_from_slice(b"\0\0\0garbage");
    std::fs::write(&part, bytes).unwrap();
    state["complete"] = false.into();
    state["files"][&name] =
        serde_json::json!({"bytes": 500, "validator": null, "sha256": null, "lines": 0, "failed": null});
    std::fs::write(&state_path, state.to_string()).unwrap();
    let said = export(&rig, &ehr, &folder);
    assert!(said.ends_with("[exit 0]"), "{said}");
    assert_eq!(settled(&folder), whole);
    assert_eq!(ehr.stats().kickoffs, 1);
}

#[test]
fn a_folder_with_something_else_in_it_is_left_alone() {
    let rig = Rig::new();
    let ehr = open_ehr(&SMART, None);
    let folder = rig.folder.path().join("out");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("thesis.txt"), "mine").unwrap();
    let said = export(&rig, &ehr, &folder);
    assert!(
        said.contains("holds something else") && said.ends_with("[exit 1]"),
        "{said}"
    );
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    assert_eq!(ehr.stats().kickoffs, 0);
}

#[test]
fn a_key_is_read_from_a_file_and_its_owner_named() {
    let ehr = smart();
    let rig = Rig::new();
    let base = [
        "export",
        "once",
        "--into",
        &rig.path("out"),
        "--base-url",
        &ehr.base_url,
        "--level",
        "system",
    ]
    .map(str::to_owned);
    let base: Vec<&str> = base.iter().map(String::as_str).collect();
    let said = rig.bare(&base);
    assert!(said.contains("--client-id") && said.ends_with("[exit 2]"), "{said}");
}
