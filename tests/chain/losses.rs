//! The test of the verification itself: records are altered at the destination in every way in which migrations lose data, and each must be
//! reported, under its class, on that record, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cutover::engine::{Command, findings};
use cutover::fhir::{self, LossClass};
use cutover::migration::{RecordState, Verification};
use cutover::sandbox::practice::Practice;
use cutover::sandbox::{Dataset, Folder};
use cutover::store::{Entry, RecordKey};
use serde_json::{Value, json};

use crate::bench::{Bench, NAME, config};
use crate::mutations::{How, MUTATIONS, Mutation, Others};
use crate::synthea::data;

/// Numbers by a seed.
struct Lots(u64);

impl Lots {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

/// What is altered, by record, and what must be said of it.
type Expected = BTreeMap<String, ((&'static str, &'static str), LossClass)>;

/// The store with one thing after the other altered in it.
struct Store<'a> {
    bench: &'a Bench,
    lots: Lots,
    /// Current records by type: id and line as the store has it.
    records: BTreeMap<String, Vec<(String, Vec<u8>)>>,
    expected: Expected,
    /// Records that stand for something altered already.
    used: BTreeSet<String>,
}

impl<'a> Store<'a> {
    fn new(bench: &'a Bench, seed: u64) -> Self {
        let mut records: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for (name, line) in bench.stored() {
            let (resource_type, id) = name.split_once('/').unwrap();
            records
                .entry(resource_type.to_owned())
                .or_default()
                .push((id.to_owned(), line));
        }
        Self {
            bench,
            lots: Lots(seed),
            records,
            expected: Expected::new(),
            used: BTreeSet::new(),
        }
    }

    fn key(&self, resource_type: &str, id: &str) -> RecordKey {
        let storage = self.bench.storage();
        let tenant = storage.names.tenant(NAME).unwrap();
        storage.key(tenant, resource_type, id).unwrap()
    }

    /// Makes a line the store's content under a key.
    fn put(&self, key: RecordKey, entry: Entry, line: &[u8]) {
        let storage = self.bench.storage();
        let mut writer = storage.writer(entry.row.run).unwrap();
        let location = writer.change(line).unwrap();
        writer
            .checkpoint(|tails| {
                storage.put_tails(tails)?;
                storage
                    .workspace
                    .ledger()
                    .durable()
                    .map_err(cutover::engine::EngineError::from)
            })
            .unwrap();
        let entry = Entry {
            location,
            rewritten: true,
            ..entry
        };
        storage.index.rewrite(&[(key, vec![entry])]).unwrap();
    }

    /// A random record of the type that nothing was done to yet and that `fits`.
    fn pick(&mut self, resource_type: &str, fits: &dyn Fn(&[u8]) -> bool) -> Option<(String, Vec<u8>)> {
        let all = self.records.get(resource_type)?;
        let start = self.lots.below(all.len());
        let turned = all[start..].iter().chain(&all[..start]);
        let mut free = turned.filter(|(id, _)| !self.used.contains(&format!("{resource_type}/{id}")));
        let found = free.find(|(_, line)| fits(line)).cloned()?;
        self.used.insert(format!("{resource_type}/{}", found.0));
        Some(found)
    }

    fn expect(&mut self, resource_type: &str, id: &str, mutation: &Mutation) {
        let name = format!("{resource_type}/{id}");
        self.used.insert(name.clone());
        assert!(
            self.expected
                .insert(name, ((mutation.resource_type, mutation.name), mutation.class))
                .is_none()
        );
    }

    /// Does one thing to a random record.
    fn alter(&mut self, mutation: &Mutation) {
        let all = self.records.clone();
        let others = Others { records: &all };
        let resource_type = mutation.resource_type;
        let edited = |line: &[u8]| {
            let mut record: Value = serde_json::from_slice(line).unwrap();
            let How::Edit(edit) = mutation.how else {
                return Some(record);
            };
            let before = record.clone();
            (edit(&mut record, &others) && record != before).then_some(record)
        };
        let (id, line) = self
            .pick(resource_type, &|line| edited(line).is_some())
            .unwrap_or_else(|| panic!("no {resource_type} for `{}`", mutation.name));
        let index = &self.bench.storage().index;
        let key = self.key(resource_type, &id);
        let entry = index.get(&key).unwrap().unwrap();
        match mutation.how {
            How::Edit(_) => self.put(key, entry, edited(&line).unwrap().to_string().as_bytes()),
            How::CutOff => self.put(key, entry, &line[..line.len() / 2]),
            How::Remove => index.rewrite(&[(key, Vec::new())]).unwrap(),
            How::Swap => {
                let (_, other) = self.pick(resource_type, &|_| true).unwrap();
                self.put(key, entry, &other);
            }
            How::Double | How::Invent => {
                let mut copy: Value = serde_json::from_slice(&line).unwrap();
                let new = format!(
                    "{}-{}",
                    if mutation.how.doubles() { "copy" } else { "new" },
                    self.expected.len()
                );
                copy["id"] = json!(new);
                if !mutation.how.doubles() {
                    copy["language"] = json!("tlh");
                }
                self.put(self.key(resource_type, &new), entry, copy.to_string().as_bytes());
                return self.expect(resource_type, &new, mutation);
            }
            How::Merge => {
                let (gone, other) = self.pick(resource_type, &|_| true).unwrap();
                let other: Value = serde_json::from_slice(&other).unwrap();
                let mut both: Value = serde_json::from_slice(&line).unwrap();
                let numbers = other["identifier"].as_array().unwrap().iter().cloned();
                both["identifier"].as_array_mut().unwrap().extend(numbers);
                self.put(key, entry, both.to_string().as_bytes());
                index.rewrite(&[(self.key(resource_type, &gone), Vec::new())]).unwrap();
                self.expect(resource_type, &gone, mutation);
            }
        }
        self.expect(resource_type, &id, mutation);
    }
}

/// What was found of records, by record, with its class.
fn found(bench: &Bench) -> BTreeMap<String, String> {
    let all = findings(bench.storage(), &bench.plan, 0, usize::MAX).unwrap();
    let mut by_record = BTreeMap::new();
    for found in all {
        let before = by_record.insert(found.record.clone(), found.finding.code);
        assert_eq!(before, None, "{} is told twice", found.record);
    }
    by_record
}

fn expected_codes(expected: &Expected) -> BTreeMap<String, String> {
    let codes = expected
        .iter()
        .map(|(name, (_, class))| (name.clone(), class.name().to_owned()));
    codes.collect()
}

/// Alters everything at once, and gives what was found for each mutation.
async fn rounds(seeds: &[u64]) -> BTreeMap<(&'static str, &'static str), BTreeSet<String>> {
    let mut caught: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    let mut bench = Bench::new(config(Arc::new(Practice::new(60, 7)))).await;
    bench.done().await;
    assert!(bench.verify().await.clean());
    let before = bench.index();
    for seed in seeds {
        let mut store = Store::new(&bench, *seed);
        for mutation in MUTATIONS {
            store.alter(mutation);
        }
        let expected = store.expected;
        let verification = bench.verify().await;
        let found = found(&bench);
        for (name, (mutation, _)) in &expected {
            let code = found.get(name).cloned().unwrap_or_else(|| "not found".to_owned());
            caught.entry(*mutation).or_default().insert(code);
        }
        let wanted = expected_codes(&expected);
        let wrong: Vec<_> = wanted
            .iter()
            .filter(|(name, code)| found.get(*name) != Some(code))
            .map(|(name, code)| (expected[name].0, name, code, found.get(name)))
            .collect();
        assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
        let beyond: Vec<_> = found.iter().filter(|(name, _)| !wanted.contains_key(*name)).collect();
        assert!(beyond.is_empty(), "seed {seed}: found besides: {beyond:#?}");
        states(&verification, &expected);
        repair_all(&mut bench, &before).await;
    }
    caught
}

/// Every record is in the one state that it must be in.
fn states(verification: &Verification, expected: &Expected) {
    let of = |class: LossClass| expected.values().filter(|(_, known)| *known == class).count() as u64;
    let states = verification.all_states();
    let merged_away = 1;
    assert_eq!(states.of(RecordState::Missing), of(LossClass::Missing) + merged_away);
    let beyond = of(LossClass::Extra) + of(LossClass::Duplicated) - 1;
    assert_eq!(
        states.of(RecordState::Extra),
        beyond,
        "one doubled item is in a record that is there"
    );
    let wrong = expected.len() as u64 - states.of(RecordState::Missing) - beyond;
    assert_eq!(states.of(RecordState::Mismatched), wrong);
    assert_eq!(states.of(RecordState::Pending) + states.of(RecordState::Suspended), 0);
}

/// Repairs every finding; only what does not agree is compared again, and then nothing is left.
async fn repair_all(bench: &mut Bench, before: &[(RecordKey, Entry)]) {
    let all = findings(bench.storage(), &bench.plan, 0, usize::MAX).unwrap();
    for found in &all {
        let command = Command::Repair {
            finding: found.number,
            who: "tester".to_owned().into(),
        };
        bench.command(command).await.unwrap();
    }
    let verification = match bench.command(Command::VerifyChanged).await.unwrap() {
        cutover::engine::Answer::Verified(verification) => *verification,
        other => panic!("{other:?}"),
    };
    assert!(verification.clean(), "{:#?}", verification.findings);
    assert!(verification.compared_before > 0 && verification.compared_before < verification.compared);
    assert_eq!(bench.index().len(), before.len());
    bench.assert_faithful();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_loss_is_reported_under_its_class_on_its_record_and_can_be_repaired() {
    let caught = rounds(&[1, 77]).await;
    assert!(MUTATIONS.len() >= 40 && caught.len() == MUTATIONS.len());
    let modes: BTreeSet<u8> = MUTATIONS.iter().map(|mutation| mutation.class.mode()).collect();
    assert_eq!(modes, (1..=7).collect());
}

/// The table in the README is the one that is tested above.
#[test]
fn the_readme_tells_every_mutation() {
    let mut table =
        "| Lost by | What is done to a record at the destination | Reported as |\n|---|---|---|\n".to_owned();
    for mutation in MUTATIONS {
        let line = format!(
            "| {} | {}: {} | `{}` |\n",
            mutation.class.mode(),
            mutation.resource_type,
            mutation.name,
            mutation.class.name()
        );
        table.push_str(&line);
    }
    let readme = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    assert!(readme.contains(&table), "the README lacks this table:\n{table}");
}

async fn clean(dataset: Arc<dyn Dataset>, rows: Option<u64>) {
    let mut bench = Bench::new(config(dataset)).await;
    bench.run().await;
    let verification = bench.verification();
    assert!(verification.clean(), "{:#?}", verification.findings);
    assert_eq!(verification.lists.differing, BTreeMap::new());
    let counts = bench.counts();
    assert_eq!(rows.unwrap_or(counts.rows), counts.rows);
    let states = verification.all_states();
    assert_eq!(
        states.of(RecordState::Validated) + states.of(RecordState::Suspended),
        states.sum()
    );
    assert_eq!(verification.compared, states.of(RecordState::Validated));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_reported_of_synthea_as_it_is() {
    let Some(folder) = data("synthea-24") else { return };
    clean(Arc::new(Folder::open(&folder).unwrap()), Some(11_622)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_reported_of_two_thousand_synthetic_patients() {
    clean(Arc::new(Practice::new(2_000, 11)), None).await;
}

/// Nothing says of these that they were touched, their block has as many records as before, and its first is as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_records_that_lead_to_each_others_bytes_are_noticed() {
    let mut bench = Bench::new(config(Arc::new(Practice::new(20, 7)))).await;
    bench.done().await;
    let storage = bench.storage();
    let number = storage.names.resource_type("Observation").unwrap();
    let mut entries = bench.index().into_iter().filter(|(key, entry)| {
        key.resource_type() == number && entry.row.line > 5 && !entry.rewritten && !entry.deleted
    });
    let (one, first) = entries.next().unwrap();
    let block = |entry: &Entry| (entry.location.segment, entry.location.block);
    let (other, second) = entries.find(|(_, entry)| block(entry) == block(&first)).unwrap();
    let swapped = |entry: Entry, with: Entry| Entry {
        location: with.location,
        ..entry
    };
    let changed = [
        (one, vec![swapped(first, second)]),
        (other, vec![swapped(second, first)]),
    ];
    storage.index.rewrite(&changed).unwrap();
    let found = bench.verify().await;
    assert_eq!(
        found.all_states().of(RecordState::Mismatched),
        2,
        "{:#?}",
        found.findings
    );
    assert_eq!(found.total_findings, 2, "{:#?}", found.findings);
}

/// One finding, in a clinician's words, and the list that it is about.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_resolved_problem_that_comes_back_is_one_finding_in_a_clinicians_words() {
    let mut bench = Bench::new(config(Arc::new(Practice::new(20, 7)))).await;
    bench.done().await;
    let mut store = Store::new(&bench, 3);
    let resolved = |line: &[u8]| {
        let record: Value = serde_json::from_slice(line).unwrap();
        record["clinicalStatus"]["coding"][0]["code"] == "resolved" && record["abatementDateTime"].is_string()
    };
    let (id, line) = store.pick("Condition", &resolved).unwrap();
    let mut record: Value = serde_json::from_slice(&line).unwrap();
    record["clinicalStatus"]["coding"][0]["code"] = json!("active");
    record.as_object_mut().unwrap().remove("abatementDateTime");
    let key = store.key("Condition", &id);
    let entry = bench.storage().index.get(&key).unwrap().unwrap();
    store.put(key, entry, record.to_string().as_bytes());
    let verification = bench.verify().await;
    assert_eq!(verification.total_findings, 1, "{:#?}", verification.findings);
    let finding = &verification.findings[0];
    assert_eq!(finding.what, "a resolved problem is back on the problem list as active");
    assert_eq!(finding.code, "status-changed");
    let elements: Vec<_> = finding.elements.iter().map(|lost| lost.element.as_str()).collect();
    assert_eq!(elements, ["clinicalStatus.coding[0].code", "abatementDateTime"]);
    assert_eq!(verification.lists.differing, [(fhir::ClinicalList::Problems, 1)].into());
    assert_eq!(verification.lists.patients, 20);
    let told = findings(bench.storage(), &bench.plan, 0, 9).unwrap();
    assert_eq!(told[0].record, format!("Condition/{id}"));
    let shown = cutover::engine::show_finding(bench.storage(), &bench.plan, 1).unwrap();
    assert!(shown.expected.unwrap().contains("resolved") && shown.given.unwrap().contains("active"));
}
