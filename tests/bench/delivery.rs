//! Deliveries to a FHIR server, whole processes, over loopback, beside plain senders.
//!
//! `cargo bench --bench delivery` makes a synthetic practice, brings it into a workspace, and delivers it to a server that takes everything
//! and keeps nothing (what the client alone can do, and its memory at any size), to the simulated destination, and to a Helios FHIR server,
//! where `CUTOVER_TEST_HFS` names one (with `CUTOVER_TEST_DATA` for its search parameters). To the latter two the same records also go from a
//! plain sender: one `PUT` after the other, and batches of 25 one after the other, as command line tools send them.
//! `CUTOVER_TEST_MEDPLUM` names Medplum's command line tool (`npm install @medplum/cli`; `node_modules/.bin/medplum`), which then sends them too.
//! `BENCH_PATIENTS` and `BENCH_SEED` change the size; `BENCH_ONLY=none` leaves out all but the server that keeps nothing.
//! `BENCH_DOCUMENTS` is a number of documents of `BENCH_MIB` MiB (7 if it is not said) that are delivered to that server instead, beside the
//! records of `BENCH_PATIENTS` patients if it is said how many, by themselves and inside of what shows them.

#[path = "../chain/hfs_server.rs"]
mod hfs_server;
#[path = "served.rs"]
mod served;
#[path = "sink.rs"]
mod sink;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use cutover::sandbox::destination::{Destination, DestinationConfig, GENERIC};
use cutover::store::{Secret, Storage, Workspace};
use cutover::target::EmbeddedStore;
use serde_json::{Value, json};
use served::{Server, made, prepare};
use sink::Sink;

const BINARY: &str = env!("CARGO_BIN_EXE_cutover");
const FHIR_JSON: &str = "application/fhir+json";

fn main() {
    let patients = setting("BENCH_PATIENTS", 200);
    let seed = setting("BENCH_SEED", 1);
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench-delivery");
    let data = root.join(format!("data-{patients}-{seed}"));
    let sink = Sink::start();
    println!("to a server that keeps nothing");
    let count = setting("BENCH_DOCUMENTS", 0);
    if count > 0 {
        let data = root.join("documents");
        documents(&data, count, setting("BENCH_MIB", 7));
        if std::env::var_os("BENCH_PATIENTS").is_some() {
            beside(&data, &root.join(format!("data-{patients}-{seed}")), patients, seed);
        }
        let bench = Bench::new(&root, &data);
        bench.deliver("documents", &sink.base, "generic", "batch", std::process::id());
        println!("  inside of what shows them");
        let inside = ["--inline-attachments", "16777216"];
        bench.deliver_as("inside", &sink.base, &inside, std::process::id());
        return;
    }
    made(&data, patients, 16, seed);
    let bench = Bench::new(&root, &data);
    bench.deliver("sink", &sink.base, "generic", "batch", std::process::id());
    bench.deliver("sink-patient", &sink.base, "generic", "patient", std::process::id());
    if std::env::var("BENCH_ONLY").is_ok_and(|only| only == "none") {
        return;
    }
    let records = bench.records();
    println!("to the simulated destination, in this process");
    let simulated = || Destination::launch(DestinationConfig::new(&GENERIC)).expect("a server");
    let server = simulated();
    let own = std::process::id();
    let home = bench.deliver("simulated", &server.base_url, "generic", "batch", own);
    bench.again(&home, own);
    let server = simulated();
    plain("one PUT after the other", &server.base_url, &records, 1, own);
    let server = simulated();
    plain(
        "batches of 25, one after the other",
        &server.base_url,
        &records,
        25,
        own,
    );

    let definitions = std::env::var_os("CUTOVER_TEST_DATA").map(|data| PathBuf::from(data).join("hfs"));
    let (Some(program), Some(definitions)) = (hfs_server::program(), definitions) else {
        return;
    };
    println!("to a Helios FHIR server");
    let folder = |name: &str| {
        let folder = root.join(format!("hfs-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).expect("a folder");
        folder
    };
    for bundles in ["transaction", "patient", "batch"] {
        let server = hfs_server::Server::start(&program, &folder(bundles), &definitions);
        println!("  --bundles {bundles}");
        let home = bench.deliver(bundles, &server.base, "helios", bundles, server.child.id());
        bench.again(&home, server.child.id());
    }
    for (label, entries) in [
        ("one PUT after the other", 1),
        ("batches of 25, one after the other", 25),
    ] {
        let server = hfs_server::Server::start(&program, &folder(&entries.to_string()), &definitions);
        plain(label, &server.base, &records, entries, server.child.id());
    }
    let Some(medplum) = std::env::var_os("CUTOVER_TEST_MEDPLUM").map(PathBuf::from) else {
        return;
    };
    let folder = folder("medplum");
    let server = hfs_server::Server::start(&program, &folder, &definitions);
    bulk_import(&medplum, &folder, &server, &records);
}

/// Medplum's command line tool, its `bulk import` of a file for each type. It creates what it sends, under ids of the server's.
fn bulk_import(program: &Path, folder: &Path, server: &hfs_server::Server, records: &[(String, String, Vec<u8>)]) {
    let mut files: BTreeMap<&str, Vec<u8>> = BTreeMap::new();
    for (name, _, line) in records {
        let file = files.entry(name).or_default();
        file.extend_from_slice(line);
        file.push(b'\n');
    }
    for (name, lines) in &files {
        fs::write(folder.join(format!("{name}.ndjson")), lines).expect("a file");
    }
    let before = cpu(server.child.id());
    let begun = Instant::now();
    for name in files.keys() {
        let status = Command::new(program)
            .args(["bulk", "import"])
            .arg(folder.join(format!("{name}.ndjson")))
            .args(["--base-url", &server.base, "--fhir-url", &server.base])
            // It asks for a token otherwise; the server wants none.
            .env("MEDPLUM_CLIENT_ACCESS_TOKEN", "none")
            .stdout(Stdio::null())
            .status();
        assert!(status.expect("it runs").success());
    }
    let (wall, spent) = (begun.elapsed(), cpu(server.child.id()).saturating_sub(before));
    let count = records.len() as u64;
    tell(
        "medplum bulk import, batches of 25",
        count,
        wall,
        0,
        Duration::ZERO,
        spent,
    );
}

/// As many documents, each of so many MiB that nothing packs, and what shows them.
fn documents(folder: &Path, count: u64, mib: u64) {
    let _ = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).expect("a folder");
    let mut bytes = vec![0; usize::try_from(mib << 20).expect("a size")];
    let mut holders = Vec::new();
    let file = |name: &str| folder.join(format!("{name}.ndjson"));
    let mut out = fs::File::create(file("Binary")).expect("a file");
    for number in 0..count {
        aws_lc_rs::rand::fill(&mut bytes).expect("random bytes");
        let data = base64::engine::general_purpose::STANDARD.encode(&bytes);
        let binary = json!({ "resourceType": "Binary", "id": format!("b-{number}"), "contentType": "application/pdf", "data": data });
        writeln!(out, "{binary}").expect("written");
        let attachment = json!({ "contentType": "application/pdf", "url": format!("Binary/b-{number}") });
        let holder = json!({ "resourceType": "DocumentReference", "id": format!("d-{number}"), "status": "current",
            "subject": { "reference": "Patient/p-0" }, "content": [{ "attachment": attachment }] });
        writeln!(holders, "{holder}").expect("written");
    }
    fs::write(file("DocumentReference"), holders).expect("written");
    let patient = json!({ "resourceType": "Patient", "id": "p-0", "name": [{ "family": "Nobody" }] });
    fs::write(file("Patient"), format!("{patient}\n")).expect("written");
}

/// Puts the records of a practice beside the documents.
fn beside(folder: &Path, data: &Path, patients: u64, seed: u64) {
    made(data, patients, 16, seed);
    for file in fs::read_dir(data).expect("a folder") {
        let file = file.expect("a file");
        fs::hard_link(file.path(), folder.join(file.file_name())).expect("a link");
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

/// A workspace that a practice was brought into, as it is before a delivery.
struct Bench {
    root: PathBuf,
    key: PathBuf,
    received: PathBuf,
}

impl Bench {
    fn new(root: &Path, data: &Path) -> Self {
        let (key, received) = (root.join("key"), root.join("received"));
        let _ = fs::remove_dir_all(&received);
        let _ = fs::remove_file(&key);
        let source = Server::start(data, &["--polls", "0"]);
        prepare(&received, &key, &source.base);
        let bench = Self {
            root: root.to_owned(),
            key,
            received,
        };
        let run = bench
            .command(&bench.received, &["run", "bench", "--json"])
            .output()
            .expect("it runs");
        // Some synthetic people are so alike that a person is asked; their records wait.
        assert!(
            matches!(run.status.code(), Some(0 | 3)),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
        bench
    }

    fn command(&self, home: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .arg("--home")
            .arg(home)
            .arg("--key-file")
            .arg(&self.key)
            .args(arguments);
        command
    }

    /// The records of the store, for plain senders: type, id and line.
    fn records(&self) -> Vec<(String, String, Vec<u8>)> {
        let secret = Secret::KeyFile(self.key.clone());
        let workspace = Workspace::open(&self.received, &secret, "bench").expect("the workspace");
        let storage = std::sync::Arc::new(Storage::open(workspace).expect("the store"));
        let store = EmbeddedStore::new(storage);
        let records = store.records("bench", None).expect("records");
        let records = records.map(|item| {
            let (name, line) = item.expect("a record");
            let id = cutover::fhir::scan(&line).expect("a record").id.to_owned();
            (name, id, line)
        });
        records.collect()
    }

    /// Delivers from a copy of the workspace, and gives the copy.
    fn deliver(&self, name: &str, base: &str, kind: &str, bundles: &str, server: u32) -> PathBuf {
        self.deliver_as(name, base, &["--kind", kind, "--bundles", bundles], server)
    }

    /// The same, however the destination is to be dealt with.
    fn deliver_as(&self, name: &str, base: &str, how: &[&str], server: u32) -> PathBuf {
        let home = self.root.join(format!("home-{name}"));
        let _ = fs::remove_dir_all(&home);
        assert!(
            Command::new("cp")
                .arg("-a")
                .arg(&self.received)
                .arg(&home)
                .status()
                .expect("cp")
                .success()
        );
        let set = ["destination", "set", "bench", "--base-url", base];
        assert!(
            self.command(&home, &set)
                .args(how)
                .output()
                .expect("set")
                .status
                .success()
        );
        self.one("cutover, nothing there yet", &home, server);
        home
    }

    fn again(&self, home: &Path, server: u32) {
        self.one("cutover again, nothing changed", home, server);
    }

    fn one(&self, label: &str, home: &Path, server: u32) {
        let server_before = cpu(server);
        let begun = Instant::now();
        let mut child = self
            .command(home, &["destination", "deliver", "bench", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("it starts");
        let out = child.stdout.take().expect("stdout");
        let reader = std::thread::spawn(move || std::io::read_to_string(out).expect("lines"));
        let (mut most, mut spent) = (0, Duration::ZERO);
        let status = loop {
            most = most.max(peak(child.id()));
            spent = spent.max(cpu(child.id()));
            match child.try_wait().expect("a child") {
                Some(status) => break status,
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        let wall = begun.elapsed();
        assert!(status.success(), "{status}");
        let lines = reader.join().expect("read");
        let mut events = lines
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let ended = events.rfind(|event| event["event"] == "delivery_ended");
        let ended = ended.expect("it ended");
        let count =
            ["created", "updated", "found", "unchanged"].map(|name| ended["counts"][name].as_u64().unwrap_or(0));
        let count: u64 = count.iter().sum();
        tell(
            label,
            count,
            wall,
            ended["requests"].as_u64().unwrap_or(0),
            spent,
            cpu(server).saturating_sub(server_before),
        );
        println!("{:44}{:6.0} MB of memory", "", mega(most));
    }
}

/// Sends every record as it is, so many at once, and waits for the answer before it sends more.
fn plain(label: &str, base: &str, records: &[(String, String, Vec<u8>)], at_once: usize, server: u32) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let before = cpu(server);
    let begun = Instant::now();
    let mut requests = 0;
    runtime.block_on(async {
        let client = reqwest::Client::new();
        for some in records.chunks(at_once) {
            requests += 1;
            let request = if let [(name, id, line)] = some {
                client.put(format!("{base}/{name}/{id}")).body(line.clone())
            } else {
                let entries = some.iter().map(|(name, id, line)| {
                    let resource: Value = serde_json::from_slice(line).expect("JSON");
                    json!({ "resource": resource, "request": { "method": "PUT", "url": format!("{name}/{id}") } })
                });
                let entries: Vec<Value> = entries.collect();
                let bundle = json!({ "resourceType": "Bundle", "type": "batch", "entry": entries });
                client.post(base).body(bundle.to_string())
            };
            let answer = request
                .header("Content-Type", FHIR_JSON)
                .send()
                .await
                .expect("an answer");
            assert!(answer.status().is_success(), "{}", answer.status());
            answer.bytes().await.expect("a body");
        }
    });
    let wall = begun.elapsed();
    tell(
        label,
        records.len() as u64,
        wall,
        requests,
        Duration::ZERO,
        cpu(server).saturating_sub(before),
    );
}

fn tell(label: &str, records: u64, wall: Duration, requests: u64, client: Duration, server: Duration) {
    let seconds = wall.as_secs_f64();
    let all = (client + server).as_secs_f64();
    let share = if client.is_zero() {
        String::new()
    } else {
        format!(
            ", {:.0} % of the processor time is the client's",
            client.as_secs_f64() / all * 100.0
        )
    };
    let asked = if requests == 0 {
        String::new()
    } else {
        format!(" in {requests} requests")
    };
    println!(
        "  {label:<40}{:8.0} records/s  {records} records{asked} in {seconds:.1} s{share}",
        float(records) / seconds
    );
}

#[allow(clippy::cast_precision_loss)] // A figure for the eye.
fn float(number: u64) -> f64 {
    number as f64
}

fn mega(bytes: u64) -> f64 {
    float(bytes) / 1e6
}

/// The most memory that a process has had so far, in bytes.
fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// The processor time that a process has used so far.
fn cpu(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // The name, in parentheses, may hold spaces.
    let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks: u64 = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|t| t.parse::<u64>().ok())
        .sum();
    // A hundred a second on Linux.
    Duration::from_millis(ticks * 10)
}
