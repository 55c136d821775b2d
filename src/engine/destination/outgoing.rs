//! A record as it is sent: under its id there, its references leading where they lead there.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};

use super::super::error::EngineError;
use super::super::place::hex;
use super::inside::{BINARY, note};
use super::leads::Led;
use super::link::Link;
use super::task::{Goal, Place, Step, Task};
use crate::fhir::{self, Handle};
use crate::migration::{Delivered, Keep, Plan, Standing, Strategy};
use crate::store::{Entry, RecordKey, Storage, migration_key};
use crate::target::EmbeddedStore;
use crate::target::remote::{Found, NoStrategy};

/// System of the identifier, and of the tag, by which a record is found at a server that gives it an id of its own.
pub const SOURCE_ID: &str = "https://cutover.dev/fhir/source-id";

/// A search for a token, as a query: `|` and the rest encoded.
pub fn query(parameter: &str, system: &str, value: &str) -> String {
    let token = format!("{system}|{value}");
    let encoded: String = url::form_urlencoded::byte_serialize(token.as_bytes()).collect();
    format!("{parameter}={encoded}")
}

/// Makes tasks of the store's records.
pub struct Maker<'a> {
    pub storage: &'a Arc<Storage>,
    pub store: &'a EmbeddedStore,
    pub plan: &'a Plan,
    pub link: &'a Link,
    pub tenant: u16,
    /// References to records that are not at the server yet are sent as references by identifier, to be set right later.
    pub settle_for_less: bool,
    /// What is written together: only that may be referred to before it is there. Others are referred to by identifier until they are.
    pub together: Option<HashSet<RecordKey>>,
    /// Types of which the server has no record: whatever is under an id there is ours.
    pub empty: BTreeSet<String>,
}

/// What came of making a task.
pub enum Made {
    /// A task.
    Task(Box<Task>),
    /// It has to wait for a record that it refers to.
    Later,
    /// It is there as it is to be.
    There,
    /// It is, and all that it refers to is there by now; this is to be remembered.
    Complete(Box<Delivered>),
    /// It cannot be sent.
    Not(String),
}

/// What is expected to be at the server.
struct Expected {
    exists: bool,
    version: Option<String>,
    /// Somebody decided that ours goes in its place.
    agreed: bool,
}

impl Expected {
    fn of(known: Option<&Delivered>, own: Option<&Found>) -> Self {
        // What somebody agreed to goes in place of the version that was seen then, and of no other.
        if let Some(Standing::Agreed {
            keep: Keep::Store,
            version,
            ..
        }) = known.map(|known| &known.state)
        {
            return Self {
                exists: version.is_some(),
                version: version.clone(),
                agreed: true,
            };
        }
        let left = known.and_then(|known| known.version.clone());
        Self {
            exists: known.is_some_and(Delivered::is_there),
            version: left.or_else(|| own.and_then(|own| own.version.clone())),
            agreed: false,
        }
    }
}

impl Maker<'_> {
    /// What the ledger knows of a record at the server.
    pub fn known(&self, key: &RecordKey) -> Result<Option<Delivered>, EngineError> {
        Ok(self
            .storage
            .deliveries
            .get(&migration_key(&self.plan.id, key.as_bytes()))?)
    }

    /// The fingerprint of an entry: what is sent is made of nothing else, once its references are settled.
    pub fn made_from(&self, entry: &Entry) -> String {
        hex(&self.storage.content_hash(entry.encode().as_slice()))
    }

    /// The task that makes the server hold what the store has.
    pub fn make(
        &self,
        resource_type: &Arc<str>,
        key: RecordKey,
        entry: &Entry,
        known: Option<Delivered>,
        even_if_there: bool,
    ) -> Result<Made, EngineError> {
        let line = self.store.read(entry)?;
        let scan = fhir::scan(&line).map_err(EngineError::Reject)?;
        let own = self.own_version(&key)?;
        if own.is_none() && self.waits_for_a_holder(resource_type, &line, known.as_ref()) {
            return Ok(Made::Later);
        }
        let placed = match (&known, &own) {
            (Some(known), _) if !known.id.is_empty() => Place::Id(known.id.clone()),
            (_, Some(_)) => Place::Id(scan.id.to_owned()),
            _ => match self.link.strategy(resource_type) {
                Ok(strategy) => self.place(strategy, resource_type, scan.id),
                Err(why) => return Ok(Made::Not(self.why_not(resource_type, why))),
            },
        };
        let token = self.token(resource_type, scan.id);
        let anew = match self.link.strategy(resource_type) {
            Ok(strategy @ (Strategy::Identifier | Strategy::Tag)) => Some(self.place(strategy, resource_type, scan.id)),
            _ => None,
        };
        let handle = match (&own, self.link.strategy(resource_type)) {
            (None, Ok(Strategy::Identifier)) => Some(Handle::Identifier(SOURCE_ID, &token)),
            (None, Ok(Strategy::Tag)) => Some(Handle::Tag(SOURCE_ID, &token)),
            _ => None,
        };
        let base = (!entry.local).then_some(self.plan.base_url.as_str());
        // What the server refuses with its documents goes without them when nothing else is left.
        let refused = known
            .as_ref()
            .is_some_and(|known| matches!(known.state, Standing::Refused { .. }));
        let (line, inside) = if self.settle_for_less && refused {
            (line, Vec::new())
        } else {
            self.inline(line, base, own.as_ref())?
        };
        let Some(Led { line, complete }) = self.led(line, base, own.as_ref())? else {
            return Ok(Made::Later);
        };
        let Ok(body) = fhir::outgoing(&line, handle) else {
            return Ok(Made::Not("it cannot be read as JSON".to_owned()));
        };
        let content = hex(&self.storage.content_hash(&body));
        // What is there with a reference left out because the server refuses it otherwise is not sent so again and again.
        if !even_if_there
            && let Some(known) = &known
            && (known.settled() || known.is_there() && !complete && refused)
            && known.content == content
        {
            note(self.storage, &self.plan.id, &key, &inside)?;
            return Ok(if complete && !known.complete {
                Made::Complete(Box::new(Delivered {
                    complete,
                    ..known.clone()
                }))
            } else {
                Made::There
            });
        }
        let there = Expected::of(known.as_ref(), own.as_ref());
        Ok(Made::Task(Box::new(Task {
            key,
            resource_type: Arc::clone(resource_type),
            body,
            content,
            made_from: self.made_from(entry),
            complete,
            goal: Goal::Write,
            place: placed,
            anew,
            exists: there.exists,
            version: there.version,
            servers_own: own.is_some(),
            known,
            step: Step::Look,
            attempts: 0,
            waited: 0,
            agreed: there.agreed,
            apart: false,
            going: Arc::default(),
            wrote: None,
            force: false,
            inside,
            room: None,
        })))
    }

    /// Why a record cannot be sent.
    fn why_not(&self, resource_type: &str, why: NoStrategy) -> String {
        match self.link.inline() {
            room if room > 0 && resource_type == BINARY => {
                format!(
                    "{why}; inside of a record that shows it there is room for {room} bytes, unless that states another hash, and none took it in"
                )
            }
            _ => why.to_string(),
        }
    }

    /// Where a record without a place at the server is put.
    fn place(&self, strategy: Strategy, resource_type: &str, id: &str) -> Place {
        let token = self.token(resource_type, id);
        match strategy {
            Strategy::ClientId => Place::Id(self.assigned(resource_type, id)),
            Strategy::Identifier => Place::Search(query("identifier", SOURCE_ID, &token)),
            Strategy::Tag => Place::Search(query("_tag", SOURCE_ID, &token)),
        }
    }

    /// The id under which a record is put. An id of digits alone is of a sequence, and the server may have one of its own, so that it would
    /// be somebody else's there; such a record gets one made of where it comes from.
    pub(super) fn assigned(&self, resource_type: &str, id: &str) -> String {
        if !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return id.to_owned();
        }
        let name = format!("{} {}", self.plan.base_url, self.token(resource_type, id));
        let hash = hex(&digest(&SHA256, name.as_bytes()).as_ref()[..16]);
        let parts = [&hash[..8], &hash[8..12], &hash[12..16], &hash[16..20], &hash[20..]];
        parts.join("-")
    }

    pub(super) fn token(&self, resource_type: &str, id: &str) -> String {
        format!("{}/{resource_type}/{id}", self.plan.tenant)
    }

    /// The server's own version of a record, as it was read last, if it is the server's.
    pub(super) fn own_version(&self, key: &RecordKey) -> Result<Option<Found>, EngineError> {
        let versions = self.storage.index.versions(key)?;
        let Some(own) = versions.iter().find(|entry| entry.local) else {
            return Ok(None);
        };
        Ok(Found::read(self.store.read(own)?.into()))
    }
}
