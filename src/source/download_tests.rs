use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{Context, SHA256, digest};
use axum::body::Body;
use axum::http::Response;

use super::*;
use crate::http::test_server::{Seen, TestServer, answer, cut, quick_http};
use crate::http::{Http, Secret};
use crate::source::manifest::FileKind;
use crate::source::token::TokenSource;
use crate::source::token_request::{ClientAuth, TokenSettings};

#[derive(Default)]
struct Memory {
    bytes: Vec<u8>,
    restarts: usize,
    stop_after: Option<usize>,
    validators: Vec<Option<String>>,
}

impl ByteSink for Memory {
    fn opened(&mut self, validator: Option<&str>) {
        self.validators.push(validator.map(str::to_owned));
    }

    async fn write(&mut self, chunk: Bytes) -> Result<(), SinkStopped> {
        self.bytes.extend_from_slice(&chunk);
        if self.stop_after.is_some_and(|most| self.bytes.len() > most) {
            Err(SinkStopped)
        } else {
            Ok(())
        }
    }

    async fn restart(&mut self) -> Result<(), SinkStopped> {
        self.bytes.clear();
        self.restarts += 1;
        Ok(())
    }
}

fn rows(salt: &str) -> Vec<u8> {
    (0..20_000)
        .flat_map(|n| {
            format!(
                "{{\"resourceType\":\"Patient\",\"id\":\"{salt}-{n}\",\"name\":\"Mu\u{f1}oz\"}}\n"
            )
            .into_bytes()
        })
        .collect()
}

fn file(url: Url, access: Access) -> OutputFile {
    OutputFile {
        url,
        kind: FileKind::Output,
        resource_type: Some("Patient".to_owned()),
        count: Some(20_000),
        file_size: None,
        continues_in: None,
        access,
    }
}

/// A session whose token server is the EHR itself, at `/token`.
fn session(http: &Http, base: &Url) -> Session {
    let settings = TokenSettings {
        endpoint: base.join("/token").unwrap(),
        audience: None,
        auth: ClientAuth::SecretPost {
            client_id: "me".to_owned(),
            secret: Secret::new("s"),
        },
        scopes: vec!["system/*.read".to_owned()],
        extra: Vec::new(),
    };
    let source = TokenSource::new(http.clone(), settings);
    Session::new(
        http.clone(),
        base.join("/fhir").unwrap(),
        Some(Arc::new(source)),
    )
}

fn token(number: usize) -> Response<Body> {
    answer(
        200,
        &[],
        format!(r#"{{"access_token":"t{number}","token_type":"Bearer","expires_in":300}}"#),
    )
}

async fn run(
    server: &TestServer,
    access: Access,
    resume: Option<ResumePoint>,
    sink: &mut Memory,
) -> Result<Fetched, DownloadError> {
    let (http, ..) = quick_http();
    fetch(
        &session(&http, &server.url),
        &file(server.at("/file"), access),
        resume,
        sink,
        &CancellationToken::new(),
    )
    .await
}

/// A server that holds `data` under a strong `ETag` and serves the rest of it on demand; `spoil` may answer first.
async fn ranged(
    data: Vec<u8>,
    spoil: impl Fn(&Seen, &[u8]) -> Option<Response<Body>> + Send + Sync + 'static,
) -> TestServer {
    TestServer::start(move |seen| {
        if let Some(reply) = spoil(seen, &data) {
            return reply;
        }
        let headers = [("accept-ranges", "bytes"), ("etag", "\"v1\"")];
        let Some(from) = seen
            .header("range")
            .filter(|_| seen.header("if-range") == Some("\"v1\""))
        else {
            return answer(200, &headers, data.clone());
        };
        let from: usize = from
            .trim_start_matches("bytes=")
            .trim_end_matches('-')
            .parse()
            .unwrap();
        let range = format!("bytes {from}-{}/{}", data.len() - 1, data.len());
        answer(
            206,
            &[headers[0], headers[1], ("content-range", &range)],
            data[from..].to_vec(),
        )
    })
    .await
}

fn is_whole(fetched: &Fetched, sink: &Memory, data: &[u8]) {
    assert!(
        sink.bytes == data,
        "got {} bytes, not the {} of the file",
        sink.bytes.len(),
        data.len()
    );
    assert_eq!(fetched.bytes, data.len() as u64);
    assert_eq!(fetched.sha256, digest(&SHA256, data).as_ref());
}

#[tokio::test]
async fn b73_b74_a_file_comes_byte_for_byte_with_its_hash() {
    let data = rows("a");
    let server = ranged(data.clone(), |_, _| None).await;
    let mut sink = Memory::default();
    let fetched = run(&server, Access::NoToken, None, &mut sink)
        .await
        .unwrap();
    is_whole(&fetched, &sink, &data);
    let seen = &server.seen()[0];
    assert_eq!(seen.header("accept"), Some("application/fhir+ndjson"));
    assert_eq!(seen.header("accept-encoding"), Some("gzip"));
    assert_eq!(sink.validators, [Some("\"v1\"".to_owned())]);
}

#[tokio::test]
async fn b77_a_cut_body_is_resumed_by_range_when_that_is_sound() {
    let data = rows("a");
    let server = ranged(data.clone(), |seen, data| {
        (seen.before == 0).then(|| {
            answer(
                200,
                &[
                    ("accept-ranges", "bytes"),
                    ("etag", "\"v1\""),
                    ("content-length", &data.len().to_string()),
                ],
                cut(&data[..300_001]),
            )
        })
    })
    .await;
    let mut sink = Memory::default();
    let fetched = run(&server, Access::NoToken, None, &mut sink)
        .await
        .unwrap();
    is_whole(&fetched, &sink, &data);
    assert_eq!(
        (fetched.attempts, fetched.wire_bytes),
        (2, data.len() as u64)
    );
    assert_eq!(server.seen()[1].header("accept-encoding"), Some("identity"));
}

#[tokio::test]
async fn b77_without_a_strong_validator_the_file_is_read_again_and_its_beginning_compared() {
    for headers in [
        vec![],
        vec![("etag", "W/\"v1\""), ("accept-ranges", "bytes")],
        vec![("etag", "\"v1\"")],
    ] {
        let data = rows("a");
        let copy = data.clone();
        let server = TestServer::start(move |seen| {
            assert_eq!(seen.header("range"), None);
            let body = if seen.before == 0 {
                cut(&copy[..200_000])
            } else {
                copy.clone().into()
            };
            answer(200, &headers, body)
        })
        .await;
        let mut sink = Memory::default();
        let fetched = run(&server, Access::NoToken, None, &mut sink)
            .await
            .unwrap();
        is_whole(&fetched, &sink, &data);
        assert_eq!(
            (sink.restarts, fetched.wire_bytes),
            (0, 200_000 + data.len() as u64)
        );
    }
}

#[tokio::test]
async fn a_file_that_changed_while_it_was_fetched_is_begun_again() {
    let (old, new) = (rows("old"), rows("new"));
    let expected = new.clone();
    let server = TestServer::start(move |seen| {
        if seen.before == 0 {
            answer(200, &[], cut(&old[..100_000]))
        } else {
            answer(200, &[], new.clone())
        }
    })
    .await;
    let mut sink = Memory::default();
    let fetched = run(&server, Access::NoToken, None, &mut sink)
        .await
        .unwrap();
    is_whole(&fetched, &sink, &expected);
    assert_eq!((sink.restarts, fetched.restarts), (1, 1));
}

#[tokio::test]
async fn a_file_that_became_shorter_than_what_was_stored_is_begun_again() {
    let server = TestServer::start(|_| answer(200, &[], "short\n")).await;
    let mut hasher = Context::new(&SHA256);
    hasher.update(&[7; 100]);
    let mut sink = Memory {
        bytes: vec![7; 100],
        ..Memory::default()
    };
    let fetched = run(
        &server,
        Access::NoToken,
        Some(ResumePoint {
            offset: 100,
            hasher,
            validator: None,
        }),
        &mut sink,
    )
    .await
    .unwrap();
    is_whole(&fetched, &sink, b"short\n");
    assert_eq!(sink.restarts, 1);
}

#[tokio::test]
async fn a_file_that_changes_for_ever_ends_in_an_error() {
    let server =
        TestServer::start(|seen| answer(200, &[], cut(&rows(&seen.before.to_string())[..50_000])))
            .await;
    let error = run(&server, Access::NoToken, None, &mut Memory::default())
        .await
        .unwrap_err();
    assert!(
        matches!(error, DownloadError::KeepsChanging { times: 4, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_resume_in_another_process_asks_only_for_the_rest() {
    let data = rows("a");
    let server = ranged(data.clone(), |_, _| None).await;
    let mut hasher = Context::new(&SHA256);
    hasher.update(&data[..123_456]);
    let mut sink = Memory {
        bytes: data[..123_456].to_vec(),
        ..Memory::default()
    };
    let resume = ResumePoint {
        offset: 123_456,
        hasher,
        validator: Some("\"v1\"".to_owned()),
    };
    let fetched = run(&server, Access::NoToken, Some(resume), &mut sink)
        .await
        .unwrap();
    is_whole(&fetched, &sink, &data);
    assert_eq!(fetched.wire_bytes, data.len() as u64 - 123_456);
    assert_eq!(server.seen()[0].header("range"), Some("bytes=123456-"));
}

#[tokio::test]
async fn wrong_answers_to_a_range_request_lead_to_the_whole_file() {
    let wrong: [(u16, &[(&str, &str)]); 6] = [
        (206, &[("content-range", "bytes 0-9/20")]),
        (206, &[]),
        (206, &[("content-range", "bytes 1000-5/9")]),
        (
            206,
            &[
                ("content-range", "bytes 1000-1999/2000"),
                ("content-encoding", "gzip"),
            ],
        ),
        (
            206,
            &[
                ("content-range", "bytes 1000-1999/2000"),
                ("etag", "\"v2\""),
            ],
        ),
        (416, &[("content-range", "bytes */1000")]),
    ];
    for (status, headers) in wrong {
        let data = rows("a");
        let server = ranged(data.clone(), move |seen, _| {
            seen.header("range")
                .map(|_| answer(status, headers, "nonsense"))
        })
        .await;
        let mut hasher = Context::new(&SHA256);
        hasher.update(&data[..1000]);
        let mut sink = Memory {
            bytes: data[..1000].to_vec(),
            ..Memory::default()
        };
        let resume = ResumePoint {
            offset: 1000,
            hasher,
            validator: Some("\"v1\"".to_owned()),
        };
        let fetched = run(&server, Access::NoToken, Some(resume), &mut sink)
            .await
            .unwrap();
        is_whole(&fetched, &sink, &data);
        assert_eq!(
            (server.seen().len(), sink.restarts),
            (2, 0),
            "{status} {headers:?}"
        );
    }
}

#[tokio::test]
async fn a_range_that_is_shorter_than_the_rest_is_gone_on_from() {
    let data = rows("a");
    let server = ranged(data.clone(), |seen, data| {
        let range = format!("bytes 1000-1999/{}", data.len());
        (seen.before == 0)
            .then(|| answer(206, &[("content-range", &range)], data[1000..2000].to_vec()))
    })
    .await;
    let mut hasher = Context::new(&SHA256);
    hasher.update(&data[..1000]);
    let mut sink = Memory {
        bytes: data[..1000].to_vec(),
        ..Memory::default()
    };
    let resume = ResumePoint {
        offset: 1000,
        hasher,
        validator: Some("\"v1\"".to_owned()),
    };
    let fetched = run(&server, Access::NoToken, Some(resume), &mut sink)
        .await
        .unwrap();
    is_whole(&fetched, &sink, &data);
    assert_eq!(server.seen()[1].header("range"), Some("bytes=2000-"));
}

#[tokio::test]
async fn b75_gzip_cut_in_the_middle_is_read_again_and_never_resumed_by_range() {
    use std::io::Write;
    let data = rows("a");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&data).unwrap();
    let zip = encoder.finish().unwrap();
    let cuts = [zip.len() / 2, zip.len() - 3];
    for place in cuts {
        for honest in [true, false] {
            let zip = zip.clone();
            let server = TestServer::start(move |seen| {
                assert_eq!(seen.header("range"), None);
                let headers = [
                    ("content-encoding", "gzip"),
                    ("accept-ranges", "bytes"),
                    ("etag", "\"z\""),
                ];
                match (seen.before, honest) {
                    // The connection breaks, or the server ends the body as if it were whole.
                    (0, true) => answer(200, &headers, cut(&zip[..place])),
                    (0, false) => answer(200, &headers, zip[..place].to_vec()),
                    _ => answer(200, &headers, zip.clone()),
                }
            })
            .await;
            let mut sink = Memory::default();
            let fetched = run(&server, Access::NoToken, None, &mut sink)
                .await
                .unwrap();
            is_whole(&fetched, &sink, &data);
            assert_eq!((fetched.attempts, sink.restarts), (2, 0));
        }
    }
}

#[tokio::test]
async fn a_body_that_is_always_cut_at_the_same_place_is_given_up() {
    let server = TestServer::start(|_| answer(200, &[], cut(&rows("a")[..70_000]))).await;
    let error = run(&server, Access::NoToken, None, &mut Memory::default())
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            DownloadError::Session(SessionError::Http(HttpError::Broken { .. }))
        ),
        "{error}"
    );
    assert_eq!(server.seen().len(), 7);
}

#[tokio::test]
async fn b77_429_and_5xx_are_waited_out_as_asked() {
    let data = rows("a");
    let copy = data.clone();
    let server = TestServer::start(move |seen| match seen.before {
        0 => answer(429, &[("retry-after", "17")], ""),
        1 => answer(503, &[("retry-after", "7200")], ""),
        2 => answer(500, &[], "<html>"),
        _ => answer(200, &[], copy.clone()),
    })
    .await;
    let (http, clock, _) = quick_http();
    let mut sink = Memory::default();
    let target = file(server.at("/file"), Access::NoToken);
    let fetched = fetch(
        &session(&http, &server.url),
        &target,
        None,
        &mut sink,
        &CancellationToken::new(),
    )
    .await
    .unwrap();
    is_whole(&fetched, &sink, &data);
    let waits = clock.waits();
    assert!((17..19).contains(&waits[0].as_secs()), "{waits:?}");
    assert!(waits.iter().any(|wait| wait.as_secs() == 300), "{waits:?}");
}

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
    let server =
        TestServer::start(
            move |seen| match (seen.target.as_str(), seen.header("authorization")) {
                ("/token", _) => token(tokens.fetch_add(1, Ordering::SeqCst)),
                (_, Some("Bearer t1")) => answer(200, &[], copy.clone()),
                _ => answer(401, &[], "Unauthorized"),
            },
        )
        .await;
    let mut sink = Memory::default();
    let fetched = run(&server, Access::Token, None, &mut sink).await.unwrap();
    is_whole(&fetched, &sink, &data);
    assert_eq!(
        server
            .seen()
            .iter()
            .filter(|seen| seen.target == "/token")
            .count(),
        2
    );
}

#[tokio::test]
async fn a_401_that_stays_is_an_error_after_one_renewal() {
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
        matches!(
            error,
            DownloadError::Unauthorized {
                withheld: false,
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(server.seen().len(), 4);
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
                None,
                &mut sink,
                &CancellationToken::new(),
            )
            .await
            .unwrap();
            assert_eq!(sink.bytes, b"{}\n");
        }
    }
    assert_eq!(storage.seen().len(), 4);
    assert!(
        storage
            .seen()
            .iter()
            .all(|seen| seen.header("authorization").is_none())
    );
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
        None,
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
    assert!(
        matches!(error, DownloadError::Empty { count: 20_000, .. }),
        "{error}"
    );
    let (http, ..) = quick_http();
    let promised_nothing = OutputFile {
        count: Some(0),
        ..file(server.at("/file"), Access::NoToken)
    };
    let fetched = fetch(
        &session(&http, &server.url),
        &promised_nothing,
        None,
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
        None,
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
            None,
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
        None,
        &mut Memory::default(),
        &CancellationToken::new(),
    )
    .await
    .unwrap_err();
    let events: Arc<Mutex<_>> = watcher.0;
    let shown = format!("{error} {error:?} {:?}", events.lock().unwrap());
    assert!(
        shown.contains("X-Amz-Signature=...") && !shown.contains("abcdef"),
        "{shown}"
    );
}
