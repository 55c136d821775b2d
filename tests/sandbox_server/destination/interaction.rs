//! Single interactions: read, vread, history, create, update, delete, and their conditions.

use std::io::Write;

use cutover::sandbox::destination::{DestinationConfig, GENERIC, HAPI, MEDPLUM, Manners};
use serde_json::json;

use super::{Rig, numbered, patient, told};

#[tokio::test]
async fn a_record_lives_from_create_to_delete_with_all_its_versions() {
    let rig = Rig::of(&GENERIC).await;
    let created = rig.put("Patient/p1", &patient("p1")).await;
    assert_eq!((created.status, created.etag.as_str()), (201, "W/\"1\""));
    assert_eq!(created.location, rig.url("Patient/p1/_history/1"));
    assert_eq!(created.body["meta"]["versionId"], "1");
    let mut changed = patient("p1");
    changed["active"] = json!(false);
    let updated = rig.put("Patient/p1", &changed).await;
    assert_eq!((updated.status, updated.etag.as_str()), (200, "W/\"2\""));
    assert_eq!(rig.get("Patient/p1").await.body["active"], false);
    assert_eq!(rig.get("Patient/p1/_history/1").await.body["active"], true);

    assert_eq!(rig.delete("Patient/p1").await.status, 204);
    assert_eq!(rig.get("Patient/p1").await.status, 410);
    assert_eq!(rig.get("Patient/p1/_history/3").await.status, 410);
    assert_eq!(rig.get("Patient/p1/_history/9").await.status, 404);
    assert_eq!(rig.delete("Patient/p1").await.status, 204, "again");
    assert_eq!(rig.put("Patient/p1", &patient("p1")).await.status, 201, "it comes back");

    let history = rig.get("Patient/p1/_history").await.body;
    let methods: Vec<&str> = history["entry"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["request"]["method"].as_str().unwrap())
        .collect();
    assert_eq!(methods, ["PUT", "DELETE", "PUT", "PUT"]);
    assert_eq!(history["entry"][0]["response"]["status"], "201");
    assert_eq!(rig.get("Patient/p2/_history").await.status, 404);
    let content = rig.server.content();
    assert_eq!((content.versions["Patient/p1"], content.versions_written), (4, 4));
}

#[tokio::test]
async fn create_gives_an_id_of_its_own_and_ignores_the_clients() {
    let rig = Rig::of(&GENERIC).await;
    let created = rig.post("Patient", &patient("mine")).await;
    let id = created.body["id"].as_str().unwrap();
    assert_eq!((created.status, id.len()), (201, 36));
    assert_eq!(created.location, rig.url(&format!("Patient/{id}/_history/1")));
    assert_eq!(rig.get("Patient/mine").await.status, 404);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_an_outcome() {
    let rig = Rig::of(&GENERIC).await;
    let refused = rig.put("Patient/p1", &patient("p2")).await;
    assert_eq!(
        (refused.status, &refused.body["resourceType"]),
        (400, &json!("OperationOutcome"))
    );
    assert_eq!(rig.put("Observation/p1", &patient("p1")).await.status, 400);
    assert_eq!(rig.post("Patient", &json!([])).await.status, 400);
    assert_eq!(rig.get("Nonsense/p1").await.status, 404);
    assert_eq!(rig.get("Patient/p_1").await.status, 400, "no FHIR id");
    let text = rig.http.put(rig.url("Patient/p1")).body("{}");
    assert_eq!(told(text).await.status, 415);
    assert!(rig.server.content().versions.is_empty());
}

#[tokio::test]
async fn if_match_guards_updates_and_deletes() {
    for (manners, status) in [(&GENERIC, 412), (&HAPI, 409)] {
        let rig = Rig::of(manners).await;
        rig.put("Patient/p1", &patient("p1")).await;
        let stale = rig.putting("Patient/p1", &patient("p1")).header("if-match", "W/\"7\"");
        assert_eq!(told(stale).await.status, status);
        let none = rig.putting("Patient/p2", &patient("p2")).header("if-match", "W/\"1\"");
        assert_eq!(told(none).await.status, status);
        let mut changed = patient("p1");
        changed["active"] = json!(false);
        let right = rig.putting("Patient/p1", &changed).header("if-match", "W/\"1\"");
        assert_eq!(told(right).await.status, 200);
        let stale = rig.http.delete(rig.url("Patient/p1")).header("if-match", "W/\"1\"");
        assert_eq!(told(stale).await.status, status);
        let right = rig.http.delete(rig.url("Patient/p1")).header("if-match", "W/\"2\"");
        assert_eq!(told(right).await.status, 204);
        assert_eq!(rig.server.content().versions["Patient/p1"], 3);
    }
}

#[tokio::test]
async fn a_conditional_create_writes_once() {
    let rig = Rig::of(&GENERIC).await;
    let create = |value: &str| {
        let query = format!("identifier=urn:mrn|{value}");
        rig.posting("Patient", &numbered(value)).header("if-none-exist", query)
    };
    let first = told(create("1")).await;
    let second = told(create("1")).await;
    assert_eq!((first.status, second.status), (201, 200));
    assert_eq!(first.body["id"], second.body["id"]);
    rig.post("Patient", &numbered("1")).await;
    assert_eq!(told(create("1")).await.status, 412);
    assert_eq!(rig.server.content().versions_written, 2);
    let wrong = rig
        .posting("Patient", &numbered("2"))
        .header("if-none-exist", "Patient?identifier=2");
    assert_eq!(told(wrong).await.status, 400);
}

#[tokio::test]
async fn a_conditional_update_creates_updates_or_refuses() {
    let rig = Rig::of(&GENERIC).await;
    let url = "Patient?identifier=urn:mrn%7C1";
    let first = rig.put(url, &numbered("1")).await;
    assert_eq!(first.status, 201);
    let id = first.body["id"].as_str().unwrap().to_owned();
    assert_eq!(rig.put(url, &numbered("1")).await.status, 200);
    let mut same = numbered("1");
    same["id"] = json!(id);
    assert_eq!(rig.put(url, &same).await.status, 200);
    let mut other = numbered("1");
    other["id"] = json!("other");
    assert_eq!(
        rig.put(url, &other).await.status,
        400,
        "another id than that of the match"
    );
    other["identifier"][0]["value"] = json!("2");
    assert_eq!(
        rig.put("Patient?identifier=urn:mrn%7C2", &other).await.status,
        201,
        "update as create"
    );
    assert_eq!(
        rig.put("Patient?identifier=urn:mrn%7C3", &other).await.status,
        409,
        "the id is another record's"
    );
    rig.post("Patient", &numbered("1")).await;
    assert_eq!(rig.put(url, &numbered("1")).await.status, 412, "two match");
    assert_eq!(rig.put("Patient", &numbered("1")).await.status, 412, "no condition");
    assert_eq!(rig.server.content().records.len(), 3);
}

#[tokio::test]
async fn a_conditional_delete_deletes_the_one() {
    let rig = Rig::of(&GENERIC).await;
    rig.post("Patient", &numbered("1")).await;
    assert_eq!(rig.delete("Patient?identifier=urn:mrn%7C9").await.status, 204);
    assert_eq!(rig.delete("Patient?identifier=urn:mrn%7C1").await.status, 204);
    assert!(rig.server.content().records.is_empty());
    assert_eq!(Rig::of(&MEDPLUM).await.delete("Patient?identifier=1").await.status, 405);
}

#[tokio::test]
async fn bodies_come_gzipped_and_answers_go_empty() {
    let rig = Rig::of(&GENERIC).await;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(patient("p1").to_string().as_bytes()).unwrap();
    let put = rig.putting("Patient/p1", &patient("p1")).body(gzip.finish().unwrap());
    let told = told(
        put.header("content-encoding", "gzip")
            .header("prefer", "return=minimal"),
    )
    .await;
    assert_eq!(
        (told.status, told.etag.as_str(), told.body.is_null()),
        (201, "W/\"1\"", true)
    );
    assert_eq!(rig.server.stats().gzipped, 1);
    let known = rig.http.get(rig.url("Patient/p1")).header("if-none-match", "W/\"1\"");
    assert_eq!(super::told(known).await.status, 304);
}

#[tokio::test]
async fn metadata_tells_what_the_server_does() {
    for (manners, by_put, system) in [(&GENERIC, true, 2), (&HAPI, true, 2), (&MEDPLUM, false, 1)] {
        let rig = Rig::of(manners).await;
        let statement = rig.get("metadata").await.body;
        let rest = &statement["rest"][0];
        assert_eq!(rest["interaction"].as_array().unwrap().len(), system);
        let patient = rest["resource"]
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["type"] == "Patient")
            .unwrap();
        assert_eq!(patient["updateCreate"], by_put);
        assert_eq!(
            (&patient["conditionalUpdate"], &patient["readHistory"]),
            (&json!(true), &json!(true))
        );
        assert_eq!(rig.server.stats().metadata, 1);
    }
}

#[tokio::test]
async fn manners_are_put_together_freely() {
    let manners = Manners {
        conflict_status: 409,
        ..GENERIC
    };
    let rig = Rig::start(DestinationConfig::new(&manners)).await;
    assert!(rig.server.edit(&patient("p1")), "another user writes");
    let stale = rig.putting("Patient/p1", &patient("p1")).header("if-match", "W/\"9\"");
    assert_eq!(told(stale).await.status, 409);
}
