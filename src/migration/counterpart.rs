//! Counterparts: which of the destination's organizations, locations and practitioners those of the source are.
//!
//! A number that both have links two records, if their names have a word in common; for a location its name within the same
//! organization does, too. Only one and one are taken for the same. People are never taken for the same by name.

use std::collections::HashMap;

use super::mapping::Ground;
use crate::fhir::Credentials;

/// One who may have a counterpart, or be it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Party {
    /// Id of its record.
    pub id: String,
    /// By what it is known.
    pub credentials: Credentials,
    /// Of a location: id of its organization at the destination.
    pub organization: Option<String>,
}

/// Why one who may be the same is not taken for the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// The same number, and nothing in the names in common, or different NPIs.
    OtherName,
    /// Several could be.
    Several,
    /// The destination's is another record's of the source already.
    Taken,
    /// Only the names are the same.
    NameOnly,
    /// Records received before refer to it as somebody of their own.
    Stored,
}

impl Doubt {
    /// In words for a list.
    pub fn describe(self) -> &'static str {
        match self {
            Self::OtherName => "same number, another name or NPI",
            Self::Several => "several may be the same",
            Self::Taken => "stands for another record already",
            Self::NameOnly => "same name",
            Self::Stored => "received before it was known",
        }
    }
}

/// What is found out about one of the source's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is this one, by place in the list of the destination's.
    Same(usize, Ground),
    /// It may be these.
    Maybe(Vec<usize>, Doubt),
    /// It is nobody whom the destination knows.
    New,
}

/// Finds for each of the source's parties of one type who it is at the destination; `taken` says whether one there stands for another
/// of the source's already.
pub fn counterparts(
    resource_type: &str,
    sources: &[Party],
    targets: &[Party],
    taken: &dyn Fn(&str) -> bool,
) -> Vec<Verdict> {
    let people = resource_type == "Practitioner";
    let by_number = Numbers::of(targets, people);
    let mut verdicts: Vec<Verdict> = sources
        .iter()
        .map(|source| verdict(source, targets, &by_number, people))
        .collect();
    // One of the destination's is one of the source's. Of people, several records with one number are one person.
    let mut claims: HashMap<usize, Vec<usize>> = HashMap::new();
    for (source, verdict) in verdicts.iter().enumerate() {
        if let Verdict::Same(target, _) = verdict {
            claims.entry(*target).or_default().push(source);
        }
    }
    for (target, claimants) in claims {
        let party = &targets[target];
        let doubt = |verdict: &mut Verdict, doubt| *verdict = Verdict::Maybe(vec![target], doubt);
        if taken(&party.id) {
            for at in &claimants {
                doubt(&mut verdicts[*at], Doubt::Taken);
            }
        } else if claimants.len() > 1 && !people {
            let named = |at: &&usize| sources[**at].credentials.same_name(&party.credentials);
            let mut exact = claimants.iter().filter(named);
            let only = exact.next().filter(|_| exact.next().is_none());
            for at in claimants.iter().filter(|at| Some(*at) != only) {
                doubt(&mut verdicts[*at], Doubt::Several);
            }
        }
    }
    verdicts
}

/// The destination's parties by what they are known by.
struct Numbers<'a> {
    npis: HashMap<&'a str, Vec<usize>>,
    identifiers: HashMap<&'a (String, String), Vec<usize>>,
    names: HashMap<String, Vec<usize>>,
}

impl<'a> Numbers<'a> {
    fn of(targets: &'a [Party], people: bool) -> Self {
        let mut numbers = Self {
            npis: HashMap::new(),
            identifiers: HashMap::new(),
            names: HashMap::new(),
        };
        for (at, target) in targets.iter().enumerate() {
            for npi in &target.credentials.npis {
                numbers.npis.entry(npi).or_default().push(at);
            }
            for name in target.credentials.whole_names() {
                numbers.names.entry(name).or_default().push(at);
            }
            for identifier in target.credentials.identifiers.iter().filter(|_| !people) {
                numbers.identifiers.entry(identifier).or_default().push(at);
            }
        }
        numbers
    }
}

fn verdict(source: &Party, targets: &[Party], numbers: &Numbers<'_>, people: bool) -> Verdict {
    let own = &source.credentials;
    let npis = own.npis.iter().filter_map(|npi| numbers.npis.get(npi.as_str()));
    let identifiers = own
        .identifiers
        .iter()
        .filter_map(|number| numbers.identifiers.get(number));
    let linked = distinct(npis.flatten().copied());
    let (linked, ground) = if linked.is_empty() {
        (distinct(identifiers.flatten().copied()), Ground::Identifier)
    } else {
        (linked, Ground::Npi)
    };
    if !linked.is_empty() {
        let alike = |at: &usize| {
            let their = &targets[*at].credentials;
            own.alike(their) && (ground == Ground::Npi || !apart(own, their))
        };
        let (alike, others): (Vec<usize>, Vec<usize>) = linked.into_iter().partition(alike);
        return match alike[..] {
            [] => Verdict::Maybe(others, Doubt::OtherName),
            [only] => Verdict::Same(only, ground),
            _ => one_of(&alike, source, targets, ground).unwrap_or(Verdict::Maybe(alike, Doubt::Several)),
        };
    }
    let named = own.whole_names().filter_map(|name| numbers.names.get(&name));
    let named = distinct(named.flatten().copied());
    let there = |at: &usize| {
        let their = &targets[*at];
        source.organization.is_some() && their.organization == source.organization && !apart(own, &their.credentials)
    };
    let there: Vec<usize> = named.iter().copied().filter(there).collect();
    match (&there[..], &named[..]) {
        ([only], _) if !people => Verdict::Same(*only, Ground::Name),
        (_, []) => Verdict::New,
        _ => Verdict::Maybe(named, Doubt::NameOnly),
    }
}

/// Whether each has a National Provider Identifier of its own.
fn apart(own: &Credentials, their: &Credentials) -> bool {
    !own.npis.is_empty() && !their.npis.is_empty() && !own.npis.iter().any(|npi| their.npis.contains(npi))
}

/// The one of several that has the very name.
fn one_of(alike: &[usize], source: &Party, targets: &[Party], ground: Ground) -> Option<Verdict> {
    let named = |at: &&usize| source.credentials.same_name(&targets[**at].credentials);
    let mut named = alike.iter().filter(named);
    let only = named.next()?;
    named.next().is_none().then_some(Verdict::Same(*only, ground))
}

fn distinct(places: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut places: Vec<usize> = places.collect();
    places.sort_unstable();
    places.dedup();
    places
}

#[cfg(test)]
mod tests;
