//! Verification of client assertions (RFC 7523; SMART App Launch, client-confidential-asymmetric).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use jsonwebtoken::{DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;

use super::authority::Authority;
use super::client::{Client, Keys};

/// The longest life of an assertion, in seconds.
const LONGEST: u64 = 300;

#[derive(Deserialize)]
struct Claims {
    iss: Option<String>,
    sub: Option<String>,
    aud: Option<Value>,
    exp: Option<Value>,
    jti: Option<String>,
}

/// The ids of assertions seen, each until it would have expired.
#[derive(Debug, Default)]
pub(crate) struct Seen(Mutex<HashMap<(String, String), u64>>);

impl Seen {
    /// Notes an assertion; false when it was there before.
    fn note(&self, client: &str, jti: &str, expires: u64, now: u64) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.retain(|_, until| *until >= now);
        seen.insert((client.to_owned(), jti.to_owned()), expires).is_none()
    }
}

/// The client an assertion proves; the error is a sentence for `error_description` of `invalid_client`.
pub(crate) async fn verify(authority: &Authority, assertion: &str) -> Result<Client, String> {
    let header = jsonwebtoken::decode_header(assertion).map_err(|_| "The client assertion is no JWT.".to_owned())?;
    let algorithm = format!("{:?}", header.alg);
    if !authority.flavour.algorithms.contains(&algorithm.as_str()) {
        return Err(format!(
            "The client assertion is signed with {algorithm}; this server takes {}.",
            authority.flavour.algorithms.join(" and ")
        ));
    }
    let kid = header
        .kid
        .as_deref()
        .ok_or("The client assertion has no kid in its header.")?;
    let claimed: Claims = jsonwebtoken::dangerous::insecure_decode_claims(assertion)
        .map_err(|_| "The claims of the client assertion cannot be read.".to_owned())?;
    let id = claimed.iss.ok_or("The client assertion has no iss.")?;
    if claimed.sub.as_ref() != Some(&id) {
        return Err("iss and sub of the client assertion differ.".into());
    }
    let client = authority
        .clients
        .get(&id)
        .ok_or_else(|| format!("No client is registered as {id}."))?;
    let keys = match &client.keys {
        Keys::None => return Err(format!("The client {id} has no registered keys.")),
        Keys::Inline(keys) => keys.clone(),
        Keys::Url(url) => {
            if header.jku.as_ref().is_some_and(|jku| jku != url) {
                return Err("jku of the client assertion is not the registered JWKS URL.".into());
            }
            authority.key_sets.get(url).await?
        }
    };
    let key = keys
        .find(kid)
        .ok_or_else(|| format!("The registered keys of {id} hold none with kid {kid}."))?;
    let key = DecodingKey::from_jwk(key).map_err(|_| format!("The registered key {kid} cannot be used."))?;
    let mut validation = Validation::new(header.alg);
    // The server's own clock may be skewed, so the times are checked below and not in the library.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let claims: Claims = jsonwebtoken::decode(assertion, &key, &validation)
        .map_err(|_| format!("The signature of the client assertion does not match the registered key {kid}."))?
        .claims;
    check_audience(claims.aud.as_ref(), &authority.token_url)?;
    let now = authority.clock.epoch_seconds();
    let expires = check_expiry(claims.exp.as_ref(), now)?;
    let jti = claims
        .jti
        .filter(|jti| !jti.is_empty())
        .ok_or("The client assertion has no jti.")?;
    if !authority.seen.note(&id, &jti, expires, now) {
        return Err("The client assertion was used before (jti).".into());
    }
    Ok(client)
}

fn check_audience(aud: Option<&Value>, token_url: &str) -> Result<(), String> {
    let matches = match aud {
        Some(Value::String(one)) => one == token_url,
        Some(Value::Array(several)) => several.iter().any(|one| one == token_url),
        _ => false,
    };
    if matches {
        Ok(())
    } else {
        Err(format!("aud of the client assertion is not {token_url}."))
    }
}

fn check_expiry(exp: Option<&Value>, now: u64) -> Result<u64, String> {
    let exp = exp
        .and_then(Value::as_u64)
        .ok_or("exp of the client assertion is missing or no whole number of seconds.")?;
    if exp <= now {
        Err(format!("The client assertion expired {} seconds ago.", now - exp))
    } else if exp - now > LONGEST {
        Err(format!(
            "The client assertion expires in {} seconds; at most {LONGEST} are allowed.",
            exp - now
        ))
    } else {
        Ok(exp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_assertion_lives_at_most_five_minutes() {
        assert_eq!(check_expiry(Some(&json!(1300)), 1000), Ok(1300));
        assert!(
            check_expiry(Some(&json!(1301)), 1000)
                .unwrap_err()
                .contains("301 seconds")
        );
        assert!(check_expiry(Some(&json!(1000)), 1000).is_err());
        assert!(check_expiry(Some(&json!("soon")), 1000).is_err());
        assert!(check_expiry(None, 1000).is_err());
    }

    #[test]
    fn the_audience_is_the_token_url_to_the_letter() {
        assert!(check_audience(Some(&json!("http://h/token")), "http://h/token").is_ok());
        assert!(check_audience(Some(&json!(["x", "http://h/token"])), "http://h/token").is_ok());
        assert!(check_audience(Some(&json!("http://h/token/")), "http://h/token").is_err());
        assert!(check_audience(None, "http://h/token").is_err());
    }

    #[test]
    fn an_assertion_is_taken_once() {
        let seen = Seen::default();
        assert!(seen.note("a", "1", 100, 50));
        assert!(!seen.note("a", "1", 100, 60));
        assert!(seen.note("b", "1", 100, 60));
        assert!(seen.note("a", "1", 300, 200));
    }
}
