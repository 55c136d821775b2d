//! The session with a destination, and what it can do.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::super::connect::{Credentials, http_by, open_session};
use super::super::error::EngineError;
use super::super::keys;
use super::flight::{Way, call};
use super::queue::BUNDLE;
use crate::http::{Call, Clock};
use crate::migration::{AuthMethod, Bundling, DeliveryPlan, Destination, Plan, Secrets, Strategy};
use crate::source::{Session, TokenUse};
use crate::store::{Storage, migration_key};
use crate::target::remote::{Ability, Method, NoStrategy, Reply, Request, batch, get_fresh, post_bundle, replies};

/// The longest answer that is read, in bytes.
pub(super) const LONGEST_ANSWER: usize = 256 * 1024 * 1024;
/// The longest that is read of several records, which can be asked for in smaller parts: servers add to what they were given.
pub(super) const LONGEST_OF_MANY: usize = 4 * BUNDLE;

/// The id of what is written and removed again, to try.
const PROBE: &str = "cutover-probe";
/// Bytes of documents that go inside a record, where the server takes no `Binary` by itself.
const INLINE: usize = 8 * 1024 * 1024;
/// The most that go inside a record, whoever wants more: several of them are in memory at once.
const MOST_INLINE: usize = 16 * 1024 * 1024;
/// Bytes of a body that is packed: a smaller one would not be any smaller, and a larger one is a document, which is packed already and would be
/// in memory once more.
const WORTH_PACKING: Range<usize> = 1024..2 * BUNDLE;

/// A destination that can be talked to.
#[derive(Clone)]
pub struct Link {
    /// The destination as saved.
    pub destination: Destination,
    /// What it can do.
    pub ability: Ability,
    /// It takes gzipped bodies.
    pub gzip: bool,
    pub(super) session: Session,
}

/// What one record, written and removed again, proved of a destination.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Trial {
    /// Name and version of its software.
    pub software: String,
    /// Its version of FHIR.
    pub fhir_version: String,
    /// How the store's records are written to it.
    #[serde(flatten)]
    pub plan: DeliveryPlan,
    /// What came of one record written to try.
    pub probed: Probed,
}

/// What came of one record written to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Probed {
    /// It was written, read back and removed.
    Removed,
    /// It was written, and could not be read back or not be removed.
    Left,
    /// Nothing was written: the server takes nothing that could be removed again without a trace.
    Untried,
}

/// The destination of a migration, if it has one.
pub fn destination(storage: &Storage, migration: &str) -> Result<Option<Destination>, EngineError> {
    Ok(storage.tables.destinations.get(migration.as_bytes())?)
}

/// Keeps which server a migration's records are delivered to.
pub fn save_destination(
    storage: &Storage,
    plan: &Plan,
    destination: &Destination,
    secrets: Option<&Secrets>,
) -> Result<(), EngineError> {
    storage.tables.destinations.put(plan.id.as_bytes(), destination)?;
    if let Some(secrets) = secrets {
        storage.tables.secrets.put(&secrets_key(&plan.id), secrets)?;
    }
    Ok(storage.workspace.ledger().durable()?)
}

/// Key of a destination's secrets.
pub(super) fn secrets_key(migration: &str) -> Vec<u8> {
    migration_key(migration, b"destination")
}

/// Opens a session with a migration's destination and reads its capabilities (R4 http, section "capabilities").
pub async fn link(
    storage: &Storage,
    plan: &Plan,
    clock: Arc<dyn Clock>,
    cancel: &CancellationToken,
) -> Result<Link, EngineError> {
    let destination = destination(storage, &plan.id)?.ok_or_else(|| EngineError::NotReady {
        what: format!("`{}` has no server to deliver to", plan.id),
        hint: format!("`cutover destination set {} --base-url https://...`", plan.id),
    })?;
    let there = Plan {
        token_url: destination.token_url.clone(),
        client_id: destination.client_id.clone(),
        auth: destination.auth,
        algorithm: destination.algorithm,
        ca_file: destination.ca_file.clone(),
        requests_per_minute: destination.requests_per_minute,
        ..Plan::new(&plan.id, &destination.base_url)
    };
    let key = match there.auth {
        AuthMethod::PrivateKeyJwt => Some(keys::load(storage, plan)?),
        _ => None,
    };
    let secrets = storage.tables.secrets.get(&secrets_key(&plan.id))?.unwrap_or_default();
    let scopes = destination.scopes.split_whitespace().map(ToOwned::to_owned).collect();
    let http = http_by(&there, clock)?;
    let (session, _) = open_session(http, &there, Credentials { key, secrets }, scopes, cancel).await?;
    let call = get_fresh(session.at("metadata"));
    let answer = session
        .read(&call, TokenUse::Allowed, LONGEST_ANSWER, cancel)
        .await
        .map_err(|e| EngineError::source(&e, e.hint()))?;
    let ability = answer.is_success().then(|| Ability::parse(&answer.body)).flatten();
    let ability = ability.ok_or_else(|| EngineError::NotReady {
        what: format!(
            "{} does not say what it can do: no CapabilityStatement (HTTP {})",
            destination.base_url, answer.status
        ),
        hint: "check the base URL: `BASE/metadata` is where a FHIR server says it".to_owned(),
    })?;
    if !ability.batch && !ability.transaction {
        return Err(EngineError::NotReady {
            what: format!("{} takes neither batches nor transactions", destination.base_url),
            hint: "ask the server's administrator to allow them; record by record it would take days".to_owned(),
        });
    }
    let gzip = ability.batch && takes_gzip(&session, &ability, cancel).await;
    Ok(Link {
        destination,
        ability,
        gzip,
        session,
    })
}

/// Whether a server takes gzipped bodies, of which its capabilities say nothing: one harmless request shows it.
async fn takes_gzip(session: &Session, ability: &Ability, cancel: &CancellationToken) -> bool {
    let Some(name) = ability.types().next() else {
        return false;
    };
    let call = post_bundle(session.base().clone(), batch(&[Request::read(name, PROBE)]), true);
    let Ok(reply) = session.send(&call, TokenUse::Allowed, cancel).await else {
        return false;
    };
    match reply.read(LONGEST_ANSWER).await {
        Ok(answer) if answer.is_success() => replies(&answer.body).is_ok_and(|replies| replies.len() == 1),
        _ => false,
    }
}

impl Link {
    /// How records of a type are written: as settled before, or as the server's capabilities say.
    pub fn strategy(&self, resource_type: &str) -> Result<Strategy, NoStrategy> {
        let (kind, settled) = (self.destination.kind, self.destination.strategies.get(resource_type));
        match settled.map_or_else(|| self.ability.strategy(kind, resource_type), |settled| Ok(*settled))? {
            Strategy::Identifier | Strategy::Tag if kind.unsearched().contains(&resource_type) => {
                Err(NoStrategy::Unsearched)
            }
            strategy => Ok(strategy),
        }
    }

    /// Whether records of a type can be written in another way than under ids of ours, where that is how they are written.
    pub(super) fn goes_without_id(&self, resource_type: &str) -> bool {
        let ours = self.strategy(resource_type) == Ok(Strategy::ClientId);
        ours && self.ability.without_ids(resource_type).is_ok()
    }

    /// How the store's records are written.
    pub(super) fn plan(&self, storage: &Storage) -> DeliveryPlan {
        let (mut strategies, mut not_written) = (BTreeMap::new(), BTreeMap::new());
        for (name, _) in storage.names.resource_types() {
            match self.strategy(&name) {
                Ok(strategy) => drop(strategies.insert(name, strategy)),
                Err(why) => drop(not_written.insert(name, why.to_string())),
            }
        }
        DeliveryPlan {
            bundles: self.bundling(),
            at_most: self.destination.kind.batch(),
            gzip: self.gzip,
            inline_attachments: self.inline(),
            strategies,
            not_written,
        }
    }

    /// How many bytes of documents go inside a record that shows them.
    pub(super) fn inline(&self) -> usize {
        let only = self.destination.kind.only();
        match self.destination.inline_attachments {
            _ if only.is_some() => 0,
            Some(chosen) => chosen.min(MOST_INLINE),
            None if self.strategy(super::inside::BINARY).is_err() => INLINE,
            None => 0,
        }
    }

    /// What records are sent in.
    pub(super) fn bundling(&self) -> Bundling {
        match self.destination.bundling {
            _ if !self.ability.transaction => Bundling::Batch,
            _ if !self.ability.batch => Bundling::Transaction,
            Some(chosen) => chosen,
            None => self.destination.kind.bundling(),
        }
    }

    /// A bundle as a call: never answered from a cache, and with short answers where the server takes the wish.
    pub(super) fn call(&self, body: Vec<u8>) -> Call {
        let gzip = self.gzip && WORTH_PACKING.contains(&body.len());
        post_bundle(self.session.base().clone(), body, gzip)
    }

    /// How many records of a type the server has.
    pub(super) async fn count(
        &self,
        resource_type: &str,
        cancel: &CancellationToken,
    ) -> Result<Option<u64>, EngineError> {
        let mut url = self.session.at(resource_type);
        url.set_query(Some("_summary=count"));
        let call = get_fresh(url);
        let answer = self
            .session
            .read(&call, TokenUse::Allowed, LONGEST_ANSWER, cancel)
            .await
            .map_err(|e| EngineError::source(&e, e.hint()))?;
        if !answer.is_success() {
            return Ok(None);
        }
        let bundle: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        Ok(bundle["total"].as_u64())
    }

    async fn one(&self, request: Request<'_>, cancel: &CancellationToken) -> Result<Reply, EngineError> {
        let way = match request.method {
            _ if !self.ability.batch => Way::Alone,
            Method::Get => Way::Reads,
            _ => Way::Batch,
        };
        let alone = way == Way::Alone && request.method == Method::Get;
        let answer = self
            .session
            .read(&call(self, way, &[request]), TokenUse::Allowed, LONGEST_ANSWER, cancel)
            .await
            .map_err(|e| EngineError::source(&e, e.hint()))?;
        if alone {
            return Ok(Reply::alone(answer.status, &answer.body));
        }
        if !answer.is_success() {
            let error = answer.to_error();
            return Err(EngineError::source(&error, error.hint()));
        }
        let reply = replies(&answer.body)
            .ok()
            .and_then(|replies| replies.into_iter().next());
        Ok(reply.unwrap_or_default())
    }
}

/// Asks a destination what it can do, and writes one record, reads it back and removes it.
pub async fn trial(
    storage: &Storage,
    plan: &Plan,
    clock: Arc<dyn Clock>,
    cancel: &CancellationToken,
) -> Result<Trial, EngineError> {
    let link = link(storage, plan, clock, cancel).await?;
    let probed = probe(&link, cancel).await?;
    Ok(Trial {
        software: link.ability.software.clone(),
        fhir_version: link.ability.fhir_version.clone(),
        plan: link.plan(storage),
        probed,
    })
}

/// One organization that nobody would take for one, written and removed; it is removed however the reading back goes.
async fn probe(link: &Link, cancel: &CancellationToken) -> Result<Probed, EngineError> {
    const TYPE: &str = "Organization";
    let Ok(strategy) = link.strategy(TYPE) else {
        return Ok(Probed::Untried);
    };
    let system = super::outgoing::SOURCE_ID;
    let record = format!(
        r#"{{"resourceType":"{TYPE}","active":false,"name":"cutover: may anything be written here?","identifier":[{{"system":"{system}","value":"{PROBE}"}}]}}"#
    );
    let id = match strategy {
        Strategy::ClientId => {
            let written = link
                .one(Request::put(TYPE, PROBE, None, record.as_bytes()), cancel)
                .await?;
            refused(&written)?;
            PROBE.to_owned()
        }
        Strategy::Identifier | Strategy::Tag => {
            let query = super::outgoing::query("identifier", system, PROBE);
            let written = link
                .one(Request::post(TYPE, query.clone(), record.as_bytes()), cancel)
                .await?;
            refused(&written)?;
            let found = link.one(Request::search(TYPE, &query), cancel).await?;
            let Some(found) = found.found.into_iter().next() else {
                return Ok(Probed::Left);
            };
            found.id
        }
    };
    let read = link.one(Request::read(TYPE, &id), cancel).await?;
    let removed = link.one(Request::delete(TYPE, &id), cancel).await?;
    Ok(if read.status == 200 && matches!(removed.status, 200 | 202 | 204) {
        Probed::Removed
    } else {
        Probed::Left
    })
}

fn refused(reply: &Reply) -> Result<(), EngineError> {
    match reply.status {
        200 | 201 => Ok(()),
        status => Err(EngineError::NotReady {
            what: format!(
                "the server did not take one record to try: HTTP {status} {}",
                reply.words
            ),
            hint: "compare the preset (`--kind`) and the granted scopes with what the server's administrator allows"
                .to_owned(),
        }),
    }
}
