//! A synthetic practice in files, an EHR that serves them, and a workspace to bring them into.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use cutover::migration::{AuthMethod, ExportLevel, Plan};
use cutover::sandbox::Dataset;
use cutover::sandbox::practice::Practice;
use cutover::store::{Secret, Storage, Workspace, create_key_file};
use serde_json::Value;

const BINARY: &str = env!("CARGO_BIN_EXE_cutover");

/// Writes a practice as NDJSON, split into about `files` files by their share of the rows, unless it is there.
pub fn made(folder: &Path, patients: u64, files: u64, seed: u64) {
    if !folder.join("complete").exists() {
        eprintln!("making the data of {patients} patients in {}", folder.display());
        make(folder, patients, files, seed);
    }
}

fn make(folder: &Path, patients: u64, files: u64, seed: u64) {
    fs::create_dir_all(folder).expect("folder");
    let practice = Practice::new(patients, seed);
    let types = practice.types();
    let rows: u64 = types.iter().map(|(_, n)| n).sum();
    for (resource_type, count) in types {
        let parts = (count * files / rows).max(1);
        for part in 0..parts {
            let path = folder.join(format!("{resource_type}.{part:03}.ndjson"));
            let mut out = BufWriter::new(File::create(path).expect("file"));
            for line in practice.lines(&resource_type, count * part / parts..count * (part + 1) / parts) {
                out.write_all(&line).expect("write");
                out.write_all(b"\n").expect("write");
            }
            out.flush().expect("flush");
        }
    }
    File::create(folder.join("complete")).expect("mark");
}

/// `cutover sandbox` in a process of its own.
pub struct Server {
    child: Child,
    pub base: String,
}

impl Server {
    /// Serves the files of a folder; `more` are more of its options.
    pub fn start(data: &Path, more: &[&str]) -> Self {
        let mut child = Command::new(BINARY)
            .args([
                "sandbox",
                "--open",
                "--no-gzip",
                "--lines-per-file",
                "100000000",
                "--data",
            ])
            .arg(data)
            .args(more)
            .stdout(Stdio::piped())
            .spawn()
            .expect("the sandbox starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("stdout"))
            .read_line(&mut line)
            .expect("its first line");
        let told: Value = serde_json::from_str(&line).expect("JSON");
        Self {
            child,
            base: told["base_url"].as_str().expect("base").to_owned(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A workspace with a migration from there.
pub fn prepare(home: &Path, key: &Path, base: &str) {
    create_key_file(key).expect("key file");
    let workspace = Workspace::create(home, &Secret::KeyFile(key.to_owned()), "bench").expect("workspace");
    let storage = Storage::open(workspace).expect("store");
    let plan = Plan {
        auth: AuthMethod::None,
        level: ExportLevel::System,
        poll_floor_s: 1,
        ..Plan::new("bench", base)
    };
    storage.tables.migrations.put(b"bench", &plan).expect("plan");
    storage.workspace.ledger().durable().expect("durable");
}
