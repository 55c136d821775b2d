//! Kickoff, status, manifest, and what is in the files.

use cutover::sandbox::SandboxConfig;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::clinic::{Clinic, EVERYTHING};
use crate::rig::{Rig, config, location, name};

#[tokio::test]
async fn a_system_export_holds_everything_with_the_base_filled_in() {
    let rig = Rig::start(config()).await;
    let lines = rig.lines("$export").await;
    assert_eq!(lines.len() as u64, EVERYTHING);
    let patient = Clinic::resource("Patient", 0)
        .to_string()
        .replace("{base}", &rig.server.base_url);
    assert!(lines.contains(&patient));
}

#[tokio::test]
async fn polling_shows_progress_and_comes_to_the_manifest() {
    let rig = Rig::start(config().polls(2, Some(7))).await;
    let token = rig.token().await;
    let response = rig.kick_off("Patient/$export", &token).await;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let url = location(response.headers());
    for _ in 0..2 {
        let poll = rig.get(&url, &token).await;
        assert_eq!(poll.status(), StatusCode::ACCEPTED);
        assert_eq!(poll.headers()["retry-after"], "7");
        assert!(poll.headers()["x-progress"].to_str().unwrap().ends_with("% Completed"));
    }
    let manifest = rig.manifest(&url, &token).await;
    assert_eq!(manifest["transactionTime"], "2024-06-01T00:00:00Z");
    assert_eq!(manifest["request"], format!("{}/Patient/$export", rig.server.base_url));
    assert_eq!(manifest["requiresAccessToken"], true);
    let counts: Vec<(&str, u64)> = manifest["output"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| (file["type"].as_str().unwrap(), file["count"].as_u64().unwrap()))
        .collect();
    let expected = [
        ("Practitioner", 2),
        ("Patient", 4),
        ("Observation", 6),
        ("Observation", 6),
        ("Observation", 6),
        ("Observation", 2),
        ("Provenance", 4),
    ];
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn a_deleted_job_is_gone_with_its_files() {
    let rig = Rig::start(config()).await;
    let token = rig.token().await;
    let url = location(rig.kick_off("$export", &token).await.headers());
    let manifest = rig.manifest(&url, &token).await;
    assert_eq!(rig.server.stats().live_jobs, 1);
    let deletion = rig.http.delete(&url).bearer_auth(&token).send().await.unwrap();
    assert_eq!(deletion.status(), StatusCode::ACCEPTED);
    assert_eq!(rig.get(&url, &token).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(
        rig.get(manifest["output"][0]["url"].as_str().unwrap(), &token)
            .await
            .status(),
        StatusCode::NOT_FOUND
    );
    assert_eq!((rig.server.stats().live_jobs, rig.server.stats().deletes), (0, 1));
}

#[tokio::test]
async fn a_group_export_holds_its_patients_and_what_belongs_to_them() {
    let rig = Rig::start(config()).await;
    let names = rig.names("Group/half/$export").await;
    let count = |prefix: &str| names.iter().filter(|name| name.starts_with(prefix)).count();
    assert_eq!(
        (
            count("Patient/"),
            count("Observation/"),
            count("Provenance/"),
            count("Practitioner/")
        ),
        (2, 10, 2, 2)
    );
    assert!(names.contains(&"Provenance/v1".to_owned()) && !names.contains(&"Provenance/v2".to_owned()));
    let token = rig.token().await;
    assert_eq!(
        rig.kick_off("Group/none/$export", &token).await.status(),
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn parameters_narrow_an_export() {
    let rig = Rig::start(config()).await;
    assert_eq!(rig.names("$export?_type=Patient,Practitioner").await.len(), 6);
    assert_eq!(rig.names("$export?_type=Patient&_type=Practitioner").await.len(), 6);
    assert_eq!(
        rig.names("$export?_type=Patient&_since=2024-01-03T00:00:00Z").await,
        ["Patient/p2", "Patient/p3"]
    );
    assert_eq!(
        rig.names("$export?_type=Patient&_until=2024-01-03T00:00:00Z").await,
        ["Patient/p0", "Patient/p1", "Patient/p2"]
    );
    let amended = rig
        .names("$export?_type=Observation&_typeFilter=Observation%3Fstatus%3Damended")
        .await;
    assert_eq!(
        amended,
        ["Observation/o0", "Observation/o5", "Observation/o10", "Observation/o15"]
    );
    let late = "$export?_type=Observation&_typeFilter=Observation%3F_lastUpdated%3Dgt2024-02-19T00:00:00Z";
    assert_eq!(rig.names(late).await, ["Observation/o19"]);
    let either = rig
        .names("$export?_type=Observation&_typeFilter=Observation%3F_id%3Do1,Observation%3F_id%3Do2%252Co3")
        .await;
    assert_eq!(either, ["Observation/o1", "Observation/o2", "Observation/o3"]);
    let lines = rig.lines("$export?_type=Observation&_elements=status").await;
    let subset: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!((&subset["status"], subset.get("code")), (&json!("amended"), None));
    assert_eq!(subset["meta"]["tag"][0]["code"], "SUBSETTED");
}

#[tokio::test]
async fn a_post_may_name_patients() {
    let rig = Rig::start(config()).await;
    let token = rig.token().await;
    let parameters = json!([
        { "name": "_type", "valueString": "Patient" },
        { "name": "_type", "valueString": "Observation" },
        { "name": "patient", "valueReference": { "reference": "Patient/p3" } },
    ]);
    let response = rig.kick_off_by_post("Patient/$export", &token, &parameters).await;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let manifest = rig.manifest(&location(response.headers()), &token).await;
    assert_eq!(
        (&manifest["output"][0]["count"], &manifest["output"][1]["count"]),
        (&json!(1), &json!(5))
    );
    let unknown = json!([{ "name": "patient", "valueReference": { "reference": "Patient/nobody" } }]);
    assert_eq!(
        rig.kick_off_by_post("Patient/$export", &token, &unknown).await.status(),
        StatusCode::NOT_FOUND
    );
    assert_eq!(
        rig.kick_off("Patient/$export?patient=Patient/p3", &token)
            .await
            .status(),
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn what_is_not_understood_is_refused_or_reported() {
    let rig = Rig::start(config()).await;
    let token = rig.token().await;
    for query in [
        "_type=Nonsense",
        "_since=yesterday",
        "_since=2024-01-01",
        "fancy=1",
        "_outputFormat=csv",
        "_typeFilter=Observation%3F_sort%3Ddate",
    ] {
        assert_eq!(
            rig.kick_off(&format!("$export?{query}"), &token).await.status(),
            StatusCode::BAD_REQUEST,
            "{query}"
        );
    }
    let url = format!("{}/$export", rig.server.base_url);
    let bare = rig
        .http
        .get(&url)
        .bearer_auth(&token)
        .header("prefer", "respond-async")
        .send()
        .await
        .unwrap();
    assert_eq!(bare.status(), StatusCode::BAD_REQUEST, "Accept is demanded");
    let request = rig
        .http
        .get(format!("{url}?fancy=1&_type=Patient"))
        .bearer_auth(&token)
        .header("accept", "application/fhir+json");
    let lenient = request
        .header("prefer", "respond-async, handling=lenient")
        .send()
        .await
        .unwrap();
    assert_eq!(lenient.status(), StatusCode::ACCEPTED);
    let manifest = rig.manifest(&location(lenient.headers()), &token).await;
    let told = rig
        .get(manifest["error"][0]["url"].as_str().unwrap(), &token)
        .await
        .text()
        .await
        .unwrap();
    assert!(told.contains("The parameter fancy was ignored."), "{told}");
}

#[tokio::test]
async fn a_paged_manifest_adds_up() {
    let rig = Rig::start(config()).await;
    let (token, first) = rig.export("$export?allowPartialManifests=true").await;
    assert_eq!(first["link"][0]["relation"], "next");
    let next = first["link"][0]["url"].as_str().unwrap();
    assert_eq!(
        rig.get(next, &token).await.status(),
        StatusCode::ACCEPTED,
        "the second page takes a while"
    );
    let second = rig.manifest(next, &token).await;
    let total: u64 = [&first, &second]
        .iter()
        .flat_map(|page| page["output"].as_array().unwrap())
        .map(|file| file["count"].as_u64().unwrap())
        .sum();
    assert_eq!(total, EVERYTHING);
    assert!(second.get("link").is_none());
}

#[tokio::test]
async fn output_by_patient_comes_in_blocks_with_headers() {
    let rig = Rig::start(config()).await;
    let (token, manifest) = rig.export("$export?_type=Observation&organizeOutputBy=Patient").await;
    assert_eq!(manifest["outputOrganizedBy"], "Patient");
    let mut owners = Vec::new();
    for (entry, bytes) in rig.files(&manifest, &token).await {
        assert!(entry.get("type").is_none());
        let text = String::from_utf8(bytes.unwrap()).unwrap();
        let mut owner = None;
        let mut resources = 0;
        for line in text.lines() {
            let resource: Value = serde_json::from_str(line).unwrap();
            if resource["resourceType"] == "Parameters" {
                owner = Some(resource["parameter"][0]["valueReference"]["reference"].clone());
            } else {
                assert_eq!(owner.as_ref(), Some(&resource["subject"]["reference"]));
                owners.push(name(line));
                resources += 1;
            }
        }
        assert_eq!(entry["count"], resources);
    }
    assert_eq!(owners.len(), 20);
}

#[tokio::test]
async fn deletions_are_listed_and_not_exported() {
    let rig = Rig::start(SandboxConfig {
        deletions: 3,
        ..config()
    })
    .await;
    let (token, manifest) = rig.export("$export").await;
    assert_eq!(manifest["deleted"][0]["count"], 3);
    let text = rig
        .get(manifest["deleted"][0]["url"].as_str().unwrap(), &token)
        .await
        .text()
        .await
        .unwrap();
    let deleted: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["entry"][0]["request"].clone())
        .inspect(|request| assert_eq!(request["method"], "DELETE"))
        .map(|request| request["url"].as_str().unwrap().to_owned())
        .collect();
    let names = rig.names("$export").await;
    assert_eq!(names.len() as u64, EVERYTHING - 3);
    assert!(deleted.iter().all(|name| !names.contains(name)), "{deleted:?}");
}

#[tokio::test]
async fn plain_rest_reads_searches_groups_and_counts() {
    let rig = Rig::start(config()).await;
    let token = rig.token().await;
    let get = async |path: &str| rig.get(&format!("{}/{path}", rig.server.base_url), &token).await;
    let patient: Value = get("Patient/p1").await.json().await.unwrap();
    assert_eq!(
        patient["generalPractitioner"][0]["reference"],
        format!("{}/Practitioner/dr1", rig.server.base_url)
    );
    assert_eq!(get("Patient/nobody").await.status(), StatusCode::NOT_FOUND);
    let groups: Value = get("Group?name=the+ha").await.json().await.unwrap();
    assert_eq!(
        (&groups["total"], &groups["entry"][0]["resource"]["id"]),
        (&json!(1), &json!("half"))
    );
    let count: Value = get("Observation?_summary=count").await.json().await.unwrap();
    assert_eq!(count["total"], 20);
    assert_eq!(get("Binary/scan").await.bytes().await.unwrap().as_ref(), b"hello");
    let url = format!("{}/Binary/scan", rig.server.base_url);
    let json = rig
        .http
        .get(url)
        .bearer_auth(&token)
        .header("accept", "application/fhir+json")
        .send()
        .await
        .unwrap();
    assert_eq!(json.json::<Value>().await.unwrap()["data"], "aGVsbG8=");
}
