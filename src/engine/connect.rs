//! Connecting: from a plan to a session with the source.

use std::num::NonZeroU32;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use url::Url;

use super::error::EngineError;
use super::keys;
use crate::http::{Clock, Http, HttpSettings, Secret, SystemClock, Unobserved};
use crate::migration::{AuthMethod, Plan, Preset};
use crate::source::{ClientAuth, Discovered, Known, Session, TokenSettings, TokenSource, discover};
use crate::store::Storage;

/// A client as the plan wants it.
pub fn http(plan: &Plan) -> Result<Http, EngineError> {
    http_by(plan, Arc::new(SystemClock::default()))
}

/// A client as the plan wants it, that goes by this clock.
pub fn http_by(plan: &Plan, clock: Arc<dyn Clock>) -> Result<Http, EngineError> {
    let settings = HttpSettings {
        extra_authorities: plan.ca_file.clone(),
        ..HttpSettings::default()
    };
    Http::with(&settings, clock, Arc::new(Unobserved)).map_err(|e| EngineError::source(&e, e.hint()))
}

/// The source's FHIR base.
pub fn base(plan: &Plan) -> Result<Url, EngineError> {
    Url::parse(&plan.base_url).map_err(|_| EngineError::NotReady {
        what: format!("the FHIR base of `{}` is not a URL", plan.id),
        hint: format!("`cutover migration set {} --base-url https://...`", plan.id),
    })
}

/// What the source says about itself, completed by the preset and by what was typed.
pub async fn ask(http: &Http, plan: &Plan, cancel: &CancellationToken) -> Result<Discovered, EngineError> {
    let known = |url: &Option<String>| Known {
        token_endpoint: url.as_deref().and_then(|u| Url::parse(u).ok()),
        signing_algorithms: None,
    };
    let (preset, typed) = (known(&plan.preset_token_url), known(&plan.token_url));
    discover(http, &base(plan)?, &preset, &typed, plan.token_url.is_some(), cancel)
        .await
        .map_err(|e| EngineError::source(&e, e.hint()))
}

/// A session with the source of a plan.
pub async fn connect(storage: &Storage, plan: &Plan, cancel: &CancellationToken) -> Result<Session, EngineError> {
    connect_by(http(plan)?, storage, plan, cancel).await
}

/// A session with the source of a plan, through this client.
pub async fn connect_by(
    http: Http,
    storage: &Storage,
    plan: &Plan,
    cancel: &CancellationToken,
) -> Result<Session, EngineError> {
    let base = base(plan)?;
    if plan.auth == AuthMethod::None {
        share(&http, plan, &[&base]);
        return Ok(Session::new(http, base, None));
    }
    share(&http, plan, &[&base]);
    let discovered = ask(&http, plan, cancel).await?;
    let endpoint = discovered
        .token_endpoint
        .map(|t| t.value)
        .ok_or_else(|| EngineError::NotReady {
            what: "it is not known where tokens are got: neither the EHR nor the preset says, and none was typed"
                .to_owned(),
            hint: format!("`cutover migration set {} --token-url https://...`", plan.id),
        })?;
    share(&http, plan, &[&base, &endpoint]);
    let settings = TokenSettings {
        endpoint,
        audience: None,
        auth: auth(storage, plan)?,
        scopes: scopes(storage, plan)?,
        extra: storage
            .tables
            .secrets
            .get(plan.id.as_bytes())?
            .unwrap_or_default()
            .token_params
            .into_iter()
            .map(|(name, value)| (name, Secret::new(value)))
            .collect(),
    };
    let tokens = TokenSource::new(http.clone(), settings);
    Ok(Session::new(http, base, Some(Arc::new(tokens))))
}

/// The scopes that a plan asks for.
pub fn scopes(storage: &Storage, plan: &Plan) -> Result<Vec<String>, EngineError> {
    let text = match &plan.scopes {
        Some(typed) => typed.clone(),
        None => Preset::load(&plan.preset, Some(&storage.workspace.presets_dir()))
            .map_err(|e| EngineError::source(&e, e.hint()))?
            .scopes(&plan.types),
    };
    Ok(text.split_whitespace().map(ToOwned::to_owned).collect())
}

fn share(http: &Http, plan: &Plan, urls: &[&Url]) {
    if let Some(per_minute) = plan.requests_per_minute.and_then(NonZeroU32::new) {
        http.share_budget(urls, per_minute);
    }
}

fn auth(storage: &Storage, plan: &Plan) -> Result<ClientAuth, EngineError> {
    let client_id = plan.client_id.clone().ok_or_else(|| EngineError::NotReady {
        what: format!("the client id of `{}` is not known yet", plan.id),
        hint: format!(
            "register with the EHR, then `cutover migration set {} --client-id ID`",
            plan.id
        ),
    })?;
    let secret = || -> Result<Secret, EngineError> {
        let secrets = storage.tables.secrets.get(plan.id.as_bytes())?.unwrap_or_default();
        secrets
            .client_secret
            .map(Secret::new)
            .ok_or_else(|| EngineError::NotReady {
                what: format!("the client secret of `{}` is not known yet", plan.id),
                hint: format!("`cutover migration set {} --client-secret-file FILE`", plan.id),
            })
    };
    Ok(match plan.auth {
        AuthMethod::PrivateKeyJwt => ClientAuth::PrivateKeyJwt {
            client_id,
            key: Arc::new(keys::load(storage, plan)?),
            jku: plan.jku.clone(),
        },
        AuthMethod::ClientSecretBasic => ClientAuth::SecretBasic {
            client_id,
            secret: secret()?,
        },
        AuthMethod::ClientSecretPost => ClientAuth::SecretPost {
            client_id,
            secret: secret()?,
        },
        AuthMethod::None => {
            return Err(EngineError::NotReady {
                what: "this source is open: there is nobody to authenticate to".to_owned(),
                hint: "choose an authentication method".to_owned(),
            });
        }
    })
}
