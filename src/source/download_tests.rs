use super::testbed::{Memory, file, is_whole, ranged, rows, run, session};
use super::*;
use crate::http::test_server::{TestServer, answer, cut, quick_http};
use crate::store::FileHasher;

#[tokio::test]
async fn b73_b74_a_file_comes_byte_for_byte_with_its_hash() {
    let data = rows("a");
    let server = ranged(data.clone(), |_, _| None).await;
    let mut sink = Memory::default();
    let fetched = run(&server, Access::NoToken, None, &mut sink).await.unwrap();
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
    let fetched = run(&server, Access::NoToken, None, &mut sink).await.unwrap();
    is_whole(&fetched, &sink, &data);
    assert_eq!((fetched.attempts, fetched.wire_bytes), (2, data.len() as u64));
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
        let fetched = run(&server, Access::NoToken, None, &mut sink).await.unwrap();
        is_whole(&fetched, &sink, &data);
        assert_eq!((sink.restarts, fetched.wire_bytes), (0, 200_000 + data.len() as u64));
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
    let fetched = run(&server, Access::NoToken, None, &mut sink).await.unwrap();
    is_whole(&fetched, &sink, &expected);
    assert_eq!((sink.restarts, fetched.restarts), (1, 1));
}

#[tokio::test]
async fn a_file_that_became_shorter_than_what_was_stored_is_begun_again() {
    let server = TestServer::start(|_| answer(200, &[], "short\n")).await;
    let mut hasher = FileHasher::plain();
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
    let server = TestServer::start(|seen| answer(200, &[], cut(&rows(&seen.before.to_string())[..50_000]))).await;
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
    let mut hasher = FileHasher::plain();
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
    let fetched = run(&server, Access::NoToken, Some(resume), &mut sink).await.unwrap();
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
            &[("content-range", "bytes 1000-1999/2000"), ("content-encoding", "gzip")],
        ),
        (206, &[("content-range", "bytes 1000-1999/2000"), ("etag", "\"v2\"")]),
        (416, &[("content-range", "bytes */1000")]),
    ];
    for (status, headers) in wrong {
        let data = rows("a");
        let server = ranged(data.clone(), move |seen, _| {
            seen.header("range").map(|_| answer(status, headers, "nonsense"))
        })
        .await;
        let mut hasher = FileHasher::plain();
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
        let fetched = run(&server, Access::NoToken, Some(resume), &mut sink).await.unwrap();
        is_whole(&fetched, &sink, &data);
        assert_eq!((server.seen().len(), sink.restarts), (2, 0), "{status} {headers:?}");
    }
}

#[tokio::test]
async fn a_range_that_is_shorter_than_the_rest_is_gone_on_from() {
    let data = rows("a");
    let server = ranged(data.clone(), |seen, data| {
        let range = format!("bytes 1000-1999/{}", data.len());
        (seen.before == 0).then(|| answer(206, &[("content-range", &range)], data[1000..2000].to_vec()))
    })
    .await;
    let mut hasher = FileHasher::plain();
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
    let fetched = run(&server, Access::NoToken, Some(resume), &mut sink).await.unwrap();
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
            let fetched = run(&server, Access::NoToken, None, &mut sink).await.unwrap();
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
        ResumePoint::start(FileHasher::plain()),
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
