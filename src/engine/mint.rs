//! Getting a token to look at: what was granted of what was asked for, and what a missing scope will cost.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::connect::{Credentials, http_by, open_session, scopes};
use super::error::EngineError;
use super::recorder::Recorder;
use crate::http::Clock;
use crate::migration::{Event, Plan};
use crate::source::unreadable;
use crate::store::Storage;

/// What came of asking for a token; the token itself is forgotten at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Minted {
    /// Where it was asked for.
    pub endpoint: String,
    /// Scopes that were asked for, and whether each was granted.
    pub scopes: Vec<(String, bool)>,
    /// Types of the plan that could not be read with it.
    pub lost: Vec<String>,
    /// How long it was valid when it came.
    pub life: Duration,
    /// Header and claims of an assertion such as the one that was sent, without its signature; nothing where a secret is used.
    pub assertion: Option<(Value, Value)>,
}

/// Asks the source for a token, and journals that it let us in; nothing comes back where the source is open to anyone.
pub async fn mint(
    storage: &Arc<Storage>,
    plan: &Plan,
    clock: Arc<dyn Clock>,
    recorder: &Recorder,
    cancel: &CancellationToken,
) -> Result<Option<Minted>, EngineError> {
    let credentials = Credentials::of(storage, plan)?;
    let asked = scopes(Some(&storage.workspace.presets_dir()), plan)?;
    let (session, _) = open_session(http_by(plan, clock)?, plan, credentials, asked.clone(), cancel).await?;
    let Some(tokens) = session.tokens() else {
        return Ok(None);
    };
    tokens
        .bearer(cancel)
        .await
        .map_err(|e| EngineError::source(&e, e.hint()))?;
    let (granted, missing) = (tokens.granted_scope(), tokens.not_granted());
    let types: Vec<&str> = plan.types.iter().map(String::as_str).collect();
    let lost = granted
        .as_deref()
        .map_or_else(Vec::new, |granted| unreadable(&types, granted));
    recorder.record(&Event::TokenGranted {
        scopes: granted
            .as_deref()
            .unwrap_or_default()
            .split_whitespace()
            .map(ToOwned::to_owned)
            .collect(),
        missing: missing.clone(),
    })?;
    Ok(Some(Minted {
        endpoint: tokens.settings().endpoint.to_string(),
        scopes: asked
            .into_iter()
            .map(|scope| (!missing.contains(&scope), scope))
            .map(|(yes, scope)| (scope, yes))
            .collect(),
        lost: lost.into_iter().map(ToOwned::to_owned).collect(),
        life: tokens.time_left().unwrap_or_default(),
        assertion: tokens.settings().assertion_shown(session.http().clock().wall()),
    }))
}
