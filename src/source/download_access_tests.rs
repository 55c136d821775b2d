use std::sync::atomic::{AtomicUsize, Ordering};

use super::testbed::{Memory, file, is_whole, ranged, rows, run, session, token};
use super::*;
use crate::http::test_server::{TestServer, answer, quick_http};
use crate::store::FileHasher;

#[tokio::test]
async fn b77_an_expired_file_asks_for_a_fresh_manifest_without_retries() {
    for status in [403, 404, 410] {
        let server = TestServer::start(move |_| answer(status, &[], "")).await;
        let error = run(&server, Access::NoToken, None, &mut Memory::default())
            .await
            .unwrap_err();
        assert!(error.wants_fresh_manifest(), "{error}");
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn b71_a401_renews_the_token_once_and_goes_on() {
    let data = rows("a");
    let copy = data.clone();
    let tokens = AtomicUsize::new(0);
    let server = TestServer::start(move |seen| match (seen.target.as_str(), seen.header("authorization")) {
        ("/token", _) => token(tokens.fetch_add(1, Ordering::SeqCst)),
        (_, Some("Bearer t1")) => answer(200, &[], copy.clone()),
        _ => answer(401, &[], "Unauthorized"),
    })
    .await;
    let mut sink = Memory::default();
    let fetched = run(&server, Access::Token, None, &mut sink).await.unwrap();
    is_whole(&fetched, &sink, &data);
    assert_eq!(server.seen().iter().filter(|seen| seen.target == "/token").count(), 2);
}

#[tokio::test]
async fn a_401_that_stays_is_an_error_after_a_few_renewals() {
    let server = TestServer::start(|seen| {
        if seen.target == "/token" {
            token(seen.before)
        } else {
            answer(401, &[], "no")
        }
    })
    .await;
    let error = run(&server, Access::Token, None, &mut Memory::default())
        .await
        .unwrap_err();
    assert!(
        matches!(error, DownloadError::Unauthorized { withheld: false, .. }),
        "{error}"
    );
    assert_eq!(server.seen().len(), 13);
}

#[tokio::test]
async fn b72_no_token_is_sent_when_the_manifest_says_none_is_needed() {
    let server = TestServer::start(|_| answer(200, &[], "{}\n")).await;
    run(&server, Access::NoToken, None, &mut Memory::default())
        .await
        .unwrap();
    assert!(
        server
            .seen()
            .iter()
            .all(|seen| seen.header("authorization").is_none() && seen.target != "/token")
    );
}

#[tokio::test]
async fn b72_b78_the_token_never_reaches_another_origin() {
    let storage = TestServer::start(|_| answer(200, &[], "{}\n")).await;
    let moved = storage.at("/signed?sig=abc").to_string();
    let ehr = TestServer::start(move |seen| match seen.target.as_str() {
        "/token" => token(0),
        _ => answer(307, &[("location", &moved)], ""),
    })
    .await;
    let (http, ..) = quick_http();
    let session = session(&http, &ehr.url);
    for access in [Access::Token, Access::Unknown] {
        // By a redirect, and by the manifest itself.
        for url in [ehr.at("/file"), storage.at("/direct")] {
            let mut sink = Memory::default();
            fetch(
                &session,
                &file(url, access),
                ResumePoint::start(FileHasher::plain()),
                &mut sink,
                &CancellationToken::new(),
            )
            .await
            .unwrap();
            assert_eq!(sink.bytes, b"{}\n");
        }
    }
    assert_eq!(storage.seen().len(), 4);
    assert!(storage.seen().iter().all(|seen| seen.header("authorization").is_none()));
    assert!(
        ehr.seen()
            .iter()
            .filter(|seen| seen.target == "/file")
            .all(|seen| seen.header("authorization") == Some("Bearer t0"))
    );
    let trusting = session.trusting(&storage.url);
    fetch(
        &trusting,
        &file(storage.at("/direct"), Access::Token),
        ResumePoint::start(FileHasher::plain()),
        &mut Memory::default(),
        &CancellationToken::new(),
    )
    .await
    .unwrap();
    assert_eq!(storage.seen()[4].header("authorization"), Some("Bearer t0"));
}

#[tokio::test]
async fn an_empty_200_where_records_were_promised_is_an_error() {
    let server = TestServer::start(|_| answer(200, &[], "")).await;
    let error = run(&server, Access::NoToken, None, &mut Memory::default())
        .await
        .unwrap_err();
    assert!(matches!(error, DownloadError::Empty { count: 20_000, .. }), "{error}");
    let (http, ..) = quick_http();
    let promised_nothing = OutputFile {
        count: Some(0),
        ..file(server.at("/file"), Access::NoToken)
    };
    let fetched = fetch(
        &session(&http, &server.url),
        &promised_nothing,
        ResumePoint::start(FileHasher::plain()),
        &mut Memory::default(),
        &CancellationToken::new(),
    )
    .await;
    assert_eq!(fetched.unwrap().bytes, 0);
}

#[tokio::test]
async fn web_pages_and_unasked_encodings_are_not_taken_for_records() {
    let server = TestServer::start(|_| {
        answer(
            200,
            &[("content-type", "text/html; charset=utf-8")],
            "<html>login</html>",
        )
    })
    .await;
    let error = run(&server, Access::NoToken, None, &mut Memory::default())
        .await
        .unwrap_err();
    assert!(matches!(error, DownloadError::WebPage { .. }), "{error}");
    let server = TestServer::start(|_| answer(200, &[("content-encoding", "br")], "x")).await;
    let error = run(&server, Access::NoToken, None, &mut Memory::default())
        .await
        .unwrap_err();
    assert!(matches!(error, DownloadError::Encoding { .. }), "{error}");
}

#[tokio::test]
async fn a_stopped_receiver_and_a_cancelled_job_end_the_download() {
    let data = rows("a");
    let server = ranged(data, |_, _| None).await;
    let mut sink = Memory {
        stop_after: Some(10),
        ..Memory::default()
    };
    assert_eq!(
        run(&server, Access::NoToken, None, &mut sink).await,
        Err(DownloadError::SinkStopped)
    );
    let (http, ..) = quick_http();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let error = fetch(
        &session(&http, &server.url),
        &file(server.at("/f"), Access::NoToken),
        ResumePoint::start(FileHasher::plain()),
        &mut Memory::default(),
        &cancel,
    )
    .await;
    assert!(error.unwrap_err().is_cancelled());
}

#[tokio::test]
async fn b78_plain_http_files_of_an_https_ehr_are_refused() {
    let (http, ..) = quick_http();
    let session = Session::new(http, "https://ehr.example/fhir".parse().unwrap(), None);
    for url in ["http://ehr.example/f", "http://127.0.0.1:1/f"] {
        let target = file(url.parse().unwrap(), Access::NoToken);
        let error = fetch(
            &session,
            &target,
            ResumePoint::start(FileHasher::plain()),
            &mut Memory::default(),
            &CancellationToken::new(),
        )
        .await
        .unwrap_err();
        assert!(
            matches!(
                error,
                DownloadError::Session(SessionError::Http(HttpError::PlainHttpRefused { .. }))
            ),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a29_neither_events_nor_errors_show_a_signature() {
    let server = TestServer::start(|_| answer(410, &[], "")).await;
    let (http, _, watcher) = quick_http();
    let target = file(server.at("/f?X-Amz-Signature=abcdef"), Access::NoToken);
    let error = fetch(
        &session(&http, &server.url),
        &target,
        ResumePoint::start(FileHasher::plain()),
        &mut Memory::default(),
        &CancellationToken::new(),
    )
    .await
    .unwrap_err();
    let shown = format!("{error} {error:?} {target:?} {:?}", watcher.0.lock().unwrap());
    assert!(
        shown.contains("X-Amz-Signature=...") && !shown.contains("abcdef"),
        "{shown}"
    );
}
