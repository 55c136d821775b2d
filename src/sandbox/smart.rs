//! Discovery: the SMART configuration and the `CapabilityStatement`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::ehr::Ehr;
use super::flavour::Level;
use super::outcome::fhir;

/// `GET [base]/.well-known/smart-configuration` (SMART App Launch, "Conformance").
pub(crate) async fn configuration(State(ehr): State<Arc<Ehr>>) -> Json<Value> {
    ehr.stats.edit().discoveries += 1;
    let flavour = ehr.config.flavour;
    let mut scopes: Vec<String> = Vec::new();
    if flavour.wildcards {
        scopes.extend(["system/*.read".into(), "system/*.rs".into()]);
    }
    for (name, _) in ehr.config.dataset.types() {
        scopes.extend([format!("system/{name}.read"), format!("system/{name}.rs")]);
    }
    scopes.extend(["system/Group.read".into(), "system/Group.rs".into()]);
    Json(ehr.authority.configuration(&ehr.base_url, &scopes))
}

/// `GET [base]/metadata`.
pub(crate) async fn metadata(State(ehr): State<Arc<Ehr>>) -> Response {
    ehr.stats.edit().metadata += 1;
    let levels = ehr.config.flavour.levels;
    let operation = |name: &str, profile: &str| json!([{ "name": name, "definition": format!("http://hl7.org/fhir/uv/bulkdata/OperationDefinition/{profile}") }]);
    let mut resources = Vec::new();
    let mut names: Vec<String> = ehr.config.dataset.types().into_iter().map(|(name, _)| name).collect();
    names.retain(|name| name != "Group");
    names.push("Group".into());
    for name in names {
        let mut interactions = vec![json!({ "code": "search-type" })];
        if name != "Group" || ehr.config.flavour.group_read {
            interactions.push(json!({ "code": "read" }));
        }
        let mut resource = json!({ "type": name, "interaction": interactions });
        if name == "Patient" && levels.contains(&Level::Patient) {
            resource["operation"] = operation("export", "patient-export");
        }
        if name == "Group" && levels.contains(&Level::Group) {
            resource["operation"] = operation("export", "group-export");
        }
        resources.push(resource);
    }
    let mut rest = json!({
        "mode": "server",
        "security": ehr.authority.security(),
        "resource": resources,
    });
    if levels.contains(&Level::System) {
        rest["operation"] = operation("export", "export");
    }
    let statement = json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": ehr.config.dataset.transaction_time(),
        "kind": "instance",
        "software": { "name": format!("cutover sandbox ({})", ehr.config.flavour.name), "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": "A simulated EHR", "url": ehr.base_url },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "instantiates": ["http://hl7.org/fhir/uv/bulkdata/CapabilityStatement/bulk-data"],
        "rest": [rest],
    });
    fhir(StatusCode::OK, &statement)
}
