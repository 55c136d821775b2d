//! Plain REST beside the export: reads, group search, and counts.

use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::compartment;
use super::content::with_base;
use super::dataset::Group;
use super::ehr::Ehr;
use super::outcome::{FHIR_JSON, Refusal, fhir};
use super::server::unknown_path;

/// `GET [base]/[type]/[id]`
pub(crate) async fn read(
    State(ehr): State<Arc<Ehr>>,
    Path((name, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    if !holds(&ehr, &name) {
        return unknown_path(&ehr);
    }
    match ehr.authority.authorize(&headers) {
        Ok(grant) if grant.may_read(&name) => {}
        Ok(_) => {
            return Refusal::new(
                403,
                "forbidden",
                format!("The scope of the token does not cover {name}."),
            )
            .into_response();
        }
        Err(refusal) => return refusal.into_response(),
    }
    *ehr.stats.edit().reads.entry(name.clone()).or_default() += 1;
    if name == "Group" {
        let found = ehr
            .config
            .dataset
            .groups()
            .into_iter()
            .find(|group| group.id == id && ehr.config.flavour.group_read);
        return found.map_or_else(|| missing(&name, &id), |group| fhir(StatusCode::OK, &resource(&group)));
    }
    let (shared, kind, wanted) = (ehr.clone(), name.clone(), id.clone());
    let line = tokio::task::spawn_blocking(move || shared.config.dataset.read(&kind, &wanted)).await;
    let Ok(Some(line)) = line else {
        return missing(&name, &id);
    };
    let line = with_base(line, &ehr.base_url);
    let accept = headers
        .get(header::ACCEPT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or("*/*");
    if name == "Binary" && !accept.contains("json") {
        return native(&line)
            .unwrap_or_else(|| Refusal::new(500, "exception", "The Binary cannot be decoded.").into_response());
    }
    ([(header::CONTENT_TYPE, FHIR_JSON)], line).into_response()
}

fn missing(name: &str, id: &str) -> Response {
    Refusal::new(404, "not-found", format!("There is no {name}/{id}.")).into_response()
}

/// A Binary in its own media type (FHIR R4, "Binary").
fn native(line: &[u8]) -> Option<Response> {
    let binary: Value = serde_json::from_slice(line).ok()?;
    let data = STANDARD.decode(binary["data"].as_str().unwrap_or_default()).ok()?;
    let media_type =
        HeaderValue::try_from(binary["contentType"].as_str().unwrap_or("application/octet-stream")).ok()?;
    Some(([(header::CONTENT_TYPE, media_type)], data).into_response())
}

/// `GET [base]/[type]`: groups by name or id, and `_summary=count` of any type.
pub(crate) async fn search(
    State(ehr): State<Arc<Ehr>>,
    Path(name): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
    headers: HeaderMap,
) -> Response {
    if !holds(&ehr, &name) {
        return unknown_path(&ehr);
    }
    match ehr.authority.authorize(&headers) {
        Ok(grant) if grant.may_read(&name) => {}
        Ok(_) => {
            return Refusal::new(
                403,
                "forbidden",
                format!("The scope of the token does not cover {name}."),
            )
            .into_response();
        }
        Err(refusal) => return refusal.into_response(),
    }
    let value = |wanted: &str| {
        query
            .iter()
            .find(|(name, _)| name == wanted)
            .map(|(_, value)| value.as_str())
    };
    let counts_only = value("_summary") == Some("count");
    let patient = value("patient").filter(|_| name != "Group" && ehr.config.flavour.patient_search);
    if let Some(patient) = patient {
        let patient = patient.strip_prefix("Patient/").unwrap_or(patient).to_owned();
        let offset = value("_offset").and_then(|text| text.parse().ok()).unwrap_or(0);
        let size = value("_count").and_then(|text| text.parse().ok()).unwrap_or(50_usize);
        return of_patient(&ehr, name, patient, offset, size.clamp(1, 1000)).await;
    }
    if let Some((unknown, _)) = query.iter().find(|(known, _)| {
        known != "_summary" && !(name == "Group" && matches!(known.as_str(), "_id" | "name" | "_count"))
    }) {
        return Refusal::unsupported(format!("The search parameter {unknown} is not supported.")).into_response();
    }
    let bundle = if name == "Group" {
        let matches = |group: &Group| {
            value("_id").is_none_or(|id| group.id == id)
                && value("name").is_none_or(|start| group.name.to_lowercase().starts_with(&start.to_lowercase()))
        };
        let found: Vec<Group> = ehr.config.dataset.groups().into_iter().filter(matches).collect();
        let entry = |group: &Group| json!({ "fullUrl": format!("{}/Group/{}", ehr.base_url, group.id), "resource": resource(group), "search": { "mode": "match" } });
        let mut bundle = json!({ "resourceType": "Bundle", "type": "searchset", "total": found.len() });
        if !counts_only && !found.is_empty() {
            bundle["entry"] = found.iter().map(entry).collect();
        }
        bundle
    } else if counts_only {
        let total = ehr
            .config
            .dataset
            .types()
            .into_iter()
            .find(|(held, _)| *held == name)
            .map_or(0, |(_, count)| count);
        json!({ "resourceType": "Bundle", "type": "searchset", "total": total })
    } else {
        return Refusal::unsupported(format!("A search of {name} needs _summary=count.")).into_response();
    };
    fhir(StatusCode::OK, &bundle)
}

/// `GET [base]/[type]?patient=[id]`: a page of the patient's records.
async fn of_patient(ehr: &Arc<Ehr>, name: String, patient: String, offset: usize, size: usize) -> Response {
    let (shared, kind, wanted) = (Arc::clone(ehr), name.clone(), patient.clone());
    let found = tokio::task::spawn_blocking(move || {
        let dataset = &shared.config.dataset;
        let known = dataset.types().into_iter().find(|(held, _)| *held == kind);
        let lines = dataset.lines(&kind, 0..known.map_or(0, |(_, count)| count));
        let theirs = lines.filter(|line| compartment::patients(&kind, line, dataset.as_ref()).contains(&wanted));
        let records = theirs.map(|line| serde_json::from_slice(&with_base(line, &shared.base_url)));
        records.collect::<Result<Vec<Value>, _>>()
    });
    let Ok(Ok(found)) = found.await else {
        return Refusal::new(500, "exception", "A record cannot be read.").into_response();
    };
    let page = found.iter().skip(offset).take(size);
    let entry = |record: &Value| json!({ "resource": record, "search": { "mode": "match" } });
    let mut bundle = json!({ "resourceType": "Bundle", "type": "searchset", "total": found.len() });
    if found.len() > offset {
        bundle["entry"] = page.map(entry).collect();
    }
    let after = offset + size;
    if found.len() > after {
        let url = format!(
            "{}/{name}?patient={patient}&_count={size}&_offset={after}",
            ehr.base_url
        );
        bundle["link"] = json!([{ "relation": "next", "url": url }]);
    }
    fhir(StatusCode::OK, &bundle)
}

fn holds(ehr: &Ehr, name: &str) -> bool {
    name == "Group" || ehr.config.dataset.types().iter().any(|(held, _)| held == name)
}

fn resource(group: &Group) -> Value {
    json!({ "resourceType": "Group", "id": group.id, "active": true, "type": "person", "actual": true, "name": group.name })
}
