//! Asking the EHR to export, once (Bulk Data, Kick-off Request).

use reqwest::Method;
use reqwest::header::{CONTENT_LOCATION, HeaderName, HeaderValue};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::kickoff_error::KickoffError;
use super::kickoff_request::{FHIR_JSON, KickoffRequest, Level};
use super::session::{Session, SessionError, TokenUse};
use crate::http::{Answer, Call, HttpError};
use crate::migration::KickoffMethod;

const PREFER: HeaderName = HeaderName::from_static("prefer");
/// The largest body of an answer to a kickoff that is read.
const ANSWER_LIMIT: usize = 256 * 1024;

/// A job that the EHR has accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KickoffReply {
    /// Where to ask how it goes; to be stored before anything else is done.
    pub status_url: Url,
    /// The method that worked.
    pub method: KickoffMethod,
    /// Whether the server took up `separate-export-status`.
    pub separate_status: bool,
    /// What the server said besides; may be empty.
    pub words: String,
}

impl KickoffRequest {
    /// Kicks the export off. Nothing is repeated, for each success is a job at the EHR, except: renewing the token after a
    /// 401, and the other method after 404, 405 or 415 (when there is no patient list).
    pub async fn send(&self, session: &Session, cancel: &CancellationToken) -> Result<KickoffReply, KickoffError> {
        if self.level == Level::System && !self.patients.is_empty() {
            return Err(KickoffError::PatientsAtSystemLevel);
        }
        let method = self.effective_method();
        let answer = self.ask(session, method, cancel).await?;
        if !matches!(answer.status, 404 | 405 | 415) || !self.patients.is_empty() {
            return self.accept(session, &answer, method);
        }
        let other = match method {
            KickoffMethod::Get => KickoffMethod::Post,
            KickoffMethod::Post => KickoffMethod::Get,
        };
        let second = self.ask(session, other, cancel).await?;
        // When neither works, the answer to what was asked for first says more.
        if second.is_success() || second.status == 429 {
            self.accept(session, &second, other)
        } else {
            self.accept(session, &answer, method)
        }
    }

    async fn ask(
        &self,
        session: &Session,
        method: KickoffMethod,
        cancel: &CancellationToken,
    ) -> Result<Answer, KickoffError> {
        let (url, body) = self.compose(session, method);
        let prefer = HeaderValue::from_str(&self.prefer()).unwrap_or(HeaderValue::from_static("respond-async"));
        let call = match body {
            Some(body) => Call::new(Method::POST, url).body(FHIR_JSON, body),
            None => Call::get(url),
        };
        let call = call.accept(FHIR_JSON).header(PREFER, prefer);
        let unclear = |error: SessionError| match error {
            SessionError::Http(error @ (HttpError::TimedOut { .. } | HttpError::Broken { .. })) => {
                KickoffError::Unclear(error)
            }
            error => KickoffError::Session(error),
        };
        let reply = session.send(&call, TokenUse::Allowed, cancel).await.map_err(unclear)?;
        // The head alone says where the job is: neither a body that breaks off nor a wish to stop may lose it.
        Ok(reply.read_what_comes(ANSWER_LIMIT, cancel).await)
    }

    fn accept(&self, session: &Session, answer: &Answer, method: KickoffMethod) -> Result<KickoffReply, KickoffError> {
        let words = answer.outcome().text;
        let status = answer.status;
        match (status, &self.level) {
            (200..=299, _) => {}
            (404, Level::Group(group)) => {
                return Err(KickoffError::GroupNotFound {
                    group: group.clone(),
                    words,
                });
            }
            (429, _) => {
                return Err(KickoffError::Busy {
                    retry_after: answer.retry_after,
                    words,
                });
            }
            _ => {
                let about_types = !self.types.is_empty() && words.contains("_type") && !words.contains("_typeFilter");
                return Err(KickoffError::Rejected {
                    status,
                    words,
                    about_types,
                });
            }
        }
        let Some(address) = answer.header(CONTENT_LOCATION) else {
            return Err(KickoffError::NoStatusUrl { status, words });
        };
        let address = address.trim().trim_matches('"');
        let status_url = match session.resolve(&answer.url, address) {
            Some(url) if !address.is_empty() => url,
            _ => return Err(KickoffError::NoStatusUrl { status, words }),
        };
        crate::http::check_transport(&status_url).map_err(|error| KickoffError::Session(error.into()))?;
        let applied = answer
            .headers
            .get_all("preference-applied")
            .iter()
            .filter_map(|value| value.to_str().ok());
        let applied: Vec<&str> = applied.flat_map(|value| value.split(',')).map(str::trim).collect();
        let separate_status = ["respond-async", "separate-export-status"]
            .iter()
            .all(|name| applied.contains(name));
        Ok(KickoffReply {
            status_url,
            method,
            separate_status,
            words,
        })
    }
}

#[cfg(test)]
#[path = "kickoff_request_tests.rs"]
mod request_tests;
#[cfg(test)]
#[path = "kickoff_tests.rs"]
mod tests;
