//! `OperationOutcome`: what a server says about a request, or about records it could not export.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::display::safe_start;

/// Most characters kept of an issue's text.
const MAX_TEXT: usize = 300;

/// Most characters kept of an issue's code; the longest of R4 has 18.
const MAX_CODE: usize = 40;

/// One issue of an outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issue {
    /// How bad it is.
    pub severity: Severity,
    /// Its code (R4 issue-type), fit for display; empty when absent.
    pub code: String,
    /// What it says to a person, fit for display and at most 300 characters; empty when it says nothing. A server may
    /// put anything here, patients' names too, so it belongs into sealed storage or onto the screen, not into a log.
    pub text: String,
}

/// How bad an issue is (R4 issue-severity), mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// For information; also what later releases call `success`.
    Information,
    /// A warning.
    Warning,
    /// An error; also what an unknown severity is taken for.
    Error,
    /// Nothing more could be done.
    Fatal,
}

impl Severity {
    /// Its code (R4 issue-severity).
    pub fn name(self) -> &'static str {
        match self {
            Self::Information => "information",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        }
    }
}

/// The issues of an `OperationOutcome`; None when `body` is something else. Elements of the wrong kind are passed over.
pub fn issues(body: &[u8]) -> Option<Vec<Issue>> {
    let outcome: Value = serde_json::from_slice(body).ok()?;
    if outcome["resourceType"] != "OperationOutcome" {
        return None;
    }
    Some(outcome["issue"].as_array().into_iter().flatten().map(issue).collect())
}

/// Whether an issue of this code may go away by itself (R4 issue-type: `transient` and its children).
pub fn is_transient(code: &str) -> bool {
    matches!(
        code,
        "transient" | "lock-error" | "no-store" | "exception" | "timeout" | "incomplete" | "throttled"
    )
}

fn issue(issue: &Value) -> Issue {
    let severity = match issue["severity"].as_str() {
        Some("information" | "success") => Severity::Information,
        Some("warning") => Severity::Warning,
        Some("fatal") => Severity::Fatal,
        _ => Severity::Error,
    };
    let details = &issue["details"];
    let texts = [
        &details["text"],
        &issue["diagnostics"],
        &details["coding"][0]["display"],
    ];
    let text = texts
        .iter()
        .find_map(|text| text.as_str().filter(|text| !text.trim().is_empty()));
    Issue {
        severity,
        code: safe_start(issue["code"].as_str().unwrap_or_default(), MAX_CODE).into_owned(),
        text: safe_start(text.unwrap_or_default().trim(), MAX_TEXT).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn issues_are_read_as_far_as_they_go() {
        let body = br#"{"resourceType":"OperationOutcome","issue":[
            {"severity":"warning","code":"not-found","details":{"text":" No such group "},"diagnostics":"x"},
            {"code":"throttled","diagnostics":"slow\u001b[2J"},
            {"severity":"odd","details":{"text":"","coding":[{"display":"Shown"}]}},7]}"#;
        let read = issues(body).unwrap();
        let seen: Vec<_> = read
            .iter()
            .map(|issue| (issue.severity, issue.code.as_str(), issue.text.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                (Severity::Warning, "not-found", "No such group"),
                (Severity::Error, "throttled", "slow␛[2J"),
                (Severity::Error, "", "Shown"),
                (Severity::Error, "", ""),
            ]
        );
        assert!(is_transient(seen[1].1) && !is_transient(seen[0].1));
    }

    #[test]
    fn a_long_text_is_cut() {
        let body = format!(
            r#"{{"resourceType":"OperationOutcome","issue":[{{"diagnostics":"{}"}}]}}"#,
            "é".repeat(5000)
        );
        assert_eq!(issues(body.as_bytes()).unwrap()[0].text.chars().count(), MAX_TEXT);
    }

    #[test]
    fn anything_else_has_no_issues() {
        for body in ["", "<html>", "[]", r#"{"resourceType":"Bundle"}"#] {
            assert_eq!(issues(body.as_bytes()), None, "{body}");
        }
        assert_eq!(issues(br#"{"resourceType":"OperationOutcome"}"#), Some(vec![]));
    }
}
