//! What a server says it can do with records that are written to it (R4 `CapabilityStatement`, `rest.resource`).

use std::collections::BTreeMap;

use serde_json::Value;

use crate::migration::{ServerKind, Strategy};

/// Types of R4 that have no list of identifiers.
const WITHOUT_IDENTIFIER: [&str; 9] = [
    "Binary",
    "Provenance",
    "AuditEvent",
    "Bundle",
    "Composition",
    "QuestionnaireResponse",
    "Linkage",
    "MessageHeader",
    "VerificationResult",
];

/// What a server can do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ability {
    /// Name and version of the software.
    pub software: String,
    /// Such as `4.0.1`.
    pub fhir_version: String,
    /// It takes batches.
    pub batch: bool,
    /// It takes transactions.
    pub transaction: bool,
    types: BTreeMap<String, TypeAbility>,
}

/// What a server can do with one type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is an element of the statement")]
struct TypeAbility {
    create: bool,
    update: bool,
    update_create: bool,
    conditional_create: bool,
}

/// Why records of a type cannot be written so that writing them twice makes one of each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoStrategy {
    /// The server does not have the type.
    #[error("the server does not take this type")]
    Type,
    /// Servers of this kind take other types only.
    #[error("this kind of server takes demographics only")]
    Demographics,
    /// Nothing finds it again.
    #[error("the server does not search this type, so that writing again could double records")]
    Unsearched,
    /// Neither ids of ours nor conditional create.
    #[error("the server takes neither ids of ours nor conditional create, so that writing again could double records")]
    Repeatable,
}

impl Ability {
    /// Reads a `CapabilityStatement`; nothing if it is something else.
    pub fn parse(body: &[u8]) -> Option<Self> {
        let json: Value = serde_json::from_slice(body).ok()?;
        if json["resourceType"] != "CapabilityStatement" {
            return None;
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let software = [text(&json["software"]["name"]), text(&json["software"]["version"])];
        let mut ability = Self {
            software: software.join(" ").trim().to_owned(),
            fhir_version: text(&json["fhirVersion"]),
            ..Self::default()
        };
        for rest in list(&json["rest"]) {
            let codes = interactions(rest);
            ability.batch |= codes.contains(&"batch");
            ability.transaction |= codes.contains(&"transaction");
            for resource in list(&rest["resource"]) {
                let codes = interactions(resource);
                let yes = |name: &str| resource[name].as_bool().unwrap_or(false);
                let of_type = TypeAbility {
                    create: codes.contains(&"create"),
                    update: codes.contains(&"update"),
                    update_create: yes("updateCreate"),
                    conditional_create: yes("conditionalCreate"),
                };
                ability.types.insert(text(&resource["type"]), of_type);
            }
        }
        Some(ability)
    }

    /// The types that it has.
    pub fn types(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }

    /// How records of a type are written, so that writing them twice makes one of each.
    pub fn strategy(&self, kind: ServerKind, resource_type: &str) -> Result<Strategy, NoStrategy> {
        if kind.only().is_some_and(|types| !types.contains(&resource_type)) {
            return Err(NoStrategy::Demographics);
        }
        let ability = self.types.get(resource_type).ok_or(NoStrategy::Type)?;
        if !ability.create && !ability.update {
            return Err(NoStrategy::Type);
        }
        if ability.update && ability.update_create && !kind.refuses_ids() {
            return Ok(Strategy::ClientId);
        }
        self.without_ids(resource_type)
    }

    /// The same where the server has refused an id of ours.
    pub fn without_ids(&self, resource_type: &str) -> Result<Strategy, NoStrategy> {
        let ability = self.types.get(resource_type).ok_or(NoStrategy::Type)?;
        if !ability.create || !ability.conditional_create {
            return Err(NoStrategy::Repeatable);
        }
        Ok(if WITHOUT_IDENTIFIER.contains(&resource_type) {
            Strategy::Tag
        } else {
            Strategy::Identifier
        })
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn interactions(of: &Value) -> Vec<&str> {
    list(&of["interaction"])
        .filter_map(|item| item["code"].as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn ability(update_create: bool, conditional_create: bool) -> Ability {
        let of = |name: &str| {
            json!({"type": name, "updateCreate": update_create, "conditionalCreate": conditional_create,
                "interaction": [{"code": "create"}, {"code": "update"}]})
        };
        let statement = json!({"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "software": {"name": "X", "version": "1"},
            "rest": [{"interaction": [{"code": "batch"}], "resource": [of("Patient"), of("Binary"), {"type": "Basic"}]}]});
        Ability::parse(statement.to_string().as_bytes()).expect("a statement")
    }

    #[test]
    fn t01_the_strategy_follows_from_what_the_server_says() {
        let all = ability(true, true);
        assert!(all.batch && !all.transaction);
        assert_eq!(all.strategy(ServerKind::Generic, "Patient"), Ok(Strategy::ClientId));
        assert_eq!(all.strategy(ServerKind::Medplum, "Patient"), Ok(Strategy::Identifier));
        assert_eq!(all.strategy(ServerKind::Medplum, "Binary"), Ok(Strategy::Tag));
        let demographics = ServerKind::Eclinicalworks;
        assert_eq!(all.strategy(demographics, "Patient"), Ok(Strategy::Identifier));
        assert_eq!(all.strategy(demographics, "Binary"), Err(NoStrategy::Demographics));
        assert_eq!(all.strategy(ServerKind::Generic, "Basic"), Err(NoStrategy::Type));
        assert_eq!(all.strategy(ServerKind::Generic, "Observation"), Err(NoStrategy::Type));
        let no_ids = ability(false, true);
        assert_eq!(
            no_ids.strategy(ServerKind::Generic, "Patient"),
            Ok(Strategy::Identifier)
        );
        assert_eq!(no_ids.strategy(ServerKind::Generic, "Binary"), Ok(Strategy::Tag));
        let neither = ability(false, false);
        assert_eq!(
            neither.strategy(ServerKind::Generic, "Patient"),
            Err(NoStrategy::Repeatable)
        );
    }

    #[test]
    fn what_is_no_statement_says_nothing() {
        assert_eq!(Ability::parse(b"<html>"), None);
        assert_eq!(Ability::parse(br#"{"resourceType":"Patient"}"#), None);
    }
}
