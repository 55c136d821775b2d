//! The token endpoint (SMART App Launch, Backend Services) and the tokens it issued.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::assertion;
use super::authority::Authority;
use super::client::{Client, random_name};
use super::flavour::ScopeManners;
use super::outcome::Refusal;
use super::scope::Grant;

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The access tokens that are alive: what each grants and until when, in epoch seconds.
#[derive(Debug, Default)]
pub(crate) struct Tokens(Mutex<HashMap<String, (u64, Grant)>>);

impl Tokens {
    fn lock(&self) -> MutexGuard<'_, HashMap<String, (u64, Grant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a token's life.
    pub(crate) fn revoke(&self, token: &str) {
        self.lock().remove(token);
    }

    /// Ends the life of all tokens.
    pub(crate) fn revoke_all(&self) {
        self.lock().clear();
    }
}

/// The bearer token of a request.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Authority {
    /// What the bearer of a request may do, or a 401.
    pub(crate) fn authorize(&self, headers: &HeaderMap) -> Result<Grant, Refusal> {
        if self.open {
            return Ok(Grant::everything());
        }
        let token = bearer(headers).ok_or_else(|| Refusal::new(401, "login", "The request has no bearer token."))?;
        let mut tokens = self.tokens.lock();
        match tokens.get(token) {
            Some((until, grant)) if *until > self.clock.epoch_seconds() => Ok(grant.clone()),
            Some(_) => {
                tokens.remove(token);
                Err(Refusal::new(401, "expired", "The access token has expired."))
            }
            None => Err(Refusal::new(
                401,
                "login",
                "The access token is unknown or has expired.",
            )),
        }
    }
}

#[derive(Default)]
struct Form {
    grant_type: Option<String>,
    scope: Option<String>,
    client_assertion_type: Option<String>,
    client_assertion: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
}

/// An error of RFC 6749, section 5.2.
struct OAuthError {
    code: &'static str,
    description: String,
    registered_scope: Option<String>,
}

fn error(code: &'static str, description: impl Into<String>) -> OAuthError {
    OAuthError {
        code,
        description: description.into(),
        registered_scope: None,
    }
}

/// `POST [token]`.
pub(crate) async fn issue(State(authority): State<Arc<Authority>>, headers: HeaderMap, body: Bytes) -> Response {
    match decide(&authority, &headers, &body).await {
        Ok(grant) => {
            let Some(token) = random_name() else {
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            };
            let life = authority.token_lifetime;
            let shown =
                json!({ "access_token": token, "token_type": "bearer", "expires_in": life, "scope": grant.text() });
            authority
                .tokens
                .lock()
                .insert(token, (authority.clock.epoch_seconds() + life, grant));
            authority.stats.edit().tokens_issued += 1;
            (
                [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))],
                Json(shown),
            )
                .into_response()
        }
        Err(refused) => {
            *authority
                .stats
                .edit()
                .tokens_refused
                .entry(refused.code.to_owned())
                .or_default() += 1;
            let status = if refused.code == "invalid_client" {
                StatusCode::UNAUTHORIZED
            } else {
                StatusCode::BAD_REQUEST
            };
            let mut shown = json!({ "error": refused.code, "error_description": refused.description });
            if let Some(scope) = refused.registered_scope {
                shown["scope"] = scope.into();
            }
            (
                status,
                [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))],
                Json(shown),
            )
                .into_response()
        }
    }
}

async fn decide(authority: &Authority, headers: &HeaderMap, body: &[u8]) -> Result<Grant, OAuthError> {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !media_type.starts_with("application/x-www-form-urlencoded") {
        return Err(error(
            "invalid_request",
            "The body has to be application/x-www-form-urlencoded.",
        ));
    }
    let mut form = Form::default();
    for (name, value) in url::form_urlencoded::parse(body) {
        let place = match &*name {
            "grant_type" => &mut form.grant_type,
            "scope" => &mut form.scope,
            "client_assertion_type" => &mut form.client_assertion_type,
            "client_assertion" => &mut form.client_assertion,
            "client_id" => &mut form.client_id,
            "client_secret" => &mut form.client_secret,
            _ => continue,
        };
        if place.replace(value.into_owned()).is_some() {
            return Err(error("invalid_request", format!("The parameter {name} occurs twice.")));
        }
    }
    match form.grant_type.as_deref() {
        Some("client_credentials") => {}
        Some(other) => {
            return Err(error(
                "unsupported_grant_type",
                format!("The grant type {other} is not supported."),
            ));
        }
        None => {
            return Err(error("invalid_request", "The parameter grant_type is missing."));
        }
    }
    let client = match (&form.client_assertion, secret(headers, &form)) {
        (Some(assertion), None) => {
            if form.client_assertion_type.as_deref() != Some(ASSERTION_TYPE) {
                return Err(error(
                    "invalid_request",
                    format!("client_assertion_type has to be {ASSERTION_TYPE}."),
                ));
            }
            assertion::verify(authority, assertion)
                .await
                .map_err(|description| error("invalid_client", description))?
        }
        (None, Some((id, secret))) if authority.flavour.secrets => by_secret(authority, &id, &secret)?,
        (None, Some(_)) => {
            return Err(error(
                "invalid_client",
                "This server takes signed client assertions, no client secrets.",
            ));
        }
        (Some(_), Some(_)) => {
            return Err(error(
                "invalid_request",
                "The request names two ways of client authentication.",
            ));
        }
        (None, None) => {
            return Err(error("invalid_request", "The parameter client_assertion is missing."));
        }
    };
    let registered = client.scope.as_deref();
    Grant::decide(form.scope.as_deref().unwrap_or_default(), registered, authority.flavour).map_err(|refused| {
        let tells = authority.flavour.scope_manners == ScopeManners::InvalidScopeWithRegistered
            && refused.code == "invalid_scope";
        let registered_scope = tells.then(|| registered.unwrap_or("system/*.read").to_owned());
        OAuthError {
            code: refused.code,
            description: refused.description,
            registered_scope,
        }
    })
}

/// Client id and secret from the `Authorization` header (each form-encoded, RFC 6749 section 2.3.1) or from the body.
fn secret(headers: &HeaderMap, form: &Form) -> Option<(String, String)> {
    let decode = |part: &str| {
        url::form_urlencoded::parse(format!("x={part}").as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
    };
    let basic = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.strip_prefix("Basic "));
    if let Some(encoded) = basic {
        let plain = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (id, secret) = plain.split_once(':')?;
        return Some((decode(id)?, decode(secret)?));
    }
    Some((form.client_id.clone()?, form.client_secret.clone()?))
}

fn by_secret(authority: &Authority, id: &str, secret: &str) -> Result<Client, OAuthError> {
    authority
        .clients
        .get(id)
        .filter(|client| client.secret.as_deref() == Some(secret))
        .ok_or_else(|| error("invalid_client", "The client is unknown or its secret is wrong."))
}
