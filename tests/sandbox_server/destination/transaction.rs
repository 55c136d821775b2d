//! Transactions: all or nothing, with references between entries.

use cutover::sandbox::destination::{GENERIC, HAPI, MEDPLUM};
use serde_json::json;

use super::{Rig, entry, numbered, observation, patient, statuses, upsert};

#[tokio::test]
async fn references_between_entries_become_those_of_the_new_records() {
    let rig = Rig::of(&GENERIC).await;
    let name = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a";
    let observation = json!({
        "resource": {
            "resourceType": "Observation", "status": "final", "subject": { "reference": name },
            "text": { "div": format!("<div><a href=\"{name}\">who</a></div>") },
            "performer": [{ "reference": "Practitioner?identifier=urn:npi|9" }],
        },
        "request": { "method": "POST", "url": "Observation" },
    });
    let patient =
        json!({ "fullUrl": name, "resource": numbered("1"), "request": { "method": "POST", "url": "Patient" } });
    let doctor = json!({
        "resource": { "resourceType": "Practitioner", "id": "dr", "identifier": [{ "system": "urn:npi", "value": "9" }] },
        "request": { "method": "PUT", "url": "Practitioner/dr" },
    });
    let answer = rig.bundle("transaction", json!([observation, patient, doctor])).await;
    assert_eq!(
        (answer.status, &answer.body["type"]),
        (200, &json!("transaction-response")),
        "{}",
        answer.body
    );
    assert_eq!(statuses(&answer.body), [201, 201, 201]);
    let kept = &answer.body["entry"][0]["resource"];
    let id = answer.body["entry"][1]["resource"]["id"].as_str().unwrap();
    assert_eq!(kept["subject"]["reference"], format!("Patient/{id}"));
    assert_eq!(kept["performer"][0]["reference"], "Practitioner/dr");
    assert!(
        kept["text"]["div"]
            .as_str()
            .unwrap()
            .contains(&format!("href=\"Patient/{id}\""))
    );
    let content = rig.server.content();
    assert_eq!((content.records.len(), content.versions_written), (3, 3));
    assert!(content.dangling().is_empty());
}

#[tokio::test]
async fn one_failing_entry_undoes_all() {
    let rig = Rig::of(&GENERIC).await;
    rig.put("Patient/old", &patient("old")).await;
    let before = rig.server.content();
    let delete = json!({ "request": { "method": "DELETE", "url": "Patient/old" } });
    let mut stale = entry(&patient("p2"));
    stale["request"]["ifMatch"] = json!("W/\"4\"");
    let nobody = json!({ "resource": {
        "resourceType": "Observation", "id": "o1", "subject": { "reference": "Patient?identifier=urn:mrn|none" },
    }, "request": { "method": "PUT", "url": "Observation/o1" } });
    for (last, status) in [
        (stale, 412),
        (nobody, 412),
        (entry(&patient("p1")), 400),
        (json!({}), 400),
    ] {
        let answer = rig
            .bundle("transaction", json!([delete, entry(&patient("p1")), last]))
            .await;
        assert_eq!(
            (answer.status, &answer.body["resourceType"]),
            (status, &json!("OperationOutcome"))
        );
        assert_eq!(rig.server.content(), before);
        assert_eq!(rig.get("Patient?_id=old").await.body["total"], 1);
    }
}

#[tokio::test]
async fn one_condition_twice_is_refused_instead_of_doubled() {
    let rig = Rig::of(&GENERIC).await;
    let answer = rig
        .bundle("transaction", json!([upsert(&numbered("1")), upsert(&numbered("1"))]))
        .await;
    assert_eq!(answer.status, 400);
    assert!(rig.server.content().records.is_empty());
}

#[tokio::test]
async fn hapi_takes_a_record_and_what_it_refers_to_together_and_in_any_order() {
    let rig = Rig::of(&HAPI).await;
    let entries = json!([entry(&observation("o1", "Patient/p1")), entry(&patient("p1"))]);
    assert_eq!(statuses(&rig.bundle("transaction", entries).await.body), [201, 201]);
    let delete = |name: &str| json!({ "request": { "method": "DELETE", "url": name } });
    let one = rig.bundle("transaction", json!([delete("Patient/p1")])).await;
    assert_eq!(one.status, 409, "the observation refers to it");
    let both = rig
        .bundle("transaction", json!([delete("Patient/p1"), delete("Observation/o1")]))
        .await;
    assert_eq!(statuses(&both.body), [204, 204]);
    let unknown = rig
        .bundle("transaction", json!([entry(&observation("o2", "urn:uuid:nobody"))]))
        .await;
    assert_eq!(unknown.status, 400);
}

#[tokio::test]
async fn medplum_calls_it_a_transaction_and_does_a_batch() {
    let rig = Rig::of(&MEDPLUM).await;
    let name = "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a";
    let observation = json!({
        "resource": { "resourceType": "Observation", "subject": { "reference": name } },
        "request": { "method": "POST", "url": "Observation" },
    });
    let mut known = upsert(&numbered("1"));
    known["fullUrl"] = json!(name);
    let answer = rig
        .bundle("transaction", json!([observation, known, entry(&patient("mine"))]))
        .await;
    assert_eq!(
        (answer.status, &answer.body["type"]),
        (200, &json!("transaction-response"))
    );
    assert_eq!(statuses(&answer.body), [201, 201, 400]);
    let content = rig.server.content();
    assert_eq!((content.count("Patient"), content.count("Observation")), (1, 1));
    assert!(content.dangling().is_empty(), "the reference leads to the patient");
    let subject = &answer.body["entry"][0]["resource"]["subject"]["reference"];
    assert!(subject.as_str().unwrap().starts_with("Patient/"));
}
