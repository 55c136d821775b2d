//! One migration on the bench: a workspace, a simulated EHR, a plan, and everything that can be read back afterwards.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cutover::engine::{
    self, Answer, Choice, Command, EngineError, Import, Outcome, Recorded, RunOptions, Snapshot, TakenBack, Which, keys,
};
use cutover::fhir;
use cutover::migration::{
    AuthMethod, Conflict, Counts, ExportFile, ExportLevel, Plan, Quarantined, Resolution, Verification, total,
};
use cutover::sandbox::practice::Practice;
use cutover::sandbox::{Client, Dataset, Keys, RunningSandbox, Sandbox, SandboxConfig};
use cutover::source::{KeyAlgorithm, PrivateKey};
use cutover::store::{RecordKey, Secret, Storage, Workspace, create_key_file, migration_key};
use cutover::target::EmbeddedStore;

use crate::clock::Impatient;

pub const NAME: &str = "lakeside";
pub const CLIENT: &str = "client";
pub const CLIENT_SECRET: &str = "kareo-client-secret-2f9c1d";

/// Records by `Type/id`.
pub type Records = BTreeMap<String, Vec<u8>>;

pub struct Bench {
    pub dir: tempfile::TempDir,
    pub storage: Option<Arc<Storage>>,
    pub sandbox: RunningSandbox,
    pub dataset: Arc<dyn Dataset>,
    pub plan: Plan,
    pub events: Vec<Recorded>,
}

/// A small practice whose every type fills several files.
pub fn practice() -> Arc<Practice> {
    Arc::new(Practice::new(60, 7))
}

/// The simulated EHR that serves `dataset` in files of at most 400 lines.
pub fn config(dataset: Arc<dyn Dataset>) -> SandboxConfig {
    let mut config = SandboxConfig::new(dataset).lines_per_file(400);
    // The flavours' own limits are by a clock that does not jump.
    config.rate_limit = Some(None);
    config
}

/// One key for all tests: making an RSA key takes longer than a migration.
pub fn key() -> &'static PrivateKey {
    static KEY: OnceLock<PrivateKey> = OnceLock::new();
    KEY.get_or_init(|| PrivateKey::generate(KeyAlgorithm::Rs384).expect("a key"))
}

impl Bench {
    pub async fn new(config: SandboxConfig) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let key_file = dir.path().join("workspace.key");
        create_key_file(&key_file).expect("a key file");
        let secret = Secret::KeyFile(key_file);
        let workspace = Workspace::create(&dir.path().join("workspace"), &secret, "test").expect("a workspace");
        let storage = Arc::new(Storage::open(workspace).expect("a store"));
        keys::save(&storage, NAME, key()).expect("a saved key");
        let dataset = Arc::clone(&config.dataset);
        let secrets = config.flavour.secrets;
        let sandbox = Sandbox::start(config).await.expect("a sandbox");
        register(&sandbox, secrets);
        let plan = Plan {
            client_id: Some(CLIENT.to_owned()),
            auth: if secrets {
                AuthMethod::ClientSecretBasic
            } else {
                AuthMethod::PrivateKeyJwt
            },
            level: ExportLevel::System,
            poll_floor_s: 1,
            ..Plan::new(NAME, &sandbox.base_url)
        };
        let secret = cutover::migration::Secrets {
            client_secret: secrets.then(|| CLIENT_SECRET.to_owned()),
            ..cutover::migration::Secrets::default()
        };
        storage
            .tables
            .secrets
            .put(NAME.as_bytes(), &secret)
            .expect("saved secrets");
        Self {
            dir,
            storage: Some(storage),
            sandbox,
            dataset,
            plan,
            events: Vec::new(),
        }
    }

    pub fn workspace(&self) -> PathBuf {
        self.dir.path().join("workspace")
    }

    pub fn storage(&self) -> &Arc<Storage> {
        self.storage.as_ref().expect("an open store")
    }

    /// Closes the store and opens it again, as the next process would.
    pub fn reopen(&mut self) {
        let storage = self.storage.take().expect("an open store");
        assert!(Arc::into_inner(storage).is_some(), "nobody else holds the store");
        let secret = Secret::KeyFile(self.dir.path().join("workspace.key"));
        let workspace = Workspace::open(&self.workspace(), &secret, "test").expect("the workspace");
        self.storage = Some(Arc::new(Storage::open(workspace).expect("the store")));
    }

    /// The same EHR with other data or other manners, at the same address.
    pub async fn serve(&mut self, mut config: SandboxConfig) {
        let port = url::Url::parse(&self.sandbox.base_url).expect("a URL").port();
        config.port = port.expect("a port");
        let stand_in = Sandbox::start(self::config(Arc::clone(&config.dataset))).await;
        drop(std::mem::replace(&mut self.sandbox, stand_in.expect("a sandbox")));
        self.dataset = Arc::clone(&config.dataset);
        let secrets = config.flavour.secrets;
        let started = async {
            loop {
                match Sandbox::start(config.clone()).await {
                    Ok(sandbox) => return sandbox,
                    // The former one is still letting go of the port.
                    Err(_) => tokio::task::yield_now().await,
                }
            }
        };
        self.sandbox = tokio::time::timeout(Duration::from_secs(20), started)
            .await
            .expect("the port is free again");
        register(&self.sandbox, secrets);
    }

    /// Loads the destination's own records.
    pub async fn load(&self, records: &dyn Dataset) {
        let files: Vec<Import> = records
            .types()
            .into_iter()
            .map(|(resource_type, count)| {
                let lines: Vec<Vec<u8>> = records.lines(&resource_type, 0..count).collect();
                import(&resource_type, &lines)
            })
            .collect();
        self.import(files).await;
    }

    pub async fn import(&self, files: Vec<Import>) {
        let (snapshot, _unwatched) = tokio::sync::watch::channel(Snapshot::default());
        engine::import(self.storage(), NAME, files.into_iter(), snapshot)
            .await
            .expect("imported");
    }

    pub async fn command(&mut self, command: Command) -> Result<Answer, EngineError> {
        let clock = Arc::new(Impatient::new());
        let mut running = engine::start_by(self.storage(), self.plan.clone(), command, clock);
        let events = &mut self.events;
        let done = async {
            while let Some(event) = running.events.recv().await {
                events.push(event);
            }
            running.answer.await.expect("an answer")
        };
        tokio::time::timeout(Duration::from_secs(100), done)
            .await
            .expect("nothing hangs")
    }

    /// Starts a command, and stops it when `stop` is over.
    pub async fn stopped(&mut self, command: Command, stop: impl Future<Output = ()>) -> Result<Answer, EngineError> {
        let clock = Arc::new(Impatient::new());
        let mut running = engine::start_by(self.storage(), self.plan.clone(), command, clock);
        tokio::select! {
            answer = &mut running.answer => return answer.expect("an answer"),
            () = stop => running.cancel.cancel(),
        }
        running.answer.await.expect("an answer")
    }

    pub async fn try_run(&mut self, options: RunOptions) -> Result<Outcome, EngineError> {
        match self.command(Command::Run(options)).await? {
            Answer::Run(outcome) => Ok(outcome),
            other => panic!("{other:?}"),
        }
    }

    pub async fn run(&mut self) -> Outcome {
        let outcome = self.try_run(RunOptions::default()).await.expect("a run");
        if let Outcome::Mismatch { .. } = outcome {
            panic!("{:#?}", self.verification());
        }
        outcome
    }

    /// Exports anew, whatever is open.
    pub async fn run_again(&mut self) -> Outcome {
        self.try_run(RunOptions::anew()).await.expect("a run")
    }

    /// Runs to the end and expects that nothing is left to do.
    pub async fn done(&mut self) {
        assert_eq!(self.run().await, Outcome::Done);
    }

    pub async fn verify(&mut self) -> Verification {
        match self.command(Command::Verify).await.expect("a verification") {
            Answer::Verified(verification) => *verification,
            other => panic!("{other:?}"),
        }
    }

    pub async fn resolve(&mut self, conflict: &str, choice: Choice) -> Option<Resolution> {
        let command = Command::Resolve {
            conflicts: vec![conflict.to_owned()],
            choice,
            who: "tester".to_owned().into(),
        };
        match self.command(command).await.expect("a resolution") {
            Answer::Resolved(decided) => decided[0].1,
            other => panic!("{other:?}"),
        }
    }

    /// Takes decisions back.
    pub async fn undo(&mut self, which: Which) -> TakenBack {
        let command = Command::Undo {
            which,
            who: "tester".to_owned().into(),
            force: false,
            dry_run: false,
        };
        match self.command(command).await.expect("an undo") {
            Answer::TakenBack(taken) => *taken,
            other => panic!("{other:?}"),
        }
    }

    /// Takes runs back.
    pub async fn rollback(&mut self, from: Option<u32>, force: bool, dry_run: bool) -> TakenBack {
        let command = Command::Rollback {
            from,
            who: "tester".to_owned().into(),
            force,
            dry_run,
        };
        match self.command(command).await.expect("a rollback") {
            Answer::TakenBack(taken) => *taken,
            other => panic!("{other:?}"),
        }
    }

    /// Closes the store and makes its index anew.
    pub fn rebuild(&mut self) {
        let plans = &self.storage().tables.migrations;
        plans.put(NAME.as_bytes(), &self.plan).expect("a plan");
        self.storage().workspace.ledger().durable().expect("durable");
        let storage = self.storage.take().expect("an open store");
        assert!(Arc::into_inner(storage).is_some(), "nobody else holds the store");
        let secret = Secret::KeyFile(self.dir.path().join("workspace.key"));
        let workspace = Workspace::open(&self.workspace(), &secret, "test").expect("the workspace");
        let storage = Arc::new(Storage::open_with_new_index(workspace).expect("the store"));
        engine::rebuild_index(&storage, &mut |_| {}).expect("a new index");
        self.storage = Some(storage);
        self.assert_vouched();
    }

    /// The index has as many records as are vouched for.
    pub fn assert_vouched(&self) {
        let storage = self.storage();
        assert_eq!(storage.index.count().unwrap(), storage.vouched().unwrap());
    }

    /// The hash of the whole store.
    pub fn hash(&self) -> [u8; 32] {
        EmbeddedStore::new(Arc::clone(self.storage()))
            .hash(NAME)
            .expect("a hash")
    }

    pub fn verification(&self) -> Verification {
        let stored = self.storage().tables.verifications.get(NAME.as_bytes());
        stored.expect("a ledger").expect("a verification")
    }

    /// Every line that the source holds of the types asked for, by `Type/id`, with the server's base put in.
    pub fn source(&self) -> Records {
        let mut records = Records::new();
        for (resource_type, count) in self.dataset.types() {
            if !self.plan.types.is_empty() && !self.plan.types.contains(&resource_type) {
                continue;
            }
            for line in self.dataset.lines(&resource_type, 0..count) {
                let line = String::from_utf8(line).expect("UTF-8");
                let line = line.replace("{base}", &self.sandbox.base_url).into_bytes();
                let scan = fhir::scan(&line).expect("a record");
                let name = format!("{resource_type}/{}", scan.id);
                assert!(records.insert(name, line.clone()).is_none());
            }
        }
        records
    }

    /// Every record of the store as exported.
    pub fn exported(&self) -> Records {
        let store = EmbeddedStore::new(Arc::clone(self.storage()));
        let mut records = Records::new();
        for item in store.records(NAME, None).expect("an index") {
            let (resource_type, line) = item.expect("a record");
            let id = fhir::scan(&line).expect("a readable record").id.to_owned();
            let name = format!("{resource_type}/{id}");
            assert!(records.insert(name.clone(), line).is_none(), "{name} is there twice");
        }
        let counted: u64 = store.count(NAME).expect("counts").values().sum();
        assert_eq!(counted, records.len() as u64, "the index counts what it gives");
        records
    }

    /// Every record of the store without what the migration adds.
    pub fn stored(&self) -> Records {
        let base = Some(self.plan.base_url.as_str());
        let unstamped = |(name, line): (String, Vec<u8>)| (name, fhir::unstamp(&line, NAME, base));
        self.exported().into_iter().map(unstamped).collect()
    }

    /// The index as it stands: every entry with its key, deleted ones too.
    pub fn index(&self) -> Vec<(RecordKey, cutover::store::Entry)> {
        self.storage()
            .index
            .scan(&[])
            .collect::<Result<_, _>>()
            .expect("an index")
    }

    /// All rows by what became of them, each type's equation checked.
    pub fn counts(&self) -> Counts {
        let counts = engine::recorded_counts(self.storage(), NAME).expect("counts");
        for (resource_type, counts) in &counts {
            assert!(counts.balanced(), "{resource_type}: {counts:?}");
        }
        total(&counts)
    }

    /// The same for the last run alone, as its rows were taken in.
    pub fn last_counts(&self) -> Counts {
        let runs = engine::runs_of(self.storage(), NAME).expect("runs");
        let counts = engine::run_counts(self.storage(), *runs.last().expect("a run")).expect("counts");
        total(&counts)
    }

    pub fn quarantine(&self) -> Vec<(Quarantined, Vec<u8>)> {
        let storage = self.storage();
        let rows = storage.tables.quarantine.iter();
        rows.map(|item| {
            let row = item.expect("a row").1;
            let bytes = storage.segments.read(&row.location).expect("its bytes");
            (row.what, bytes)
        })
        .collect()
    }

    pub fn conflicts(&self) -> Vec<Conflict> {
        let rows = self.storage().tables.conflicts.scan_prefix(&migration_key(NAME, &[]));
        rows.map(|item| item.expect("a row").1.conflict).collect()
    }

    pub fn files(&self) -> Vec<ExportFile> {
        let runs = engine::runs_of(self.storage(), NAME).expect("runs");
        self.storage().files(*runs.last().expect("a run")).expect("files")
    }

    pub fn held(&self) -> usize {
        self.storage().tables.held.iter().count()
    }

    /// Rows that wait for this patient of the source.
    pub fn held_for(&self, patient: &str) -> usize {
        let storage = self.storage();
        let tenant = storage.names.tenant(NAME).expect("a tenant");
        let prefix = [&tenant.to_be_bytes()[..], &storage.id_hash(patient)].concat();
        storage.tables.held.scan_prefix(&prefix).count()
    }

    /// The store holds exactly what the source holds, to the byte, and every row is accounted for.
    pub fn assert_faithful(&self) {
        let (source, stored) = (self.source(), self.stored());
        assert_eq!(differing(&source, &stored), Vec::<String>::new());
        let base = Some(self.plan.base_url.as_str());
        for (name, line) in self.exported() {
            let (read, there) = (
                fhir::canonical_hash(&line, base),
                fhir::canonical_hash(&source[&name], base),
            );
            assert_eq!(read.ok(), there.ok(), "{name}");
        }
        self.assert_discreet();
    }

    /// Nothing was told to anybody who should not know.
    pub fn assert_discreet(&self) {
        assert_eq!(
            self.sandbox.stats().authorization_on_second_origin,
            0,
            "the token leaked"
        );
    }
}

/// Names of the first records that are on one side only or not the same to the byte.
pub fn differing(a: &Records, b: &Records) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let differs = |name: &&String| a.get(*name) != b.get(*name);
    names.into_iter().filter(differs).take(12).cloned().collect()
}

/// A file of the destination's own records.
pub fn import(resource_type: &str, lines: &[Vec<u8>]) -> Import {
    let mut bytes = lines.join(&b'\n');
    bytes.push(b'\n');
    let bytes: Box<dyn Read + Send> = Box::new(std::io::Cursor::new(bytes));
    Import {
        name: format!("{resource_type}.ndjson"),
        resource_type: Some(resource_type.to_owned()),
        bytes,
    }
}

fn register(sandbox: &RunningSandbox, secrets: bool) {
    let jwks = serde_json::from_str(&keys::jwks(key())).expect("a key set");
    sandbox.register(Client {
        id: CLIENT.to_owned(),
        secret: secrets.then(|| CLIENT_SECRET.to_owned()),
        keys: if secrets { Keys::None } else { Keys::Inline(jwks) },
        scope: None,
    });
}
