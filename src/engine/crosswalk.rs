//! The crosswalk in memory: records of the source that the destination knows under another id.

use std::collections::{HashMap, HashSet};

use super::error::EngineError;
use crate::fhir::{self, Mention};
use crate::migration::{Ground, Mapping};
use crate::store::{CheckpointError, RecordKey, Storage, migration_key};

/// Ids at the destination, by type and keyed hash of the source's id. Few types are in it, and most records have none of them.
#[derive(Debug, Clone, Default)]
pub struct Crosswalk {
    types: Vec<OfType>,
}

#[derive(Debug, Clone)]
struct OfType {
    name: String,
    number: u16,
    mention: Mention,
    targets: HashMap<[u8; 16], String>,
    /// Destination records that stand for one of the source's.
    taken: HashSet<String>,
    /// Destination records that stand for several of the source's.
    shared: HashSet<String>,
}

impl Crosswalk {
    /// A migration's crosswalk as the ledger has it.
    pub fn read(storage: &Storage, migration: &str) -> Result<Self, EngineError> {
        let mut crosswalk = Self::default();
        for mapping in mappings(storage, migration)? {
            crosswalk.insert(storage, &mapping)?;
        }
        Ok(crosswalk)
    }

    /// Takes in a mapping.
    pub fn insert(&mut self, storage: &Storage, mapping: &Mapping) -> Result<(), CheckpointError> {
        if mapping.to_itself() {
            return Ok(());
        }
        let at = self.types.iter().position(|of| of.name == mapping.resource_type);
        let at = if let Some(at) = at {
            at
        } else {
            self.types.push(OfType {
                name: mapping.resource_type.clone(),
                number: storage.names.resource_type(&mapping.resource_type)?,
                mention: Mention::of(&mapping.resource_type),
                targets: HashMap::new(),
                taken: HashSet::new(),
                shared: HashSet::new(),
            });
            self.types.len() - 1
        };
        let of = &mut self.types[at];
        let id = storage.id_hash(&mapping.source);
        // Whether two patients are one is decided one by one; a search only says where a reference leads.
        let record = mapping.ground != Ground::Decision && !mapping.source.starts_with('?');
        if record && !of.targets.contains_key(&id) && !of.taken.insert(mapping.target.clone()) {
            of.shared.insert(mapping.target.clone());
        }
        of.targets.insert(id, mapping.target.clone());
        Ok(())
    }

    /// Whether every record is simply itself.
    pub fn is_empty(&self) -> bool {
        self.types.is_empty()
    }

    /// Whether every reference leads where it leads by `other`.
    pub fn leads_like(&self, other: &Self) -> bool {
        let like = |of: &OfType| other.types.iter().any(|o| o.name == of.name && o.targets == of.targets);
        self.types.len() == other.types.len() && self.types.iter().all(like)
    }

    /// The id at the destination of a record of the source.
    pub fn get(&self, key: &RecordKey) -> Option<&String> {
        self.of(key)?.targets.get(&key.id())
    }

    /// Whether the destination's record that this one is mapped to stands for others of the source as well: its content then stays.
    pub fn is_shared(&self, key: &RecordKey) -> bool {
        let shared = |of: &OfType| {
            of.targets
                .get(&key.id())
                .is_some_and(|target| of.shared.contains(target))
        };
        self.of(key).is_some_and(shared)
    }

    /// Where a reference to a record of the source leads, if not to itself.
    pub fn leads(&self, storage: &Storage, resource_type: &str, id: &str) -> Option<String> {
        let of = self.types.iter().find(|of| of.name == resource_type)?;
        let target = of.targets.get(&storage.id_hash(id))?;
        Some(format!("{resource_type}/{target}"))
    }

    /// Whether a record may refer to one that is not simply itself.
    fn mentioned(&self, storage: &Storage, text: &[u8]) -> bool {
        let leads = |of: &OfType, id: &str| id == "?" || of.targets.contains_key(&storage.id_hash(id));
        let mentioned = |of: &OfType| of.mention.any(text, |id| leads(of, id));
        !self.is_empty() && (self.types.iter().any(mentioned) || fhir::may_hide(text))
    }

    /// A record with its references leading where the crosswalk says; `None` when none of them changes.
    pub fn repoint(&self, storage: &Storage, text: &[u8], base_url: Option<&str>) -> Option<Vec<u8>> {
        if !self.mentioned(storage, text) {
            return None;
        }
        fhir::rewrite(text, base_url, |resource_type, id| {
            self.leads(storage, resource_type, id)
        })
    }

    /// The same, references to patients left as they are.
    pub fn repoint_others(&self, storage: &Storage, text: &[u8], base_url: Option<&str>) -> Option<Vec<u8>> {
        if self.types.iter().all(|of| of.name == "Patient") {
            return None;
        }
        fhir::rewrite(text, base_url, |resource_type, id| {
            (resource_type != "Patient").then(|| self.leads(storage, resource_type, id))?
        })
    }

    /// The key under which a record of the source stands at the destination.
    pub fn place(&self, storage: &Storage, key: RecordKey) -> RecordKey {
        self.get(&key)
            .map_or(key, |target| key.with_id(storage.id_hash(target)))
    }

    fn of(&self, key: &RecordKey) -> Option<&OfType> {
        self.types.iter().find(|of| of.number == key.resource_type())
    }
}

/// Every mapping of a migration.
pub fn mappings(storage: &Storage, migration: &str) -> Result<Vec<Mapping>, EngineError> {
    let all = storage.tables.crosswalk.scan_prefix(&migration_key(migration, &[]));
    Ok(all
        .map(|item| item.map(|(_, mapping)| mapping))
        .collect::<Result<_, _>>()?)
}

/// Key of a mapping in the ledger: migration, number of the type, keyed hash of the source's id.
pub fn mapping_key(migration: &str, record: &RecordKey) -> Vec<u8> {
    migration_key(migration, &record.as_bytes()[2..])
}
