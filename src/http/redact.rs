//! URLs as they may be shown, logged and stored in an event.

use std::fmt::Write;

use url::Url;

/// Query parameters whose values say nothing about a person and grant nothing.
const HARMLESS: [&str; 13] = [
    "_type",
    "_since",
    "_until",
    "_outputFormat",
    "_elements",
    "_count",
    "_format",
    "includeAssociatedData",
    "organizeOutputBy",
    "allowPartialManifests",
    "job_id",
    "_jobId",
    "page",
];

/// The URL without user info and fragment, and with the values of all but well-known harmless query parameters hidden:
/// a signature in a query grants access, and a filter can hold a patient's identifier.
pub fn redact_url(url: &Url) -> String {
    let mut shown = format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default());
    if let Some(port) = url.port() {
        let _ = write!(shown, ":{port}");
    }
    shown.push_str(url.path());
    for (position, pair) in url
        .query()
        .into_iter()
        .flat_map(|query| query.split('&'))
        .enumerate()
    {
        shown.push(if position == 0 { '?' } else { '&' });
        match pair.split_once('=') {
            Some((name, _)) if !HARMLESS.contains(&name) => {
                let _ = write!(shown, "{name}=...");
            }
            // A query without a name may be nothing but a signature.
            None => shown.push_str("..."),
            Some(_) => shown.push_str(pair),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::redact_url;

    #[test]
    fn a29_signatures_credentials_and_filters_are_hidden() {
        let shown = |text: &str| redact_url(&text.parse().unwrap());
        assert_eq!(
            shown(
                "https://me:pw@files.example:8443/a/b.ndjson?_type=Patient,Group&X-Sig=abc&bare#frag"
            ),
            "https://files.example:8443/a/b.ndjson?_type=Patient,Group&X-Sig=...&..."
        );
        assert_eq!(
            shown("https://e.example/$export-poll-location?job_id=7"),
            "https://e.example/$export-poll-location?job_id=7"
        );
        assert_eq!(
            shown("https://e.example/p?_typeFilter=Patient%3Fidentifier%3D1"),
            "https://e.example/p?_typeFilter=..."
        );
    }
}
