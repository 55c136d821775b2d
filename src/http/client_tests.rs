use std::time::{Duration, SystemTime};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use super::*;
use crate::http::test_server::{TestServer, answer, cut, quick_http};

fn shown(error: &HttpError, port: u16) -> String {
    let text = format!("{error}\n\nhint: {}", error.hint().unwrap_or_default());
    text.replace(&format!(":{port}"), ":PORT")
}

/// A TLS server on localhost with a certificate for `name` that nobody trusts; gives its URL and the certificate in PEM.
async fn tls_server(name: &str, reply: &'static str) -> (Url, String) {
    let certified = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    let pem = certified.cert.pem();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(
        certified.signing_key.serialize_der(),
    ));
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!(
        "https://localhost:{}/fhir",
        listener.local_addr().unwrap().port()
    )
    .parse()
    .unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            if let Ok(mut stream) = acceptor.accept(stream).await {
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(reply.as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        }
    });
    (url, pem)
}

async fn get(http: &Http, url: &Url) -> Result<Answer, HttpError> {
    let cancel = CancellationToken::new();
    http.send(&Call::get(url.clone()), &cancel)
        .await?
        .read(1000)
        .await
}

#[tokio::test]
async fn an_unreachable_host_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let (http, ..) = quick_http();
    let error = get(
        &http,
        &format!("http://127.0.0.1:{port}/fhir?code=secret")
            .parse()
            .unwrap(),
    )
    .await
    .unwrap_err();
    insta::assert_snapshot!(shown(&error, port), @"
        could not reach 127.0.0.1:PORT: connection refused

        hint: check host and port, then the firewall, VPN and proxy settings (HTTPS_PROXY) of this machine
    ");
    assert!(error.is_retryable());
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts_is_named_and_can_be_trusted_by_a_file() {
    let (url, pem) = tls_server(
        "localhost",
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi",
    )
    .await;
    let (http, ..) = quick_http();
    let error = get(&http, &url).await.unwrap_err();
    insta::assert_snapshot!(shown(&error, url.port().unwrap()), @"
        no secure connection to localhost:PORT: its certificate is signed by an authority this machine does not trust

        hint: if a company proxy or private authority signs it, give its certificate with --ca-file or add it to the system's store; otherwise do not go on
    ");
    assert!(!error.is_retryable());

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, pem).unwrap();
    let settings = HttpSettings {
        extra_authorities: Some(path.clone()),
        ..HttpSettings::default()
    };
    assert_eq!(
        get(&Http::new(&settings).unwrap(), &url)
            .await
            .unwrap()
            .body,
        "hi"
    );
    std::fs::write(&path, "no certificate").unwrap();
    assert!(matches!(
        Http::new(&settings),
        Err(HttpError::Authorities { .. })
    ));
}

#[tokio::test]
async fn a_certificate_for_another_host_is_refused_even_if_it_is_trusted() {
    let (url, pem) = tls_server("ehr.example", "").await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, pem).unwrap();
    let settings = HttpSettings {
        extra_authorities: Some(path),
        ..HttpSettings::default()
    };
    let error = get(&Http::new(&settings).unwrap(), &url).await.unwrap_err();
    assert!(
        matches!(
            error,
            HttpError::Tls {
                problem: TlsProblem::WrongHost,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn https_on_a_plain_port_is_named() {
    let server = TestServer::start(|_| answer(200, &[], "")).await;
    let (http, ..) = quick_http();
    let url = format!("https://127.0.0.1:{}/", server.url.port().unwrap())
        .parse()
        .unwrap();
    let error = get(&http, &url).await.unwrap_err();
    assert!(
        matches!(
            error,
            HttpError::Tls {
                problem: TlsProblem::NotTls,
                ..
            }
        ),
        "{error}"
    );
}

#[tokio::test]
async fn b72_a_redirect_from_https_to_http_is_refused() {
    let (url, pem) = tls_server(
        "localhost",
        "HTTP/1.1 307 Go\r\nlocation: http://127.0.0.1:9/x?sig=1\r\ncontent-length: 0\r\n\r\n",
    )
    .await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, pem).unwrap();
    let settings = HttpSettings {
        extra_authorities: Some(path),
        ..HttpSettings::default()
    };
    let error = get(&Http::new(&settings).unwrap(), &url).await.unwrap_err();
    assert!(
        matches!(&error, HttpError::RedirectRefused { to, .. } if to == "http://127.0.0.1:9/x?sig=..."),
        "{error}"
    );
}

#[tokio::test]
async fn redirects_in_circles_and_of_posts_are_not_followed() {
    let server = TestServer::start(|_| answer(302, &[("location", "/again")], "")).await;
    let (http, ..) = quick_http();
    let error = get(&http, &server.at("/start")).await.unwrap_err();
    assert!(
        matches!(error, HttpError::TooManyRedirects { hops: 5, .. }),
        "{error}"
    );
    assert_eq!(server.seen().len(), 6);
    let post = Call::new(Method::POST, server.at("/token")).body("text/plain", "assertion");
    let error = http
        .send(&post, &CancellationToken::new())
        .await
        .err()
        .unwrap();
    assert!(
        matches!(error, HttpError::RedirectRefused { .. }),
        "{error}"
    );
    assert_eq!(server.seen().len(), 7);
    assert_eq!(server.seen()[6].body, "assertion");
}

#[tokio::test]
async fn a_cut_body_is_noticed_and_read_again() {
    let server = TestServer::start(|seen| {
        if seen.before < 2 {
            answer(200, &[("content-length", "11")], cut(b"half"))
        } else {
            answer(200, &[], "hello world")
        }
    })
    .await;
    let (http, ..) = quick_http();
    let error = get(&http, &server.url).await.unwrap_err();
    assert!(matches!(error, HttpError::Broken { .. }), "{error}");
    let answer = http
        .read(
            &Call::get(server.url.clone()),
            100,
            &CancellationToken::new(),
        )
        .await
        .unwrap();
    assert_eq!(answer.body, "hello world");
}

#[tokio::test]
async fn b43_retries_wait_as_long_as_the_server_asks_in_any_form() {
    let in_two_minutes = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(121));
    let server = TestServer::start(move |seen| match seen.before {
        0 => answer(503, &[("retry-after", &in_two_minutes)], ""),
        1 => answer(503, &[("retry-after", "99999999999")], ""),
        2 => answer(503, &[("retry-after", "Mon, 01 Jan 1990 00:00:00 GMT")], ""),
        _ => answer(204, &[], ""),
    })
    .await;
    let (http, clock, _) = quick_http();
    http.read(
        &Call::get(server.url.clone()),
        100,
        &CancellationToken::new(),
    )
    .await
    .unwrap();
    let waits: Vec<u64> = clock.waits().iter().map(Duration::as_secs).collect();
    assert!(
        (118..=133).contains(&waits[0]) && waits[1] == 300 && waits[2] == 1,
        "{waits:?}"
    );
}

#[tokio::test]
async fn patience_ends_with_the_servers_words() {
    let server = TestServer::start(|_| {
        answer(
            500,
            &[],
            r#"{"resourceType":"OperationOutcome","issue":[{"diagnostics":"disk full"}]}"#,
        )
    })
    .await;
    let (http, ..) = quick_http();
    let error = http
        .read(
            &Call::get(server.url.clone()),
            100,
            &CancellationToken::new(),
        )
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(500));
    assert!(
        error.to_string().ends_with("answered 500: disk full"),
        "{error}"
    );
    assert_eq!(server.seen().len(), 7);
}

#[tokio::test]
async fn one_budget_is_shared_by_two_hosts_and_a_429_silences_both() {
    let one =
        TestServer::start(|seen| answer(if seen.before == 3 { 429 } else { 200 }, &[], "")).await;
    let two = TestServer::start(|_| answer(200, &[], "")).await;
    let (http, clock, _) = quick_http();
    http.share_budget(&[&one.url, &two.url], NonZeroU32::new(5).unwrap());
    for url in [&one.url, &two.url, &one.url, &one.url] {
        get(&http, url).await.unwrap();
    }
    assert_eq!(
        (http.remaining(&one.url), http.remaining(&two.url)),
        (Some(1), Some(1))
    );
    clock.advance(Duration::from_secs(10));
    get(&http, &one.url).await.unwrap();
    assert_eq!(http.remaining(&two.url), Some(0));
    get(&http, &two.url).await.unwrap();
    assert_eq!(
        clock.waits(),
        [Duration::from_secs(51)],
        "the rest of the minute"
    );
}

#[tokio::test]
async fn a14_the_servers_clock_is_measured() {
    let theirs = httpdate::fmt_http_date(SystemTime::now() - Duration::from_secs(600));
    let server = TestServer::start(move |_| answer(200, &[("date", &theirs)], "")).await;
    let (http, ..) = quick_http();
    assert_eq!(http.skew(&server.url), None);
    get(&http, &server.url).await.unwrap();
    assert!((-602..=-598).contains(&http.skew(&server.url).unwrap()));
}

#[tokio::test]
async fn each_request_is_told_to_the_observer_once_it_is_over() {
    let server = TestServer::start(|_| answer(200, &[], "hello")).await;
    let (http, _, watcher) = quick_http();
    get(&http, &server.at("/a?sig=1")).await.unwrap();
    let events = watcher.0.lock().unwrap().clone();
    assert_eq!(
        (
            events.len(),
            events[0].status,
            events[0].bytes,
            events[0].method.as_str()
        ),
        (1, Some(200), 5, "GET")
    );
    assert!(events[0].url.ends_with("/a?sig=..."));
    assert!(
        server.seen()[0]
            .header("user-agent")
            .unwrap()
            .starts_with("cutover/")
    );
}

#[tokio::test]
async fn a_cancelled_call_ends_at_once() {
    let server = TestServer::start(|_| answer(503, &[], "")).await;
    let http = Http::new(&HttpSettings::default()).unwrap();
    let cancel = CancellationToken::new();
    cancel.cancel();
    let result = http
        .read(&Call::get(server.url.clone()), 100, &cancel)
        .await;
    assert!(matches!(result, Err(HttpError::Cancelled)));
}
