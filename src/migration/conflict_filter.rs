//! Which conflicts are meant: by type, kind and reason; and files of decisions that go by them.

use std::path::Path;

use serde::Deserialize;

use super::conflict::Conflict;

/// Conflicts of a type, a kind, a reason; what is absent does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConflictFilter {
    /// The records' type.
    pub resource_type: Option<String>,
    /// Name of the kind, such as `content-differs`.
    pub kind: Option<String>,
    /// Words that stand in what contradicts, such as `birth dates`; `none` when nothing must contradict.
    pub reason: Option<String>,
}

impl ConflictFilter {
    /// Whether a conflict is meant.
    pub fn matches(&self, conflict: &Conflict) -> bool {
        let kind = serde_json::to_value(conflict.kind).ok();
        let kind = kind.as_ref().and_then(|name| name.as_str());
        let because = |words: &String| match words.as_str() {
            "none" => conflict.contradictions.is_empty(),
            words => conflict.contradictions.iter().any(|what| what.contains(words)),
        };
        self.resource_type.as_ref().is_none_or(|t| *t == conflict.resource_type)
            && self.kind.as_deref().is_none_or(|k| kind == Some(k))
            && self.reason.as_ref().is_none_or(because)
    }
}

/// One rule of a file of decisions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConflictRule {
    /// What it is for.
    pub filter: ConflictFilter,
    /// The decision or policy.
    pub decision: String,
}

/// A file of decisions cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path} is not a file of decisions: {what}")]
pub struct RulesError {
    path: String,
    what: String,
}

impl RulesError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some("write tables `[[rule]]` with `decision` and, as needed, `type`, `kind`, `reason`; the first that fits decides".to_owned())
    }
}

/// The rules in the text of a file, in their order; `path` is for messages.
pub fn conflict_rules(path: &Path, text: &str) -> Result<Vec<ConflictRule>, RulesError> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        rule: Vec<Rule>,
    }
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Rule {
        #[serde(rename = "type")]
        resource_type: Option<String>,
        kind: Option<String>,
        reason: Option<String>,
        decision: String,
    }
    let file: File = toml::from_str(text).map_err(|error| RulesError {
        path: path.display().to_string(),
        what: error.message().to_owned(),
    })?;
    let rule = |rule: Rule| ConflictRule {
        filter: ConflictFilter {
            resource_type: rule.resource_type,
            kind: rule.kind,
            reason: rule.reason,
        },
        decision: rule.decision,
    };
    Ok(file.rule.into_iter().map(rule).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migration::{ConflictKind, Moved, Side};

    fn conflict(resource_type: &str, kind: ConflictKind, reasons: &[&str]) -> Conflict {
        let side = Side {
            id: "x".to_owned(),
            last_updated: None,
        };
        Conflict {
            id: "1".to_owned(),
            migration: "m".to_owned(),
            run: 1,
            file: 1,
            line: 1,
            kind,
            resource_type: resource_type.to_owned(),
            contradictions: reasons.iter().map(|r| (*r).to_owned()).collect(),
            comparison: None,
            source: side.clone(),
            target: side,
            source_hash: String::new(),
            decided: None,
            applied: false,
            moved: Moved::default(),
        }
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        let text = "
            [[rule]]
            type = 'Patient'
            reason = 'birth dates'
            decision = 'keep-both'
            [[rule]]
            kind = 'content-differs'
            decision = 'newer-wins'
            [[rule]]
            reason = 'none'
            decision = 'keep-target'
        ";
        let rules = conflict_rules(Path::new("rules.toml"), text).unwrap();
        let decision = |conflict: Conflict| {
            let rule = rules.iter().find(|rule| rule.filter.matches(&conflict));
            rule.map(|rule| rule.decision.clone())
        };
        let of = |text: &str| Some(text.to_owned());
        let births = ["different birth dates"];
        assert_eq!(
            decision(conflict("Patient", ConflictKind::MrnInUse, &births)),
            of("keep-both")
        );
        assert_eq!(
            decision(conflict("Condition", ConflictKind::ContentDiffers, &[])),
            of("newer-wins")
        );
        assert_eq!(
            decision(conflict("Patient", ConflictKind::MrnInUse, &[])),
            of("keep-target")
        );
        assert_eq!(
            decision(conflict("Patient", ConflictKind::MrnInUse, &["different genders"])),
            None
        );
    }

    #[test]
    fn a_file_that_says_something_else_is_refused() {
        let error = conflict_rules(Path::new("rules.toml"), "[[rule]]\ntype = 'Patient'").unwrap_err();
        assert!(error.to_string().contains("decision"), "{error}");
        assert!(conflict_rules(Path::new("rules.toml"), "[[rule]]\ntypo = 'x'\ndecision = 'ask'").is_err());
    }
}
