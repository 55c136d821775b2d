//! Asking for a token: what is sent (SMART Backend Services; RFC 7523) and what comes back (RFC 6749, section 5).

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::Value;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

use super::key::{KeyError, PrivateKey};
use super::token_error::{Refusal, TokenError};
use crate::http::{Answer, Call, Secret, redact_url};

/// How long an assertion is good for; the limit is 300 s, and some servers cut the token's life to it.
const ASSERTION_SECONDS: u64 = 240;
/// The life of a token that came without `expires_in`.
const PRESUMED_LIFE: Duration = Duration::from_secs(300);

/// How we say who we are.
#[derive(Debug, Clone)]
pub enum ClientAuth {
    /// A signed, one-time assertion.
    PrivateKeyJwt {
        /// The id the EHR assigned to us.
        client_id: String,
        /// The key that signs.
        key: Arc<PrivateKey>,
        /// The registered JWKS URL, only if the EHR wants it in the header (`jku`).
        jku: Option<String>,
    },
    /// Id and secret in the `Authorization` header.
    SecretBasic {
        /// The id the EHR assigned to us.
        client_id: String,
        /// The secret.
        secret: Secret,
    },
    /// Id and secret in the form.
    SecretPost {
        /// The id the EHR assigned to us.
        client_id: String,
        /// The secret.
        secret: Secret,
    },
}

/// What a token is asked for with.
#[derive(Debug, Clone)]
pub struct TokenSettings {
    /// The token endpoint.
    pub endpoint: Url,
    /// The `aud` of the assertion, if it is not the very address posted to.
    pub audience: Option<String>,
    /// Who we are.
    pub auth: ClientAuth,
    /// The scopes, such as `system/Patient.read`.
    pub scopes: Vec<String>,
    /// More form fields that some EHRs want, such as an office key.
    pub extra: Vec<(String, Secret)>,
}

/// A token as it was granted.
pub(super) struct Granted {
    pub(super) token: Secret,
    pub(super) life: Duration,
    pub(super) scope: Option<String>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: u64,
    iat: u64,
    jti: String,
}

impl TokenSettings {
    /// The request, with an assertion of its own: it must be sent once and never again (RFC 7523, `jti`).
    pub(super) fn request(&self, now: SystemTime) -> Result<Call, KeyError> {
        let mut form = Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if !self.scopes.is_empty() {
            form.append_pair("scope", &self.scopes.join(" "));
        }
        let mut authorization = None;
        match &self.auth {
            ClientAuth::PrivateKeyJwt { client_id, key, jku } => {
                let assertion = self.assertion(client_id, key, jku.as_deref(), now)?;
                form.append_pair(
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                );
                form.append_pair("client_assertion", assertion.expose());
            }
            ClientAuth::SecretBasic { client_id, secret } => {
                let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let pair = format!("{}:{}", encode(client_id), encode(secret.expose()));
                authorization = Some(format!("Basic {}", STANDARD.encode(pair)));
            }
            ClientAuth::SecretPost { client_id, secret } => {
                form.append_pair("client_id", client_id);
                form.append_pair("client_secret", secret.expose());
            }
        }
        for (name, value) in &self.extra {
            form.append_pair(name, value.expose());
        }
        let call = Call::new(reqwest::Method::POST, self.endpoint.clone())
            .accept("application/json")
            .body("application/x-www-form-urlencoded", form.finish());
        Ok(match authorization {
            Some(value) => call.authorization(&value),
            None => call,
        })
    }

    /// Header and claims of an assertion made at this time, without its signature; nothing where a secret is used, or no key works.
    pub fn assertion_shown(&self, now: SystemTime) -> Option<(Value, Value)> {
        let ClientAuth::PrivateKeyJwt { client_id, key, jku } = &self.auth else {
            return None;
        };
        let assertion = self.assertion(client_id, key, jku.as_deref(), now).ok()?;
        let mut parts = assertion.expose().split('.');
        let mut part = || serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts.next()?).ok()?).ok();
        Some((part()?, part()?))
    }

    fn assertion(
        &self,
        client_id: &str,
        key: &PrivateKey,
        jku: Option<&str>,
        now: SystemTime,
    ) -> Result<Secret, KeyError> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut random = [0_u8; 24];
        aws_lc_rs::rand::fill(&mut random).map_err(|_| KeyError::Library("making a random number"))?;
        let claims = Claims {
            iss: client_id,
            sub: client_id,
            aud: self.audience.as_deref().unwrap_or(self.endpoint.as_str()),
            exp: now + ASSERTION_SECONDS,
            // A little in the past, for servers that take "issued in the future" strictly.
            iat: now.saturating_sub(5),
            jti: URL_SAFE_NO_PAD.encode(random),
        };
        key.sign_jwt(&claims, jku)
    }

    /// Reads the token server's answer: leniently what is not needed, strictly what is.
    pub(super) fn read(&self, answer: &Answer, skew: Option<i64>) -> Result<Granted, TokenError> {
        let endpoint = redact_url(&self.endpoint);
        let json: Option<Value> = serde_json::from_slice(&answer.body).ok();
        let text = |name: &str| json.as_ref().and_then(|json| json[name].as_str()).unwrap_or_default();
        if !answer.is_success() || !text("error").is_empty() {
            let outcome = answer.outcome().text;
            let code: String = text("error")
                .chars()
                .filter(|c| c.is_ascii_alphanumeric() || *c == '_')
                .take(64)
                .collect();
            let description = outcome
                .strip_prefix(code.as_str())
                .map_or(outcome.as_str(), |rest| rest.trim_start_matches([':', ' ']));
            let refusal = Refusal {
                status: answer.status,
                description: if code.is_empty() {
                    outcome.clone()
                } else {
                    description.to_owned()
                },
                code,
                skew,
                registered_scope: json.as_ref().and_then(|json| scope_text(&json["scope"])),
                requested_scope: self.scopes.join(" "),
                signed: matches!(self.auth, ClientAuth::PrivateKeyJwt { .. }),
            };
            return Err(TokenError::Refused {
                endpoint,
                refusal: Box::new(refusal),
            });
        }
        let no_token = |what: &str| TokenError::NoToken {
            endpoint: endpoint.clone(),
            status: answer.status,
            what: what.to_owned(),
        };
        let Some(json) = &json else {
            return Err(no_token(if answer.body.trim_ascii().is_empty() {
                "an empty body"
            } else {
                "a body that is not JSON"
            }));
        };
        let token = text("access_token");
        if token.is_empty() || token.chars().any(|c| !c.is_ascii_graphic()) {
            return Err(no_token("JSON without a usable access_token"));
        }
        let kind = text("token_type");
        if !kind.is_empty() && !kind.eq_ignore_ascii_case("bearer") {
            return Err(no_token("a token that is not a bearer token"));
        }
        Ok(Granted {
            token: Secret::new(token),
            life: life(&json["expires_in"]),
            scope: scope_text(&json["scope"]),
        })
    }
}

/// `expires_in` as a number, a fraction or a text.
fn life(value: &Value) -> Duration {
    let seconds = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
    match seconds {
        Some(seconds) if seconds.is_finite() && seconds >= 0.0 => Duration::from_secs_f64(seconds.min(86_400.0)),
        _ => PRESUMED_LIFE,
    }
}

/// `scope` as a text or a list of texts.
fn scope_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ")),
        _ => None,
    }
}
