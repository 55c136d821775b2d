//! Files: ranges, gzip, and real folders.

use std::io::Read;
use std::sync::Arc;

use cutover::sandbox::{Folder, SandboxConfig};
use reqwest::StatusCode;

use crate::rig::{Rig, config};

/// URL of the first observation file, with a token.
async fn observations(rig: &Rig) -> (String, String) {
    let (token, manifest) = rig.export("$export?_type=Observation").await;
    (manifest["output"][0]["url"].as_str().unwrap().to_owned(), token)
}

#[tokio::test]
async fn a_range_continues_exactly_where_it_is_asked_to() {
    let rig = Rig::start(config()).await;
    let (url, token) = observations(&rig).await;
    let whole = rig.get(&url, &token).await;
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    let etag = whole.headers()["etag"].clone();
    let bytes = whole.bytes().await.unwrap();
    let part = |range: &str, etag: &str| {
        rig.http
            .get(&url)
            .bearer_auth(&token)
            .header("range", range)
            .header("if-range", etag)
            .send()
    };
    for from in [0, 1, 700, bytes.len() - 1] {
        let response = part(&format!("bytes={from}-"), etag.to_str().unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(
            response.headers()["content-range"],
            format!("bytes {from}-{}/{}", bytes.len() - 1, bytes.len())
        );
        assert_eq!(response.bytes().await.unwrap(), bytes[from..]);
    }
    let middle = part("bytes=5-14", etag.to_str().unwrap()).await.unwrap();
    assert_eq!(middle.bytes().await.unwrap(), bytes[5..15]);
    let beyond = part(&format!("bytes={}-", bytes.len()), etag.to_str().unwrap())
        .await
        .unwrap();
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    let other = part("bytes=5-", "\"other\"").await.unwrap();
    assert_eq!(
        (other.status(), other.bytes().await.unwrap()),
        (StatusCode::OK, bytes.clone()),
        "another version is sent whole"
    );
    let name = url.rsplit('/').next().unwrap().split('?').next().unwrap();
    assert_eq!(
        rig.server.stats().files[name]
            .iter()
            .map(|get| (get.status, get.from))
            .nth(3),
        Some((206, 700))
    );
}

#[tokio::test]
async fn gzip_is_the_same_content_in_less_space() {
    let rig = Rig::start(config()).await;
    let (url, token) = observations(&rig).await;
    let plain = rig.get(&url, &token).await.bytes().await.unwrap();
    let response = rig
        .http
        .get(&url)
        .bearer_auth(&token)
        .header("accept-encoding", "gzip")
        .send()
        .await
        .unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    assert!(!response.headers().contains_key("accept-ranges"));
    let packed = response.bytes().await.unwrap();
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(packed.as_ref())
        .read_to_end(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, plain);
    assert!(packed.len() < plain.len());
}

#[tokio::test]
async fn a_folder_is_served_byte_for_byte_at_group_level() {
    let dir = tempfile::tempdir().unwrap();
    let line = |number: u32| {
        format!(
            "{{\"resourceType\":\"Observation\", \"id\":\"o{number}\",\"text\":\"{}\"}}\n",
            "ü".repeat(400)
        )
    };
    let text: String = (0..2000).map(line).collect();
    std::fs::write(dir.path().join("Observation.ndjson"), &text).unwrap();
    let folder = Folder::open(dir.path()).unwrap();
    let rig = Rig::start(SandboxConfig {
        dataset: Arc::new(folder),
        ..config().lines_per_file(1500)
    })
    .await;
    let (token, manifest) = rig.export("Group/everyone/$export").await;
    let url = manifest["output"][0]["url"].as_str().unwrap();
    assert!(
        rig.get(url, &token).await.content_length().is_some(),
        "a file on disk has a known size"
    );
    let files = rig.files(&manifest, &token).await;
    assert_eq!(files.len(), 2);
    let served: Vec<u8> = files.into_iter().flat_map(|(_, bytes)| bytes.unwrap()).collect();
    assert!(
        served == text.as_bytes(),
        "{} bytes instead of {}",
        served.len(),
        text.len()
    );
}
