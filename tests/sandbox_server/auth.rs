//! Discovery, registration and tokens.

use axum::Json;
use axum::http::header::CACHE_CONTROL;
use axum::routing::get;
use cutover::sandbox::{Client, Keys, SandboxConfig};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::rig::{ALL_SCOPES, ID, Rig, Signer, config};

#[tokio::test]
async fn discovery_leads_to_the_token_endpoint() {
    let rig = Rig::start(config()).await;
    let url = format!("{}/.well-known/smart-configuration", rig.server.base_url);
    let found: Value = rig.http.get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(found["token_endpoint"], rig.server.token_url);
    assert_eq!(
        found["token_endpoint_auth_signing_alg_values_supported"],
        json!(["RS384", "ES384"])
    );
    let metadata: Value = rig
        .http
        .get(format!("{}/metadata", rig.server.base_url))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(metadata["resourceType"], "CapabilityStatement");
    assert_eq!(metadata["rest"][0]["operation"][0]["name"], "export");
    assert_eq!(
        metadata["rest"][0]["security"]["extension"][0]["extension"][0]["valueUri"],
        rig.server.token_url
    );
}

#[tokio::test]
async fn a_right_assertion_gives_a_token_for_300_seconds_with_either_algorithm() {
    let rig = Rig::start(config()).await;
    for (number, signer) in [Signer::rs384(), Signer::es384()].into_iter().enumerate() {
        let registration = json!({ "client_name": "x", "jwks": signer.jwks(), "scope": "system/*.read" });
        let answer = rig
            .http
            .post(&rig.server.registration_url)
            .json(&registration)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        let id = answer.json::<Value>().await.unwrap()["client_id"].clone();
        let mut claims = rig.claims();
        (claims["iss"], claims["sub"]) = (id.clone(), id);
        let (status, body) = rig.ask(&signer.sign("k1", &claims), "system/Patient.rs").await;
        assert_eq!(status, StatusCode::OK, "{body}");
        assert_eq!(
            (&body["expires_in"], &body["token_type"], &body["scope"]),
            (&json!(300), &json!("bearer"), &json!("system/Patient.rs"))
        );
        assert_eq!(rig.server.stats().tokens_issued, number as u64 + 1);
    }
}

/// Changes one claim of an otherwise right assertion.
async fn refused(rig: &Rig, change: impl FnOnce(&mut Value)) -> String {
    let mut claims = rig.claims();
    change(&mut claims);
    let (status, body) = rig.ask(&rig.signer.sign("k1", &claims), ALL_SCOPES).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "{body}");
    assert_eq!(body["error"], "invalid_client");
    body["error_description"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_wrong_assertion_is_refused_and_the_reason_told() {
    let rig = Rig::start(config()).await;
    let now = jiff::Timestamp::now().as_second();
    assert!(
        refused(&rig, |claims| claims["aud"] =
            format!("{}/", rig.server.token_url).into())
        .await
        .contains("aud")
    );
    assert!(
        refused(&rig, |claims| claims["exp"] = (now + 400).into())
            .await
            .contains("at most 300")
    );
    assert!(
        refused(&rig, |claims| claims["exp"] = (now - 5).into())
            .await
            .contains("expired")
    );
    assert!(
        refused(&rig, |claims| claims["sub"] = "someone".into())
            .await
            .contains("iss and sub")
    );
    assert!(
        refused(&rig, |claims| (claims["iss"], claims["sub"]) = ("x".into(), "x".into()))
            .await
            .contains("No client")
    );
    assert!(
        refused(&rig, |claims| claims["jti"] = Value::Null)
            .await
            .contains("jti")
    );
    let (_, body) = rig.ask(&rig.signer.sign("other", &rig.claims()), ALL_SCOPES).await;
    assert!(body["error_description"].as_str().unwrap().contains("kid"));
    let (_, body) = rig.ask(&Signer::es384().sign("k1", &rig.claims()), ALL_SCOPES).await;
    assert!(body["error_description"].as_str().unwrap().contains("signature"));
    assert_eq!(rig.server.stats().tokens_refused["invalid_client"], 8);
    assert_eq!(rig.server.stats().tokens_issued, 0);
}

#[tokio::test]
async fn an_assertion_is_taken_once() {
    let rig = Rig::start(config()).await;
    let assertion = rig.signer.sign("k1", &rig.claims());
    assert_eq!(rig.ask(&assertion, ALL_SCOPES).await.0, StatusCode::OK);
    let (status, body) = rig.ask(&assertion, ALL_SCOPES).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(body["error_description"].as_str().unwrap().contains("used before"));
}

#[tokio::test]
async fn the_form_is_checked_as_rfc_6749_says() {
    let rig = Rig::start(config()).await;
    let (_, body) = rig.post_form(&[("grant_type", "password")]).await;
    assert_eq!(body["error"], "unsupported_grant_type");
    let (_, body) = rig
        .post_form(&[("grant_type", "client_credentials"), ("scope", "system/*.read")])
        .await;
    assert_eq!(body["error"], "invalid_request");
    let (_, body) = rig.ask(&rig.signer.sign("k1", &rig.claims()), "").await;
    assert_eq!(body["error"], "invalid_request");
    let response = rig
        .http
        .post(&rig.server.token_url)
        .json(&json!({}))
        .send()
        .await
        .unwrap();
    assert_eq!(response.json::<Value>().await.unwrap()["error"], "invalid_request");
}

#[tokio::test]
async fn keys_by_url_are_read_when_a_token_is_asked_for() {
    let signer = Signer::es384();
    let jwks = serde_json::to_value(signer.jwks()).unwrap();
    let app = axum::Router::new().route(
        "/jwks.json",
        get(move || async move { ([(CACHE_CONTROL, "max-age=60")], Json(jwks)) }),
    );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let rig = Rig::start(config()).await;
    rig.server.register(Client {
        id: ID.to_owned(),
        secret: None,
        keys: Keys::Url(url),
        scope: None,
    });
    let (status, body) = rig.ask(&signer.sign("k1", &rig.claims()), ALL_SCOPES).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    rig.server.register(Client {
        id: ID.to_owned(),
        secret: None,
        keys: Keys::Url("http://127.0.0.1:1/none".to_owned()),
        scope: None,
    });
    let (_, body) = rig.ask(&signer.sign("k1", &rig.claims()), ALL_SCOPES).await;
    assert!(
        body["error_description"].as_str().unwrap().contains("cannot be read"),
        "{body}"
    );
}

#[tokio::test]
async fn nothing_is_served_without_a_living_token() {
    let rig = Rig::start(SandboxConfig {
        token_lifetime: 0,
        ..config()
    })
    .await;
    let url = format!("{}/Patient/p0", rig.server.base_url);
    assert_eq!(
        rig.http.get(&url).send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(rig.get(&url, "made-up").await.status(), StatusCode::UNAUTHORIZED);
    let token = rig.token().await;
    assert_eq!(rig.get(&url, &token).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_covers_its_scopes_only() {
    let rig = Rig::start(config()).await;
    let (_, body) = rig
        .ask(&rig.signer.sign("k1", &rig.claims()), "system/Patient.rs")
        .await;
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(
        rig.get(&format!("{}/Patient/p0", rig.server.base_url), token)
            .await
            .status(),
        StatusCode::OK
    );
    assert_eq!(
        rig.get(&format!("{}/Observation/o0", rig.server.base_url), token)
            .await
            .status(),
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        rig.kick_off("$export?_type=Observation", token).await.status(),
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn an_open_server_asks_for_no_token() {
    let rig = Rig::start(SandboxConfig { open: true, ..config() }).await;
    let response = rig
        .http
        .get(format!("{}/Patient/p0", rig.server.base_url))
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}
