//! Who wins when a record is at the target already and says something else.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::fhir::is_type_name;

/// What to do with a record that is present at the target with other content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// The more recent one.
    NewerWins,
    /// The less recent one.
    OlderWins,
    /// The source's.
    KeepSource,
    /// The target's.
    KeepTarget,
    /// A person decides each.
    Ask,
}

/// A text that names no [`Policy`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{given:?} is no way to decide a conflict")]
pub struct UnknownPolicy {
    given: String,
}

impl Policy {
    /// Every policy, in the order in which they are offered.
    pub const ALL: [Self; 5] = [
        Self::NewerWins,
        Self::OlderWins,
        Self::KeepSource,
        Self::KeepTarget,
        Self::Ask,
    ];

    /// Its stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::NewerWins => "newer-wins",
            Self::OlderWins => "older-wins",
            Self::KeepSource => "keep-source",
            Self::KeepTarget => "keep-target",
            Self::Ask => "ask",
        }
    }
}

impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Policy {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        let named = Self::ALL.into_iter().find(|policy| policy.name() == text);
        named.ok_or_else(|| UnknownPolicy { given: text.to_owned() })
    }
}

/// A policy for all types, or for one; none where it is to be taken away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyFor {
    /// The type; all when absent.
    pub resource_type: Option<String>,
    /// The policy.
    pub policy: Option<Policy>,
}

impl FromStr for PolicyFor {
    type Err = UnknownPolicy;

    fn from_str(text: &str) -> Result<Self, UnknownPolicy> {
        let Some((resource_type, policy)) = text.split_once('=') else {
            return Ok(Self {
                resource_type: None,
                policy: Some(text.parse()?),
            });
        };
        if !is_type_name(resource_type) {
            return Err(UnknownPolicy { given: text.to_owned() });
        }
        Ok(Self {
            resource_type: Some(resource_type.to_owned()),
            policy: (!policy.is_empty()).then(|| policy.parse()).transpose()?,
        })
    }
}

impl UnknownPolicy {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(format!("use one of {}", Policy::ALL.map(Policy::name).join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_is_read_written_and_stored_by_the_same_name() {
        for policy in Policy::ALL {
            assert_eq!(policy.to_string().parse(), Ok(policy));
            assert_eq!(serde_json::to_string(&policy).unwrap(), format!("\"{policy}\""));
        }
    }

    #[test]
    fn a_policy_may_be_for_one_type() {
        let read = |text: &str| {
            let read: Result<PolicyFor, _> = text.parse();
            read.map(|p| (p.resource_type, p.policy))
        };
        let condition = || Some("Condition".to_owned());
        assert_eq!(read("ask"), Ok((None, Some(Policy::Ask))));
        assert_eq!(
            read("Condition=keep-target"),
            Ok((condition(), Some(Policy::KeepTarget)))
        );
        assert_eq!(read("Condition="), Ok((condition(), None)));
        assert!(read("condition=ask").is_err() && read("Condition=newest").is_err() && read("").is_err());
    }

    #[test]
    fn an_unknown_policy_lists_the_known_ones() {
        let error = "newest".parse::<Policy>().unwrap_err();
        assert_eq!(error.to_string(), "\"newest\" is no way to decide a conflict");
        assert_eq!(
            error.hint().unwrap(),
            "use one of newer-wins, older-wins, keep-source, keep-target, ask"
        );
    }
}
