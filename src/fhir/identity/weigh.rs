//! Weighing: for each element the binary logarithm of how much more often it agrees in this way in one person than in two
//! (Fellegi and Sunter), in tenths of a bit.

use super::birth_date::BirthDate;
use super::comparison::{Comparison, Element, Level, Part};
use super::grade::Grade;
use super::name_level::{Weighed, names};
use super::traits::Traits;

/// Level and weight of every element, in the order of [`Element`].
pub(super) type Levels = [Weighed; ELEMENTS.len()];

const ELEMENTS: [Element; 12] = [
    Element::Mrn,
    Element::Ssn,
    Element::Family,
    Element::Given,
    Element::Middle,
    Element::Suffix,
    Element::BirthDate,
    Element::BirthOrder,
    Element::Sex,
    Element::Phone,
    Element::Email,
    Element::Address,
];

const MISSING: Weighed = (Level::Missing, 0);

/// Compares two people; the order in which they are given makes no difference.
pub fn compare(a: &Traits, b: &Traits) -> Comparison {
    let levels = levels(a, b);
    let score = levels.iter().map(|(_, weight)| weight).sum();
    let parts = ELEMENTS
        .iter()
        .zip(levels)
        .filter(|(_, (level, _))| *level != Level::Missing);
    Comparison {
        grade: Grade::of(&levels, score),
        score,
        parts: parts
            .map(|(element, (level, weight))| Part {
                element: *element,
                level,
                weight,
            })
            .collect(),
    }
}

/// The grade and score of two people, without the parts; no score where there is no grade.
pub(super) fn grade(a: &Traits, b: &Traits) -> (Grade, i32) {
    // Most who are looked at have a name in common and nothing else: names are compared last.
    let numbered = shared(&a.mrns, &b.mrns, 0, 0).0 == Level::Same || shared(&a.ssns, &b.ssns, 0, 0).0 == Level::Same;
    let differ = |weighed: Weighed| weighed.0 == Level::Different;
    if !numbered
        && (differ(birth_date(a.birth_date, b.birth_date))
            || differ(equal(a.generation, b.generation, 0, 0))
            || differ(equal(a.birth_order, b.birth_order, 0, 0)))
    {
        return (Grade::None, 0);
    }
    let levels = levels(a, b);
    let score = levels.iter().map(|(_, weight)| weight).sum();
    (Grade::of(&levels, score), score)
}

fn levels(a: &Traits, b: &Traits) -> Levels {
    let [family, given, middle] = names(a, b);
    let mut contact = [phone(a, b), email(a, b), address(a, b)];
    // One household has all three in common: after the strongest each says half as much.
    let strongest = contact.iter().map(|(_, weight)| *weight).max().unwrap_or(0);
    let mut seen = false;
    for (_, weight) in &mut contact {
        if *weight > 0 && (*weight < strongest || seen) {
            *weight /= 2;
        } else if *weight > 0 {
            seen = true;
        }
    }
    let [phone, email, address] = contact;
    [
        shared(&a.mrns, &b.mrns, 160, 0),
        ssn(a, b),
        family,
        given,
        middle,
        equal(a.generation, b.generation, 20, -60),
        birth_date(a.birth_date, b.birth_date),
        equal(a.birth_order, b.birth_order, 20, -60),
        equal(a.sex, b.sex, 10, -50),
        phone,
        email,
        address,
    ]
}

fn equal<T: PartialEq>(a: Option<T>, b: Option<T>, same: i32, different: i32) -> Weighed {
    match (a, b) {
        (Some(a), Some(b)) if a == b => (Level::Same, same),
        (Some(_), Some(_)) => (Level::Different, different),
        _ => MISSING,
    }
}

fn shared<T: PartialEq>(a: &[T], b: &[T], same: i32, different: i32) -> Weighed {
    if a.is_empty() || b.is_empty() {
        MISSING
    } else if a.iter().any(|item| b.contains(item)) {
        (Level::Same, same)
    } else if different == 0 {
        // One person may well have several.
        MISSING
    } else {
        (Level::Different, different)
    }
}

fn ssn(a: &Traits, b: &Traits) -> Weighed {
    let same = shared(&a.ssns, &b.ssns, 180, -80);
    let slip = |a: u32, b: u32| differing(u64::from(a), u64::from(b), 9) <= 1;
    if same.0 == Level::Different && a.ssns.iter().any(|x| b.ssns.iter().any(|y| slip(*x, *y))) {
        // Children who got theirs together have neighbouring numbers.
        return (Level::Close, 50);
    }
    same
}

/// Whether the birth dates alone make two people of whom no number agrees two.
pub(super) fn born_apart(a: Option<BirthDate>, b: Option<BirthDate>) -> bool {
    birth_date(a, b).0 == Level::Different
}

fn birth_date(a: Option<BirthDate>, b: Option<BirthDate>) -> Weighed {
    let (Some(a), Some(b)) = (a, b) else {
        return MISSING;
    };
    let level = a.level(b);
    let weight = match level {
        Level::Same if a.month == 0 => 50,
        Level::Same if !a.whole() => 90,
        Level::Same if a.vague() => 80,
        Level::Same => 140,
        Level::Swapped => 75,
        Level::Close => 65,
        Level::Part if a.month != 0 && b.month != 0 && !(a.vague() || b.vague()) => 80,
        Level::Part => 45,
        _ => -100,
    };
    (level, weight)
}

fn phone(a: &Traits, b: &Traits) -> Weighed {
    let same = shared(&a.phones, &b.phones, 80, -5);
    let slip = |x: u64, y: u64| differing(x, y, 15) <= 1;
    if same.0 == Level::Different && a.phones.iter().any(|x| b.phones.iter().any(|y| slip(*x, *y))) {
        return (Level::Close, 50);
    }
    same
}

fn email(a: &Traits, b: &Traits) -> Weighed {
    shared(&a.emails, &b.emails, 90, -5)
}

fn address(a: &Traits, b: &Traits) -> Weighed {
    let levels = a.places.iter().flat_map(|x| b.places.iter().map(|y| x.level(y)));
    match levels.max() {
        None | Some(Level::Missing) => MISSING,
        Some(level @ Level::Same) => (level, 80),
        Some(level @ Level::Close) => (level, 60),
        Some(level @ Level::Part) => (level, 15),
        Some(level) => (level, -10),
    }
}

/// In how many of the last `places` digits two numbers differ; two that are only swapped with their neighbour count once.
fn differing(a: u64, b: u64, places: u32) -> u32 {
    let digit = |n: u64, at: u32| n / 10_u64.pow(at) % 10;
    let mut found = 0;
    let mut at = 0;
    while at < places {
        if digit(a, at) != digit(b, at) {
            found += 1;
            let next = at + 1;
            if next < places && digit(a, at) == digit(b, next) && digit(a, next) == digit(b, at) {
                at += 1;
            }
        }
        at += 1;
    }
    found
}
