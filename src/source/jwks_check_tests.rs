use super::*;
use crate::http::test_server::{TestServer, answer, quick_http};
use crate::source::jwk::{Jwks, KeyAlgorithm};
use crate::source::key::PrivateKey;

async fn check(status: u16, headers: &'static [(&str, &str)], body: String, ours: &PublicJwk) -> (JwksCheck, String) {
    let server = TestServer::start(move |seen| {
        assert_eq!(
            (seen.header("accept"), seen.header("authorization")),
            (Some("application/json"), None)
        );
        answer(status, headers, body.clone())
    })
    .await;
    let (http, ..) = quick_http();
    let check = check_published(&http, &server.at("/jwks.json"), ours, &CancellationToken::new()).await;
    let words: Vec<String> = check
        .findings
        .iter()
        .map(|finding| format!("{:?}: {}", finding.level, finding.message))
        .collect();
    let words = words.join("\n");
    (check, words)
}

const GOOD: &[(&str, &str)] = &[("content-type", "application/json"), ("cache-control", "max-age=300")];

#[tokio::test]
async fn a03_a04_a05_our_own_document_is_usable() {
    let key = PrivateKey::generate(KeyAlgorithm::Es384).unwrap();
    let body = Jwks {
        keys: vec![key.public().clone()],
    }
    .to_json();
    let (good, words) = check(200, GOOD, body.clone(), key.public()).await;
    assert!(good.is_usable(), "{words}");
    let (sloppy, words) = check(200, &[("content-type", "text/plain")], body, key.public()).await;
    assert_eq!(sloppy.worst(), FindingLevel::Warning);
    assert!(
        words.contains("served as \"text/plain\"") && words.contains("cached"),
        "{words}"
    );
}

#[tokio::test]
async fn a05_what_the_ehr_would_stumble_over_is_found() {
    let key = PrivateKey::generate(KeyAlgorithm::Es384).unwrap();
    let other = PrivateKey::generate(KeyAlgorithm::Es384).unwrap();
    let ours = key.public();
    let impostor = PublicJwk {
        kid: ours.kid.clone(),
        ..other.public().clone()
    };
    let renamed = PublicJwk {
        kid: "mine".to_owned(),
        ..ours.clone()
    };
    let set = |keys: &[&PublicJwk]| {
        Jwks {
            keys: keys.iter().map(|&key| key.clone()).collect(),
        }
        .to_json()
    };
    for (body, expected) in [
        (set(&[other.public()]), "our key is not in the set"),
        (set(&[&renamed]), "under another kid"),
        (set(&[&impostor]), "is another key"),
        (set(&[ours, ours]), "in the set 2 times"),
        ("<html>".to_owned(), "not JSON"),
        (serde_json::to_string(ours).unwrap(), "no list \"keys\""),
    ] {
        let (check, words) = check(200, GOOD, body, ours).await;
        assert!(
            check.worst() == FindingLevel::Error && words.contains(expected),
            "{expected}: {words}"
        );
    }
    let (forbidden, words) = check(403, GOOD, "login".to_owned(), ours).await;
    assert!(
        !forbidden.is_usable()
            && forbidden.findings[0]
                .hint
                .as_ref()
                .unwrap()
                .contains("readable by anyone"),
        "{words}"
    );
}

#[tokio::test]
async fn a05_a_published_private_key_is_an_alarm() {
    let key = PrivateKey::generate(KeyAlgorithm::Es384).unwrap();
    let mut json = serde_json::to_value(key.public()).unwrap();
    json["d"] = "c2VjcmV0".into();
    let (check, words) = check(200, GOOD, serde_json::json!({"keys": [json]}).to_string(), key.public()).await;
    assert_eq!(check.worst(), FindingLevel::Alarm);
    assert!(!check.is_usable() && !words.contains("c2VjcmV0"), "{words}");
}
