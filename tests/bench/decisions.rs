//! Fifty thousand decisions: every patient of a practice meets theirs at the destination.
//!
//! `cargo bench --bench decisions` receives such a practice (patients, conditions and coverage) and prints what deciding all conflicts,
//! taking all decisions back, merging everybody, and taking the whole migration back cost, with the memory used so far. `BENCH_PATIENTS`
//! changes the size.

use std::io::{Cursor, Read};
use std::sync::Arc;
use std::time::Instant;

use cutover::engine::{self, Answer, Choice, Command, Import, Proposal, RunOptions, Snapshot, Which};
use cutover::fhir::Survivorship;
use cutover::migration::{AuthMethod, ExportLevel, Plan, Resolution};
use cutover::sandbox::practice::{DestinationMix, Practice};
use cutover::sandbox::{Dataset, Sandbox, SandboxConfig};
use cutover::store::{Secret, Storage, Workspace, create_key_file, migration_key};
use cutover::target::EmbeddedStore;

const NAME: &str = "decisions";

fn main() {
    let patients = std::env::var("BENCH_PATIENTS").map_or(50_000, |text| text.parse().expect("a number"));
    let practice = Practice::new(patients, 1);
    let mut config = SandboxConfig::new(Arc::new(practice.clone()))
        .polls(1, Some(0))
        .lines_per_file(20_000);
    config.open = true;
    let sandbox = Sandbox::launch(config).expect("a sandbox");
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("key");
    create_key_file(&key).expect("a key file");
    let workspace =
        Workspace::create(&folder.path().join("home"), &Secret::KeyFile(key), "bench").expect("a workspace");
    let storage = Arc::new(Storage::open(workspace).expect("a store"));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    load(&runtime, &storage, &practice, patients);
    let plan = Plan {
        auth: AuthMethod::None,
        level: ExportLevel::System,
        types: ["Patient", "Condition", "Coverage"].map(str::to_owned).to_vec(),
        poll_floor_s: 0,
        ..Plan::new(NAME, &sandbox.base_url)
    };
    storage.tables.migrations.put(NAME.as_bytes(), &plan).expect("a plan");
    let work = Work { runtime, storage, plan };
    let untouched = work.hash();

    work.timed("run", Command::Run(RunOptions::default()));
    let received = work.hash();
    for choice in [
        Choice::Outright(Resolution::KeepSource),
        Choice::Merge(Proposal {
            survivorship: Survivorship::Union,
            ..Proposal::default()
        }),
    ] {
        let what = format!("resolve {choice:?}");
        work.timed(what.split('(').nth(1).unwrap_or(&what), work.resolve(choice.clone()));
        work.timed("undo --all --dry-run", undo(true));
        work.timed("undo --all", undo(false));
        assert_eq!(work.hash(), received);
    }
    work.timed(
        "resolve once more",
        work.resolve(Choice::Outright(Resolution::KeepTarget)),
    );
    work.timed(
        "undo --last 1",
        Command::Undo {
            which: Which::Last(1),
            who: "bench".to_owned().into(),
            force: false,
            dry_run: false,
        },
    );
    work.timed(
        "rollback",
        Command::Rollback {
            from: None,
            who: "bench".to_owned().into(),
            force: false,
            dry_run: false,
        },
    );
    assert_eq!(work.hash(), untouched);
}

fn undo(dry_run: bool) -> Command {
    Command::Undo {
        which: Which::All,
        who: "bench".to_owned().into(),
        force: false,
        dry_run,
    }
}

/// Loads the destination's own records.
fn load(runtime: &tokio::runtime::Runtime, storage: &Arc<Storage>, practice: &Practice, patients: u64) {
    let destination = practice.destination(DestinationMix {
        agreeing: patients,
        contradicting: 0,
        unnumbered: 0,
    });
    let files: Vec<Import> = destination
        .types()
        .into_iter()
        .map(|(resource_type, count)| {
            let lines: Vec<Vec<u8>> = destination.lines(&resource_type, 0..count).collect();
            let text = String::from_utf8(lines.join(&b'\n')).expect("UTF-8");
            let bytes: Box<dyn Read + Send> = Box::new(Cursor::new(text.replace("{base}/", "").into_bytes()));
            Import {
                name: format!("{resource_type}.ndjson"),
                resource_type: Some(resource_type),
                bytes,
            }
        })
        .collect();
    let (snapshot, _unwatched) = tokio::sync::watch::channel(Snapshot::default());
    runtime
        .block_on(engine::import(storage, NAME, files.into_iter(), snapshot))
        .expect("imported");
}

struct Work {
    runtime: tokio::runtime::Runtime,
    storage: Arc<Storage>,
    plan: Plan,
}

impl Work {
    fn timed(&self, what: &str, command: Command) {
        let begun = Instant::now();
        let answer = self.runtime.block_on(async {
            let mut running = engine::start(&self.storage, self.plan.clone(), command);
            // Nobody looks at what is told.
            running.events.close();
            running.answer.await.expect("an answer")
        });
        let told = match answer.expect("done") {
            Answer::Resolved(decided) => format!("{} decisions", decided.len()),
            Answer::TakenBack(taken) => format!(
                "{} decisions, {} of others",
                taken.decisions.len(),
                taken.dependent.len()
            ),
            other => format!("{other:?}"),
        };
        println!(
            "{what:<24} {:8.1} s   {} MB so far   {told}",
            begun.elapsed().as_secs_f64(),
            memory()
        );
    }

    /// Decides everything that is open.
    fn resolve(&self, choice: Choice) -> Command {
        let conflicts = self.storage.tables.conflicts.scan_prefix(&migration_key(NAME, &[]));
        let open = conflicts
            .map(|item| item.expect("a conflict").1.conflict)
            .filter(cutover::migration::Conflict::open);
        Command::Resolve {
            conflicts: open.map(|conflict| conflict.id).collect(),
            choice,
            who: "bench".to_owned().into(),
        }
    }

    fn hash(&self) -> [u8; 32] {
        EmbeddedStore::new(Arc::clone(&self.storage))
            .hash(NAME)
            .expect("a hash")
    }
}

/// The most memory this process had so far, in megabytes.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or_default() / 1000
}
