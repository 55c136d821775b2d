//! The simulated destination, as a client over HTTP sees it.

mod batch;
mod fault;
mod interaction;
mod search;
mod token;
mod transaction;
mod vendor;

use cutover::sandbox::destination::{Destination, DestinationConfig, Manners, RunningDestination};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};

/// A running server and short ways to talk to it.
pub struct Rig {
    pub server: RunningDestination,
    pub http: reqwest::Client,
}

/// Status, headers and body of an answer.
pub struct Told {
    pub status: u16,
    pub etag: String,
    pub location: String,
    pub body: Value,
}

impl Rig {
    pub async fn start(config: DestinationConfig) -> Self {
        Self {
            server: Destination::start(config).await.unwrap(),
            http: reqwest::Client::new(),
        }
    }

    pub async fn of(manners: &Manners) -> Self {
        Self::start(DestinationConfig::new(manners)).await
    }

    pub async fn with(manners: &Manners, fault: &str) -> Self {
        Self::start(DestinationConfig::new(manners).fault(fault.parse().unwrap())).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.server.base_url)
    }

    pub async fn get(&self, path: &str) -> Told {
        told(self.http.get(self.url(path))).await
    }

    pub async fn delete(&self, path: &str) -> Told {
        told(self.http.delete(self.url(path))).await
    }

    pub fn putting(&self, path: &str, body: &Value) -> RequestBuilder {
        fhir(self.http.put(self.url(path)), body)
    }

    pub fn posting(&self, path: &str, body: &Value) -> RequestBuilder {
        fhir(self.http.post(self.url(path)), body)
    }

    pub async fn put(&self, path: &str, body: &Value) -> Told {
        told(self.putting(path, body)).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Told {
        told(self.posting(path, body)).await
    }

    /// Posts a Bundle and gives its answer, status and body.
    pub async fn bundle(&self, kind: &str, entries: Value) -> Told {
        self.post("", &bundle(kind, entries)).await
    }
}

fn fhir(request: RequestBuilder, body: &Value) -> RequestBuilder {
    request
        .header("content-type", "application/fhir+json")
        .body(body.to_string())
}

pub async fn told(request: RequestBuilder) -> Told {
    let response: Response = request.send().await.unwrap();
    let header = |name: &str| {
        response
            .headers()
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
            .to_owned()
    };
    let (etag, location) = (header("etag"), header("location"));
    Told {
        status: response.status().as_u16(),
        etag,
        location,
        body: serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default(),
    }
}

pub fn bundle(kind: &str, entries: Value) -> Value {
    let mut bundle = json!({ "resourceType": "Bundle", "type": kind });
    bundle["entry"] = entries;
    bundle
}

/// An entry that writes a record by PUT.
pub fn entry(resource: &Value) -> Value {
    let url = format!(
        "{}/{}",
        resource["resourceType"].as_str().unwrap(),
        resource["id"].as_str().unwrap()
    );
    json!({ "resource": resource, "request": { "method": "PUT", "url": url } })
}

/// An entry that writes a record by conditional update on its first identifier.
pub fn upsert(resource: &Value) -> Value {
    let (kind, identifier) = (resource["resourceType"].as_str().unwrap(), &resource["identifier"][0]);
    let (system, value) = (
        identifier["system"].as_str().unwrap(),
        identifier["value"].as_str().unwrap(),
    );
    json!({ "resource": resource, "request": { "method": "PUT", "url": format!("{kind}?identifier={system}%7C{value}") } })
}

pub fn patient(id: &str) -> Value {
    json!({ "resourceType": "Patient", "id": id, "active": true })
}

/// A patient without an id, known by an identifier.
pub fn numbered(value: &str) -> Value {
    json!({ "resourceType": "Patient", "identifier": [{ "system": "urn:mrn", "value": value }], "active": true })
}

pub fn observation(id: &str, patient: &str) -> Value {
    json!({ "resourceType": "Observation", "id": id, "status": "final", "subject": { "reference": patient } })
}

/// The statuses of the entries of an answer, as numbers.
pub fn statuses(answer: &Value) -> Vec<u16> {
    let entries = answer["entry"].as_array().unwrap().iter();
    entries
        .map(|entry| entry["response"]["status"].as_str().unwrap()[..3].parse().unwrap())
        .collect()
}
