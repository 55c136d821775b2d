//! Each fault does what its name says, to as many lines as it says.

use std::io::Read;

use cutover::sandbox::Fault;
use reqwest::StatusCode;
use serde_json::Value;

use crate::rig::{Rig, config, location};

const EXPORT: &str = "$export";

async fn status_of_kickoff(rig: &Rig) -> (String, String) {
    let token = rig.token().await;
    (location(rig.kick_off(EXPORT, &token).await.headers()), token)
}

/// The URL of the last file, on which persistent faults work.
fn last(manifest: &Value) -> String {
    manifest["output"].as_array().unwrap().last().unwrap()["url"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn retry_after_takes_three_odd_forms() {
    for (fault, check) in [
        (
            "retry-after-date",
            (|value: &str| httpdate::parse_http_date(value).is_ok()) as fn(&str) -> bool,
        ),
        ("retry-after-epoch", |value| {
            value.parse::<u64>().unwrap() > 1_700_000_000
        }),
        ("retry-after-huge", |value| value == "18000"),
    ] {
        let rig = Rig::start(config().polls(1, Some(5)).fault(fault.parse().unwrap())).await;
        let (url, token) = status_of_kickoff(&rig).await;
        let poll = rig.get(&url, &token).await;
        assert!(check(poll.headers()["retry-after"].to_str().unwrap()), "{fault}");
    }
}

#[tokio::test]
async fn bursts_hit_polls_and_files_and_end() {
    for (fault, status) in [
        ("burst-429:2", StatusCode::TOO_MANY_REQUESTS),
        ("burst-503:2", StatusCode::SERVICE_UNAVAILABLE),
    ] {
        let rig = Rig::with(fault).await;
        let (url, token) = status_of_kickoff(&rig).await;
        for _ in 0..2 {
            assert_eq!(rig.get(&url, &token).await.status(), status);
        }
        let manifest = rig.manifest(&url, &token).await;
        let file = last(&manifest);
        for _ in 0..2 {
            assert_eq!(rig.get(&file, &token).await.status(), status);
        }
        assert_eq!(rig.get(&file, &token).await.status(), StatusCode::OK);
    }
}

#[tokio::test]
async fn a_status_may_fail_for_a_moment() {
    let rig = Rig::with("status-transient:2").await;
    let (url, token) = status_of_kickoff(&rig).await;
    for _ in 0..2 {
        let poll = rig.get(&url, &token).await;
        assert_eq!(poll.status(), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(poll.json::<Value>().await.unwrap()["issue"][0]["code"], "transient");
    }
    rig.manifest(&url, &token).await;
}

#[tokio::test]
async fn a_kickoff_may_be_rejected_once_or_always() {
    let rig = Rig::with("kickoff-rejected").await;
    let token = rig.token().await;
    assert_eq!(
        rig.kick_off(EXPORT, &token).await.status(),
        StatusCode::TOO_MANY_REQUESTS
    );
    assert_eq!(rig.kick_off(EXPORT, &token).await.status(), StatusCode::ACCEPTED);
    let rig = Rig::with("kickoff-rejected:always").await;
    let token = rig.token().await;
    for _ in 0..3 {
        assert_eq!(rig.kick_off(EXPORT, &token).await.status(), StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn the_status_url_may_be_relative_or_quoted() {
    let rig = Rig::with("status-relative").await;
    assert!(status_of_kickoff(&rig).await.0.starts_with("/fhir/$export-status/"));
    let rig = Rig::with("status-quoted").await;
    let (url, _) = status_of_kickoff(&rig).await;
    assert!(url.starts_with("\"http://") && url.ends_with('"'));
}

/// Reads until the connection breaks: what came, and whether it broke.
async fn read_on(mut response: reqwest::Response) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return (bytes, false),
            Err(_) => return (bytes, true),
        }
    }
}

async fn from(rig: &Rig, url: &str, token: &str, from: usize) -> reqwest::Response {
    rig.http
        .get(url)
        .bearer_auth(token)
        .header("range", format!("bytes={from}-"))
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn a_download_cut_once_can_be_resumed() {
    let rig = Rig::with("cut-once").await;
    let (token, manifest) = rig.export(EXPORT).await;
    let url = last(&manifest);
    let (mut bytes, broken) = read_on(rig.get(&url, &token).await).await;
    assert!(broken && !bytes.is_empty());
    let (rest, broken) = read_on(from(&rig, &url, &token, bytes.len()).await).await;
    assert!(!broken);
    bytes.extend(rest);
    assert_eq!(bytes, rig.get(&url, &token).await.bytes().await.unwrap());
}

#[tokio::test]
async fn a_download_cut_always_never_ends() {
    let rig = Rig::with("cut-always").await;
    let (token, manifest) = rig.export(EXPORT).await;
    let url = last(&manifest);
    let (bytes, broken) = read_on(rig.get(&url, &token).await).await;
    assert!(broken);
    for _ in 0..3 {
        let answer = rig
            .http
            .get(&url)
            .bearer_auth(&token)
            .header("range", format!("bytes={}-", bytes.len()))
            .send()
            .await;
        if let Ok(answer) = answer {
            let (more, broken) = read_on(answer).await;
            assert!(broken && more.is_empty());
        }
    }
    let files = rig.files(&manifest, &token).await;
    assert_eq!(
        files.iter().filter(|(_, bytes)| bytes.is_none()).count(),
        1,
        "one file, and only one"
    );
}

#[tokio::test]
async fn a_token_dies_during_a_download() {
    let rig = Rig::with("token-expires").await;
    let (token, manifest) = rig.export("$export?_type=Patient").await;
    let url = last(&manifest);
    let (mut bytes, broken) = read_on(rig.get(&url, &token).await).await;
    assert!(broken);
    assert_eq!(
        from(&rig, &url, &token, bytes.len()).await.status(),
        StatusCode::UNAUTHORIZED
    );
    let renewed = rig.token().await;
    bytes.extend(read_on(from(&rig, &url, &renewed, bytes.len()).await).await.0);
    assert_eq!(bytes, rig.get(&url, &renewed).await.bytes().await.unwrap());
}

#[tokio::test]
async fn gzip_may_end_early_in_a_whole_response() {
    let rig = Rig::with("gzip-cut").await;
    let (token, manifest) = rig.export(EXPORT).await;
    let url = last(&manifest);
    let unpack = async || {
        let response = rig
            .http
            .get(&url)
            .bearer_auth(&token)
            .header("accept-encoding", "gzip")
            .send()
            .await
            .unwrap();
        let packed = response.bytes().await.expect("HTTP itself is in order");
        let mut plain = Vec::new();
        let whole = flate2::read::GzDecoder::new(packed.as_ref())
            .read_to_end(&mut plain)
            .is_ok();
        (plain, whole)
    };
    let (part, whole) = unpack().await;
    assert!(!whole && !part.is_empty());
    let (all, whole) = unpack().await;
    assert!(whole && all.starts_with(&part));
}

#[tokio::test]
async fn expired_urls_are_renewed_with_the_manifest() {
    let rig = Rig::with("file-expired").await;
    let (url, token) = status_of_kickoff(&rig).await;
    let first = rig.manifest(&url, &token).await;
    assert_eq!(rig.get(&last(&first), &token).await.status(), StatusCode::GONE);
    let second = rig.manifest(&url, &token).await;
    assert_eq!(rig.get(&last(&second), &token).await.status(), StatusCode::OK);
    let rig = Rig::with("file-expired:always").await;
    let (token, manifest) = rig.export(EXPORT).await;
    assert_eq!(rig.get(&last(&manifest), &token).await.status(), StatusCode::GONE);
}

#[tokio::test]
async fn an_empty_200_comes_once_or_always() {
    let rig = Rig::with("empty-200").await;
    let (token, manifest) = rig.export(EXPORT).await;
    assert!(
        rig.get(&last(&manifest), &token)
            .await
            .bytes()
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        !rig.get(&last(&manifest), &token)
            .await
            .bytes()
            .await
            .unwrap()
            .is_empty()
    );
    let rig = Rig::with("empty-200:always").await;
    let (token, manifest) = rig.export(EXPORT).await;
    let empty = rig
        .files(&manifest, &token)
        .await
        .into_iter()
        .filter(|(_, bytes)| bytes.as_ref().unwrap().is_empty())
        .count();
    assert_eq!(empty, 1);
}

#[tokio::test]
async fn the_manifest_may_speak_the_newer_dialect() {
    let rig = Rig::start(config().fault(Fault::Stu4Manifest).fault(Fault::ErrorFile(2))).await;
    let (token, manifest) = rig.export(EXPORT).await;
    assert!(manifest.get("request").is_none() && manifest.get("error").is_none());
    assert!(manifest["outcome"][0].get("type").is_none());
    let text = rig
        .get(manifest["outcome"][0]["url"].as_str().unwrap(), &token)
        .await
        .text()
        .await
        .unwrap();
    let severities: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["issue"][0]["severity"].clone())
        .collect();
    assert_eq!(severities, ["error", "warning"]);
}

#[tokio::test]
async fn a_fast_clock_finds_assertions_expired_and_shows_its_time() {
    let rig = Rig::with("clock-skew:600").await;
    let assertion = rig.signer.sign("k1", &rig.claims());
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", "system/*.read"),
        (
            "client_assertion_type",
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        ),
        ("client_assertion", &assertion),
    ];
    let response = rig.http.post(&rig.server.token_url).form(&form).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let date = httpdate::parse_http_date(response.headers()["date"].to_str().unwrap()).unwrap();
    let server = i64::try_from(date.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()).unwrap();
    let mut claims = rig.claims();
    claims["exp"] = (server + 240).into();
    assert_eq!(
        rig.ask(&rig.signer.sign("k1", &claims), "system/*.read").await.0,
        StatusCode::OK,
        "who follows its date gets in"
    );
}

#[tokio::test]
async fn chunks_may_end_inside_characters() {
    let rig = Rig::with("multibyte-split").await;
    let (token, manifest) = rig.export("$export?_type=Observation").await;
    let mut response = rig.get(&last(&manifest), &token).await;
    let (mut all, mut split) = (Vec::new(), 0);
    while let Some(chunk) = response.chunk().await.unwrap() {
        split += usize::from(std::str::from_utf8(&chunk).is_err());
        all.extend_from_slice(&chunk);
    }
    assert!(split > 0);
    assert!(String::from_utf8(all).is_ok());
}
