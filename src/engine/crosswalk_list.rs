//! The crosswalk as a list: who is mapped, and who of the source's directory is not, with whom they may be.

use std::collections::HashMap;
use std::sync::Arc;

use serde::Serialize;

use super::crosswalk::{Crosswalk, mappings};
use super::directory::{DIRECTORY, Theirs, landed, ours};
use super::error::EngineError;
use super::matching::Known;
use super::program::transforms;
use super::tally::runs_of;
use crate::migration::{Doubt, Mapping, Plan, Verdict, counterparts};
use crate::store::Storage;

/// A record of the source and what the crosswalk says of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CrosswalkLine {
    /// `Type/id`, or `Type?search` of a conditional reference.
    pub source: String,
    /// `Type/id` at the destination; absent for one that arrives as somebody of its own.
    pub target: Option<String>,
    /// Why it is that one.
    pub ground: Option<&'static str>,
    /// Its name, where it is an organization, a location or a practitioner that was received.
    pub name: Option<String>,
    /// Records of the destination that it may be.
    pub likely: Vec<String>,
    /// Why it is not taken for one of those.
    pub doubt: Option<&'static str>,
}

/// A migration's crosswalk: what is mapped, then everybody in the received directory who is not, by type and id.
pub fn crosswalk_list(storage: &Arc<Storage>, plan: &Plan) -> Result<Vec<CrosswalkLine>, EngineError> {
    let mut files = Vec::new();
    for run in runs_of(storage, &plan.id)? {
        files.extend(storage.files(run)?);
    }
    let crosswalk = Crosswalk::read(storage, &plan.id)?;
    let mut theirs = Theirs::of(storage, plan)?;
    let mut mapped = mappings(storage, &plan.id)?;
    mapped.sort_by(|a, b| (&a.resource_type, &a.source).cmp(&(&b.resource_type, &b.source)));
    let transforms = transforms(storage, plan)?;
    let mut lines: Vec<CrosswalkLine> = mapped.iter().map(line).collect();
    let places: HashMap<String, usize> = lines
        .iter()
        .enumerate()
        .map(|(at, line)| (line.source.clone(), at))
        .collect();
    for resource_type in DIRECTORY {
        let known = Known::of(storage, plan, resource_type)?;
        let sources = ours(
            storage,
            plan,
            &crosswalk,
            landed(storage, &files, &transforms, resource_type)?,
        );
        let targets = theirs.parties(resource_type)?;
        let verdicts = counterparts(resource_type, &sources, &targets, &|id| known.targets.contains(id));
        for (source, verdict) in sources.into_iter().zip(verdicts) {
            let name = source.credentials.names.into_iter().next();
            let record = format!("{resource_type}/{}", source.id);
            if let Some(at) = places.get(&record) {
                lines[*at].name = name;
                continue;
            }
            let (likely, doubt) = match verdict {
                Verdict::Same(target, _) => (vec![target], Some(Doubt::Stored)),
                Verdict::Maybe(targets, doubt) => (targets, Some(doubt)),
                Verdict::New => (Vec::new(), None),
            };
            let named = |at: usize| format!("{resource_type}/{}", targets[at].id);
            lines.push(CrosswalkLine {
                source: record,
                target: None,
                ground: None,
                name,
                likely: likely.into_iter().map(named).collect(),
                doubt: doubt.map(Doubt::describe),
            });
        }
    }
    Ok(lines)
}

fn line(mapping: &Mapping) -> CrosswalkLine {
    let slash = if mapping.source.starts_with('?') { "" } else { "/" };
    CrosswalkLine {
        source: format!("{}{slash}{}", mapping.resource_type, mapping.source),
        target: Some(format!("{}/{}", mapping.resource_type, mapping.target)),
        ground: Some(mapping.ground.name()),
        name: None,
        likely: Vec::new(),
        doubt: None,
    }
}
