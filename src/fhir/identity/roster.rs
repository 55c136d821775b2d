//! Many people, and the few of them that are worth comparing with one.
//!
//! Each is found by a dozen keys: two of one person share at least one of them whatever was mistyped, and two others hardly ever. A key
//! that very many share tells nothing and is passed over, so that the work stays near linear.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use xxhash_rust::xxh3::Xxh3;

use super::comparison::Comparison;
use super::fold::skeleton;
use super::grade::Grade;
use super::traits::Traits;
use super::weigh::{compare, grade};

/// A key that more people share than this is passed over.
const CROWD: u32 = 200;
/// Family names, given names and addresses of one person that keys are made of.
const MOST: usize = 4;

/// People, numbered from 0 in the order in which they came.
#[derive(Default)]
pub struct Roster {
    people: Vec<Traits>,
    /// For each key how many share it, and the last of them in `links`.
    keys: HashMap<u64, Shared, BuildHasherDefault<AsIs>>,
    /// A person, and the entry of the one before who shares the key.
    links: Vec<(u32, u32)>,
}

#[derive(Clone, Copy)]
struct Shared {
    count: u32,
    last: u32,
}

/// Where a chain of [`Roster::links`] ends.
const END: u32 = u32::MAX;

impl Roster {
    /// A roster of nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a person in and gives back their number.
    pub fn add(&mut self, person: Traits) -> u32 {
        let number = u32::try_from(self.people.len()).unwrap_or(END);
        for key in keys(&person) {
            let shared = self.keys.entry(key).or_insert(Shared { count: 0, last: END });
            shared.count += 1;
            if shared.count > CROWD {
                continue;
            }
            let link = u32::try_from(self.links.len()).unwrap_or(END);
            self.links.push((number, shared.last));
            shared.last = link;
        }
        self.people.push(person);
        number
    }

    /// How many people there are.
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// The people who may be this one, with what the comparison says, the surest first; of equals the one who came first.
    pub fn like(&self, person: &Traits) -> Vec<(u32, Comparison)> {
        let mut found: Vec<(Grade, i32, u32)> = Vec::new();
        for number in self.candidates(person) {
            let (grade, score) = grade(&self.people[number as usize], person);
            if grade > Grade::None {
                found.push((grade, score, number));
            }
        }
        found.sort_unstable_by(|a, b| (b.0, b.1).cmp(&(a.0, a.1)).then(a.2.cmp(&b.2)));
        let compared = |(_, _, number)| (number, compare(&self.people[number as usize], person));
        found.into_iter().map(compared).collect()
    }

    /// The people who share a key with this one, in order.
    fn candidates(&self, person: &Traits) -> Vec<u32> {
        let mut found = Vec::new();
        for key in keys(person) {
            let Some(shared) = self.keys.get(&key).filter(|shared| shared.count <= CROWD) else {
                continue;
            };
            let mut at = shared.last;
            while let Some((number, before)) = self.links.get(at as usize) {
                found.push(*number);
                at = *before;
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// The keys by which a person is found.
fn keys(person: &Traits) -> Vec<u64> {
    let mut keys = Keys(Vec::with_capacity(24));
    for mrn in &person.mrns {
        keys.add(b'm', &[&mrn.to_le_bytes()]);
    }
    for ssn in &person.ssns {
        keys.add(b's', &[&ssn.to_le_bytes()]);
    }
    for phone in &person.phones {
        keys.add(b'p', &[&phone.to_le_bytes()]);
    }
    for email in &person.emails {
        keys.add(b'e', &[&email.to_le_bytes()]);
    }
    let mut families: Vec<String> = Vec::new();
    let mut givens: Vec<Vec<u8>> = Vec::new();
    for name in person.names.iter().take(MOST) {
        families.extend(name.family.iter().map(|word| skeleton(word)));
        for given in name.given.iter().take(2).filter(|given| given.latin.len() > 1) {
            // All who are called by one of a set of names are found by each name of it.
            let sets: Vec<u8> = given.sets.iter().copied().filter(|set| *set != 0).collect();
            if sets.is_empty() {
                givens.push(skeleton(&given.latin).into_bytes());
            }
            givens.extend(sets.into_iter().map(|set| vec![0, set]));
        }
    }
    let mut initials: Vec<u8> = Vec::new();
    for name in person.names.iter().take(MOST) {
        initials.extend(name.given.iter().take(2).filter_map(|given| given.latin.bytes().next()));
        initials.extend(name.family.iter().filter_map(|word| word.bytes().next()));
    }
    families.sort_unstable();
    families.dedup();
    families.truncate(MOST);
    givens.sort_unstable();
    givens.dedup();
    givens.truncate(MOST + 2);
    initials.sort_unstable();
    initials.dedup();
    for place in person.places.iter().take(MOST).filter(|place| !place.street.is_empty()) {
        for initial in &initials {
            keys.add(b'a', &[place.street.as_bytes(), place.postal.as_bytes(), &[*initial]]);
        }
    }
    let date = person.birth_date;
    let whole = date.filter(|date| date.whole());
    let year = date.map_or(0, |date| date.year).to_le_bytes();
    if let Some(date) = whole {
        // Names change and are misspelt; the day of birth and one initial of four stay.
        for initial in &initials {
            keys.add(b'd', &[&year, &[date.month, date.day, *initial]]);
        }
    }
    for family in &families {
        for given in &givens {
            let (family, given) = (family.as_bytes(), given.as_slice());
            keys.add(b'n', &[family, b"/", given]);
            if let Some(date) = date {
                keys.add(b'y', &[family, b"/", given, &year]);
                if date.whole() {
                    keys.add(b'c', &[family, b"/", given, &[date.month, date.day]]);
                }
            }
        }
    }
    keys.0.sort_unstable();
    keys.0.dedup();
    keys.0
}

struct Keys(Vec<u64>);

impl Keys {
    fn add(&mut self, kind: u8, parts: &[&[u8]]) {
        let mut hash = Xxh3::with_seed(u64::from(kind));
        for part in parts {
            hash.update(part);
        }
        self.0.push(hash.digest());
    }
}

/// Keys are hashes already.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
