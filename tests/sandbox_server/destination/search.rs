//! Search: parameters, pages, counts, and the cache.

use std::sync::Arc;

use cutover::sandbox::destination::{DestinationConfig, GENERIC, HAPI};
use serde_json::json;

use super::{Rig, numbered, patient, told};
use crate::clinic::{Clinic, EVERYTHING};

#[tokio::test]
async fn many_identifiers_are_found_at_once() {
    let rig = Rig::of(&GENERIC).await;
    for value in ["1", "2", "3"] {
        rig.post("Patient", &numbered(value)).await;
    }
    let found = rig
        .get("Patient?identifier=urn:mrn%7C1,urn:mrn%7C3,urn:other%7C2")
        .await
        .body;
    assert_eq!(found["total"], 2);
    let form = rig
        .http
        .post(rig.url("Patient/_search"))
        .form(&[("identifier", "urn:mrn|1,urn:mrn|2")]);
    assert_eq!(told(form).await.body["total"], 2);
    assert_eq!(rig.get("Patient?identifier=urn:mrn%7C4").await.body["total"], 0);
    assert_eq!(
        rig.get("Patient?birthplace=x").await.status,
        400,
        "not supported, and said so"
    );
}

#[tokio::test]
async fn a_changed_identifier_is_found_by_its_new_value_alone() {
    let rig = Rig::of(&GENERIC).await;
    for value in ["old", "new"] {
        let mut record = numbered(value);
        record["id"] = json!("p1");
        rig.put("Patient/p1", &record).await;
    }
    assert_eq!(rig.get("Patient?identifier=old").await.body["total"], 0);
    assert_eq!(rig.get("Patient?identifier=new").await.body["total"], 1);
    rig.delete("Patient/p1").await;
    assert_eq!(rig.get("Patient?identifier=new").await.body["total"], 0);
}

#[tokio::test]
async fn tags_ids_and_counts() {
    let rig = Rig::of(&GENERIC).await;
    for (id, run) in [("a", "1"), ("b", "1"), ("c", "2")] {
        let mut record = patient(id);
        record["meta"] = json!({ "tag": [{ "system": "urn:run", "code": run }], "source": "http://old" });
        rig.put(&format!("Patient/{id}"), &record).await;
    }
    let counted = rig.get("Patient?_tag=urn:run%7C1&_summary=count").await.body;
    assert_eq!((&counted["total"], &counted["entry"]), (&json!(2), &json!(null)));
    assert_eq!(rig.get("Patient?_id=a,c,z").await.body["total"], 2);
    assert_eq!(
        rig.get("Patient?_source=http://old&_tag=urn:run%7C2").await.body["total"],
        1
    );
    let part = rig.get("Patient?_id=a&_elements=active").await.body["entry"][0]["resource"].clone();
    assert_eq!(
        (&part["active"], &part["meta"]["tag"][1]["code"]),
        (&json!(true), &json!("SUBSETTED"))
    );
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let rig = Rig::start(DestinationConfig::new(&GENERIC).dataset(Arc::new(Clinic))).await;
    assert_eq!(rig.server.content().records.len() as u64, EVERYTHING);
    assert_eq!(
        rig.server.content().versions_written,
        0,
        "what was there is nobody's writing"
    );
    let mut url = rig.url("Observation?_count=6");
    let mut seen = Vec::new();
    loop {
        let page = told(rig.http.get(&url)).await.body;
        assert_eq!(page["total"], 20);
        let entries = page["entry"].as_array().unwrap();
        seen.extend(
            entries
                .iter()
                .map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned()),
        );
        let links = page["link"].as_array().unwrap();
        match links.iter().find(|link| link["relation"] == "next") {
            Some(next) => next["url"].as_str().unwrap().clone_into(&mut url),
            None => break,
        }
    }
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!((count, seen.len()), (20, 20));
    let kept = rig.get("Patient/p1").await.body;
    assert_eq!(
        kept["meta"]["lastUpdated"], "2024-01-02T00:00:00.000Z",
        "the date it came with"
    );
    assert_eq!(
        rig.get("Observation?patient=Patient/p1&_summary=count").await.body["total"],
        5
    );
}

#[tokio::test]
async fn hapi_gives_old_results_again_unless_told_not_to() {
    let rig = Rig::of(&HAPI).await;
    assert_eq!(rig.get("Patient?_summary=count").await.body["total"], 0);
    rig.put("Patient/p1", &patient("p1")).await;
    assert_eq!(
        rig.get("Patient?_summary=count").await.body["total"],
        0,
        "from the cache"
    );
    let fresh = rig
        .http
        .get(rig.url("Patient?_summary=count"))
        .header("cache-control", "no-cache");
    assert_eq!(told(fresh).await.body["total"], 1);
    assert_eq!(
        rig.get("Patient?_summary=count").await.body["total"],
        1,
        "the cache is new"
    );
}
