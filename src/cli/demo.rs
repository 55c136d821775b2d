//! `demo`: the whole job against a simulated practice with eClinicalWorks manners, whose new system is already in use.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use super::args::DemoArgs;
use super::failure::Failure;
use super::run::Show;
use super::wizard::{Next, Opened};
use super::{output, report, run};
use crate::engine::{self, Answer, Choice, Command, Import, Outcome, RunOptions, Snapshot, keys};
use crate::migration::{Event, Plan, Policy, Preset, Resolution, read_transforms};
use crate::sandbox::practice::{DestinationMix, Practice, RegisteredTwice};
use crate::sandbox::{Client, Dataset, ECW, Fault, Keys, RunningSandbox, Sandbox, SandboxConfig};
use crate::source::{KeyAlgorithm, PrivateKey};
use crate::store::{Secret, Storage, Workspace, create_key_file, migration_key};

const CLIENT: &str = "cutover-demo";
const NAME: &str = "lakeside";
/// Patients of the practice that the new system knows already.
const KNOWN: u64 = 8;
/// Patients whom the destination knows under numbers of its own.
const SEEM_KNOWN: u64 = 3;

/// Practitioners whom the destination knows.
const STAFF: u64 = 4;
/// What is changed in records on their way.
const TRANSFORMS: &str = r#"
[[transform]]
name = "staff numbers get the new system's name"
type = "Practitioner"
action = "map"
path = "identifier.system"
table = { "urn:oid:2.16.840.1.113883.19.5.25483.2" = "https://lakeside.example/staff" }
"#;

/// What a rehearsal stands on, dropped in this order: the server stops, then its files go.
type Stage = (RunningSandbox, Scratch);

/// Prepares a rehearsal for the wizard.
pub fn rehearse(args: &DemoArgs) -> Result<Next, Failure> {
    output::say("Making a simulated practice with the manners of eClinicalWorks. Nothing here is a real person.");
    let (storage, plan, stage) = prepare(args)?;
    register(&storage, &plan)?;
    Ok(Next::Wizard(Opened {
        storage,
        rehearsal: Some(Box::new(stage)),
    }))
}

/// Runs the demo without the wizard and gives the exit code.
pub fn demo(args: &DemoArgs) -> Result<u8, Failure> {
    let show = run::show_for(args.json);
    let say = |text: &str| {
        if show == Show::Text {
            output::say(text);
        }
    };
    say("A simulated practice, with the manners of eClinicalWorks. Nothing here is a real person.");
    say(&format!(
        "The new system is in use already: {KNOWN} of the {} patients are known there, and {SEEM_KNOWN} more seem to be.",
        args.patients
    ));
    say(&format!(
        "It knows the practice and its sites, too, and {STAFF} of the people who work there, all under ids of its own."
    ));
    say("The old system has one patient twice.");
    let (storage, plan, stage) = prepare(args)?;
    register(&storage, &plan)?;

    let mut outcome = run::drive(&storage, &plan, RunOptions::default(), show)?;
    if let Outcome::NeedsDecision { conflicts, held } = outcome {
        say(&format!(
            "\n{conflicts} conflicts cannot be settled by a rule, and {held} rows wait for them. In a real migration a person looks;\n\
             the demo says: keep the source's."
        ));
        outcome = decide(&storage, &plan, show)?;
    }
    let (code, text) = run::told(NAME, &outcome);
    if show == Show::Json {
        output::say(&report::json(&storage, &plan)?);
    } else {
        output::say(&format!("\n{}\n{text}", report::text(&storage, &plan)?));
        if let Some(kept) = &args.keep {
            output::say(&format!(
                "\nThe workspace is in {}; its key is the file workspace.key there.",
                kept.display()
            ));
        }
    }
    drop(storage);
    drop(stage);
    Ok(code)
}

/// A workspace, a simulated EHR, and the plan of a migration from it.
fn prepare(args: &DemoArgs) -> Result<(Arc<Storage>, Plan, Stage), Failure> {
    let scratch = tempfile_in(args.keep.as_deref())?;
    let home = scratch.path().join("workspace");
    let key_file = scratch.path().join("workspace.key");
    create_key_file(&key_file)?;
    let storage = Arc::new(Storage::open(Workspace::create(
        &home,
        &Secret::KeyFile(key_file),
        "demo",
    )?)?);
    let practice = Practice::new(args.patients, args.seed);
    let mix = DestinationMix {
        agreeing: KNOWN,
        contradicting: 0,
        unnumbered: SEEM_KNOWN,
    };
    load(&storage, &practice.destination(mix))?;
    load(&storage, &practice.staff(STAFF))?;
    let key = PrivateKey::generate(KeyAlgorithm::Rs384)?;
    keys::save(&storage, NAME, &key)?;
    let group = practice.groups().into_iter().next().map(|g| g.id);
    let sandbox = Sandbox::launch(config(practice, args, &key)?)?;
    let plan = plan(&storage, &sandbox.base_url, group)?;
    Ok((storage, plan, (sandbox, scratch)))
}

/// Adds the migration.
fn register(storage: &Storage, plan: &Plan) -> Result<(), Failure> {
    storage.tables.migrations.put(NAME.as_bytes(), plan)?;
    let kid = keys::load(storage, plan)?.public().kid.clone();
    let added = Event::MigrationAdded {
        preset: plan.preset.clone(),
        base_url: plan.base_url.clone(),
    };
    storage.journal.append(NAME, &added)?;
    storage.journal.append(NAME, &Event::KeyCreated { kid })?;
    Ok(storage.workspace.ledger().durable()?)
}

/// What a person does with conflicts that no policy settles: decides each, and has everything verified again.
fn decide(storage: &Arc<Storage>, plan: &Plan, show: Show) -> Result<Outcome, Failure> {
    let conflicts = open_conflicts(storage, plan)?;
    let choice = Choice::Outright(Resolution::KeepSource);
    run::command(
        storage,
        plan,
        Command::Resolve {
            conflicts,
            choice,
            who: crate::store::operator().into(),
        },
        show,
    )?;
    match run::command(storage, plan, Command::Verify, show)? {
        Answer::Verified(v) if !v.clean() => Ok(Outcome::Mismatch {
            findings: v.total_findings,
        }),
        _ => Ok(Outcome::Done),
    }
}

fn open_conflicts(storage: &Storage, plan: &Plan) -> Result<Vec<String>, Failure> {
    let mut open = Vec::new();
    for item in storage.tables.conflicts.scan_prefix(&migration_key(&plan.id, &[])) {
        let conflict = item?.1.conflict;
        if conflict.open() {
            open.push(conflict.id);
        }
    }
    Ok(open)
}

fn config(practice: Practice, args: &DemoArgs, key: &PrivateKey) -> Result<SandboxConfig, Failure> {
    let jwks = keys::jwks(key);
    let jwks = serde_json::from_str(&jwks)
        .map_err(|e| Failure::failed(&format!("cannot register the demo's key: {e}"), None))?;
    let client = Client {
        id: CLIENT.to_owned(),
        secret: None,
        keys: Keys::Inline(jwks),
        scope: None,
    };
    let mut config = SandboxConfig::new(Arc::new(RegisteredTwice::new(practice, args.patients / 2)))
        .flavour(&ECW)
        .client(client)
        .polls(2, Some(1));
    for fault in ["malformed-lines", "mistyped-lines", "error-file"] {
        config = config.fault(fault.parse::<Fault>()?);
    }
    config.seed = args.seed;
    config.patients = Some(args.patients);
    Ok(config)
}

fn plan(storage: &Storage, base_url: &str, group: Option<String>) -> Result<Plan, Failure> {
    let preset = Preset::load("eclinicalworks", Some(&storage.workspace.presets_dir()))?;
    Ok(Plan {
        name: "Lakeside Family Medicine (simulated)".to_owned(),
        preset: preset.id.clone(),
        client_id: Some(CLIENT.to_owned()),
        group,
        types: preset.export.types.clone(),
        requests_per_minute: preset.rate.requests_per_minute,
        on_conflict: Policy::NewerWins,
        on_conflict_of: [("Practitioner".to_owned(), Policy::KeepTarget)].into(),
        transforms: read_transforms(TRANSFORMS).map_err(|error| Failure::failed(&error.to_string(), error.hint()))?,
        created: jiff::Timestamp::now().to_string(),
        poll_floor_s: 1,
        ..Plan::new(NAME, base_url)
    })
}

/// Loads what the new system holds before the migration.
fn load(storage: &Arc<Storage>, destination: &dyn Dataset) -> Result<(), Failure> {
    let files: Vec<Import> = destination
        .types()
        .into_iter()
        .map(|(resource_type, count)| {
            let mut bytes = Vec::new();
            for line in destination.lines(&resource_type, 0..count) {
                bytes.extend_from_slice(&line);
                bytes.push(b'\n');
            }
            let bytes: Box<dyn Read + Send> = Box::new(std::io::Cursor::new(bytes));
            Import {
                name: format!("{resource_type}.ndjson"),
                resource_type: Some(resource_type),
                bytes,
            }
        })
        .collect();
    let runtime = tokio::runtime::Runtime::new().map_err(|e| Failure::failed(&format!("cannot start: {e}"), None))?;
    let (snapshot, _unwatched) = tokio::sync::watch::channel(Snapshot::default());
    runtime.block_on(engine::import(storage, NAME, files.into_iter(), snapshot))?;
    Ok(())
}

/// A folder that is removed with everything in it, unless it is to be kept.
enum Scratch {
    Kept(std::path::PathBuf),
    Removed(std::path::PathBuf),
}

impl Scratch {
    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) | Self::Removed(path) => path,
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Self::Removed(path) = self {
            // Synthetic data in the system's folder for temporary files: nothing is lost if it stays.
            let _ = std::fs::remove_dir_all(path);
        }
    }
}

fn tempfile_in(keep: Option<&Path>) -> Result<Scratch, Failure> {
    let path = match keep {
        Some(path) => path.to_owned(),
        None => std::env::temp_dir().join(format!("cutover-demo-{}", std::process::id())),
    };
    crate::store::create_folder(&path)?;
    Ok(match keep {
        Some(_) => Scratch::Kept(path),
        None => Scratch::Removed(path),
    })
}
