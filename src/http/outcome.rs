//! What a server says about a failure: an `OperationOutcome`, an OAuth error, a web page, or just text.

use serde::Deserialize;
use serde_json::Value;

/// The longest text of a server that is shown, in characters.
const LONGEST: usize = 400;
/// A word this long without a break is a token or a key, not language.
const LONGEST_WORD: usize = 64;

/// One issue of an `OperationOutcome`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// `fatal`, `error`, `warning`, `information` or whatever was sent.
    pub severity: String,
    /// The issue type, such as `transient` or `not-found`.
    pub code: String,
    /// The best text there is, fit to be shown.
    pub text: String,
}

/// A server's own words about a failure, fit to be shown: short, without control characters, tokens and query strings.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The issues, if the body was an `OperationOutcome`.
    pub issues: Vec<Issue>,
    /// One line of text; empty if the body had none.
    pub text: String,
}

#[derive(Deserialize)]
struct RawIssue {
    #[serde(default)]
    severity: Value,
    #[serde(default)]
    code: Value,
    #[serde(default)]
    diagnostics: Value,
    #[serde(default)]
    details: Value,
}

impl Outcome {
    /// Reads a body leniently; anything at all gives an outcome.
    pub fn read(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(json) if json["resourceType"] == "OperationOutcome" => {
                Self::from_issues(&json["issue"])
            }
            Ok(json) if json["error"].is_string() => {
                let code = json["error"].as_str().unwrap_or_default();
                let description = json["error_description"].as_str().unwrap_or_default();
                let text = if description.is_empty() {
                    code.to_owned()
                } else {
                    format!("{code}: {description}")
                };
                Self {
                    issues: Vec::new(),
                    text: presentable(&text),
                }
            }
            Ok(json) => Self {
                issues: Vec::new(),
                text: presentable(json["message"].as_str().unwrap_or_default()),
            },
            Err(_) => Self {
                issues: Vec::new(),
                text: presentable(&plain_text(&String::from_utf8_lossy(body))),
            },
        }
    }

    /// True if the failure is passing (issue type `transient` or one of its children) and no other error is named beside it.
    pub fn is_transient(&self) -> bool {
        const PASSING: [&str; 7] = [
            "transient",
            "lock-error",
            "no-store",
            "exception",
            "timeout",
            "incomplete",
            "throttled",
        ];
        let passing = |issue: &Issue| PASSING.contains(&issue.code.as_str());
        let grave = |issue: &Issue| issue.severity != "warning" && issue.severity != "information";
        self.issues.iter().any(passing)
            && self.issues.iter().filter(|issue| grave(issue)).all(passing)
    }

    fn from_issues(issues: &Value) -> Self {
        let issues: Vec<Issue> = issues
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|issue| RawIssue::deserialize(issue).ok())
            .map(|raw| {
                let text = [
                    &raw.details["text"],
                    &raw.diagnostics,
                    &raw.details["coding"][0]["display"],
                ];
                let text = text
                    .into_iter()
                    .filter_map(Value::as_str)
                    .find(|text| !text.trim().is_empty());
                let code = raw.code.as_str().unwrap_or_default();
                Issue {
                    severity: presentable(raw.severity.as_str().unwrap_or_default()),
                    code: presentable(code),
                    text: presentable(text.unwrap_or(code)),
                }
            })
            .collect();
        let texts: Vec<&str> = issues.iter().map(|issue| issue.text.as_str()).collect();
        let text = presentable(&texts.join("; "));
        Self { issues, text }
    }
}

/// The words of a web page, or the text itself if it is none.
fn plain_text(text: &str) -> String {
    if !text.trim_start().starts_with('<') {
        return text.to_owned();
    }
    let lower = text.to_ascii_lowercase();
    if let (Some(start), Some(end)) = (lower.find("<title>"), lower.find("</title>"))
        && start + 7 <= end
    {
        return format!("web page \"{}\"", text[start + 7..end].trim());
    }
    let mut inside = false;
    let words = text.chars().filter_map(|c| match c {
        '<' => {
            inside = true;
            None
        }
        '>' => {
            inside = false;
            Some(' ')
        }
        _ => (!inside).then_some(c),
    });
    words.collect()
}

/// One line, without control or direction characters, tokens and query strings, cut to length.
fn presentable(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        let word: String = word
            .chars()
            .filter(|c| !c.is_control() && !is_direction(*c))
            .collect();
        let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        let word = if bare.starts_with("eyJ") || bare.len() > LONGEST_WORD && !word.contains("://")
        {
            "[hidden]"
        } else if word.contains("://") {
            word.split('?').next().unwrap_or_default()
        } else {
            word.as_str()
        };
        if !line.is_empty() && !word.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.chars().count() > LONGEST {
            line = line.chars().take(LONGEST).chain(['.', '.', '.']).collect();
            break;
        }
    }
    line
}

/// Characters that reorder the text around them on a terminal.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(body: &str) -> String {
        Outcome::read(body.as_bytes()).text
    }

    #[test]
    fn b92_anything_at_all_can_be_read_as_an_outcome() {
        assert_eq!(
            text(
                r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"not-found","diagnostics":"No such Group"},
                {"severity":"error","code":"invalid","details":{"text":"and more"}},{"code":"exception"}]}"#
            ),
            "No such Group; and more; exception"
        );
        assert_eq!(
            text(r#"{"error":"invalid_client","error_description":"who?"}"#),
            "invalid_client: who?"
        );
        assert_eq!(
            text("<html><head><title> 502 Bad Gateway </title></head>..."),
            "web page \"502 Bad Gateway\""
        );
        assert_eq!(text("<p>Not <b>here</b></p>"), "Not here");
        assert_eq!(text("Unauthorized\r\n"), "Unauthorized");
        assert_eq!(text(""), "");
        assert_eq!(text("[1,2]"), "");
        assert_eq!(Outcome::read(b"\xff\xfe").text, "\u{fffd}\u{fffd}");
        assert_eq!(
            text(r#"{"resourceType":"OperationOutcome","issue":"broken"}"#),
            ""
        );
    }

    #[test]
    fn a29_tokens_signatures_and_terminal_tricks_in_a_server_text_are_not_shown() {
        assert_eq!(
            text("bad token eyJhbGciOiJSUzM4NCJ9.e30.c2ln here"),
            "bad token [hidden] here"
        );
        assert_eq!(
            text("see https://x.example/f?sig=1 \u{1b}[31mred \u{202e}x"),
            "see https://x.example/f [31mred x"
        );
        assert_eq!(text(&"a".repeat(300)), "[hidden]");
        assert!(text(&"word ".repeat(3000)).chars().count() < 410);
    }

    #[test]
    fn b47_transient_only_when_every_error_is_passing() {
        let outcome = |issues: &str| {
            Outcome::read(
                format!(r#"{{"resourceType":"OperationOutcome","issue":[{issues}]}}"#).as_bytes(),
            )
        };
        let transient = r#"{"severity":"error","code":"transient"}"#;
        assert!(outcome(transient).is_transient());
        assert!(outcome(r#"{"severity":"error","code":"lock-error"},{"severity":"warning","code":"informational"}"#).is_transient());
        assert!(
            !outcome(&format!(
                r#"{transient},{{"severity":"fatal","code":"processing"}}"#
            ))
            .is_transient()
        );
        assert!(!outcome("").is_transient());
    }
}
