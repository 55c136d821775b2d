//! Names in comparable form.

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

use super::fold::{Script, latin, normalized, script};
use super::nicknames::{self, MOST};
use super::person::PersonName;

/// Words that come and go between the parts of a family name.
const PARTICLES: [&str; 27] = [
    "de", "la", "las", "los", "del", "della", "di", "da", "do", "dos", "das", "du", "des", "le", "van", "von", "der",
    "den", "ter", "ten", "el", "al", "bin", "ibn", "bint", "y", "e",
];
/// What stands where nobody knows the name.
const NO_FAMILY: [&str; 9] = [
    "unknown", "unk", "lnu", "none", "na", "test", "testing", "zztest", "patient",
];
/// What stands for the given name of a newborn, or where nobody knows it.
const NO_GIVEN: [&str; 24] = [
    "baby", "babyboy", "babygirl", "boy", "girl", "bb", "bg", "newborn", "infant", "twin", "twina", "twinb", "triplet",
    "male", "female", "unknown", "unk", "fnu", "nfn", "none", "na", "test", "zztest", "patient",
];

/// One given name.
#[derive(Serialize, Deserialize)]
pub(super) struct Given {
    pub(super) latin: Box<str>,
    /// The sets of [`nicknames`] that it is in.
    pub(super) sets: [u8; MOST],
}

/// One name of a person, in comparable form.
#[derive(Serialize, Deserialize)]
pub(super) struct Name {
    /// Words of the family name without particles, in small Latin letters; more than one in a double name.
    pub(super) family: Box<[Box<str>]>,
    /// Given names in order; none for a newborn.
    pub(super) given: Box<[Given]>,
    pub(super) script: Script,
    /// Hash of the letters as written, which two Chinese names of one reading do not share.
    pub(super) written: u64,
}

/// What a name says beside the name.
#[derive(Clone, Copy, Default)]
pub(super) struct Marks {
    /// 1 for `Sr.`, 2 for `Jr.` or `II`, and so on.
    pub(super) generation: Option<u8>,
    /// 1 for `Baby Boy A`, 2 for `Twin B`.
    pub(super) birth_order: Option<u8>,
}

impl Name {
    /// A name and what else it says; `None` when nothing of it names anybody.
    pub(super) fn read(name: &PersonName) -> (Option<Self>, Marks) {
        let mut marks = Marks::default();
        for suffix in &name.suffix {
            marks.generation = marks.generation.or(suffix.split_whitespace().find_map(generation));
        }
        let mut family = Vec::new();
        let mut particles = Vec::new();
        for word in words(name.family.as_deref().unwrap_or_default()) {
            let at_end = !family.is_empty();
            match generation(&word).filter(|_| at_end) {
                Some(found) => marks.generation = marks.generation.or(Some(found)),
                None if PARTICLES.contains(&word.as_str()) => particles.push(word),
                None => family.push(word),
            }
        }
        if family.is_empty() {
            // `Le` and `Du` are whole names too.
            family = particles;
        }
        if family.iter().all(|word| NO_FAMILY.contains(&word.as_str())) {
            family.clear();
        }
        let mut given: Vec<String> = name.given.iter().flat_map(|given| words(given)).collect();
        if given.len() > 1
            && let Some(found) = given
                .last()
                .and_then(|word| generation(word))
                .filter(|n| *n != 1 && *n != 5)
        {
            marks.generation = marks.generation.or(Some(found));
            given.pop();
        }
        if given.first().is_some_and(|first| NO_GIVEN.contains(&first.as_str())) {
            marks.birth_order = birth_order(&given);
            given.clear();
        }
        if family.is_empty() && given.is_empty() {
            return (None, marks);
        }
        let whole = [name.family.as_slice(), &name.given].concat().concat();
        let read = Self {
            family: family.into_iter().map(String::into_boxed_str).collect(),
            given: given
                .into_iter()
                .map(|word| Given {
                    sets: nicknames::sets(&word),
                    latin: word.into_boxed_str(),
                })
                .collect(),
            script: script(&whole),
            written: xxh3_64(normalized(&whole).as_bytes()),
        };
        (Some(read), marks)
    }

    /// The family name in one word.
    pub(super) fn family_joined(&self) -> String {
        self.family.concat()
    }

    /// The given names in one word.
    pub(super) fn given_joined(&self) -> String {
        self.given.iter().map(|given| &*given.latin).collect()
    }
}

/// The words of a name in small Latin letters.
fn words(text: &str) -> impl Iterator<Item = String> {
    let ends = |c: char| {
        c.is_whitespace()
            || matches!(
                c,
                '-' | '\u{2010}'..='\u{2015}' | '\u{5be}' | ',' | '/' | '.' | '·' | '・'
            )
    };
    text.split(ends).map(latin).filter(|word| !word.is_empty())
}

fn generation(word: &str) -> Option<u8> {
    match latin(word).as_str() {
        "sr" | "senior" | "i" | "1st" => Some(1),
        "jr" | "junior" | "ii" | "2nd" => Some(2),
        "iii" | "3rd" => Some(3),
        "iv" | "4th" => Some(4),
        "v" | "5th" => Some(5),
        _ => None,
    }
}

/// Which of several newborns: a letter or digit after `Baby Boy`.
fn birth_order(given: &[String]) -> Option<u8> {
    given.iter().rev().find_map(|word| match word.as_bytes() {
        [letter @ b'a'..=b'f'] => Some(letter - b'a' + 1),
        [digit @ b'1'..=b'6'] => Some(digit - b'0'),
        _ if word == "twina" => Some(1),
        _ if word == "twinb" => Some(2),
        _ => None,
    })
}
