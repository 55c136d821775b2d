//! Starting outside tokio, and stopping.

use std::io::{Read, Write};
use std::net::TcpStream;

use cutover::sandbox::{Sandbox, SandboxConfig, SandboxError};

use crate::rig::config;

fn address(base_url: &str) -> String {
    let url = url::Url::parse(base_url).unwrap();
    format!("127.0.0.1:{}", url.port().unwrap())
}

#[test]
fn a_launched_server_answers_until_it_is_dropped() {
    let running = Sandbox::launch(config()).unwrap();
    let address = address(&running.base_url);
    let mut stream = TcpStream::connect(&address).unwrap();
    stream.write_all(b"GET /fhir/metadata HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200") && answer.contains("CapabilityStatement"));
    drop(running);
    // The listener closes in the background; once it has, connections are refused.
    while TcpStream::connect(&address).is_ok() {}
}

#[test]
fn a_port_in_use_is_named() {
    let running = Sandbox::launch(config()).unwrap();
    let port = url::Url::parse(&running.base_url).unwrap().port().unwrap();
    let error = Sandbox::launch(SandboxConfig { port, ..config() }).unwrap_err();
    assert!(matches!(error, SandboxError::Listen { .. }));
    assert!(error.to_string().contains(&format!("127.0.0.1:{port}")));
    assert!(error.hint().unwrap().contains("--port"));
}
