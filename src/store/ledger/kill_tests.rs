//! Processes that are killed while they write, and what is found afterwards.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::process::{Child, Command, Stdio};

use super::recovery_tests::copy;
use super::*;
use crate::store::{Secret, create_key_file};

/// Names the folder to the process that is to be killed.
const FOLDER: &str = "CUTOVER_TEST_KILLED_LEDGER";
const HOT_KEYS: u64 = 400;
const HOT_WRITES: u64 = 150;

fn vault(root: &Path) -> Vault {
    let (keys, secret) = (root.join("keys"), Secret::KeyFile(root.join("key")));
    if Vault::exists(&keys) {
        return Vault::open(&keys, &secret).unwrap();
    }
    create_key_file(&root.join("key")).unwrap();
    Vault::create(&keys, &secret).unwrap()
}

/// The hot key that is the `write`-th to be overwritten in a batch.
fn hot_key(batch: u64, write: u64) -> [u8; 8] {
    ((batch * 37 + write) % HOT_KEYS).to_be_bytes()
}

/// Not a test of its own: what the other tests start as a process. Writes batches until it is killed, and says which are safe.
#[test]
fn writes_until_it_is_killed() {
    let Some(root) = std::env::var_os(FOLDER) else {
        return;
    };
    let root = PathBuf::from(root);
    let vault = vault(&root);
    println!("\nopening");
    let (ledger, _) = Ledger::open(&root.join("ledger"), &vault).unwrap();
    let cold = ledger.table::<u64>("cold").unwrap();
    let hot = ledger.table::<(u64, String)>("hot").unwrap();
    let last = cold.last().unwrap().map_or(0, |(_, batch)| batch);
    // Once more, for it may have been cut short.
    for batch in last.max(1).. {
        cold.put(&batch.to_be_bytes(), &batch).unwrap();
        for write in 0..HOT_WRITES {
            let size = usize::try_from((batch * 31 + write * 7) % 3000).unwrap();
            hot.put(&hot_key(batch, write), &(batch, "v".repeat(size))).unwrap();
        }
        if batch % 16 == 0 {
            hot.put(b"large", &(batch, "v".repeat(400_000))).unwrap();
        }
        ledger.durable().unwrap();
        println!("durable {batch}");
    }
}

fn start(root: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "store::ledger::kill_tests::writes_until_it_is_killed",
            "--nocapture",
        ])
        .env(FOLDER, root)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Runs the writer, kills it after so many lines, and returns the last batch it reported as durable.
fn run_and_kill(root: &Path, lines: usize) -> Option<u64> {
    let mut child = start(root);
    let output = BufReader::new(child.stdout.take().unwrap())
        .lines()
        .map(|line| line.unwrap());
    let mut seen = 0;
    let mut durable = None;
    // Lines that the pipe still holds after the kill count as well: they were printed.
    for line in output {
        if line == "opening" {
            seen = 1;
        } else if let Some(batch) = line.strip_prefix("durable ") {
            seen += 1;
            durable = Some(batch.parse().unwrap());
        }
        if seen == lines {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(
        !status.success() && status.code().is_none(),
        "the writer failed by itself: {status}"
    );
    durable
}

/// Checks that every batch up to `durable` is whole.
fn verify(root: &Path, vault: &Vault, durable: u64) {
    let (ledger, _) = Ledger::open(&root.join("ledger"), vault).unwrap();
    let cold = ledger.table::<u64>("cold").unwrap();
    let hot = ledger.table::<(u64, String)>("hot").unwrap();
    for batch in 1..=durable {
        assert_eq!(
            cold.get(&batch.to_be_bytes()).unwrap(),
            Some(batch),
            "of {durable} durable batches"
        );
    }
    let recent = durable.saturating_sub(HOT_KEYS)..durable + 1;
    for batch in recent.filter(|batch| *batch > 0) {
        for write in 0..HOT_WRITES {
            let (found, _) = hot.get(&hot_key(batch, write)).unwrap().unwrap();
            assert!(
                found >= batch,
                "hot key of batch {batch} is as of batch {found}, and {durable} was durable"
            );
        }
    }
    let large = hot.get(b"large").unwrap().map_or(0, |(batch, _)| batch);
    assert!(large >= durable - durable % 16, "{large} < {durable}");
}

/// Cuts sled's snapshots, as a power cut can.
fn tear_snapshots(dir: &Path) {
    // Missing when the first writer was killed at once.
    for entry in fs::read_dir(dir).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().to_str().unwrap().starts_with("snap.") {
            let length = fs::metadata(&path).unwrap().len();
            File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_len(length / 2)
                .unwrap();
        }
    }
}

#[test]
fn what_was_durable_survives_fifty_kills_and_torn_snapshots() {
    let root = tempfile::tempdir().unwrap();
    let vault = vault(root.path());
    let mut durable = 0;
    for round in 0..50 {
        // Sometimes while the ledger is being opened, sometimes many batches later.
        let lines = 1 + (round * 7919) % 12;
        durable = run_and_kill(root.path(), lines).unwrap_or(durable);
        if round % 5 == 4 {
            tear_snapshots(&root.path().join("ledger"));
        }
        if round % 2 == 0 {
            verify(root.path(), &vault, durable);
        }
    }
    verify(root.path(), &vault, durable);
    assert!(durable > 50, "the writers got somewhere: {durable}");
}

#[test]
fn what_was_durable_survives_kills_of_long_first_runs() {
    for lines in [60, 90, 130, 170, 230] {
        let root = tempfile::tempdir().unwrap();
        let vault = vault(root.path());
        let durable = run_and_kill(root.path(), lines).unwrap();
        verify(root.path(), &vault, durable);
    }
}

#[test]
fn a_damaged_sector_is_never_overlooked() {
    let root = tempfile::tempdir().unwrap();
    let vault = vault(root.path());
    let durable = run_and_kill(root.path(), 90).unwrap();
    let (dir, log) = (root.path().join("ledger"), root.path().join("ledger/db"));
    let kept = root.path().join("kept");
    copy(&dir, &kept);
    let length = fs::metadata(&log).unwrap().len();
    let mut errors = 0;
    for at in (0..length).step_by(79_991) {
        fs::remove_dir_all(&dir).unwrap();
        copy(&kept, &dir);
        File::options()
            .write(true)
            .open(&log)
            .unwrap()
            .write_all_at(&[0xA5; 512], at)
            .unwrap();
        let read_all = |ledger: &Ledger| {
            ledger
                .table::<u64>("cold")?
                .iter()
                .try_for_each(|entry| entry.map(drop))?;
            ledger
                .table::<(u64, String)>("hot")?
                .iter()
                .try_for_each(|entry| entry.map(drop))
        };
        match Ledger::open(&dir, &vault).and_then(|(ledger, _)| read_all(&ledger)) {
            Ok(()) => verify(root.path(), &vault, durable),
            Err(error) => {
                assert!(error.needs_rebuild(), "{error}");
                errors += 1;
            }
        }
    }
    assert!(errors > 0);
}
