//! The wizard on a terminal of 80 by 24: what it writes, how soon a key shows its effect, how soon it is there.
//!
//! `cargo bench --bench wizard` makes about 1.3 GB of NDJSON of a synthetic practice (once, in the target folder: a million resources),
//! serves it from `cutover sandbox` in a process of its own, and opens the real wizard on a pseudo-terminal: it waits for the server,
//! takes everything in at full speed, does so again while keys are pressed, and is opened on what is there then. Each figure is
//! printed beside its budget; one that is over it fails the benchmark. `BENCH_PATIENTS` changes the size.

#[allow(dead_code)] // The tests use the rest of it.
#[path = "../wizard/pty.rs"]
mod pty;
#[path = "served.rs"]
mod served;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pty::{Pty, processor_time};
use served::{Server, made, prepare};

const ENTER: &str = "\r";
const ESC: &str = "\x1b";
/// Key presses that are timed.
const PRESSES: usize = 300;

fn main() {
    let patients = std::env::var("BENCH_PATIENTS")
        .ok()
        .and_then(|v| v.parse().ok())
        .unwrap_or(12_500);
    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("bench");
    let data = root.join(format!("data-{patients}-32-1"));
    made(&data, patients, 32, 1);
    let server = Server::start(&data, &["--polls", "1", "--retry-after", "20"]);
    let home = root.join("wizard-home");
    let _ = fs::remove_dir_all(&home);
    let key = root.join("wizard-key");
    let _ = fs::remove_file(&key);
    prepare(&home, &key, &server.base);

    let mut budgets = Budgets(Vec::new());
    let (mut pty, bytes, _) = open(&home, &key);
    budgets.check("first frames, bytes", bytes, 5_000);
    pty.press(ENTER);
    pty.says("exactly as it will be sent");
    wait_for_the_server(&mut pty, &mut budgets);
    take_in(&mut pty, &mut budgets);
    leave(&mut pty);
    press_keys(&root, &server.base, &mut budgets);

    let rows = stored(&home, &key);
    let mut slowest = Duration::ZERO;
    for _ in 0..5 {
        let (mut pty, _, first) = open(&home, &key);
        slowest = slowest.max(first);
        pty.press("q");
        pty.end();
    }
    budgets.check(&format!("first frame with {rows} resources, ms"), millis(slowest), 150);
    assert!(rows >= 1_000_000 || patients < 12_500, "{rows} resources are too few");
    let (pty, _, _) = open(&home, &key);
    idle(&pty, &mut budgets);
    drop(pty);
    let _ = fs::remove_dir_all(&home);
    budgets.end();
}

/// Figures beside what they may be.
struct Budgets(Vec<String>);

impl Budgets {
    fn check(&mut self, what: &str, figure: u64, budget: u64) {
        let over = if figure > budget { "   OVER" } else { "" };
        println!("{what:<48} {figure:7}   budget {budget:6}{over}");
        if figure > budget {
            self.0.push(what.to_owned());
        }
    }

    fn end(self) {
        if !self.0.is_empty() {
            eprintln!("over their budgets: {}", self.0.join("; "));
            std::process::exit(1);
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap()
}

/// Opens the wizard: the bytes that it wrote until the list was there, and how long after its start that was.
fn open(home: &Path, key: &Path) -> (Pty, u64, Duration) {
    let [home, key] = [home, key].map(|path| path.to_str().unwrap());
    let begun = Instant::now();
    let pty = Pty::start(&["--home", home, "--key-file", key], &[]);
    pty.says("> bench");
    let time = begun.elapsed();
    let bytes = pty.bytes();
    (pty, bytes, time)
}

/// Ends the wizard, and its job if one is at work.
fn leave(pty: &mut Pty) {
    pty.press("\x03");
    if pty.says_soon("Stop it and quit?") {
        pty.press(ENTER);
    }
    pty.end();
}

fn stored(home: &Path, key: &Path) -> u64 {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_cutover"))
        .args(["status", "--json", "--home"])
        .arg(home)
        .arg("--key-file")
        .arg(key)
        .output()
        .unwrap();
    let status: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    status["migrations"][0]["rows"].as_u64().unwrap()
}

/// Bytes of each second until this is so, at most for `most` seconds; the first and the last, which are cut, are left out.
fn seconds(pty: &Pty, most: u32, so: impl Fn(&str) -> bool) -> Vec<u64> {
    let mut seconds = Vec::new();
    let mut before = pty.bytes();
    for _ in 0..most {
        std::thread::sleep(Duration::from_secs(1));
        let now = pty.bytes();
        seconds.push(now - before);
        before = now;
        if so(&pty.contents()) {
            break;
        }
    }
    seconds.pop();
    seconds.into_iter().skip(1).collect()
}

fn wait_for_the_server(pty: &mut Pty, budgets: &mut Budgets) {
    pty.press("r");
    pty.says("Next poll in");
    std::thread::sleep(Duration::from_secs(2));
    let counted = seconds(pty, 14, |_| false);
    budgets.check(
        "waiting for the server, bytes in a second",
        counted.into_iter().max().unwrap_or(0),
        150,
    );
    pty.press("n");
}

fn take_in(pty: &mut Pty, budgets: &mut Budgets) {
    pty.says("MB/s");
    let counted = seconds(pty, 120, |screen| !screen.contains("MB/s"));
    assert!(!counted.is_empty(), "it was over too soon");
    println!("taking in, bytes second by second: {counted:?}");
    budgets.check(
        "taking in at full speed, bytes in a second",
        counted.into_iter().max().unwrap_or(0),
        2_000,
    );
    // Also read back and compared: until then nothing else is begun.
    pty.until("the run is over", |screen| {
        let contents = screen.contents();
        contents.contains("done, every row") || contents.contains("conflicts need you; ")
    });
}

/// Presses keys while everything is taken in into empty workspaces, and times each until its effect is seen.
fn press_keys(root: &Path, base: &str, budgets: &mut Budgets) {
    let mut times = Vec::new();
    let mut dice = 1_u64;
    let (home, key) = (root.join("wizard-home-2"), root.join("wizard-key-2"));
    for run in 0.. {
        assert!(run < 40, "it is over too soon to press keys: more patients are needed");
        if times.len() >= PRESSES {
            break;
        }
        let _ = fs::remove_dir_all(&home);
        let _ = fs::remove_file(&key);
        prepare(&home, &key, base);
        let (mut pty, ..) = open(&home, &key);
        pty.press(ENTER);
        pty.says("exactly as it will be sent");
        pty.press("r");
        pty.says("Next poll in");
        pty.press("n");
        pty.says("MB/s");
        while times.len() < PRESSES && pty.contents().contains("MB/s") {
            for (key, shown) in [("?", true), (ESC, false)] {
                // As people press them, at no particular moment of a frame.
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                std::thread::sleep(Duration::from_millis(20 + (dice >> 33) % 60));
                let begun = Instant::now();
                pty.press(key);
                pty.until("the key shows its effect", |screen| {
                    screen.contents().contains("Keys on the screen") == shown
                });
                times.push(begun.elapsed());
            }
        }
        println!("{} keys were pressed", times.len());
        leave(&mut pty);
    }
    let _ = fs::remove_dir_all(&home);
    times.sort_unstable();
    let median = times[times.len() / 2];
    println!(
        "key to effect: median {} ms, slowest {} ms",
        millis(median),
        millis(*times.last().unwrap())
    );
    budgets.check(
        "key to effect, 99th percentile, ms",
        millis(times[times.len() * 99 / 100]),
        50,
    );
}

fn idle(pty: &Pty, budgets: &mut Budgets) {
    // What was begun with the first frame is over by then.
    std::thread::sleep(Duration::from_secs(2));
    let pid = pty.child.process_id().unwrap();
    let (before, bytes) = (processor_time(pid).1, pty.bytes());
    std::thread::sleep(Duration::from_secs(15));
    let taken = processor_time(pid).1.saturating_sub(before);
    budgets.check("nothing changed for 15 s, bytes", pty.bytes() - bytes, 0);
    budgets.check("the same, processor time in ms", millis(taken), 0);
}
