//! A real FHIR server as the source: the Helios server's own `$export`, where it is installed
//! (`cargo install helios-hfs --version 0.2.7 --no-default-features --features R4,sqlite`).

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use cutover::engine::{self, Answer, Outcome, RunOptions};
use cutover::fhir;
use cutover::migration::{AuthMethod, ExportLevel, Plan};
use cutover::sandbox::Folder;
use serde_json::{Value, json};

use crate::bench::{Bench, NAME, Records, config};
use crate::clock::Impatient;
use crate::synthea::data;

struct Server {
    child: Child,
    base: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The server's program: named by `CUTOVER_TEST_HFS`, or found on the path.
fn program() -> Option<PathBuf> {
    let named = std::env::var_os("CUTOVER_TEST_HFS").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|folder| folder.join("hfs"));
    let program = named.into_iter().chain(found).find(|program| program.is_file());
    if program.is_none() {
        eprintln!("SKIPPED: the Helios FHIR server is not installed; CUTOVER_TEST_HFS names it");
    }
    program
}

impl Server {
    /// Starts an empty server and waits until it says that it listens.
    fn start(program: &Path, folder: &Path, definitions: &Path) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|free| free.local_addr())
            .expect("a port")
            .port();
        let base = format!("http://127.0.0.1:{port}");
        let mut child = Command::new(program)
            .arg("--database-url")
            .arg(folder.join("hfs.db"))
            .env("HFS_BASE_URL", &base)
            .env("HFS_SERVER_PORT", port.to_string())
            .env("HFS_SERVER_HOST", "127.0.0.1")
            .env("HFS_DATA_DIR", definitions)
            .env("HFS_BULK_EXPORT_OUTPUT_DIR", folder.join("hfs-output"))
            .env("HFS_EXPORT_DIR", folder.join("hfs-exports"))
            .env("HFS_LOG_LEVEL", "info")
            .current_dir(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let mut log = BufReader::new(child.stdout.take().expect("its log"));
        let mut line = String::new();
        while !line.contains("Server listening") {
            line.clear();
            assert!(
                log.read_line(&mut line).expect("its log") > 0,
                "the server ended before it listened"
            );
        }
        // Its log is read on, or the pipe fills and the server stands still.
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        Self { child, base }
    }

    /// Writes every record under its own id.
    async fn load(&self, records: &Records) {
        let client = reqwest::Client::new();
        let records: Vec<(&String, &Vec<u8>)> = records.iter().collect();
        for some in records.chunks(400) {
            let entries: Vec<Value> = some
                .iter()
                .map(|(name, line)| {
                    let resource: Value = serde_json::from_slice(line).expect("JSON");
                    json!({"resource": resource, "request": {"method": "PUT", "url": name}})
                })
                .collect();
            let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": entries});
            let request = client.post(&self.base).header("Content-Type", "application/fhir+json");
            let answer = request.body(bundle.to_string()).send().await.expect("an answer");
            assert!(answer.status().is_success(), "{}", answer.status());
            let answer: Value = serde_json::from_str(&answer.text().await.expect("a body")).expect("JSON");
            let answers = answer["entry"].as_array().expect("entries");
            assert_eq!(answers.len(), some.len());
            for (entry, (name, _)) in answers.iter().zip(some) {
                let status = entry["response"]["status"].as_str().unwrap_or_default();
                assert!(status.starts_with("20"), "{name}: {status}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_export_is_taken_in_whole_and_comes_back_as_it_was() {
    let (Some(program), Some(folder), Some(definitions)) = (program(), data("synthea-24"), data("hfs")) else {
        return;
    };
    let mut bench = Bench::new(config(Arc::new(Folder::open(&folder).unwrap()))).await;
    let source = bench.source();
    let server = Server::start(&program, bench.dir.path(), &definitions);
    server.load(&source).await;
    bench.plan = Plan {
        auth: AuthMethod::None,
        level: ExportLevel::System,
        types: bench.dataset.types().into_iter().map(|(name, _)| name).collect(),
        poll_floor_s: 1,
        ..Plan::new(NAME, &server.base)
    };
    let command = engine::Command::Run(RunOptions::default());
    let running = engine::start_by(
        bench.storage(),
        bench.plan.clone(),
        command,
        Arc::new(Impatient::hurrying(100)),
    );
    let answer = tokio::time::timeout(Duration::from_secs(150), running.answer)
        .await
        .expect("it ends")
        .expect("an answer");
    assert!(matches!(answer, Ok(Answer::Run(Outcome::Done))), "{answer:?}");

    let counts = bench.counts();
    assert_eq!((counts.rows, counts.stored), (11_622, 11_622));
    assert!(bench.verification().clean());
    let exported = bench.exported();
    assert_eq!(exported.len(), source.len());
    for (name, line) in &exported {
        let hash = |line| fhir::canonical_hash(line, Some(&server.base)).expect("a record");
        assert_eq!(hash(line), hash(&source[name]), "{name}");
    }
}
