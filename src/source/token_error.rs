//! Why there is no token, by likely causes rather than by the code alone: servers use the codes loosely.

use super::key::KeyError;
use crate::http::HttpError;

/// Seconds of difference between the clocks from which on they are a likely cause.
pub(super) const SKEW_THAT_MATTERS: i64 = 30;

/// A token could not be got. Cloned to everybody who waited for it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The request failed before the token server could decide.
    #[error("no answer from the token server: {0}")]
    Http(#[from] HttpError),
    /// Our key cannot sign.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The token server said no (RFC 6749, section 5.2).
    #[error("the token server {endpoint} refused us: {}", .refusal.words())]
    Refused {
        /// The token endpoint.
        endpoint: String,
        /// What it said.
        refusal: Box<Refusal>,
    },
    /// The token server said yes, but gave no token.
    #[error("the token server {endpoint} answered {status} without a token: {what}")]
    NoToken {
        /// The token endpoint.
        endpoint: String,
        /// The status.
        status: u16,
        /// What came instead.
        what: String,
    },
}

/// A refusal and what is known about its circumstances.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// The OAuth error code, such as `invalid_client`; empty if the body had none.
    pub code: String,
    /// The server's words; may be empty.
    pub description: String,
    /// Seconds the server's clock is ahead of ours, if it sent a `Date`.
    pub skew: Option<i64>,
    /// The scopes that the server says are registered, if it says so.
    pub registered_scope: Option<String>,
    /// The scopes that were asked for.
    pub requested_scope: String,
    /// True if we signed an assertion, false if we sent a client secret.
    pub signed: bool,
}

impl Refusal {
    fn words(&self) -> String {
        let code = if self.code.is_empty() {
            format!("status {}", self.status)
        } else {
            self.code.clone()
        };
        if self.description.is_empty() || self.description == code {
            code
        } else {
            format!("{code} ({})", self.description)
        }
    }

    /// The likely causes, the likeliest first.
    pub fn likely_causes(&self) -> Vec<String> {
        let mut causes = Vec::new();
        if let Some(skew) = self.skew
            && self.signed
            && skew.abs() >= SKEW_THAT_MATTERS
        {
            let way = if skew > 0 { "behind" } else { "ahead of" };
            causes.push(format!(
                "the clock of this machine is {} s {way} the server's: set it by NTP",
                skew.abs()
            ));
        }
        let mut say = |cause: &str| causes.push(cause.to_owned());
        match self.code.as_str() {
            "invalid_scope" => self.scope_causes(&mut say),
            "invalid_grant" => {
                self.scope_causes(&mut say);
                self.client_causes(&mut say);
            }
            "unauthorized_client" => {
                say("the app is registered, but not for backend services (client_credentials)");
                say("the practice has not activated the app");
            }
            "unsupported_grant_type" => {
                say("the address is not that of the token endpoint for backend services");
                say("this EHR does not offer backend services to this app");
            }
            "invalid_request" => {
                say(
                    "the token server wants another way of client authentication, or a parameter more (see the preset)",
                );
                self.client_causes(&mut say);
            }
            _ => {
                self.client_causes(&mut say);
                if self.code.is_empty() {
                    say("the address is not that of a token endpoint");
                }
            }
        }
        causes
    }

    fn scope_causes(&self, say: &mut impl FnMut(&str)) {
        if let Some(registered) = &self.registered_scope {
            say(&format!(
                "a scope is asked for that is not registered; registered are: {registered}"
            ));
        } else {
            say("a scope is asked for that is not registered for this app");
        }
        if self.requested_scope.contains('*') {
            say("this EHR takes no wildcard: ask for each type by name");
        }
        if !self.requested_scope.contains("Group") {
            say("a Group export also needs system/Group.read (or .rs)");
        }
        say("the EHR expects the other style of scopes (v1 .read, v2 .rs)");
    }

    fn client_causes(&self, say: &mut impl FnMut(&str)) {
        say("the client id is wrong, or is that of another environment (sandbox, production)");
        if self.signed {
            say(
                "the EHR does not find our key: it is not in the published JWKS, or an old copy is cached (cutover keys check URL)",
            );
            say(
                "the EHR cannot fetch the JWKS URL: not public, not https, or not yet on its allow-list",
            );
            say(
                "the token endpoint is not the exact address that the EHR knows itself by (the aud of our assertion)",
            );
        } else {
            say("the client secret is wrong or has expired");
            say("the EHR wants the secret sent the other way (basic, post), or a signed assertion");
        }
        say("the practice has not activated the app");
    }
}

impl TokenError {
    /// What to do about it: for a refusal the likely causes, numbered, the likeliest first.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Http(error) => error.hint(),
            Self::Key(error) => error.hint(),
            Self::Refused { refusal, .. } => {
                let causes = refusal.likely_causes();
                let lines = causes
                    .iter()
                    .enumerate()
                    .map(|(number, cause)| format!("\n  {}. {cause}", number + 1));
                Some(format!(
                    "likely causes, in this order:{}",
                    lines.collect::<String>()
                ))
            }
            Self::NoToken { what, .. } if what == "an empty body" => Some(
                "some servers answer so for any unknown address: check the token endpoint"
                    .to_owned(),
            ),
            Self::NoToken { .. } => {
                Some("check the token endpoint: this does not look like one".to_owned())
            }
        }
    }
}
