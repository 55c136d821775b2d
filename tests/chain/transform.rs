//! Transforms on their way through: what is declared is stored, and nothing else; what would break is set aside.

use std::collections::BTreeMap;

use cutover::engine::{Choice, Outcome};
use cutover::fhir;
use cutover::migration::{Policy, Resolution, Transforms, read_transforms};
use cutover::sandbox::practice::DestinationMix;

use crate::bench::{Bench, Records, config, differing, practice};

const RULES: &str = r#"
    [[transform]]
    name = "home phones"
    type = "Patient"
    action = "remove"
    path = "telecom.where(system='email')"

    [[transform]]
    name = "language"
    type = "Patient, Observation"
    when = "language missing"
    action = "set"
    path = "language"
    value = "en-US"

    [[transform]]
    name = "area code"
    type = "Practitioner"
    action = "replace"
    path = "telecom.value"
    find = "(413)"
    with = "(414)"

    [[transform]]
    name = "never"
    type = "Basic"
    action = "remove"
    path = "code"
"#;

async fn bench(rules: &str, policy: Policy) -> Bench {
    let mut bench = Bench::new(config(practice())).await;
    bench.plan.transforms = read_transforms(rules).unwrap();
    bench.plan.on_conflict = policy;
    bench
}

/// What the source holds, transformed by itself.
fn expected(bench: &Bench) -> Records {
    let transforms = Transforms::new(&bench.plan.transforms).unwrap();
    let source = bench.source().into_iter();
    source
        .map(|(name, line)| match transforms.apply(&line).unwrap() {
            Some(changed) => (name, changed.line),
            None => (name, line),
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_declared_is_stored_to_the_byte_and_counted_once() {
    let mut bench = bench(RULES, Policy::Ask).await;
    let before = bench.hash();
    bench.done().await;
    let (stored, expected) = (bench.stored(), expected(&bench));
    assert_eq!(differing(&stored, &expected), Vec::<String>::new());
    assert_ne!(stored, bench.source());
    let mut changed: BTreeMap<u16, u64> = BTreeMap::new();
    for file in bench.files() {
        for (place, count) in file.transformed {
            *changed.entry(place).or_default() += count;
        }
    }
    let source = bench.source();
    let without = |kind: &str, text: &str| {
        let of_kind = source.iter().filter(|(name, _)| name.starts_with(kind));
        of_kind
            .filter(|(_, line)| !String::from_utf8_lossy(line).contains(text))
            .count() as u64
    };
    assert_eq!(
        changed[&1],
        without("Patient/", "\"language\":\"") + without("Observation/", "\"language\":\"")
    );
    assert!(
        changed[&0] > 0 && changed[&2] > 0 && !changed.contains_key(&3),
        "{changed:?}"
    );
    let index = bench.index();
    bench.done().await;
    assert_eq!(bench.index(), index, "the second time nothing gets a new version");
    let after = bench.hash();
    bench.rebuild();
    assert_eq!(bench.hash(), after);
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
    // Verification takes the declared change and nothing else.
    bench.plan.transforms.remove(2);
    assert!(!bench.verify().await.clean());
    bench.plan.transforms = read_transforms(RULES).unwrap();
    bench.rollback(None, false, false).await;
    assert_eq!(bench.hash(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn transformed_records_meet_patients_and_practitioners_of_the_destination() {
    let mut bench = bench(RULES, Policy::KeepSource).await;
    let mix = DestinationMix {
        agreeing: 6,
        contradicting: 2,
        unnumbered: 0,
    };
    bench.load(&practice().destination(mix)).await;
    bench.load(&practice().staff(4)).await;
    let before = bench.hash();
    let outcome = bench.run().await;
    assert!(
        matches!(outcome, Outcome::NeedsDecision { conflicts: 2, .. }),
        "{outcome:?}"
    );
    let open = bench.hash();
    let conflicts = bench.conflicts().into_iter().filter(cutover::migration::Conflict::open);
    let ways = [
        Choice::Outright(Resolution::KeepSource),
        Choice::Merge(cutover::engine::Proposal::default()),
    ];
    for (conflict, way) in conflicts.zip(ways) {
        bench.resolve(&conflict.id, way).await;
        assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
    }
    assert_ne!(bench.hash(), open);
    let stored = bench.stored();
    let text = |name: &str| String::from_utf8(stored[name].clone()).unwrap();
    for name in stored.keys().filter(|name| name.starts_with("Practitioner/")) {
        assert!(!text(name).contains("(413)"), "{name}");
    }
    let after = bench.hash();
    bench.rebuild();
    assert_eq!(bench.hash(), after);
    bench.rollback(None, false, false).await;
    assert_eq!(bench.hash(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_transform_would_break_is_set_aside() {
    let rules = "[[transform]]\ntype = 'Practitioner'\nwhen = 'active == false'\naction = 'set'\npath = 'id'\nvalue = 'other'\n\
        [[transform]]\ntype = 'Location'\naction = 'rename'\npath = 'name'\nto = 'status'";
    let mut bench = bench(rules, Policy::Ask).await;
    bench.run().await;
    let reasons: Vec<String> = bench.quarantine().into_iter().map(|(what, _)| what.reason).collect();
    let source = bench.source();
    let of = |kind: &str| source.keys().filter(|name| name.starts_with(kind)).count();
    let renamed = |reason: &&String| reason.contains("there is an element status already beside name");
    assert_eq!(reasons.iter().filter(renamed).count(), of("Location/"));
    for (what, bytes) in bench.quarantine() {
        let scan = fhir::scan(&bytes).unwrap();
        assert_eq!(
            (what.code.as_str(), what.resource_type.as_str()),
            ("transform", scan.resource_type)
        );
        assert!(
            !bench
                .stored()
                .contains_key(&format!("{}/{}", scan.resource_type, scan.id))
        );
    }
    let counts = bench.counts();
    assert_eq!(counts.quarantined, reasons.len() as u64);
    assert_eq!(counts.rows, source.len() as u64);
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
}

/// Each time that it is run it makes something else of the same record.
const PROGRAMS: &str = r#"
    [[transform]]
    name = "mark"
    type = "Location, Practitioner"
    action = "command"
    command = ["/bin/sh", "-c", "sed \"s/\\(.*\\)}$/\\1,\\\"_mark\\\":\\\"$$\\\"}/\""]

    [[transform]]
    type = "Practitioner"
    action = "replace"
    path = "telecom.value"
    find = "(413)"
    with = "(414)"

    [[transform]]
    name = "picky"
    type = "Practitioner"
    when = "active == false"
    action = "command"
    command = ["/bin/sh", "-c", "exit 3"]

    [[transform]]
    name = "forgetful"
    type = "Organization"
    action = "command"
    command = ["/usr/bin/sed", "s/\"resourceType\":\"Organization\"/\"resourceType\":\"Basic\"/"]
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_program_made_is_remembered_and_what_it_breaks_is_set_aside() {
    let mut bench = bench(PROGRAMS, Policy::Ask).await;
    let before = bench.hash();
    bench.run().await;
    let (stored, source) = (bench.stored(), bench.source());
    let of = |kind: &str| {
        source
            .iter()
            .filter(|(name, _)| name.starts_with(kind))
            .collect::<Vec<_>>()
    };
    let inactive = |line: &[u8]| String::from_utf8_lossy(line).contains("\"active\":false");
    let mut set_aside = of("Organization/").len();
    for (name, line) in of("Practitioner/").into_iter().chain(of("Location/")) {
        if name.starts_with("Practitioner/") && inactive(line) {
            assert!(!stored.contains_key(name));
            set_aside += 1;
            continue;
        }
        let text = String::from_utf8(stored[name].clone()).unwrap();
        assert!(text.contains("\"_mark\":") && !text.contains("(413)"), "{text}");
    }
    assert_eq!(bench.counts().quarantined, set_aside as u64);
    assert_eq!(bench.counts().rows, source.len() as u64);
    for (name, line) in of("Observation/") {
        assert_eq!(&stored[name], line);
    }
    assert!(bench.verify().await.clean(), "{:#?}", bench.verification());
    let hash = bench.hash();
    bench.rebuild();
    assert_eq!(bench.hash(), hash);
    let index = bench.index();
    bench.run().await;
    assert!(bench.index() == index, "the second time nothing gets a new version");
    bench.rollback(None, false, false).await;
    assert_eq!(bench.hash(), before);
    assert_eq!(
        bench.storage().tables.outputs.count().unwrap(),
        0,
        "a mended program is asked anew"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_is_not_there_stops_the_run_which_goes_on_when_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("mend");
    let rules = format!(
        "[[transform]]\ntype = 'Patient'\naction = 'command'\ncommand = ['{}']",
        program.display()
    );
    let mut bench = bench(&rules, Policy::Ask).await;
    let stopped = bench.try_run(cutover::engine::RunOptions::default()).await;
    assert!(
        matches!(stopped, Err(cutover::engine::EngineError::Program(_))),
        "{stopped:?}"
    );
    std::os::unix::fs::symlink("/bin/cat", &program).unwrap();
    bench.done().await;
    assert_eq!(bench.stored(), bench.source());
}
