//! Which URLs may be spoken to at all, and which are the same place.

use url::{Host, Url};

use super::{HttpError, redact_url};

/// True for `127.0.0.0/8`, `::1` and `localhost`.
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        None => false,
    }
}

/// Refuses everything but `https`, and `http` to this very machine (Bulk Data, Privacy and Security).
pub fn check_transport(url: &Url) -> Result<(), HttpError> {
    match url.scheme() {
        "https" => Ok(()),
        "http" if is_loopback(url) => Ok(()),
        "http" => Err(HttpError::PlainHttpRefused {
            url: redact_url(url),
        }),
        other => Err(HttpError::BadScheme {
            scheme: other.to_owned(),
        }),
    }
}

/// True if both have the same scheme, host and port (RFC 6454).
pub fn same_origin(one: &Url, other: &Url) -> bool {
    one.origin() == other.origin()
}

#[cfg(test)]
mod tests {
    use super::check_transport;

    #[test]
    fn b01_plain_http_is_refused_except_to_loopback() {
        let check = |text: &str| check_transport(&text.parse().unwrap());
        for fine in [
            "https://ehr.example/fhir",
            "http://127.0.0.1:9",
            "http://127.9.9.9",
            "http://[::1]:80",
            "http://LOCALHOST/",
        ] {
            assert!(check(fine).is_ok(), "{fine}");
        }
        for bad in [
            "http://ehr.example/fhir",
            "http://127.0.0.1.evil.example/",
            "http://10.0.0.1/",
            "file:///etc/passwd",
            "ftp://x/",
        ] {
            assert!(check(bad).is_err(), "{bad}");
        }
        let error = check("http://ehr.example/fhir").unwrap_err();
        insta::assert_snapshot!(format!("{error}\n\nhint: {}", error.hint().unwrap()), @"
        refused to speak plain http to http://ehr.example/fhir: a token or a record could be read on the way

        hint: use the https address; plain http is allowed only to this machine (127.0.0.1, localhost)
        ");
    }
}
