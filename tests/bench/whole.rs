//! The whole way, whole processes, over loopback: from an HTTP file server to durable in the embedded store.
//!
//! `cargo bench --bench whole` makes about 1 GB of NDJSON of a synthetic practice (once, in the target folder), serves it from
//! `cutover sandbox` in a process of its own, and prints, for the same files: what four plain downloads reach, what `cutover run` reaches
//! from the first byte to the last checkpoint, and what a second run over unchanged files reaches; with peak memory. `BENCH_PATIENTS`,
//! `BENCH_FILES` and `BENCH_SEED` change the size.

#[path = "served.rs"]
mod served;

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use served::{Server, made, prepare};

const BINARY: &str = env!("CARGO_BIN_EXE_cutover");

fn main() {
    let patients = setting("BENCH_PATIENTS", 9_500);
    let files = setting("BENCH_FILES", 32);
    let seed = setting("BENCH_SEED", 1);
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench");
    let data = root.join(format!("data-{patients}-{files}-{seed}"));
    made(&data, patients, files, seed);
    let bytes: u64 = fs::read_dir(&data)
        .expect("data")
        .map(|f| f.expect("file").metadata().expect("size").len())
        .sum();
    println!(
        "{:.2} GB of NDJSON in {} files",
        giga(bytes),
        fs::read_dir(&data).expect("data").count() - 1
    );

    let server = Server::start(&data, &["--polls", "0"]);
    let (time, ()) = timed(|| downloads(&server.base, &data));
    let plain = mega(bytes) / time.as_secs_f64();
    println!("four plain downloads, bytes thrown away   {plain:7.0} MB/s   1.00");

    let home = root.join("home");
    let _ = fs::remove_dir_all(&home);
    let key = root.join("key");
    let _ = fs::remove_file(&key);
    prepare(&home, &key, &server.base);
    for label in ["cutover run, nothing there yet", "cutover run again, nothing changed"] {
        let run = Run::measure(&home, &key);
        if run.rows == 0 {
            println!("{label:<41} not run: conflicts of the first wait for a person");
            break;
        }
        let rate = mega(bytes) / run.intake.as_secs_f64();
        println!(
            "{label:<41} {rate:7.0} MB/s   {:.2}   {:.0} MB of memory, {:.0} with verification   {} rows, {:.0} rows/s; verified in {:.1} s, {:.2} of the rate",
            rate / plain,
            mega(run.intake_peak),
            mega(run.peak),
            run.rows,
            mega(run.rows) * 1e6 / run.intake.as_secs_f64(),
            run.verified.as_secs_f64(),
            run.intake.as_secs_f64() / run.verified.as_secs_f64(),
        );
    }
    let (time, peak) = verify(&home, &key);
    println!(
        "{:<41} {:7.0} MB/s          {:.0} MB of memory",
        "cutover verify, everything once more",
        mega(bytes) / time.as_secs_f64(),
        mega(peak),
    );
    let _ = fs::remove_dir_all(&home);
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|v| v.parse().ok()).unwrap_or(default)
}

fn mega(bytes: u64) -> f64 {
    giga(bytes) * 1e3
}

#[allow(clippy::cast_precision_loss)] // A figure for the eye.
fn giga(bytes: u64) -> f64 {
    bytes as f64 / 1e9
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed(), result)
}

/// Downloads every file, four at a time, with `curl`, and throws the bytes away.
fn downloads(base: &str, _data: &Path) {
    let kickoff = curl(&[
        "-s",
        "-D",
        "-",
        "-o",
        "/dev/null",
        "-H",
        "Accept: application/fhir+json",
        "-H",
        "Prefer: respond-async",
        &format!("{base}/$export"),
    ]);
    let status = kickoff
        .lines()
        .find_map(|l| l.strip_prefix("content-location: "))
        .expect("status URL")
        .trim()
        .to_owned();
    let manifest = loop {
        let text = curl(&["-s", &status]);
        if let Ok(manifest) = serde_json::from_str::<Value>(&text) {
            break manifest;
        }
        std::thread::sleep(Duration::from_millis(200));
    };
    let urls: Vec<String> = manifest["output"]
        .as_array()
        .expect("output")
        .iter()
        .map(|o| o["url"].as_str().expect("url").to_owned())
        .collect();
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let urls: Vec<&String> = urls.iter().skip(worker).step_by(4).collect();
            scope.spawn(move || {
                let mut args = vec!["-s"];
                for url in &urls {
                    args.extend([url.as_str(), "-o", "/dev/null"]);
                }
                curl(&args);
            });
        }
    });
}

fn curl(args: &[&str]) -> String {
    let output = Command::new("curl").args(args).output().expect("curl is installed");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn cutover(home: &Path, key: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.arg("--home").arg(home).arg("--key-file").arg(key);
    command
}

/// Verifies in a process of its own; gives the time, opening the workspace included, and the most memory.
fn verify(home: &Path, key: &Path) -> (Duration, u64) {
    let start = Instant::now();
    let mut child = cutover(home, key)
        .args(["verify", "bench", "--json"])
        .stdout(Stdio::null())
        .spawn()
        .expect("verify starts");
    let mut most = 0;
    let status = loop {
        most = most.max(peak(child.id()));
        match child.try_wait().expect("a child") {
            Some(status) => break status,
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    };
    assert!(status.success(), "verification is clean");
    (start.elapsed(), most)
}

struct Run {
    /// From the manifest to the last checkpoint.
    intake: Duration,
    verified: Duration,
    rows: u64,
    /// The most memory up to the last checkpoint, in bytes.
    intake_peak: u64,
    peak: u64,
}

impl Run {
    fn measure(home: &Path, key: &Path) -> Self {
        let mut child = cutover(home, key)
            .args(["run", "bench", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("run starts");
        let pid = child.id();
        let mut run = Self {
            intake: Duration::ZERO,
            verified: Duration::ZERO,
            rows: 0,
            intake_peak: 0,
            peak: 0,
        };
        let mut began = Instant::now();
        for line in BufReader::new(child.stdout.take().expect("stdout")).lines() {
            let event: Value = serde_json::from_str(&line.expect("line")).expect("JSON");
            run.peak = run.peak.max(peak(pid));
            match event["event"].as_str() {
                Some("status_complete") => began = Instant::now(),
                Some("export_complete") => {
                    run.intake = began.elapsed();
                    run.intake_peak = run.peak;
                    run.rows = event["rows"].as_u64().expect("rows");
                    began = Instant::now();
                }
                Some("verified") => {
                    run.verified = began.elapsed();
                    assert_eq!(event["findings"], 0, "verification is clean");
                }
                _ => {}
            }
        }
        // Among many synthetic people some are so alike that a person is asked; their records wait, landed and durable.
        let code = child.wait().expect("it ends").code();
        assert!(matches!(code, Some(0 | 3)), "run succeeds");
        run
    }
}

/// The most memory that a process has had so far, in bytes.
fn peak(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let kilobytes = status
        .lines()
        .find_map(|l| l.strip_prefix("VmHWM:"))
        .and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
