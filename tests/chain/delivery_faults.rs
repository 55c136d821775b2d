//! Everything that can go wrong on the way to a FHIR server: it ends with the very content that it has when nothing does.

use std::collections::BTreeSet;
use std::sync::Arc;

use cutover::engine::Answer;
use cutover::engine::destination::problems;
use cutover::fhir;
use cutover::migration::{Bundling, Destination, Keep, Policy, ServerKind, Standing};
use cutover::sandbox::destination::{DestinationConfig, GENERIC, HAPI, MEDPLUM, Manners};
use cutover::sandbox::practice::Practice;

use crate::bench::config;
use crate::delivery::{Rig, kind};
use crate::edited::{Edited, changed};
use crate::said::{assert_same, said};

/// Servers by what is sent to them: by id in batches and in transactions, and what gets its id from the server.
const WAYS: [(&Manners, Bundling); 4] = [
    (&GENERIC, Bundling::Batch),
    (&GENERIC, Bundling::Transaction),
    (&HAPI, Bundling::Transaction),
    (&MEDPLUM, Bundling::Batch),
];

fn destination(manners: &Manners, bundling: Bundling) -> Destination {
    Destination {
        kind: kind(manners),
        bundling: Some(bundling),
        ..Destination::new("")
    }
}

pub fn server(manners: &Manners, faults: &[&str]) -> DestinationConfig {
    let mut config = DestinationConfig::new(manners);
    config.manners.points = None;
    for fault in faults {
        config = config.fault(fault.parse().expect("a fault"));
    }
    config
}

/// With a fault, the server ends with the very content, and the very versions, that it has without.
async fn whatever_goes_wrong(ways: &[(&Manners, Bundling)]) {
    // Few patients: this is delivered often.
    let practice = Arc::new(Practice::new(3, 7));
    let mut rig = Rig::start(practice, server(&GENERIC, &[]), ServerKind::Generic).await;
    rig.bench.done().await;
    // No record alone is too large, whatever is inside of it.
    let largest = rig.bench.exported().values().map(Vec::len).max().expect("records");
    let max_bytes = format!("max-bytes:{}", largest + 8000);
    for (manners, bundling) in ways {
        rig.at(server(manners, &[]), destination(manners, *bundling)).await;
        assert!(rig.deliver(false).await.clean());
        let expected = said(&rig.server);
        for fault in [
            "entry-429:7",
            "entry-409:7",
            "entry-500:7",
            "burst-429:3",
            "burst-503:3",
            "cut-after-write:3",
            "cut-before-write:3",
            "gateway-timeout:3",
            "max-entries:9",
            &max_bytes,
            "fewer-entries:3",
        ] {
            let name = format!("{fault} at {}, by {}", manners.name, bundling.name());
            rig.at(server(manners, &[fault]), destination(manners, *bundling)).await;
            let counts = rig.deliver(false).await;
            assert!(counts.clean(), "{name}: {counts:?}");
            let stats = rig.server.stats();
            // Entries are refused one by one in batches only.
            if !(fault.starts_with("entry") && *bundling == Bundling::Transaction) {
                assert!(!stats.struck.is_empty(), "{name}: nothing went wrong");
            }
            assert_eq!(stats.collisions, 0, "{name}: a record was written twice at once");
            assert_same(&said(&rig.server), &expected, &name);
            rig.server.calm();
            let again = rig.deliver(false).await;
            assert_eq!(again.unchanged + again.inside, again.total(), "{name}: {again:?}");
            assert_same(&said(&rig.server), &expected, &name);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_with_batches_everything_is_there_once() {
    whatever_goes_wrong(&[WAYS[0], WAYS[3]]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_with_transactions_everything_is_there_once() {
    whatever_goes_wrong(&[WAYS[1], WAYS[2]]).await;
}

/// One record that the server does not take is named with the server's words, and everything else is there; in a transaction too, which
/// fails as a whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poisoned_record_is_named_and_holds_nothing_up() {
    let mut rig = Rig::with(DestinationConfig::new(&GENERIC), ServerKind::Generic).await;
    let ours = rig.bench.exported();
    let name = ours.keys().find(|name| name.starts_with("Observation/")).expect("one");
    for (manners, bundling) in WAYS {
        rig.at(server(manners, &[]), destination(manners, bundling)).await;
        assert!(rig.deliver(false).await.clean());
        let expected = said(&rig.server);
        let (place, named) = match manners.name {
            "medplum" => (format!("lakeside/{name}"), format!("lakeside/{name}")),
            _ => (name.replace("Observation/", ""), name.clone()),
        };
        let poison = format!("poison:{place}");
        let when = format!("{} by {}", manners.name, bundling.name());
        rig.at(server(manners, &[&poison]), destination(manners, bundling))
            .await;
        let counts = rig.deliver(false).await;
        assert_eq!(counts.refused, rig.problems().len() as u64, "{when}: {counts:?}");
        // What refers to it waits with it where the server wants it so; nothing else does.
        assert!(rig.problems().contains(name), "{when}");
        let mut there = expected.clone();
        let waiting = rig.problems().into_iter().map(|name| match manners.name {
            "medplum" => format!("lakeside/{name}"),
            _ => name,
        });
        let waiting: BTreeSet<String> = waiting.collect();
        there.retain(|name, _| !waiting.contains(name));
        let found = said(&rig.server);
        assert!(!found.contains_key(&named), "{when}");
        assert_eq!(
            found.keys().collect::<BTreeSet<_>>(),
            there.keys().collect::<BTreeSet<_>>(),
            "{when}"
        );
        assert!(waiting.len() < 4, "{when}: {waiting:?}");
        let problem = problems(rig.bench.storage(), &rig.bench.plan).expect("problems");
        let problem = problem
            .iter()
            .find(|p| format!("{}/{}", p.resource_type, p.id) == *name);
        let Some(Standing::Refused { status: 422, reason }) = problem.map(|problem| &problem.standing) else {
            panic!("{when}: {problem:?}");
        };
        assert_eq!(reason, "The record breaks a rule of this server.", "{when}");
        assert!(!rig.prove().await.clean());
        rig.server.calm();
        assert!(rig.deliver(false).await.clean(), "{when}");
        let after: Vec<_> = said(&rig.server)
            .into_iter()
            .map(|(name, (record, _))| (name, record))
            .collect();
        let whole: Vec<_> = expected.into_iter().map(|(name, (record, _))| (name, record)).collect();
        assert_eq!(after, whole, "{when}");
        assert!(rig.prove().await.clean());
    }
}

/// A new export has other content; the server is sent new versions on condition that nobody else wrote one, and says now and then that
/// somebody did though nobody has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_conflict_that_is_none_is_looked_at_and_gone_on_with() {
    let practice = Arc::new(Practice::new(9, 7));
    for (manners, bundling) in WAYS {
        let when = format!("{} by {}", manners.name, bundling.name());
        let mut rig = Rig::start(practice.clone(), server(&GENERIC, &[]), ServerKind::Generic).await;
        rig.bench.plan.on_conflict = Policy::KeepSource;
        rig.bench.done().await;
        rig.at(server(manners, &["entry-412:5"]), destination(manners, bundling))
            .await;
        assert!(rig.deliver(false).await.clean());
        let edit = |name: &str, _: usize, line: Vec<u8>| match name {
            "Observation" => vec![changed(&line, "2031-05-05T08:00:00Z", "nl")],
            _ => vec![line],
        };
        let later = Arc::new(Edited::new(practice.clone(), edit));
        rig.bench.serve(config(later)).await;
        rig.bench.run_again().await;
        let counts = rig.deliver(false).await;
        assert!(counts.clean() && counts.updated > 20, "{when}: {counts:?}");
        if bundling == Bundling::Batch {
            assert!(rig.server.stats().struck["entry-412"] > 3, "{when}");
        }
        for (name, (record, versions)) in said(&rig.server) {
            if record["resourceType"] == "Observation" {
                assert_eq!((&record["language"], versions), (&"nl".into(), 2), "{when}: {name}");
            }
        }
        assert!(rig.prove().await.clean());
    }
}

/// What somebody changed at the server waits for a person, who says whose record stays; what is then sent goes in place of the version that
/// was seen, and of no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_conflict_waits_for_a_person() {
    let practice = Arc::new(Practice::new(9, 7));
    for (manners, bundling) in WAYS {
        let when = format!("{} by {}", manners.name, bundling.name());
        let mut rig = Rig::start(practice.clone(), server(&GENERIC, &[]), ServerKind::Generic).await;
        rig.bench.plan.on_conflict = Policy::KeepSource;
        rig.bench.done().await;
        rig.at(server(manners, &[]), destination(manners, bundling)).await;
        assert!(rig.deliver(false).await.clean());
        let edit = |name: &str, at: usize, line: Vec<u8>| match (name, at) {
            ("Observation", 0..3) => vec![changed(&line, "2031-05-05T08:00:00Z", "nl")],
            _ => vec![line],
        };
        rig.bench
            .serve(config(Arc::new(Edited::new(practice.clone(), edit))))
            .await;
        rig.bench.run_again().await;
        let ours: Vec<String> = rig
            .bench
            .exported()
            .into_iter()
            .filter(|(_, line)| line.windows(15).any(|at| at == br#""language":"nl""#))
            .map(|(name, _)| name)
            .collect();
        let places: Vec<String> = ours.iter().map(|name| rig.places()[name].clone()).collect();
        let correct = |rig: &Rig, place: &String, text: &str| {
            let mut record = rig.server.content().records[place].clone();
            record["note"] = serde_json::json!([{ "text": text }]);
            assert!(rig.server.edit(&record));
        };
        for place in &places {
            correct(&rig, place, "corrected here");
        }
        let counts = rig.deliver(false).await;
        assert_eq!((counts.conflicts, counts.updated), (3, 0), "{when}: {counts:?}");
        let conflicts = problems(rig.bench.storage(), &rig.bench.plan).expect("problems");
        assert!(conflicts.iter().all(|problem| matches!(&problem.standing,
            Standing::Conflict { reason, version: Some(_) } if reason == "it was changed at the destination since")));

        // Nobody settles what is in no conflict.
        assert!(
            rig.agree(&[&"Observation/nobody".to_owned()], Keep::Server)
                .await
                .is_err()
        );
        rig.agree(&[&ours[0]], Keep::Server).await.expect("settled");
        let settled = rig.agree(&[&ours[1], &ours[2]], Keep::Store).await;
        assert!(matches!(settled, Ok(Answer::Recorded)), "{when}");
        correct(&rig, &places[2], "corrected once more");
        let counts = rig.deliver(false).await;
        assert_eq!(
            (counts.kept, counts.updated, counts.conflicts),
            (1, 1, 1),
            "{when}: {counts:?}"
        );
        let content = rig.server.content();
        assert_eq!(
            content.records[&places[0]]["note"][0]["text"], "corrected here",
            "{when}"
        );
        assert_eq!(content.records[&places[1]]["language"], "nl", "{when}");
        assert_eq!(
            content.records[&places[2]]["note"][0]["text"], "corrected once more",
            "{when}"
        );
        assert_eq!(
            rig.problems(),
            BTreeSet::from([ours[0].clone(), ours[2].clone()]),
            "{when}"
        );

        rig.agree(&[], Keep::Store).await.expect("settled");
        let counts = rig.deliver(false).await;
        assert!(
            counts.clean() && (counts.kept, counts.updated) == (1, 1),
            "{when}: {counts:?}"
        );
        assert_eq!(rig.server.content().records[&places[2]]["language"], "nl", "{when}");
        let proof = rig.prove().await;
        assert!(proof.clean() && proof.kept == 1, "{when}: {proof:?}");
    }
}

/// Another record of the server's under an id of ours is nothing that anybody decides to write over here: nothing has a copy of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_store_has_no_copy_of_is_not_written_over() {
    let mut rig = Rig::with(DestinationConfig::new(&GENERIC), ServerKind::Generic).await;
    let name = rig
        .bench
        .exported()
        .into_keys()
        .find(|name| name.starts_with("Condition/"))
        .expect("one");
    let id = name.replace("Condition/", "");
    // That of another practice, which was migrated in the same way.
    let tag = serde_json::json!([{ "system": fhir::TENANT_SYSTEM, "code": "another" }]);
    let theirs = serde_json::json!({ "resourceType": "Condition", "id": id, "meta": { "tag": tag }, "code": { "text": "somebody else's" } });
    assert!(rig.server.edit(&theirs));
    let counts = rig.deliver(false).await;
    assert_eq!(counts.conflicts, 1, "{counts:?}");
    let refused = rig
        .agree(&[&name], Keep::Store)
        .await
        .expect_err("a refusal")
        .to_string();
    assert!(refused.contains("the store has no copy of it"), "{refused}");
    rig.agree(&[&name], Keep::Server).await.expect("settled");
    assert!(rig.deliver(false).await.clean());
    assert_eq!(rig.server.content().records[&name]["code"]["text"], "somebody else's");
}
