//! The manners of vendors.

use cutover::sandbox::{ECW, KAREO, SandboxConfig};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::rig::{ID, Rig, Signer, config, location};

/// The tests poll without a pause, which the limit of requests would not stand.
fn unlimited(config: SandboxConfig) -> SandboxConfig {
    SandboxConfig {
        rate_limit: Some(None),
        ..config
    }
}

#[tokio::test]
async fn ecw_exports_groups_by_get_and_nothing_else() {
    let rig = Rig::start(unlimited(config().flavour(&ECW))).await;
    let token = rig.token().await;
    assert_eq!(rig.kick_off("$export", &token).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        rig.kick_off("Patient/$export", &token).await.status(),
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        rig.kick_off_by_post("Group/all/$export", &token, &json!([]))
            .await
            .status(),
        StatusCode::METHOD_NOT_ALLOWED
    );
    assert_eq!(
        rig.kick_off("Group/none/$export", &token).await.status(),
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        rig.kick_off("Group/all/$export?_until=2024-01-01T00:00:00Z", &token)
            .await
            .status(),
        StatusCode::BAD_REQUEST
    );
    let response = rig.kick_off("Group/all/$export?_type=Patient", &token).await;
    assert!(
        location(response.headers()).starts_with(&format!("{}/$export-poll-location?job_id=", rig.server.base_url))
    );
    assert_eq!(rig.names("Group/all/$export").await.len(), 31, "Binary comes with it");
}

#[tokio::test]
async fn ecw_rejects_an_identical_job_until_the_first_is_done() {
    let rig = Rig::start(unlimited(config().flavour(&ECW).polls(1, Some(0)))).await;
    let token = rig.token().await;
    let path = "Group/all/$export?_type=Patient";
    let url = location(rig.kick_off(path, &token).await.headers());
    assert_eq!(rig.kick_off(path, &token).await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(
        rig.kick_off("Group/all/$export?_type=Observation", &token)
            .await
            .status(),
        StatusCode::ACCEPTED,
        "another one may run"
    );
    rig.manifest(&url, &token).await;
    assert_eq!(rig.kick_off(path, &token).await.status(), StatusCode::ACCEPTED);
    let stats = rig.server.stats();
    assert_eq!((stats.kickoffs, stats.kickoffs_refused), (3, 1));
}

#[tokio::test]
async fn ecw_takes_rs384_and_explicit_scopes_with_group() {
    let rig = Rig::start(config().flavour(&ECW)).await;
    for scope in [
        "system/Patient.read",
        "system/Group.read system/*.read",
        "system/Group.read system/Nonsense.read",
    ] {
        let (status, body) = rig.ask(&rig.signer.sign("k1", &rig.claims()), scope).await;
        assert_eq!(
            (status, &body["error"]),
            (StatusCode::BAD_REQUEST, &json!("invalid_grant")),
            "{scope}"
        );
    }
    let (_, body) = rig
        .ask(&Signer::es384().sign("k1", &rig.claims()), "system/Group.read")
        .await;
    assert!(body["error_description"].as_str().unwrap().contains("RS384"));
}

#[tokio::test]
async fn ecw_closes_for_the_rest_of_the_minute_and_says_not_how_long() {
    let rig = Rig::start(SandboxConfig {
        rate_limit: Some(Some(3)),
        ..config().flavour(&ECW)
    })
    .await;
    let token = rig.token().await;
    let url = format!("{}/Group", rig.server.base_url);
    assert_eq!(rig.get(&url, &token).await.status(), StatusCode::OK);
    assert_eq!(rig.get(&url, &token).await.status(), StatusCode::OK);
    let limited = rig.get(&url, &token).await;
    assert_eq!(limited.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(!limited.headers().contains_key("retry-after"));
    assert_eq!(
        rig.ask("x", "x").await.0,
        StatusCode::TOO_MANY_REQUESTS,
        "tokens count too"
    );
    assert_eq!(rig.server.stats().rate_limited, 2);
}

#[tokio::test]
async fn kareo_takes_secrets_and_answers_unknown_paths_with_nothing() {
    let rig = Rig::start(config().flavour(&KAREO)).await;
    let post = [
        ("grant_type", "client_credentials"),
        ("scope", "system/*.read"),
        ("client_id", ID),
        ("client_secret", "s3cret"),
    ];
    assert_eq!(rig.post_form(&post).await.0, StatusCode::OK);
    let basic = rig
        .http
        .post(&rig.server.token_url)
        .basic_auth(ID, Some("s3cret"))
        .form(&post[..2])
        .send()
        .await
        .unwrap();
    assert_eq!(basic.status(), StatusCode::OK);
    let wrong = rig
        .http
        .post(&rig.server.token_url)
        .basic_auth(ID, Some("guess"))
        .form(&post[..2])
        .send()
        .await
        .unwrap();
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    let (_, body) = rig
        .post_form(&[post[0], ("scope", "system/Nonsense.read"), post[2], post[3]])
        .await;
    assert_eq!(
        (&body["error"], &body["scope"]),
        (&json!("invalid_scope"), &json!("system/*.read"))
    );
    let unknown = rig
        .http
        .get(format!("{}/.well-known/openid-configuration", rig.origin))
        .send()
        .await
        .unwrap();
    assert_eq!((unknown.status(), unknown.content_length()), (StatusCode::OK, Some(0)));
}

#[tokio::test]
async fn the_start_message_has_all_a_client_needs() {
    let rig = Rig::start(config().flavour(&KAREO)).await;
    let told: Value = rig.server.description();
    assert_eq!(
        (&told["base_url"], &told["token_url"]),
        (&json!(rig.server.base_url), &json!(rig.server.token_url))
    );
    assert_eq!(
        (&told["client_id"], &told["client_secret"], &told["flavour"]),
        (&json!(ID), &json!("s3cret"), &json!("kareo"))
    );
    assert_eq!(told["groups"][1]["id"], "half");
}
