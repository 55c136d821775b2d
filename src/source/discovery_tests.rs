use axum::body::Body;
use axum::http::Response;

use super::*;
use crate::http::test_server::{Seen, TestServer, answer, quick_http};

const SMART: &str = r#"{"token_endpoint":"../oauth/token","token_endpoint_auth_methods_supported":["private_key_jwt"],
    "token_endpoint_auth_signing_alg_values_supported":["RS384"],"scopes_supported":["system/*.rs"],
    "capabilities":"odd","grant_types_supported":["client_credentials"],"issuer":null}"#;
const METADATA: &str = r#"{"resourceType":"CapabilityStatement","fhirVersion":"4.0.1","rest":[{
    "security":{"extension":[{"url":"http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris",
        "extension":[{"url":"token","valueUri":"https://auth.example/token"}]}]},
    "resource":[{"type":"Group","operation":[{"name":"export"}]}]}]}"#;

fn url(text: &str) -> Url {
    text.parse().unwrap()
}

fn known(text: &str) -> Known {
    Known {
        token_endpoint: Some(url(text)),
        signing_algorithms: None,
    }
}

async fn found(
    script: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static,
    preset: &Known,
    typed: &Known,
    override_discovery: bool,
) -> (Discovered, TestServer) {
    let server = TestServer::start(script).await;
    let (http, ..) = quick_http();
    let base = server.at("/fhir/r4/ABC/");
    let found = discover(
        &http,
        &base,
        preset,
        typed,
        override_discovery,
        &CancellationToken::new(),
    )
    .await
    .unwrap();
    (found, server)
}

fn both(seen: &Seen) -> Response<Body> {
    match seen.target.as_str() {
        "/fhir/r4/ABC/.well-known/smart-configuration" => answer(200, &[], SMART),
        "/fhir/r4/ABC/metadata" => answer(200, &[], METADATA),
        _ => answer(404, &[], ""),
    }
}

#[tokio::test]
async fn a21_a22_discovery_comes_first_and_relative_endpoints_are_resolved() {
    let (found, server) = found(
        both,
        &known("https://preset.example/token"),
        &known("https://typed.example/token"),
        false,
    )
    .await;
    let endpoint = found.token_endpoint.unwrap();
    assert_eq!(
        (endpoint.value, endpoint.origin),
        (server.at("/fhir/r4/oauth/token"), Origin::Discovery)
    );
    assert_eq!(
        endpoint.others,
        [
            (Origin::Metadata, url("https://auth.example/token")),
            (Origin::Preset, url("https://preset.example/token")),
            (Origin::Typed, url("https://typed.example/token")),
        ]
    );
    assert_eq!(found.signing_algorithms.unwrap().value, ["RS384"]);
    assert!(found.capability.unwrap().export.group);
    assert!(found.notes.is_empty(), "{:?}", found.notes);
    assert_eq!(server.seen()[1].header("accept"), Some("application/fhir+json"));
}

#[tokio::test]
async fn a23_metadata_then_preset_then_what_was_typed() {
    let only = |name: &'static str| {
        move |seen: &Seen| {
            if seen.target.ends_with(name) {
                both(seen)
            } else {
                answer(404, &[], "")
            }
        }
    };
    let origin = |found: Discovered| found.token_endpoint.map(|endpoint| endpoint.origin);
    let (preset, typed, none) = (
        known("https://preset.example/token"),
        known("https://typed.example/token"),
        Known::default(),
    );
    assert_eq!(
        origin(found(only("metadata"), &preset, &typed, false).await.0),
        Some(Origin::Metadata)
    );
    assert_eq!(
        origin(found(only("nothing"), &preset, &typed, false).await.0),
        Some(Origin::Preset)
    );
    assert_eq!(
        origin(found(only("nothing"), &none, &typed, false).await.0),
        Some(Origin::Typed)
    );
    assert_eq!(origin(found(only("nothing"), &none, &none, false).await.0), None);
    let (overridden, _) = found(both, &preset, &typed, true).await;
    let endpoint = overridden.token_endpoint.unwrap();
    assert_eq!(
        (endpoint.origin, endpoint.others.len()),
        (Origin::Typed, 3),
        "and what was passed over is shown"
    );
}

#[tokio::test]
async fn an_empty_200_is_a_wrong_address_and_says_so() {
    let (found, _) = found(|_| answer(200, &[], ""), &Known::default(), &Known::default(), false).await;
    assert_eq!(
        found.notes,
        [
            DiscoveryNote::Empty {
                document: ".well-known/smart-configuration"
            },
            DiscoveryNote::Empty { document: "metadata" }
        ]
    );
    assert!(found.notes[0].hint().unwrap().contains("letter by letter"));
}

#[tokio::test]
async fn b01_a_plain_http_token_endpoint_is_not_used() {
    let script = |seen: &Seen| {
        if seen.target.ends_with("metadata") {
            both(seen)
        } else {
            answer(200, &[], r#"{"token_endpoint":"http://auth.example/token"}"#)
        }
    };
    let (found, _) = found(script, &Known::default(), &Known::default(), false).await;
    assert_eq!(found.token_endpoint.unwrap().origin, Origin::Metadata);
    assert!(matches!(
        found.notes[0],
        DiscoveryNote::UnusableEndpoint {
            origin: Origin::Discovery,
            ..
        }
    ));
}

#[tokio::test]
async fn web_pages_failures_and_missing_exports_are_noted_and_survived() {
    let script = |seen: &Seen| {
        if seen.target.ends_with("metadata") {
            answer(200, &[], r#"{"resourceType":"CapabilityStatement","rest":[]}"#)
        } else {
            answer(200, &[], "<html>welcome</html>")
        }
    };
    let (found, _) = found(script, &Known::default(), &Known::default(), false).await;
    assert!(matches!(
        found.notes[0],
        DiscoveryNote::Missing {
            document: ".well-known/smart-configuration",
            ..
        }
    ));
    assert_eq!(
        found.notes[1],
        DiscoveryNote::NoExportOperation,
        "b04: a warning, not a proof"
    );
}
