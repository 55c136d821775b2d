//! The manners of vendors.

use std::time::Duration;

use cutover::sandbox::destination::{DestinationConfig, HAPI, MEDPLUM, THROTTLED};
use serde_json::json;

use super::{Rig, bundle, entry, numbered, observation, patient, statuses, told, upsert};

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn medplum_gives_the_ids_itself() {
    let rig = Rig::of(&MEDPLUM).await;
    assert_eq!(rig.put("Patient/p1", &patient("p1")).await.status, 400);
    let uuid = "61ebe359-bfdc-4613-8bf2-c5e300945f0a";
    assert_eq!(rig.put(&format!("Patient/{uuid}"), &patient(uuid)).await.status, 404);
    let mut with_id = numbered("1");
    with_id["id"] = json!("p1");
    assert_eq!(rig.put("Patient?identifier=urn:mrn%7C1", &with_id).await.status, 400);
    let created = rig.put("Patient?identifier=urn:mrn%7C1", &numbered("1")).await;
    assert_eq!((created.status, created.etag.len()), (201, "W/\"\"".len() + 36));
    assert!(created.body["meta"]["author"].is_object());
    let again = rig.put("Patient?identifier=urn:mrn%7C1", &numbered("1")).await;
    assert_eq!(
        (again.status, &again.etag),
        (200, &created.etag),
        "nothing changed, no version"
    );
    let id = created.body["id"].as_str().unwrap();
    rig.delete(&format!("Patient/{id}")).await;
    assert_eq!(rig.put(&format!("Patient/{id}"), &patient(id)).await.status, 410);
    rig.post("Patient", &numbered("2")).await;
    rig.post("Patient", &numbered("2")).await;
    assert_eq!(
        rig.put("Patient?identifier=urn:mrn%7C2", &numbered("2")).await.status,
        412
    );
    let answer = rig.bundle("batch", json!([upsert(&numbered("2"))])).await;
    assert_eq!(statuses(&answer.body), [400], "several matches, in a Bundle");
}

#[tokio::test]
async fn medplum_resolves_searches_in_references_anywhere() {
    let rig = Rig::of(&MEDPLUM).await;
    rig.post("Patient", &numbered("1")).await;
    let by_search = |value: &str| observation("x", &format!("Patient?identifier=urn:mrn|{value}"));
    let kept = rig.post("Observation", &by_search("1")).await;
    assert!(
        kept.body["subject"]["reference"]
            .as_str()
            .unwrap()
            .starts_with("Patient/")
    );
    assert_eq!(rig.post("Observation", &by_search("2")).await.status, 412);
}

#[tokio::test]
async fn medplum_counts_points_and_stops_inside_a_batch() {
    let rig = Rig::start(DestinationConfig::new(&MEDPLUM).points(250, HOUR)).await;
    let read = json!({ "request": { "method": "GET", "url": "Patient?identifier=urn:mrn%7C1" } });
    let entries = json!([
        upsert(&numbered("1")),
        upsert(&numbered("2")),
        upsert(&numbered("3")),
        read
    ]);
    let response = rig.posting("", &bundle("batch", entries)).send().await.unwrap();
    let left = response.headers()["ratelimit"].to_str().unwrap().to_owned();
    assert!(left.starts_with("\"fhirInteractions\";r=50;t=3"), "{left}");
    assert_eq!(response.status(), 200);
    assert_eq!(statuses(&response.json().await.unwrap()), [201, 201, 429, 429]);
    assert_eq!(rig.post("Patient", &numbered("4")).await.status, 429);
    assert_eq!(
        rig.get("Patient?identifier=urn:mrn%7C1").await.status,
        200,
        "a search is cheaper"
    );
    assert_eq!(
        (rig.server.content().records.len(), rig.server.stats().throttled),
        (2, 3)
    );
}

#[tokio::test]
async fn hapi_refuses_numeric_ids_and_references_that_lead_nowhere() {
    let rig = Rig::of(&HAPI).await;
    assert_eq!(rig.put("Patient/123", &patient("123")).await.status, 400);
    assert_eq!(rig.put("Patient/p123", &patient("p123")).await.status, 201);
    let created = rig.post("Patient", &numbered("1")).await;
    let id = created.body["id"].as_str().unwrap().to_owned();
    assert!(id.parse::<u64>().is_ok());
    let mut changed = created.body.clone();
    changed["active"] = json!(false);
    assert_eq!(
        rig.put(&format!("Patient/{id}"), &changed).await.status,
        200,
        "its own numbers may be updated"
    );

    for (reference, status) in [
        ("Patient/none", 400),
        ("http://elsewhere/fhir/Patient/p123", 400),
        ("Patient?identifier=urn:mrn|1", 400),
        ("Patient/p123", 201),
        ("#contained", 201),
    ] {
        let told = rig.post("Observation", &observation("x", reference)).await;
        assert_eq!(told.status, status, "{reference}");
    }
    assert_eq!(
        rig.delete("Patient/p123").await.status,
        409,
        "an observation refers to it"
    );
    rig.delete(&format!("Patient/{id}")).await;
    let gone = rig
        .post("Observation", &observation("x", &format!("Patient/{id}")))
        .await;
    assert_eq!(gone.status, 409);
}

#[tokio::test]
async fn hapi_keeps_tags_and_makes_no_version_of_nothing_new() {
    let rig = Rig::of(&HAPI).await;
    let tagged = |run: &str| {
        let mut record = patient("p1");
        record["meta"] = json!({ "tag": [{ "system": "urn:run", "code": run }], "source": "http://old" });
        record
    };
    rig.put("Patient/p1", &tagged("1")).await;
    let again = rig.put("Patient/p1", &tagged("1")).await;
    assert_eq!((again.status, again.etag.as_str()), (200, "W/\"1\""));
    let merged = rig.put("Patient/p1", &tagged("2")).await.body;
    let codes: Vec<&str> = merged["meta"]["tag"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tag| tag["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["2", "1"]);
    assert!(merged["meta"]["source"].as_str().unwrap().starts_with("http://old#"));
    let untagged = rig.put("Patient/p1", &patient("p1")).await;
    assert_eq!(
        untagged.body["meta"]["tag"].as_array().unwrap().len(),
        2,
        "leaving tags out removes none"
    );
}

#[tokio::test]
async fn a_throttled_service_says_how_long_to_wait() {
    let rig = Rig::start(DestinationConfig::new(&THROTTLED).requests(2, HOUR)).await;
    assert_eq!(rig.bundle("batch", json!([entry(&patient("p1"))])).await.status, 200);
    assert_eq!(rig.get("Patient/p1").await.status, 200);
    let refused = rig
        .posting("", &bundle("batch", json!([entry(&patient("p2"))])))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 429);
    let wait = |name: &str| refused.headers()[name].to_str().unwrap().parse::<u64>().unwrap();
    assert!((3500..=3600).contains(&wait("retry-after")));
    assert!((3_500_000..=3_600_000).contains(&wait("x-ms-retry-after-ms")));
    assert_eq!(rig.server.content().records.len(), 1);
}

#[tokio::test]
async fn a_server_without_gzip_says_so() {
    let rig = Rig::of(&THROTTLED).await;
    let put = rig
        .putting("Patient/p1", &patient("p1"))
        .header("content-encoding", "gzip");
    assert_eq!(told(put).await.status, 415);
}
