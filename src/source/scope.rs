//! SMART scopes, version 1 and 2, and what a grant leaves out.

/// A system scope for one resource type (SMART App Launch, Scopes).
#[derive(Debug, Clone, PartialEq, Eq)]
struct SystemScope<'a> {
    /// A resource type, or `*`.
    resource: &'a str,
    /// A subset of `cruds`.
    letters: &'a str,
    /// `?category=...`: only a part of the resources.
    partial: bool,
}

impl<'a> SystemScope<'a> {
    fn parse(scope: &'a str) -> Option<Self> {
        let (scope, partial) = scope.split_once('?').map_or((scope, false), |(scope, _)| (scope, true));
        let (resource, permission) = scope.strip_prefix("system/")?.split_once('.')?;
        let letters = match permission {
            "read" => "rs",
            "write" => "cud",
            "*" => "cruds",
            letters => in_order(letters).then_some(letters)?,
        };
        Some(Self {
            resource,
            letters,
            partial,
        })
    }

    fn covers(&self, wanted: &SystemScope<'_>) -> bool {
        (self.resource == "*" || self.resource == wanted.resource)
            && wanted.letters.chars().all(|letter| self.letters.contains(letter))
            && (!self.partial || wanted.partial)
    }
}

/// Version 2 letters are some of c, r, u, d, s, in this order.
fn in_order(letters: &str) -> bool {
    let mut order = "cruds".chars();
    !letters.is_empty() && letters.chars().all(|letter| order.any(|next| next == letter))
}

/// The requested scopes that the granted ones (separated by spaces) do not cover; `system/*.read` asked and single types
/// granted counts as not covered, for nobody knows which types are left out. An absent grant means "as requested"
/// (RFC 6749, section 5.1).
pub fn not_granted(requested: &[String], granted: Option<&str>) -> Vec<String> {
    let Some(granted) = granted else {
        return Vec::new();
    };
    let plain: Vec<&str> = granted.split_whitespace().collect();
    let scopes: Vec<SystemScope<'_>> = plain.iter().filter_map(|scope| SystemScope::parse(scope)).collect();
    let covered = |wanted: &&String| {
        plain.contains(&wanted.as_str())
            || SystemScope::parse(wanted).is_some_and(|wanted| scopes.iter().any(|scope| scope.covers(&wanted)))
    };
    requested.iter().filter(|wanted| !covered(wanted)).cloned().collect()
}

/// The resource types among `types` that a token with these granted scopes cannot read and search in full.
pub fn unreadable<'t>(types: &[&'t str], granted: &str) -> Vec<&'t str> {
    let scopes: Vec<SystemScope<'_>> = granted.split_whitespace().filter_map(SystemScope::parse).collect();
    let readable = |resource: &str| {
        let wanted = SystemScope {
            resource,
            letters: "r",
            partial: false,
        };
        scopes.iter().any(|scope| scope.covers(&wanted))
    };
    types.iter().copied().filter(|resource| !readable(resource)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(requested: &[&str], granted: &str) -> Vec<String> {
        let requested: Vec<String> = requested.iter().map(|&scope| scope.to_owned()).collect();
        not_granted(&requested, Some(granted))
    }

    #[test]
    fn a24_v1_and_v2_scopes_are_compared_by_what_they_allow() {
        assert!(missing(&["system/Patient.read"], "system/Patient.rs").is_empty());
        assert!(missing(&["system/Patient.rs", "system/Group.read"], "system/*.read").is_empty());
        assert!(missing(&["system/Patient.rs"], "system/Patient.cruds").is_empty());
        assert!(missing(&["system/Patient.rs"], "system/Patient.*").is_empty());
        assert_eq!(
            missing(&["system/Patient.rs"], "system/Patient.r"),
            ["system/Patient.rs"]
        );
        assert_eq!(
            missing(&["system/Patient.read"], "system/Patient.write"),
            ["system/Patient.read"]
        );
        assert_eq!(
            missing(&["system/Patient.rs"], "system/Patient.sr"),
            ["system/Patient.rs"],
            "letters out of order are no scope"
        );
        assert_eq!(missing(&["system/*.read"], "system/Patient.read"), ["system/*.read"]);
        assert_eq!(
            missing(&["system/Observation.rs"], "system/Observation.rs?category=laboratory"),
            ["system/Observation.rs"]
        );
    }

    #[test]
    fn a16_an_absent_scope_in_the_answer_means_as_requested() {
        assert!(not_granted(&["system/Patient.read".to_owned()], None).is_empty());
        assert_eq!(missing(&["system/Patient.read"], ""), ["system/Patient.read"]);
    }

    #[test]
    fn a26_types_a_token_cannot_read_are_named() {
        let granted = "system/Patient.rs system/Group.read system/Observation.rs?category=vital-signs";
        assert_eq!(
            unreadable(&["Patient", "Observation", "Encounter"], granted),
            ["Observation", "Encounter"]
        );
        assert!(unreadable(&["Patient", "Encounter"], "system/*.rs").is_empty());
    }
}
