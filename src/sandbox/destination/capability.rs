//! The `CapabilityStatement`, which tells the truth about this kind of server.

use serde_json::{Value, json};

use super::manners::{ClientIds, Manners};
use crate::sandbox::scope::known_types;

/// `GET [base]/metadata`
pub(super) fn statement(manners: &Manners, base_url: &str, security: Option<Value>) -> Value {
    let codes = |codes: &[&str]| -> Value { codes.iter().map(|code| json!({ "code": code })).collect() };
    let interactions = |name: &str| {
        let mut interactions = vec!["read", "vread", "history-instance", "search-type"];
        if manners.writes(name) {
            interactions.extend(["create", "update"]);
            interactions.extend(manners.deletes.then_some("delete"));
        }
        codes(&interactions)
    };
    let resource = |name: &&str| {
        json!({
            "type": name,
            "interaction": interactions(name),
            "versioning": "versioned-update",
            "readHistory": true,
            "updateCreate": manners.client_ids != ClientIds::Refused,
            "conditionalCreate": true,
            "conditionalUpdate": true,
            "conditionalDelete": if manners.conditional_delete { "single" } else { "not-supported" },
            "referencePolicy": if manners.checks_references { json!(["local", "enforced"]) } else { json!(["literal", "local"]) },
            "searchParam": search_parameters(name),
        })
    };
    let system = [(manners.batches, "batch"), (manners.transactions, "transaction")];
    let system: Vec<&str> = system.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect();
    let mut statement = json!({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": "2026-01-01",
        "kind": "instance",
        "software": { "name": format!("cutover sandbox destination ({})", manners.name), "version": env!("CARGO_PKG_VERSION") },
        "implementation": { "description": "A simulated destination", "url": base_url },
        "fhirVersion": "4.0.1",
        "format": ["application/fhir+json", "json"],
        "rest": [{
            "mode": "server",
            "resource": known_types().iter().map(resource).collect::<Vec<_>>(),
            "interaction": codes(&system),
        }],
    });
    if let Some(security) = security {
        statement["rest"][0]["security"] = security;
    }
    statement
}

fn search_parameters(kind: &str) -> Value {
    let mut names = vec![
        ("_id", "token"),
        ("_lastUpdated", "date"),
        ("_source", "uri"),
        ("_tag", "token"),
        ("identifier", "token"),
    ];
    if matches!(kind, "Patient" | "Practitioner" | "RelatedPerson") {
        names.extend([("family", "string"), ("given", "string"), ("name", "string")]);
    }
    if matches!(kind, "Patient" | "RelatedPerson") {
        names.push(("birthdate", "date"));
    }
    if matches!(kind, "Patient" | "Practitioner") {
        names.push(("gender", "token"));
    }
    if kind != "Patient" {
        names.extend([("patient", "reference"), ("subject", "reference")]);
    }
    let parameter = |(name, kind): (&str, &str)| json!({ "name": name, "type": kind });
    names.into_iter().map(parameter).collect()
}
