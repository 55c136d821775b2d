//! Connecting: from a plan to a session with the source.

use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use url::Url;

use super::attachments::WITH_ATTACHMENTS;
use super::error::EngineError;
use super::keys;
use crate::http::{Clock, Http, HttpEvent, HttpSettings, Observer, Secret, SystemClock};
use crate::migration::{AuthMethod, Plan, Preset, Secrets};
use crate::source::{ClientAuth, Discovered, Known, PrivateKey, Session, TokenSettings, TokenSource, discover};
use crate::store::Storage;

/// Puts every request into the log, by its redacted URL.
struct Logged;

impl Observer for Logged {
    fn request_ended(&self, event: HttpEvent) {
        tracing::debug!(
            method = event.method,
            url = event.url,
            status = event.status,
            millis = event.duration.as_millis(),
            bytes = event.bytes,
            "request"
        );
    }
}

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
    Http::with(&settings, clock, Arc::new(Logged)).map_err(|e| EngineError::source(&e, e.hint()))
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

/// What a plan's source wants to see.
#[derive(Default)]
pub struct Credentials {
    /// The private key that assertions are signed with.
    pub key: Option<PrivateKey>,
    /// Client secret and further fields of the token request.
    pub secrets: Secrets,
}

impl Credentials {
    /// Those that the workspace keeps for a migration.
    pub fn of(storage: &Storage, plan: &Plan) -> Result<Self, EngineError> {
        let key = match plan.auth {
            AuthMethod::PrivateKeyJwt => Some(keys::load(storage, plan)?),
            _ => None,
        };
        let secrets = storage.tables.secrets.get(plan.id.as_bytes())?.unwrap_or_default();
        Ok(Self { key, secrets })
    }
}

/// A session with the source of a migration.
pub async fn connect(storage: &Storage, plan: &Plan, cancel: &CancellationToken) -> Result<Session, EngineError> {
    connect_by(http(plan)?, storage, plan, cancel).await
}

/// A session with the source of a migration, through this client.
pub async fn connect_by(
    http: Http,
    storage: &Storage,
    plan: &Plan,
    cancel: &CancellationToken,
) -> Result<Session, EngineError> {
    let credentials = Credentials::of(storage, plan)?;
    let scopes = scopes(Some(&storage.workspace.presets_dir()), plan)?;
    Ok(open_session(http, plan, credentials, scopes, cancel).await?.0)
}

/// A session with the source of a plan, and what the source said about itself where it was asked.
pub async fn open_session(
    http: Http,
    plan: &Plan,
    credentials: Credentials,
    scopes: Vec<String>,
    cancel: &CancellationToken,
) -> Result<(Session, Option<Discovered>), EngineError> {
    let base = base(plan)?;
    share(&http, plan, &[&base]);
    if plan.auth == AuthMethod::None {
        return Ok((Session::new(http, base, None), None));
    }
    let params = credentials.secrets.token_params.clone();
    let auth = auth(plan, credentials)?;
    let discovered = ask(&http, plan, cancel).await?;
    let endpoint = discovered.token_endpoint.clone();
    let endpoint = endpoint.map(|t| t.value).ok_or_else(|| EngineError::NotReady {
        what: "it is not known where tokens are got: neither the EHR nor the preset says, and none was typed"
            .to_owned(),
        hint: format!("`cutover migration set {} --token-url https://...`", plan.id),
    })?;
    share(&http, plan, &[&base, &endpoint]);
    let settings = TokenSettings {
        endpoint,
        audience: None,
        auth,
        scopes,
        extra: params
            .into_iter()
            .map(|(name, value)| (name, Secret::new(value)))
            .collect(),
    };
    let tokens = TokenSource::new(http.clone(), settings);
    Ok((Session::new(http, base, Some(Arc::new(tokens))), Some(discovered)))
}

/// The scopes that a plan asks for; with records that name documents goes the permission to read those.
pub fn scopes(presets: Option<&Path>, plan: &Plan) -> Result<Vec<String>, EngineError> {
    let text = if let Some(typed) = &plan.scopes {
        typed.clone()
    } else {
        let mut types = plan.types.clone();
        let names_documents = types.iter().any(|name| WITH_ATTACHMENTS.contains(&name.as_str()));
        if names_documents && !types.iter().any(|name| name == "Binary") {
            types.push("Binary".to_owned());
        }
        Preset::load(&plan.preset, presets)
            .map_err(|e| EngineError::source(&e, e.hint()))?
            .scopes(&types)
    };
    Ok(text.split_whitespace().map(ToOwned::to_owned).collect())
}

fn share(http: &Http, plan: &Plan, urls: &[&Url]) {
    if let Some(per_minute) = plan.requests_per_minute.and_then(NonZeroU32::new) {
        http.share_budget(urls, per_minute);
    }
}

fn auth(plan: &Plan, credentials: Credentials) -> Result<ClientAuth, EngineError> {
    let id = &plan.id;
    let missing = |what: &str, hint: String| EngineError::NotReady {
        what: format!("the {what} of `{id}` is not known yet"),
        hint,
    };
    let client_id = plan.client_id.clone().ok_or_else(|| {
        let hint = format!("register with the EHR, then `cutover migration set {id} --client-id ID`");
        missing("client id", hint)
    })?;
    let secret = credentials.secrets.client_secret.map(Secret::new).ok_or_else(|| {
        let hint = format!("`cutover migration set {id} --client-secret-file FILE`");
        missing("client secret", hint)
    });
    Ok(match plan.auth {
        AuthMethod::PrivateKeyJwt => ClientAuth::PrivateKeyJwt {
            client_id,
            key: Arc::new(
                credentials
                    .key
                    .ok_or_else(|| missing("private key", format!("`cutover keys new {id}`")))?,
            ),
            jku: plan.jku.clone(),
        },
        AuthMethod::ClientSecretBasic => ClientAuth::SecretBasic {
            client_id,
            secret: secret?,
        },
        AuthMethod::ClientSecretPost => ClientAuth::SecretPost {
            client_id,
            secret: secret?,
        },
        AuthMethod::None => {
            return Err(EngineError::NotReady {
                what: "this source is open: there is nobody to authenticate to".to_owned(),
                hint: "choose an authentication method".to_owned(),
            });
        }
    })
}
