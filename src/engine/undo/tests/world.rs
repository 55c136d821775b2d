//! A small destination in use, and a source whose records change from run to run; taken in without a network.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use super::source::{land, observation, patient};
use crate::engine::amend::{Amendment, Line, amend};
use crate::engine::merge::Proposal;
use crate::engine::progress::Snapshot;
use crate::engine::recorder::Recorder;
use crate::engine::resolve::{Choice, resolve};
use crate::engine::reversal::left_out;
use crate::engine::telling::tell;
use crate::engine::undo::{Which, undo};
use crate::engine::verify::{self, Extent};
use crate::engine::{
    EngineError, Import, TakenBack, beginning, import, quarantine_of, rebuild_index, recorded_counts, rollback,
};
use crate::migration::{By, ByType, Conflict, DeletionPolicy, Event, Plan, Policy, Resolution};
use crate::store::{
    Entry, Location, RowId, RunInfo, Secret, Storage, Workspace, create_key_file, migration_key, run_key,
};
use crate::target::EmbeddedStore;

pub const BASE: &str = "https://ehr.example/fhir";
pub const BORN: [&str; 4] = ["1970-01-01", "1962-07-23", "1985-11-09", "1948-04-30"];

/// A workspace whose destination knows three of the source's four patients by their numbers, one of them as somebody else.
pub struct World {
    dir: tempfile::TempDir,
    pub storage: Option<Arc<Storage>>,
    pub plan: Plan,
    /// Every line comes as it should.
    pub whole: bool,
    runtime: tokio::runtime::Runtime,
}

/// What must be the same when nothing happened.
#[derive(Debug, PartialEq, Eq)]
pub struct Standing {
    hash: [u8; 32],
    pub counts: ByType,
    held: u64,
    conflicts: Vec<(String, bool)>,
}

impl World {
    pub fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key = dir.path().join("key");
        create_key_file(&key).unwrap();
        let workspace = Workspace::create(&dir.path().join("home"), &Secret::KeyFile(key), "test").unwrap();
        let plan = Plan {
            on_deleted: DeletionPolicy::Apply,
            ..Plan::new("small", BASE)
        };
        let world = Self {
            dir,
            storage: Some(Arc::new(Storage::open(workspace).unwrap())),
            plan,
            whole: false,
            runtime: tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .unwrap(),
        };
        world.tables_put();
        let known = [
            patient("d0", 0, BORN[0], "it", None),
            patient("d1", 1, "1999-09-09", "it", None),
            patient("d2", 2, BORN[2], "it", None),
        ];
        let theirs = [observation("o3-0", "d0", 2021, 9), observation("own", "d1", 2021, 9)];
        for (name, lines) in [("Patient", known.join("\n")), ("Observation", theirs.join("\n"))] {
            world.import(name, lines);
        }
        world
    }

    /// Loads lines as the destination's own.
    pub fn import(&self, resource_type: &str, lines: String) {
        let file = Import {
            name: resource_type.to_owned(),
            resource_type: Some(resource_type.to_owned()),
            bytes: Box::new(std::io::Cursor::new(lines.into_bytes())),
        };
        let (snapshot, _unwatched) = watch::channel(Snapshot::default());
        let imported = import(self.storage(), &self.plan.tenant, std::iter::once(file), snapshot);
        self.runtime.block_on(imported).unwrap();
    }

    /// One of the stored records with something changed, as the destination's own people might: its type and its line.
    pub fn edited(&self, nth: usize) -> (String, String) {
        let store = EmbeddedStore::new(Arc::clone(self.storage()));
        let entries = store.entries(&self.plan.tenant, None).unwrap();
        let line = |entry: &Entry| String::from_utf8(self.storage().bytes(entry).unwrap()).unwrap();
        let mut all: Vec<(String, String)> = entries.map(|(name, entry)| (name, line(&entry))).collect();
        all.sort_by_key(|(_, line)| line.split(',').nth(1).map(str::to_owned));
        let (name, line) = all.swap_remove(nth % all.len());
        let mut record: serde_json::Value = serde_json::from_str(&line).unwrap();
        record["implicitRules"] = format!("urn:edit:{}", nth % 7).into();
        (name, record.to_string())
    }

    fn tables_put(&self) {
        let storage = self.storage();
        storage
            .tables
            .migrations
            .put(self.plan.id.as_bytes(), &self.plan)
            .unwrap();
        storage.workspace.ledger().durable().unwrap();
    }

    pub fn storage(&self) -> &Arc<Storage> {
        self.storage.as_ref().unwrap()
    }

    fn recorder(&self) -> Recorder {
        let (out, _unread) = mpsc::unbounded_channel();
        Recorder::new(Arc::clone(self.storage()), &self.plan.id, out)
    }

    /// Takes the source in as it is by `bits`, under a policy; with an odd number of bits something was deleted there.
    pub fn run(&mut self, bits: u64, policy: Policy) -> u32 {
        self.plan.on_conflict = policy;
        crate::engine::carry_out::carry_out_pending(self.storage(), &self.plan).unwrap();
        let storage = Arc::clone(self.storage());
        let run = storage.next_run().unwrap();
        let info = RunInfo {
            migration: self.plan.id.clone(),
            tenant: self.plan.tenant.clone(),
            base_url: Some(BASE.to_owned()),
            started: String::new(),
            rolled_back: None,
            rules: Some(self.plan.rules()),
        };
        storage.tables.runs.put(&run_key(run), &info).unwrap();
        let recorder = self.recorder();
        recorder.record(&Event::RunStarted { run, since: None }).unwrap();
        self.runtime
            .block_on(land(&storage, &self.plan, recorder.clone(), run, bits, self.whole));
        recorder.record(&Event::RunCompleted { run }).unwrap();
        run
    }

    pub fn conflicts(&self) -> Vec<Conflict> {
        let rows = self
            .storage()
            .tables
            .conflicts
            .scan_prefix(&migration_key(&self.plan.id, &[]));
        let mut all: Vec<Conflict> = rows.map(|item| item.unwrap().1.conflict).collect();
        // The same in every workspace.
        all.sort_by(|a, b| {
            (&a.source.id, a.run, a.line, &a.target.id).cmp(&(&b.source.id, b.run, b.line, &b.target.id))
        });
        all
    }

    /// Decides a conflict in one of the ways there are; false when another decision says otherwise of who the patient is.
    pub fn decide(&self, conflict: &Conflict, way: u8) -> bool {
        let merge = Choice::Merge(Proposal {
            survivorship: crate::fhir::Survivorship::Union,
            ..Proposal::default()
        });
        let ways = [
            Choice::Outright(Resolution::KeepSource),
            Choice::Outright(Resolution::KeepTarget),
            merge,
            Choice::Outright(Resolution::KeepBoth),
        ];
        let way = &ways[usize::from(way) % if conflict.kind.between_two() { 4 } else { 3 }];
        let ids = vec![conflict.id.clone()];
        let by = By::from("tester".to_owned());
        match resolve(self.storage(), &self.plan, &self.recorder(), ids, way, &by) {
            Ok(_) => true,
            Err(EngineError::NotReady { .. } | EngineError::Merge(_)) => false,
            Err(error) => panic!("{error}"),
        }
    }

    /// Gives one of the rows that nobody has set right yet the end that it came without.
    pub fn amend(&self, which: usize) -> Amendment {
        let rows = quarantine_of(self.storage(), &self.plan).unwrap();
        let open: Vec<RowId> = rows
            .iter()
            .filter(|aside| aside.open())
            .map(|aside| aside.row)
            .collect();
        if open.is_empty() {
            return Amendment::default();
        }
        let row = open[which % open.len()];
        let text = beginning(self.storage(), row, usize::MAX).unwrap().text;
        let by = By {
            why: Some("cut off".to_owned()),
            ..By::from("tester".to_owned())
        };
        let lines = [(row, Line::new(&format!("{text}}}")))];
        amend(self.storage(), &self.plan, &self.recorder(), &lines, &by).unwrap()
    }

    pub fn undo(&self, which: &Which) -> TakenBack {
        let by = By::from("tester".to_owned());
        undo(self.storage(), &self.plan, &self.recorder(), which, &by, false, false).unwrap()
    }

    pub fn roll_back(&self, from: Option<u32>) {
        let by = By::from("tester".to_owned());
        rollback::rollback(self.storage(), &self.plan, &self.recorder(), from, &by, false, false).unwrap();
    }

    pub fn hash(&self) -> [u8; 32] {
        EmbeddedStore::new(Arc::clone(self.storage()))
            .hash(&self.plan.tenant)
            .unwrap()
    }

    pub fn standing(&self) -> Standing {
        let mut counts = recorded_counts(self.storage(), &self.plan.id).unwrap();
        counts.retain(|_, c| c.rows > 0);
        let mut conflicts: Vec<_> = self.conflicts().into_iter().map(|c| (c.id.clone(), c.open())).collect();
        conflicts.sort();
        Standing {
            hash: self.hash(),
            counts,
            held: self.storage().tables.held.count().unwrap(),
            conflicts,
        }
    }

    /// Every row is accounted for, every record is vouched for, and the store agrees with the landing.
    pub fn assert_sound(&self) {
        let storage = self.storage();
        assert_eq!(storage.index.count().unwrap(), storage.vouched().unwrap());
        let found = verify::verify(storage, &self.plan, Extent::All, &mut |_, _| {}, &|| false).unwrap();
        assert!(found.findings.is_empty(), "{:#?}", found.findings);
    }

    /// The store is what its history tells.
    pub fn assert_told(&self) {
        let (storage, tenant) = (self.storage(), &self.plan.tenant);
        let left_out = left_out(storage, tenant).unwrap();
        let told = tell(storage, tenant, Some(&self.plan), &left_out, &mut |_| {}).unwrap();
        assert!(told.groundless.is_empty(), "{:#?}", told.groundless);
        let text = |entry: &Entry| String::from_utf8(storage.bytes(entry).unwrap()).unwrap();
        told.differences(storage, |_, was, is| {
            // The same bytes may be in several places.
            let show = |of: &[Entry]| -> Vec<(Entry, String)> {
                let placeless = |e: &Entry| Entry {
                    location: Location::default(),
                    ..*e
                };
                of.iter().map(|e| (placeless(e), text(e))).collect()
            };
            assert_eq!(show(&was), show(&is), "the store, and what its history tells");
            Ok(())
        })
        .unwrap();
        told.aside.end().unwrap();
    }

    /// Makes the index anew, as another process would.
    pub fn rebuild(&mut self) {
        self.tables_put();
        drop(self.storage.take());
        let secret = Secret::KeyFile(self.dir.path().join("key"));
        let workspace = Workspace::open(&self.dir.path().join("home"), &secret, "test").unwrap();
        let storage = Arc::new(Storage::open_with_new_index(workspace).unwrap());
        rebuild_index(&storage, &mut |_| {}).unwrap();
        self.storage = Some(storage);
    }
}
