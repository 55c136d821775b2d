use std::time::Duration;

use axum::body::Body;
use axum::http::Response;

use super::*;
use crate::http::test_server::{Seen, TestServer, answer, quick_http};

pub(super) fn strings(values: &[&str]) -> Vec<String> {
    values.iter().map(|&value| value.to_owned()).collect()
}

pub(super) fn group() -> KickoffRequest {
    KickoffRequest {
        types: strings(&["Patient", "Condition"]),
        since: Some("2026-01-02T03:04:05+01:00".to_owned()),
        ..KickoffRequest::new(Level::Group("f0eea0a7-0793/49".to_owned()))
    }
}

pub(super) fn full() -> KickoffRequest {
    KickoffRequest {
        until: Some("2026-02-01T00:00:00Z".to_owned()),
        type_filters: strings(&["Condition?clinical-status=active,recurrence", "Patient?active=true"]),
        elements: strings(&["Patient.name", "id"]),
        include_associated_data: strings(&["LatestProvenanceResources"]),
        organize_output_by: Some("Patient".to_owned()),
        allow_partial_manifests: true,
        output_format: Some("application/fhir+ndjson".to_owned()),
        lenient: true,
        separate_status: true,
        ..group()
    }
}

pub(super) fn session() -> Session {
    let (http, ..) = quick_http();
    Session::new(http, "https://ehr.example/fhir/r4/ABCDEF/".parse().unwrap(), None)
}

async fn send(
    request: &KickoffRequest,
    script: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static,
) -> (Result<KickoffReply, KickoffError>, Vec<Seen>) {
    let server = TestServer::start(script).await;
    let (http, ..) = quick_http();
    let reply = request
        .send(&Session::new(http, server.at("/fhir"), None), &CancellationToken::new())
        .await;
    (reply, server.seen())
}

fn shown(error: &KickoffError) -> String {
    format!("{error}\n\nhint: {}", error.hint().unwrap())
}

#[tokio::test]
async fn the_preview_is_what_is_sent() {
    for request in [
        group(),
        KickoffRequest {
            method: KickoffMethod::Post,
            ..full()
        },
    ] {
        let server = TestServer::start(|_| answer(202, &[("content-location", "/job")], "")).await;
        let (http, ..) = quick_http();
        let session = Session::new(http, server.at("/fhir"), None);
        request.send(&session, &CancellationToken::new()).await.unwrap();
        let seen = &server.seen()[0];
        let mut sent = vec![format!("{} {} HTTP/1.1", seen.method, seen.target)];
        sent.extend(
            ["host", "accept", "prefer", "content-type"]
                .iter()
                .filter_map(|name| Some(format!("{name}: {}", seen.header(name)?))),
        );
        if !seen.body.is_empty() {
            sent.extend([String::new(), String::from_utf8(seen.body.to_vec()).unwrap()]);
        }
        assert_eq!(sent.join("\n"), request.preview(&session));
    }
}

#[tokio::test]
async fn b23_a_patient_list_goes_by_post_and_never_at_system_level() {
    let request = KickoffRequest {
        patients: strings(&["p1"]),
        ..group()
    };
    let (reply, seen) = send(&request, |_| answer(405, &[], "")).await;
    assert!(matches!(reply, Err(KickoffError::Rejected { status: 405, .. })));
    assert_eq!(
        seen.iter().map(|seen| seen.method.as_str()).collect::<Vec<_>>(),
        ["POST"],
        "no fallback can carry the list"
    );
    let system = KickoffRequest {
        level: Level::System,
        ..request
    };
    assert_eq!(
        send(&system, |_| answer(202, &[], "")).await.0,
        Err(KickoffError::PatientsAtSystemLevel)
    );
}

#[tokio::test]
async fn b32_the_status_url_is_found_in_all_the_forms_servers_use() {
    for (status, location, expected) in [
        (202, "/fhir/job?job_id=7", "/fhir/job?job_id=7"),
        (202, "\"/fhir/job\"", "/fhir/job"),
        (200, "job", "/fhir/Group/g/job"),
        (201, "http://127.0.0.1:1/elsewhere", "/elsewhere"),
    ] {
        let request = KickoffRequest::new(Level::Group("g".to_owned()));
        let script = move |seen: &Seen| {
            assert_eq!(seen.target, "/fhir/Group/g/$export");
            answer(status, &[("content-location", location)], "")
        };
        let reply = send(&request, script).await.0.unwrap();
        let target = reply
            .status_url
            .query()
            .map_or(reply.status_url.path().to_owned(), |query| {
                format!("{}?{query}", reply.status_url.path())
            });
        assert_eq!((target.as_str(), reply.separate_status), (expected, false));
    }
}

#[tokio::test]
async fn b32_without_a_status_url_the_answer_is_shown() {
    let (reply, _) = send(&group(), |_| answer(200, &[], "")).await;
    let error = reply.unwrap_err();
    assert!(error.hint().unwrap().contains("base address"), "{error}");
    let (reply, _) = send(&group(), |_| answer(202, &[], "accepted, thank you")).await;
    assert!(matches!(reply, Err(KickoffError::NoStatusUrl { status: 202, words }) if words == "accepted, thank you"));
    let (reply, _) = send(&group(), |_| {
        answer(202, &[("content-location", "http://ehr.example/job")], "")
    })
    .await;
    assert!(matches!(
        reply,
        Err(KickoffError::Session(SessionError::Http(
            HttpError::PlainHttpRefused { .. }
        )))
    ));
}

#[test]
fn a_server_behind_a_proxy_that_speaks_of_itself_as_http_is_taken_as_https() {
    let session = session();
    let resolve = |address: &str| session.resolve(session.base(), address).unwrap().to_string();
    assert_eq!(resolve("http://ehr.example/job"), "https://ehr.example/job");
    assert_eq!(resolve("http://other.example/job"), "http://other.example/job");
    assert_eq!(resolve("http://ehr.example:8080/job"), "http://ehr.example:8080/job");
    assert_eq!(session.resolve(session.base(), "data:,x"), None);
}

#[tokio::test]
async fn b16_separate_status_is_in_effect_only_if_the_server_says_so() {
    for (applied, expected) in [
        ("respond-async, separate-export-status", true),
        ("respond-async", false),
    ] {
        let (reply, _) = send(&full(), move |_| {
            answer(
                202,
                &[("content-location", "/job"), ("preference-applied", applied)],
                "",
            )
        })
        .await;
        assert_eq!(reply.unwrap().separate_status, expected);
    }
    let (reply, seen) = send(&full(), |_| {
        let mut reply = answer(
            202,
            &[("content-location", "/job"), ("preference-applied", "respond-async")],
            "",
        );
        reply
            .headers_mut()
            .append("preference-applied", "separate-export-status".parse().unwrap());
        reply
    })
    .await;
    assert!(reply.unwrap().separate_status);
    assert_eq!(
        seen[0].header("prefer"),
        Some("respond-async, handling=lenient, separate-export-status")
    );
}

#[tokio::test]
async fn the_other_method_is_tried_only_after_404_405_and_415() {
    for status in [404, 405, 415] {
        let (reply, seen) = send(&group(), move |seen| {
            if seen.method == "POST" {
                answer(202, &[("content-location", "/job")], "")
            } else {
                answer(status, &[], "")
            }
        })
        .await;
        assert_eq!((reply.unwrap().method, seen.len()), (KickoffMethod::Post, 2));
    }
    for status in [400, 401, 403, 422, 429, 500, 503] {
        let (reply, seen) = send(&group(), move |_| answer(status, &[], "")).await;
        assert!(reply.is_err());
        assert_eq!(seen.len(), 1, "{status}: every success would be another job");
    }
}

#[tokio::test]
async fn a_group_that_is_not_there_is_named() {
    let outcome = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found","diagnostics":"Group not found"}]}"#;
    let error = send(&group(), move |seen| {
        if seen.method == "GET" {
            answer(404, &[], outcome)
        } else {
            answer(405, &[], "")
        }
    })
    .await
    .0
    .unwrap_err();
    insta::assert_snapshot!(shown(&error), @r#"
        the EHR has no Group "f0eea0a7-0793/49": Group not found

        hint: check the Group id with the practice (in eClinicalWorks: the group must be moved to Enabled), and that the base address has the right practice code
    "#);
}

#[tokio::test]
async fn b33_a_rejection_is_shown_in_the_servers_words() {
    let outcome = r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"processing","details":{"text":"An identical export is in progress"}}]}"#;
    let error = send(&group(), move |_| answer(400, &[], outcome)).await.0.unwrap_err();
    insta::assert_snapshot!(shown(&error), @"
        the EHR rejected the export with 400: An identical export is in progress

        hint: compare the request shown before with what the EHR supports; leave out what is optional (_typeFilter, _elements, _since)
    ");
}

#[tokio::test]
async fn b21_a_rejection_of_the_types_is_recognized() {
    let outcome =
        r#"{"resourceType":"OperationOutcome","issue":[{"diagnostics":"The _type parameter is not supported"}]}"#;
    let (reply, _) = send(&group(), move |_| answer(400, &[], outcome)).await;
    assert!(matches!(reply, Err(KickoffError::Rejected { about_types: true, .. })));
}

#[tokio::test]
async fn b33_busy_servers_are_not_asked_again() {
    let (reply, seen) = send(&group(), |_| answer(429, &[("retry-after", "7200")], "one at a time")).await;
    assert_eq!(
        reply,
        Err(KickoffError::Busy {
            retry_after: Some(Duration::from_secs(7200)),
            words: "one at a time".to_owned()
        })
    );
    assert_eq!(seen.len(), 1);
}

#[tokio::test]
async fn b34_an_answer_whose_body_breaks_off_still_says_where_the_job_is() {
    let headers = [("content-length", "10"), ("content-location", "/job")];
    let script = move |_: &Seen| answer(202, &headers, crate::http::test_server::cut(b"{"));
    assert!(send(&group(), script).await.0.is_ok());
}

#[tokio::test]
async fn without_any_answer_it_is_unclear_whether_a_job_runs() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/fhir", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        // The request is read, and then the server dies.
        let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 4096]).await;
    });
    let (http, ..) = quick_http();
    let session = Session::new(http, base.parse().unwrap(), None);
    let reply = group().send(&session, &CancellationToken::new()).await;
    assert!(matches!(reply, Err(KickoffError::Unclear(_))), "{reply:?}");
}
