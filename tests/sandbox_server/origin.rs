//! Files on another origin, which no token may reach.

use reqwest::StatusCode;
use serde_json::Value;

use crate::rig::Rig;

const EXPORT: &str = "$export";

/// The URL of the last file.
fn last(manifest: &Value) -> &str {
    let output = manifest["output"].as_array().unwrap();
    output.last().unwrap()["url"].as_str().unwrap()
}

#[tokio::test]
async fn files_elsewhere_take_no_token_and_notice_one() {
    let rig = Rig::with("other-origin").await;
    let (token, manifest) = rig.export(EXPORT).await;
    assert_eq!(manifest["requiresAccessToken"], false);
    let url = last(&manifest);
    assert!(url.starts_with(&rig.server.second_origin_url));
    assert_eq!(rig.http.get(url).send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(rig.server.stats().authorization_on_second_origin, 0);
    rig.get(url, &token).await;
    assert_eq!(rig.server.stats().authorization_on_second_origin, 1, "a leak is seen");
    let leaks: Value = rig
        .http
        .get(format!("{}/_leaks", rig.origin))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(leaks["authorization_on_second_origin"], 1);
    let forged = url.replace("sig=", "sig=0");
    assert_eq!(
        rig.http.get(&forged).send().await.unwrap().status(),
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn files_elsewhere_may_claim_to_need_the_token() {
    let rig = Rig::with("other-origin:token").await;
    let (_, manifest) = rig.export(EXPORT).await;
    assert_eq!(manifest["requiresAccessToken"], true);
    assert_eq!(
        rig.http.get(last(&manifest)).send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn files_may_redirect_to_signed_urls() {
    let rig = Rig::with("redirect-other-origin").await;
    let (token, manifest) = rig.export(EXPORT).await;
    let answer = rig.get(last(&manifest), &token).await;
    assert_eq!(answer.status(), StatusCode::TEMPORARY_REDIRECT);
    let signed = answer.headers()["location"].to_str().unwrap();
    assert!(signed.starts_with(&rig.server.second_origin_url));
    assert_eq!(rig.http.get(signed).send().await.unwrap().status(), StatusCode::OK);
}
