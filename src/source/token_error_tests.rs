use axum::body::Body;
use axum::http::Response;

use super::tests::{key, refused, signed};
use super::*;
use crate::http::test_server::{Seen, TestServer, answer, quick_http};

pub(super) async fn error_of(script: impl Fn(&Seen) -> Response<Body> + Send + Sync + 'static) -> TokenError {
    let server = TestServer::start(script).await;
    let (http, ..) = quick_http();
    TokenSource::new(http, signed(&server, key()))
        .bearer(&CancellationToken::new())
        .await
        .unwrap_err()
}

fn shown(error: &TokenError) -> String {
    let text = format!("{error}\n\nhint: {}", error.hint().unwrap());
    let port = text
        .split("127.0.0.1:")
        .nth(1)
        .unwrap()
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    text.replace(&port, "PORT")
}

#[tokio::test]
async fn a18_invalid_client_shows_the_likely_causes_in_order() {
    let theirs = || httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3600));
    let body = r#"{"error":"invalid_client","error_description":"Unable to verify assertion"}"#;
    let mut error = error_of(move |_| answer(401, &[("date", &theirs())], body)).await;
    if let TokenError::Refused { refusal, .. } = &mut error {
        assert!(refusal.skew.is_some_and(|skew| (3590..=3610).contains(&skew)));
        refusal.skew = Some(3600);
    }
    insta::assert_snapshot!(shown(&error), @"
        the token server http://127.0.0.1:PORT/oauth2/token refused us: invalid_client (Unable to verify assertion)

        hint: likely causes, in this order:
          1. the clock of this machine is 3600 s behind the server's: set it by NTP
          2. the client id is wrong, or is that of another environment (sandbox, production)
          3. the EHR does not find our key: it is not in the published JWKS, or an old copy is cached (cutover keys check URL)
          4. the EHR cannot fetch the JWKS URL: not public, not https, or not yet on its allow-list
          5. the token endpoint is not the exact address that the EHR knows itself by (the aud of our assertion)
          6. the practice has not activated the app
    ");
}

#[tokio::test]
async fn a18_invalid_scope_shows_what_is_registered() {
    let body = r#"{"error":"invalid_scope","scope":"system/Patient.read system/Group.read"}"#;
    let error = error_of(move |_| refused(400, body)).await;
    insta::assert_snapshot!(shown(&error), @"
        the token server http://127.0.0.1:PORT/oauth2/token refused us: invalid_scope

        hint: likely causes, in this order:
          1. a scope is asked for that is not registered; registered are: system/Patient.read system/Group.read
          2. a Group export also needs system/Group.read (or .rs)
          3. the EHR expects the other style of scopes (v1 .read, v2 .rs)
    ");
}

#[tokio::test]
async fn a18_invalid_grant_is_read_as_a_bad_scope_first_for_so_ecw_means_it() {
    let TokenError::Refused { refusal, .. } = error_of(|_| refused(400, r#"{"error":"invalid_grant"}"#)).await else {
        panic!()
    };
    let causes = refusal.likely_causes();
    assert!(
        causes[0].contains("scope") && causes.iter().any(|cause| cause.contains("JWKS")),
        "{causes:?}"
    );
    let TokenError::Refused { refusal, .. } = error_of(|_| answer(401, &[], "Unauthorized")).await else {
        panic!()
    };
    assert!(refusal.likely_causes()[0].contains("client id"));
}
