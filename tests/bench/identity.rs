//! Identity: how well people are told apart, and how fast.
//!
//! `cargo bench --bench identity` makes 20,000 synthetic patients in households and 2,000 records of some of them made by another hand
//! (`BENCH_SEED` changes the seed), and prints how many of those are found and how many others are taken for one person; the same
//! records are written as CSV for `splink_compare.py`, which puts Splink's figures beside. Then it identifies 100,000 patients among
//! 100,000 others, and prints the time and the peak memory.

#[path = "identity/dice.rs"]
mod dice;
#[path = "identity/names.rs"]
mod names;
#[path = "identity/population.rs"]
mod population;
#[path = "identity/slips.rs"]
mod slips;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::time::Instant;

use cutover::fhir::{Grade, Roster, Traits, person};
use dice::Dice;
use population::{Population, Record, mix_up};
use serde_json::json;

const PEOPLE: usize = 20_000;
const DUPLICATES: usize = 2_000;
const MANY: usize = 100_000;

fn main() {
    let root = PathBuf::from(option_env!("CARGO_TARGET_TMPDIR").unwrap_or("/tmp")).join("identity");
    fs::create_dir_all(&root).expect("folder");
    let args: Vec<String> = std::env::args().collect();
    if args.get(1).is_some_and(|arg| arg == "identify") {
        identify(Path::new(&args[2]), Path::new(&args[3]));
        return;
    }
    let seed = std::env::var("BENCH_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or(1);
    quality(seed, &root.join(format!("people-{seed}.csv")));
    // In a process of its own, whose memory holds nothing else.
    let (there, arriving) = (root.join("there.ndjson"), root.join("arriving.ndjson"));
    if !there.exists() || !arriving.exists() {
        two_systems(&there, &arriving);
    }
    let this = std::env::current_exe().expect("this program");
    let status = Command::new(this)
        .arg("identify")
        .args([there, arriving])
        .status()
        .expect("a second process");
    assert!(status.success());
}

/// Finds the duplicates of a practice and counts what was found rightly and wrongly.
fn quality(seed: u64, csv: &Path) {
    let mut population = Population::new(seed);
    let mut records = population.people(PEOPLE);
    let step = PEOPLE / DUPLICATES;
    let again: Vec<Record> = records.iter().step_by(step).cloned().collect();
    mix_up(&mut Dice::new(seed ^ 0xACC1), &mut records, 250);
    records.extend(again.iter().map(|record| population.corrupted(record)));
    write_csv(&records, csv);
    let mut roster = Roster::new();
    let mut pairs = Vec::new();
    for (at, record) in records.iter().enumerate() {
        let person = person(line(record, at).as_bytes()).expect("a patient");
        let traits = Traits::of(&person);
        for (other, found) in roster.like(&traits) {
            pairs.push((other as usize, at, found));
        }
        roster.add(&traits);
    }
    println!(
        "{} records, {} of them a second time, seed {seed}: {}",
        records.len(),
        again.len(),
        csv.display()
    );
    let same = |pair: &(usize, usize, _)| records[pair.0].entity == records[pair.1].entity;
    for (least, what) in [
        (Grade::Possible, "possible or better"),
        (Grade::Probable, "probable or better"),
        (Grade::Certain, "certain (linked without a question)"),
    ] {
        let found: Vec<_> = pairs.iter().filter(|(_, _, c)| c.grade >= least).collect();
        let right = found.iter().filter(|pair| same(pair)).count();
        print_figures(what, right, found.len(), again.len());
    }
    if std::env::var_os("BENCH_SHOW").is_some() {
        show(&records, &pairs, same);
    }
}

#[allow(clippy::cast_precision_loss)] // Figures for the eye.
fn print_figures(what: &str, right: usize, found: usize, all: usize) {
    let (precision, recall) = (right as f64 / found.max(1) as f64, right as f64 / all as f64);
    let f1 = 2.0 * precision * recall / (precision + recall);
    let wrong = found - right;
    println!("  {what:<36} precision {precision:.4}  recall {recall:.4}  F1 {f1:.4}  wrong {wrong}");
}

/// What was missed, and what was found wrongly, for whoever tunes the weights.
fn show(
    records: &[Record],
    pairs: &[(usize, usize, cutover::fhir::Comparison)],
    same: impl Fn(&(usize, usize, cutover::fhir::Comparison)) -> bool,
) {
    let told = |r: &Record| {
        format!(
            "{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}|{}",
            r.family, r.given, r.middle, r.suffix, r.born, r.sex, r.phone, r.email, r.street, r.postal, r.ssn, r.mrn
        )
    };
    let print = |what: &str, a: usize, b: usize| {
        let of = |at| Traits::of(&person(line(&records[at], at).as_bytes()).expect("a patient"));
        let found = cutover::fhir::compare(&of(a), &of(b));
        let parts: Vec<String> = found.parts.iter().map(ToString::to_string).collect();
        println!(
            "{what} {} {}\n  {}\n  {}\n  {}",
            found.grade,
            found.score,
            told(&records[a]),
            told(&records[b]),
            parts.join(", ")
        );
    };
    for pair in pairs.iter().filter(|pair| !same(pair)) {
        print("WRONG", pair.0, pair.1);
    }
    for (nth, at) in (PEOPLE..records.len()).enumerate() {
        let original = nth * (PEOPLE / DUPLICATES);
        let grade = pairs
            .iter()
            .find(|(a, b, _)| (*a, *b) == (original, at))
            .map_or(Grade::None, |(_, _, c)| c.grade);
        if grade < Grade::Probable {
            print("MISSED", original, at);
        }
    }
}

/// Writes two systems' patients: half of those arriving are there already.
fn two_systems(there: &Path, arriving: &Path) {
    let mut population = Population::new(0x1000);
    let known = population.people(MANY);
    let write = |path: &Path, records: &[Record]| {
        let mut out = BufWriter::new(File::create(path).expect("file"));
        for (at, record) in records.iter().enumerate() {
            writeln!(out, "{}", line(record, at)).expect("write");
        }
        out.flush().expect("flush");
    };
    write(there, &known);
    let mut coming: Vec<Record> = known
        .iter()
        .step_by(2)
        .map(|record| population.corrupted(record))
        .collect();
    let strangers = population.people(MANY - coming.len());
    coming.extend(strangers);
    write(arriving, &coming);
}

/// Identifies the patients of one file among those of another, on two threads.
fn identify(there: &Path, arriving: &Path) {
    let start = Instant::now();
    let mut roster = Roster::new();
    for line in BufReader::new(File::open(there).expect("file")).lines() {
        roster.add(&Traits::of(
            &person(line.expect("a line").as_bytes()).expect("a patient"),
        ));
    }
    let enrolled = start.elapsed();
    let lines = Mutex::new(BufReader::new(File::open(arriving).expect("file")).lines().enumerate());
    let work = || {
        // The last for those who were linked with somebody else.
        let mut grades = [0_u64; 5];
        loop {
            let some: Vec<(usize, String)> = {
                let mut lines = lines.lock().expect("lines");
                lines
                    .by_ref()
                    .take(256)
                    .map(|(at, line)| (at, line.expect("a line")))
                    .collect()
            };
            if some.is_empty() {
                return grades;
            }
            for (at, line) in some {
                let traits = Traits::of(&person(line.as_bytes()).expect("a patient"));
                let best = roster.like(&traits).into_iter().next();
                let grade = best.as_ref().map_or(Grade::None, |(_, found)| found.grade);
                grades[grade as usize] += 1;
                let wrong = best.is_some_and(|(who, _)| at >= MANY / 2 || who as usize != at * 2);
                grades[4] += u64::from(grade == Grade::Certain && wrong);
            }
        }
    };
    let grades = std::thread::scope(|scope| {
        let other = scope.spawn(work);
        let mut grades = work();
        for (sum, more) in grades.iter_mut().zip(other.join().expect("a thread")) {
            *sum += more;
        }
        grades
    });
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .unwrap_or("unknown")
        .trim();
    println!(
        "{} patients among {}: {:.1} s ({:.1} s of it to take in those there), peak memory {peak}",
        grades[..4].iter().sum::<u64>(),
        roster.len(),
        start.elapsed().as_secs_f64(),
        enrolled.as_secs_f64()
    );
    let [none, possible, probable, certain, wrong] = grades;
    println!("  {certain} certain ({wrong} of them wrong), {probable} probable, {possible} possible, {none} new");
}

fn line(record: &Record, number: usize) -> String {
    let coding =
        |code: &str| json!({"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": code}]});
    let given: Vec<&str> = [&*record.given, &*record.middle]
        .into_iter()
        .filter(|name| !name.is_empty())
        .collect();
    let mut patient = json!({
        "resourceType": "Patient",
        "id": format!("p{number}"),
        "identifier": [
            {"type": coding("MR"), "system": "urn:practice", "value": record.mrn},
            {"type": coding("SS"), "system": "http://hl7.org/fhir/sid/us-ssn", "value": record.ssn},
        ],
        "name": [{"family": record.family, "given": given, "suffix": [record.suffix]}],
        "telecom": [
            {"system": "phone", "value": record.phone},
            {"system": "email", "value": record.email},
        ],
        "gender": record.sex,
        "address": [{"line": [record.street], "city": record.city, "postalCode": record.postal}],
    });
    if !record.born.is_empty() {
        patient["birthDate"] = json!(record.born);
    }
    patient.to_string()
}

fn write_csv(records: &[Record], path: &Path) {
    let mut out = BufWriter::new(File::create(path).expect("file"));
    writeln!(
        out,
        "unique_id,entity,mrn,ssn,family,given,middle,suffix,born,sex,phone,email,street,city,postal"
    )
    .expect("write");
    for (at, r) in records.iter().enumerate() {
        writeln!(
            out,
            "{at},{},{},{},\"{}\",\"{}\",\"{}\",{},{},{},{},{},\"{}\",{},{}",
            r.entity,
            r.mrn,
            r.ssn,
            r.family,
            r.given,
            r.middle,
            r.suffix,
            r.born,
            r.sex,
            r.phone,
            r.email,
            r.street,
            r.city,
            r.postal
        )
        .expect("write");
    }
    out.flush().expect("flush");
}
