//! A server, a client with keys, and short ways to talk to it.

use std::sync::Arc;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use cutover::sandbox::{Client, Keys, RunningSandbox, Sandbox, SandboxConfig};
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode};
use serde_json::{Value, json};

use crate::clinic::Clinic;

pub const ID: &str = "tester";
pub const ALL_SCOPES: &str = "system/Group.read system/Practitioner.read system/Patient.read system/Observation.rs system/Provenance.read system/Binary.read";

/// A signing key and its name.
pub struct Signer {
    pub algorithm: Algorithm,
    pub key: EncodingKey,
}

impl Signer {
    pub fn es384() -> Self {
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        Self {
            algorithm: Algorithm::ES384,
            key: EncodingKey::from_ec_der(document.as_ref()),
        }
    }

    pub fn rs384() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let document = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der>::as_der(&pair).unwrap();
        Self {
            algorithm: Algorithm::RS384,
            key: EncodingKey::from_rsa_der(&inner_key(document.as_ref())),
        }
    }

    pub fn jwks(&self) -> JwkSet {
        let mut key = Jwk::from_encoding_key(&self.key, self.algorithm).unwrap();
        key.common.key_id = Some("k1".to_owned());
        JwkSet { keys: vec![key] }
    }

    pub fn sign(&self, kid: &str, claims: &Value) -> String {
        let mut header = Header::new(self.algorithm);
        header.kid = Some(kid.to_owned());
        jsonwebtoken::encode(&header, claims, &self.key).unwrap()
    }
}

/// The PKCS#1 key inside PKCS#8, which begins at the second SEQUENCE with a version of zero; the PEM reader does the same.
fn inner_key(pkcs8: &[u8]) -> Vec<u8> {
    // 26 bytes: outer SEQUENCE (4), version (3), algorithm (15), OCTET STRING (4), for 2048-bit keys.
    pkcs8[26..].to_vec()
}

/// A running server and one client registered at it.
pub struct Rig {
    pub server: RunningSandbox,
    pub signer: Signer,
    pub http: reqwest::Client,
    pub origin: String,
}

pub fn config() -> SandboxConfig {
    SandboxConfig::new(Arc::new(Clinic)).polls(0, Some(0)).lines_per_file(6)
}

impl Rig {
    pub async fn start(config: SandboxConfig) -> Self {
        let signer = if config.flavour.name == "ecw" {
            Signer::rs384()
        } else {
            Signer::es384()
        };
        let client = Client {
            id: ID.to_owned(),
            secret: Some("s3cret".to_owned()),
            keys: Keys::Inline(signer.jwks()),
            scope: None,
        };
        let server = Sandbox::start(config.client(client)).await.unwrap();
        let origin = url::Url::parse(&server.base_url)
            .unwrap()
            .origin()
            .ascii_serialization();
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self {
            server,
            signer,
            http,
            origin,
        }
    }

    pub async fn with(fault: &str) -> Self {
        Self::start(config().fault(fault.parse().unwrap())).await
    }

    /// Claims that are right in every way.
    pub fn claims(&self) -> Value {
        let jti = format!("{:?}", std::time::Instant::now());
        let exp = jiff::Timestamp::now().as_second() + 240;
        json!({ "iss": ID, "sub": ID, "aud": self.server.token_url, "exp": exp, "jti": jti })
    }

    /// A token request with this assertion: status and body.
    pub async fn ask(&self, assertion: &str, scope: &str) -> (StatusCode, Value) {
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", scope),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", assertion),
        ];
        self.post_form(&form).await
    }

    pub async fn post_form(&self, form: &[(&str, &str)]) -> (StatusCode, Value) {
        let response = self.http.post(&self.server.token_url).form(form).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }

    pub async fn token(&self) -> String {
        let (status, body) = self.ask(&self.signer.sign("k1", &self.claims()), ALL_SCOPES).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        body["access_token"].as_str().unwrap().to_owned()
    }

    pub async fn get(&self, url: &str, token: &str) -> Response {
        self.http.get(url).bearer_auth(token).send().await.unwrap()
    }

    /// A kickoff by GET at a path under the base.
    pub async fn kick_off(&self, path: &str, token: &str) -> Response {
        let request = self
            .http
            .get(format!("{}/{path}", self.server.base_url))
            .bearer_auth(token);
        request
            .header("accept", "application/fhir+json")
            .header("prefer", "respond-async")
            .send()
            .await
            .unwrap()
    }

    pub async fn kick_off_by_post(&self, path: &str, token: &str, parameters: &Value) -> Response {
        let body = json!({ "resourceType": "Parameters", "parameter": parameters }).to_string();
        let request = self
            .http
            .post(format!("{}/{path}", self.server.base_url))
            .bearer_auth(token)
            .body(body);
        let request = request
            .header("accept", "application/fhir+json")
            .header("prefer", "respond-async");
        request
            .header("content-type", "application/fhir+json")
            .send()
            .await
            .unwrap()
    }

    /// Polls until the manifest is there.
    pub async fn manifest(&self, status_url: &str, token: &str) -> Value {
        for _ in 0..2000 {
            let response = self.get(status_url, token).await;
            if response.status() == StatusCode::OK {
                return response.json().await.unwrap();
            }
        }
        panic!("the export does not finish");
    }

    /// Kickoff to manifest.
    pub async fn export(&self, path: &str) -> (String, Value) {
        let token = self.token().await;
        let response = self.kick_off(path, &token).await;
        assert_eq!(
            response.status(),
            StatusCode::ACCEPTED,
            "{}",
            response.text().await.unwrap()
        );
        let manifest = self.manifest(&location(response.headers()), &token).await;
        (token, manifest)
    }

    /// The bytes of all files of a manifest, each with its entry; `None` where a download fails.
    pub async fn files(&self, manifest: &Value, token: &str) -> Vec<(Value, Option<Vec<u8>>)> {
        let mut files = Vec::new();
        for entry in manifest["output"].as_array().unwrap() {
            let response = self.get(entry["url"].as_str().unwrap(), token).await;
            let whole = response.status() == StatusCode::OK;
            let bytes = response.bytes().await.ok().filter(|_| whole);
            files.push((entry.clone(), bytes.map(|bytes| bytes.to_vec())));
        }
        files
    }

    /// All lines of an export.
    pub async fn lines(&self, path: &str) -> Vec<String> {
        let (token, manifest) = self.export(path).await;
        let mut lines = Vec::new();
        for (entry, bytes) in self.files(&manifest, &token).await {
            let text = String::from_utf8(bytes.unwrap()).unwrap();
            assert_eq!(entry["count"], text.lines().count(), "{entry}");
            lines.extend(text.lines().map(str::to_owned));
        }
        lines
    }

    /// `Type/id` of all resources of an export, in order.
    pub async fn names(&self, path: &str) -> Vec<String> {
        self.lines(path).await.iter().map(|line| name(line)).collect()
    }
}

pub fn name(line: &str) -> String {
    let resource: Value = serde_json::from_str(line).unwrap();
    format!(
        "{}/{}",
        resource["resourceType"].as_str().unwrap(),
        resource["id"].as_str().unwrap_or("?")
    )
}

pub fn location(headers: &HeaderMap) -> String {
    headers["content-location"].to_str().unwrap().to_owned()
}
