//! Everything one needs to talk to one EHR: client, base, and the token with the rule where it may go.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use url::{Origin, Url};

use super::token::TokenSource;
use super::token_error::TokenError;
use crate::http::{Answer, Attempts, Call, Http, HttpError, Reply, same_origin};

/// A conversation with one EHR; cheap to clone.
#[derive(Clone)]
pub struct Session {
    http: Http,
    base: Url,
    token: Option<Arc<TokenSource>>,
    trusted: Vec<Origin>,
}

/// Whether a request carries the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenUse {
    /// If it goes to an origin the token was minted for (Backend Services, section on using the token).
    Allowed,
    /// Never.
    Never,
}

/// A failed request to the EHR.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SessionError {
    /// The request failed.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// There is no token to make it with.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl SessionError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Http(error) => error.hint(),
            Self::Token(error) => error.hint(),
        }
    }

    /// True if the same request may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Http(error) if error.is_retryable())
    }

    /// True if somebody stopped it.
    pub fn is_cancelled(&self) -> bool {
        matches!(
            self,
            Self::Http(HttpError::Cancelled) | Self::Token(TokenError::Http(HttpError::Cancelled))
        )
    }
}

impl Session {
    /// A session with the EHR at `base`, such as `https://ehr.example/fhir/r4/ABCDEF`; without a token source nothing is
    /// ever authorized.
    pub fn new(http: Http, mut base: Url, token: Option<Arc<TokenSource>>) -> Self {
        base.set_query(None);
        base.set_fragment(None);
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        Self {
            http,
            base,
            token,
            trusted: Vec::new(),
        }
    }

    /// Also lets the token go to this origin: for an EHR that serves status or files elsewhere, and only when the person who
    /// runs the migration has said so.
    #[must_use]
    pub fn trusting(mut self, url: &Url) -> Self {
        self.trusted.push(url.origin());
        self
    }

    /// The client.
    pub fn http(&self) -> &Http {
        &self.http
    }

    /// The FHIR base, without a slash at its end.
    pub fn base(&self) -> &Url {
        &self.base
    }

    /// A URL under the base; `path` without a slash in front, already encoded.
    pub fn at(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!(
            "{}/{path}",
            self.base.path().trim_end_matches('/')
        ));
        url
    }

    /// True if the token may be sent to this URL: same origin as the base, or trusted by hand.
    pub fn may_carry_token(&self, url: &Url) -> bool {
        self.token.is_some()
            && (same_origin(url, &self.base) || self.trusted.contains(&url.origin()))
    }

    /// Reads an address that the EHR gave us, relative to `from`. Plain `http` for the EHR's own host is taken as `https`, for
    /// so speak servers that do not know of the proxy before them; other plain `http` stays, and will be refused.
    pub fn resolve(&self, from: &Url, address: &str) -> Option<Url> {
        let mut url = from.join(address.trim()).ok()?;
        url.host()?;
        if url.scheme() == "http"
            && self.base.scheme() == "https"
            && url.host() == self.base.host()
            && url.port().is_none()
        {
            let _ = url.set_scheme("https");
            let _ = url.set_port(self.base.port());
        }
        Some(url)
    }

    /// Sends a call once, with a valid token if it may carry one; after a 401 the token is renewed and the call made once more.
    pub async fn send(
        &self,
        call: &Call,
        token: TokenUse,
        cancel: &CancellationToken,
    ) -> Result<Reply, SessionError> {
        let source = match &self.token {
            Some(source) if token == TokenUse::Allowed && self.may_carry_token(call.url()) => {
                source
            }
            _ => return Ok(self.http.send(call, cancel).await?),
        };
        let bearer = source.bearer(cancel).await?;
        let reply = self
            .http
            .send(&call.clone().bearer(bearer.secret()), cancel)
            .await?;
        if reply.status != 401 || reply.left_origin {
            return Ok(reply);
        }
        drop(reply);
        source.invalidate(&bearer);
        let bearer = source.bearer(cancel).await?;
        Ok(self
            .http
            .send(&call.clone().bearer(bearer.secret()), cancel)
            .await?)
    }

    /// Sends a call that is safe to repeat until there is an answer worth no retry, and reads it whole; see [`Http::read`].
    pub async fn read(
        &self,
        call: &Call,
        token: TokenUse,
        limit: usize,
        cancel: &CancellationToken,
    ) -> Result<Answer, SessionError> {
        let mut attempts = Attempts::new(self.http.retry());
        loop {
            let result = match self.send(call, token, cancel).await {
                Ok(reply) => match reply.settle(limit, cancel).await {
                    Ok(answer) => return Ok(answer),
                    Err(error) => error,
                },
                Err(SessionError::Http(error)) => error,
                Err(error) => return Err(error),
            };
            attempts.wait_after(&self.http, result, cancel).await?;
        }
    }
}
