//! In what way two names are nearly one, and what that weighs.

use strsim::{jaro_winkler, osa_distance};

use super::common_names::{family_weight, given_weight};
use super::comparison::Level;
use super::fold::{Script, skeleton};
use super::name::{Given, Name};
use super::nicknames;
use super::traits::Traits;

/// A level and its weight in tenths of a bit.
pub(super) type Weighed = (Level, i32);

const MISSING: Weighed = (Level::Missing, 0);

/// How family, given and middle names agree: for each the best of what any name of the one and any of the other gives.
pub(super) fn names(a: &Traits, b: &Traits) -> [Weighed; 3] {
    let mut best = [None; 3];
    for x in &a.names {
        for y in &b.names {
            let mut found = [family(x, y), given(x, y), middle(x, y)];
            if found[0].1 <= 0
                && found[1].1 <= 0
                && let Some(swapped) = swapped(x, y)
            {
                found = swapped;
            }
            for (best, found) in best.iter_mut().zip(found) {
                // Something that differs goes before nothing known, and something that agrees before both.
                let rank = |level: &Weighed| (level.1 > 0, level.0 != Level::Missing, level.1);
                if best.as_ref().is_none_or(|best| rank(best) < rank(&found)) {
                    *best = Some(found);
                }
            }
        }
    }
    best.map(|found| found.unwrap_or(MISSING))
}

fn family(a: &Name, b: &Name) -> Weighed {
    if a.family.is_empty() || b.family.is_empty() {
        return MISSING;
    }
    if a.family == b.family && certain_letters(a, b) {
        return (Level::Same, rarity(&a.family));
    }
    let (x, y) = (a.family_joined(), b.family_joined());
    if x == y {
        let level = if certain_letters(a, b) {
            Level::Same
        } else {
            Level::Close
        };
        let less = if level == Level::Same { 5 } else { 50 };
        return (level, rarity(&a.family).min(rarity(&b.family)) - less);
    }
    if a.family.len() == b.family.len() && a.family.iter().all(|word| b.family.contains(word)) {
        return (Level::Swapped, rarity(&a.family) - 10);
    }
    let shared: Vec<&Box<str>> = a
        .family
        .iter()
        .filter(|word| word.len() > 2 && b.family.contains(word))
        .collect();
    if let Some(weight) = shared.iter().map(|word| family_weight(word)).max() {
        // Of a double name one half is often left out, but half of two double names is a coincidence more often.
        let half = a.family.len() > 1 && b.family.len() > 1;
        return (Level::Part, weight - if half { 45 } else { 25 });
    }
    if similar(&x, &y) || skeleton(&x) == skeleton(&y) && osa_distance(&x, &y) <= 2 && x.len().min(y.len()) > 3 {
        return (Level::Close, 60);
    }
    across(a, b, &x, &y, 60, -30)
}

fn given(a: &Name, b: &Name) -> Weighed {
    let (Some(x), Some(y)) = (a.given.first(), b.given.first()) else {
        return MISSING;
    };
    if x.latin == y.latin {
        return if x.latin.len() == 1 {
            (Level::Part, 25)
        } else if certain_letters(a, b) {
            (Level::Same, given_weight(&x.latin))
        } else {
            (Level::Close, 30)
        };
    }
    if a.given_joined() == b.given_joined() {
        return (Level::Same, 85);
    }
    if nickname(x, y) {
        // Betty and Lisa both are Elizabeth, but hardly one person: two short forms of one name say little.
        let brief = |given: &Given| given.latin.len() <= 5 && !nicknames::formal(&given.latin);
        return if brief(x) && brief(y) {
            (Level::Part, 20)
        } else {
            (Level::Nickname, 50)
        };
    }
    if called(&a.given, &b.given) || called(&b.given, &a.given) {
        return (Level::Swapped, 40);
    }
    let starts = |short: &str, long: &str| long.starts_with(short);
    if starts(&x.latin, &y.latin) || starts(&y.latin, &x.latin) {
        return match x.latin.len().min(y.latin.len()) {
            1 => (Level::Part, 25),
            2 => (Level::Part, 30),
            _ => (Level::Nickname, 45),
        };
    }
    if similar(&x.latin, &y.latin)
        || skeleton(&x.latin) == skeleton(&y.latin)
            && osa_distance(&x.latin, &y.latin) <= 2
            && x.latin.len().min(y.latin.len()) > 4
    {
        return (Level::Close, 40);
    }
    across(a, b, &a.given_joined(), &b.given_joined(), 40, -60)
}

/// Whether the first name of `a` is another given name of `b`, and what else `a` says does not speak against it.
fn called(a: &[Given], b: &[Given]) -> bool {
    let (Some(first), Some(others)) = (a.first(), b.get(1..)) else {
        return false;
    };
    let fits = |x: &str, y: &str| x == y || x.len().min(y.len()) == 1 && (x.starts_with(y) || y.starts_with(x));
    first.latin.len() > 1
        && others
            .iter()
            .any(|other| other.latin == first.latin || nickname(other, first))
        && a.get(1).is_none_or(|second| fits(&second.latin, &b[0].latin))
}

fn middle(a: &Name, b: &Name) -> Weighed {
    let (Some(x), Some(y)) = (a.given.get(1), b.given.get(1)) else {
        return MISSING;
    };
    let initial = |short: &str, long: &str| short.len() == 1 && long.starts_with(short);
    if x.latin == y.latin {
        (Level::Same, if x.latin.len() == 1 { 20 } else { 45 })
    } else if initial(&x.latin, &y.latin) || initial(&y.latin, &x.latin) {
        (Level::Part, 18)
    } else if nickname(x, y) || similar(&x.latin, &y.latin) {
        (Level::Close, 20)
    } else if a.script != b.script {
        MISSING
    } else {
        (Level::Different, -30)
    }
}

/// Family and given name in each other's place; one of them may be a short form of the other's, or mistyped.
fn swapped(a: &Name, b: &Name) -> Option<[Weighed; 3]> {
    let (first_a, first_b) = (a.given.first()?, b.given.first()?);
    let crossed = |family: &[Box<str>], given: &Given| {
        let like = |word: &str| similar(word, &given.latin) || nicknames::share(nicknames::sets(word), given.sets);
        let equal = family.contains(&given.latin);
        (equal, equal || family.iter().any(|word| like(word)))
    };
    let (there, back) = (crossed(&a.family, first_b), crossed(&b.family, first_a));
    // In both directions, and at least in one to the letter.
    ((there.0 || back.0) && there.1 && back.1 && first_a.latin.len().min(first_b.latin.len()) > 1).then(|| {
        let family = rarity(&a.family).min(rarity(&b.family)) - 20;
        [(Level::Swapped, family), (Level::Swapped, 50), MISSING]
    })
}

/// Names in two scripts that agree in their consonants agree nearly; if they do not, that says little, and of Chinese characters nothing,
/// for they are read in several languages.
fn across(a: &Name, b: &Name, x: &str, y: &str, close: i32, different: i32) -> Weighed {
    if a.script == b.script {
        return if a.script == Script::Han && a.written == b.written {
            (Level::Same, close)
        } else {
            (Level::Different, different)
        };
    }
    let sounds = (skeleton(x), skeleton(y));
    let short = sounds.0.len().min(sounds.1.len());
    if short > 1 && (sounds.0 == sounds.1 || short > 3 && osa_distance(&sounds.0, &sounds.1) <= 1) {
        return (Level::Close, close - 10);
    }
    if a.script == Script::Han || b.script == Script::Han {
        return MISSING;
    }
    (Level::Different, different)
}

/// Whether equal Latin letters mean that the names were written alike.
fn certain_letters(a: &Name, b: &Name) -> bool {
    a.script != Script::Han && b.script != Script::Han || a.written == b.written
}

fn rarity(words: &[Box<str>]) -> i32 {
    words.iter().map(|word| family_weight(word)).max().unwrap_or(0)
}

fn nickname(a: &Given, b: &Given) -> bool {
    nicknames::share(a.sets, b.sets)
}

/// Whether one may be the other with a slip of the pen.
pub(super) fn similar(a: &str, b: &str) -> bool {
    let short = a.len().min(b.len());
    let allowed = match short {
        0..=3 => return false,
        4..=6 => 1,
        _ => 2,
    };
    // In this order always: the measure is not quite the same in the other.
    let (a, b) = if a < b { (a, b) } else { (b, a) };
    osa_distance(a, b) <= allowed || short > 5 && jaro_winkler(a, b) > 0.94
}
