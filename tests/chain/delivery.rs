//! A FHIR server as the destination: simulated servers of several manners and with every fault, written to, read back, and given back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use cutover::engine::destination::{Proof, problems, save_destination};
use cutover::engine::{Answer, Choice, Command, EngineError, Outcome, RunOptions};
use cutover::fhir;
use cutover::migration::{Conflict, DeliveryCounts, Destination, Keep, Policy, Resolution, ServerKind};
use cutover::sandbox::Dataset;
use cutover::sandbox::destination::{
    self, Content, DestinationConfig, GENERIC, HAPI, MEDPLUM, Manners, RunningDestination, THROTTLED,
};
use cutover::sandbox::practice::{DestinationMix, Practice};
use cutover::store::migration_key;
use serde_json::Value;

use crate::bench::{Bench, NAME, config, practice};
use crate::delivery_inside::{inside, put_in};

/// A migration with a server to be delivered to.
pub struct Rig {
    pub bench: Bench,
    pub server: RunningDestination,
}

impl Rig {
    pub async fn start(practice: Arc<dyn Dataset>, config: DestinationConfig, kind: ServerKind) -> Self {
        let bench = Bench::new(self::config(practice)).await;
        let server = destination::Destination::start(config).await.expect("a server");
        let destination = Destination {
            kind,
            ..Destination::new(&server.base_url)
        };
        save_destination(bench.storage(), &bench.plan, &destination, None).expect("saved");
        Self { bench, server }
    }

    /// With the practice's records in the store.
    pub async fn with(config: DestinationConfig, kind: ServerKind) -> Self {
        let mut rig = Self::start(Arc::new(Practice::new(9, 7)), config, kind).await;
        rig.bench.done().await;
        rig
    }

    pub async fn deliver(&mut self, force: bool) -> DeliveryCounts {
        match self
            .bench
            .command(Command::Deliver { force })
            .await
            .expect("a delivery")
        {
            Answer::Delivered(counts) => counts,
            other => panic!("{other:?}"),
        }
    }

    pub async fn prove(&mut self) -> Proof {
        match self.bench.command(Command::Prove).await.expect("a proof") {
            Answer::Proven(proof) => *proof,
            other => panic!("{other:?}"),
        }
    }

    /// Settles conflicts with the server.
    pub async fn agree(&mut self, records: &[&String], keep: Keep) -> Result<Answer, EngineError> {
        let command = Command::Agree {
            records: records.iter().map(|name| (*name).clone()).collect(),
            keep,
            who: "tester".to_owned().into(),
        };
        self.bench.command(command).await
    }

    /// A new server in place of the one before, of which the ledger knows nothing any more.
    pub async fn at(&mut self, config: DestinationConfig, destination: Destination) {
        self.server = destination::Destination::start(config).await.expect("a server");
        let destination = Destination {
            base_url: self.server.base_url.clone(),
            ..destination
        };
        let storage = self.bench.storage();
        storage.deliveries.clear().expect("forgotten");
        save_destination(storage, &self.bench.plan, &destination, None).expect("saved");
    }

    /// The server as the ledger knows it.
    pub fn destination(&self) -> Destination {
        let known = self.bench.storage().tables.destinations.get(NAME.as_bytes());
        known.expect("a ledger").expect("a destination")
    }

    pub fn problems(&self) -> BTreeSet<String> {
        let found = problems(self.bench.storage(), &self.bench.plan).expect("problems");
        found
            .into_iter()
            .map(|p| format!("{}/{}", p.resource_type, p.id))
            .collect()
    }

    pub fn places(&self) -> BTreeMap<String, String> {
        places(&self.bench)
    }

    /// Everything of the store is at the server exactly once, and says the same there, with every reference leading where it led.
    pub fn assert_there(&self) -> Content {
        let (content, mut places) = (self.server.content(), self.places());
        let inside = inside(&self.bench);
        places.retain(|name, _| !inside.contains_key(name));
        let taken: BTreeSet<&String> = places.values().collect();
        assert_eq!(content.records.keys().collect::<BTreeSet<_>>(), taken);
        for (name, line) in self.bench.exported() {
            if inside.contains_key(&name) {
                continue;
            }
            let base = Some(self.bench.plan.base_url.as_str());
            let mut whole: Value = serde_json::from_slice(&line).expect("JSON");
            put_in(&mut whole, &inside, base);
            let line = whole.to_string().into_bytes();
            let moved =
                fhir::rewrite(&line, base, |kind, id| places.get(&format!("{kind}/{id}")).cloned()).unwrap_or(line);
            let mut there = content.records[&places[&name]].clone();
            if let Some(identifiers) = there.get_mut("identifier").and_then(Value::as_array_mut) {
                identifiers.retain(|identifier| identifier["system"] != SOURCE_ID);
                if identifiers.is_empty() {
                    there.as_object_mut().expect("an object").remove("identifier");
                }
            }
            let hash = |record: &Value| {
                let text = plain(record).to_string();
                fhir::canonical_hash(&fhir::plain_numbers(text.as_bytes()), base).expect("a record")
            };
            let ours: Value = serde_json::from_slice(&moved).expect("JSON");
            assert_eq!(hash(&there), hash(&ours), "{name}");
        }
        content
    }
}

/// System of the identifier that finds a record at a server that names it itself.
const SOURCE_ID: &str = "https://cutover.dev/fhir/source-id";

/// The id at the server of every record of the store, by `Type/id`.
pub fn places(bench: &Bench) -> BTreeMap<String, String> {
    let storage = bench.storage();
    let tenant = storage.names.tenant(NAME).expect("a tenant");
    let place = |name: &String| {
        let (kind, id) = name.split_once('/').expect("a name");
        let key = storage.key(tenant, kind, id).expect("a key");
        let known = storage
            .deliveries
            .get(&migration_key(NAME, key.as_bytes()))
            .expect("the ledger");
        (
            name.clone(),
            known.map_or_else(|| name.clone(), |known| format!("{kind}/{}", known.id)),
        )
    };
    bench.exported().keys().map(place).collect()
}

pub fn kind(manners: &Manners) -> ServerKind {
    match manners.name {
        "hapi" => ServerKind::Hapi,
        "medplum" => ServerKind::Medplum,
        _ => ServerKind::Generic,
    }
}

/// A record without what each server says by itself.
fn plain(record: &Value) -> Value {
    let mut record = record.clone();
    if let Some(meta) = record.get_mut("meta").and_then(Value::as_object_mut) {
        meta.retain(|name, _| matches!(name.as_str(), "profile" | "security" | "tag"));
    }
    record
}

/// Into an empty server, once more, and out again.
async fn there_and_back(config: DestinationConfig) {
    let manners = config.manners;
    let mut rig = Rig::with(config, kind(&manners)).await;
    let rows = rig.bench.exported().len() as u64;
    let counts = rig.deliver(false).await;
    assert_eq!(
        (counts.refused, counts.conflicts),
        (0, 0),
        "{counts:?} {:#?}",
        problems(rig.bench.storage(), &rig.bench.plan).map(|p| p.into_iter().take(5).collect::<Vec<_>>())
    );
    assert_eq!(counts.created + counts.found + counts.inside, rows, "{counts:?}");
    // A server that finds no document by a search gets them inside of others.
    assert_eq!(counts.inside > 0, !manners.unsearched.is_empty(), "{counts:?}");
    let content = rig.assert_there();
    assert!(!content.records.is_empty());
    let proof = rig.prove().await;
    assert!(proof.clean() && proof.compared + proof.inside == rows, "{proof:?}");

    let again = rig.deliver(false).await;
    assert_eq!(
        (again.unchanged + again.inside, again.total()),
        (rows, rows),
        "{again:?}"
    );
    assert_eq!(rig.server.content().versions_written, content.versions_written);

    rig.bench.rollback(None, false, false).await;
    let there = rows - counts.inside;
    assert_eq!(rig.prove().await.undelivered, there, "all of it is still there");
    let back = rig.deliver(false).await;
    let left = rig.server.content();
    assert_eq!(back.removed, there, "{back:?} {:?}", left.records.keys());
    // Patients of it refer to each other, which a server that removes nothing that is referred to must be led out of.
    assert!(left.records.is_empty(), "{back:?} {:?}", left.records.keys());
    assert_eq!(back.refused, 0, "{back:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn into_a_server_that_takes_everything() {
    there_and_back(DestinationConfig::new(&GENERIC)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn into_a_server_with_the_manners_of_hapi() {
    there_and_back(DestinationConfig::new(&HAPI)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn into_a_server_that_names_its_records_itself() {
    there_and_back(DestinationConfig::new(&MEDPLUM).points(u64::MAX, Duration::from_secs(60))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn into_a_server_that_counts_points() {
    there_and_back(DestinationConfig::new(&MEDPLUM).points(20_000, Duration::from_millis(10))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn into_a_server_that_counts_requests() {
    there_and_back(DestinationConfig::new(&THROTTLED).requests(20, Duration::from_millis(10))).await;
}

/// A server in use: its patients are recognised, conflicts decided as ever, nobody's edit is written over, and all of it is given back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_in_use_gets_the_practice_and_is_given_back_as_it_was() {
    let mix = DestinationMix {
        agreeing: 6,
        contradicting: 4,
        unnumbered: 0,
    };
    let own = Arc::new(Practice::destination(&practice(), mix));
    let mut rig = Rig::start(
        practice(),
        DestinationConfig::new(&GENERIC).dataset(own),
        ServerKind::Generic,
    )
    .await;
    let before = rig.server.content();
    let pulled = rig.bench.command(Command::Pull).await;
    assert!(matches!(pulled, Ok(Answer::Pulled(_))), "{pulled:?}");
    assert_eq!(rig.bench.exported().len(), before.records.len());
    rig.bench.plan.on_conflict = Policy::NewerWins;
    let outcome = rig.bench.run().await;
    assert!(matches!(outcome, Outcome::NeedsDecision { .. }), "{outcome:?}");
    // Delivered as far as it is decided; what waits is not there.
    let early = rig.deliver(false).await;
    assert!(early.clean() && early.created > 0 && early.updated > 0, "{early:?}");
    for conflict in rig.bench.conflicts().into_iter().filter(Conflict::open) {
        rig.bench
            .resolve(&conflict.id, Choice::Outright(Resolution::KeepBoth))
            .await;
    }
    assert!(rig.deliver(false).await.clean());
    let proof = rig.prove().await;
    assert!(proof.clean(), "{proof:?}");
    rig.assert_there();

    // Somebody at the practice corrects two records; a rollback leaves those alone, and says so.
    let content = rig.server.content();
    let ours: Vec<&String> = content
        .records
        .keys()
        .filter(|name| !before.records.contains_key(*name))
        .collect();
    let edited: BTreeSet<String> = ours
        .iter()
        .filter(|name| name.starts_with("Condition/"))
        .take(2)
        .map(|name| (*name).clone())
        .collect();
    assert_eq!(edited.len(), 2);
    for name in &edited {
        let mut record = content.records[name].clone();
        record["note"] = serde_json::json!([{"text": "corrected here"}]);
        assert!(rig.server.edit(&record));
    }
    assert_eq!(rig.prove().await.wrong, 2);
    rig.bench.rollback(None, false, false).await;
    let back = rig.deliver(false).await;
    assert_eq!(back.conflicts, 2, "{back:?}");
    let left = rig.server.content();
    let kept: BTreeSet<String> = left
        .records
        .keys()
        .filter(|name| !before.records.contains_key(*name))
        .cloned()
        .collect();
    assert_eq!(kept, edited);
    // One of them is to stay, one is to go as well: that is decided by name, on record, and done by the next delivery.
    let mut edited = edited.iter();
    let (stays, goes) = (edited.next().expect("one"), edited.next().expect("another"));
    rig.agree(&[stays], Keep::Server).await.expect("settled");
    rig.agree(&[goes], Keep::Store).await.expect("settled");
    let settled = rig.deliver(false).await;
    assert!(
        settled.clean() && (settled.removed, settled.kept) == (1, 1),
        "{settled:?}"
    );
    let proof = rig.prove().await;
    assert!(proof.clean(), "{proof:?}");
    let after = rig.server.content();
    let mut expected = before.clone();
    expected.records.insert(stays.clone(), after.records[stays].clone());
    let before = expected;
    let hash = |record: &Value| fhir::canonical_hash(record.to_string().as_bytes(), None).expect("a record");
    let hashes = |content: &Content| -> BTreeMap<String, [u8; 32]> {
        content
            .records
            .iter()
            .map(|(name, record)| (name.clone(), hash(record)))
            .collect()
    };
    assert_eq!(hashes(&after), hashes(&before));
}

#[tokio::test]
async fn a_run_delivers_what_it_brought_and_a_server_that_is_away_leaves_the_store_done() {
    let practice = Arc::new(Practice::new(9, 7));
    let mut rig = Rig::start(practice, DestinationConfig::new(&GENERIC), ServerKind::Generic).await;
    let options = RunOptions {
        deliver: true,
        ..RunOptions::default()
    };
    let outcome = rig.bench.try_run(options).await.expect("a run");
    assert_eq!(outcome, Outcome::Done);
    rig.assert_there();
    assert!(rig.deliver(false).await.created == 0, "nothing is left to deliver");

    let (hash, mut nowhere) = (rig.bench.hash(), Destination::new("http://127.0.0.1:9/fhir"));
    nowhere.kind = ServerKind::Generic;
    save_destination(rig.bench.storage(), &rig.bench.plan, &nowhere, None).expect("saved");
    let anew = RunOptions {
        deliver: true,
        ..RunOptions::anew()
    };
    let outcome = rig.bench.try_run(anew).await.expect("a run");
    assert!(matches!(outcome, Outcome::Undelivered { .. }), "{outcome:?}");
    assert_eq!(rig.bench.hash(), hash);
}
