//! `$import` in the ways of HAPI, Azure and Google: files are fetched from a folder of this machine (`file://`), and what they hold is written
//! over whatever is there.

use std::path::PathBuf;

use axum::http::{HeaderValue, Method, StatusCode, header, request::Parts};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::site::Site;
use crate::sandbox::outcome::{Refusal, fhir};

/// How an import is asked for and told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportManners {
    /// A `Parameters` to `$import`, `Content-Location`, and no counts at the end.
    Hapi,
    /// The same, with counts by file at the end.
    Azure,
    /// JSON to `:import` beside the base, and a long-running operation.
    Google,
}

/// Times that a client is told that the import is not over.
const WAITS: usize = 2;

/// One import.
#[derive(Debug, Default)]
pub(super) struct Import {
    asked: usize,
    /// By file: type, address, records taken.
    files: Vec<(String, String, u64)>,
    /// Lines that are no record of their type.
    failed: u64,
}

impl Site {
    /// The answer to a request that starts an import or asks how far it is; nothing for any other.
    pub(super) fn import(&self, parts: &Parts, body: &[u8]) -> Option<Result<Response, Refusal>> {
        let how = self.config.manners.import?;
        let path = parts.uri.path();
        if parts.method == Method::POST && path == self.import_path(how) {
            return Some(self.begin(how, body));
        }
        let number = path.strip_prefix(self.poll_path(how).as_str())?;
        Some(self.tell(how, number.parse().ok()?))
    }

    /// Where an import is asked for, where that is not below the base.
    pub(super) fn import_beside_base(&self) -> Option<String> {
        let how = self.config.manners.import.filter(|how| *how == ImportManners::Google)?;
        Some(self.import_path(how))
    }

    fn import_path(&self, how: ImportManners) -> String {
        let base = self.config.manners.base_path;
        match how {
            ImportManners::Hapi | ImportManners::Azure => format!("{base}/$import"),
            ImportManners::Google => format!("{}:import", base.trim_end_matches("/fhir")),
        }
    }

    fn poll_path(&self, how: ImportManners) -> String {
        let base = self.config.manners.base_path;
        match how {
            ImportManners::Hapi | ImportManners::Azure => format!("{base}/$import-poll/"),
            ImportManners::Google => "/v1/operations/".to_owned(),
        }
    }

    fn begin(&self, how: ImportManners, body: &[u8]) -> Result<Response, Refusal> {
        let asked: Value = serde_json::from_slice(body).map_err(|_| Refusal::invalid("The body is no JSON."))?;
        let inputs = match how {
            ImportManners::Google => listed(asked["gcsSource"]["uri"].as_str().unwrap_or_default())?,
            ImportManners::Hapi | ImportManners::Azure => named(&asked)?,
        };
        let mut import = Import::default();
        let mut world = self.world();
        for (kind, address) in inputs {
            let text =
                std::fs::read(file(&address)?).map_err(|error| Refusal::invalid(format!("{address}: {error}")))?;
            let mut taken = 0;
            for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
                let of_type = serde_json::from_slice::<Value>(line)
                    .ok()
                    .and_then(|record| record["resourceType"].as_str().map(ToOwned::to_owned));
                match of_type {
                    Some(of_type) if kind.is_empty() || of_type == kind => {
                        world.preload(&of_type, line);
                        taken += 1;
                    }
                    _ => import.failed += 1,
                }
            }
            import.files.push((kind, address, taken));
        }
        drop(world);
        let number = {
            let mut imports = self.imports();
            imports.push(import);
            imports.len()
        };
        let path = format!("{}{number}", self.poll_path(how));
        if how == ImportManners::Google {
            let name = path.trim_start_matches("/v1/");
            return Ok(fhir(StatusCode::OK, &json!({ "name": name })));
        }
        let origin = self.base_url.trim_end_matches(self.config.manners.base_path);
        let mut response = StatusCode::ACCEPTED.into_response();
        if let Ok(location) = HeaderValue::try_from(format!("{origin}{path}")) {
            response.headers_mut().insert(header::CONTENT_LOCATION, location);
        }
        Ok(response)
    }

    fn tell(&self, how: ImportManners, number: usize) -> Result<Response, Refusal> {
        let mut imports = self.imports();
        let import = number.checked_sub(1).and_then(|at| imports.get_mut(at));
        let Some(import) = import else {
            return Err(Refusal::new(404, "not-found", "There is no such import."));
        };
        import.asked += 1;
        let over = import.asked > WAITS;
        let taken: u64 = import.files.iter().map(|(.., taken)| taken).sum();
        let answer = match how {
            ImportManners::Google => {
                let counter = json!({ "success": taken.to_string(), "failure": import.failed.to_string() });
                let name = format!("operations/{number}");
                let mut answer = json!({ "name": name, "metadata": { "counter": counter }, "done": over });
                if over {
                    answer["response"] = json!({});
                }
                return Ok(fhir(StatusCode::OK, &answer));
            }
            _ if !over => {
                let mut response = StatusCode::ACCEPTED.into_response();
                response
                    .headers_mut()
                    .insert("x-progress", HeaderValue::from_static("at it"));
                response
                    .headers_mut()
                    .insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
                return Ok(response);
            }
            ImportManners::Hapi => crate::sandbox::outcome::outcome("information", "informational", "Import is over."),
            ImportManners::Azure => {
                let output = import.files.iter();
                let output =
                    output.map(|(kind, address, taken)| json!({ "type": kind, "count": taken, "inputUrl": address }));
                json!({ "transactionTime": "2026-01-01T00:00:00Z", "output": output.collect::<Vec<_>>(), "error": [] })
            }
        };
        Ok(fhir(StatusCode::OK, &answer))
    }
}

/// Type and address of each `input`.
fn named(parameters: &Value) -> Result<Vec<(String, String)>, Refusal> {
    let all = parameters["parameter"].as_array().map_or(&[][..], Vec::as_slice);
    let of = |input: &Value, name: &str| {
        let parts = input["part"].as_array()?;
        let part = parts.iter().find(|part| part["name"] == name)?;
        let value = part.as_object()?.iter().find(|(name, _)| name.starts_with("value"))?;
        value.1.as_str().map(ToOwned::to_owned)
    };
    let inputs = all.iter().filter(|parameter| parameter["name"] == "input");
    inputs
        .map(|input| of(input, "type").zip(of(input, "url")))
        .collect::<Option<Vec<_>>>()
        .filter(|inputs| !inputs.is_empty())
        .ok_or_else(|| Refusal::invalid("There has to be an input with a type and a url."))
}

/// The files that `FOLDER/*.ndjson` stands for.
fn listed(uri: &str) -> Result<Vec<(String, String)>, Refusal> {
    let folder = uri
        .strip_suffix("/*.ndjson")
        .ok_or_else(|| Refusal::invalid("The uri has to end with /*.ndjson."))?;
    let entries = std::fs::read_dir(file(folder)?).map_err(|error| Refusal::invalid(format!("{folder}: {error}")))?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let files = names.filter(|name| name.ends_with(".ndjson"));
    Ok(files.map(|name| (String::new(), format!("{folder}/{name}"))).collect())
}

fn file(address: &str) -> Result<PathBuf, Refusal> {
    let url = url::Url::parse(address).ok().filter(|url| url.scheme() == "file");
    url.and_then(|url| url.to_file_path().ok())
        .ok_or_else(|| Refusal::invalid("This server sees files of its own machine only (file://)."))
}
