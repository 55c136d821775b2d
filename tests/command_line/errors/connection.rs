//! Servers that cannot be reached, or not be trusted.

use std::net::TcpListener;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

use crate::rig::Rig;

#[test]
fn a_host_that_refuses() {
    // A port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let rig = Rig::with_migration(
        &format!("http://127.0.0.1:{port}/fhir"),
        &["--client-id", "c", "--level", "system"],
    );
    insta::assert_snapshot!("unreachable", rig.run(&["run", "lakeside"]));
}

#[test]
fn a_host_without_a_name() {
    let rig = Rig::with_migration("https://ehr.invalid/fhir", &["--client-id", "c", "--level", "system"]);
    let said = rig.run(&["keys", "check", "lakeside", "https://ehr.invalid/jwks.json"]);
    assert!(said.ends_with("[exit 1]"), "{said}");
}

#[test]
fn a_certificate_that_nobody_signed() {
    let certified = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der()));
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).unwrap();
    let port = listener.local_addr().unwrap().port();
    runtime.spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // The client turns away during the handshake.
            let _ = acceptor.accept(stream).await;
        }
    });
    let rig = Rig::with_migration(
        &format!("https://localhost:{port}/fhir"),
        &["--client-id", "c", "--level", "system"],
    );
    insta::assert_snapshot!("tls", rig.run(&["run", "lakeside"]));
}
