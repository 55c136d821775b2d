//! `$import`: a server that fetches prepared NDJSON files by itself (HAPI FHIR and Smile CDR, Azure Health Data Services, Google Cloud
//! Healthcare). Each has its own way to be asked and to tell how far it is.

use std::fmt::Write as _;

use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use url::Url;

use crate::http::{Call, Outcome};
use crate::migration::ServerKind;

const NDJSON: &str = "application/fhir+ndjson";

/// One file of records of one type, at the address where the server fetches it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input {
    /// The type.
    pub resource_type: String,
    /// The address.
    pub url: String,
}

/// How far an import is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportStatus {
    /// The server is at it; its words, if it has some.
    Working(String),
    /// It is over: records imported, as far as the server says, and what went wrong, in its words.
    Over {
        /// Records imported.
        imported: Option<u64>,
        /// Records that were not, or what is said of them.
        errors: Vec<String>,
    },
    /// It failed as a whole, in the server's words.
    Failed(String),
    /// The answer says nothing of the import: a gateway's page, or somebody who may not ask.
    Unknown,
}

/// Whether servers of this kind import files by themselves.
pub fn imports(kind: ServerKind) -> bool {
    matches!(kind, ServerKind::Hapi | ServerKind::Azure | ServerKind::Google)
}

/// The request that starts an import of files that all lie below `folder`; nothing for servers that have none.
pub fn start_import(kind: ServerKind, base: &Url, folder: &str, inputs: &[Input]) -> Option<Call> {
    let (url, body) = match kind {
        ServerKind::Hapi => (below(base, "$import"), hapi(folder, inputs)),
        ServerKind::Azure => (below(base, "$import"), azure(inputs)),
        ServerKind::Google => {
            let store = base.path().trim_end_matches('/').strip_suffix("/fhir")?;
            let mut url = base.clone();
            url.set_path(&format!("{store}:import"));
            let files = format!("{folder}/*.ndjson");
            let body = json!({ "contentStructure": "RESOURCE", "gcsSource": { "uri": files } });
            (url, body)
        }
        _ => return None,
    };
    let media_type = match kind {
        ServerKind::Google => "application/json",
        _ => "application/fhir+json",
    };
    let prefer = HeaderName::from_static("prefer");
    let call = Call::new(Method::POST, url).accept(media_type);
    Some(
        call.body(media_type, body.to_string())
            .header(prefer, HeaderValue::from_static("respond-async")),
    )
}

fn below(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/{path}", base.path().trim_end_matches('/')));
    url
}

/// The draft of "bulk data import by ping and pull" that HAPI has: a `Parameters` with the address of each file.
fn hapi(folder: &str, inputs: &[Input]) -> Value {
    let mut parameters = vec![
        json!({ "name": "inputFormat", "valueCode": NDJSON }),
        json!({ "name": "inputSource", "valueUri": folder }),
        json!({ "name": "storageDetail", "part": [{ "name": "type", "valueCode": "https" }] }),
    ];
    parameters.extend(inputs.iter().map(|input| {
        json!({ "name": "input", "part": [
            { "name": "type", "valueCode": input.resource_type },
            { "name": "url", "valueUri": input.url },
        ] })
    }));
    json!({ "resourceType": "Parameters", "parameter": parameters })
}

fn azure(inputs: &[Input]) -> Value {
    let mut parameters = vec![
        json!({ "name": "inputFormat", "valueString": NDJSON }),
        // What is there keeps its versions.
        json!({ "name": "mode", "valueString": "IncrementalLoad" }),
    ];
    parameters.extend(inputs.iter().map(|input| {
        json!({ "name": "input", "part": [
            { "name": "type", "valueString": input.resource_type },
            { "name": "url", "valueUri": input.url },
        ] })
    }));
    json!({ "resourceType": "Parameters", "parameter": parameters })
}

/// Where the status of an import is: in `Content-Location`, or the long-running operation that Google names in the body.
pub fn import_status_url(base: &Url, content_location: Option<&str>, body: &[u8]) -> Option<Url> {
    if let Some(location) = content_location {
        return base.join(location).ok();
    }
    let body: Value = serde_json::from_slice(body).ok()?;
    let name = body["name"].as_str()?;
    let version = base.path_segments()?.next()?;
    let mut url = base.clone();
    url.set_path(&format!("/{version}/{}", name.trim_start_matches('/')));
    Some(url)
}

/// Reads what a server answers to the question how far an import is.
pub fn import_status(status: u16, progress: Option<&str>, body: &[u8]) -> ImportStatus {
    if status == 202 {
        let progress = crate::fhir::safe(progress.unwrap_or_default()).into_owned();
        return ImportStatus::Working(progress);
    }
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let outcome = Outcome::read(body);
    let is_outcome = json["resourceType"] == "OperationOutcome";
    if status != 200 {
        // Whoever may not ask, or asks elsewhere, is told nothing of the import.
        let of_import = is_outcome && status >= 500 && !outcome.is_transient();
        return if of_import {
            ImportStatus::Failed(format!("HTTP {status} {}", outcome.text))
        } else {
            ImportStatus::Unknown
        };
    }
    if json.get("name").is_some() || json.get("done").is_some() {
        return google(&json);
    }
    let wrong = |issue: &Value| matches!(issue["severity"].as_str(), Some("error" | "fatal"));
    if is_outcome && json["issue"].as_array().is_some_and(|issues| issues.iter().any(wrong)) {
        return ImportStatus::Failed(outcome.text);
    }
    if !is_outcome && json["output"].as_array().is_none() && json["error"].as_array().is_none() {
        return ImportStatus::Unknown;
    }
    let count = |of: &Value| of["count"].as_u64();
    let entries = |name: &str| json[name].as_array().cloned().unwrap_or_default();
    let errors = entries("error").into_iter().map(|of| {
        let mut text = count(&of).map_or_else(String::new, |count| format!("{count} "));
        let of_type = of["type"].as_str().unwrap_or("records");
        let _ = write!(text, "{of_type} not imported");
        if let Some(url) = of["url"].as_str() {
            let _ = write!(text, ", see {url}");
        }
        crate::fhir::safe(&text).into_owned()
    });
    let output = entries("output");
    ImportStatus::Over {
        imported: (!output.is_empty()).then(|| output.iter().filter_map(count).sum()),
        errors: errors.collect(),
    }
}

/// A long-running operation; its counters are numbers in strings.
fn google(json: &Value) -> ImportStatus {
    let counter = |name: &str| {
        json["metadata"]["counter"][name]
            .as_str()
            .and_then(|n| n.parse::<u64>().ok())
    };
    if json["done"] != true {
        return ImportStatus::Working(counter("success").map_or_else(String::new, |done| format!("{done} imported")));
    }
    if let Some(error) = json["error"]["message"].as_str() {
        return ImportStatus::Failed(crate::fhir::safe(error).into_owned());
    }
    let failed = counter("failure").filter(|failed| *failed > 0);
    let errors = failed.map(|failed| {
        let log = json["metadata"]["logsUrl"].as_str();
        let log = log.map_or_else(String::new, |log| format!(", see {log}"));
        crate::fhir::safe(&format!("{failed} records not imported{log}")).into_owned()
    });
    ImportStatus::Over {
        imported: counter("success"),
        errors: errors.into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs() -> Vec<Input> {
        vec![Input {
            resource_type: "Patient".to_owned(),
            url: "https://files.example/x/Patient.1.ndjson".to_owned(),
        }]
    }

    #[test]
    fn each_kind_of_server_is_asked_in_its_own_way() {
        let base: Url = "https://fhir.example/r4".parse().expect("a URL");
        let url = |kind, base: &Url| {
            start_import(kind, base, "https://files.example/x", &inputs()).map(|call| call.url().to_string())
        };
        assert_eq!(
            url(ServerKind::Hapi, &base).as_deref(),
            Some("https://fhir.example/r4/$import")
        );
        assert_eq!(
            url(ServerKind::Azure, &base).as_deref(),
            Some("https://fhir.example/r4/$import")
        );
        let google: Url = "https://healthcare.googleapis.com/v1/projects/p/fhirStores/s/fhir"
            .parse()
            .expect("a URL");
        assert_eq!(
            url(ServerKind::Google, &google).as_deref(),
            Some("https://healthcare.googleapis.com/v1/projects/p/fhirStores/s:import")
        );
        for kind in [
            ServerKind::Generic,
            ServerKind::Medplum,
            ServerKind::Helios,
            ServerKind::Eclinicalworks,
        ] {
            assert!(!imports(kind) && url(kind, &base).is_none());
        }
        insta::assert_snapshot!(hapi("https://files.example/x", &inputs()).to_string(), @r#"{"resourceType":"Parameters","parameter":[{"name":"inputFormat","valueCode":"application/fhir+ndjson"},{"name":"inputSource","valueUri":"https://files.example/x"},{"name":"storageDetail","part":[{"name":"type","valueCode":"https"}]},{"name":"input","part":[{"name":"type","valueCode":"Patient"},{"name":"url","valueUri":"https://files.example/x/Patient.1.ndjson"}]}]}"#);
        insta::assert_snapshot!(azure(&inputs()).to_string(), @r#"{"resourceType":"Parameters","parameter":[{"name":"inputFormat","valueString":"application/fhir+ndjson"},{"name":"mode","valueString":"IncrementalLoad"},{"name":"input","part":[{"name":"type","valueString":"Patient"},{"name":"url","valueUri":"https://files.example/x/Patient.1.ndjson"}]}]}"#);
    }

    #[test]
    fn each_kind_of_server_says_in_its_own_way_how_far_it_is() {
        let over = |imported, errors: &[&str]| ImportStatus::Over {
            imported,
            errors: errors.iter().map(|text| (*text).to_owned()).collect(),
        };
        assert_eq!(
            import_status(202, Some("6 %"), b""),
            ImportStatus::Working("6 %".to_owned())
        );
        assert_eq!(
            import_status(200, None, br#"{"resourceType":"OperationOutcome","issue":[]}"#),
            over(None, &[])
        );
        let azure = br#"{"output":[{"type":"Patient","count":10},{"type":"Observation","count":5}],"error":[{"type":"Patient","count":2,"url":"https://x/e"}]}"#;
        assert_eq!(
            import_status(200, None, azure),
            over(Some(15), &["2 Patient not imported, see https://x/e"])
        );
        let outcome = br#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"processing","diagnostics":"job failed"}]}"#;
        assert_eq!(
            import_status(500, None, outcome),
            ImportStatus::Failed("HTTP 500 job failed".to_owned())
        );
        assert_eq!(
            import_status(200, None, outcome),
            ImportStatus::Failed("job failed".to_owned())
        );
        for (status, body) in [
            (401, outcome.as_slice()),
            (404, b""),
            (502, b"<html>"),
            (200, b"<html>"),
            (200, b"{}"),
        ] {
            assert_eq!(import_status(status, None, body), ImportStatus::Unknown, "{status}");
        }
        assert!(matches!(
            import_status(200, None, br#"{"name":"o/1","metadata":{"counter":{"success":"7"}}}"#),
            ImportStatus::Working(_)
        ));
        let google = br#"{"name":"o/1","done":true,"metadata":{"counter":{"success":"12","failure":"1"},"logsUrl":"https://l"},"response":{}}"#;
        assert_eq!(
            import_status(200, None, google),
            over(Some(12), &["1 records not imported, see https://l"])
        );
        let failed = br#"{"name":"o/1","done":true,"error":{"code":7,"message":"no access"}}"#;
        assert_eq!(
            import_status(200, None, failed),
            ImportStatus::Failed("no access".to_owned())
        );
    }

    #[test]
    fn where_to_ask_is_in_the_head_or_in_the_body() {
        let base: Url = "https://healthcare.googleapis.com/v1/projects/p/fhirStores/s/fhir"
            .parse()
            .expect("a URL");
        let url = |location, body: &[u8]| import_status_url(&base, location, body).map(|url| url.to_string());
        assert_eq!(url(Some("https://x/poll/1"), b"").as_deref(), Some("https://x/poll/1"));
        assert_eq!(
            url(None, br#"{"name":"projects/p/operations/9"}"#).as_deref(),
            Some("https://healthcare.googleapis.com/v1/projects/p/operations/9")
        );
        assert_eq!(url(None, b"{}"), None);
    }
}
