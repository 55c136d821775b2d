//! What a request asks for, read from its method, its address, and its body.

use std::io::Read;

use axum::body::Bytes;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use flate2::read::MultiGzDecoder;
use serde_json::Value;

use super::request::{Request, Target, parse_query};
use super::site::Site;
use crate::sandbox::outcome::Refusal;

/// Bytes of a body at most, unpacked.
pub(super) const LARGEST_BODY: usize = 64 << 20;

/// What a request asks for.
pub(super) enum Asked {
    Bundle(Value),
    One(Box<Request>),
}

impl Asked {
    /// Whether it would change something.
    pub(super) fn writes(&self) -> bool {
        match self {
            Self::One(request) => request.writes(),
            Self::Bundle(bundle) => entries(bundle).iter().any(|entry| entry["request"]["method"] != "GET"),
        }
    }

    /// What it is about to write, by name.
    pub(super) fn names(&self, base_url: &str) -> Vec<String> {
        match self {
            Self::One(request) => request.name().into_iter().collect(),
            Self::Bundle(bundle) => entries(bundle)
                .iter()
                .filter_map(|entry| Request::from_entry(entry, base_url, false).ok()?.name())
                .collect(),
        }
    }
}

impl Site {
    /// What the client asks for; a body that is not understood is refused.
    pub(super) fn read(&self, parts: &Parts, body: &Bytes) -> Result<Asked, Refusal> {
        let body = self.unpack(&parts.headers, body)?;
        let path = parts.uri.path();
        let below = path.strip_prefix(self.config.manners.base_path).unwrap_or(path);
        let asked = if below.trim_matches('/').is_empty() {
            if parts.method != Method::POST {
                return Err(Refusal::new(
                    405,
                    "not-supported",
                    "Only Bundles are posted to the base.",
                ));
            }
            Asked::Bundle(json(&parts.headers, &body)?)
        } else {
            let mut request = Request::from_http(&parts.method, below, parts.uri.query(), &parts.headers)?;
            if let Target::Search(_) = request.target {
                let form = std::str::from_utf8(&body).map_err(|_| Refusal::invalid("The form is not UTF-8."))?;
                request.query.extend(parse_query(form));
            } else if matches!(parts.method, Method::POST | Method::PUT) {
                request.body = Some(json(&parts.headers, &body)?);
            }
            Asked::One(Box::new(request))
        };
        let count = match &asked {
            Asked::Bundle(bundle) => entries(bundle).len(),
            Asked::One(_) => 0,
        };
        match self.trouble.too_large(body.len(), count) {
            Some(refusal) => Err(refusal),
            None => Ok(asked),
        }
    }

    fn unpack(&self, headers: &HeaderMap, body: &Bytes) -> Result<Bytes, Refusal> {
        let encoding = headers
            .get(header::CONTENT_ENCODING)
            .and_then(|value| value.to_str().ok());
        match encoding {
            None | Some("identity") => Ok(body.clone()),
            Some("gzip") if self.config.manners.gzip => {
                self.count().gzipped += 1;
                let mut plain = Vec::new();
                let limit = LARGEST_BODY as u64 + 1;
                let read = MultiGzDecoder::new(&body[..]).take(limit).read_to_end(&mut plain);
                match read {
                    Ok(length) if length <= LARGEST_BODY => Ok(plain.into()),
                    Ok(_) => Err(too_large()),
                    Err(_) => Err(Refusal::invalid("The body is not whole gzip.")),
                }
            }
            Some(_) => Err(Refusal::new(
                415,
                "not-supported",
                "This content encoding is not supported.",
            )),
        }
    }
}

fn json(headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    if !media_type.starts_with("application/fhir+json") && !media_type.starts_with("application/json") {
        return Err(Refusal::new(415, "not-supported", "The body has to be FHIR JSON."));
    }
    serde_json::from_slice(body).map_err(|_| Refusal::new(400, "structure", "The body is not JSON."))
}

/// The entries of a Bundle.
pub(super) fn entries(bundle: &Value) -> &[Value] {
    bundle["entry"].as_array().map_or(&[], Vec::as_slice)
}

/// 413
pub(super) fn too_large() -> Refusal {
    Refusal::new(413, "too-costly", "The request is larger than this server takes.")
}
