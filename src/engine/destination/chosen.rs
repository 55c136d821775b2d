//! Which server is the destination, and how the records stand there.

use std::collections::BTreeMap;
use std::sync::Arc;

use url::Url;

use super::super::error::EngineError;
use super::deliver::{Problem, problems};
use super::link::{destination, save_destination};
use crate::http::check_transport;
use crate::migration::{Destination, Plan, Secrets, Standing};
use crate::store::{RecordKey, Storage, migration_key};

/// How the records of a migration stand at its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stand {
    /// The server.
    pub destination: Destination,
    /// By type, how many records are there as they were sent last.
    pub there: BTreeMap<String, u64>,
    /// The records that are not there as they should be.
    pub problems: Vec<Problem>,
}

/// How a migration's records stand at its server, if it has one.
pub fn stand(storage: &Arc<Storage>, plan: &Plan) -> Result<Option<Stand>, EngineError> {
    let Some(destination) = destination(storage, &plan.id)? else {
        return Ok(None);
    };
    let mut by_number: BTreeMap<u16, u64> = BTreeMap::new();
    for item in storage.deliveries.scan_prefix(&migration_key(&plan.id, &[])) {
        let (at, known) = item?;
        let key = at.get(at.len().saturating_sub(20)..).and_then(RecordKey::from_bytes);
        if let Some(key) = key.filter(|_| known.state == Standing::Delivered || known.inside()) {
            *by_number.entry(key.resource_type()).or_default() += 1;
        }
    }
    let mut open = problems(storage, plan)?;
    // What somebody settled is none any more.
    open.retain(|problem| !matches!(problem.standing, Standing::Agreed { .. }));
    let names = storage.names.resource_types().into_iter();
    let there = names.filter_map(|(name, number)| Some((name, *by_number.get(&number)?)));
    Ok(Some(Stand {
        destination,
        there: there.collect(),
        problems: open,
    }))
}

/// Makes a server the destination of a migration, or changes what is known of it. Refuses another address once records were delivered:
/// they would be forgotten where they are.
pub fn choose(
    storage: &Storage,
    plan: &Plan,
    chosen: &Destination,
    secrets: Option<&Secrets>,
) -> Result<(), EngineError> {
    let not_ready = |what: String, hint: &str| EngineError::NotReady {
        what,
        hint: hint.to_owned(),
    };
    let url = Url::parse(&chosen.base_url).ok().filter(|url| url.host().is_some());
    let url = url.ok_or_else(|| {
        not_ready(
            format!("{} is not a URL", chosen.base_url),
            "the server's FHIR base URL begins with https://",
        )
    })?;
    check_transport(&url).map_err(|e| not_ready(e.to_string(), &e.hint().unwrap_or_default()))?;
    if let Some(before) = destination(storage, &plan.id)? {
        if before.base_url != chosen.base_url && !before.strategies.is_empty() {
            return Err(not_ready(
                format!("records of `{}` were delivered to {} already", plan.id, before.base_url),
                "take them back there first (`cutover rollback`, then `cutover destination deliver`), or use a migration of its own",
            ));
        }
        if before.inline_attachments != chosen.inline_attachments && !before.begun.is_empty() {
            return Err(not_ready(
                format!(
                    "a delivery of `{}` is not over, and what it has sent goes by what was chosen before",
                    plan.id
                ),
                "deliver once more, to its end, and then choose what goes inside",
            ));
        }
    }
    save_destination(storage, plan, chosen, secrets)
}
