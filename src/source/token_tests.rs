use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::UNIX_EPOCH;

use axum::body::Body;
use axum::http::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::*;
use crate::http::test_server::{Seen, TestServer, answer, quick_http};
use crate::source::jwk::{KeyAlgorithm, PublicNumbers};
use crate::source::key::PrivateKey;
use crate::source::token_request::ClientAuth;

fn form(seen: &Seen) -> HashMap<String, String> {
    url::form_urlencoded::parse(&seen.body).into_owned().collect()
}

pub(super) fn granted(number: usize) -> Response<Body> {
    answer(
        200,
        &[("content-type", "application/json")],
        format!(r#"{{"access_token":"t{number}","token_type":"bearer","expires_in":300,"scope":"system/Patient.rs"}}"#),
    )
}

pub(super) fn refused(status: u16, body: &'static str) -> Response<Body> {
    answer(status, &[("content-type", "application/json")], body)
}

pub(super) fn signed(server: &TestServer, key: Arc<PrivateKey>) -> TokenSettings {
    TokenSettings {
        endpoint: server.at("/oauth2/token"),
        audience: None,
        auth: ClientAuth::PrivateKeyJwt {
            client_id: "the-client".to_owned(),
            key,
            jku: None,
        },
        scopes: vec!["system/Patient.read".to_owned(), "system/Encounter.read".to_owned()],
        extra: Vec::new(),
    }
}

fn with_secret(server: &TestServer) -> TokenSettings {
    TokenSettings {
        auth: ClientAuth::SecretPost {
            client_id: "me".to_owned(),
            secret: Secret::new("s3cr3t&"),
        },
        ..signed(server, key())
    }
}

pub(super) fn key() -> Arc<PrivateKey> {
    Arc::new(PrivateKey::generate(KeyAlgorithm::Es384).unwrap())
}

fn segments(jwt: &str) -> (Value, Value) {
    let part = |part: &str| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let mut parts = jwt.split('.');
    (part(parts.next().unwrap()), part(parts.next().unwrap()))
}

#[tokio::test]
async fn a10_a11_a13_a15_the_assertion_is_what_the_specification_demands() {
    for algorithm in [KeyAlgorithm::Rs384, KeyAlgorithm::Es384] {
        let server = TestServer::start(|seen| granted(seen.before)).await;
        let key = Arc::new(PrivateKey::generate(algorithm).unwrap());
        let (http, ..) = quick_http();
        let now = http.clock().wall().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let settings = signed(&server, key.clone());
        TokenSource::new(http, settings.clone())
            .bearer(&CancellationToken::new())
            .await
            .unwrap();

        let seen = &server.seen()[0];
        assert_eq!(
            (seen.method.as_str(), seen.header("content-type")),
            ("POST", Some("application/x-www-form-urlencoded"))
        );
        let form = form(seen);
        assert_eq!(form["grant_type"], "client_credentials");
        assert_eq!(form["scope"], "system/Patient.read system/Encounter.read");
        assert_eq!(
            form["client_assertion_type"],
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        );
        assert_eq!(form.len(), 4, "and nothing else");

        let jwt = &form["client_assertion"];
        let (header, claims) = segments(jwt);
        assert_eq!(
            header,
            serde_json::json!({"typ": "JWT", "alg": algorithm.name(), "kid": key.public().kid}),
            "a12: no jku"
        );
        assert_eq!(
            (&claims["iss"], &claims["sub"]),
            (&"the-client".into(), &"the-client".into())
        );
        assert_eq!(claims["aud"], settings.endpoint.as_str());
        let exp = claims["exp"].as_u64().unwrap();
        assert!(exp > now + 200 && exp <= now + 300, "a14");

        let (decoding, algorithm) = match &key.public().numbers {
            PublicNumbers::Rsa { n, e } => (
                jsonwebtoken::DecodingKey::from_rsa_components(n, e).unwrap(),
                jsonwebtoken::Algorithm::RS384,
            ),
            PublicNumbers::Ec { x, y, .. } => (
                jsonwebtoken::DecodingKey::from_ec_components(x, y).unwrap(),
                jsonwebtoken::Algorithm::ES384,
            ),
        };
        let mut validation = jsonwebtoken::Validation::new(algorithm);
        validation.set_audience(&[settings.endpoint.as_str()]);
        jsonwebtoken::decode::<Value>(jwt, &decoding, &validation).unwrap();
    }
}

#[tokio::test]
async fn a27_a_retry_signs_a_new_assertion() {
    let server = TestServer::start(|seen| match seen.before {
        0 => answer(503, &[], "busy"),
        1 => answer(429, &[("retry-after", "5")], ""),
        _ => granted(1),
    })
    .await;
    let (http, ..) = quick_http();
    TokenSource::new(http, signed(&server, key()))
        .bearer(&CancellationToken::new())
        .await
        .unwrap();
    let jtis: HashSet<String> = server
        .seen()
        .iter()
        .map(|seen| segments(&form(seen)["client_assertion"]).1["jti"].to_string())
        .collect();
    assert_eq!(jtis.len(), 3);
}

#[tokio::test]
async fn a12_a28_other_ways_of_client_authentication() {
    let server = TestServer::start(|seen| granted(seen.before)).await;
    let (http, ..) = quick_http();
    let cancel = CancellationToken::new();
    let secret = || Secret::new("s:c r&t");
    let basic = ClientAuth::SecretBasic {
        client_id: "me".to_owned(),
        secret: secret(),
    };
    let settings = TokenSettings {
        auth: basic,
        extra: vec![("officekey".to_owned(), Secret::new("77"))],
        ..with_secret(&server)
    };
    TokenSource::new(http.clone(), settings).bearer(&cancel).await.unwrap();
    TokenSource::new(http.clone(), with_secret(&server))
        .bearer(&cancel)
        .await
        .unwrap();
    let jku = Some("https://us.example/jwks.json".to_owned());
    let with_jku = ClientAuth::PrivateKeyJwt {
        client_id: "me".to_owned(),
        key: key(),
        jku,
    };
    TokenSource::new(
        http,
        TokenSettings {
            auth: with_jku,
            ..with_secret(&server)
        },
    )
    .bearer(&cancel)
    .await
    .unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].header("authorization"), Some("Basic bWU6cyUzQWMrciUyNnQ="));
    assert_eq!(
        (form(&seen[0]).get("client_secret"), &form(&seen[0])["officekey"]),
        (None, &"77".to_owned())
    );
    assert_eq!(
        (&form(&seen[1])["client_secret"], seen[1].header("authorization")),
        (&"s3cr3t&".to_owned(), None)
    );
    assert_eq!(
        segments(&form(&seen[2])["client_assertion"]).0["jku"],
        "https://us.example/jwks.json"
    );
}

#[tokio::test]
async fn a16_answers_are_read_leniently() {
    for body in [
        r#"{"access_token":"t","token_type":"BEARER","expires_in":"300","scope":["a","b"]}"#,
        r#"{"access_token":"t","expires_in":299.5}"#,
        r#"{"access_token":"t","token_type":"Bearer","scope":null,"unknown":{}}"#,
    ] {
        let server = TestServer::start(move |_| refused(200, body)).await;
        let (http, ..) = quick_http();
        assert_eq!(
            TokenSource::new(http, with_secret(&server))
                .bearer(&CancellationToken::new())
                .await
                .unwrap()
                .secret()
                .expose(),
            "t"
        );
    }
    for (body, expected) in [
        ("", "an empty body"),
        ("<html>", "not JSON"),
        ("{}", "without a usable access_token"),
        (r#"{"access_token":"t","token_type":"DPoP"}"#, "not a bearer"),
    ] {
        let error = error_tests::error_of(move |_| refused(200, body)).await;
        assert!(
            matches!(&error, TokenError::NoToken { what, .. } if what.contains(expected)),
            "{error}"
        );
    }
    assert!(matches!(
        error_tests::error_of(|_| refused(200, r#"{"error":"invalid_client"}"#)).await,
        TokenError::Refused { .. }
    ));
}

#[tokio::test]
async fn a16_scopes_that_were_not_granted_are_named() {
    let server = TestServer::start(|seen| granted(seen.before)).await;
    let (http, ..) = quick_http();
    let source = TokenSource::new(http, signed(&server, key()));
    source.bearer(&CancellationToken::new()).await.unwrap();
    assert_eq!(source.granted_scope().as_deref(), Some("system/Patient.rs"));
    assert_eq!(source.not_granted(), ["system/Encounter.read"]);
}

#[tokio::test]
async fn a17_a_token_is_renewed_thirty_seconds_ahead_and_by_one_worker_for_all() {
    let server = TestServer::start(|seen| granted(seen.before)).await;
    let (http, clock, _) = quick_http();
    let source = Arc::new(TokenSource::new(http, with_secret(&server)));
    let everyone = || async {
        let workers = (0..20).map(|_| {
            let source = Arc::clone(&source);
            tokio::spawn(async move { source.bearer(&CancellationToken::new()).await.unwrap() })
        });
        let bearers: Vec<Bearer> = futures_util::future::join_all(workers)
            .await
            .into_iter()
            .map(Result::unwrap)
            .collect();
        let tokens: HashSet<&str> = bearers.iter().map(|bearer| bearer.secret().expose()).collect();
        assert_eq!(tokens.len(), 1);
        bearers
    };
    everyone().await;
    clock.advance(Duration::from_secs(269));
    everyone().await;
    assert_eq!(server.seen().len(), 1);
    clock.advance(Duration::from_secs(1));
    let bearers = everyone().await;
    assert_eq!(server.seen().len(), 2);
    // All of them meet a 401, and one renews.
    for bearer in &bearers {
        source.invalidate(bearer);
    }
    everyone().await;
    // A late 401 about the old token does not spend the new one.
    source.invalidate(&bearers[0]);
    everyone().await;
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_refusal_is_shared_by_all_who_waited_for_it() {
    let server = TestServer::start(|_| refused(401, r#"{"error":"invalid_client"}"#)).await;
    let (http, ..) = quick_http();
    let source = Arc::new(TokenSource::new(http, with_secret(&server)));
    let workers = (0..10).map(|_| {
        let source = Arc::clone(&source);
        tokio::spawn(async move { source.bearer(&CancellationToken::new()).await.is_err() })
    });
    assert!(
        futures_util::future::join_all(workers)
            .await
            .into_iter()
            .all(|refused| refused.unwrap())
    );
    assert_eq!(server.seen().len(), 1);
    assert!(source.bearer(&CancellationToken::new()).await.is_err());
    assert_eq!(server.seen().len(), 2, "who comes later asks again");
}

#[tokio::test]
async fn a_stopped_worker_does_not_stop_the_others() {
    let server = TestServer::start(|seen| granted(seen.before)).await;
    let (http, ..) = quick_http();
    let source = TokenSource::new(http, with_secret(&server));
    let stopped = CancellationToken::new();
    stopped.cancel();
    assert!(source.bearer(&stopped).await.is_err());
    assert!(source.bearer(&CancellationToken::new()).await.is_ok());
}

#[tokio::test]
async fn a14_when_the_clocks_disagree_the_servers_clock_is_used_once_it_refused_ours() {
    let offset = Duration::from_secs(900);
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tries);
    let server = TestServer::start(move |seen| {
        counted.fetch_add(1, Ordering::SeqCst);
        let theirs = SystemTime::now() + offset;
        let now = theirs.duration_since(UNIX_EPOCH).unwrap().as_secs();
        let exp = segments(&form(seen)["client_assertion"]).1["exp"].as_u64().unwrap();
        let date = httpdate::fmt_http_date(theirs);
        if exp > now && exp <= now + 300 {
            answer(200, &[("date", &date)], r#"{"access_token":"t","expires_in":300}"#)
        } else {
            answer(400, &[("date", &date)], r#"{"error":"invalid_grant"}"#)
        }
    })
    .await;
    let (http, ..) = quick_http();
    let source = TokenSource::new(http, signed(&server, key()));
    let bearer = source.bearer(&CancellationToken::new()).await.unwrap();
    source.invalidate(&bearer);
    source.bearer(&CancellationToken::new()).await.unwrap();
    assert_eq!(tries.load(Ordering::SeqCst), 3, "refused, taken, and taken at once");
}

#[tokio::test]
async fn a29_no_debug_output_holds_a_secret() {
    let server = TestServer::start(|seen| granted(seen.before)).await;
    let (http, _, watcher) = quick_http();
    let settings = with_secret(&server);
    let source = TokenSource::new(http, settings.clone());
    let bearer = source.bearer(&CancellationToken::new()).await.unwrap();
    let shown = format!(
        "{bearer:?} {settings:?} {:?} {:?}",
        source.settings(),
        watcher.0.lock().unwrap()
    );
    assert!(!shown.contains("t0") && !shown.contains("s3cr3t"), "{shown}");
}
