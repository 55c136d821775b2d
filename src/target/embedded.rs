//! The embedded FHIR store: reading back what was migrated, as a client of the practice's new system would.
//!
//! A record that nothing changed is the received bytes; what the migration adds (tenant tag, source) is put on when it is read.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use super::content::ContentHash;
use crate::fhir;
use crate::store::{CheckpointError, Entry, RecordKey, Storage, run_key};

/// The embedded store of a workspace, for reading.
pub struct EmbeddedStore {
    storage: Arc<Storage>,
    runs: Mutex<HashMap<u32, Option<Arc<Provenance>>>>,
}

struct Provenance {
    tenant: String,
    base_url: Option<String>,
}

impl EmbeddedStore {
    /// The store of an open workspace.
    pub fn new(storage: Arc<Storage>) -> Self {
        Self {
            storage,
            runs: Mutex::default(),
        }
    }

    /// The current version of a record as stored, `None` when there is none or it was deleted.
    pub fn get(&self, tenant: &str, resource_type: &str, id: &str) -> Result<Option<Vec<u8>>, CheckpointError> {
        let tenant = self.storage.names.tenant(tenant)?;
        let key = self.storage.key(tenant, resource_type, id)?;
        match self.storage.index.get(&key)? {
            Some(entry) if !entry.deleted => Ok(Some(self.read(&entry)?)),
            _ => Ok(None),
        }
    }

    /// One version of a record, with what the migration adds.
    pub fn read(&self, entry: &Entry) -> Result<Vec<u8>, CheckpointError> {
        let line = self.storage.bytes(entry)?;
        if entry.local {
            return Ok(line);
        }
        Ok(match self.provenance(entry.row.run)? {
            Some(p) => fhir::stamp(line, &p.tenant, p.base_url.as_deref()),
            None => line,
        })
    }

    /// How many records a tenant has, by type, deleted ones not counted.
    pub fn count(&self, tenant: &str) -> Result<BTreeMap<String, u64>, CheckpointError> {
        let mut counts = BTreeMap::new();
        for (resource_type, number) in self.types_of(tenant)? {
            let mut count = 0;
            for item in self.storage.index.scan(&number) {
                count += u64::from(!item?.1.deleted);
            }
            if count > 0 {
                counts.insert(resource_type, count);
            }
        }
        Ok(counts)
    }

    /// Every current record of a tenant and, if given, one type, in the order of the landing, so that each block is opened once.
    pub fn records(
        &self,
        tenant: &str,
        resource_type: Option<&str>,
    ) -> Result<impl Iterator<Item = Result<(String, Vec<u8>), CheckpointError>> + '_, CheckpointError> {
        let entries = self.entries(tenant, resource_type)?;
        Ok(entries.map(|(name, entry)| Ok((name, self.read(&entry)?))))
    }

    /// Type and place of every current record of a tenant and, if given, one type, in the order of the landing.
    pub fn entries(
        &self,
        tenant: &str,
        resource_type: Option<&str>,
    ) -> Result<impl Iterator<Item = (String, Entry)> + use<>, CheckpointError> {
        let mut all: Vec<(Entry, u16)> = Vec::new();
        let mut names = HashMap::new();
        for (name, prefix) in self.types_of(tenant)? {
            if resource_type.is_some_and(|wanted| wanted != name) {
                continue;
            }
            for item in self.storage.index.scan(&prefix) {
                let (key, entry) = item?;
                if !entry.deleted {
                    all.push((entry, key.resource_type()));
                }
            }
            names.insert(u16::from_be_bytes([prefix[2], prefix[3]]), name);
        }
        all.sort_unstable_by_key(|(entry, _)| entry.location);
        Ok(all
            .into_iter()
            .map(move |(entry, number)| (names.get(&number).cloned().unwrap_or_default(), entry)))
    }

    /// A hash of everything that an export of a tenant gives; two stores that say the same have the same.
    pub fn hash(&self, tenant: &str) -> Result<[u8; 32], CheckpointError> {
        Ok(self.content(tenant)?.finish())
    }

    /// The same before it is finished, with how many records there are of each type.
    pub fn content(&self, tenant: &str) -> Result<ContentHash, CheckpointError> {
        let mut content = ContentHash::default();
        for (resource_type, entry) in self.entries(tenant, None)? {
            content.add(&resource_type, &self.read(&entry)?);
        }
        Ok(content)
    }

    fn types_of(&self, tenant: &str) -> Result<Vec<(String, [u8; 4])>, CheckpointError> {
        let tenant = self.storage.names.tenant(tenant)?;
        let types = self.storage.names.resource_types();
        Ok(types
            .into_iter()
            .map(|(name, number)| (name, RecordKey::prefix(tenant, number)))
            .collect())
    }

    fn provenance(&self, run: u32) -> Result<Option<Arc<Provenance>>, CheckpointError> {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = runs.get(&run) {
            return Ok(known.clone());
        }
        let info = self.storage.tables.runs.get(&run_key(run))?;
        let found = info.map(|info| {
            Arc::new(Provenance {
                tenant: info.tenant,
                base_url: info.base_url,
            })
        });
        runs.insert(run, found.clone());
        Ok(found)
    }
}
