//! A receiver, a session and servers for the tests of downloads.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use axum::body::Body;
use axum::http::Response;

use super::*;
use crate::http::test_server::{Seen, TestServer, answer, quick_http};
use crate::http::{Http, Secret};
use crate::source::manifest::FileKind;
use crate::source::token::TokenSource;
use crate::source::token_request::{ClientAuth, TokenSettings};
use crate::store::FileHasher;

#[derive(Default)]
pub(super) struct Memory {
    pub(super) bytes: Vec<u8>,
    pub(super) restarts: usize,
    pub(super) stop_after: Option<usize>,
    pub(super) validators: Vec<Option<String>>,
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

pub(super) fn rows(salt: &str) -> Vec<u8> {
    (0..20_000)
        .flat_map(|n| {
            format!("{{\"resourceType\":\"Patient\",\"id\":\"{salt}-{n}\",\"name\":\"Mu\u{f1}oz\"}}\n").into_bytes()
        })
        .collect()
}

pub(super) fn file(url: Url, access: Access) -> OutputFile {
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
pub(super) fn session(http: &Http, base: &Url) -> Session {
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
    Session::new(http.clone(), base.join("/fhir").unwrap(), Some(Arc::new(source)))
}

pub(super) fn token(number: usize) -> Response<Body> {
    answer(
        200,
        &[],
        format!(r#"{{"access_token":"t{number}","token_type":"Bearer","expires_in":300}}"#),
    )
}

pub(super) async fn run(
    server: &TestServer,
    access: Access,
    resume: Option<ResumePoint>,
    sink: &mut Memory,
) -> Result<Fetched, DownloadError> {
    let (http, ..) = quick_http();
    fetch(
        &session(&http, &server.url),
        &file(server.at("/file"), access),
        resume.unwrap_or_else(|| ResumePoint::start(FileHasher::plain())),
        sink,
        &CancellationToken::new(),
    )
    .await
}

/// A server that holds `data` under a strong `ETag` and serves the rest of it on demand; `spoil` may answer first.
pub(super) async fn ranged(
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
        let from: usize = from.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap();
        let range = format!("bytes {from}-{}/{}", data.len() - 1, data.len());
        answer(
            206,
            &[headers[0], headers[1], ("content-range", &range)],
            data[from..].to_vec(),
        )
    })
    .await
}

pub(super) fn is_whole(fetched: &Fetched, sink: &Memory, data: &[u8]) {
    assert!(
        sink.bytes == data,
        "got {} bytes, not the {} of the file",
        sink.bytes.len(),
        data.len()
    );
    assert_eq!(fetched.bytes, data.len() as u64);
    assert_eq!(fetched.hash, digest(&SHA256, data).as_ref());
}
