//! The requests that a destination is sent, and what the heads of its answers say of its limits.

use std::io::{self, Write};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use reqwest::Method;
use reqwest::header::{CACHE_CONTROL, CONTENT_ENCODING, HeaderMap, HeaderName, HeaderValue};
use url::Url;

use crate::http::Call;

const FHIR_JSON: &str = "application/fhir+json";

/// A bundle to be posted to the base, gzipped where `gzip` says that the server takes that.
pub fn post_bundle(base: Url, bundle: Vec<u8>, gzip: bool) -> Call {
    let call = Call::new(Method::POST, base);
    let call = match gzip.then(|| packed(&bundle)).and_then(Result::ok) {
        Some(packed) => call
            .body(FHIR_JSON, packed)
            .header(CONTENT_ENCODING, HeaderValue::from_static("gzip")),
        None => call.body(FHIR_JSON, bundle),
    };
    fresh(call)
}

/// With a short answer, where the server takes the wish (R4 http, section "managing return content"). Not for a bundle that reads: Helios leaves
/// out what was read too.
pub fn brief(call: Call) -> Call {
    call.header(
        HeaderName::from_static("prefer"),
        HeaderValue::from_static("return=minimal"),
    )
}

/// As fast as it goes: the network is to be spared, and not at the processor's cost.
fn packed(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::with_capacity(bytes.len() / 4), Compression::fast());
    packer.write_all(bytes)?;
    packer.finish()
}

/// A read or a search, never answered from a cache: HAPI keeps what a search found for a minute.
pub fn get_fresh(url: Url) -> Call {
    fresh(Call::get(url))
}

fn fresh(call: Call) -> Call {
    call.accept(FHIR_JSON)
        .header(CACHE_CONTROL, HeaderValue::from_static("no-cache"))
}

/// The wait that Azure asks for beside `Retry-After`.
pub fn asked_milliseconds(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("x-ms-retry-after-ms")?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_millis)
}

/// How long until points are given anew, where a `RateLimit` header says so: `"name";r=REMAINING;t=SECONDS`.
pub fn points_anew_in(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("ratelimit")?.to_str().ok()?;
    let seconds = text.split(';').find_map(|part| part.trim().strip_prefix("t="))?;
    let digits: String = seconds.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))])
    }

    #[test]
    fn limits_are_read_in_each_vendors_way() {
        let points = headers("ratelimit", r#""fhirInteractions";r=0;t=17, "requests";r=5;t=3"#);
        assert_eq!(points_anew_in(&points), Some(Duration::from_secs(17)));
        assert_eq!(points_anew_in(&headers("ratelimit", "nonsense")), None);
        let azure = headers("x-ms-retry-after-ms", "250");
        assert_eq!(asked_milliseconds(&azure), Some(Duration::from_millis(250)));
    }
}
