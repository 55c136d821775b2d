//! Fetching one file of an export to its last byte (Bulk Data, Output File Request).

use bytes::Bytes;
use reqwest::header::{
    ACCEPT_ENCODING, ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG,
    HeaderValue, IF_RANGE, LAST_MODIFIED, RANGE,
};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::delivery::{ByteSink, ResumePoint, SinkStopped};
use super::delivery::{Delivery, Undeliverable};
use super::download_error::DownloadError;
use super::gunzip::{BadGzip, Gunzip};
use super::manifest::{Access, OutputFile};
use super::session::{Session, SessionError, TokenUse};
use crate::http::{Attempts, Call, HttpError, Reply, redact_url};

/// How often a file may change under the download.
const MOST_RESTARTS: u32 = 3;

/// A file that came whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Decoded bytes of the whole file, those of former runs included.
    pub bytes: u64,
    /// The hash of the decoded file.
    pub hash: [u8; 32],
    /// Bytes that came over the wire now, repeated ones included.
    pub wire_bytes: u64,
    /// Requests made for it now.
    pub attempts: u32,
    /// How often it changed and was begun again.
    pub restarts: u32,
    /// `Content-Type` of the last answer.
    pub content_type: Option<String>,
}

/// How often a file may be refused to a new token before it is given up.
const MOST_REFUSALS: u32 = 3;

/// How an attempt ended without the whole file.
enum Fault {
    /// There is no use in trying again.
    Final(DownloadError),
    /// The same may work later.
    Retry(HttpError),
    /// Nothing came where something was promised, or a token that was just renewed was refused; it may come later.
    Empty(DownloadError),
    /// The server does not serve the rest of a file as it should; it can still serve the whole.
    RangeUseless,
    /// The file is not the one it was.
    Changed,
}

impl From<Undeliverable> for Fault {
    fn from(reason: Undeliverable) -> Self {
        match reason {
            Undeliverable::Changed => Self::Changed,
            Undeliverable::Stopped => Self::Final(DownloadError::SinkStopped),
        }
    }
}

impl From<SessionError> for Fault {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Http(error) => error.into(),
            error @ SessionError::Token(_) => Self::Final(error.into()),
        }
    }
}

impl From<HttpError> for Fault {
    fn from(error: HttpError) -> Self {
        if error.is_retryable() {
            Self::Retry(error)
        } else {
            Self::Final(error.into())
        }
    }
}

/// Fetches a file, or the rest of it after `from`, into `sink`: decoded, byte for byte, each byte once.
///
/// After a cut body, 429, 5xx or a network failure it goes on from the bytes already delivered: by `Range` if the server names
/// a strong validator and accepts ranges, else by reading the file again and checking that its beginning is the same. The token
/// goes only where [`OutputFile::access`] and the session allow. The session's base being `https`, plain `http` is refused even to loopback.
pub async fn fetch(
    session: &Session,
    file: &OutputFile,
    from: ResumePoint,
    sink: &mut impl ByteSink,
    cancel: &CancellationToken,
) -> Result<Fetched, DownloadError> {
    if session.base().scheme() == "https" && file.url.scheme() != "https" {
        return Err(HttpError::PlainHttpRefused {
            url: redact_url(&file.url),
        }
        .into());
    }
    let mut download = Download {
        session,
        file,
        delivery: Delivery::new(from),
        ranges: true,
        wire_bytes: 0,
        requests: 0,
        refusals: 0,
        cancel,
    };
    let mut attempts = Attempts::new(session.http().retry());
    let mut restarts = 0;
    loop {
        let before = download.delivery.offset;
        let fault = match download.attempt(sink).await {
            Ok(content_type) => {
                return Ok(Fetched {
                    bytes: download.delivery.offset,
                    hash: download.delivery.sum(),
                    wire_bytes: download.wire_bytes,
                    attempts: download.requests,
                    restarts,
                    content_type,
                });
            }
            Err(fault) => fault,
        };
        if download.delivery.offset > before {
            attempts.progressed();
        }
        match fault {
            Fault::Final(error) => return Err(error),
            Fault::RangeUseless => download.ranges = false,
            Fault::Retry(error) => attempts.wait_after(session.http(), error, cancel).await?,
            Fault::Empty(error) => match attempts.wait_after(session.http(), broken(&file.url, 0), cancel).await {
                Err(HttpError::Broken { .. }) => return Err(error),
                waited => waited?,
            },
            Fault::Changed if restarts >= MOST_RESTARTS => {
                return Err(DownloadError::KeepsChanging {
                    url: redact_url(&file.url),
                    times: restarts + 1,
                });
            }
            Fault::Changed => {
                restarts += 1;
                sink.restart().await.map_err(|SinkStopped| DownloadError::SinkStopped)?;
                download.delivery.restart();
            }
        }
    }
}

struct Download<'a> {
    session: &'a Session,
    file: &'a OutputFile,
    delivery: Delivery,
    /// Whether it is worth asking for a range.
    ranges: bool,
    wire_bytes: u64,
    requests: u32,
    /// Answers of 401 to a token that had just been renewed.
    refusals: u32,
    cancel: &'a CancellationToken,
}

impl Download<'_> {
    /// One request and its whole body; gives the content type.
    async fn attempt(&mut self, sink: &mut impl ByteSink) -> Result<Option<String>, Fault> {
        let mut call = Call::get(self.file.url.clone()).accept("application/fhir+ndjson");
        let range = self.range();
        match &range {
            Some((range, validator)) => {
                call = call.header(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
                call = call.header(RANGE, range.clone()).header(IF_RANGE, validator.clone());
            }
            None => call = call.header(ACCEPT_ENCODING, HeaderValue::from_static("gzip")),
        }
        let token = if self.file.access == Access::NoToken {
            TokenUse::Never
        } else {
            TokenUse::Allowed
        };
        self.requests += 1;
        let mut reply = self.session.send(&call, token, self.cancel).await?;
        let url = redact_url(&reply.url);
        let total = match reply.status {
            200 => content_length(&reply),
            206 if range.is_some() => Some(self.check_range(&reply).ok_or(Fault::RangeUseless)?),
            206 | 416 if range.is_some() || self.ranges => return Err(Fault::RangeUseless),
            401 => {
                let withheld =
                    token == TokenUse::Never || reply.left_origin || !self.session.may_carry_token(&self.file.url);
                let error = DownloadError::Unauthorized { url, withheld };
                // Tokens may die faster than they are renewed when several files share one: that is no word on this file.
                self.refusals += 1;
                let again = !withheld && self.session.tokens().is_some() && self.refusals <= MOST_REFUSALS;
                return Err(if again {
                    Fault::Empty(error)
                } else {
                    Fault::Final(error)
                });
            }
            status @ (403 | 404 | 410) => {
                return Err(Fault::Final(DownloadError::Expired { url, status }));
            }
            _ => return Err(reply.into_error(self.cancel).await.into()),
        };
        let content_type = reply.header(CONTENT_TYPE).map(str::to_owned);
        if content_type
            .as_deref()
            .is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/html"))
        {
            return Err(Fault::Final(DownloadError::WebPage { url }));
        }
        let mut gunzip = gunzip(&reply, &url)?;
        if reply.status == 200 {
            self.delivery.validator = if gunzip.is_some() { None } else { validator(&reply) };
        }
        self.delivery.begin(reply.status == 200);
        sink.opened(self.delivery.validator.as_deref());
        let got = self.body(&mut reply, gunzip.as_mut(), sink).await?;
        self.check_whole(&reply, got, total, gunzip.is_some())?;
        Ok(content_type)
    }

    /// Reads the body to its end; gives its length on the wire.
    async fn body(
        &mut self,
        reply: &mut Reply,
        gunzip: Option<&mut Gunzip>,
        sink: &mut impl ByteSink,
    ) -> Result<u64, Fault> {
        let mut got = 0;
        let Some(gunzip) = gunzip else {
            while let Some(chunk) = self.chunk(reply, &mut got).await? {
                self.delivery.deliver(chunk, sink).await?;
            }
            self.delivery.end()?;
            return Ok(got);
        };
        let bad = |BadGzip| Fault::from(broken(&self.file.url, 0));
        while let Some(mut chunk) = self.chunk(reply, &mut got).await? {
            while let Some(piece) = gunzip.next(&mut chunk).map_err(bad)? {
                self.delivery.deliver(piece, sink).await?;
            }
        }
        let last = gunzip.finish().map_err(bad)?;
        self.delivery.deliver(last, sink).await?;
        self.delivery.end()?;
        Ok(got)
    }

    async fn chunk(&mut self, reply: &mut Reply, got: &mut u64) -> Result<Option<Bytes>, HttpError> {
        let chunk = tokio::select! {
            chunk = reply.chunk() => chunk?,
            () = self.cancel.cancelled() => return Err(HttpError::Cancelled),
        };
        let length = chunk.as_ref().map_or(0, |chunk| chunk.len() as u64);
        *got += length;
        self.wire_bytes += length;
        Ok(chunk)
    }

    fn check_whole(&self, reply: &Reply, got: u64, total: Option<u64>, encoded: bool) -> Result<(), Fault> {
        let have = if encoded || reply.status == 200 {
            got
        } else {
            self.delivery.offset
        };
        if total.is_some_and(|total| total != have) {
            return Err(broken(&reply.url, got).into());
        }
        match self.file.count {
            Some(count) if count > 0 && self.delivery.offset == 0 => {
                let url = redact_url(&reply.url);
                Err(Fault::Empty(DownloadError::Empty { url, count }))
            }
            _ => Ok(()),
        }
    }

    /// The headers that ask for the rest of the file, if that is sound.
    fn range(&self) -> Option<(HeaderValue, HeaderValue)> {
        if !self.ranges || self.delivery.offset == 0 {
            return None;
        }
        let validator = HeaderValue::from_str(self.delivery.validator.as_deref()?).ok()?;
        let range = HeaderValue::from_str(&format!("bytes={}-", self.delivery.offset)).ok()?;
        Some((range, validator))
    }

    /// The length of the whole file, if a 206 is the rest that was asked for, of the same version, and not encoded.
    fn check_range(&self, reply: &Reply) -> Option<u64> {
        let (bounds, total) = reply
            .header(CONTENT_RANGE)?
            .trim()
            .strip_prefix("bytes ")?
            .split_once('/')?;
        let (first, last) = bounds.split_once('-')?;
        let (first, last, total): (u64, u64, u64) = (first.parse().ok()?, last.parse().ok()?, total.parse().ok()?);
        let plain = reply
            .header(CONTENT_ENCODING)
            .is_none_or(|encoding| encoding.eq_ignore_ascii_case("identity"));
        let same = match (reply.header(ETAG), self.delivery.validator.as_deref()) {
            (Some(now), Some(then)) if then.starts_with('"') => now == then,
            _ => true,
        };
        (first == self.delivery.offset && last >= first && last < total && plain && same).then_some(total)
    }
}

/// A decoder if the body is gzip; refuses what was not asked for.
fn gunzip(reply: &Reply, url: &str) -> Result<Option<Gunzip>, Fault> {
    let encoding = reply
        .header(CONTENT_ENCODING)
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    match encoding.as_str() {
        "" | "identity" => Ok(None),
        "gzip" | "x-gzip" => Ok(Some(Gunzip::new())),
        _ => {
            let encoding = encoding.chars().filter(|c| !c.is_control()).take(40).collect();
            Err(Fault::Final(DownloadError::Encoding {
                url: url.to_owned(),
                encoding,
            }))
        }
    }
}

fn content_length(reply: &Reply) -> Option<u64> {
    reply.header(CONTENT_LENGTH)?.trim().parse().ok()
}

/// The `If-Range` value of this version of the file, if ranges are accepted and the validator is strong (RFC 9110, section 13.1.5).
fn validator(reply: &Reply) -> Option<String> {
    if !reply.header(ACCEPT_RANGES)?.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    if let Some(etag) = reply.header(ETAG) {
        return (etag.starts_with('"') && etag.len() > 2).then(|| etag.to_owned());
    }
    // A date is strong only if the file was at rest for a while when it was sent (section 8.8.2.2).
    let date = |value: Option<&str>| httpdate::parse_http_date(value?).ok();
    let (sent, modified) = (date(reply.header(DATE))?, date(reply.header(LAST_MODIFIED))?);
    let rest = sent.duration_since(modified).ok()?;
    (rest.as_secs() >= 60).then(|| reply.header(LAST_MODIFIED).map(str::to_owned))?
}

fn broken(url: &Url, got: u64) -> HttpError {
    HttpError::Broken {
        host: url.host_str().unwrap_or_default().to_owned(),
        got,
    }
}

#[cfg(test)]
#[path = "download_access_tests.rs"]
mod access_tests;
#[cfg(test)]
#[path = "download_testbed.rs"]
mod testbed;
#[cfg(test)]
#[path = "download_tests.rs"]
mod tests;
