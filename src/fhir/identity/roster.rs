//! Many people, and the few of them that are worth comparing with one.
//!
//! Each is found by a dozen keys: two of one person share at least one of them whatever was mistyped, and two others hardly ever. A key
//! that very many share tells nothing and is passed over, so that the work stays near linear.

use xxhash_rust::xxh3::Xxh3;

use super::birth_date::BirthDate;
use super::comparison::Comparison;
use super::fold::skeleton;
use super::grade::Grade;
use super::sharing::Sharing;
use super::traits::Traits;
use super::weigh::{born_apart, compare, grade};

/// A key that more people share than this is passed over.
const CROWD: u32 = 200;
/// Family names, given names and addresses of one person that keys are made of.
const MOST: usize = 4;
/// Bytes of a chunk of people.
const CHUNK: usize = 1 << 16;

/// People, numbered from 0 in the order in which they came.
pub struct Roster {
    people: Packed,
    sharing: Sharing,
}

impl Default for Roster {
    fn default() -> Self {
        Self {
            people: Packed::default(),
            sharing: Sharing::new(CROWD),
        }
    }
}

impl Roster {
    /// A roster of nobody.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a person in and gives back their number.
    pub fn add(&mut self, person: &Traits) -> u32 {
        let number = self.people.push(person);
        for key in numbers(person).into_iter().chain(keys(person)) {
            self.sharing.add(key, number);
        }
        number
    }

    /// How many people there are.
    pub fn len(&self) -> usize {
        self.people.starts.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.people.starts.is_empty()
    }

    /// The people who may be this one, with what the comparison says, the surest first; of equals the one who came first.
    pub fn like(&self, person: &Traits) -> Vec<(u32, Comparison)> {
        let mut found: Vec<(Grade, i32, u32, Traits)> = Vec::new();
        for (number, numbered) in self.candidates(person) {
            if !numbered && born_apart(self.people.birth_date(number), person.birth_date) {
                continue;
            }
            let Some(other) = self.people.get(number) else {
                continue;
            };
            let (grade, score) = grade(&other, person);
            if grade > Grade::None {
                found.push((grade, score, number, other));
            }
        }
        found.sort_unstable_by(|a, b| (b.0, b.1).cmp(&(a.0, a.1)).then(a.2.cmp(&b.2)));
        let compared = |(_, _, number, other)| (number, compare(&other, person));
        found.into_iter().map(compared).collect()
    }

    /// The people who share a key with this one, in order, and whether it is that of a number given to one person only.
    fn candidates(&self, person: &Traits) -> Vec<(u32, bool)> {
        let mut found = Vec::new();
        for key in numbers(person) {
            self.sharing.find(key, |number| found.push((number, true)));
        }
        for key in keys(person) {
            self.sharing.find(key, |number| found.push((number, false)));
        }
        found.sort_unstable_by_key(|(number, numbered)| (*number, !numbered));
        found.dedup_by_key(|(number, _)| *number);
        found
    }
}

/// The keys of numbers that are given to one person only.
fn numbers(person: &Traits) -> Vec<u64> {
    let mut keys = Keys(Vec::with_capacity(4));
    for mrn in &person.mrns {
        keys.add(b'm', &[&mrn.to_le_bytes()]);
    }
    for ssn in &person.ssns {
        keys.add(b's', &[&ssn.to_le_bytes()]);
    }
    keys.once()
}

/// The other keys by which a person is found.
fn keys(person: &Traits) -> Vec<u64> {
    let mut keys = Keys(Vec::with_capacity(24));
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
    keys.once()
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

    fn once(mut self) -> Vec<u64> {
        self.0.sort_unstable();
        self.0.dedup();
        self.0
    }
}

/// People as they are held: in a quarter of the memory that their [`Traits`] would take.
#[derive(Default)]
struct Packed {
    chunks: Vec<Vec<u8>>,
    /// Chunk and offset where each begins.
    starts: Vec<(u32, u32)>,
    /// Which tells most of them apart, so it lies open.
    birth_dates: Vec<Option<BirthDate>>,
}

impl Packed {
    fn push(&mut self, person: &Traits) -> u32 {
        let bytes = postcard::to_stdvec(person).unwrap_or_default();
        if self
            .chunks
            .last()
            .is_none_or(|chunk| chunk.capacity() - chunk.len() < bytes.len())
        {
            self.chunks.push(Vec::with_capacity(CHUNK.max(bytes.len())));
        }
        let number = u32::try_from(self.starts.len()).unwrap_or(u32::MAX);
        let at = u32::try_from(self.chunks.len() - 1).unwrap_or(u32::MAX);
        if let Some(chunk) = self.chunks.last_mut() {
            self.starts.push((at, u32::try_from(chunk.len()).unwrap_or(u32::MAX)));
            chunk.extend_from_slice(&bytes);
        }
        self.birth_dates.push(person.birth_date);
        number
    }

    fn birth_date(&self, number: u32) -> Option<BirthDate> {
        self.birth_dates.get(number as usize).copied().flatten()
    }

    fn get(&self, number: u32) -> Option<Traits> {
        let (chunk, start) = *self.starts.get(number as usize)?;
        let bytes = self.chunks.get(chunk as usize)?.get(start as usize..)?;
        Some(postcard::take_from_bytes(bytes).ok()?.0)
    }
}
