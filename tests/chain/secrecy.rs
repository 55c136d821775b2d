//! What a run leaves on disk and says aloud: nothing of a patient, no key, no secret; and nobody else may read it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use cutover::engine::{Evidence, Form, check_evidence};
use cutover::migration::{Event, ExportLevel, KickoffMethod};
use cutover::sandbox::{Dataset, KAREO, SMART};
use serde_json::Value;

use crate::bench::{Bench, CLIENT_SECRET, config, key, practice};

/// Everything below a folder, itself included.
fn everything(path: &Path, found: &mut Vec<PathBuf>) {
    found.push(path.to_owned());
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            everything(&entry.unwrap().path(), found);
        }
    }
}

/// Family names, MRNs and ids of the practice's patients: each long enough not to turn up by chance.
fn tellers() -> Vec<String> {
    let mut tellers = Vec::new();
    let practice = practice();
    for line in practice.lines("Patient", 0..60) {
        let patient: Value = serde_json::from_slice(&line).unwrap();
        let names = patient["name"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|name| &name["family"]);
        let mrns = patient["identifier"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|id| &id["value"]);
        let told = names.chain(mrns).chain([&patient["id"]]).filter_map(Value::as_str);
        tellers.extend(told.filter(|text| text.len() >= 6).map(str::to_owned));
    }
    assert!(tellers.len() > 120);
    tellers
}

fn search(bench: &Bench, needles: &[String]) {
    let mut paths = Vec::new();
    everything(&bench.workspace(), &mut paths);
    let mut files = 0;
    for path in paths {
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        if path.is_dir() {
            assert_eq!(mode, 0o700, "{}", path.display());
            continue;
        }
        assert_eq!(mode, 0o600, "{}", path.display());
        files += 1;
        let bytes = std::fs::read(&path).unwrap();
        for needle in needles {
            let found = memchr::memmem::find(&bytes, needle.as_bytes());
            assert_eq!(found, None, "{} is in {}", needle, path.display());
        }
    }
    assert!(files > 5);
    let said: Vec<String> = bench.events.iter().map(|e| serde_json::to_string(e).unwrap()).collect();
    assert!(said.len() > 10);
    for line in said {
        for needle in needles {
            assert!(!line.contains(needle.as_str()), "{needle} is in {line}");
        }
    }
}

/// What is given to others holds none of it either, packed or not.
fn search_evidence(bench: &Bench, needles: &[String]) {
    let evidence = Evidence::gather(bench.storage(), &bench.plan, false).unwrap();
    for form in [Form::Text, Form::Json, Form::Html, Form::Bundle] {
        let mut bytes = evidence.made(form).unwrap();
        check_evidence(&bytes, Some(&key().public().kid)).unwrap();
        if form == Form::Bundle {
            bytes = zstd::decode_all(bytes.as_slice()).unwrap();
        }
        for needle in needles {
            let found = memchr::memmem::find(&bytes, needle.as_bytes());
            assert_eq!(found, None, "{needle} is in the {}", form.words());
        }
    }
}

fn needles() -> Vec<String> {
    let mut needles = tellers();
    let pem = key().to_pkcs8_pem();
    needles.extend(pem.lines().filter(|line| line.len() == 64).map(str::to_owned));
    needles.extend([CLIENT_SECRET.to_owned(), "PRIVATE KEY".to_owned()]);
    needles
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_key_and_chosen_patients() {
    for fault in ["malformed-lines", "mistyped-lines"] {
        let mut bench = Bench::new(config(practice()).flavour(&SMART).fault(fault.parse().unwrap())).await;
        bench.plan.level = ExportLevel::Patient;
        bench.plan.method = KickoffMethod::Post;
        let id = |line: Vec<u8>| cutover::fhir::scan(&line).unwrap().id.to_owned();
        bench.plan.patients = practice().lines("Patient", 0..60).map(id).collect();
        bench.plan.type_filters = vec!["Patient?_lastUpdated=gt2001-02-03T04:05:06Z".to_owned()];
        bench.done().await;
        assert_eq!(bench.quarantine().len(), 3);
        let mut needles = needles();
        let kickoff = bench.events.iter().find_map(|e| match &e.event {
            Event::KickoffSent { request } => Some(request.clone()),
            _ => None,
        });
        assert!(kickoff.is_some_and(|request| request.contains("Patient/$export") && request.contains("left-out")));
        needles.push("2001-02-03".to_owned());
        search_evidence(&bench, &needles);
        search(&bench, &needles);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_client_secret() {
    let mut bench = Bench::new(config(practice()).flavour(&KAREO)).await;
    bench.plan.preset = "kareo".to_owned();
    bench.plan.level = ExportLevel::Group;
    bench.plan.group = Some("all-patients".to_owned());
    bench.done().await;
    search_evidence(&bench, &needles());
    search(&bench, &needles());
}
