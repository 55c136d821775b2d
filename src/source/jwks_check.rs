//! Looking at our published key set as the EHR will (SMART, Client Authentication: Asymmetric).

use reqwest::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::jwk::{PublicJwk, PublicNumbers};
use crate::http::{Call, Http, HttpError, Retry, redact_url};

/// The largest key set that is read.
const LIMIT: usize = 1024 * 1024;
/// Members that make a JWK private (RFC 7518, section 6).
const PRIVATE_MEMBERS: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// How a published key set looks from here. The EHR may see it differently, through a firewall or a list of allowed hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwksCheck {
    /// Everything that was looked at, in order.
    pub findings: Vec<JwksFinding>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JwksFinding {
    /// How bad it is.
    pub level: FindingLevel,
    /// What is so, in one sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingLevel {
    /// As it should be.
    Fine,
    /// It may work.
    Warning,
    /// It will not work.
    Error,
    /// Stop: a private key is public.
    Alarm,
}

impl JwksCheck {
    /// The worst that was found.
    pub fn worst(&self) -> FindingLevel {
        self.findings
            .iter()
            .map(|finding| finding.level)
            .max()
            .unwrap_or(FindingLevel::Fine)
    }

    /// True if an EHR that reads this set can verify what our key signs.
    pub fn is_usable(&self) -> bool {
        self.worst() <= FindingLevel::Warning
    }

    fn say(&mut self, level: FindingLevel, message: impl Into<String>, hint: &str) {
        let hint = (!hint.is_empty()).then(|| hint.to_owned());
        self.findings.push(JwksFinding {
            level,
            message: message.into(),
            hint,
        });
    }
}

/// Fetches the key set at `url`, without credentials, and says whether our key will be found in it.
pub async fn check_published(http: &Http, url: &Url, ours: &PublicJwk, cancel: &CancellationToken) -> JwksCheck {
    use FindingLevel::{Error, Fine, Warning};
    let http = http.clone().with_retry(Retry::brief());
    let mut check = JwksCheck { findings: Vec::new() };
    let answer = match http
        .read(&Call::get(url.clone()).accept("application/json"), LIMIT, cancel)
        .await
    {
        Ok(answer) => answer,
        Err(error) => {
            check.say(Error, error.to_string(), &error.hint().unwrap_or_default());
            return check;
        }
    };
    if !answer.is_success() {
        let hint = match answer.status {
            401 | 403 => {
                "the key set must be readable by anyone: remove the login, IP list or robot check in front of it"
            }
            404 => "check the address; the file may not have been uploaded",
            _ => "the EHR will see the same; check the web server",
        };
        let mut error = answer.to_error();
        if let HttpError::Status { outcome, .. } = &mut error {
            outcome.clear();
        }
        check.say(Error, error.to_string(), hint);
        return check;
    }
    if url.scheme() == "https" {
        check.say(
            Fine,
            format!(
                "{} answers over TLS with a certificate this machine trusts, without a login",
                redact_url(url)
            ),
            "",
        );
    } else {
        check.say(
            Warning,
            format!(
                "{} is plain http, which only a rehearsal on this machine accepts",
                redact_url(url)
            ),
            "publish it under https",
        );
    }
    let kind = answer.header(CONTENT_TYPE).unwrap_or_default().to_ascii_lowercase();
    if kind.contains("json") {
        check.say(Fine, "it is served as JSON", "");
    } else {
        check.say(
            Warning,
            format!("it is served as \"{}\"", kind.chars().take(60).collect::<String>()),
            "set Content-Type: application/json, for some EHRs insist on it",
        );
    }
    match answer.header(CACHE_CONTROL) {
        Some(_) => check.say(Fine, "it says how long it may be cached", ""),
        None => check.say(
            Warning,
            "it does not say how long it may be cached",
            "set Cache-Control: public, max-age=300 so that a new key is seen soon",
        ),
    }
    keys(&mut check, &answer.body, ours);
    check
}

/// Looks at the document itself.
fn keys(check: &mut JwksCheck, body: &[u8], ours: &PublicJwk) {
    use FindingLevel::{Alarm, Error, Fine, Warning};
    let Ok(json) = serde_json::from_slice::<Value>(body) else {
        return check.say(
            Error,
            "what came is not JSON",
            "upload the file written by: cutover keys jwks",
        );
    };
    let Some(keys) = json["keys"].as_array() else {
        let hint = "it must be a set: {\"keys\": [...]}; upload the file written by: cutover keys jwks";
        return check.say(Error, "the JSON has no list \"keys\"", hint);
    };
    if keys
        .iter()
        .chain([&json])
        .any(|key| PRIVATE_MEMBERS.iter().any(|member| key.get(member).is_some()))
    {
        let hint = "take it down NOW, make a new key (cutover keys new), publish only the file of: cutover keys jwks, and tell the EHR's operators";
        check.say(
            Alarm,
            "A PRIVATE KEY IS PUBLISHED THERE: anyone can use it to read the practice's records",
            hint,
        );
    }
    let same_kid: Vec<&Value> = keys.iter().filter(|key| key["kid"] == ours.kid.as_str()).collect();
    match same_kid.as_slice() {
        [] => {
            let elsewhere = keys.iter().any(|key| same_numbers(key, &ours.numbers));
            let message = if elsewhere {
                "our key is there, but under another kid"
            } else {
                "our key is not in the set"
            };
            check.say(
                Error,
                format!("{message} (ours is {}, keys there: {})", ours.kid, keys.len()),
                "upload the file written by: cutover keys jwks",
            );
        }
        [key] => {
            check.say(
                Fine,
                format!("our kid {} is in the set, once, among {}", ours.kid, keys.len()),
                "",
            );
            one_key(check, key, ours);
        }
        several => {
            check.say(
                Error,
                format!("our kid is in the set {} times", several.len()),
                "each key needs a kid of its own; remove the copies",
            );
        }
    }
    if keys.iter().any(|key| key["kid"].as_str().is_none_or(str::is_empty)) {
        check.say(
            Warning,
            "a key in the set has no kid",
            "give every key a kid, for some EHRs refuse the whole set otherwise",
        );
    }
}

fn one_key(check: &mut JwksCheck, key: &Value, ours: &PublicJwk) {
    use FindingLevel::{Error, Fine, Warning};
    if same_numbers(key, &ours.numbers) {
        check.say(Fine, "its numbers are those of our key", "");
    } else {
        check.say(
            Error,
            "the key under our kid is another key",
            "upload the file written by: cutover keys jwks",
        );
    }
    if key["alg"].as_str().is_some_and(|alg| alg != ours.alg.name()) {
        check.say(
            Error,
            format!("its alg is not {}", ours.alg.name()),
            "upload the file written by: cutover keys jwks",
        );
    }
    if key["use"].as_str().is_some_and(|purpose| purpose != "sig") {
        check.say(
            Error,
            "its use is not \"sig\"",
            "upload the file written by: cutover keys jwks",
        );
    }
    let verifies = key["key_ops"].as_array().map(|ops| ops.iter().any(|op| op == "verify"));
    match verifies {
        Some(false) => check.say(
            Error,
            "its key_ops lacks \"verify\"",
            "upload the file written by: cutover keys jwks",
        ),
        None => check.say(
            Warning,
            "it has no key_ops",
            "some EHRs pass over keys without key_ops [\"verify\"]",
        ),
        Some(true) => {}
    }
}

fn same_numbers(key: &Value, ours: &PublicNumbers) -> bool {
    let is = |member: &str, value: &str| {
        key[member]
            .as_str()
            .is_some_and(|theirs| theirs.trim_end_matches('=') == value)
    };
    match ours {
        PublicNumbers::Rsa { n, e } => is("kty", "RSA") && is("n", n) && is("e", e),
        PublicNumbers::Ec { crv, x, y } => is("kty", "EC") && is("crv", crv) && is("x", x) && is("y", y),
    }
}

#[cfg(test)]
#[path = "jwks_check_tests.rs"]
mod tests;
