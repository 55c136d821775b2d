//! Reading a client's published key set: a plain GET that goes no further than loopback.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jsonwebtoken::jwk::JwkSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use url::{Host, Url};

const LARGEST: u64 = 1 << 20;
const PATIENCE: Duration = Duration::from_secs(5);

/// Key sets read lately, for as long as their `Cache-Control: max-age` allows (SMART client-confidential-asymmetric).
#[derive(Debug, Default)]
pub(crate) struct KeySets(Mutex<HashMap<String, (Instant, JwkSet)>>);

impl KeySets {
    /// The key set published at `url`; the error is a sentence for `error_description`.
    pub(crate) async fn get(&self, url: &str) -> Result<JwkSet, String> {
        let cached = self
            .lock()
            .get(url)
            .filter(|(until, _)| *until > Instant::now())
            .map(|(_, keys)| keys.clone());
        if let Some(keys) = cached {
            return Ok(keys);
        }
        let answer = tokio::time::timeout(PATIENCE, fetch(url))
            .await
            .map_err(|_| format!("The JWKS URL {url} did not answer in time."))?;
        let (max_age, body) = answer.map_err(|reason| format!("The JWKS URL {url} cannot be read: {reason}."))?;
        let keys: JwkSet =
            serde_json::from_slice(&body).map_err(|_| format!("The JWKS URL {url} does not hold a JWK Set."))?;
        if let Some(until) = Instant::now()
            .checked_add(Duration::from_secs(max_age))
            .filter(|_| max_age > 0)
        {
            self.lock().insert(url.to_owned(), (until, keys.clone()));
        }
        Ok(keys)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, (Instant, JwkSet)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One GET by HTTP/1.0, whose answer is never chunked. Returns `max-age` in seconds (0 without one) and the body.
async fn fetch(url: &str) -> Result<(u64, Vec<u8>), String> {
    let url = Url::parse(url).map_err(|_| "it is no URL".to_owned())?;
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    if url.scheme() != "http" || !loopback {
        return Err("the sandbox reads key sets from http on loopback only".to_owned());
    }
    let addresses = url.socket_addrs(|| Some(80)).map_err(|error| error.to_string())?;
    let mut stream = TcpStream::connect(addresses.as_slice())
        .await
        .map_err(|error| error.to_string())?;
    let path = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let request =
        format!("GET {path} HTTP/1.0\r\nHost: {host}\r\nAccept: application/json\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .await
        .map_err(|error| error.to_string())?;
    let mut answer = Vec::new();
    stream
        .take(LARGEST)
        .read_to_end(&mut answer)
        .await
        .map_err(|error| error.to_string())?;
    split(&answer)
}

fn split(answer: &[u8]) -> Result<(u64, Vec<u8>), String> {
    let end = memchr::memmem::find(answer, b"\r\n\r\n").ok_or("the answer is no HTTP")?;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let status = head.split_whitespace().nth(1).unwrap_or_default();
    if status != "200" {
        return Err(format!("it answered {status}"));
    }
    let directives = head
        .lines()
        .filter_map(|line| line.strip_prefix("cache-control:"))
        .flat_map(|value| value.split(','))
        .map(str::trim);
    let mut max_age = 0;
    for directive in directives {
        match directive.split_once('=') {
            Some(("max-age", seconds)) => max_age = seconds.parse().unwrap_or(0),
            _ if matches!(directive, "no-store" | "no-cache") => {
                return Ok((0, answer[end + 4..].to_vec()));
            }
            _ => {}
        }
    }
    Ok((max_age, answer[end + 4..].to_vec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_may_be_kept_as_long_as_it_says() {
        let answer = |cache: &str| split(format!("HTTP/1.1 200 OK\r\n{cache}\r\n\r\n{{}}").as_bytes()).unwrap();
        assert_eq!(answer("Cache-Control: public, max-age=300"), (300, b"{}".to_vec()));
        assert_eq!(answer("Cache-Control: max-age=300, no-store").0, 0);
        assert_eq!(answer("Server: x").0, 0);
        assert!(split(b"HTTP/1.1 404 Not Found\r\n\r\n").unwrap_err().contains("404"));
    }

    #[tokio::test]
    async fn key_sets_elsewhere_are_not_read() {
        for url in [
            "https://127.0.0.1/jwks",
            "http://example.org/jwks",
            "http://10.0.0.1/jwks",
            "nonsense",
        ] {
            assert!(KeySets::default().get(url).await.is_err(), "{url}");
        }
    }
}
