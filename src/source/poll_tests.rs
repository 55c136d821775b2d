use axum::body::Body;
use axum::http::Response;

use super::*;
use crate::http::test_server::{Seen, TestServer, answer, cut, quick_http};

const MANIFEST: &str = r#"{"transactionTime":"t","requiresAccessToken":true,"output":[{"type":"Patient","url":"files/1"}]}"#;

async fn poll_as(
    separate: bool,
    script: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static,
) -> Result<PollReply, PollError> {
    let server = TestServer::start(move |seen| {
        assert_eq!(
            (seen.method.as_str(), seen.header("accept")),
            ("GET", Some("application/json")),
            "b40, b41"
        );
        script(seen)
    })
    .await;
    let (http, ..) = quick_http();
    poll_once(
        &Session::new(http, server.at("/fhir"), None),
        &server.at("/fhir/status/7"),
        separate,
        &CancellationToken::new(),
    )
    .await
}

async fn poll(
    script: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static,
) -> Result<PollReply, PollError> {
    poll_as(false, script).await
}

fn outcome(code: &str) -> String {
    format!(
        r#"{{"resourceType":"OperationOutcome","issue":[{{"severity":"error","code":"{code}","diagnostics":"words"}}]}}"#
    )
}

#[tokio::test]
async fn b43_b44_in_progress_with_progress_and_the_wait_as_asked() {
    let reply = poll(|_| {
        answer(
            202,
            &[("x-progress", "6% Completed"), ("retry-after", "7200")],
            "",
        )
    })
    .await
    .unwrap();
    let expected = PollReply::InProgress {
        progress: Some("6% Completed".to_owned()),
        retry_after: Some(Duration::from_secs(7200)),
        partial: None,
    };
    assert_eq!(reply, expected);
    let outcome_body = poll(|_| answer(202, &[], outcome("informational")))
        .await
        .unwrap();
    assert_eq!(
        outcome_body,
        PollReply::InProgress {
            progress: None,
            retry_after: None,
            partial: None
        },
        "b92"
    );
}

#[tokio::test]
async fn b51_files_that_are_there_already_come_with_the_progress() {
    let PollReply::InProgress {
        partial: Some(partial),
        ..
    } = poll(|_| answer(202, &[], MANIFEST)).await.unwrap()
    else {
        panic!()
    };
    assert!(partial.files[0].url.path() == "/fhir/status/files/1");
}

#[tokio::test]
async fn b46_complete_with_manifest_and_expiry() {
    let reply = poll(|_| {
        answer(
            200,
            &[("expires", "Sun, 06 Nov 1994 08:49:37 GMT")],
            MANIFEST,
        )
    })
    .await
    .unwrap();
    let PollReply::Complete(manifest) = reply else {
        panic!("{reply:?}")
    };
    assert_eq!(
        (manifest.files.len(), manifest.expires.is_some()),
        (1, true)
    );
    for body in ["", "<html>", "{}"] {
        assert!(
            matches!(
                poll(move |_| answer(200, &[], body)).await,
                Err(PollError::Manifest(_))
            ),
            "{body}"
        );
    }
}

#[tokio::test]
async fn b47_a_failed_job_is_told_from_a_passing_failure() {
    for (status, body) in [
        (500, outcome("transient")),
        (400, outcome("lock-error")),
        (502, "<html>".to_owned()),
        (503, String::new()),
        (408, String::new()),
    ] {
        let reply = poll(move |_| answer(status, &[], body.clone()))
            .await
            .unwrap();
        assert!(
            matches!(reply, PollReply::Transient { .. }),
            "{status}: {reply:?}"
        );
    }
    for (status, body) in [
        (500, outcome("processing")),
        (400, "what?".to_owned()),
        (422, String::new()),
    ] {
        let reply = poll(move |_| answer(status, &[], body.clone()))
            .await
            .unwrap();
        assert!(
            matches!(reply, PollReply::Failed { status: failed, .. } if failed == status),
            "{status}: {reply:?}"
        );
    }
}

#[tokio::test]
async fn b48_b50_throttled_gone_and_not_let_in() {
    assert_eq!(
        poll(|_| answer(429, &[("retry-after", "3")], "")).await,
        Ok(PollReply::Throttled {
            retry_after: Some(Duration::from_secs(3))
        })
    );
    assert_eq!(
        poll(|_| answer(404, &[], outcome("not-found"))).await,
        Ok(PollReply::Gone {
            words: "words".to_owned()
        })
    );
    assert!(matches!(
        poll(|_| answer(401, &[], "no")).await,
        Err(PollError::NotAllowed { status: 401, .. })
    ));
}

#[tokio::test]
async fn b49_a_separate_status_speaks_of_the_job_and_the_http_status_of_the_request() {
    let told = |status: &'static str, body: &'static str| {
        poll_as(true, move |_| {
            answer(200, &[("x-export-status", status)], body)
        })
    };
    assert!(matches!(
        told("202", "").await,
        Ok(PollReply::InProgress { .. })
    ));
    assert!(matches!(
        told("200", MANIFEST).await,
        Ok(PollReply::Complete(_))
    ));
    assert!(matches!(
        told(
            "500",
            r#"{"resourceType":"OperationOutcome","issue":[{"code":"processing"}]}"#
        )
        .await,
        Ok(PollReply::Failed { status: 500, .. })
    ));
    assert!(matches!(
        poll_as(true, |_| answer(500, &[], outcome("processing"))).await,
        Ok(PollReply::Transient { .. })
    ));
    // Not agreed on, so the header means nothing.
    assert!(matches!(
        poll(|_| answer(202, &[("x-export-status", "500")], "")).await,
        Ok(PollReply::InProgress { .. })
    ));
}

#[tokio::test]
async fn a_broken_answer_is_no_reason_to_give_a_job_up() {
    let reply = poll(|_| answer(200, &[("content-length", "999")], cut(b"{\"output\":")))
        .await
        .unwrap();
    assert!(matches!(reply, PollReply::Transient { .. }), "{reply:?}");
}

#[test]
fn b42_b43_the_schedule_backs_off_or_waits_as_asked_within_its_bounds() {
    let running = |asked: Option<u64>| PollReply::InProgress {
        progress: None,
        retry_after: asked.map(Duration::from_secs),
        partial: None,
    };
    let mut schedule = Schedule::new(Duration::from_secs(5), Duration::from_secs(300));
    let seconds: Vec<u64> = (0..9)
        .map(|_| schedule.next(&running(None), 1.0).unwrap().as_secs())
        .collect();
    assert_eq!(seconds, [5, 10, 20, 40, 80, 160, 300, 300, 300]);
    assert_eq!(schedule.next(&running(None), 0.0).unwrap().as_secs(), 150);
    assert_eq!(
        schedule.next(&running(Some(120)), 0.5).unwrap().as_secs(),
        126
    );
    assert_eq!(
        schedule
            .next(&running(Some(18_000)), 0.5)
            .unwrap()
            .as_secs(),
        300
    );
    assert_eq!(schedule.next(&running(Some(0)), 0.0).unwrap().as_secs(), 1);
    assert_eq!(
        schedule.next(&running(None), 1.0).unwrap().as_secs(),
        5,
        "begins anew"
    );
}

#[test]
fn b47_passing_failures_end_the_patience_only_in_a_long_row() {
    let passing = PollReply::Transient {
        reason: String::new(),
        retry_after: None,
    };
    let running = PollReply::InProgress {
        progress: None,
        retry_after: None,
        partial: None,
    };
    let mut schedule = Schedule::default();
    for _ in 0..3 {
        assert!((0..19).all(|_| schedule.next(&passing, 0.5).is_some()));
        assert!(schedule.next(&running, 0.5).is_some());
    }
    assert_eq!(
        (0..30)
            .filter(|_| schedule.next(&passing, 0.5).is_some())
            .count(),
        19
    );
    assert_eq!(
        schedule.next(
            &PollReply::Gone {
                words: String::new()
            },
            0.5
        ),
        None
    );
}
