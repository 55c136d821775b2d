//! Documents as servers give them, and what is none.

use super::*;
use crate::http::test_server::{Seen, TestServer, answer, quick_http};

async fn get(
    path: &str,
    script: impl Fn(&Seen) -> axum::http::Response<axum::body::Body> + Send + Sync + 'static,
) -> Result<BinaryLine, AttachmentError> {
    let server = TestServer::start(script).await;
    let (http, ..) = quick_http();
    let session = Session::new(http, server.at("/fhir"), None);
    fetch_attachment(&session, path, Access::Token, 1000, &CancellationToken::new()).await
}

fn text(line: &BinaryLine) -> &str {
    std::str::from_utf8(&line.line).unwrap()
}

#[tokio::test]
async fn b81_a_binary_resource_is_kept_with_its_own_id_on_one_line() {
    let body = "{\n \"resourceType\":\"Binary\",\n \"id\":\"b7\", \"contentType\":\"text/plain\", \"data\":\"aGk=\"\n}";
    let line = get("Binary/b7", move |seen| {
        assert_eq!(
            (seen.target.as_str(), seen.header("accept")),
            ("/fhir/Binary/b7", Some("application/fhir+json"))
        );
        answer(200, &[("content-type", "application/fhir+json;charset=utf-8")], body)
    })
    .await
    .unwrap();
    assert_eq!(line.id, "b7");
    assert_eq!(
        text(&line),
        "{ \"resourceType\":\"Binary\", \"id\":\"b7\", \"contentType\":\"text/plain\", \"data\":\"aGk=\"}\n"
    );
}

#[tokio::test]
async fn b81_raw_bytes_are_wrapped_as_a_binary() {
    let pdf = |seen: &Seen| {
        if seen.header("accept") == Some("*/*") {
            answer(200, &[("content-type", "application/pdf")], "%PDF")
        } else {
            answer(406, &[], "")
        }
    };
    let line = get("Binary/b7/_history/1", pdf).await.unwrap();
    assert_eq!(
        text(&line),
        "{\"resourceType\":\"Binary\",\"id\":\"b7\",\"contentType\":\"application/pdf\",\"data\":\"JVBERg==\"}\n"
    );
    let unnamed = get("/files/scan.pdf?sig=1", pdf).await.unwrap();
    assert_eq!(unnamed.id, get("/files/scan.pdf?sig=2", pdf).await.unwrap().id);
    assert_eq!(unnamed.id.len(), 64);
}

#[tokio::test]
async fn a_binary_without_an_id_gets_that_of_its_address() {
    let body = "{\r\n\t\"resourceType\":\"Binary\",\r\n\t\"data\":\"aGk=\"\r\n}\r\n";
    let line = get("Binary/b7", move |_| {
        answer(200, &[("content-type", "application/fhir+json")], body)
    })
    .await
    .unwrap();
    assert_eq!(line.id, "b7");
    assert_eq!(text(&line).find('\n'), Some(line.line.len() - 1));
    let scan = crate::fhir::scan(text(&line).trim_end().as_bytes()).unwrap();
    assert_eq!((scan.resource_type, scan.id), ("Binary", "b7"));
}

#[tokio::test]
async fn raw_bytes_are_measured_as_the_base64_that_they_become() {
    let of = |size: usize| move |_: &Seen| answer(200, &[("content-type", "application/pdf")], vec![b'a'; size]);
    assert!(get("Binary/b7", of(750)).await.is_ok());
    let large = get("Binary/b7", of(751)).await.err().unwrap();
    assert!(
        matches!(
            large,
            AttachmentError::Session(SessionError::Http(HttpError::TooLarge { limit: 750, .. }))
        ),
        "{large}"
    );
    let asked_twice = |seen: &Seen| match seen.header("accept") {
        Some("*/*") => answer(200, &[("content-type", "application/pdf")], vec![b'a'; 751]),
        _ => answer(406, &[], ""),
    };
    assert!(get("Binary/b7", asked_twice).await.is_err());
}

#[tokio::test]
async fn what_is_no_document_is_an_error() {
    let outcome =
        r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found","diagnostics":"gone"}]}"#;
    let error = get("Binary/b7", move |_| {
        answer(200, &[("content-type", "application/fhir+json")], outcome)
    })
    .await
    .err()
    .unwrap();
    assert!(error.to_string().ends_with("gone"), "{error}");
    assert!(get("Binary/b7", |_| answer(200, &[], "")).await.is_err());
    assert!(matches!(
        get("Binary/b7", |_| answer(404, &[], "")).await,
        Err(AttachmentError::Refused { status: 404, .. })
    ));
    let large = get("Binary/b7", |_| answer(200, &[], vec![0; 1001])).await;
    assert!(matches!(
        large,
        Err(AttachmentError::Session(SessionError::Http(HttpError::TooLarge { .. })))
    ));
}

#[tokio::test]
async fn what_the_ehr_answers_is_told_from_what_may_pass() {
    async fn told(
        script: impl Fn(&Seen) -> axum::http::Response<axum::body::Body> + Send + Sync + 'static,
    ) -> Option<(&'static str, String)> {
        let error = get("Binary/b7", script).await.err().unwrap();
        let not_given = error.not_given()?;
        assert_eq!(not_given.words, error.to_string());
        // The sentence is shown where nothing of a patient's may be.
        assert!(!not_given.sentence.contains("b7") && !not_given.sentence.contains("Doe"));
        Some((not_given.code, not_given.sentence))
    }
    let outcome = |code: &str| {
        let body = format!(
            r#"{{"resourceType":"OperationOutcome","issue":[{{"severity":"error","code":"{code}","diagnostics":"Jane Doe's is gone"}}]}}"#
        );
        move |_: &Seen| answer(200, &[("content-type", "application/fhir+json")], body.clone())
    };
    let is = |code: &'static str, sentence: &str| Some((code, sentence.to_owned()));
    assert_eq!(
        told(|_| answer(404, &[], "")).await,
        is("not-found", "the EHR does not give the document (404)")
    );
    assert_eq!(
        told(|_| answer(403, &[], "")).await,
        is("forbidden", "the EHR keeps the document back (403)")
    );
    assert_eq!(
        told(|_| answer(500, &[], "")).await,
        is("exception", "the EHR fails to give the document (500)")
    );
    assert_eq!(
        told(outcome("deleted")).await,
        is("invalid", "the EHR gave something else than a document")
    );
    assert_eq!(
        told(|_| answer(200, &[], vec![0; 1001])).await,
        is(
            "too-long",
            "the document is larger than the 1000 bytes that are fetched"
        )
    );
    assert_eq!(told(outcome("throttled")).await, None);
    assert_eq!(told(|_| answer(423, &[], "")).await, None);
    assert_eq!(told(|_| answer(503, &[], "")).await, None);
}

/// It goes to the quarantine as it came, rather than into a document of its own.
#[tokio::test]
async fn a_binary_with_a_member_twice_stays_one() {
    let body = r#"{"resourceType":"Binary","id":"b7","id":"b7","contentType":"text/plain","data":"aGk="}"#;
    let line = get("Binary/b7", move |_| {
        answer(200, &[("content-type", "application/fhir+json")], body)
    })
    .await
    .unwrap();
    assert_eq!((line.id.as_str(), text(&line).trim_end()), ("b7", body));
}
