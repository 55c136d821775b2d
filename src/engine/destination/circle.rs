//! Records that are to be removed and refer to each other in a circle, at a server that removes nothing that is referred to.
//!
//! Only circles to which nothing else leads that is still there are led out of it: the references inside are taken out, and the records can be
//! removed. Whatever is referred to from outside stays as it is, and is named.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::super::error::EngineError;
use super::deliver::Delivering;
use super::link::{LONGEST_ANSWER, LONGEST_OF_MANY, Link};
use super::work::gone;
use crate::fhir::{self, Kind};
use crate::http::HttpError;
use crate::migration::Standing;
use crate::source::{SessionError, TokenUse};
use crate::target::remote::{Request, batch, replies};

/// Records read at once.
const TOGETHER: usize = 50;
/// More are no circle, but a server that removes nothing at all.
const MOST: usize = 100_000;

/// For each record of a circle, as `Type/id` at the server, all of its circle.
pub type Circles = BTreeMap<String, Arc<BTreeSet<String>>>;

/// The circles among what the server would not remove, as it has the records now.
pub async fn circles(job: &Delivering, link: &Link) -> Result<Circles, EngineError> {
    let tenant = job.storage.names.tenant(&job.plan.tenant)?;
    let (mut places, mut refused) = (Vec::new(), Vec::new());
    for (name, number) in job.storage.names.resource_types() {
        for item in gone(&job.storage, &job.plan.id, tenant, number) {
            let (.., known) = item?;
            if known.is_there() && known.created {
                refused.push(matches!(known.state, Standing::Refused { status: 409, .. }));
                places.push((name.clone(), known.id));
            }
        }
    }
    if places.len() > MOST || !refused.contains(&true) || !link.ability.batch {
        return Ok(Circles::new());
    }
    let named: Vec<String> = places.iter().map(|(name, id)| format!("{name}/{id}")).collect();
    let numbers: HashMap<&str, usize> = named.iter().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    let mut leads: Vec<Vec<usize>> = Vec::with_capacity(places.len());
    let mut chunks: Vec<_> = places.chunks(TOGETHER).rev().collect();
    while let Some(some) = chunks.pop() {
        let reads: Vec<_> = some.iter().map(|(name, id)| Request::read(name, id)).collect();
        let call = link.call(batch(&reads));
        let longest = if some.len() == 1 {
            LONGEST_ANSWER
        } else {
            LONGEST_OF_MANY
        };
        let answer = match link.session.read(&call, TokenUse::Allowed, longest, &job.cancel).await {
            Err(SessionError::Http(HttpError::TooLarge { .. })) if some.len() > 1 => {
                let (first, rest) = some.split_at(some.len() / 2);
                chunks.extend([rest, first]);
                continue;
            }
            answer => answer,
        };
        let answer = answer.map_err(|error| EngineError::source(&error, error.hint()))?;
        let Some(answers) = replies(&answer.body).ok().filter(|answers| answers.len() == some.len()) else {
            // Without knowing all, nothing is taken out of anything.
            return Ok(Circles::new());
        };
        for answer in answers {
            let Some(found) = answer.found.first() else {
                return Ok(Circles::new());
            };
            let led =
                fhir::references(&found.record).filter_map(|reference| match fhir::classify(&reference.text, None) {
                    Kind::Local { resource_type, id, .. } => {
                        numbers.get(format!("{resource_type}/{id}").as_str()).copied()
                    }
                    _ => None,
                });
            leads.push(led.collect());
        }
    }
    let mut found = Circles::new();
    for circle in closed(&leads) {
        if circle.iter().any(|at| refused.get(*at) != Some(&true)) {
            continue;
        }
        let members: BTreeSet<String> = circle.iter().filter_map(|at| named.get(*at).cloned()).collect();
        let members = Arc::new(members);
        found.extend(members.iter().map(|name| (name.clone(), Arc::clone(&members))));
    }
    Ok(found)
}

/// The circles of a graph to which no edge leads from outside: its strongly connected parts of more than one node without a way in.
fn closed(leads: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let part = parts(leads);
    let mut entered: BTreeSet<usize> = BTreeSet::new();
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (from, (targets, own)) in leads.iter().zip(&part).enumerate() {
        members.entry(*own).or_default().push(from);
        entered.extend(
            targets
                .iter()
                .filter_map(|to| part.get(*to))
                .filter(|other| *other != own),
        );
    }
    members.retain(|part, nodes| nodes.len() > 1 && !entered.contains(part));
    members.into_values().collect()
}

/// For each node the number of its strongly connected part (Kosaraju's way: the order in which nodes are left, then the edges backwards).
fn parts(leads: &[Vec<usize>]) -> Vec<usize> {
    let mut backwards = vec![Vec::new(); leads.len()];
    for (from, targets) in leads.iter().enumerate() {
        for to in targets {
            if let Some(sources) = backwards.get_mut(*to) {
                sources.push(from);
            }
        }
    }
    let mut left = Vec::with_capacity(leads.len());
    let mut seen = vec![false; leads.len()];
    for start in 0..leads.len() {
        walk(leads, start, &mut seen, &mut |node| left.push(node));
    }
    let mut part = vec![0; leads.len()];
    let mut seen = vec![false; leads.len()];
    for start in left.into_iter().rev() {
        walk(&backwards, start, &mut seen, &mut |node| {
            if let Some(part) = part.get_mut(node) {
                *part = start;
            }
        });
    }
    part
}

/// Walks from a node to all that were not seen before; each is told when it is left.
fn walk(edges: &[Vec<usize>], start: usize, seen: &mut [bool], leave: &mut dyn FnMut(usize)) {
    let mut way = Vec::new();
    let mut enter = |node: usize, way: &mut Vec<(usize, usize)>| {
        if let Some(seen) = seen.get_mut(node)
            && !*seen
        {
            *seen = true;
            way.push((node, 0));
        }
    };
    enter(start, &mut way);
    while let Some((node, next)) = way.last_mut() {
        let target = edges.get(*node).and_then(|targets| targets.get(*next)).copied();
        *next += 1;
        if let Some(target) = target {
            enter(target, &mut way);
        } else {
            leave(*node);
            way.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_circles_that_nothing_leads_into_are_found() {
        // 0 and 1 refer to each other, and to 2 and 3, which do so too; 4 to itself; 5 stands alone and leads to 6, which leads to 7 and back.
        let leads = [
            vec![1, 2],
            vec![0],
            vec![3],
            vec![2],
            vec![4],
            vec![6],
            vec![7],
            vec![6],
        ];
        assert_eq!(closed(&leads), [vec![0, 1]]);
        // Once 0, 1 and 5 are gone.
        let rest = [vec![], vec![], vec![3], vec![2], vec![4], vec![], vec![7], vec![6]];
        let mut found = closed(&rest);
        found.sort();
        assert_eq!(found, [vec![2, 3], vec![6, 7]]);
        let round: Vec<Vec<usize>> = (0..5000).map(|at| vec![(at + 1) % 5000]).collect();
        assert_eq!(closed(&round).len(), 1, "a long one needs no deep stack");
        assert_eq!(closed(&[]), Vec::<Vec<usize>>::new());
    }
}
