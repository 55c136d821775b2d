//! Batches: every entry by itself.

use cutover::sandbox::destination::{GENERIC, HAPI, MEDPLUM};
use serde_json::{Value, json};

use super::{Rig, bundle, entry, numbered, patient, statuses, told, upsert};

#[tokio::test]
async fn entries_are_answered_in_order_each_by_itself() {
    let rig = Rig::of(&GENERIC).await;
    let wrong = json!({ "resource": patient("p2"), "request": { "method": "PUT", "url": "Patient/p3" } });
    let unknown = json!({ "resource": patient("p2"), "request": { "method": "PUT", "url": "Nonsense/p3" } });
    let read = json!({ "request": { "method": "GET", "url": "Patient/p1" } });
    let entries = json!([entry(&patient("p1")), wrong, unknown, read, {}, entry(&patient("p4"))]);
    let answer = rig.bundle("batch", entries).await;
    assert_eq!((answer.status, &answer.body["type"]), (200, &json!("batch-response")));
    assert_eq!(statuses(&answer.body), [201, 400, 404, 200, 400, 201]);
    let first = &answer.body["entry"][0]["response"];
    assert_eq!((&first["status"], &first["etag"]), (&json!("201"), &json!("W/\"1\"")));
    assert_eq!(first["location"], rig.url("Patient/p1/_history/1"));
    assert!(first["lastModified"].is_string());
    assert_eq!(
        answer.body["entry"][1]["response"]["outcome"]["issue"][0]["severity"],
        "error"
    );
    assert_eq!(answer.body["entry"][3]["resource"]["id"], "p1");
    let names: Vec<String> = rig.server.content().records.into_keys().collect();
    assert_eq!(names, ["Patient/p1", "Patient/p4"]);
    let stats = rig.server.stats();
    assert_eq!((stats.bundles, stats.entries, stats.largest), (1, 6, 6));
}

#[tokio::test]
async fn conditions_work_in_entries() {
    let rig = Rig::of(&GENERIC).await;
    let create = json!({
        "resource": numbered("1"),
        "request": { "method": "POST", "url": "Patient", "ifNoneExist": "identifier=urn:mrn%7C1" },
    });
    let answer = rig
        .bundle(
            "batch",
            json!([create, create, upsert(&numbered("1")), upsert(&numbered("2"))]),
        )
        .await;
    assert_eq!(statuses(&answer.body), [201, 200, 200, 201]);
    let id = answer.body["entry"][0]["resource"]["id"].as_str().unwrap();
    let guarded = |version: &str| {
        let mut record = numbered("1");
        record["id"] = json!(id);
        let mut guarded = entry(&record);
        guarded["request"]["ifMatch"] = json!(format!("W/\"{version}\""));
        guarded
    };
    let delete = json!({ "request": { "method": "DELETE", "url": format!("Patient/{id}") } });
    let answer = rig.bundle("batch", json!([guarded("1"), guarded("2"), delete])).await;
    assert_eq!(statuses(&answer.body), [412, 200, 204]);
    assert_eq!(rig.server.content().records.len(), 1);
}

#[tokio::test]
async fn a_reference_to_another_entry_is_not_resolved_in_a_batch() {
    let rig = Rig::of(&GENERIC).await;
    let search = json!({ "resource": {
        "resourceType": "Observation", "id": "o1", "subject": { "reference": "Patient?identifier=urn:mrn|1" },
    }, "request": { "method": "PUT", "url": "Observation/o1" } });
    let answer = rig.bundle("batch", json!([upsert(&numbered("1")), search])).await;
    assert_eq!(
        statuses(&answer.body),
        [201, 400],
        "conditional references are for transactions"
    );
}

#[tokio::test]
async fn vendors_answer_entries_in_their_own_words() {
    let shown = |answer: &Value| {
        let entry = &answer["entry"][0];
        let response = &entry["response"];
        let location = response["location"].as_str().unwrap().to_owned();
        (
            response["status"].as_str().unwrap().to_owned(),
            location,
            response["etag"].is_string(),
            response["outcome"].is_object(),
            entry["resource"].is_object(),
        )
    };
    let hapi = Rig::of(&HAPI)
        .await
        .bundle("batch", json!([entry(&patient("p1"))]))
        .await
        .body;
    assert_eq!(
        shown(&hapi),
        ("201 Created".into(), "Patient/p1/_history/1".into(), true, true, false)
    );
    let medplum = Rig::of(&MEDPLUM)
        .await
        .bundle("batch", json!([upsert(&numbered("1"))]))
        .await
        .body;
    let id = medplum["entry"][0]["resource"]["id"].as_str().unwrap();
    assert_eq!(
        shown(&medplum),
        ("201".into(), format!("Patient/{id}"), false, true, true)
    );

    for (manners, comes) in [(&GENERIC, false), (&MEDPLUM, true)] {
        let rig = Rig::of(manners).await;
        let minimal = rig.posting("", &bundle("batch", json!([upsert(&numbered("1"))])));
        let minimal = told(minimal.header("prefer", "return=minimal")).await.body;
        assert_eq!(minimal["entry"][0]["resource"].is_object(), comes, "{}", manners.name);
    }
}
