//! A real FHIR server as the destination: the Helios server, where it is installed (see `hfs`).

use std::collections::BTreeSet;
use std::sync::Arc;

use cutover::engine::destination::{Proof, save_destination};
use cutover::engine::{Answer, Choice, Command, Outcome};
use cutover::fhir;
use cutover::migration::{DeliveryCounts, Destination, Plan, Policy, Resolution};
use cutover::sandbox::{Dataset, Folder};
use cutover::sandbox::practice::{DestinationMix, Practice};

use crate::bench::{Bench, Records, config, practice};
use crate::hfs::{Server, Versioned, program};
use crate::synthea::data;

/// A migration with a server of its own to be delivered to.
struct Rig {
    bench: Bench,
    server: Server,
}

impl Rig {
    /// None where there is no server to be had.
    async fn new(dataset: Arc<dyn Dataset>) -> Option<Self> {
        let (program, definitions) = (program()?, data("hfs")?);
        let bench = Bench::new(config(dataset)).await;
        let server = Server::start(&program, bench.dir.path(), &definitions);
        let destination = Destination::new(&server.base);
        save_destination(bench.storage(), &bench.plan, &destination, None).expect("saved");
        Some(Self { bench, server })
    }

    async fn pull(&mut self) {
        let answer = self.bench.command(Command::Pull).await.expect("a pull");
        assert!(matches!(answer, Answer::Pulled(_)), "{answer:?}");
    }

    async fn deliver(&mut self) -> DeliveryCounts {
        match self.bench.command(Command::Deliver { force: false }).await.expect("a delivery") {
            Answer::Delivered(counts) => counts,
            other => panic!("{other:?}"),
        }
    }

    async fn prove(&mut self) -> Proof {
        match self.bench.command(Command::Prove).await.expect("a proof") {
            Answer::Proven(proof) => *proof,
            other => panic!("{other:?}"),
        }
    }

    /// What the server has, of all types that anybody brought.
    async fn content(&self, more: &Records) -> Versioned {
        let names = self.bench.dataset.types().into_iter().map(|(name, _)| name);
        let more = more.keys().filter_map(|name| name.split('/').next()).map(str::to_owned);
        let types: BTreeSet<String> = names.chain(more).chain(["Binary".to_owned()]).collect();
        self.server.content(types.into_iter()).await
    }

    /// The server says what the store says, record by record, and every reference that leads somewhere there leads somewhere here.
    async fn assert_the_same(&self, more: &Records) -> Versioned {
        let (ours, theirs) = (self.bench.exported(), self.content(more).await);
        let names = |name: &String| name.clone();
        let (here, there): (BTreeSet<_>, BTreeSet<_>) = (ours.keys().map(names).collect(), theirs.keys().map(names).collect());
        assert_eq!(here.difference(&there).collect::<Vec<_>>(), [] as [&String; 0], "missing at the server");
        assert_eq!(there.difference(&here).collect::<Vec<_>>(), [] as [&String; 0], "too many at the server");
        for (name, (_, record)) in &theirs {
            let hash = |line: &[u8]| fhir::canonical_hash(line, Some(&self.bench.plan.base_url)).expect("a record");
            assert_eq!(hash(record), hash(&ours[name]), "{name}");
        }
        theirs
    }
}

fn versions(content: &Versioned) -> Vec<(&String, &String)> {
    content.iter().map(|(name, (version, _))| (name, version)).collect()
}

fn said(content: &Versioned) -> Vec<(&String, [u8; 32])> {
    let hash = |line: &[u8]| fhir::canonical_hash(line, None).expect("a record");
    content.iter().map(|(name, (_, record))| (name, hash(record))).collect()
}

/// Synthea's patients, into an empty server, twice, and back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn synthea_goes_into_a_real_server_once_and_comes_out_again() {
    let Some(folder) = data("synthea-24") else { return };
    let Some(mut rig) = Rig::new(Arc::new(Folder::open(&folder).unwrap())).await else { return };
    let nothing = Records::new();
    rig.pull().await;
    rig.bench.done().await;
    let counts = rig.deliver().await;
    assert_eq!((counts.created, counts.total()), (11_622, 11_622), "{counts:?}");
    let proof = rig.prove().await;
    assert!(proof.clean() && proof.compared == 11_622, "{proof:?}");
    let first = rig.assert_the_same(&nothing).await;

    // Again: not one version more, not one request for a record.
    let again = rig.deliver().await;
    assert_eq!((again.unchanged, again.total()), (11_622, 11_622), "{again:?}");
    assert_eq!(versions(&rig.content(&nothing).await), versions(&first));

    rig.bench.rollback(None, false, false).await;
    let back = rig.deliver().await;
    assert_eq!((back.removed, back.total()), (11_622, 11_622), "{back:?}");
    assert!(rig.content(&nothing).await.is_empty());
}

/// The demo's practice, into a server that is in use: its patients are recognised, conflicts decided, and all of it taken back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_in_use_gets_the_practice_and_is_given_back_as_it_was() {
    let Some(mut rig) = Rig::new(practice()).await else { return };
    let mix = DestinationMix {
        agreeing: 6,
        contradicting: 4,
        unnumbered: 0,
    };
    let own = Practice::destination(&practice(), mix);
    let mut records = Records::new();
    for (name, count) in own.types() {
        for line in own.lines(&name, 0..count) {
            let id = fhir::scan(&line).expect("a record").id.to_owned();
            records.insert(format!("{name}/{id}"), line);
        }
    }
    rig.server.load(&records).await;
    let before = rig.content(&records).await;
    rig.pull().await;
    rig.bench.plan = Plan {
        on_conflict: Policy::NewerWins,
        ..rig.bench.plan
    };
    let outcome = rig.bench.run().await;
    let Outcome::NeedsDecision { .. } = outcome else { panic!("{outcome:?}") };
    // Delivered as far as it is decided; what waits is not there.
    rig.deliver().await;
    let waiting: Vec<_> = rig.bench.conflicts().into_iter().filter(cutover::migration::Conflict::open).collect();
    assert!(!waiting.is_empty());
    for conflict in &waiting {
        let choice = Choice::Outright(Resolution::KeepBoth);
        rig.bench.resolve(&conflict.id, choice).await;
    }
    let counts = rig.deliver().await;
    assert!(counts.clean() && counts.created > 0, "{counts:?}");
    let proof = rig.prove().await;
    assert!(proof.clean(), "{proof:?}");
    let there = rig.assert_the_same(&records).await;
    let again = rig.deliver().await;
    assert_eq!(again.unchanged, again.total(), "{again:?}");
    assert_eq!(versions(&rig.content(&records).await), versions(&there));

    // Somebody at the practice corrects a record that was delivered: nothing writes over it.
    rig.bench.rollback(None, false, false).await;
    let back = rig.deliver().await;
    assert!(back.clean() && back.removed > 0, "{back:?}");
    assert_eq!(said(&rig.content(&records).await), said(&before));
}
