//! Who may write: tokens and scopes.

use std::time::Duration;

use cutover::sandbox::destination::{DestinationConfig, GENERIC, WriteFault};
use cutover::sandbox::{Client, Keys};
use serde_json::{Value, json};

use super::{Rig, bundle, entry, numbered, patient, statuses, told, upsert};

fn secured() -> DestinationConfig {
    DestinationConfig::new(&GENERIC).client(Client {
        id: "tester".into(),
        secret: Some("s3cret".into()),
        keys: Keys::None,
        scope: None,
    })
}

async fn token(rig: &Rig, scope: &str) -> String {
    let form = [("grant_type", "client_credentials"), ("scope", scope)];
    let asked = rig.http.post(&rig.server.token_url).form(&form);
    let told = told(asked.basic_auth("tester", Some("s3cret"))).await;
    told.body["access_token"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn without_a_token_only_discovery_is_open() {
    let rig = Rig::start(secured()).await;
    assert_eq!(rig.get("Patient/p1").await.status, 401);
    assert_eq!(rig.bundle("batch", json!([entry(&patient("p1"))])).await.status, 401);
    let configuration = rig.get(".well-known/smart-configuration").await.body;
    assert_eq!(configuration["token_endpoint"], rig.server.token_url);
    let statement = rig.get("metadata").await.body;
    assert!(statement["rest"][0]["security"]["service"].is_array());
    assert!(rig.server.content().versions.is_empty());
}

#[tokio::test]
async fn scopes_decide_entry_by_entry() {
    let rig = Rig::start(secured()).await;
    let may_create = token(&rig, "system/Patient.cu system/Patient.rs system/Observation.read").await;
    let delete = json!({ "request": { "method": "DELETE", "url": "Patient/p1" } });
    let other =
        json!({ "resource": { "resourceType": "Observation" }, "request": { "method": "POST", "url": "Observation" } });
    let entries = bundle("batch", json!([entry(&patient("p1")), delete, other]));
    let answer = told(rig.posting("", &entries).bearer_auth(&may_create)).await;
    assert_eq!(statuses(&answer.body), [201, 403, 403]);
    let all = token(&rig, "system/*.cruds").await;
    let answer = told(rig.posting("", &entries).bearer_auth(&all)).await;
    assert_eq!(statuses(&answer.body), [200, 204, 201]);
    let read = token(&rig, "system/*.read").await;
    let put = rig.putting("Patient/p2", &patient("p2")).bearer_auth(&read);
    assert_eq!(told(put).await.status, 403);
    assert_eq!(rig.server.stats().tokens_issued, 3);
}

#[tokio::test]
async fn a_token_expires_in_the_middle() {
    let rig = Rig::start(secured().fault(WriteFault::TokenExpires(2))).await;
    let all = token(&rig, "system/*.cruds").await;
    let put = |id: &'static str| rig.putting(&format!("Patient/{id}"), &patient(id)).bearer_auth(&all);
    assert_eq!(told(put("p1")).await.status, 201);
    assert_eq!(told(put("p2")).await.status, 401);
    assert_eq!(told(put("p2")).await.status, 401, "it stays dead");
    let again = token(&rig, "system/*.cruds").await;
    assert_eq!(
        told(rig.putting("Patient/p2", &patient("p2")).bearer_auth(&again))
            .await
            .status,
        401,
        "the fourth"
    );
    rig.server.calm();
    let again = token(&rig, "system/*.cruds").await;
    let last = rig.putting("Patient/p2", &patient("p2")).bearer_auth(&again);
    assert_eq!(told(last).await.status, 201);
    rig.server.expire_tokens();
    assert_eq!(told(put("p3")).await.status, 401);
}

#[tokio::test]
async fn the_same_condition_twice_at_once_is_counted() {
    let rig = Rig::start(DestinationConfig::new(&GENERIC).latency(Duration::from_millis(200))).await;
    let post = |value: &str| {
        rig.posting("", &bundle("batch", json!([upsert(&numbered(value))])))
            .send()
    };
    let (one, two, three) = tokio::join!(post("1"), post("1"), post("2"));
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(rig.server.stats().collisions, 1);
    post("1").await.unwrap();
    assert_eq!(rig.server.stats().collisions, 1, "one after the other is fine");
    let held: Vec<Value> = rig.server.content().records.into_values().collect();
    assert_eq!(held.len(), 2);
}
