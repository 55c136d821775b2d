//! The house rules that a compiler does not check: who may import whom, which room may name which crate, how long files may be.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// For each room the rooms that it may import. `main.rs` and `lib.rs` stand outside.
const ROOMS: [(&str, &[&str]); 10] = [
    ("fhir", &[]),
    ("migration", &["fhir"]),
    ("store", &["fhir", "migration"]),
    ("http", &["fhir", "migration"]),
    ("source", &["fhir", "migration", "store", "http"]),
    ("target", &["fhir", "migration", "store", "http"]),
    ("engine", &["fhir", "migration", "store", "http", "source", "target"]),
    ("sandbox", &["fhir", "migration"]),
    (
        "tui",
        &["fhir", "migration", "store", "http", "source", "target", "engine"],
    ),
    (
        "cli",
        &[
            "fhir",
            "migration",
            "store",
            "http",
            "source",
            "target",
            "engine",
            "sandbox",
        ],
    ),
];

/// For each guarded crate the rooms that may name it.
const CRATES: [(&str, &[&str]); 9] = [
    ("reqwest", &["http", "source", "target"]),
    ("jsonwebtoken", &["source", "sandbox"]),
    ("sled", &["store"]),
    ("fjall", &["store"]),
    ("axum", &["sandbox", "http", "source"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("ratatui", &["tui"]),
    ("crossterm", &["tui"]),
];

const LONGEST_FILE: usize = 400;

fn sources() -> BTreeMap<PathBuf, String> {
    fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).expect("a source file");
                found.insert(path, text);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = BTreeMap::new();
    walk(&root, &mut found);
    found
        .into_iter()
        .map(|(path, text)| (path.strip_prefix(&root).expect("below src").to_owned(), text))
        .collect()
}

fn room(path: &Path) -> Option<String> {
    let mut parts = path.components();
    let first = parts.next()?.as_os_str().to_str()?.to_owned();
    parts.next().map(|_| first)
}

/// Lines that are code, as far as a line can tell.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    (1..)
        .zip(text.lines())
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
}

#[test]
fn imports_run_downward_only() {
    let mut breaches = Vec::new();
    for (path, text) in sources() {
        let Some(room) = room(&path) else { continue };
        let allowed = ROOMS
            .iter()
            .find(|(name, _)| *name == room)
            .map(|(_, allowed)| *allowed);
        let allowed = allowed.unwrap_or_else(|| panic!("{room} is not on the list of rooms"));
        for (number, line) in code(&text) {
            for (at, _) in line.match_indices("crate::") {
                let named: String = line[at + "crate::".len()..]
                    .chars()
                    .take_while(|c| c.is_alphanumeric() || *c == '_')
                    .collect();
                if ROOMS.iter().any(|(name, _)| *name == named) && named != room && !allowed.contains(&named.as_str()) {
                    breaches.push(format!("{}:{number}: {room} imports {named}", path.display()));
                }
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn guarded_crates_stay_in_their_rooms() {
    let mut breaches = Vec::new();
    for (path, text) in sources() {
        let room = room(&path).unwrap_or_default();
        for (number, line) in code(&text) {
            for (name, rooms) in CRATES {
                let named = line.contains(&format!("{name}::")) && !line.contains(&format!("_{name}::"));
                if named && !rooms.contains(&room.as_str()) && !room.is_empty() {
                    breaches.push(format!("{}:{number}: {name} is named in {room}", path.display()));
                }
            }
        }
    }
    assert!(breaches.is_empty(), "{}", breaches.join("\n"));
}

#[test]
fn files_hold_one_thing() {
    let long: Vec<String> = sources()
        .into_iter()
        .filter(|(path, _)| !path.to_string_lossy().contains("tests"))
        .map(|(path, text)| (path, text.lines().count()))
        .filter(|(_, lines)| *lines > LONGEST_FILE)
        .map(|(path, lines)| format!("{}: {lines} lines", path.display()))
        .collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn every_dependency_has_its_reason_beside_it() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).expect("Cargo.toml");
    let mut inside = false;
    let mut before = "";
    let mut bare = Vec::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.contains("dependencies");
        } else if inside && line.contains('=') && !before.starts_with('#') {
            bare.push(line.to_owned());
        }
        before = line;
    }
    assert!(bare.is_empty(), "no reason beside:\n{}", bare.join("\n"));
}
