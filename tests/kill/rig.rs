//! A practice in files, a simulated EHR that serves them, and a workspace whose destination is already in use.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufWriter, Cursor, Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use cutover::engine::{Import, Snapshot, import};
use cutover::fhir;
use cutover::migration::{AuthMethod, ExportLevel, Plan, Policy, read_transforms};
use cutover::sandbox::practice::{Destination, DestinationMix, Practice};
use cutover::sandbox::{Dataset, Fault, Folder, RunningSandbox, Sandbox, SandboxConfig};
use cutover::store::{Secret, Storage, Workspace, create_key_file};
use tempfile::TempDir;

/// The migration's name.
pub const NAME: &str = "kill";
/// What is changed in records on their way.
const TRANSFORMS: &str =
    "[[transform]]\ntype = 'Patient, Encounter, Practitioner'\naction = 'set'\npath = 'language'\nvalue = 'en-US'";
/// Records that name documents; few, for each document is a request of its own.
const DOCUMENTED: usize = 60;
const WITH_DOCUMENTS: [&str; 4] = ["DocumentReference", "DiagnosticReport", "Patient", "Practitioner"];

/// Random numbers that are the same in every run (splitmix64).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

pub struct Rig {
    pub folder: TempDir,
    pub sandbox: RunningSandbox,
    pub bytes: u64,
    /// What the destination has before anything comes, by type.
    pub own: Vec<(String, Vec<Vec<u8>>)>,
    /// The types that are asked for.
    types: Vec<String>,
}

impl Rig {
    pub fn new(gzip: bool, bytes: u64) -> Self {
        let probe = tempfile::tempdir().unwrap();
        let probe = write(&Practice::new(40, 7), probe.path());
        Self::of((40 * bytes / probe).max(100), gzip)
    }

    /// With so many patients.
    pub fn of(patients: u64, gzip: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        fs::create_dir(&data).unwrap();
        let practice = Practice::new(patients, 7);
        let bytes = write(&practice, &data);
        let dataset = Folder::open(&data).unwrap();
        // Binaries are left to be fetched one by one, as the documents that records name.
        let types = dataset.types().into_iter().map(|(name, _)| name);
        let types: Vec<String> = types.filter(|name| name != "Binary").collect();
        let lines: u64 = dataset.types().iter().map(|(_, lines)| lines).sum();
        let mut config = SandboxConfig::new(Arc::new(dataset))
            .polls(1, Some(0))
            .fault(Fault::MalformedLines(3))
            .lines_per_file((lines / 30).max(200));
        config.open = true;
        config.gzip = gzip;
        let sandbox = Sandbox::launch(config).unwrap();
        let rig = Self {
            folder,
            sandbox,
            bytes,
            own: own(&practice),
            types,
        };
        rig.template();
        rig
    }

    /// The workspace that all migrations begin with: same keys, same patients at the destination.
    fn template(&self) {
        create_key_file(&self.key()).unwrap();
        let storage = self.begin(&self.folder.path().join("template"));
        let files = self.own.iter().map(|(resource_type, lines)| {
            let bytes: Box<dyn Read + Send> = Box::new(Cursor::new([lines.join(&b'\n'), b"\n".to_vec()].concat()));
            Import {
                name: format!("{resource_type}.ndjson"),
                resource_type: Some(resource_type.clone()),
                bytes,
            }
        });
        let files: Vec<Import> = files.collect();
        let (snapshot, _unwatched) = tokio::sync::watch::channel(Snapshot::default());
        tokio::runtime::Runtime::new()
            .unwrap()
            .block_on(import(&storage, NAME, files.into_iter(), snapshot))
            .unwrap();
        storage.workspace.ledger().durable().unwrap();
    }

    /// A workspace with a migration and no record.
    pub fn begin(&self, home: &Path) -> Arc<Storage> {
        let secret = Secret::KeyFile(self.key());
        let storage = Arc::new(Storage::open(Workspace::create(home, &secret, "test").unwrap()).unwrap());
        let plan = Plan {
            auth: AuthMethod::None,
            level: ExportLevel::System,
            types: self.types.clone(),
            poll_floor_s: 0,
            on_conflict: Policy::Ask,
            on_conflict_of: ["Organization", "Location", "Practitioner"]
                .map(|name| (name.to_owned(), Policy::KeepTarget))
                .into(),
            transforms: read_transforms(TRANSFORMS).unwrap(),
            ..Plan::new(NAME, &self.sandbox.base_url)
        };
        storage.tables.migrations.put(NAME.as_bytes(), &plan).unwrap();
        storage.workspace.ledger().durable().unwrap();
        storage
    }

    fn key(&self) -> PathBuf {
        self.folder.path().join("key")
    }

    pub fn copy_template(&self, name: &str) -> PathBuf {
        self.copy(&self.folder.path().join("template"), name)
    }

    /// A copy of a workspace beside it.
    pub fn copy(&self, from: &Path, name: &str) -> PathBuf {
        let home = self.folder.path().join(name);
        copy(from, &home);
        home
    }

    pub fn open(&self, home: &Path) -> Arc<Storage> {
        open(home, self.key())
    }

    /// The command under test, the same every time.
    pub fn run(&self, home: &Path) -> Command {
        self.command(home, &["run", NAME, "--json"])
    }

    pub fn command(&self, home: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cutover"));
        command.args(arguments).arg("--key-file").arg(self.key());
        command.arg("--home").arg(home);
        command
    }
}

/// Opens the workspace `home`, whose key file lies beside it.
pub fn open(home: &Path, key: PathBuf) -> Arc<Storage> {
    Arc::new(Storage::open(Workspace::open(home, &Secret::KeyFile(key), "test").unwrap()).unwrap())
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    let mode = fs::metadata(from).unwrap().permissions();
    fs::set_permissions(to, mode).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// What the destination has of its own: staff and patients, some of them the source's, by type.
fn own(practice: &Practice) -> Vec<(String, Vec<Vec<u8>>)> {
    let patients = practice.destination(DestinationMix {
        agreeing: 24,
        contradicting: 12,
        unnumbered: 8,
    });
    let lines = |of: &Destination| {
        let types = of.types().into_iter();
        types
            .map(|(name, count)| {
                let lines = of.lines(&name, 0..count).map(|line| plain(&line)).collect();
                (name, lines)
            })
            .collect::<Vec<_>>()
    };
    [lines(&practice.staff(8)), lines(&patients)].concat()
}

/// A line with references as an EHR has them that writes them relative.
fn plain(line: &[u8]) -> Vec<u8> {
    String::from_utf8(line.to_vec())
        .unwrap()
        .replace("{base}/", "")
        .into_bytes()
}

/// Writes a practice, a file a type; of the documents only those that are named. Gives the bytes of what is exported.
fn write(practice: &Practice, folder: &Path) -> u64 {
    let mut bytes = 0;
    let mut named = HashSet::new();
    for (resource_type, count) in practice.types() {
        if resource_type == "Binary" {
            continue;
        }
        let documented = resource_type == "DocumentReference";
        let count = if documented {
            count.min(DOCUMENTED as u64)
        } else {
            count
        };
        let mut file = BufWriter::new(File::create(folder.join(format!("{resource_type}.ndjson"))).unwrap());
        for line in practice.lines(&resource_type, 0..count) {
            let line = plain(&line);
            if WITH_DOCUMENTS.contains(&resource_type.as_str()) {
                for found in fhir::attachment_urls(&line) {
                    named.extend(found.text.rsplit_once("Binary/").map(|(_, id)| id.to_owned()));
                }
            }
            file.write_all(&line).unwrap();
            file.write_all(b"\n").unwrap();
            bytes += line.len() as u64 + 1;
        }
    }
    let mut file = BufWriter::new(File::create(folder.join("Binary.ndjson")).unwrap());
    let mut named: Vec<String> = named.into_iter().collect();
    named.sort();
    for id in named {
        if let Some(line) = practice.read("Binary", &id) {
            file.write_all(&plain(&line)).unwrap();
            file.write_all(b"\n").unwrap();
        }
    }
    bytes
}
