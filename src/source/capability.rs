//! What a `CapabilityStatement` says that matters to an export.

use serde_json::Value;

/// The operations, types and search parameters that a server declares.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Capability {
    /// Such as `4.0.1`.
    pub fhir_version: Option<String>,
    /// Name and version of the server software.
    pub software: Option<String>,
    /// Which exports are declared.
    pub export: ExportOperations,
    /// The resource types, in the server's order.
    pub types: Vec<TypeSupport>,
    /// The token endpoint from the (deprecated) security extension, as written there.
    pub token_endpoint: Option<String>,
}

/// The declared export operations. What is not declared may exist all the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ExportOperations {
    /// `[base]/$export`.
    pub system: bool,
    /// `[base]/Patient/$export`.
    pub patient: bool,
    /// `[base]/Group/[id]/$export`.
    pub group: bool,
}

/// A resource type on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeSupport {
    /// Its name.
    pub name: String,
    /// Such as `read` and `search-type`.
    pub interactions: Vec<String>,
    /// Names of search parameters, which a `_typeFilter` can use.
    pub search_params: Vec<String>,
    /// Reachable by REST, but declared as not in exports.
    pub not_exported: bool,
}

impl ExportOperations {
    /// True if any is declared.
    pub fn any(self) -> bool {
        self.system || self.patient || self.group
    }
}

impl Capability {
    /// Reads a `CapabilityStatement` tolerantly; nothing if it is something else.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let json: Value = serde_json::from_slice(body).ok()?;
        if json["resourceType"] != "CapabilityStatement" {
            return None;
        }
        let text = |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let software = [text(&json["software"]["name"]), text(&json["software"]["version"])];
        let software = software.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let mut capability = Self {
            fhir_version: text(&json["fhirVersion"]),
            software: (!software.is_empty()).then_some(software),
            ..Self::default()
        };
        for rest in items(&json["rest"]) {
            capability.token_endpoint = capability
                .token_endpoint
                .take()
                .or_else(|| token_endpoint(&rest["security"]));
            capability.export.system |= has_export(rest, "export");
            // Some servers declare all three at the top, told apart by name only.
            capability.export.patient |= has_export(rest, "patient-export");
            capability.export.group |= has_export(rest, "group-export");
            for resource in items(&rest["resource"]) {
                let Some(name) = text(&resource["type"]) else {
                    continue;
                };
                match name.as_str() {
                    "Patient" => capability.export.patient |= has_export(resource, "export"),
                    "Group" => capability.export.group |= has_export(resource, "export"),
                    _ => {}
                }
                capability.types.push(TypeSupport {
                    interactions: items(&resource["interaction"])
                        .filter_map(|item| text(&item["code"]))
                        .collect(),
                    search_params: items(&resource["searchParam"])
                        .filter_map(|item| text(&item["name"]))
                        .collect(),
                    not_exported: items(&resource["extension"]).any(|item| {
                        item["url"]
                            .as_str()
                            .is_some_and(|url| url.ends_with("/operation-not-supported"))
                    }),
                    name,
                });
            }
        }
        Some(capability)
    }
}

fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// True for an operation of this name, with or without a `$` before and a version behind it (`export-v4`); what its definition
/// says differs from vendor to vendor.
fn has_export(place: &Value, wanted: &str) -> bool {
    items(&place["operation"])
        .filter_map(|operation| operation["name"].as_str())
        .any(|name| {
            let name = name.trim_start_matches('$').to_ascii_lowercase();
            name.strip_prefix(wanted)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with("-v"))
        })
}

fn token_endpoint(security: &Value) -> Option<String> {
    let uris = items(&security["extension"]).find(|extension| {
        extension["url"]
            .as_str()
            .is_some_and(|url| url.ends_with("/oauth-uris"))
    })?;
    let token = items(&uris["extension"]).find(|extension| extension["url"] == "token")?;
    token["valueUri"]
        .as_str()
        .or_else(|| token["valueUrl"].as_str())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::Capability;

    #[test]
    fn b04_export_operations_are_found_under_rest_and_under_resources_whatever_their_definition() {
        let body = br#"{"resourceType":"CapabilityStatement","fhirVersion":"4.0.1","software":{"name":"X"},"rest":[{
            "operation":[{"name":"export-v4","definition":"http://vendor.example/Global-i-export"}],
            "resource":[
              {"type":"Group","operation":[{"name":"$export"}],"interaction":[{"code":"search-type"}]},
              {"type":"Patient","operation":[{"name":"everything"}],"searchParam":[{"name":"birthdate"}],
               "extension":[{"url":"http://hl7.org/x/Extension/operation-not-supported"}]}]}]}"#;
        let capability = Capability::parse(body).unwrap();
        assert!(capability.export.system && capability.export.group && !capability.export.patient);
        assert_eq!(capability.types[0].interactions, ["search-type"]);
        assert_eq!(capability.types[1].search_params, ["birthdate"]);
        assert!(capability.types[1].not_exported, "b05");
    }

    #[test]
    fn whatever_is_no_capability_statement_is_none() {
        assert_eq!(Capability::parse(b"<html>"), None);
        assert_eq!(Capability::parse(br#"{"resourceType":"OperationOutcome"}"#), None);
        assert!(
            !Capability::parse(br#"{"resourceType":"CapabilityStatement","rest":"broken"}"#)
                .unwrap()
                .export
                .any()
        );
    }
}
