//! What every interaction works on: the records, the names given so far, and the searches remembered.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_128;

use super::manners::{Manners, ServerIds};
use super::meta;
use super::records::{Records, Version};
use super::search::{Criterion, find};

/// Everything behind the lock.
#[derive(Debug)]
pub(super) struct World {
    pub manners: Manners,
    /// The FHIR base.
    pub base_url: String,
    pub records: Records,
    seed: u64,
    named: u64,
    latest: Timestamp,
    /// Ids found before, by type and criteria.
    searches: HashMap<String, (Instant, Vec<String>)>,
}

impl World {
    pub(super) fn new(manners: Manners, base_url: String, seed: u64) -> Self {
        Self {
            manners,
            base_url,
            records: Records::default(),
            seed,
            named: 0,
            latest: Timestamp::UNIX_EPOCH,
            searches: HashMap::new(),
        }
    }

    /// An id for a new record of a type.
    pub(super) fn new_id(&mut self, kind: &str) -> String {
        loop {
            let id = match self.manners.server_ids {
                ServerIds::Uuid => self.uuid(),
                ServerIds::Numeric => {
                    self.named += 1;
                    (1000 + self.named).to_string()
                }
            };
            if self.records.versions(kind, &id).is_empty() {
                return id;
            }
        }
    }

    /// A version id for the next version of a record.
    pub(super) fn new_version(&mut self, kind: &str, id: &str) -> String {
        if self.manners.uuid_versions {
            self.uuid()
        } else {
            (self.records.versions(kind, id).len() + 1).to_string()
        }
    }

    /// The time, in whole milliseconds, that never goes back.
    pub(super) fn now(&mut self) -> Timestamp {
        let now = Timestamp::from_millisecond(Timestamp::now().as_millisecond()).unwrap_or(self.latest);
        self.latest = self.latest.max(now);
        self.latest
    }

    /// The ids that meet the criteria; from a search before, where this kind of server remembers and the client lets it.
    pub(super) fn search(&mut self, kind: &str, criteria: &[Criterion], fresh: bool) -> Vec<String> {
        let Some(lifetime) = self.manners.search_cache else {
            return find(&self.records, kind, criteria);
        };
        let (key, now) = (format!("{kind}?{criteria:?}"), Instant::now());
        if let Some((at, ids)) = self.searches.get(&key)
            && !fresh
            && is_young(*at, now, lifetime)
        {
            return ids.clone();
        }
        let ids = find(&self.records, kind, criteria);
        self.searches.retain(|_, (at, _)| is_young(*at, now, lifetime));
        self.searches.insert(key, (now, ids.clone()));
        ids
    }

    /// Keeps a line of a data set as it is, as a first version.
    pub(super) fn preload(&mut self, kind: &str, line: &[u8]) {
        let resource: Option<Value> = serde_json::from_slice(line).ok();
        if let Some(resource) = resource.filter(|resource| resource["resourceType"] == kind) {
            self.edit(&resource);
        }
    }

    /// Writes a record whatever the manners, with its own `meta.lastUpdated` where it has one; false when it has no type and id.
    pub(super) fn edit(&mut self, resource: &Value) -> bool {
        let (Some(kind), Some(id)) = (resource["resourceType"].as_str(), resource["id"].as_str()) else {
            return false;
        };
        let own = resource["meta"]["lastUpdated"].as_str().and_then(|at| at.parse().ok());
        let (version, at) = (self.new_version(kind, id), own.unwrap_or_else(|| self.now()));
        let kept = meta::dress(resource.clone(), (kind, id), (&version, at), None, &self.manners);
        let version = Version {
            id: version,
            at,
            method: "PUT",
            resource: Some(kept.into()),
        };
        self.records.push(kind, id, version);
        true
    }

    /// A UUID that is the same in every run.
    fn uuid(&mut self) -> String {
        self.named += 1;
        let mut bytes = xxh3_128(format!("{}/{}", self.seed, self.named).as_bytes()).to_be_bytes();
        bytes[6] = (bytes[6] & 0x0F) | 0x40;
        bytes[8] = (bytes[8] & 0x3F) | 0x80;
        let digits = format!("{:032x}", u128::from_be_bytes(bytes));
        [
            &digits[..8],
            &digits[8..12],
            &digits[12..16],
            &digits[16..20],
            &digits[20..],
        ]
        .join("-")
    }
}

fn is_young(at: Instant, now: Instant, lifetime: Duration) -> bool {
    now.duration_since(at) < lifetime
}

#[cfg(test)]
mod tests {
    use super::super::manners::GENERIC;
    use super::*;

    #[test]
    fn ids_are_uuids_and_the_same_in_every_run() {
        let world = || World::new(GENERIC, String::new(), 7);
        let id = world().new_id("Patient");
        assert_eq!(id, world().new_id("Patient"));
        assert_eq!((id.len(), &id[14..15]), (36, "4"));
    }
}
